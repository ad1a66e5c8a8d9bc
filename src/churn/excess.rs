//! Did as many leave as probabilities said, or fewer or more than chance explains?
//!
//! Rows of one customer count as one: their excesses of leavers over expected ones are
//! added before they are squared. Of independent rows the squares come to Σp(1 − p), and
//! the error is at least that: where nobody left the squares are small and prove little.

use std::collections::BTreeMap;

use statrs::function::erf::erfc;

use super::observed::OFF;

/// How often any of many may be called off where none is.
pub(super) const ALPHA: f64 = 0.05;

/// Rows with the probability each was given and what came of it.
#[derive(Default)]
pub(super) struct Excess<'a> {
    rows: usize,
    expected: f64,
    left: usize,
    by_chance: f64,
    /// How many more than expected left, by customer.
    of_customer: BTreeMap<&'a str, f64>,
}

impl<'a> Excess<'a> {
    /// Counts a row.
    pub(super) fn add(&mut self, customer: &'a str, probability: f64, left: bool) {
        self.rows += 1;
        self.expected += probability;
        self.left += usize::from(left);
        self.by_chance += probability * (1.0 - probability);
        *self.of_customer.entry(customer).or_default() += f64::from(left) - probability;
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// Mean probability.
    pub(super) fn predicted(&self) -> f64 {
        self.expected / self.rows as f64
    }

    /// Share that left.
    pub(super) fn observed(&self) -> f64 {
        self.left as f64 / self.rows as f64
    }

    /// Standard error of their difference.
    pub(super) fn error(&self) -> f64 {
        let drawn_anew: f64 = self.of_customer.values().map(|excess| excess * excess).sum();
        drawn_anew.max(self.by_chance).sqrt() / self.rows as f64
    }
}

/// How often chance alone gives as large a difference, its error known; 1 where it is
/// too small to change anybody's work.
pub(super) fn p_value(predicted: f64, observed: f64, error: f64) -> f64 {
    let difference = (observed - predicted).abs();
    if difference < OFF * predicted {
        return 1.0;
    }
    erfc(difference / error.max(f64::MIN_POSITIVE) / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred customers at a probability, of whom `left` left, `times` times.
    fn counted(probability: f64, left: usize, ids: &[String], times: usize) -> Excess<'_> {
        let mut excess = Excess::default();
        for _ in 0..times {
            for (number, id) in ids.iter().enumerate() {
                excess.add(id, probability, number < left);
            }
        }
        excess
    }

    #[test]
    fn the_error_is_binomial_and_repeated_customers_are_no_new_evidence() {
        let ids: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let once = counted(0.1, 10, &ids, 1);
        assert_eq!((once.rows(), once.observed()), (100, 0.1));
        // √(100 · .1 · .9) / 100 = .03.
        assert!((once.error() - 0.03).abs() < 1e-12, "{}", once.error());
        let thrice = counted(0.1, 10, &ids, 3);
        assert_eq!(thrice.rows(), 300);
        assert!((thrice.error() - once.error()).abs() < 1e-12);
        // Nobody of a hundred at one percent: √(100 · .01 · .99) / 100, not 1 % ÷ √100.
        let none = counted(0.01, 0, &ids, 1);
        assert!((none.error() - 0.99_f64.sqrt() / 100.0).abs() < 1e-12, "{}", none.error());
    }

    #[test]
    fn a_difference_of_less_than_a_tenth_changes_nobodys_work() {
        assert_eq!(p_value(0.10, 0.109, 1e-6), 1.0);
        assert!(p_value(0.10, 0.111, 1e-6) < 1e-9);
        // 1.96 standard errors are 5 %.
        assert!((p_value(0.10, 0.10 + 0.0196, 0.01) - 0.05).abs() < 1e-4);
    }
}
