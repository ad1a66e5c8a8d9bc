//! When the model says 30 %, do 30 % leave?
//!
//! Platt scaling maps the model's log-odds by a straight line,
//! `logit′ = a·logit + b`, fitted on predictions for rows that the model has
//! not seen. A straight line keeps the model additive: each contribution is
//! multiplied by `a`, and reasons still sum to the score.
//!
//! Source: Platt, "Probabilistic outputs for support vector machines" (1999),
//! with his smoothed targets.

use serde::{Deserialize, Serialize};

use super::metrics::sigmoid;

/// The line from raw to calibrated log-odds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platt {
    /// Below 1 where the model was too sure, above 1 where it was too timid.
    pub slope: f64,
    /// Moves all probabilities up or down.
    pub offset: f64,
}

impl Platt {
    /// Fits the line to held-out log-odds by Newton's method.
    ///
    /// A slope that would be negative is set to 0: the model then ranks worse
    /// than chance on rows it has not seen, and the base rate is the honest
    /// answer.
    #[must_use]
    pub fn fit(logits: &[f64], churned: &[bool]) -> Self {
        let n_churned = churned.iter().filter(|&&churned| churned).count() as f64;
        let n_stayed = churned.len() as f64 - n_churned;
        // Smoothed targets keep the line finite when the classes separate.
        let high = (n_churned + 1.0) / (n_churned + 2.0);
        let low = 1.0 / (n_stayed + 2.0);
        let targets = churned.iter().map(|&churned| if churned { high } else { low });
        let rows: Vec<(f64, f64)> = logits.iter().copied().zip(targets).collect();

        let rate = rows.iter().map(|(_, target)| target).sum::<f64>() / rows.len().max(1) as f64;
        let base = Self { slope: 0.0, offset: (rate / (1.0 - rate)).ln() };
        let mut line = base;
        for _ in 0..100 {
            let Some((slope, offset)) = line.newton_step(&rows) else { break };
            // The loss is convex; a step that does not lower it is halved.
            let before = line.loss(&rows);
            let halved = (0..30).map(|power| 0.5f64.powi(power)).map(|size| Self {
                slope: line.slope + size * slope,
                offset: line.offset + size * offset,
            });
            let Some(better) = halved.into_iter().find(|it| it.loss(&rows) < before) else {
                break;
            };
            line = better;
            if slope.abs().max(offset.abs()) < 1e-10 {
                break;
            }
        }
        if line.slope > 0.0 { line } else { base }
    }

    /// The calibrated log-odds.
    #[must_use]
    pub fn apply(self, logit: f64) -> f64 {
        self.slope * logit + self.offset
    }

    fn loss(self, rows: &[(f64, f64)]) -> f64 {
        let loss = |&(logit, target): &(f64, f64)| {
            let z = self.apply(logit);
            // −t·ln p − (1−t)·ln(1−p), written so that no exponential overflows.
            z.max(0.0) - target * z + (-z.abs()).exp().ln_1p()
        };
        rows.iter().map(loss).sum()
    }

    fn newton_step(self, rows: &[(f64, f64)]) -> Option<(f64, f64)> {
        let (mut g_slope, mut g_offset) = (0.0, 0.0);
        let (mut h_slope, mut h_both, mut h_offset) = (1e-12, 0.0, 1e-12);
        for &(logit, target) in rows {
            let probability = sigmoid(self.apply(logit));
            let (error, weight) = (probability - target, probability * (1.0 - probability));
            g_slope += error * logit;
            g_offset += error;
            h_slope += weight * logit * logit;
            h_both += weight * logit;
            h_offset += weight;
        }
        let determinant = h_slope * h_offset - h_both * h_both;
        (determinant > 0.0).then(|| {
            (
                (h_both * g_offset - h_offset * g_slope) / determinant,
                (h_both * g_slope - h_slope * g_offset) / determinant,
            )
        })
    }
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
        let line = Platt::fit(&logits, &churned);
        // Smoothed targets: (80·101/102 + 20·1/102) / 100 = .79412.
        let expected = (80.0 * 101.0 + 20.0) / 10_200.0;
        assert!((sigmoid(line.apply(3.0)) - expected).abs() < 1e-9);
        assert!(line.slope < 1.0 && line.offset.abs() < 1e-9);
    }

    #[test]
    fn a_model_worse_than_chance_falls_back_to_the_base_rate() {
        let (logits, churned) = two_groups(-3.0);
        let line = Platt::fit(&logits, &churned);
        assert_eq!(line.slope, 0.0);
        assert!((sigmoid(line.apply(5.0)) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn separated_classes_stay_finite() {
        let line = Platt::fit(&[-1.0, -2.0, 1.0, 2.0], &[false, false, true, true]);
        assert!(line.slope.is_finite() && line.offset.is_finite() && line.slope > 0.0);
    }
}
