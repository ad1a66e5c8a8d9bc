//! How does a table of numbers and words become columns a linear model can use?
//!
//! Churn is rarely linear in a feature: the risk falls steeply in the first
//! months of tenure and hardly later. Each numeric feature therefore becomes a
//! *linear spline*: the number itself and a few hinges `max(0, x − knot)` with
//! knots at training quantiles, so that the slope may change at each knot. The
//! model stays additive: a feature's effect is the sum of its own columns.
//!
//! Everything here is learnt from training rows only:
//! - non-negative features with a long right tail go through `ln(1 + x)`;
//! - numbers are clamped to the training range, because a spline says nothing
//!   about what lies outside it;
//! - a missing number has a column of its own and no part in the spline;
//! - levels of a category have one column each, rare ones share one, and
//!   missing is a level of its own;
//! - columns that do not vary are dropped.
//!
//! Every column is centred on its training mean, so that a contribution reads
//! "compared with the average customer".

use ndarray::{Array2, ShapeBuilder};
use serde::{Deserialize, Serialize};

use super::feature::quantile;
use super::frame::{Column, Frame, Values, known, level_counts};
use crate::error::{Error, ErrorKind, Result};

/// A hinge needs at least this share of the training rows on either side.
const HINGE_SHARE: f64 = 0.02;
/// Hinges are shrunk harder than the straight line by this factor, so that a
/// feature bends only where the data insists.
const HINGE_WEIGHT: f64 = 0.3;
/// Indicators are scaled as an even split would be. Scaling by their own
/// deviation would let the rarest level move most.
const INDICATOR_SCALE: f64 = 0.5;
/// A level needs this share of the training rows, and at least ten of them.
const LEVEL_SHARE: f64 = 0.002;
const LEVEL_ROWS: usize = 10;
/// Most levels of a category with columns of their own.
const MAX_LEVELS: usize = 50;
/// Skewness from which a non-negative feature is taken in logarithms.
const LOG_SKEWNESS: f64 = 1.0;

/// What one column of the design matrix shows of its feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Term {
    /// The number itself.
    Linear,
    /// `max(0, x − knot)`.
    Hinge(f64),
    /// One where the value is missing.
    Missing,
    /// One where the category has this level.
    Level(String),
    /// One where the category has a level too rare for its own column.
    Rare,
}

/// A term, centred and scaled: `(raw − center) / scale`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Basis {
    term: Term,
    center: f64,
    scale: f64,
}

/// How numbers are prepared before the spline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prepare {
    log: bool,
    min: f64,
    max: f64,
}

impl Prepare {
    fn apply(self, raw: f64) -> f64 {
        let clamped = raw.clamp(self.min, self.max);
        if self.log { clamped.ln_1p() } else { clamped }
    }
}

/// One feature as columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Encoding {
    pub(super) name: String,
    /// `None` for a category.
    pub(super) prepare: Option<Prepare>,
    pub(super) basis: Vec<Basis>,
}

/// The map from a frame to a design matrix, fitted on training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    pub(super) features: Vec<Encoding>,
}

impl Encoder {
    /// Learns the encoding of `frame` from the training `rows`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] when no feature varies over these rows.
    pub fn fit(frame: &Frame, rows: &[usize], knots: usize) -> Result<Self> {
        let features: Vec<Encoding> = frame
            .columns()
            .iter()
            .map(|column| fit_feature(column, rows, knots))
            .filter(|feature| !feature.basis.is_empty())
            .collect();
        if features.is_empty() {
            let n_columns = frame.columns().len();
            let n_rows = rows.len();
            return Err(Error::new(
                ErrorKind::Insufficient,
                format!(
                    "no usable feature: none of {n_columns} varies over {n_rows} training rows"
                ),
            )
            .hint("name feature groups or attributes in the spec that the data fills"));
        }
        Ok(Self { features })
    }

    /// The names of the features in use, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|feature| feature.name.as_str())
    }

    /// For each feature, how many columns of the design matrix are its own.
    pub(super) fn widths(&self) -> impl Iterator<Item = usize> {
        self.features.iter().map(|feature| feature.basis.len())
    }

    /// The design matrix, `rows` × basis columns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] when the frame lacks a feature or has it as the
    /// other type, e.g. a category where numbers were trained on.
    pub fn transform(&self, frame: &Frame, rows: &[usize]) -> Result<Array2<f64>> {
        // Column-major: the gradient of the fit reads whole columns.
        let shape = (rows.len(), self.widths().sum()).f();
        let mut matrix = Array2::zeros(shape);
        let mut first = 0;
        for feature in &self.features {
            let column = frame.column(&feature.name).ok_or_else(|| {
                let names = frame.columns().iter().map(|column| column.name.as_str());
                Error::new(
                    ErrorKind::Input,
                    format!("the model needs feature \"{}\", which is not there", feature.name),
                )
                .hint_nearest(&feature.name, names)
            })?;
            for (offset, basis) in feature.basis.iter().enumerate() {
                let mut target = matrix.column_mut(first + offset);
                let values = feature.evaluate(basis, &column.values)?;
                for (cell, &row) in target.iter_mut().zip(rows) {
                    *cell = values(row);
                }
            }
            first += feature.basis.len();
        }
        Ok(matrix)
    }
}

impl Encoding {
    /// The function from row to the value of one basis column.
    fn evaluate<'a>(
        &'a self,
        basis: &'a Basis,
        values: &'a Values,
    ) -> Result<Box<dyn Fn(usize) -> f64 + 'a>> {
        match (values, self.prepare) {
            (Values::Numeric(numbers), Some(prepare)) => Ok(Box::new(move |row| {
                let raw = match basis.term {
                    Term::Missing => f64::from(numbers[row].is_nan()),
                    // The missing column speaks for a missing number.
                    _ if numbers[row].is_nan() => return 0.0,
                    Term::Hinge(knot) => (prepare.apply(numbers[row]) - knot).max(0.0),
                    _ => prepare.apply(numbers[row]),
                };
                (raw - basis.center) / basis.scale
            })),
            (Values::Categorical { levels, codes }, None) => {
                let shown = self.indicator(basis, levels);
                let unseen: Vec<bool> = levels.iter().map(|level| self.is_unseen(level)).collect();
                Ok(Box::new(move |row| {
                    let raw = match codes[row].map(|code| code as usize) {
                        // Nothing is known of this level: it moves nothing.
                        Some(code) if unseen[code] => return 0.0,
                        Some(code) => f64::from(shown[code]),
                        None => f64::from(basis.term == Term::Missing),
                    };
                    (raw - basis.center) / basis.scale
                }))
            }
            (_, trained) => {
                let (was, is) = match trained {
                    Some(_) => ("numbers", "a category"),
                    None => ("a category", "numbers"),
                };
                Err(Error::new(
                    ErrorKind::Input,
                    format!("feature \"{}\" was trained as {was} and is now {is}", self.name),
                ))
            }
        }
    }

    /// Per level of the data at hand, whether this basis column is one.
    fn indicator(&self, basis: &Basis, levels: &[String]) -> Vec<bool> {
        let shows = |level: &String| match &basis.term {
            Term::Level(own) => own == level,
            Term::Rare => !self.has_level(level),
            _ => false,
        };
        levels.iter().map(shows).collect()
    }

    fn has_level(&self, level: &str) -> bool {
        let own = |basis: &Basis| matches!(&basis.term, Term::Level(name) if name == level);
        self.basis.iter().any(own)
    }

    /// Without a column for rare levels there is no evidence on a new one.
    fn is_unseen(&self, level: &str) -> bool {
        let pools = self.basis.iter().any(|basis| basis.term == Term::Rare);
        !pools && !self.has_level(level)
    }
}

fn fit_feature(column: &Column, rows: &[usize], knots: usize) -> Encoding {
    let (prepare, basis) = match &column.values {
        Values::Numeric(numbers) => fit_numeric(numbers, rows, knots),
        Values::Categorical { levels, codes } => fit_categorical(levels, codes, rows),
    };
    Encoding { name: column.name.clone(), prepare, basis }
}

fn fit_numeric(numbers: &[f64], rows: &[usize], knots: usize) -> (Option<Prepare>, Vec<Basis>) {
    let present = known(numbers, rows);
    let (Some(&min), Some(&max)) = (present.first(), present.last()) else {
        let nothing = Prepare { log: false, min: 0.0, max: 0.0 };
        return (Some(nothing), Vec::new());
    };
    let log = min >= 0.0 && skewness(&present) > LOG_SKEWNESS;
    let prepare = Prepare { log, min, max };
    let prepared: Vec<f64> = present.iter().map(|&raw| prepare.apply(raw)).collect();

    let mut basis = Vec::new();
    basis.extend(scaled(Term::Linear, &prepared, 1.0));
    let n_present = prepared.len() as f64;
    let mut last_knot = f64::NEG_INFINITY;
    for index in 1..=knots {
        let knot = quantile(&prepared, index as f64 / (knots + 1) as f64);
        let below = prepared.partition_point(|&value| value < knot) as f64;
        let above = n_present - prepared.partition_point(|&value| value <= knot) as f64;
        if knot > last_knot && below.min(above) >= (HINGE_SHARE * n_present).max(2.0) {
            let hinge: Vec<f64> = prepared.iter().map(|&value| (value - knot).max(0.0)).collect();
            basis.extend(scaled(Term::Hinge(knot), &hinge, HINGE_WEIGHT));
            last_knot = knot;
        }
    }
    basis.extend(indicator(Term::Missing, rows.len() - prepared.len(), rows.len()));
    (Some(prepare), basis)
}

fn fit_categorical(
    levels: &[String],
    codes: &[Option<u32>],
    rows: &[usize],
) -> (Option<Prepare>, Vec<Basis>) {
    let n_rows = rows.len();
    let (counts, n_missing) = level_counts(levels.len(), codes, rows);
    // Most frequent first, then by name, which is the order of the codes.
    let mut ranked: Vec<usize> = (0..levels.len()).filter(|&code| counts[code] > 0).collect();
    ranked.sort_by_key(|&code| (std::cmp::Reverse(counts[code]), code));
    let enough = LEVEL_ROWS.max((LEVEL_SHARE * n_rows as f64).ceil() as usize);
    let n_own = ranked.iter().take(MAX_LEVELS).take_while(|&&code| counts[code] >= enough).count();
    let (own, rare) = ranked.split_at(n_own);
    let mut basis = Vec::new();
    for &code in own {
        basis.extend(indicator(Term::Level(levels[code].clone()), counts[code], n_rows));
    }
    let n_rare = rare.iter().map(|&code| counts[code]).sum();
    basis.extend(indicator(Term::Rare, n_rare, n_rows));
    basis.extend(indicator(Term::Missing, n_missing, n_rows));
    (None, basis)
}

/// A column centred and scaled to `weight` deviations, unless it is constant.
fn scaled(term: Term, values: &[f64], weight: f64) -> Option<Basis> {
    let n = values.len() as f64;
    let center = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - center).powi(2)).sum::<f64>() / n;
    let deviation = variance.sqrt();
    let varies = deviation > 1e-9 * center.abs().max(1e-9);
    varies.then(|| Basis { term, center, scale: deviation / weight })
}

/// A column of zeros and ones, unless it is constant.
fn indicator(term: Term, n_ones: usize, n_rows: usize) -> Option<Basis> {
    let varies = 0 < n_ones && n_ones < n_rows;
    varies.then(|| Basis { term, center: n_ones as f64 / n_rows as f64, scale: INDICATOR_SCALE })
}

/// Third standardised moment; 0 for a constant.
fn skewness(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |power| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / n;
    let variance = moment(2);
    if variance > 0.0 { moment(3) / variance.powf(1.5) } else { 0.0 }
}

#[cfg(test)]
mod tests;
