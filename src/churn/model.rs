//! How likely is each customer to leave, and why?
//!
//! A score is a sum on the log-odds scale:
//! `logit = base + Σ contribution(feature)`. `base` is the score of the average
//! training customer, and a contribution is what the customer's own value of
//! one feature adds to or takes from it. Nothing is approximated: the logit is
//! computed as that very sum, so reasons add up to the score. Calibration moves
//! the sum along a curve; contributions are stretched by what that leaves of it.

use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::feature::Feature;
use super::frame::Frame;
use super::metrics::sigmoid;
use super::parallel;
use super::scorer::{Prepared, Scorer};
use super::spec::Bands;
use super::trial::Setting;
use crate::error::Result;

/// Rows encoded at a time, which bounds the memory of scoring.
const CHUNK: usize = 4_096;

/// A fitted, calibrated churn model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChurnModel {
    features: Vec<Feature>,
    scorer: Scorer,
    calibration: Calibration,
    bands: Bands,
    setting: Setting,
}

/// How urgent a customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// Below the threshold of medium.
    Low,
    /// From the threshold of medium.
    Medium,
    /// From the threshold of high.
    High,
}

impl Band {
    /// The name used in tables and addresses.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The band of that name.
    #[must_use]
    pub fn of_slug(slug: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High].into_iter().find(|band| band.slug() == slug)
    }
}

/// The score of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Probability of churn, inside (0, 1).
    pub probability: f64,
    /// Its log-odds: `base` plus all contributions, added in their order.
    pub logit: f64,
    /// Log-odds of the average training customer.
    pub base: f64,
    /// Low, medium or high by the thresholds of the spec.
    pub band: Band,
    /// One per feature, in the order of [`ChurnModel::features`].
    pub contributions: Vec<f64>,
}

impl ChurnModel {
    /// Puts the fitted parts together; `features` are those of the scorer.
    pub(super) const fn new(
        features: Vec<Feature>,
        scorer: Scorer,
        calibration: Calibration,
        bands: Bands,
        setting: Setting,
    ) -> Self {
        Self { features, scorer, calibration, bands, setting }
    }

    /// The features in use, in the order of the contributions.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The estimator and the setting that validation chose.
    #[must_use]
    pub const fn setting(&self) -> Setting {
        self.setting
    }

    /// Scores all rows, in the order of the frame; the number of threads
    /// changes the time only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::error::ErrorKind::Input) when the frame lacks a feature of
    /// the model or has it as the other type.
    pub fn score(&self, frame: &Frame, n_threads: usize) -> Result<Vec<Scored>> {
        let rows: Vec<usize> = (0..frame.n_rows()).collect();
        self.score_rows(frame, &rows, n_threads)
    }

    /// Scores some rows, in their order. What a row is given depends on no other.
    ///
    /// # Errors
    ///
    /// As [`ChurnModel::score`].
    pub fn score_rows(
        &self,
        frame: &Frame,
        rows: &[usize],
        n_threads: usize,
    ) -> Result<Vec<Scored>> {
        let prepared = self.scorer.prepare();
        let chunks: Vec<&[usize]> = rows.chunks(CHUNK).collect();
        let chunk = |rows: &&[usize]| self.score_chunk(&prepared, frame, rows);
        let scored = parallel::map(&chunks, n_threads, chunk)?;
        Ok(scored.into_iter().flatten().collect())
    }

    /// Probability and band of some rows where nobody asks why. Trees add up in
    /// another order than their reasons, so that last bits may differ from a score.
    pub(super) fn bands_of(&self, frame: &Frame, rows: &[usize]) -> Result<Vec<(f64, Band)>> {
        let logits = self.scorer.logits(frame, rows)?;
        let probability = |logit: f64| sigmoid(self.calibration.apply(logit));
        let probabilities = logits.into_iter().map(probability);
        Ok(probabilities.map(|it| (it, self.band(it))).collect())
    }

    fn score_chunk(
        &self,
        prepared: &Prepared<'_>,
        frame: &Frame,
        rows: &[usize],
    ) -> Result<Vec<Scored>> {
        let n_features = self.features.len();
        let raw = prepared.contributions(frame, rows)?;
        let raw_base = prepared.base();
        let base = self.calibration.apply(raw_base);
        let score = |row: usize| {
            let own = &raw[row * n_features..][..n_features];
            let sum = own.iter().fold(raw_base, |sum, term| sum + term);
            let stretch = self.calibration.stretch(raw_base, sum);
            let contributions: Vec<f64> = own.iter().map(|term| stretch * term).collect();
            let logit = contributions.iter().fold(base, |sum, term| sum + term);
            let probability = sigmoid(logit);
            Scored { probability, logit, base, band: self.band(probability), contributions }
        };
        Ok((0..rows.len()).map(score).collect())
    }

    fn band(&self, probability: f64) -> Band {
        if probability >= self.bands.high {
            Band::High
        } else if probability >= self.bands.medium {
            Band::Medium
        } else {
            Band::Low
        }
    }
}
