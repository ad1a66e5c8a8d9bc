//! Which leaf of every tree does a row end in, asked of all trees at once?
//!
//! Walking down tree after tree is a jump per question that no processor
//! foresees. Instead, a tree is a few bits of a word, one per leaf, from left to
//! right, all set; each feature's class takes out, by one `and` for many trees, the
//! leaves left of the questions it answers with "right". The lowest bit that is
//! still set is the leaf: questions that would never have been asked took nothing
//! out that lies further left.
//!
//! As many trees as have room in a few registers are a *tile*, which is asked of all
//! rows before the next, so that the features it asks about, and what their classes
//! take out, stay in the nearest cache. Which trees are neighbours is decided once
//! they are grown ([`super::concise`]). Trees of one question are tables, which are
//! faster still.
//!
//! Source: Lucchese et al., "QuickScorer" (2015), by class instead of by threshold
//! and several trees to a word.

use std::ops::Range;

use super::super::bins::Binned;
use super::BoostedTrees;
use super::tree::{Next, Tree};

/// Adds the answers of all trees to the log-odds of each row.
pub(super) fn add_to(model: &BoostedTrees, rows: &Binned, logits: &mut [f64]) {
    let most = model.trees.iter().map(|tree| tree.leaves.len()).max().unwrap_or(0);
    match bits(most) {
        _ if most <= 2 => {
            let (base, tables) = tables(&model.trees, &rows.n_classes);
            logits.iter_mut().for_each(|logit| *logit += base);
            add_tables(&tables, rows, logits);
        }
        4 => add_tiles::<4>(&model.trees, rows, logits),
        8 => add_tiles::<8>(&model.trees, rows, logits),
        16 => add_tiles::<16>(&model.trees, rows, logits),
        32 => add_tiles::<32>(&model.trees, rows, logits),
        _ => add_tiles::<64>(&model.trees, rows, logits),
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

/// Words of a tile.
const WORDS: usize = 4;

/// Bits that a tree of so many leaves takes of a word.
const fn bits(leaves: usize) -> usize {
    let bits = leaves.next_power_of_two();
    if bits < 4 { 4 } else { bits }
}

/// Trees of so many leaves that are asked at a time.
pub(super) const fn together(leaves: usize) -> usize {
    WORDS * 64 / bits(leaves)
}

/// Trees that are asked together, each a few bits of the words.
struct Tile<const BITS: usize> {
    asked: Vec<Asked>,
    /// Answers of each tree, from left to right; those that are not there answer 0.
    answers: Vec<[f64; BITS]>,
}

/// What each class of a feature takes out. Classes that no tree of the tile tells
/// apart from the one before share it, so that a tile stays in the nearest cache.
struct Asked {
    feature: usize,
    /// Where in `masks` each class is.
    places: [u8; 256],
    masks: Vec<[u64; WORDS]>,
}

impl Asked {
    fn new(feature: usize, of_class: &[[u64; WORDS]]) -> Self {
        let mut it = Self { feature, places: [0; 256], masks: Vec::new() };
        for (place, masks) in it.places.iter_mut().zip(of_class) {
            if it.masks.last() != Some(masks) {
                it.masks.push(*masks);
            }
            // There are no more classes than a byte tells apart.
            *place = u8::try_from(it.masks.len() - 1).unwrap_or(u8::MAX);
        }
        it
    }
}

/// Adds the answers of all trees, tile by tile; each has up to `BITS` leaves.
fn add_tiles<const BITS: usize>(trees: &[Tree], rows: &Binned, logits: &mut [f64]) {
    for trees in trees.chunks(together(BITS)) {
        Tile::<BITS>::new(trees, &rows.n_classes).add_to(rows, logits);
    }
}

impl<const BITS: usize> Tile<BITS> {
    fn new(trees: &[Tree], n_classes: &[usize]) -> Self {
        let mut answers = vec![[0.0; BITS]; together(BITS)];
        let mut of_feature: Vec<Vec<[u64; WORDS]>> = vec![Vec::new(); n_classes.len()];
        for (number, (tree, answers)) in trees.iter().zip(&mut answers).enumerate() {
            let mut order = Vec::new();
            let mut left = vec![0..0; tree.splits.len()];
            from_left(tree, tree.root(), &mut order, &mut left);
            for (answer, leaf) in answers.iter_mut().zip(order) {
                *answer = tree.leaves[leaf];
            }
            let (word, shift) = (number * BITS / 64, number * BITS % 64);
            for (split, leaves) in tree.splits.iter().zip(left) {
                let taken = leaves.fold(0, |taken, leaf| taken | 1 << (shift + leaf));
                let of_class = &mut of_feature[split.feature];
                of_class.resize(n_classes[split.feature], [u64::MAX; WORDS]);
                for (class, masks) in (0..=u8::MAX).zip(of_class) {
                    if !split.left.contains(class) {
                        masks[word] &= !taken;
                    }
                }
            }
        }
        let asked = of_feature.iter().enumerate().filter(|(_, of_class)| !of_class.is_empty());
        let asked = asked.map(|(feature, of_class)| Asked::new(feature, of_class));
        Self { asked: asked.collect(), answers }
    }

    fn add_to(&self, rows: &Binned, logits: &mut [f64]) {
        let columns: Vec<&[u8]> =
            self.asked.iter().map(|asked| &rows.columns[asked.feature][..logits.len()]).collect();
        for (row, logit) in logits.iter_mut().enumerate() {
            let mut words = [u64::MAX; WORDS];
            for (column, Asked { places, masks, .. }) in columns.iter().zip(&self.asked) {
                let masks = masks[usize::from(places[usize::from(column[row])])];
                for word in 0..WORDS {
                    words[word] &= masks[word];
                }
            }
            // Four sums, so that none waits for the one before.
            let mut sums = [0.0; WORDS];
            let answers = self.answers.chunks_exact(64 / BITS);
            for ((sum, mut word), answers) in sums.iter_mut().zip(words).zip(answers) {
                for answers in answers {
                    // A bit of each tree is left, and its lowest is the lowest of all.
                    *sum += answers[word.trailing_zeros() as usize % BITS];
                    // A tree of 64 bits is the only one of its word, and nothing is
                    // read after it.
                    word = word.wrapping_shr(BITS as u32);
                }
            }
            *logit += (sums[0] + sums[1]) + (sums[2] + sums[3]);
        }
    }
}

/// The leaves below `at` from left to right, and for each split which of them are
/// on its left: from the first up to, and without, the second.
fn from_left(tree: &Tree, at: Next, order: &mut Vec<usize>, left: &mut [Range<usize>]) {
    match at {
        Next::Leaf(leaf) => order.push(leaf),
        Next::Split(index) => {
            let next = tree.splits[index].next;
            let first = order.len();
            from_left(tree, Next::of(next[0]), order, left);
            left[index] = first..order.len();
            from_left(tree, Next::of(next[1]), order, left);
        }
    }
}
