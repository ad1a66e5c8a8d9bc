//! Do customers look the same as when the model was made?
//!
//! The population stability index compares how many rows fall into each bin of
//! a feature, or of the score, then and now: PSI = Σ (c − e) ln(c / e) over the
//! bins, with e the shares of the baseline and c those of today. The usual
//! verdicts (below 0.1 none, above 0.25 much) forget how many rows there are:
//! a hundred customers drawn from the very same base have a PSI of 0.1 over ten
//! bins as often as not. So it comes with what it would stay below 95 times in
//! a hundred without any drift, (1/N + 1/M) χ²₉₅(bins − 1).
//!
//! Source of the limit: Yurdakul and Naranjo, "Statistical properties of the
//! population stability index", 2020.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::error::{Error, ErrorKind, Result};

/// How far two samples lie apart, and how far chance alone would put them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Psi {
    /// The population stability index, from 0.
    pub value: f64,
    /// What it stays below in 95 of 100 samples of an unchanged base.
    pub limit: f64,
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
    let law = ChiSquared::new((used.len() - 1) as f64).map_err(|error| {
        Error::new(ErrorKind::Internal, "psi: no law of that many bins").caused_by(error)
    })?;
    Ok(Psi { value: value.sum(), limit: (1.0 / n + 1.0 / m) * law.inverse_cdf(0.95) })
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
