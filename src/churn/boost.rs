//! Which questions, asked one after the other, tell leavers from stayers?
//!
//! Gradient boosting of small trees on the log-loss (Friedman, "Greedy function
//! approximation", 2001, with second derivatives as in Chen and Guestrin,
//! "XGBoost", 2016): each tree asks what the trees before it still get wrong,
//! and a small share of its answer is added to the log-odds. A tree of two
//! leaves asks about one feature, so that a sum of them is additive; larger ones
//! find what matters only together.
//!
//! - *Best leaf first* (`grow`), up to a number of leaves: an order that spends
//!   splits where they gain most.
//! - *Histograms* (`histogram`): rows are bytes ([`super::bins`]), a split looks
//!   at sums per class, and the larger child's are the parent's less the smaller's.
//! - *Missing* goes to the side where it gains more; of a *category*, one level is
//!   held against all others.
//! - *Each tree sees a part* of the rows and of the features, drawn by a seed: what
//!   only some rows show does not come back from tree to tree.
//! - *The number of threads changes no bit*: sums are integers.
//! - *All trees are asked at once* (`predict`) where log-odds are wanted without
//!   reasons, from the few classes that they tell apart (`concise`).

mod concise;
mod grow;
mod histogram;
pub(super) mod predict;
pub(super) mod tree;

use linfa::dataset::Records;
use linfa::traits::{Fit, PredictInplace};
use linfa::{DatasetBase, ParamGuard};
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::bins::Binned;
use super::spec::Direction;
use crate::error::{Error, ErrorKind, Result};
use grow::Grower;
use tree::Tree;

/// Most leaves of a tree.
pub const MOST_LEAVES: usize = 64;

/// Boosted trees, not checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Boosting(BoostingValid);

/// Boosted trees, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostingValid {
    leaves: usize,
    rate: f64,
    trees: usize,
    row_share: f64,
    feature_share: f64,
    seed: u64,
    n_threads: usize,
    /// Of each feature, which way the log-odds may go; none where either.
    directions: Vec<Option<Direction>>,
}

impl Boosting {
    /// `trees` trees of up to `leaves` leaves, of whose answers the share `rate`
    /// counts.
    #[must_use]
    pub const fn new(leaves: usize, rate: f64, trees: usize) -> Self {
        let (row_share, feature_share) = (0.8, 0.5);
        let (seed, n_threads) = (0, 1);
        Self(BoostingValid {
            leaves,
            rate,
            trees,
            row_share,
            feature_share,
            seed,
            n_threads,
            directions: Vec::new(),
        })
    }

    /// The share of rows and of features that each tree sees.
    #[must_use]
    pub const fn shares(mut self, rows: f64, features: f64) -> Self {
        (self.0.row_share, self.0.feature_share) = (rows, features);
        self
    }

    /// What decides which rows and features they are.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Which way the log-odds may go when a feature grows, in the order of the
    /// features; those after the last may go either way. Trees of two leaves only.
    #[must_use]
    pub fn monotone(mut self, directions: Vec<Option<Direction>>) -> Self {
        self.0.directions = directions;
        self
    }

    /// Threads to use; the model does not depend on them.
    #[must_use]
    pub const fn threads(mut self, n_threads: usize) -> Self {
        self.0.n_threads = n_threads;
        self
    }
}

impl ParamGuard for Boosting {
    type Checked = BoostingValid;
    type Error = Error;

    fn check_ref(&self) -> Result<&BoostingValid> {
        let it = &self.0;
        let share = |share: f64| share > 0.0 && share <= 1.0;
        let rules = [
            ((2..=MOST_LEAVES).contains(&it.leaves), "leaves", "2 to 64"),
            (it.rate.is_finite() && it.rate > 0.0 && it.rate <= 1.0, "rate", "above 0, up to 1"),
            ((1..=100_000).contains(&it.trees), "trees", "1 to 100000"),
            (share(it.row_share), "the share of rows", "above 0, up to 1"),
            (share(it.feature_share), "the share of features", "above 0, up to 1"),
            (
                it.leaves == 2 || it.directions.iter().all(Option::is_none),
                "leaves",
                "2 where features are monotone",
            ),
        ];
        match rules.iter().find(|(holds, ..)| !holds) {
            None => Ok(it),
            Some((_, name, rule)) => {
                Err(Error::new(ErrorKind::Usage, format!("boosting: {name} must be {rule}")))
            }
        }
    }

    fn check(self) -> Result<BoostingValid> {
        self.check_ref()?;
        Ok(self.0)
    }
}

/// Boosted trees, fitted: the log-odds are the base and what each tree adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoostedTrees {
    pub(super) base: f64,
    pub(super) trees: Vec<Tree>,
}

impl PredictInplace<Binned, Array1<f64>> for BoostedTrees {
    /// Writes the log-odds of churn of each row.
    fn predict_inplace<'a>(&'a self, rows: &'a Binned, logits: &mut Array1<f64>) {
        logits.fill(self.base);
        if let Some(logits) = logits.as_slice_mut() {
            predict::add_to(self, rows, logits);
        }
    }

    fn default_target(&self, rows: &Binned) -> Array1<f64> {
        Array1::zeros(rows.nsamples())
    }
}

impl Fit<Binned, Array1<bool>, Error> for BoostingValid {
    type Object = BoostedTrees;

    /// Fits as many trees as were asked for.
    fn fit(&self, dataset: &DatasetBase<Binned, Array1<bool>>) -> Result<BoostedTrees> {
        let churned = dataset.targets.to_vec();
        let mut path = self.path(&dataset.records, &churned)?;
        while path.grow()? {}
        Ok(path.model)
    }
}

impl BoostingValid {
    /// Begins a model to which trees are added one by one, so that its quality
    /// on other rows can be seen on the way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] if rows and outcomes are not as many, there are none,
    /// or more than sums have room for.
    pub(super) fn path<'a>(&'a self, rows: &'a Binned, churned: &'a [bool]) -> Result<Path<'a>> {
        let n_rows = rows.nsamples();
        if churned.len() != n_rows || !(1..=histogram::MOST_ROWS).contains(&n_rows) {
            let words = format!("boosting: {n_rows} rows and {} labels", churned.len());
            return Err(Error::new(ErrorKind::Input, words));
        }
        let n_churned = churned.iter().filter(|&&churned| churned).count() as f64;
        // Half a row of each kind, so that all of one kind are not certain.
        let base = ((n_churned + 0.5) / (n_rows as f64 - n_churned + 0.5)).ln();
        Ok(Path {
            model: BoostedTrees { base, trees: Vec::new() },
            logits: vec![base; n_rows],
            churned,
            grower: Grower::new(self, rows),
            wanted: self.trees,
        })
    }
}

/// A model that grows tree by tree.
pub(super) struct Path<'a> {
    pub(super) model: BoostedTrees,
    logits: Vec<f64>,
    churned: &'a [bool],
    grower: Grower<'a>,
    wanted: usize,
}

impl Path<'_> {
    /// Adds the next tree; false once there are as many as were asked for.
    pub(super) fn grow(&mut self) -> Result<bool> {
        let number = self.model.trees.len();
        if number >= self.wanted {
            return Ok(false);
        }
        let tree = self.grower.grow(number as u64, &mut self.logits, self.churned)?;
        self.model.trees.push(tree);
        Ok(true)
    }

    /// The tree that was added last.
    pub(super) fn last(&self) -> Option<&Tree> {
        self.model.trees.last()
    }
}

#[cfg(test)]
pub(super) mod tests;
