//! How likely is each customer to leave, and why?
//!
//! The model is additive on the log-odds scale:
//! `logit = base + Σ contribution(feature)`. `base` is the score of the average
//! training customer, and a contribution is what the customer's own value of
//! one feature adds to or takes from it. Nothing is approximated: the logit is
//! computed as that very sum, so reasons add up to the score.

use serde::{Deserialize, Serialize};

use super::calibrate::Platt;
use super::encode::{Encoder, Feature};
use super::frame::Frame;
use super::logistic::LogisticModel;
use super::metrics::sigmoid;
use super::parallel;
use super::spec::Bands;
use super::text::{Value, sentence};
use crate::config::Language;
use crate::error::Result;

/// Rows encoded at a time, which bounds the memory of scoring.
const CHUNK: usize = 4_096;

/// A fitted, calibrated churn model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChurnModel {
    encoder: Encoder,
    intercept: f64,
    weights: Vec<f64>,
    calibration: Platt,
    bands: Bands,
    ridge: f64,
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

/// Why a customer's score is what it is, one feature of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Feature name.
    pub feature: String,
    /// What the customer shows.
    pub value: Value,
    /// What it adds to the log-odds.
    pub contribution: f64,
    /// The reason as a sentence.
    pub text: String,
}

impl ChurnModel {
    /// Puts the fitted parts together.
    pub(super) fn new(
        encoder: Encoder,
        fitted: &LogisticModel,
        calibration: Platt,
        bands: Bands,
        ridge: f64,
    ) -> Self {
        Self {
            encoder,
            intercept: fitted.intercept,
            weights: fitted.weights.to_vec(),
            calibration,
            bands,
            ridge,
        }
    }

    /// The features in use, by name.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        self.encoder.features()
    }

    /// The estimator and the setting that validation chose.
    #[must_use]
    pub fn estimator(&self) -> String {
        format!("logistic, ridge {}", self.ridge)
    }

    /// Log-odds of the average training customer.
    #[must_use]
    pub fn base(&self) -> f64 {
        self.calibration.apply(self.intercept)
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

    pub(super) fn score_rows(
        &self,
        frame: &Frame,
        rows: &[usize],
        n_threads: usize,
    ) -> Result<Vec<Scored>> {
        let chunks: Vec<&[usize]> = rows.chunks(CHUNK).collect();
        let scored = parallel::map(&chunks, n_threads, |rows| self.score_chunk(frame, rows))?;
        Ok(scored.into_iter().flatten().collect())
    }

    fn score_chunk(&self, frame: &Frame, rows: &[usize]) -> Result<Vec<Scored>> {
        let matrix = self.encoder.transform(frame, rows)?;
        let base = self.base();
        let score = |row: usize| {
            let mut terms = matrix.row(row).into_iter().zip(&self.weights);
            let contributions: Vec<f64> = self
                .encoder
                .widths()
                .map(|width| {
                    let own = terms.by_ref().take(width);
                    self.calibration.slope * own.map(|(x, weight)| x * weight).sum::<f64>()
                })
                .collect();
            let logit = contributions.iter().fold(base, |sum, term| sum + term);
            let probability = sigmoid(logit);
            Scored { probability, logit, base, band: self.band(probability), contributions }
        };
        Ok((0..matrix.nrows()).map(score).collect())
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

    /// All reasons of one row, the strongest first; with `scored.base` they sum
    /// to `scored.logit`.
    #[must_use]
    pub fn reasons(
        &self,
        frame: &Frame,
        row: usize,
        scored: &Scored,
        language: Language,
    ) -> Vec<Reason> {
        let mut ranked: Vec<(&Feature, f64)> =
            self.features().iter().zip(scored.contributions.iter().copied()).collect();
        ranked.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.name.cmp(&b.0.name)));
        ranked
            .into_iter()
            .map(|(feature, contribution)| {
                let column = frame.column(&feature.name);
                let value = column.map_or(Value::Missing, |column| column.values.value(row));
                let Feature { title, unit, typical, .. } = feature;
                let text = sentence(title, unit.as_ref(), &value, typical, contribution, language);
                Reason { feature: feature.name.clone(), value, contribution, text }
            })
            .collect()
    }
}
