//! How good is the model on customers and months it has not seen?
//!
//! Validation repeats the whole procedure of the module `fit` on the training
//! part and scores the test part with the result, so that encoder, ridge and
//! calibration are all judged on rows they never saw. By time: fitted on early
//! cutoffs, tested on later ones. By fold, for labels without dates: each fold
//! is scored by a model of the others, and the predictions are pooled. The
//! model that is kept is then fitted on all matured rows, test ones included:
//! the newest months are the most like the next.

use chrono::NaiveDate;
use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::bootstrap::{Intervals, intervals};
use super::drivers::{Driver, Drivers};
use super::fit::{Fitted, Tried, fit};
use super::frame::{Column, Frame, Values};
use super::metrics::{Metrics, Ranking, log_loss};
use super::model::{ChurnModel, Scored};
use super::params::{ChurnParams, ChurnValidParams};
use super::periods::{Matured, Role, check_no_overlap};
use super::sample;
use super::segments::{Overall, Segment, overall, segments};
use super::spec::Cutoffs;
use super::survival::{self, Checked, Survival};
use crate::error::{Error, ErrorKind, Result};

/// What validation found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Quality on the held-out rows.
    pub metrics: Metrics,
    /// 95 % bootstrap intervals over customers.
    pub intervals: Option<Intervals>,
    /// Rows that the validated model (each fold's, on average) was fitted on.
    pub train_rows: usize,
    /// The estimator and setting chosen for the final model.
    pub estimator: String,
    /// The settings it was chosen from, the simplest first.
    pub tried: Vec<Tried>,
    /// Predicted against observed for everybody; models of older versions do not say.
    #[serde(default)]
    pub overall: Option<Overall>,
    /// The same for every kind of customer.
    #[serde(default)]
    pub segments: Vec<Segment>,
    /// How good it was with fewer customers to learn from, the fewest first.
    #[serde(default)]
    pub learning: Vec<Learning>,
    /// What moved the scores of the held-out rows, the most first.
    #[serde(default)]
    pub drivers: Vec<Driver>,
    /// Departures by each horizon, predicted and observed; none where the label has
    /// no dates, the data is too short, or the model is of an older version.
    #[serde(default)]
    pub horizons: Vec<Checked>,
}

/// A point of the learning curve: what some customers' rows were enough for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learning {
    /// Rows fitted on.
    pub rows: usize,
    /// Those of them that churned.
    pub churners: usize,
    /// Held-out log-loss.
    pub log_loss: f64,
}

/// Parts of the customers that the learning curve is drawn from.
const SHARES: [f64; 3] = [0.125, 0.25, 0.5];

/// A model and what is known of its quality.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Fitted on all matured rows.
    pub model: ChurnModel,
    /// When customers leave, where the label has dates and the data tells enough.
    pub survival: Option<Survival>,
    /// Measured on held-out rows.
    pub validation: Validation,
    /// Those rows of the frame, with the probability that a model which had
    /// not seen them gave each; what another model says of them can be compared.
    pub held_out: Vec<(usize, f64)>,
}

/// Validates and fits a model on the labelled rows of `frame`.
///
/// `periods` are those the frame's period indices point into
/// ([`super::periods::resolve`]); for folds they are empty and the indices are
/// the folds. The number of threads changes the time and not one bit of the
/// result.
///
/// # Errors
///
/// [`ErrorKind::Insufficient`] when the data can not carry a model, saying what
/// is missing; [`ErrorKind::Usage`] when training labels reach past the first
/// test cutoff; [`ErrorKind::Input`] when the frame has no labels or its
/// periods are not those given.
pub fn train(
    frame: &Frame,
    params: &ChurnValidParams,
    periods: &[Matured],
    n_threads: usize,
) -> Result<Trained> {
    let spec = params.spec();
    if frame.churned().len() != frame.n_rows() {
        return Err(Error::new(ErrorKind::Input, "the training rows have no labels"));
    }
    check_monotone(frame, params)?;
    let splits = match spec.cutoffs {
        Cutoffs::Folds { n } => by_fold(frame, n)?,
        _ => by_time(frame, periods)?,
    };
    let mut probabilities = Vec::new();
    let mut tested = Vec::new();
    let (mut n_train, mut setting) = (0, None);
    let n_splits = splits.len();
    let mut learning = Vec::new();
    let mut drivers = Drivers::default();
    for (number, split) in splits.into_iter().enumerate() {
        n_train += split.train.len();
        let Fitted { model, .. } = fit(frame, split.train.clone(), periods, params, n_threads)?;
        let scored = model.score_rows(frame, &split.test, n_threads)?;
        setting = Some(model.setting());
        if number == 0 {
            learning = learn(frame, &split, &model, periods, params, n_threads)?;
            learning.push(point(frame, &split.train, &split.test, &scored));
        }
        drivers.add(model.features(), &scored);
        probabilities.extend(scored.iter().map(|row| row.probability));
        tested.extend(split.test);
    }
    let churned: Vec<bool> = tested.iter().map(|&row| frame.churned()[row]).collect();
    let customers: Vec<&str> = tested.iter().map(|&row| frame.ids()[row].as_str()).collect();
    let ranking = Ranking::new(&probabilities, &churned);
    let metrics = ranking.metrics()?;
    let all: Vec<usize> = (0..frame.n_rows()).collect();
    let Fitted { model, tried } = fit(frame, all.clone(), periods, params, n_threads)?;
    let held_out: Vec<(usize, f64)> = tested.into_iter().zip(probabilities).collect();
    let wanted = |name: &str| model.features().iter().any(|feature| feature.name == name);
    let how = survival::How { wanted: &wanted, params, n_threads };
    let survival = survival::fit(frame, &all, periods, NaiveDate::MAX, &how)?;
    let horizons = match setting.filter(|_| survival.is_some()) {
        Some(score) => survival::check(frame, periods, score, params, n_threads)?,
        None => Vec::new(),
    };
    let validation = Validation {
        overall: Some(overall(frame, &held_out)),
        segments: segments(frame, &held_out),
        learning,
        drivers: drivers.ranked(),
        metrics,
        intervals: intervals(&ranking, &customers, spec.seed),
        train_rows: n_train / n_splits.max(1),
        estimator: model.setting().to_string(),
        tried,
        horizons,
    };
    Ok(Trained { model, survival, validation, held_out })
}

/// Refuses directions of what is no number of the frame.
fn check_monotone(frame: &Frame, params: &ChurnValidParams) -> Result<()> {
    for name in params.spec().features.monotone.keys() {
        let is_number = |column: &Column| matches!(column.values, Values::Numeric(_));
        if !frame.column(name).is_some_and(is_number) {
            let numbers = frame.columns().iter().filter(|column| is_number(column));
            let names = numbers.map(|column| column.name.as_str());
            let words = format!("features.monotone: \"{name}\" is no number of the model");
            return Err(Error::new(ErrorKind::Usage, words).hint_nearest(name, names));
        }
    }
    Ok(())
}

/// The learning curve but for its last point: the estimator that was chosen, fitted on
/// fewer of the customers as far as they can carry a model.
fn learn(
    frame: &Frame,
    split: &Split,
    model: &ChurnModel,
    periods: &[Matured],
    params: &ChurnValidParams,
    n_threads: usize,
) -> Result<Vec<Learning>> {
    let mut spec = params.spec().clone();
    let of_setting = |candidate| model.setting().part_of(candidate);
    spec.candidates = spec.candidates.iter().filter_map(of_setting).collect();
    let params = ChurnParams::new(spec).check()?;
    let mut curve = Vec::new();
    for share in SHARES {
        let most = (share * split.train.len() as f64) as usize;
        let rows = sample::draw(frame, split.train.clone(), most, params.spec().seed);
        if sample::check(frame, &rows, &params).is_err() {
            continue;
        }
        let Fitted { model, .. } = fit(frame, rows.clone(), periods, &params, n_threads)?;
        let scored = model.score_rows(frame, &split.test, n_threads)?;
        curve.push(point(frame, &rows, &split.test, &scored));
    }
    Ok(curve)
}

fn point(frame: &Frame, rows: &[usize], test: &[usize], scored: &[Scored]) -> Learning {
    let logits: Vec<f64> = scored.iter().map(|row| row.logit).collect();
    let outcomes: Vec<bool> = test.iter().map(|&row| frame.churned()[row]).collect();
    Learning {
        rows: rows.len(),
        churners: rows.iter().filter(|&&row| frame.churned()[row]).count(),
        log_loss: log_loss(&logits, &outcomes),
    }
}

/// Rows to fit on and rows to score.
struct Split {
    train: Vec<usize>,
    test: Vec<usize>,
}

fn by_time(frame: &Frame, periods: &[Matured]) -> Result<Vec<Split>> {
    check_no_overlap(periods)?;
    if let Some(&period) = frame.periods().iter().find(|&&period| period >= periods.len()) {
        return Err(Error::new(
            ErrorKind::Input,
            format!("a row names cutoff {period} of {}", periods.len()),
        ));
    }
    let of_role = |role| frame.rows_where(|period| periods[period].period().role == role);
    Ok(vec![Split { train: of_role(Role::Train), test: of_role(Role::Test) }])
}

fn by_fold(frame: &Frame, n_folds: usize) -> Result<Vec<Split>> {
    if let Some(&fold) = frame.periods().iter().find(|&&fold| fold >= n_folds) {
        return Err(Error::new(ErrorKind::Input, format!("a row names fold {fold} of {n_folds}")));
    }
    let split = |fold| Split {
        train: frame.rows_where(|it| it != fold),
        test: frame.rows_where(|it| it == fold),
    };
    Ok((0..n_folds).map(split).collect())
}

#[cfg(test)]
pub(super) mod tests;
