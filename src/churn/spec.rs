//! What is to be predicted, for whom, from what?
//!
//! A spec is one TOML file. It names the label (who counts as churned), the
//! cutoffs (at which past dates the model may look at the data), the features,
//! the estimators to try and the thresholds of the bands. Reading it checks
//! names and types; the values are checked by [`super::params`].
//!
//! ```toml
//! name = "churn"
//! title = { en = "Churn", zh = "客户流失" }
//! seed = 42
//!
//! [label]
//! kind = "inactivity"
//! horizon_days = 90
//! eligible_days = 90
//!
//! [cutoffs]
//! kind = "calendar"
//! every = "month"
//! count = 12
//! holdout = 3
//!
//! [features]
//! groups = ["activity"]
//! ```

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::text::Text;

/// A churn model to be trained, as written in `models/*.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChurnSpec {
    /// Short name, also that of the file.
    pub name: String,
    /// What people call it.
    pub title: Text,
    /// Who counts as churned.
    pub label: Label,
    /// When the model may look at the data.
    pub cutoffs: Cutoffs,
    /// From what it predicts.
    #[serde(default)]
    pub features: Features,
    /// The estimators validation chooses from.
    #[serde(default = "default_candidates")]
    pub candidates: Vec<Candidate>,
    /// Where high and medium risk begin.
    #[serde(default)]
    pub bands: Bands,
    /// Over what time a customer's expected value is counted.
    #[serde(default)]
    pub value: ValueHorizon,
    /// Fewest churned training rows that can carry a model.
    #[serde(default = "default_min_churners")]
    pub min_churners: usize,
    /// Most rows fitted on; above it, customers are drawn by the seed. What
    /// more rows would tell is less than what next month differs by.
    #[serde(default = "default_max_rows")]
    pub max_rows: usize,
    /// Decides every random choice.
    #[serde(default)]
    pub seed: u64,
}

/// Who is asked about at a cutoff, and who of them counts as churned.
///
/// The horizon is `[cutoff + gap, cutoff + gap + horizon)`, whole days of UTC.
/// Who is *eligible* is decided by what was known at the cutoff; what became
/// of them by what is known when the model is trained. Customers who have
/// already churned are neither trained on nor scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Label {
    /// No qualifying activity through the horizon.
    ///
    /// Eligible: customers with such activity in the `eligible_days` before
    /// the cutoff; the others have already gone. What happens in the gap says
    /// nothing: who is silent in it may still come, and who comes in it may
    /// fall silent right after.
    Inactivity {
        /// Days in which nothing may happen for a customer to count as churned.
        horizon_days: u32,
        /// Days after the cutoff that are left out: the time needed to act.
        #[serde(default)]
        gap_days: u32,
        /// Only customers active in this many days before the cutoff have
        /// something to lose; the others have already churned.
        eligible_days: u32,
        /// Activities that count; empty means any.
        #[serde(default)]
        activities: Vec<String>,
    },
    /// The customer's last contract ended, and was not renewed in time.
    ///
    /// A contract runs from `started_at` until `ended_at`, whatever it brings;
    /// an agreed end (`ends_at`) that passes ends nothing, as in the reports on
    /// recurring revenue. A customer is *under contract* from the first start
    /// until an end at which no other contract runs and after which none
    /// begins for `grace_days` (the last instant included): that end is the
    /// churn. Overlaps, renewals and several contracts follow from it.
    ///
    /// Eligible: customers with a contract running at the cutoff. Who turns out
    /// to have churned before the horizon begins, in the gap, or before the
    /// cutoff by an end that was entered late, is left out of training: nobody
    /// could have acted, so they are neither a success nor a failure.
    ///
    /// A contract that ran at the cutoff and is written anew by its renewal
    /// (the same id, a later start) has not ended.
    Contract {
        /// Days in which the last contract must end for a customer to count as
        /// churned.
        horizon_days: u32,
        /// Days after the cutoff that are left out: the time needed to act.
        #[serde(default)]
        gap_days: u32,
        /// A contract that begins so soon after another's end continues it. The
        /// label is known only so many days after the horizon.
        #[serde(default = "default_grace_days")]
        grace_days: u32,
    },
    /// A column of the data says so.
    ///
    /// Eligible for training: customers who have the label. For scoring: all
    /// known customers but those of whom it says that they have churned.
    Given {
        /// Name in the table `labels`.
        label: String,
    },
}

/// When a label is known, in days after the cutoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delay {
    /// Until the horizon begins.
    pub gap: u32,
    /// From there until it ends.
    pub horizon: u32,
    /// From there until the label is known.
    pub grace: u32,
    /// From the day a customer left until that is known.
    pub settling: u32,
}

impl Label {
    /// When the label is known; nothing for one that has no dates.
    pub(super) const fn delay(&self) -> Option<Delay> {
        match *self {
            Self::Inactivity { horizon_days, gap_days, .. } => {
                let (horizon, settling) = (horizon_days, horizon_days);
                Some(Delay { gap: gap_days, horizon, grace: 0, settling })
            }
            Self::Contract { horizon_days, gap_days, grace_days } => {
                let (grace, settling) = (grace_days, grace_days);
                Some(Delay { gap: gap_days, horizon: horizon_days, grace, settling })
            }
            Self::Given { .. } => None,
        }
    }

    /// Days of silence after which a customer has left; none of a label that
    /// other facts decide.
    pub(super) const fn horizon_of_silence(&self) -> Option<u32> {
        match *self {
            Self::Inactivity { horizon_days, .. } => Some(horizon_days),
            Self::Contract { .. } | Self::Given { .. } => None,
        }
    }

    /// The day after the gap by which a customer has left with the probability of
    /// the score; nothing for a label without dates.
    pub(super) const fn score_days(&self) -> Option<u32> {
        match *self {
            // Silence that lasts through the horizon has begun before it.
            Self::Inactivity { .. } => Some(0),
            Self::Contract { horizon_days, .. } => Some(horizon_days),
            Self::Given { .. } => None,
        }
    }

    /// What decides who is eligible, as a hint for where nobody is.
    #[must_use]
    pub const fn eligibility(&self) -> &'static str {
        match self {
            Self::Inactivity { .. } => {
                "the spec's eligible_days says how recently a customer must have been active"
            }
            Self::Contract { .. } => "only customers with a running contract are eligible",
            Self::Given { .. } => "customers whose label says that they have churned are not",
        }
    }
}

/// The past dates at which training rows are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Cutoffs {
    /// The newest first days of a month or quarter whose label has matured.
    Calendar {
        /// Distance between two cutoffs.
        every: Every,
        /// Most cutoffs used.
        count: usize,
        /// How many of them, the latest, are kept for validation.
        holdout: usize,
    },
    /// Exactly these.
    Dates {
        /// Cutoffs of the training rows.
        train: Vec<NaiveDate>,
        /// Cutoffs of the validation rows.
        test: Vec<NaiveDate>,
    },
    /// One cutoff, the end of the data; row number modulo `n` is the fold.
    Folds {
        /// Number of folds.
        n: usize,
    },
}

/// Distance between two cutoffs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// Calendar month.
    Month,
    /// Calendar quarter.
    Quarter,
}

/// From what the model predicts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Features {
    /// Names of files in `queries/features`.
    pub groups: Vec<String>,
    /// Which attributes of the customer are used.
    pub attributes: Attributes,
    /// Features left out, such as one that gives the label away.
    pub exclude: Vec<String>,
    /// Numbers with which the risk may only rise, or only fall, whatever the data
    /// says; stumps alone can keep to it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub monotone: BTreeMap<String, Direction>,
    /// Features the leakage guard lets pass, since somebody looked at them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted: Vec<String>,
}

/// Which way the risk goes when a number grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It never falls.
    Rises,
    /// It never rises.
    Falls,
}

/// Which attributes of the customer are features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attributes {
    /// All of them, or none.
    All(bool),
    /// Those named.
    Named(Vec<String>),
}

impl Default for Attributes {
    fn default() -> Self {
        Self::All(false)
    }
}

/// An estimator with the settings validation tries. They are listed from the
/// simplest to the most complex: the first of equals is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "estimator", rename_all = "lowercase", deny_unknown_fields)]
pub enum Candidate {
    /// Additive logistic regression on linear splines.
    Logistic {
        /// Ridge strengths tried.
        #[serde(default = "default_ridge")]
        ridge: Vec<f64>,
        /// Bends of each numeric feature.
        #[serde(default = "default_knots")]
        knots: usize,
    },
    /// Boosted trees of one question each: a table per feature.
    Stumps {
        /// Share of a tree's answer that counts.
        #[serde(default = "default_stump_rate")]
        rate: f64,
        /// Most trees; validation finds how many.
        #[serde(default = "default_trees")]
        trees: usize,
    },
    /// Boosted small trees, which find what matters only together.
    Trees {
        /// Sizes tried.
        #[serde(default = "default_leaves")]
        leaves: Vec<usize>,
        /// Share of a tree's answer that counts.
        #[serde(default = "default_tree_rate")]
        rate: f64,
        /// Most trees; validation finds how many.
        #[serde(default = "default_trees")]
        trees: usize,
    },
}

/// Least probability of each band; below `medium` the risk is low.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bands {
    /// Least probability of the band high.
    pub high: f64,
    /// Least probability of the band medium.
    pub medium: f64,
}

impl Default for Bands {
    fn default() -> Self {
        Self { high: 0.6, medium: 0.3 }
    }
}

/// Over what time a customer's expected value is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueHorizon {
    /// Days after the cutoff.
    pub horizon_days: u32,
}

impl Default for ValueHorizon {
    fn default() -> Self {
        Self { horizon_days: 365 }
    }
}

fn default_grace_days() -> u32 {
    30
}

fn default_ridge() -> Vec<f64> {
    vec![0.3, 3.0, 30.0, 300.0]
}

fn default_knots() -> usize {
    3
}

fn default_stump_rate() -> f64 {
    0.1
}

fn default_tree_rate() -> f64 {
    0.05
}

fn default_leaves() -> Vec<usize> {
    vec![4, 8]
}

fn default_trees() -> usize {
    600
}

fn default_candidates() -> Vec<Candidate> {
    let (rate, trees) = (default_tree_rate(), default_trees());
    vec![
        Candidate::Logistic { ridge: default_ridge(), knots: default_knots() },
        Candidate::Stumps { rate: default_stump_rate(), trees },
        Candidate::Trees { leaves: default_leaves(), rate, trees },
    ]
}

fn default_min_churners() -> usize {
    30
}

fn default_max_rows() -> usize {
    200_000
}

impl ChurnSpec {
    /// Reads a spec; `file` is named in errors.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] with file, line and key for TOML that does not
    /// parse, an unknown or missing key, or a value of the wrong type.
    pub fn parse(toml: &str, file: &str) -> Result<Self> {
        toml::from_str(toml).map_err(|error| {
            let place = error.span().map_or_else(
                || file.to_owned(),
                |span| {
                    let before = toml.get(..span.start).unwrap_or(toml);
                    format!("{file}, line {}", 1 + before.matches('\n').count())
                },
            );
            Error::new(ErrorKind::Usage, error.message()).context(place)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
name = "x"
title = { en = "X", zh = "X" }
[label]
kind = "inactivity"
horizon_days = 90
eligible_days = 90
[cutoffs]
kind = "calendar"
every = "month"
count = 12
holdout = 3
"#;

    #[test]
    fn what_a_spec_leaves_out_has_a_default() {
        let spec = ChurnSpec::parse(SMALL, "x.toml").unwrap();
        assert_eq!(spec.min_churners, 30);
        assert_eq!(spec.features.attributes, Attributes::All(false));
        assert_eq!(spec.candidates, default_candidates());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let misspelt = SMALL.replace("holdout", "hold_out");
        let error = ChurnSpec::parse(&misspelt, "x.toml").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        let words = error.to_string();
        assert!(words.starts_with("x.toml, line ") && words.contains("hold_out"), "{words}");

        let kind = SMALL.replace("inactivity", "contract");
        let words = ChurnSpec::parse(&kind, "x.toml").unwrap_err().to_string();
        assert!(words.starts_with("x.toml, line ") && words.contains("eligible_days"), "{words}");
        let kind = SMALL.replace("inactivity", "contracts");
        let words = ChurnSpec::parse(&kind, "x.toml").unwrap_err().to_string();
        assert!(words.contains("contracts") && words.contains("`contract`"), "{words}");

        let extra = format!("sed = 1\n{SMALL}");
        let words = ChurnSpec::parse(&extra, "x.toml").unwrap_err().to_string();
        assert!(words.starts_with("x.toml, line 1: unknown field `sed`"), "{words}");
    }

    #[test]
    fn a_spec_survives_the_artifact() {
        let spec = ChurnSpec::parse(SMALL, "x.toml").unwrap();
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ChurnSpec>(&json).unwrap(), spec);
    }
}
