//! Which parameters make what was seen most likely, and how sure are they?
//!
//! The parameters of the laws here are all positive and are fitted by their
//! logarithms, with exact gradients, by Newton's method, damped where a step
//! would go down (Levenberg). How far they may be off is shown
//! by a bootstrap: each customer is drawn anew some number of times, on average
//! once, and the parameters follow by one Newton step from the fitted ones.
//! One step is enough to first order and costs one sum per draw where a refit
//! would cost a fit (Kline & Santos, "A score based approach to wild bootstrap
//! inference", 2012).
//!
//! Rows are sorted before they are summed and chance has a fixed seed: the same
//! rows give the same bits in whatever order they come.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A law with `N` positive parameters.
pub(super) trait Law<const N: usize> {
    /// What is known of one customer.
    type Row;
    /// What is computed once for all customers.
    type Prepared;

    /// Prepares for parameters.
    fn prepare(&self, parameters: [f64; N]) -> Self::Prepared;

    /// The log-likelihood of a row, and its derivatives by each parameter.
    fn score(&self, prepared: &Self::Prepared, row: &Self::Row) -> (f64, [f64; N]);
}

/// A fitted law.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fitted<const N: usize> {
    pub parameters: [f64; N],
    pub log_likelihood: f64,
    /// The parameters of samples drawn anew.
    pub draws: Vec<[f64; N]>,
}

/// Samples drawn: the ends of a 95 % interval then have five beyond each.
const DRAWS: usize = 200;
const MOST_STEPS: usize = 200;
/// The logarithms a parameter may have; beyond them it means none or all.
const BOUND: f64 = 16.0;
/// The mean of the gradient below which a fit is one.
const FLAT: f64 = 1e-5;

struct Problem<'a, L: Law<N>, const N: usize> {
    law: &'a L,
    rows: &'a [L::Row],
}

impl<L: Law<N>, const N: usize> Problem<'_, L, N> {
    /// The mean log-likelihood and its gradient, by logarithms of parameters.
    fn mean(&self, logs: &[f64; N]) -> (f64, [f64; N]) {
        let parameters = logs.map(f64::exp);
        let prepared = self.law.prepare(parameters);
        let (mut total, mut gradient) = (0.0, [0.0; N]);
        for row in self.rows {
            let (value, score) = self.law.score(&prepared, row);
            total += value;
            for ((sum, by), parameter) in gradient.iter_mut().zip(score).zip(parameters) {
                *sum += by * parameter;
            }
        }
        let n = self.rows.len() as f64;
        (total / n, gradient.map(|sum| sum / n))
    }

    /// Goes uphill from 1 on until the ground is flat, or nowhere.
    fn climb(&self) -> Option<[f64; N]> {
        let mut logs = [0.0; N];
        let (mut height, mut gradient) = self.mean(&logs);
        let mut damping = 1e-3;
        for _ in 0..MOST_STEPS {
            if gradient.iter().all(|by| by.abs() < 1e-12) {
                break;
            }
            let information = self.information(&logs);
            let higher = loop {
                let next = inverse(damped(information, damping))
                    .map(|inverse| moved(&logs, &inverse, gradient));
                let next = next.map(|next| (next, self.mean(&next)));
                match next.filter(|(_, (above, _))| *above > height) {
                    Some(next) => break Some(next),
                    None if damping > 1e9 => break None,
                    None => damping *= 10.0,
                }
            };
            // Rounding hides what would still be higher.
            let Some((next, above)) = higher else { break };
            // On a ridge the ground is flat long before; elsewhere it is not.
            if next.iter().any(|log| log.abs() >= BOUND) {
                break;
            }
            (logs, (height, gradient)) = (next, above);
            damping = (damping / 10.0).max(1e-12);
        }
        let is_flat = gradient.iter().all(|by| by.abs() < FLAT);
        (is_flat && height.is_finite()).then_some(logs)
    }

    /// Minus the derivatives of the gradient: what is known about parameters
    /// per row.
    fn information(&self, logs: &[f64; N]) -> [[f64; N]; N] {
        const STEP: f64 = 1e-5;
        let mut information = [[0.0; N]; N];
        for (place, line) in information.iter_mut().enumerate() {
            let beside = |step: f64| {
                let mut logs = *logs;
                logs[place] += step;
                self.mean(&logs).1
            };
            let (more, less) = (beside(STEP), beside(-STEP));
            for ((cell, more), less) in line.iter_mut().zip(more).zip(less) {
                *cell = (less - more) / (2.0 * STEP);
            }
        }
        information
    }
}

/// The parameters that make `rows`, which the caller has sorted, most likely,
/// searched from 1 on. Nothing if there is no such point: too few rows, or rows
/// that fit the law best where a parameter is 0 or without bound.
pub(super) fn fit<L: Law<N>, const N: usize>(law: &L, rows: &[L::Row]) -> Option<Fitted<N>> {
    if rows.len() <= N {
        return None;
    }
    let problem = Problem { law, rows };
    let logs = problem.climb()?;
    let (mean, _) = problem.mean(&logs);
    // Where parameters can move together and change nothing, the ground is flat
    // in that direction and its curvature is rounding: draws go nowhere in it.
    let information = problem.information(&logs);
    let dampings = [0.0, 1e-10, 1e-8, 1e-6, 1e-4];
    let inverse = dampings.into_iter().find_map(|damping| inverse(damped(information, damping)))?;
    Some(Fitted {
        parameters: logs.map(f64::exp),
        log_likelihood: mean * rows.len() as f64,
        draws: draws(&problem, &logs, &inverse),
    })
}

/// The parameters of samples in which each row stands a Poisson number of
/// times.
fn draws<L: Law<N>, const N: usize>(
    problem: &Problem<'_, L, N>,
    logs: &[f64; N],
    inverse: &[[f64; N]; N],
) -> Vec<[f64; N]> {
    let parameters = logs.map(f64::exp);
    let prepared = problem.law.prepare(parameters);
    let mut sums = vec![[0.0; N]; DRAWS];
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(0);
    for row in problem.rows {
        let (_, score) = problem.law.score(&prepared, row);
        for sum in &mut sums {
            let more = poisson(chance.random()) - 1.0;
            for ((sum, by), parameter) in sum.iter_mut().zip(score).zip(parameters) {
                *sum += more * by * parameter;
            }
        }
    }
    let n = problem.rows.len() as f64;
    let step = |sum: [f64; N]| moved(logs, inverse, sum.map(|sum| sum / n)).map(f64::exp);
    sums.into_iter().map(step).collect()
}

/// One Newton step, no further than a factor of e⁴.
fn moved<const N: usize>(logs: &[f64; N], inverse: &[[f64; N]; N], gradient: [f64; N]) -> [f64; N] {
    std::array::from_fn(|place| {
        let step: f64 = inverse[place].iter().zip(gradient).map(|(cell, by)| cell * by).sum();
        logs[place] + step.clamp(-4.0, 4.0)
    })
}

/// The Poisson number with mean 1 at `chance` of its distribution.
fn poisson(chance: f64) -> f64 {
    let (mut number, mut probability) = (0.0, (-1.0_f64).exp());
    let mut upto = probability;
    while chance > upto && number < 20.0 {
        number += 1.0;
        probability /= number;
        upto += probability;
    }
    number
}

/// The matrix with something added to its diagonal.
fn damped<const N: usize>(mut matrix: [[f64; N]; N], damping: f64) -> [[f64; N]; N] {
    for (place, line) in matrix.iter_mut().enumerate() {
        line[place] += damping;
    }
    matrix
}

/// The inverse of a symmetric matrix, if it is positive definite, by Gauss and
/// Jordan: four parameters need no library.
fn inverse<const N: usize>(mut matrix: [[f64; N]; N]) -> Option<[[f64; N]; N]> {
    let mut inverse: [[f64; N]; N] =
        std::array::from_fn(|line| std::array::from_fn(|cell| f64::from(u8::from(line == cell))));
    for pivot in 0..N {
        let scale = matrix[pivot][pivot];
        if scale.is_nan() || scale <= 1e-12 {
            return None;
        }
        for cell in 0..N {
            matrix[pivot][cell] /= scale;
            inverse[pivot][cell] /= scale;
        }
        for line in (0..N).filter(|line| *line != pivot) {
            let factor = matrix[line][pivot];
            for cell in 0..N {
                matrix[line][cell] -= factor * matrix[pivot][cell];
                inverse[line][cell] -= factor * inverse[pivot][cell];
            }
        }
    }
    Some(inverse)
}

/// What lies between the 2.5th and the 97.5th of a hundred of `values`; nothing
/// of what is no number.
pub(super) fn interval(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.retain(|value| value.is_finite());
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |share: f64| values.get((share * last as f64).round() as usize).copied();
    at(0.025).zip(at(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exponential times: the estimate and its spread are known in closed form.
    struct Exponential;

    impl Law<1> for Exponential {
        type Row = f64;
        type Prepared = f64;

        fn prepare(&self, [rate]: [f64; 1]) -> f64 {
            rate
        }

        fn score(&self, rate: &f64, time: &f64) -> (f64, [f64; 1]) {
            (rate.ln() - rate * time, [1.0 / rate - time])
        }
    }

    fn times(seed: u64, n: usize) -> Vec<f64> {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..n).map(|_| -chance.random::<f64>().ln() / 3.0).collect()
    }

    #[test]
    fn finds_the_known_maximum() {
        let times = times(1, 500);
        let fitted = fit(&Exponential, &times).unwrap();
        let rate = 500.0 / times.iter().sum::<f64>();
        assert!((fitted.parameters[0] / rate - 1.0).abs() < 1e-6);
        assert!((fitted.log_likelihood - 500.0 * (rate.ln() - 1.0)).abs() < 1e-6);
        assert_eq!(fit(&Exponential, &times), Some(fitted));
    }

    #[test]
    fn the_interval_holds_the_truth_about_95_times_in_a_hundred() {
        let held = (0..400).filter(|seed| {
            let fitted = fit(&Exponential, &times(1_000 + seed, 80)).unwrap();
            let (low, high) = interval(fitted.draws.iter().map(|draw| draw[0]).collect()).unwrap();
            low <= 3.0 && 3.0 <= high
        });
        let share = held.count() as f64 / 400.0;
        assert!((0.92..=0.98).contains(&share), "{share}");
    }

    #[test]
    fn what_has_no_maximum_is_no_fit() {
        assert_eq!(fit(&Exponential, &[1.0]), None);
        assert_eq!(fit(&Exponential, &[0.0; 9]), None);
    }

    #[test]
    fn poisson_has_mean_and_variance_one() {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(3);
        let numbers: Vec<f64> = (0..100_000).map(|_| poisson(chance.random())).collect();
        let mean = numbers.iter().sum::<f64>() / 1e5;
        let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }
}
