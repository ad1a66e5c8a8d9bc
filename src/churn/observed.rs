//! Did as many leave as the scores said?
//!
//! Observed ÷ expected is 1 where probabilities mean what they say. Its interval
//! is Wilson's around the share that left, of as many customers as would have
//! left it so much to chance had all the same probability: Σp(1−p) is the
//! variance of the number of leavers, and less than that of n draws at the mean.
//! So the interval leaves 1 out exactly where the number of leavers is further
//! from the expected one than its law allows.

use serde::Serialize;

/// Standard deviations of 99 % of a normal law.
pub(super) const Z99: f64 = 2.575_829;
/// How far off the expected number has to be to matter: with a million
/// customers, everything is significant.
pub(super) const OFF: f64 = 0.1;

/// Leavers against what scores said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Observed {
    /// Customers whose outcome is known.
    pub customers: usize,
    /// Sum of their probabilities.
    pub expected: f64,
    /// Those who left.
    pub churned: usize,
    /// Observed ÷ expected; 1 is as promised.
    pub ratio: f64,
    /// 99 % interval of the ratio.
    pub interval: [f64; 2],
}

impl Observed {
    /// Counts customers by probability and outcome; none of nobody.
    #[must_use]
    pub fn of(scores: impl Iterator<Item = (f64, bool)>) -> Option<Self> {
        let (mut customers, mut expected, mut variance, mut churned) = (0_usize, 0.0, 0.0, 0_usize);
        for (probability, left) in scores {
            customers += 1;
            expected += probability;
            variance += probability * (1.0 - probability);
            churned += usize::from(left);
        }
        if customers == 0 {
            return None;
        }
        let n = customers as f64;
        let mean = expected / n;
        let worth = n * n * mean * (1.0 - mean) / variance;
        let share = churned as f64 / n;
        let shrink = 1.0 + Z99 * Z99 / worth;
        let centre = (share + Z99 * Z99 / (2.0 * worth)) / shrink;
        let spread = share * (1.0 - share) / worth + Z99 * Z99 / (4.0 * worth * worth);
        let half = Z99 * spread.sqrt() / shrink;
        Some(Self {
            customers,
            expected,
            churned,
            ratio: share / mean,
            interval: [(centre - half).max(0.0) / mean, (centre + half).min(1.0) / mean],
        })
    }

    /// Whether chance does not explain the difference, and it matters.
    #[must_use]
    pub fn is_off(&self) -> bool {
        let [low, high] = self.interval;
        (low > 1.0 || high < 1.0) && (self.ratio - 1.0).abs() >= OFF
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn equal_probabilities_have_wilsons_interval() {
        let found = Observed::of((0..100).map(|row| (0.2, row < 30))).unwrap();
        assert_eq!((found.customers, found.churned), (100, 30));
        // Wilson's 99 % of 30 of 100 is .1979 to .4272.
        let [low, high] = found.interval.map(|end| end * 0.2);
        assert!((low - 0.1979).abs() < 1e-3 && (high - 0.4272).abs() < 1e-3, "{low} {high}");
        assert!((found.ratio - 1.5).abs() < 1e-12);
        assert_eq!(Observed::of(std::iter::empty()), None);
    }

    /// Scores spread as a model's do; at odds as said, and half as much again.
    #[test]
    fn alarms_are_rare_where_scores_are_right_and_common_where_not() {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(11);
        let mut alarms = |customers: usize, factor: f64| {
            let outside = (0..1_000).filter(|_| {
                let scores = (0..customers).map(|_| {
                    let p = chance.random::<f64>().powi(3);
                    (p, chance.random::<f64>() < (factor * p).min(1.0))
                });
                let found = Observed::of(scores).unwrap();
                !(found.interval[0] <= 1.0 && 1.0 <= found.interval[1])
            });
            outside.count() as f64 / 1_000.0
        };
        for customers in [100, 1_000] {
            let false_alarms = alarms(customers, 1.0);
            assert!(false_alarms <= 0.02, "{customers}: {false_alarms}");
        }
        assert!(alarms(1_000, 1.3) > 0.95);
    }
}
