//! Which leaf of every tree does a row end in, asked of all trees at once?
//!
//! Walking down tree after tree is a jump per question that no processor
//! foresees. Instead, a word per tree has a bit per leaf, from left to right, all
//! set; each feature's class takes out, by one `and` per tree, the leaves left of
//! the questions it answers with "right". The lowest bit that is still set is the
//! leaf: questions that would never have been asked took nothing out that lies
//! further left. What remains are loops over bytes.
//!
//! Trees of one question are tables, which are faster still.
//!
//! Source: Lucchese et al., "QuickScorer" (2015), by class instead of by threshold.

use std::ops::BitAndAssign;

use super::super::bins::Binned;
use super::BoostedTrees;
use super::tree::{Next, Tree};

/// Adds the answers of all trees to the log-odds of each row.
pub(super) fn add_to(model: &BoostedTrees, rows: &Binned, logits: &mut [f64]) {
    match model.trees.iter().map(|tree| tree.leaves.len()).max() {
        None => {}
        Some(..=2) => {
            let (base, tables) = tables(&model.trees, &rows.n_classes);
            logits.iter_mut().for_each(|logit| *logit += base);
            add_tables(&tables, rows, logits);
        }
        Some(3..=8) => Masks::<u8, 64>::new(&model.trees, rows).add_to(rows, logits),
        Some(9..=32) => Masks::<u32, 64>::new(&model.trees, rows).add_to(rows, logits),
        Some(_) => Masks::<u64, 32>::new(&model.trees, rows).add_to(rows, logits),
    }
}

/// What each class of each feature adds to the log-odds, and what is added to all, by
/// trees that ask one question at most.
pub(in super::super) fn tables(trees: &[Tree], n_classes: &[usize]) -> (f64, Vec<Vec<f64>>) {
    let mut base = 0.0;
    let mut tables: Vec<Vec<f64>> = n_classes.iter().map(|&n| vec![0.0; n]).collect();
    for tree in trees {
        let Some(split) = tree.splits.first() else {
            base += tree.leaves[0];
            continue;
        };
        for (class, cell) in (0..=u8::MAX).zip(&mut tables[split.feature]) {
            *cell += tree.leaves[tree.leaf_of_class(split, class)];
        }
    }
    (base, tables)
}

/// Adds what each row's classes add, feature by feature.
pub(in super::super) fn add_tables(tables: &[Vec<f64>], rows: &Binned, logits: &mut [f64]) {
    for (column, table) in rows.columns.iter().zip(tables) {
        for (logit, &class) in logits.iter_mut().zip(column) {
            *logit += table[usize::from(class)];
        }
    }
}

/// A bit per leaf.
trait Word: Copy + PartialEq + BitAndAssign {
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

/// What each class of each feature takes out. Trees are asked in tiles of so many as
/// have room in a few registers, the last filled up with trees that answer 0.
struct Masks<W, const TILE: usize> {
    /// The features that are asked about.
    features: Vec<Asked<W>>,
    /// Answers, trees × leaves from left to right.
    answers: Vec<f64>,
    n_leaves: usize,
}

/// What each class of a feature takes out. Neighbouring classes that no tree tells
/// apart share it, so that it stays in a near cache.
struct Asked<W> {
    feature: usize,
    /// Where in `masks` the trees of each class begin.
    starts: Vec<usize>,
    masks: Vec<W>,
}

impl<W: Word> Asked<W> {
    /// Of a feature's classes × trees; nothing if no tree asks about it.
    fn new(feature: usize, all: &[W], n_trees: usize) -> Option<Self> {
        let mut it = Self { feature, starts: Vec::new(), masks: Vec::new() };
        for masks in all.chunks_exact(n_trees) {
            if !it.masks.ends_with(masks) {
                it.masks.extend_from_slice(masks);
            }
            it.starts.push(it.masks.len() - n_trees);
        }
        (!all.is_empty()).then_some(it)
    }
}

impl<W: Word, const TILE: usize> Masks<W, TILE> {
    fn new(trees: &[Tree], rows: &Binned) -> Self {
        let n_leaves = trees.iter().map(|tree| tree.leaves.len()).max().unwrap_or(1);
        let n_trees = trees.len().next_multiple_of(TILE);
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
        let asked = of_feature.iter().enumerate();
        let asked = asked.filter_map(|(feature, masks)| Asked::new(feature, masks, n_trees));
        Self { features: asked.collect(), answers, n_leaves }
    }

    fn add_to(&self, rows: &Binned, logits: &mut [f64]) {
        let mut asked: Vec<&[W]> = Vec::with_capacity(self.features.len());
        for (row, logit) in logits.iter_mut().enumerate() {
            asked.clear();
            asked.extend(self.features.iter().map(|Asked { feature, starts, masks }| {
                &masks[starts[usize::from(rows.columns[*feature][row])]..]
            }));
            for (tile, answers) in self.answers.chunks_exact(TILE * self.n_leaves).enumerate() {
                let mut words = [W::ALL; TILE];
                for masks in &asked {
                    let masks = &masks[tile * TILE..][..TILE];
                    for (word, &mask) in words.iter_mut().zip(masks) {
                        *word &= mask;
                    }
                }
                // Four sums, so that none waits for the one before.
                let mut sums = [0.0; 4];
                let answers = answers.chunks_exact(self.n_leaves).zip(words);
                for (place, (answers, word)) in answers.enumerate() {
                    sums[place % 4] += answers[word.lowest()];
                }
                *logit += (sums[0] + sums[1]) + (sums[2] + sums[3]);
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
