//! How are random numbers drawn so that every machine draws the same ones?
//!
//! Each customer has a stream of its own (Xoshiro256++, seeded from the plan's
//! seed and the stream's number), so customer 17 is the same person whatever is
//! generated before it. Transcendental functions come from the `libm` crate and
//! not from the platform, whose last bit differs between systems.

use libm::{exp, log};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// One stream of random numbers.
pub(super) struct Draw(Xoshiro256PlusPlus);

impl Draw {
    /// The stream numbered `stream` of `seed`.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        // The odd constant is 2^64 divided by the golden ratio: neighbouring
        // streams start far apart before the seeding mixes them further.
        let mixed = seed.rotate_left(32) ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// A uniform number in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        // 53 bits are what the mantissa of an f64 holds.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
        let bits = (self.0.next_u64() >> 11) as f64;
        bits / 9_007_199_254_740_992.0
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A uniform whole number in `low..high`; `low` if that is empty.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high.saturating_sub(low)).unwrap_or(0);
        // The high half of a 128-bit product is uniform up to 2^-64 × width.
        let scaled = (u128::from(self.0.next_u64()) * u128::from(width)) >> 64;
        low + i64::try_from(scaled).unwrap_or(0)
    }

    /// One of `items`, each as likely; `items` must not be empty.
    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let last = i64::try_from(items.len()).unwrap_or(i64::MAX);
        items[usize::try_from(self.between(0, last)).unwrap_or(0)]
    }

    /// An index drawn in proportion to `weights`.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        // Rounding can leave a sliver beyond the last weight.
        weights.len() - 1
    }

    /// An exponential waiting time with the given mean.
    pub(super) fn waiting(&mut self, mean: f64) -> f64 {
        -mean * log(1.0 - self.unit())
    }

    /// A Poisson count; meant for small means, as it takes `mean` steps.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        // Knuth: count how many uniforms multiply to no less than e^-mean.
        let floor = exp(-mean);
        let mut product = self.unit();
        let mut count = 0;
        while product > floor {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// A standard normal number, as a sum of twelve uniforms (Irwin–Hall):
    /// survey noise needs no tails beyond six deviations.
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: u32 = 200_000;

    /// Mean and variance of `N` draws.
    fn moments(mut draw: impl FnMut(&mut Draw) -> f64) -> (f64, f64) {
        let mut stream = Draw::new(1, 2);
        let values: Vec<f64> = (0..N).map(|_| draw(&mut stream)).collect();
        let mean = values.iter().sum::<f64>() / f64::from(N);
        let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
        (mean, squares / f64::from(N))
    }

    #[test]
    fn distributions_have_their_moments() {
        let close = |(mean, variance): (f64, f64), expected: (f64, f64)| {
            let band = 5.0 * (expected.1 / f64::from(N)).sqrt();
            assert!((mean - expected.0).abs() < band, "mean {mean}, not {}", expected.0);
            assert!((variance / expected.1 - 1.0).abs() < 0.05, "variance {variance}");
        };
        close(moments(Draw::unit), (0.5, 1.0 / 12.0));
        close(moments(Draw::normal), (0.0, 1.0));
        close(moments(|d| d.waiting(3.0)), (3.0, 9.0));
        close(moments(|d| f64::from(d.poisson(0.3))), (0.3, 0.3));
        close(moments(|d| f64::from(d.poisson(4.0))), (4.0, 4.0));
    }

    #[test]
    fn streams_are_fixed_for_ever_and_differ() {
        // A changed value here means that every published data set changed.
        assert_eq!(Draw::new(7, 0).0.next_u64(), FIRST_OF_SEED_7);
        assert_ne!(Draw::new(7, 1).0.next_u64(), FIRST_OF_SEED_7);
    }

    const FIRST_OF_SEED_7: u64 = 15_691_637_923_710_720_445;
}
