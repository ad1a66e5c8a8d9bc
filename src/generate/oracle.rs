//! How good could a model of the generated data be at best?
//!
//! Reads back the truth that [`super::write`] left beside the exports.

use std::fs::File;
use std::path::Path;

use chrono::NaiveDate;
use serde::Deserialize;

use super::Plan;
use crate::churn::metrics::{Metrics, Ranking};
use crate::error::{Error, ErrorKind, Result};

/// The true probabilities of a generated data set.
#[derive(Debug, Clone)]
pub struct Oracle {
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Deserialize)]
struct Row {
    cutoff: NaiveDate,
    probability: f64,
    /// 1 or 0; empty where the label window reaches beyond the data.
    churned: Option<u8>,
}

/// The part of `truth/summary.json` that tells the plan.
#[derive(Deserialize)]
struct Made {
    customers: u64,
    seed: u64,
    start: NaiveDate,
    months: Vec<serde::de::IgnoredAny>,
}

impl Oracle {
    /// The plan of the data set in `dir`, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] if the summary is damaged.
    pub fn plan_of(dir: &Path) -> Result<Option<Plan>> {
        let path = dir.join("truth/summary.json");
        if !path.exists() {
            return Ok(None);
        }
        let damaged = |error: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Input, format!("{}: {error}", path.display()))
                .hint("delete the folder and generate again")
        };
        let text = std::fs::read_to_string(&path).map_err(|error| damaged(&error))?;
        let made: Made = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
        let months = u32::try_from(made.months.len()).unwrap_or(u32::MAX);
        Plan::new(made.customers, made.seed, months, made.start).map(Some)
    }

    /// Reads the true probabilities of the data set in `dir`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] if the file is missing or damaged.
    pub fn load(dir: &Path) -> Result<Self> {
        let path = dir.join("truth/churn_probability.csv");
        let damaged = |error: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Input, format!("{}: {error}", path.display()))
                .hint("it is written by `tenure generate`")
        };
        let file = File::open(&path).map_err(|error| damaged(&error))?;
        let rows: std::result::Result<Vec<Row>, _> =
            csv::Reader::from_reader(file).into_deserialize().collect();
        Ok(Self { rows: rows.map_err(|error| damaged(&error))? })
    }

    /// The quality of the true probabilities at `cutoffs`, over every eligible
    /// customer whose outcome is known.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if no outcome is known there.
    pub fn metrics(&self, cutoffs: &[NaiveDate]) -> Result<Metrics> {
        let known: Vec<(f64, bool)> = self
            .rows
            .iter()
            .filter(|row| cutoffs.contains(&row.cutoff))
            .filter_map(|row| {
                // What is certain has no logarithm; a model's scores stay
                // inside the same bounds.
                let probability = row.probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
                Some((probability, row.churned? == 1))
            })
            .collect();
        let (probabilities, churned): (Vec<f64>, Vec<bool>) = known.into_iter().unzip();
        Ranking::new(&probabilities, &churned).metrics()
    }
}
