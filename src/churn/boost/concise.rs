//! What can be left out of trees and their classes without another answer?
//!
//! Of some two hundred ranges of a number most lie on one side of all questions
//! once the trees are grown: neighbours that no tree tells apart become one, and so
//! do levels of a category that are treated as the rare ones are. Features nobody
//! asks about go. Trees that ask about the same features become neighbours, since
//! they are asked together ([`super::predict`]).

use std::collections::BTreeSet;

use super::super::bins::Binning;
use super::BoostedTrees;
use super::predict::together;
use super::tree::{Side, Tree};

impl BoostedTrees {
    /// The same answers, to rounding, from fewer classes.
    #[must_use]
    pub fn concise(mut self, mut binning: Binning) -> (Self, Binning) {
        let mut sides: Vec<Vec<Side>> = vec![Vec::new(); binning.names().count()];
        for split in self.trees.iter().flat_map(|tree| &tree.splits) {
            sides[split.feature].push(split.left);
        }
        let is_asked: Vec<bool> = sides.iter().map(|sides| !sides.is_empty()).collect();
        let number = |feature: usize| is_asked[..feature].iter().filter(|&&asked| asked).count();
        let merged = binning.merge(|feature, one, other| {
            sides[feature].iter().all(|left| left.contains(one) == left.contains(other))
        });
        for split in self.trees.iter_mut().flat_map(|tree| &mut tree.splits) {
            let mut left = Side::default();
            let classes = (0..=u8::MAX).zip(&merged[split.feature]);
            classes
                .filter(|(_, was)| split.left.contains(**was))
                .for_each(|(is, _)| left.insert(is));
            (split.left, split.feature) = (left, number(split.feature));
        }
        binning.retain(&is_asked);
        self.trees = neighbours(self.trees);
        (self, binning)
    }
}

/// The trees in an order in which those that are asked together ask about few
/// features: next comes the first of those that add fewest to their tile's. Trees of
/// one question are not asked together.
fn neighbours(trees: Vec<Tree>) -> Vec<Tree> {
    let features = |tree: &Tree| tree.splits.iter().map(|it| it.feature).collect::<BTreeSet<_>>();
    let most = trees.iter().map(|tree| tree.leaves.len()).max().unwrap_or(1);
    if most <= 2 {
        return trees;
    }
    let mut left: Vec<(BTreeSet<usize>, Tree)> =
        trees.into_iter().map(|tree| (features(&tree), tree)).collect();
    let mut sorted = Vec::with_capacity(left.len());
    let mut tile = BTreeSet::new();
    while !left.is_empty() {
        if sorted.len().is_multiple_of(together(most)) {
            tile.clear();
        }
        let added = |at: &usize| left[*at].0.difference(&tile).count();
        let none = (0..left.len()).find(|at| added(at) == 0);
        let next = none.or_else(|| (0..left.len()).min_by_key(added)).unwrap_or_default();
        let (own, tree) = left.remove(next);
        tile.extend(own);
        sorted.push(tree);
    }
    sorted
}
