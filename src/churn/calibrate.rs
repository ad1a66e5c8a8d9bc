//! When the model says 30 %, do 30 % leave?
//!
//! Fitted on predictions for rows the model has not seen, one of two rising
//! curves maps its log-odds to calibrated ones. *Platt scaling* is a straight
//! line, `logit′ = a·logit + c`. *Beta calibration* lets the two ends differ,
//! `logit′ = a·ln p − b·ln(1 − p) + c`: boosted trees are often timid where they
//! are sure of a leaver and too bold where they are sure of a stayer. Platt is
//! the case a = b, and is kept unless the data insist on the third number.
//!
//! Sources: Platt, "Probabilistic outputs for support vector machines" (1999),
//! with his smoothed targets; Kull, Silva Filho and Flach, "Beta calibration"
//! (2017). Which of the two: Schwarz's criterion (1978).

use serde::{Deserialize, Serialize};

use super::metrics::{loss, sigmoid};

/// The curve from raw to calibrated log-odds; it never falls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Slope where the model sees stayers: below 1 where it was too sure.
    pub low: f64,
    /// Slope where it sees leavers.
    pub high: f64,
    /// Moves all probabilities up or down.
    pub offset: f64,
}

impl Calibration {
    /// Fits the curve to held-out log-odds.
    ///
    /// A slope that would be negative is set to 0: the model then ranks worse
    /// than chance on rows it has not seen, and the base rate is the honest
    /// answer.
    #[must_use]
    pub fn fit(logits: &[f64], churned: &[bool]) -> Self {
        let n_churned = churned.iter().filter(|&&churned| churned).count() as f64;
        let n_stayed = churned.len() as f64 - n_churned;
        // Smoothed targets keep the curve finite when the classes separate.
        let high = (n_churned + 1.0) / (n_churned + 2.0);
        let low = 1.0 / (n_stayed + 2.0);
        let targets: Vec<f64> =
            churned.iter().map(|&churned| if churned { high } else { low }).collect();
        let rate = targets.iter().sum::<f64>() / targets.len().max(1) as f64;
        let base = Self { low: 0.0, high: 0.0, offset: (rate / (1.0 - rate)).ln() };

        let lines: Vec<[f64; 2]> = logits.iter().map(|&logit| [logit, 1.0]).collect();
        let ([slope, offset], line_loss) = newton(&lines, &targets, [0.0, base.offset]);
        if slope <= 0.0 {
            return base;
        }
        let line = Self { low: slope, high: slope, offset };
        let ends: Vec<[f64; 3]> =
            logits.iter().map(|&logit| [-loss(logit, true), loss(logit, false), 1.0]).collect();
        let ([high, low, offset], curve_loss) = newton(&ends, &targets, [slope, slope, offset]);
        let gain = 2.0 * (line_loss - curve_loss);
        if high > 0.0 && low > 0.0 && gain > (targets.len() as f64).ln() {
            return Self { low, high, offset };
        }
        line
    }

    /// The calibrated log-odds.
    #[must_use]
    pub fn apply(self, logit: f64) -> f64 {
        if self.is_line() {
            return self.low * logit + self.offset;
        }
        self.high * -loss(logit, true) + self.low * loss(logit, false) + self.offset
    }

    /// How much of a raw difference from `base` to `logit` is left of it: reasons
    /// are stretched by it and still sum to the score.
    #[must_use]
    pub(super) fn stretch(self, base: f64, logit: f64) -> f64 {
        let distance = logit - base;
        if self.is_line() {
            self.low
        } else if distance.abs() < 1e-6 {
            let probability = sigmoid(base);
            self.high * (1.0 - probability) + self.low * probability
        } else {
            (self.apply(logit) - self.apply(base)) / distance
        }
    }

    fn is_line(self) -> bool {
        self.low.total_cmp(&self.high).is_eq()
    }
}

/// Logistic regression of `targets` on `N` columns by Newton's method from
/// `start`: the weights and the summed loss.
fn newton<const N: usize>(rows: &[[f64; N]], targets: &[f64], start: [f64; N]) -> ([f64; N], f64) {
    let logit = |weights: &[f64; N], row: &[f64; N]| -> f64 {
        weights.iter().zip(row).map(|(weight, value)| weight * value).sum()
    };
    let loss_of = |weights: &[f64; N]| -> f64 {
        let loss = |(row, &target): (&[f64; N], &f64)| {
            let z = logit(weights, row);
            // −t·ln p − (1−t)·ln(1−p), written so that no exponential overflows.
            z.max(0.0) - target * z + (-z.abs()).exp().ln_1p()
        };
        rows.iter().zip(targets).map(loss).sum()
    };
    let (mut weights, mut lowest) = (start, loss_of(&start));
    for _ in 0..100 {
        let mut system = [[0.0; N]; N];
        let mut gradient = [0.0; N];
        for (row, target) in rows.iter().zip(targets) {
            let probability = sigmoid(logit(&weights, row));
            let weight = probability * (1.0 - probability);
            for i in 0..N {
                gradient[i] += (target - probability) * row[i];
                for j in 0..N {
                    system[i][j] += weight * row[i] * row[j];
                }
            }
        }
        let Some(step) = solve(system, gradient) else { break };
        // The loss is convex; a step that does not lower it is halved.
        let shorter = (0..30).map(|power| {
            let size = 0.5_f64.powi(power);
            let moved = std::array::from_fn(|i| weights[i] + size * step[i]);
            (moved, loss_of(&moved))
        });
        let Some((moved, loss)) = shorter.into_iter().find(|(_, loss)| *loss < lowest) else {
            break;
        };
        (weights, lowest) = (moved, loss);
        if step.iter().all(|step| step.abs() < 1e-10) {
            break;
        }
    }
    (weights, lowest)
}

/// Solves a symmetric positive system by elimination; `None` if it is singular.
fn solve<const N: usize>(mut system: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    for (i, row) in system.iter_mut().enumerate() {
        row[i] += 1e-12;
    }
    for pivot in 0..N {
        let above = system[pivot];
        let diagonal = above[pivot];
        if diagonal <= 0.0 || !diagonal.is_finite() {
            return None;
        }
        for row in pivot + 1..N {
            let factor = system[row][pivot] / diagonal;
            for (cell, above) in system[row].iter_mut().zip(above) {
                *cell -= factor * above;
            }
            right[row] -= factor * right[pivot];
        }
    }
    let mut solution = [0.0; N];
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|column| system[row][column] * solution[column]).sum();
        solution[row] = (right[row] - known) / system[row][row];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two groups: of 100 rows at log-odds ±`logit`, 80 and 20 churn.
    fn two_groups(logit: f64) -> (Vec<f64>, Vec<bool>) {
        (0..200).map(|row| if row < 100 { (logit, row < 80) } else { (-logit, row < 120) }).unzip()
    }

    #[test]
    fn an_overconfident_model_is_tempered_to_what_was_seen() {
        let (logits, churned) = two_groups(3.0);
        let line = Calibration::fit(&logits, &churned);
        // Smoothed targets: (80·101/102 + 20·1/102) / 100 = .79412.
        let expected = (80.0 * 101.0 + 20.0) / 10_200.0;
        assert!((sigmoid(line.apply(3.0)) - expected).abs() < 1e-9);
        assert!(line.is_line() && line.low < 1.0 && line.offset.abs() < 1e-9);
    }

    #[test]
    fn a_model_worse_than_chance_falls_back_to_the_base_rate() {
        let (logits, churned) = two_groups(-3.0);
        let line = Calibration::fit(&logits, &churned);
        assert_eq!((line.low, line.high), (0.0, 0.0));
        assert!((sigmoid(line.apply(5.0)) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn separated_classes_stay_finite() {
        let line = Calibration::fit(&[-1.0, -2.0, 1.0, 2.0], &[false, false, true, true]);
        assert!(line.low.is_finite() && line.offset.is_finite() && line.low > 0.0);
    }

    /// Rows at eleven log-odds, of which the shares that a known curve gives churn.
    fn drawn_from(truth: Calibration) -> (Vec<f64>, Vec<bool>) {
        let mut rows = Vec::new();
        for step in -5..=5 {
            let logit = f64::from(step) * 0.8;
            let churned = (2_000.0 * sigmoid(truth.apply(logit))).round() as usize;
            rows.extend((0..2_000).map(|row| (logit, row < churned)));
        }
        rows.into_iter().unzip()
    }

    #[test]
    fn a_model_timid_at_one_end_only_is_found_out() {
        let truth = Calibration { low: 0.4, high: 2.5, offset: 0.3 };
        let (logits, churned) = drawn_from(truth);
        let found = Calibration::fit(&logits, &churned);
        for logit in [-4.0, -1.0, 0.0, 1.0, 4.0] {
            let (found, truth) = (sigmoid(found.apply(logit)), sigmoid(truth.apply(logit)));
            assert!((found - truth).abs() < 0.005, "{logit}: {found} for {truth}");
        }
        let straight = Calibration { low: 0.7, high: 0.7, offset: -1.0 };
        let (logits, churned) = drawn_from(straight);
        assert!(Calibration::fit(&logits, &churned).is_line(), "two numbers are enough");
    }

    #[test]
    fn stretched_differences_sum_to_the_calibrated_one() {
        let curve = Calibration { low: 0.4, high: 2.5, offset: 0.3 };
        for (base, logit) in [(-2.0, 1.0), (0.5, 0.5), (0.5, 0.5 + 1e-9), (3.0, -4.0)] {
            let stretched = curve.apply(base) + curve.stretch(base, logit) * (logit - base);
            assert!((stretched - curve.apply(logit)).abs() < 1e-9);
        }
    }
}
