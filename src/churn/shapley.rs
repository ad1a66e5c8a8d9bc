//! How much of a tree's answer is owed to each feature it asked about?
//!
//! The Shapley value: what knowing the feature adds to the expected answer,
//! averaged over all orders in which the features could become known; a feature
//! not known yet sends a row both ways, in the shares of the training rows.
//! Contributions of a tree then sum to its answer less its expected answer,
//! exactly.
//!
//! A tree's answer depends on the row only through which way each of its splits
//! goes. A tree of 8 leaves has 7 splits, so that 128 patterns are all there are:
//! each one's contributions are worked out once, and a row only looks its own up.
//!
//! Source: Lundberg et al., "From local explanations to global understanding with
//! explainable AI for trees" (2020), path-dependent feature perturbation.

use super::bins::Binned;
use super::boost::BoostedTrees;
use super::boost::tree::{Next, Tree};

/// Most leaves of a tree that is to be explained.
pub(super) const MOST_LEAVES: usize = 8;

/// Trees prepared for being explained.
pub(super) struct Explained {
    /// Expected log-odds over the training rows.
    pub base: f64,
    trees: Vec<Patterns>,
}

/// What one tree adds, by pattern.
struct Patterns {
    /// Feature and sides of each split.
    splits: Vec<(usize, [bool; 256])>,
    /// The features asked about, ascending.
    features: Vec<usize>,
    /// One row of `features.len()` contributions per pattern; bit `i` of a pattern
    /// is set where split `i` goes left.
    table: Vec<f64>,
}

impl Explained {
    pub(super) fn new(model: &BoostedTrees) -> Self {
        let base =
            model.trees.iter().fold(model.base, |sum, tree| sum + expected(tree, tree.root()));
        Self { base, trees: model.trees.iter().map(patterns).collect() }
    }

    /// Adds the contributions of each row, rows × `n_features`.
    pub(super) fn add_to(&self, rows: &Binned, n_features: usize, contributions: &mut [f64]) {
        for tree in &self.trees {
            let width = tree.features.len();
            for (row, own) in contributions.chunks_exact_mut(n_features).enumerate() {
                let mut pattern = 0;
                for (bit, (feature, goes_left)) in tree.splits.iter().enumerate() {
                    let class = rows.columns[*feature][row];
                    pattern |= usize::from(goes_left[usize::from(class)]) << bit;
                }
                let terms = &tree.table[pattern * width..][..width];
                for (&feature, term) in tree.features.iter().zip(terms) {
                    own[feature] += term;
                }
            }
        }
    }
}

fn expected(tree: &Tree, at: Next) -> f64 {
    match at {
        Next::Leaf(leaf) => tree.leaves[leaf],
        Next::Split(split) => {
            let split = &tree.splits[split];
            let [left, right] = split.next.map(|next| expected(tree, Next::of(next)));
            split.share * left + (1.0 - split.share) * right
        }
    }
}

fn patterns(tree: &Tree) -> Patterns {
    let mut features: Vec<usize> = tree.splits.iter().map(|split| split.feature).collect();
    features.sort_unstable();
    features.dedup();
    let sides = |split: &super::boost::tree::Split| {
        let goes_left = std::array::from_fn(|class| {
            u8::try_from(class).is_ok_and(|class| split.left.contains(class))
        });
        (split.feature, goes_left)
    };
    let mut table = Vec::new();
    for pattern in 0..1_usize << tree.splits.len() {
        let mut terms = vec![0.0; features.len()];
        let unknown = vec![(1.0, 1.0, false); features.len()];
        let walk = Walk { tree, features: &features, pattern };
        walk.add(tree.root(), &unknown, &mut terms);
        table.extend(terms);
    }
    Patterns { splits: tree.splits.iter().map(sides).collect(), features, table }
}

/// A walk to all leaves of a tree for one pattern.
struct Walk<'a> {
    tree: &'a Tree,
    features: &'a [usize],
    pattern: usize,
}

/// Of one feature on the way to a leaf: 1 if the row goes this way and else 0, the
/// share of training rows that do, and whether the feature was asked about.
type Passed = (f64, f64, bool);

impl Walk<'_> {
    fn add(&self, at: Next, passed: &[Passed], terms: &mut [f64]) {
        match at {
            Next::Leaf(leaf) => add_leaf(self.tree.leaves[leaf], passed, terms),
            Next::Split(index) => {
                let split = &self.tree.splits[index];
                let goes_left = self.pattern >> index & 1 == 1;
                let place = self.features.partition_point(|&feature| feature < split.feature);
                for (side, next) in split.next.into_iter().enumerate() {
                    let is_left = side == 0;
                    let share = if is_left { split.share } else { 1.0 - split.share };
                    let mut passed = passed.to_vec();
                    let (known, unknown, asked) = &mut passed[place];
                    *known *= f64::from(u8::from(goes_left == is_left));
                    *unknown *= share;
                    *asked = true;
                    self.add(Next::of(next), &passed, terms);
                }
            }
        }
    }
}

/// Adds what each feature contributes to reaching a leaf of this `answer`.
fn add_leaf(answer: f64, passed: &[Passed], terms: &mut [f64]) {
    let asked: Vec<usize> = (0..passed.len()).filter(|&place| passed[place].2).collect();
    let n = asked.len();
    for &own in &asked {
        // Sums over the sets of other features that are known, by their size.
        let mut by_size = vec![0.0; n];
        by_size[0] = 1.0;
        for (n_seen, &other) in asked.iter().filter(|&&other| other != own).enumerate() {
            let (known, unknown, _) = passed[other];
            for size in (0..=n_seen + 1).rev() {
                let with = if size > 0 { by_size[size - 1] * known } else { 0.0 };
                by_size[size] = by_size[size] * unknown + with;
            }
        }
        let mean: f64 = by_size.iter().enumerate().map(|(size, sum)| sum * weight(size, n)).sum();
        let (known, unknown, _) = passed[own];
        terms[own] += answer * (known - unknown) * mean;
    }
}

/// Share of the orders of `n` features in which exactly `size` given ones come
/// before a given other: `size! (n − size − 1)! / n!`.
fn weight(size: usize, n: usize) -> f64 {
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    factorial(size) * factorial(n - size - 1) / factorial(n)
}

#[cfg(test)]
mod tests {
    use linfa::traits::Fit;

    use super::super::boost::Boosting;
    use super::super::boost::tests::{dataset, frame, predict};
    use super::*;

    /// Expected answer of a tree when only the features in `known` are known.
    fn value(tree: &Tree, at: Next, rows: &Binned, row: usize, known: &[usize]) -> f64 {
        match at {
            Next::Leaf(leaf) => tree.leaves[leaf],
            Next::Split(split) => {
                let split = &tree.splits[split];
                let side = |side: usize| value(tree, Next::of(split.next[side]), rows, row, known);
                if known.contains(&split.feature) {
                    side(usize::from(!split.left.contains(rows.columns[split.feature][row])))
                } else {
                    split.share * side(0) + (1.0 - split.share) * side(1)
                }
            }
        }
    }

    /// All orders of `n` things.
    fn orders(n: usize) -> Vec<Vec<usize>> {
        if n == 0 {
            return vec![Vec::new()];
        }
        let insert = |order: Vec<usize>| {
            (0..n).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, n - 1);
                longer
            })
        };
        orders(n - 1).into_iter().flat_map(insert).collect()
    }

    #[test]
    fn contributions_are_the_mean_over_all_orders_of_learning_the_features() {
        let data = dataset(&frame(4_000));
        let rows = &data.records;
        let model = Boosting::new(8, 0.3, 10).shares(1.0, 1.0).fit(&data).unwrap();
        let explained = Explained::new(&model);
        let mut found = vec![0.0; 4_000 * 4];
        explained.add_to(rows, 4, &mut found);
        let orders = orders(4);
        assert_eq!(orders.len(), 24);
        for row in (0..4_000).step_by(97) {
            let mut expected = [0.0; 4];
            for tree in &model.trees {
                for order in &orders {
                    let mut before = value(tree, tree.root(), rows, row, &[]);
                    for n_known in 1..=4 {
                        let after = value(tree, tree.root(), rows, row, &order[..n_known]);
                        expected[order[n_known - 1]] += (after - before) / 24.0;
                        before = after;
                    }
                }
            }
            for (found, expected) in found[row * 4..][..4].iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
            }
        }
        // Together they are the log-odds, and their mean is that of the rows.
        let logits = predict(&model, rows);
        for (row, logit) in logits.iter().enumerate() {
            let sum: f64 = found[row * 4..][..4].iter().sum();
            assert!((explained.base + sum - logit).abs() < 1e-12);
        }
        assert!((explained.base - logits.mean().unwrap()).abs() < 1e-9);
    }
}
