//! How is one model fitted so that nothing it is judged on was seen before?
//!
//! From the rows it is given, and no others:
//! 1. customers are dealt into five folds; in each, encoder and weights are
//!    learnt on the other four, for one ridge strength after the other;
//! 2. the held-out losses choose the ridge: the strongest whose loss is within
//!    one standard error of the best, because the data can not tell them apart
//!    and the simpler model travels better to next month;
//! 3. held-out predictions at that ridge fit the calibration;
//! 4. encoder and weights are learnt once more on all rows.
//!
//! Where there are many rows, step 2 looks at a sample: a ridge is a prior on
//! the weights, and choosing among a handful of them needs no more.

use linfa::traits::{Fit, Predict};
use linfa::{Dataset, DatasetBase};
use ndarray::{Array1, Array2, Ix1};

use super::calibrate::Platt;
use super::encode::Encoder;
use super::frame::Frame;
use super::logistic::{LogisticModel, RidgeLogistic};
use super::metrics::sigmoid;
use super::model::ChurnModel;
use super::parallel;
use super::params::ChurnValidParams;
use super::sample::{self, N_FOLDS};
use crate::error::Result;

/// Weaker ridges are tried until this many in a row were no better; they take
/// the longest to fit, and the held-out loss has one valley.
const PATIENCE: usize = 2;
/// Most rows the ridge is chosen on.
const TUNING_ROWS: usize = 10_000;

/// Fits, tunes and calibrates a model on `rows` of `frame`.
///
/// # Errors
///
/// [`ErrorKind::Insufficient`](crate::error::ErrorKind::Insufficient) when the
/// rows can not carry a model.
pub(super) fn fit(
    frame: &Frame,
    rows: Vec<usize>,
    params: &ChurnValidParams,
    n_threads: usize,
) -> Result<ChurnModel> {
    let spec = params.spec();
    sample::check(frame, &rows, params)?;
    let rows = sample::draw(frame, rows, spec.max_rows, spec.seed);
    let (ridges, knots) = params.logistic();

    let few = sample::draw(frame, rows.clone(), TUNING_ROWS, spec.seed);
    let folds = deal(frame, &few, spec.seed, knots, n_threads)?;
    let chosen = choose(&folds, &ridges, n_threads)?;
    let ridge = chosen.ridge;
    let calibration = if few.len() == rows.len() {
        calibrate(&chosen, &folds)
    } else {
        let folds = deal(frame, &rows, spec.seed, knots, n_threads)?;
        calibrate(&try_ridge(&folds, ridge, None, n_threads)?, &folds)
    };

    let (encoder, dataset) = encode(frame, &rows, knots)?;
    let fitted = RidgeLogistic::new(ridge).fit(&dataset)?;
    Ok(ChurnModel::new(encoder, &fitted, calibration, spec.bands, ridge))
}

/// The rows of one fold, and the rows it is fitted without.
struct Fold {
    train: Dataset<f64, bool, Ix1>,
    test: Array2<f64>,
    churned: Vec<bool>,
}

/// One ridge strength, tried on every fold.
struct Trial {
    ridge: f64,
    models: Vec<LogisticModel>,
    /// Held-out log-odds, by fold.
    logits: Vec<Vec<f64>>,
    /// Mean held-out log-loss, by fold.
    losses: Vec<f64>,
}

impl Trial {
    fn loss(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len() as f64
    }
}

/// Deals the customers of `rows` into folds and encodes each.
fn deal(
    frame: &Frame,
    rows: &[usize],
    seed: u64,
    knots: usize,
    n_threads: usize,
) -> Result<Vec<Fold>> {
    let fold_of = sample::folds(frame, rows, seed);
    let numbers: Vec<usize> = (0..N_FOLDS).collect();
    parallel::map(&numbers, n_threads, |&fold| {
        let part = |inside: bool| {
            let pairs = rows.iter().zip(&fold_of);
            pairs.filter(|(_, it)| (**it == fold) == inside).map(|(&row, _)| row).collect()
        };
        let (train, test): (Vec<usize>, Vec<usize>) = (part(false), part(true));
        let (encoder, train) = encode(frame, &train, knots)?;
        let churned = churned(frame, &test);
        Ok(Fold { train, test: encoder.transform(frame, &test)?, churned })
    })
}

/// Tries ridges from the strongest on and picks one by the held-out losses.
fn choose(folds: &[Fold], ridges: &[f64], n_threads: usize) -> Result<Trial> {
    let mut trials: Vec<Trial> = Vec::with_capacity(ridges.len());
    let mut best = 0;
    for (index, &ridge) in ridges.iter().enumerate() {
        let trial = try_ridge(folds, ridge, trials.last(), n_threads)?;
        if trials.get(best).is_some_and(|it| trial.loss() < it.loss()) {
            best = index;
        }
        trials.push(trial);
        if index - best >= PATIENCE {
            break;
        }
    }
    let chosen = strongest_as_good(&trials, best);
    Ok(trials.swap_remove(chosen))
}

fn calibrate(trial: &Trial, folds: &[Fold]) -> Platt {
    let churned: Vec<bool> = folds.iter().flat_map(|fold| fold.churned.clone()).collect();
    Platt::fit(&trial.logits.concat(), &churned)
}

/// Fits one ridge on every fold, started at the models of a stronger one.
fn try_ridge(
    folds: &[Fold],
    ridge: f64,
    stronger: Option<&Trial>,
    n_threads: usize,
) -> Result<Trial> {
    let numbers: Vec<usize> = (0..folds.len()).collect();
    let models = parallel::map(&numbers, n_threads, |&number| {
        let mut params = RidgeLogistic::new(ridge);
        if let Some(trial) = stronger {
            params = params.start(trial.models[number].clone());
        }
        params.fit(&folds[number].train)
    })?;
    let predict = |(model, fold): (&LogisticModel, &Fold)| -> Vec<f64> {
        let logits: Array1<f64> = model.predict(&fold.test);
        logits.to_vec()
    };
    let logits: Vec<Vec<f64>> = models.iter().zip(folds).map(predict).collect();
    let loss = |(logits, fold): (&Vec<f64>, &Fold)| log_loss(logits, &fold.churned);
    let losses = logits.iter().zip(folds).map(loss).collect();
    Ok(Trial { ridge, models, logits, losses })
}

/// Index of the strongest ridge within one standard error of the best.
///
/// The error is that of the *difference* to the best over the folds: which
/// customers fell into a fold moves all ridges alike and says nothing about
/// which is better. Trials are from the strongest ridge to the weakest.
fn strongest_as_good(trials: &[Trial], best: usize) -> usize {
    let as_good = |&index: &usize| {
        let pairs = trials[index].losses.iter().zip(&trials[best].losses);
        let excess: Vec<f64> = pairs.map(|(loss, best)| loss - best).collect();
        let n = excess.len() as f64;
        let mean = excess.iter().sum::<f64>() / n;
        let spread = excess.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
        mean <= (spread / (n * (n - 1.0))).sqrt()
    };
    (0..best).find(as_good).unwrap_or(best)
}

/// Learns the encoding of `rows` and applies it to them.
fn encode(
    frame: &Frame,
    rows: &[usize],
    knots: usize,
) -> Result<(Encoder, Dataset<f64, bool, Ix1>)> {
    let encoder = Encoder::fit(frame, rows, knots)?;
    let records = encoder.transform(frame, rows)?;
    let targets = Array1::from(churned(frame, rows));
    Ok((encoder, DatasetBase::new(records, targets)))
}

fn churned(frame: &Frame, rows: &[usize]) -> Vec<bool> {
    rows.iter().map(|&row| frame.churned()[row]).collect()
}

fn log_loss(logits: &[f64], churned: &[bool]) -> f64 {
    let loss = |(&logit, &churned): (&f64, &bool)| {
        let probability = sigmoid(logit);
        -(if churned { probability.ln() } else { (-probability).ln_1p() })
    };
    logits.iter().zip(churned).map(loss).sum::<f64>() / churned.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(ridge: f64, losses: &[f64]) -> Trial {
        Trial { ridge, models: Vec::new(), logits: Vec::new(), losses: losses.to_vec() }
    }

    #[test]
    fn a_stronger_ridge_wins_unless_the_folds_agree_that_it_is_worse() {
        // Folds differ widely, but all find the strong ridge .01 worse.
        let worse = trial(10.0, &[0.51, 0.31, 0.71]);
        // On average .002 worse, which the folds do not agree on.
        let unsure = trial(3.0, &[0.490, 0.310, 0.706]);
        let best = trial(1.0, &[0.5, 0.3, 0.7]);
        assert_eq!(strongest_as_good(&[worse, unsure, best], 2), 1);
    }
}
