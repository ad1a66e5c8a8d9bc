//! How many will have left in the end, told from who has come back so far?
//!
//! The label is known after the whole horizon; a model that no longer fits would
//! misdirect calls until then. But a customer seen on day t has stayed. Of the
//! others, a leaver is silent for certain and a stayer with the share S that the
//! law of returns ([`super::returns`]) gives for that day, so
//! `P(left | silent) = π / (π + (1 − π) S)`.
//!
//! π is the score with its odds times one factor for all customers, which is what
//! the number of silent ones tells about the scores: 1 if they hold. It is the
//! most likely factor, held near 1 by a prior as long as the days say little. The
//! interval is of that factor's error, of chance in the outcomes left, and of how
//! much silence differs from month to month.

use serde::Serialize;

use super::metrics::sigmoid;
use super::observed::{OFF, Z99};
use super::returns::ReturnLaw;

/// Standard deviation of the factor's logarithm before anybody was watched.
const PRIOR: f64 = 0.5;
/// Beyond this the logarithm of a factor is no news but a broken feed.
const MOST: f64 = 5.0;

/// What the first days say about all of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Nowcast {
    /// Days of the horizon that are over.
    pub day: f64,
    /// Customers scored.
    pub customers: usize,
    /// Customers who have been seen since, and so stayed.
    pub seen: usize,
    /// Leavers by the scores: the sum of probabilities.
    pub scored: f64,
    /// Leavers by now.
    pub expected: f64,
    /// 95 % interval of the final number of leavers.
    pub interval: [f64; 2],
    /// What the odds of all scores have to be multiplied with.
    pub factor: f64,
    /// Standard deviations by which silence differs from what scores and law say.
    pub z: f64,
}

impl Nowcast {
    /// Watches customers, each with their score and whether they were seen since,
    /// until `day` of the horizon. None before its first hour.
    #[must_use]
    pub fn of(scores: &[(f64, bool)], law: &ReturnLaw, day: f64) -> Option<Self> {
        if day < 1.0 / 24.0 || scores.is_empty() {
            return None;
        }
        let rows: Vec<Row> = scores
            .iter()
            .map(|&(p, is_seen)| Row {
                logit: p.ln() - (-p).ln_1p(),
                silent: law.silent(p, day),
                is_seen,
            })
            .collect();
        let shock = law.shock(day);
        let as_scored = Sums::of(&rows, 0.0);
        let z = as_scored.slope
            / (as_scored.information + (as_scored.cross * shock).powi(2)).sqrt().max(1e-12);

        let precision = PRIOR.powi(-2);
        // The slope of the posterior falls through 0 between these.
        let (mut low, mut high) = (-MOST, MOST);
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            let rises = Sums::of(&rows, middle).slope > precision * middle;
            *(if rises { &mut low } else { &mut high }) = middle;
        }
        let factor = f64::midpoint(low, high);
        let sums = Sums::of(&rows, factor);
        let known = sums.information + precision;
        // Silence that the law did not expect looks like leavers twice: each silent
        // customer is taken for one more easily, and the factor rises.
        let by_shock = sums.open * (1.0 + sums.cross / known) * shock;
        let variance = sums.open + sums.open.powi(2) / known + by_shock.powi(2);
        let half = 1.96 * variance.sqrt();
        let seen = scores.iter().filter(|(_, is_seen)| *is_seen).count();
        let most = (scores.len() - seen) as f64;
        Some(Self {
            day,
            customers: scores.len(),
            seen,
            scored: scores.iter().map(|(p, _)| p).sum(),
            expected: sums.leavers,
            interval: [(sums.leavers - half).max(0.0), (sums.leavers + half).min(most)],
            factor: factor.exp(),
            z,
        })
    }

    /// Whether the scores do not hold, as far as 99 of 100 comparisons without
    /// drift would not say, and by so much that it matters.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.z.abs() > Z99 && (self.expected / self.scored - 1.0).abs() >= OFF
    }
}

struct Row {
    logit: f64,
    silent: f64,
    is_seen: bool,
}

/// Sums over customers at one factor.
#[derive(Default)]
struct Sums {
    /// Of the log-likelihood in the factor's logarithm.
    slope: f64,
    /// Fisher's information about that logarithm.
    information: f64,
    /// The same, together with relative silence.
    cross: f64,
    /// Probabilities of those who are silent.
    leavers: f64,
    /// Σ p(1 − p) of these: the variance that chance leaves, and also how fast
    /// `leavers` changes with the logarithms of the factor and of silence.
    open: f64,
}

impl Sums {
    fn of(rows: &[Row], factor: f64) -> Self {
        let mut sums = Self::default();
        for Row { logit, silent, is_seen } in rows {
            let p = sigmoid(logit + factor);
            let spread = p * (1.0 - p);
            let quiet = p + (1.0 - p) * silent;
            let slope = spread * (1.0 - silent);
            let room = (quiet * (1.0 - quiet)).max(f64::MIN_POSITIVE);
            sums.information += slope * slope / room;
            sums.cross += slope * (1.0 - p) * silent / room;
            if *is_seen {
                sums.slope -= p;
            } else {
                let left = p / quiet;
                sums.slope += slope / quiet;
                sums.leavers += left;
                sums.open += left * (1.0 - left);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests;
