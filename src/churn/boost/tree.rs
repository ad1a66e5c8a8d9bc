//! What does one tree ask, and what does it answer?

use serde::{Deserialize, Serialize};

use super::super::bins::Binned;

/// Which classes of a feature go left: one bit per class, 32 to a number, since
/// larger ones are not exact in every reader of JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Side([u32; 8]);

impl Side {
    pub(super) fn insert(&mut self, class: u8) {
        self.0[usize::from(class >> 5)] |= 1 << (class & 31);
    }

    pub(in super::super) fn contains(self, class: u8) -> bool {
        (self.0[usize::from(class >> 5)] >> (class & 31)) & 1 == 1
    }
}

/// A question: is the feature's class among those that go left?
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Split {
    pub feature: usize,
    pub left: Side,
    /// Share of the training rows asked that went left.
    pub share: f64,
    /// The next split on the left and on the right; below zero, the leaf `!next`.
    pub next: [i32; 2],
}

/// A tree; without a split it is its only leaf.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Tree {
    pub splits: Vec<Split>,
    /// What each leaf adds to the log-odds.
    pub leaves: Vec<f64>,
}

/// Where a child is: another split, or a leaf.
pub(in super::super) enum Next {
    Split(usize),
    Leaf(usize),
}

impl Next {
    pub fn of(next: i32) -> Self {
        usize::try_from(next)
            .map_or_else(|_| Self::Leaf(usize::try_from(!next).unwrap_or_default()), Self::Split)
    }
}

impl Tree {
    /// Where the first question stands.
    pub fn root(&self) -> Next {
        if self.splits.is_empty() { Next::Leaf(0) } else { Next::Split(0) }
    }

    /// Adds the tree's answer to the log-odds of each row.
    pub fn add_to(&self, rows: &Binned, logits: &mut [f64]) {
        if let [split] = &self.splits[..] {
            // Most trees are of this kind when the model is additive.
            let of_class: [f64; 256] = std::array::from_fn(|class| {
                let leaf = self.leaf_of_class(split, u8::try_from(class).unwrap_or(u8::MAX));
                self.leaves[leaf]
            });
            for (logit, &class) in logits.iter_mut().zip(&rows.columns[split.feature]) {
                *logit += of_class[usize::from(class)];
            }
            return;
        }
        for (row, logit) in logits.iter_mut().enumerate() {
            *logit += self.leaves[self.leaf_of(rows, row)];
        }
    }

    /// The leaf a class ends in, where `split` is the only one.
    pub fn leaf_of_class(&self, split: &Split, class: u8) -> usize {
        match Next::of(split.next[usize::from(!split.left.contains(class))]) {
            Next::Leaf(leaf) => leaf,
            Next::Split(_) => 0,
        }
    }

    /// The leaf a row ends in.
    pub fn leaf_of(&self, rows: &Binned, row: usize) -> usize {
        let mut at = self.root();
        loop {
            match at {
                Next::Leaf(leaf) => return leaf,
                Next::Split(split) => {
                    let Split { feature, left, next, .. } = &self.splits[split];
                    let goes_left = left.contains(rows.columns[*feature][row]);
                    at = Next::of(next[usize::from(!goes_left)]);
                }
            }
        }
    }
}
