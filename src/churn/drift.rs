//! Do customers look the same as when the model was made?
//!
//! The population stability index compares how many rows fall into each bin of
//! a feature, or of the score, then and now: PSI = Σ (c − e) ln(c / e) over the
//! bins, with e the shares of the baseline and c those of today. The usual
//! verdicts (below 0.1 none, above 0.25 much) forget how many rows there are:
//! a hundred customers drawn from the very same base have a PSI of 0.1 over ten
//! bins as often as not. So it comes with what it would stay below 95 times in
//! a hundred without any drift, (1/N + 1/M) χ²₉₅(bins − 1), and with a p-value.
//! That is Pearson's for two samples: PSI ÷ (1/N + 1/M) is the same number to
//! first order, but its logarithms leave the law of χ² far out in the tail, where
//! one of many features has to be judged, and where bins are small.
//!
//! Source of the limit: Yurdakul and Naranjo, "Statistical properties of the
//! population stability index", 2020.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::error::{Error, ErrorKind, Result};

/// Fewest rows a bin has to expect.
const LEAST: f64 = 5.0;

/// How far two samples lie apart, and how far chance alone would put them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Psi {
    /// The population stability index, from 0.
    pub value: f64,
    /// What it stays below in 95 of 100 samples of an unchanged base.
    pub limit: f64,
    /// What it is on average without any drift.
    pub chance: f64,
    /// How often bins differ so much, or more, without any drift.
    pub p_value: f64,
}

impl Psi {
    /// Whether the samples differ by more than chance would have it.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        self.value > self.limit
    }
}

/// The PSI of rows per bin, then and now. The bins are the caller's: deciles of
/// the baseline and one for missing values. A bin that is empty on one side
/// counts half a row there, since its logarithm would be infinite; one that is
/// empty on both counts as none.
///
/// # Errors
///
/// [`ErrorKind::Usage`] if the bins are not as many, [`ErrorKind::Insufficient`]
/// if a side has no rows or all are in one bin.
pub fn psi(baseline: &[u64], current: &[u64]) -> Result<Psi> {
    if baseline.len() != current.len() {
        let (before, after) = (baseline.len(), current.len());
        let words = format!("psi: {before} bins before and {after} after");
        return Err(Error::new(ErrorKind::Usage, words));
    }
    let used: Vec<(f64, f64)> = baseline
        .iter()
        .zip(current)
        .filter(|(before, after)| **before + **after > 0)
        .map(|(&before, &after)| (before as f64, after as f64))
        .collect();
    let n: f64 = used.iter().map(|(before, _)| before).sum();
    let m: f64 = used.iter().map(|(_, after)| after).sum();
    if n == 0.0 || m == 0.0 || used.len() < 2 {
        let bins = used.len();
        let words = format!("psi: {n} rows before and {m} after in {bins} bins");
        return Err(Error::new(ErrorKind::Insufficient, words)
            .hint("drift needs rows on both sides and values that vary"));
    }
    let value = used.iter().map(|&(before, after)| {
        let (e, c) = (before.max(0.5) / n, after.max(0.5) / m);
        (c - e) * (c / e).ln()
    });
    let freedom = (used.len() - 1) as f64;
    let law = ChiSquared::new(freedom).map_err(|error| {
        Error::new(ErrorKind::Internal, "psi: no law of that many bins").caused_by(error)
    })?;
    let pearson = used.iter().map(|&(before, after)| {
        ((m / n).sqrt() * before - (n / m).sqrt() * after).powi(2) / (before + after)
    });
    let unit = 1.0 / n + 1.0 / m;
    Ok(Psi {
        value: value.sum(),
        limit: unit * law.inverse_cdf(0.95),
        chance: unit * freedom,
        p_value: law.sf(pearson.sum()),
    })
}

/// Joins neighbouring bins until each may expect five rows on both sides: below
/// that neither law holds.
pub(super) fn pooled(baseline: &[u64], current: &[u64]) -> (Vec<u64>, Vec<u64>) {
    let [n, m] = [baseline, current].map(|bins| bins.iter().sum::<u64>());
    let smaller = n.min(m) as f64 / (n + m).max(1) as f64;
    let mut joined: Vec<(u64, u64)> = Vec::new();
    let mut open = (0, 0);
    for (before, after) in baseline.iter().zip(current) {
        open = (open.0 + before, open.1 + after);
        if smaller * (open.0 + open.1) as f64 >= LEAST {
            joined.push(std::mem::take(&mut open));
        }
    }
    match joined.last_mut() {
        Some(last) => *last = (last.0 + open.0, last.1 + open.1),
        None => joined.push(open),
    }
    joined.into_iter().unzip()
}

/// Holm's adjustment ("A simple sequentially rejective multiple test procedure",
/// 1979): of those at most α, one is false in at most α of all
/// comparisons in which nothing has drifted, whatever depends on what.
pub(super) fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut so_far = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        let left = (p_values.len() - rank) as f64;
        so_far = so_far.max((left * p_values[index]).min(1.0));
        adjusted[index] = so_far;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn published_vector() {
        let baseline = [100; 10];
        let current = [50, 50, 100, 100, 100, 100, 100, 100, 150, 150];
        let psi = psi(&baseline, &current).unwrap();
        assert!((psi.value - 0.10986).abs() < 5e-6, "{}", psi.value);
        // χ² of nine degrees of freedom at 95 % is 16.919.
        assert!((psi.limit - 0.002 * 16.919).abs() < 1e-6, "{}", psi.limit);
        assert!(psi.has_drifted());
        // scipy.stats.chi2_contingency of the same two rows: χ² = 53.3333, p = 2.5269e-8.
        assert!((psi.p_value / 2.5269e-8 - 1.0).abs() < 1e-3, "{}", psi.p_value);
    }

    #[test]
    fn small_bins_join_their_neighbours_and_no_row_is_lost() {
        let (before, after) = pooled(&[2, 0, 0, 50, 60, 3], &[1, 0, 2, 40, 70, 2]);
        assert_eq!((before, after), (vec![52, 63], vec![43, 72]));
        assert_eq!(pooled(&[1, 0], &[0, 1]), (vec![1], vec![1]));
    }

    /// R: p.adjust(c(.01, .04, .03, .005), "holm") is .03 .06 .06 .02.
    #[test]
    fn published_adjustment() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
    }

    #[test]
    fn what_has_not_drifted_is_below_the_limit_95_times_in_a_hundred() {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(5);
        let mut sample = |n: usize| {
            let mut bins = [0; 11];
            for _ in 0..n {
                bins[chance.random_range(0..11)] += 1;
            }
            bins
        };
        let quiet = (0..4_000).filter(|_| {
            let (baseline, current) = (sample(2_000), sample(700));
            !psi(&baseline, &current).unwrap().has_drifted()
        });
        let share = quiet.count() as f64 / 4_000.0;
        assert!((0.94..=0.96).contains(&share), "{share}");
    }

    #[test]
    fn empty_bins_are_half_a_row_and_nothing_is_refused() {
        assert_eq!(psi(&[5, 5, 0], &[5, 5, 0]).unwrap().value, 0.0);
        assert!(psi(&[5, 5, 0], &[5, 0, 5]).unwrap().value.is_finite());
        for (baseline, current) in [(&[0, 0][..], &[1, 1][..]), (&[5, 0], &[9, 0]), (&[1], &[1, 2])]
        {
            assert!(psi(baseline, current).is_err(), "{baseline:?}");
        }
    }
}
