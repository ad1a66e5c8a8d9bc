//! Of those who were said to leave by a day, did as many leave?
//!
//! The curve is judged as it is used: a model and hazards of what was known on a
//! day give the probabilities of customers at that cutoff and later ones, and
//! their departures are counted. The day is the latest at which as many cutoffs
//! test the longest horizon as test the model; a horizon of half a year and a
//! silence of a quarter take it back nine months, so the model is fitted anew for
//! it, at the settings already chosen.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::super::departure::{HORIZONS, Interval};
use super::super::fit::refit;
use super::super::frame::Frame;
use super::super::params::ChurnValidParams;
use super::super::periods::{Matured, Role};
use super::super::sample;
use super::super::trial::Setting;
use super::fit::{How, fit, learnable, person_periods};
use crate::error::Result;

/// Predicted and observed departures by one horizon, on rows not fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// Days after the cutoff and the gap.
    pub days: u32,
    /// Cutoffs tested on.
    pub cutoffs: usize,
    /// Customers at them.
    pub rows: usize,
    /// Mean probability of having left by then.
    pub predicted: f64,
    /// Share that had left.
    pub observed: f64,
    /// Where the share observed lies 95 times in 100 if the probabilities are
    /// right, the rows of a customer counting as one.
    pub band: [f64; 2],
}

/// Judges curves at later cutoffs than those they are learnt from, at the settings
/// of the score and of the hazards; nothing where the data is too short.
pub(in super::super) fn check(
    frame: &Frame,
    periods: &[Matured],
    [score, hazards]: [Setting; 2],
    params: &ChurnValidParams,
    n_threads: usize,
) -> Result<Vec<Checked>> {
    if frame.departures().is_empty() {
        return Ok(Vec::new());
    }
    let Some(first) = first_test(frame, periods, params) else { return Ok(Vec::new()) };
    let day = periods[first].period().cutoff;
    let train = frame.rows_where(|period| periods[period].known_on() <= day);
    let test = frame.rows_where(|period| period >= first);
    let model = refit(score, frame, train.clone(), periods, params, n_threads)?;
    let wanted = |name: &str| model.features().iter().any(|feature| feature.name == name);
    let how = How { wanted: &wanted, setting: Some(hazards), params, n_threads };
    let survival = fit(frame, &train, periods, day, &how)?;
    let Some(survival) = survival else { return Ok(Vec::new()) };
    let scored = model.score_rows(frame, &test, n_threads)?;
    let curves = survival.curves(frame, &test, &scored, n_threads)?;

    let mut sums = HORIZONS.map(|_| Sums::default());
    for (&row, curve) in test.iter().zip(&curves) {
        let period = frame.periods()[row];
        for interval in Interval::matured(&periods[period], NaiveDate::MAX) {
            let number = interval.number();
            if let Some(predicted) = curve.left_by[number] {
                let left = frame.departures()[row].by(interval);
                sums[number].add(&frame.ids()[row], period, predicted, left);
            }
        }
    }
    let checked = sums.into_iter().zip(HORIZONS).filter_map(|(sums, days)| sums.checked(days));
    Ok(checked.collect())
}

/// The earliest cutoff to test on: as many as test the model have matured for the
/// longest horizon that can also be learnt from what was known then.
fn first_test(frame: &Frame, periods: &[Matured], params: &ChurnValidParams) -> Option<usize> {
    let n_tests = periods.iter().filter(|it| it.period().role == Role::Test).count();
    let of_horizon = |number: usize| {
        let is_known =
            |period: &Matured| Interval::matured(period, NaiveDate::MAX).count() > number;
        let n_known = periods.iter().filter(|period| is_known(period)).count();
        let first = n_known.checked_sub(n_tests.max(1))?;
        let day = periods[first].period().cutoff;
        let train = frame.rows_where(|period| periods[period].known_on() <= day);
        sample::check(frame, &train, params).ok()?;
        let known = person_periods(frame, &train, periods, day);
        (learnable(&known, params) > number).then_some(first)
    };
    (0..HORIZONS.len()).rev().find_map(of_horizon)
}

/// What is added up over the rows of a horizon.
#[derive(Default)]
struct Sums<'a> {
    predicted: f64,
    left: usize,
    rows: usize,
    cutoffs: BTreeSet<usize>,
    /// How many more than predicted left, by customer.
    surprise: BTreeMap<&'a str, f64>,
}

impl<'a> Sums<'a> {
    fn add(&mut self, customer: &'a str, cutoff: usize, predicted: f64, left: bool) {
        self.predicted += predicted;
        self.left += usize::from(left);
        self.rows += 1;
        self.cutoffs.insert(cutoff);
        *self.surprise.entry(customer).or_default() += f64::from(u8::from(left)) - predicted;
    }

    fn checked(self, days: u32) -> Option<Checked> {
        if self.rows == 0 {
            return None;
        }
        let rows = self.rows as f64;
        let (predicted, observed) = (self.predicted / rows, self.left as f64 / rows);
        // Of independent rows, √Σp(1 − p) is expected of this; repeated ones add up.
        let error = self.surprise.values().map(|sum| sum * sum).sum::<f64>().sqrt() / rows;
        let end = |side: f64| (predicted + side * 1.96 * error).clamp(0.0, 1.0);
        let band = [end(-1.0), end(1.0)];
        Some(Checked {
            days,
            cutoffs: self.cutoffs.len(),
            rows: self.rows,
            predicted,
            observed,
            band,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred customers at ten percent each, of whom `left` left, `times` times.
    fn checked(left: usize, times: usize) -> Checked {
        let ids: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let mut sums = Sums::default();
        for cutoff in 0..times {
            for (number, id) in ids.iter().enumerate() {
                sums.add(id, cutoff, 0.1, number < left);
            }
        }
        sums.checked(30).unwrap()
    }

    #[test]
    fn the_band_is_binomial_and_repeated_customers_are_no_new_evidence() {
        let once = checked(10, 1);
        assert_eq!((once.rows, once.cutoffs, once.observed), (100, 1, 0.1));
        // √(100 · .1 · .9) / 100 = .03.
        assert!((once.band[0] - (0.1 - 1.96 * 0.03)).abs() < 1e-9, "{once:?}");
        assert!((once.band[1] - (0.1 + 1.96 * 0.03)).abs() < 1e-9, "{once:?}");
        let thrice = checked(10, 3);
        assert_eq!((thrice.rows, thrice.cutoffs), (300, 3));
        assert!((thrice.band[1] - once.band[1]).abs() < 1e-9, "{thrice:?}");
        let many = checked(40, 1);
        assert!(many.observed > many.band[1], "{many:?}");
        assert!(Sums::default().checked(30).is_none());
    }
}
