//! Which leaf of every tree does a row end in, asked of all trees at once?
//!
//! Walking down tree after tree is a jump per question that no processor
//! foresees. Instead, a word per tree has a bit per leaf, from left to right, all
//! set; each feature's class takes out, by one `and` per tree, the leaves left of
//! the questions it answers with "right". The lowest bit that is still set is the
//! leaf: questions that would never have been asked took nothing out that lies
//! further left. What remains are loops over bytes.
//!
//! Source: Lucchese et al., "QuickScorer" (2015), by class instead of by threshold.

use std::ops::BitAndAssign;

use super::super::bins::Binned;
use super::BoostedTrees;
use super::tree::{Next, Tree};

/// Rows that are scored side by side, so that no sum waits for the one before.
const ROWS: usize = 8;

/// Adds the answers of all trees, in their order, to the log-odds of each row.
pub(super) fn add_to(model: &BoostedTrees, rows: &Binned, logits: &mut [f64]) {
    match model.trees.iter().map(|tree| tree.leaves.len()).max() {
        None => {}
        Some(0..=8) => Masks::<u8>::new(&model.trees, rows).add_to(rows, logits),
        Some(9..=32) => Masks::<u32>::new(&model.trees, rows).add_to(rows, logits),
        Some(_) => Masks::<u64>::new(&model.trees, rows).add_to(rows, logits),
    }
}

/// A bit per leaf.
trait Word: Copy + BitAndAssign {
    /// All leaves.
    const ALL: Self;
    /// All leaves but those from `first` up to, and without, `end`.
    fn without(first: usize, end: usize) -> Self;
    /// The leftmost leaf.
    fn lowest(self) -> usize;
}

macro_rules! word {
    ($($type:ty),*) => {$(
        impl Word for $type {
            const ALL: Self = Self::MAX;

            fn without(first: usize, end: usize) -> Self {
                (first..end).fold(Self::MAX, |word, leaf| word & !(1 << leaf))
            }

            fn lowest(self) -> usize {
                self.trailing_zeros() as usize
            }
        }
    )*};
}

word!(u8, u32, u64);

/// What each class of each feature takes out.
struct Masks<W> {
    n_trees: usize,
    /// Features asked about, each with classes × trees.
    features: Vec<(usize, Vec<W>)>,
    /// Answers, trees × leaves from left to right.
    answers: Vec<f64>,
    n_leaves: usize,
}

impl<W: Word> Masks<W> {
    fn new(trees: &[Tree], rows: &Binned) -> Self {
        let n_leaves = trees.iter().map(|tree| tree.leaves.len()).max().unwrap_or(1);
        let n_trees = trees.len();
        let mut of_feature: Vec<Vec<W>> = vec![Vec::new(); rows.columns.len()];
        let mut answers = vec![0.0; n_trees * n_leaves];
        for (number, tree) in trees.iter().enumerate() {
            let mut order = Vec::new();
            let mut left = vec![(0, 0); tree.splits.len()];
            from_left(tree, tree.root(), &mut order, &mut left);
            for (place, leaf) in order.into_iter().enumerate() {
                answers[number * n_leaves + place] = tree.leaves[leaf];
            }
            for (split, (first, end)) in tree.splits.iter().zip(left) {
                let masks = &mut of_feature[split.feature];
                masks.resize(rows.n_classes[split.feature] * n_trees, W::ALL);
                for (class, masks) in (0..=u8::MAX).zip(masks.chunks_exact_mut(n_trees)) {
                    if !split.left.contains(class) {
                        masks[number] &= W::without(first, end);
                    }
                }
            }
        }
        let asked = of_feature.into_iter().enumerate().filter(|(_, masks)| !masks.is_empty());
        Self { n_trees, features: asked.collect(), answers, n_leaves }
    }

    fn add_to(&self, rows: &Binned, logits: &mut [f64]) {
        let mut words = vec![W::ALL; ROWS * self.n_trees];
        for (block, logits) in logits.chunks_mut(ROWS).enumerate() {
            words.fill(W::ALL);
            for (feature, masks) in &self.features {
                let classes = &rows.columns[*feature][block * ROWS..][..logits.len()];
                for (words, &class) in words.chunks_exact_mut(self.n_trees).zip(classes) {
                    let masks = &masks[usize::from(class) * self.n_trees..][..self.n_trees];
                    for (word, &mask) in words.iter_mut().zip(masks) {
                        *word &= mask;
                    }
                }
            }
            for (tree, answers) in self.answers.chunks_exact(self.n_leaves).enumerate() {
                for (row, logit) in logits.iter_mut().enumerate() {
                    *logit += answers[words[row * self.n_trees + tree].lowest()];
                }
            }
        }
    }
}

/// The leaves below `at` from left to right, and for each split which of them are
/// on its left: from the first up to, and without, the second.
fn from_left(tree: &Tree, at: Next, order: &mut Vec<usize>, left: &mut [(usize, usize)]) {
    match at {
        Next::Leaf(leaf) => order.push(leaf),
        Next::Split(index) => {
            let next = tree.splits[index].next;
            let first = order.len();
            from_left(tree, Next::of(next[0]), order, left);
            left[index] = (first, order.len());
            from_left(tree, Next::of(next[1]), order, left);
        }
    }
}
