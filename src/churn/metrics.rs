//! How good are the probabilities?
//!
//! Two questions that one number can not answer: does the model *rank* leavers
//! above stayers (ROC AUC, PR AUC, lift), and do its probabilities *mean* what
//! they say (log-loss, Brier, ECE, the reliability plot)?
//!
//! Everything is computed from groups of equal probability, so that the order
//! of tied rows can not matter: a group that straddles the top decile counts
//! by expectation.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Bins of the reliability plot and of the expected calibration error.
pub const N_BINS: usize = 10;

/// The logistic function, kept inside the open interval (0, 1).
#[must_use]
pub fn sigmoid(logit: f64) -> f64 {
    let probability = if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        let odds = logit.exp();
        odds / (1.0 + odds)
    };
    probability.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON)
}

/// Loss of a log-odds under what happened, `−ln` of the probability given to it.
#[must_use]
pub fn loss(logit: f64, churned: bool) -> f64 {
    // ln(1 + e^−z) for the class that came true, without overflow.
    let z = if churned { logit } else { -logit };
    (-z.abs()).exp().ln_1p() + (-z).max(0.0)
}

/// Mean log-loss of log-odds.
#[must_use]
pub fn log_loss(logits: &[f64], churned: &[bool]) -> f64 {
    let losses = logits.iter().zip(churned).map(|(&logit, &churned)| loss(logit, churned));
    losses.sum::<f64>() / churned.len().max(1) as f64
}

/// Quality of probabilities against what happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Probability that a leaver ranks above a stayer, ties counting half.
    pub auc: f64,
    /// Average precision: the area under precision over recall, by steps.
    pub pr_auc: f64,
    /// Mean of −ln of the probability given to what happened.
    pub log_loss: f64,
    /// Mean squared error of the probability.
    pub brier: f64,
    /// `1 − brier / (π(1 − π))`: 0 for always saying the base rate π.
    pub brier_skill: f64,
    /// Expected calibration error over ten bins of equal mass.
    pub ece: f64,
    /// Churn rate among the tenth of highest risk over that of all.
    pub lift_decile: f64,
    /// Share of all leavers found in the tenth of highest risk.
    pub capture_decile: f64,
    /// Rows scored.
    pub rows: usize,
    /// Rows that churned.
    pub churners: usize,
    /// Predicted against observed, highest risk first.
    pub reliability: Vec<Bin>,
}

/// One tenth of the rows by predicted risk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// Mean predicted probability.
    pub predicted: f64,
    /// Share that churned.
    pub observed: f64,
    /// Rows in the bin; a group of ties may be shared between bins.
    pub rows: f64,
}

/// Rows that were given the same probability.
#[derive(Debug, Clone, Copy)]
struct Group {
    probability: f64,
    rows: f64,
    churned: f64,
}

/// Rows sorted by probability, highest first.
#[derive(Debug, Clone)]
pub struct Ranking {
    order: Vec<usize>,
    probabilities: Vec<f64>,
    churned: Vec<f64>,
}

impl Ranking {
    /// Sorts once, so that many weightings of the same rows are cheap.
    #[must_use]
    pub fn new(probabilities: &[f64], churned: &[bool]) -> Self {
        let mut order: Vec<usize> = (0..probabilities.len().min(churned.len())).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        Self {
            probabilities: order.iter().map(|&row| probabilities[row]).collect(),
            churned: order.iter().map(|&row| f64::from(churned[row])).collect(),
            order,
        }
    }

    /// The metrics with every row counted once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] when all rows are of one class.
    pub fn metrics(&self) -> Result<Metrics> {
        self.weighted(|_| 1.0)
    }

    /// The metrics with row `i` of the input counted `weight(i)` times.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] when all rows are of one class.
    pub fn weighted(&self, weight: impl Fn(usize) -> f64) -> Result<Metrics> {
        let groups = self.groups(weight);
        let rows: f64 = groups.iter().map(|group| group.rows).sum();
        let churned: f64 = groups.iter().map(|group| group.churned).sum();
        if churned <= 0.0 || churned >= rows {
            let all = if churned > 0.0 { "all churned" } else { "none churned" };
            return Err(Error::new(
                ErrorKind::Insufficient,
                format!("of {rows} rows to validate on, {all}: there is nothing to tell apart"),
            ));
        }
        let rate = churned / rows;
        let mean = |loss: fn(&Group) -> f64| groups.iter().map(loss).sum::<f64>() / rows;
        let brier = mean(|it| {
            let (p, stayed) = (it.probability, it.rows - it.churned);
            it.churned * (1.0 - p).powi(2) + stayed * p.powi(2)
        });
        let log_loss = mean(|it| {
            let (p, stayed) = (it.probability, it.rows - it.churned);
            -it.churned * p.ln() - stayed * (-p).ln_1p()
        });
        let reliability = bins(&groups, rows);
        let gap = |bin: &Bin| bin.rows * (bin.predicted - bin.observed).abs();
        let top = reliability.first().map_or(0.0, |bin| bin.observed * bin.rows);
        Ok(Metrics {
            auc: roc_auc(&groups, churned, rows - churned),
            pr_auc: average_precision(&groups, churned),
            log_loss,
            brier,
            brier_skill: 1.0 - brier / (rate * (1.0 - rate)),
            ece: reliability.iter().map(gap).sum::<f64>() / rows,
            lift_decile: top / churned * N_BINS as f64,
            capture_decile: top / churned,
            rows: rows.round() as usize,
            churners: churned.round() as usize,
            reliability,
        })
    }

    fn groups(&self, weight: impl Fn(usize) -> f64) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (rank, &probability) in self.probabilities.iter().enumerate() {
            let rows = weight(self.order[rank]);
            let churned = rows * self.churned[rank];
            match groups.last_mut() {
                Some(group) if group.probability.total_cmp(&probability).is_eq() => {
                    group.rows += rows;
                    group.churned += churned;
                }
                _ => groups.push(Group { probability, rows, churned }),
            }
        }
        groups
    }
}

fn roc_auc(groups: &[Group], churned: f64, stayed: f64) -> f64 {
    let mut above = 0.0;
    let mut won = 0.0;
    for group in groups {
        won += (group.rows - group.churned) * (above + group.churned / 2.0);
        above += group.churned;
    }
    won / (churned * stayed)
}

fn average_precision(groups: &[Group], churned: f64) -> f64 {
    let (mut rows, mut found, mut area) = (0.0, 0.0, 0.0);
    for group in groups.iter().filter(|group| group.rows > 0.0) {
        rows += group.rows;
        found += group.churned;
        area += group.churned / churned * (found / rows);
    }
    area
}

/// Cuts the rows into tenths of equal mass, sharing out a group of ties.
fn bins(groups: &[Group], rows: f64) -> Vec<Bin> {
    let capacity = rows / N_BINS as f64;
    let mut sums = [(0.0, 0.0, 0.0); N_BINS];
    let mut index = 0;
    for group in groups {
        let mut left = group.rows;
        while left > 0.0 {
            let last = index + 1 == N_BINS;
            let room = if last { left } else { capacity - sums[index].2 };
            // What rounding leaves of a full bin is not worth a visit.
            if room <= capacity * 1e-12 {
                index += 1;
                continue;
            }
            let taken = left.min(room);
            sums[index].0 += taken * group.probability;
            sums[index].1 += taken * (group.churned / group.rows);
            sums[index].2 += taken;
            left -= taken;
        }
    }
    let filled = sums.into_iter().filter(|(_, _, mass)| *mass > 0.0);
    filled
        .map(|(predicted, observed, rows)| Bin {
            predicted: predicted / rows,
            observed: observed / rows,
            rows,
        })
        .collect()
}

#[cfg(test)]
mod tests;
