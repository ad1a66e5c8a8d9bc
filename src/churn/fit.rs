//! How is one model fitted so that nothing it is judged on was seen before?
//!
//! From the rows it is given, and no others:
//! 1. they are dealt into blocks ([`sample::blocks`]): every span of time is predicted
//!    from the others where there are enough, else customers from other customers;
//! 2. each candidate, at each setting, predicts the held-out rows. The simplest
//!    estimator within one standard error of the best is chosen, at its best
//!    setting: where the data can not tell them apart, it travels better to next
//!    month, and an additive model's reasons can be read off;
//! 3. held-out predictions of that setting fit the calibration;
//! 4. it is fitted once more on all rows.
//!
//! Settings are compared after calibration, since that is how they are used.
//! Where there are many rows, step 2 looks at a sample of the customers. Estimators
//! that may be the best by what it shows meet again on all rows, each with as many
//! trees as those carry: what is complex needs many rows to be better, and more rows
//! to be seen to be.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::feature::Feature;
use super::frame::Frame;
use super::metrics::loss;
use super::model::ChurnModel;
use super::params::ChurnValidParams;
use super::periods::Matured;
use super::sample;
use super::trial::{self, Block, Setting, Trial, churned};
use crate::error::Result;

/// Most rows a setting is chosen on.
const TUNING_ROWS: usize = 20_000;
/// Standard errors by which an estimator may look worse there and still be tried on
/// all rows.
const NEAR: f64 = 2.0;

/// A setting that was tried, and how it compares with the best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// What was tried.
    pub setting: Setting,
    /// Mean held-out log-loss after calibration.
    pub log_loss: f64,
    /// How much more that is than the best one's of those judged on as many rows.
    pub excess: f64,
    /// Standard error of the excess, customers drawn anew.
    pub error: f64,
    /// Held-out rows that say so; 0 in models of before this was counted.
    #[serde(default)]
    pub rows: usize,
}

/// A model and the settings it was chosen from, the simplest first.
pub(super) struct Fitted {
    pub model: ChurnModel,
    pub tried: Vec<Tried>,
}

/// Chooses, fits and calibrates a model on `rows` of `frame`, whose periods are
/// `periods` (none where they are folds).
///
/// # Errors
///
/// [`ErrorKind::Insufficient`](crate::error::ErrorKind::Insufficient) when the
/// rows can not carry a model.
pub(super) fn fit(
    frame: &Frame,
    rows: Vec<usize>,
    periods: &[Matured],
    params: &ChurnValidParams,
    n_threads: usize,
) -> Result<Fitted> {
    let spec = params.spec();
    sample::check(frame, &rows, params)?;
    let rows = sample::draw(frame, rows, spec.max_rows, spec.seed);
    let few = sample::draw(frame, rows.clone(), TUNING_ROWS, spec.seed);
    let Chosen { blocks, trial, tried } = choose(frame, &rows, &few, periods, params, n_threads)?;
    let Trial { setting, logits } = trial;
    let calibration = calibrate(frame, &blocks, &logits);
    let model = finish(setting, calibration, frame, &rows, params, n_threads)?;
    Ok(Fitted { model, tried })
}

/// What was chosen, and the blocks its log-odds are of.
pub(super) struct Chosen {
    blocks: Vec<Block>,
    pub trial: Trial,
    pub tried: Vec<Tried>,
}

/// Tries all settings on `few` of the `rows`, and what may be the best on all of them.
pub(super) fn choose(
    frame: &Frame,
    rows: &[usize],
    few: &[usize],
    periods: &[Matured],
    params: &ChurnValidParams,
    n_threads: usize,
) -> Result<Chosen> {
    let spec = params.spec();
    let mut blocks = sample::blocks(frame, few, periods, params);
    let mut trials = Vec::new();
    for candidate in &spec.candidates {
        trials.extend(trial::trials(candidate, frame, &blocks, spec, n_threads)?);
    }
    let mut judged = judge(frame, &blocks, &trials);
    let mut tried = judged.clone();
    if few.len() < rows.len() {
        blocks = sample::blocks(frame, rows, periods, params);
        let near = near_the_best(&tried);
        let settle =
            |&at: &usize| trial::settle(tried[at].setting, frame, &blocks, spec, n_threads);
        trials = near.iter().map(settle).collect::<Result<_>>()?;
        judged = judge(frame, &blocks, &trials);
        near.into_iter().zip(&judged).for_each(|(at, judged)| tried[at] = judged.clone());
    }
    let trial = trials.swap_remove(simplest_as_good(&judged));
    Ok(Chosen { blocks, trial, tried })
}

/// Fits and calibrates a model at a setting that was chosen before.
///
/// # Errors
///
/// As [`fit`].
pub(super) fn refit(
    setting: Setting,
    frame: &Frame,
    rows: Vec<usize>,
    periods: &[Matured],
    params: &ChurnValidParams,
    n_threads: usize,
) -> Result<ChurnModel> {
    let spec = params.spec();
    sample::check(frame, &rows, params)?;
    let rows = sample::draw(frame, rows, spec.max_rows, spec.seed);
    let blocks = sample::blocks(frame, &rows, periods, params);
    let logits = trial::repeat(setting, frame, &blocks, spec, n_threads)?;
    let calibration = calibrate(frame, &blocks, &logits);
    finish(setting, calibration, frame, &rows, params, n_threads)
}

/// Fits on all rows.
fn finish(
    setting: Setting,
    calibration: Calibration,
    frame: &Frame,
    rows: &[usize],
    params: &ChurnValidParams,
    n_threads: usize,
) -> Result<ChurnModel> {
    let spec = params.spec();
    let scorer = trial::fit(setting, frame, rows, spec, n_threads)?;
    let columns = scorer.names().into_iter().filter_map(|name| frame.column(name));
    let features = columns.map(|column| Feature::learnt(frame, column, rows)).collect();
    Ok(ChurnModel::new(features, scorer, calibration, spec.bands, setting))
}

fn outcomes(frame: &Frame, blocks: &[Block]) -> Vec<bool> {
    blocks.iter().flat_map(|block| churned(frame, &block.test)).collect()
}

fn calibrate(frame: &Frame, blocks: &[Block], logits: &[f64]) -> Calibration {
    Calibration::fit(logits, &outcomes(frame, blocks))
}

/// Compares calibrated held-out losses.
///
/// The error is that of the *difference* to the best: which customers were held
/// out moves all settings alike and says nothing about which is better. Rows of
/// one customer count as one, since they resemble each other.
fn judge(frame: &Frame, blocks: &[Block], trials: &[Trial]) -> Vec<Tried> {
    let outcomes = outcomes(frame, blocks);
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut customers = Vec::with_capacity(outcomes.len());
    for &row in blocks.iter().flat_map(|block| &block.test) {
        let next = numbers.len();
        customers.push(*numbers.entry(frame.ids()[row].as_str()).or_insert(next));
    }
    let losses: Vec<Vec<f64>> = trials
        .iter()
        .map(|trial| {
            let calibration = Calibration::fit(&trial.logits, &outcomes);
            let pairs = trial.logits.iter().zip(&outcomes);
            pairs.map(|(&logit, &churned)| loss(calibration.apply(logit), churned)).collect()
        })
        .collect();
    let n_rows = outcomes.len().max(1) as f64;
    let mean = |losses: &Vec<f64>| losses.iter().sum::<f64>() / n_rows;
    let best = losses.iter().min_by(|a, b| mean(a).total_cmp(&mean(b)));
    let compare = |(trial, own): (&Trial, &Vec<f64>)| {
        let log_loss = mean(own);
        let excess = best.map_or(0.0, |best| log_loss - mean(best));
        let mut of_customer = vec![0.0; numbers.len()];
        for ((own, best), &customer) in own.iter().zip(best.unwrap_or(own)).zip(&customers) {
            of_customer[customer] += own - best - excess;
        }
        let error = of_customer.iter().map(|sum| sum * sum).sum::<f64>().sqrt() / n_rows;
        Tried { setting: trial.setting, log_loss, excess, error, rows: outcomes.len() }
    };
    trials.iter().zip(&losses).map(compare).collect()
}

/// The best setting of each estimator that may be the best of all.
fn near_the_best(tried: &[Tried]) -> Vec<usize> {
    let mut best: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, own) in tried.iter().enumerate() {
        let known = best.entry(own.setting.rank()).or_insert(at);
        if own.log_loss < tried[*known].log_loss {
            *known = at;
        }
    }
    let mut near: Vec<usize> = best.into_values().collect();
    // Where nothing can be compared, nothing is far.
    let is_far = |it: &Tried| it.excess > NEAR * it.error;
    near.retain(|&at| !is_far(&tried[at]));
    near.sort_unstable();
    near
}

/// The best setting of the simplest estimator that has one within one standard
/// error of the best of all.
fn simplest_as_good(tried: &[Tried]) -> usize {
    let order = |index: &usize| (tried[*index].setting.rank(), *index);
    let as_good = (0..tried.len()).filter(|&index| tried[index].excess <= tried[index].error);
    let Some(simplest) = as_good.min_by_key(order) else { return 0 };
    let rank = tried[simplest].setting.rank();
    let alike = (0..tried.len()).filter(|&index| tried[index].setting.rank() == rank);
    let by_loss = |a: &usize, b: &usize| tried[*a].log_loss.total_cmp(&tried[*b].log_loss);
    alike.min_by(by_loss).unwrap_or(simplest)
}

#[cfg(test)]
mod tests {
    use super::super::frame::Rows;
    use super::*;

    const SIMPLE: Setting = Setting::Logistic { ridge: 10.0, knots: 3 };
    const COMPLEX: Setting = Setting::Boosted { leaves: 8, rate: 0.1, trees: 100 };

    /// `n_customers` of two rows each, of whom every third churns.
    fn frame(n_customers: usize) -> Frame {
        let rows = Rows {
            ids: (0..2 * n_customers).map(|row| format!("c{:04}", row / 2)).collect(),
            periods: (0..2 * n_customers).map(|row| row % 2).collect(),
            churned: (0..2 * n_customers).map(|row| (row / 2).is_multiple_of(3)).collect(),
        };
        Frame::new(rows, Vec::new()).unwrap()
    }

    /// Log-odds that are `sure` of the outcome, where `right`.
    fn trial(frame: &Frame, setting: Setting, sure: f64, right: impl Fn(usize) -> bool) -> Trial {
        let logit =
            |(row, &churned): (usize, &bool)| if churned == right(row) { sure } else { -sure };
        Trial { setting, logits: frame.churned().iter().enumerate().map(logit).collect() }
    }

    #[test]
    fn the_simpler_wins_unless_customers_agree_that_it_is_worse() {
        let frame = frame(300);
        let blocks = [Block { train: Vec::new(), test: (0..frame.n_rows()).collect() }];
        let chosen = |simple: &dyn Fn(usize) -> bool, complex: &dyn Fn(usize) -> bool| {
            let trials = [trial(&frame, SIMPLE, 1.0, simple), trial(&frame, COMPLEX, 1.0, complex)];
            let tried = judge(&frame, &blocks, &trials);
            tried[simplest_as_good(&tried)].setting
        };
        // Wrong about one customer in five or in ten, others each time: clear.
        assert_eq!(chosen(&|row| !row.is_multiple_of(5), &|row| !row.is_multiple_of(10)), COMPLEX);
        // Wrong about as many, but for one row.
        assert_eq!(chosen(&|row| !row.is_multiple_of(5), &|row| row % 5 != 1 || row == 1), SIMPLE);
    }

    fn tried(setting: Setting, excess: f64, error: f64) -> Tried {
        Tried { setting, log_loss: 0.4 + excess, excess, error, rows: 1 }
    }

    #[test]
    fn the_simplest_estimator_as_good_comes_at_its_best_setting() {
        let weaker = Setting::Logistic { ridge: 1.0, knots: 3 };
        let stumps = Setting::Boosted { leaves: 2, rate: 0.1, trees: 100 };
        let splines = [tried(SIMPLE, 0.002, 0.003), tried(weaker, 0.003, 0.003)];
        let best = tried(COMPLEX, 0.0, 0.0);
        let chosen = |stumps_error| {
            let all = [&splines[..], &[tried(stumps, 0.001, stumps_error), best.clone()]].concat();
            all[simplest_as_good(&all)].setting
        };
        assert_eq!(chosen(0.0005), SIMPLE);
        assert_eq!(chosen(0.002), stumps);
    }

    #[test]
    fn what_may_be_the_best_is_each_estimators_best_setting() {
        let trees = |leaves| Setting::Boosted { leaves, rate: 0.1, trees: 100 };
        let weaker = Setting::Logistic { ridge: 1.0, knots: 3 };
        let mut all = vec![
            tried(SIMPLE, 0.004, 0.002),
            tried(weaker, 0.003, 0.002),
            tried(trees(2), 0.005, 0.002),
            tried(trees(4), 0.0, 0.0),
            tried(trees(8), 0.001, 0.002),
        ];
        assert_eq!(near_the_best(&all), [1, 3, 4]);
        all[2].error = 0.003;
        assert_eq!(near_the_best(&all), [1, 2, 3, 4]);
    }

    #[test]
    fn being_timid_is_no_fault_since_calibration_mends_it() {
        let frame = frame(100);
        let blocks = [Block { train: Vec::new(), test: (0..frame.n_rows()).collect() }];
        let right = |row: usize| !row.is_multiple_of(7);
        let trials = [trial(&frame, SIMPLE, 0.2, right), trial(&frame, COMPLEX, 2.0, right)];
        let tried = judge(&frame, &blocks, &trials);
        assert!((tried[0].log_loss - tried[1].log_loss).abs() < 1e-6, "{tried:?}");
    }
}
