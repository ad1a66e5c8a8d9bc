//! Of those who were said to leave by a day, did as many leave?
//!
//! The curve is judged as it is used: a model and hazards of what was known on a
//! day give the probabilities of customers at that cutoff and later ones, and
//! their departures are counted. Each horizon has a day of its own, the latest at
//! which as many cutoffs test it as test the model: half a year and a silence of a
//! quarter after it go back nine months, and the answer for the next month need
//! not do without what was learnt in them. The model and the hazards are fitted anew
//! for each of these days; only the setting of the score is the one that was chosen,
//! on labels known when the model is tested.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::super::departure::{HORIZONS, Interval};
use super::super::excess::{Excess, p_value};
use super::super::fit::refit;
use super::super::frame::Frame;
use super::super::params::ChurnValidParams;
use super::super::periods::{Matured, Role};
use super::super::sample;
use super::super::trial::Setting;
use super::curve::Curve;
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
    /// The first of them: what was known on this day is learnt from. None in models
    /// of before each horizon had its own.
    #[serde(default)]
    pub first: Option<NaiveDate>,
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

/// Half the width of the band in standard errors.
const Z95: f64 = 1.96;

impl Checked {
    /// How often chance alone gives as large a difference; 1 where it is too small to
    /// change anybody's work.
    pub(in super::super) fn p_value(&self) -> f64 {
        // The band ends at 0 and 1; its other end tells the error.
        let [low, high] = self.band;
        let error = (high - self.predicted).max(self.predicted - low) / Z95;
        p_value(self.predicted, self.observed, error)
    }
}

/// Judges curves at later cutoffs than those they are learnt from, the score at its
/// setting; horizons for which the data is too short are left out.
pub(in super::super) fn check(
    frame: &Frame,
    periods: &[Matured],
    score: Setting,
    params: &ChurnValidParams,
    n_threads: usize,
) -> Result<Vec<Checked>> {
    if frame.departures().is_empty() {
        return Ok(Vec::new());
    }
    // Horizons that are tested from the same day on share its curves.
    let mut of_first: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for number in 0..HORIZONS.len() {
        if let Some(first) = first_test(number, frame, periods, params) {
            of_first.entry(first).or_default().push(number);
        }
    }
    let mut tested = HORIZONS.map(|_| Tested::default());
    for (first, numbers) in of_first {
        let test = frame.rows_where(|period| period >= first);
        let day = periods[first].period().cutoff;
        let curves = curves_of(day, &test, frame, periods, score, params, n_threads)?;
        for (&row, curve) in test.iter().zip(&curves) {
            let period = frame.periods()[row];
            let matured = Interval::matured(&periods[period], NaiveDate::MAX);
            for interval in matured.filter(|it| numbers.contains(&it.number())) {
                let number = interval.number();
                if let Some(predicted) = curve.left_by[number] {
                    let left = frame.departures()[row].by(interval);
                    tested[number].cutoffs.insert(period);
                    tested[number].excess.add(&frame.ids()[row], predicted, left);
                }
            }
        }
    }
    let cutoff = |number: usize| periods[number].period().cutoff;
    let checked = tested.into_iter().zip(HORIZONS);
    Ok(checked.filter_map(|(tested, days)| tested.checked(days, cutoff)).collect())
}

/// The earliest cutoff to test a horizon on: as many as test the model have matured
/// for it, and it can be learnt from what was known then.
fn first_test(
    number: usize,
    frame: &Frame,
    periods: &[Matured],
    params: &ChurnValidParams,
) -> Option<usize> {
    let n_tests = periods.iter().filter(|it| it.period().role == Role::Test).count();
    let is_known = |period: &Matured| Interval::matured(period, NaiveDate::MAX).count() > number;
    let n_known = periods.iter().filter(|period| is_known(period)).count();
    let first = n_known.checked_sub(n_tests.max(1))?;
    let day = periods[first].period().cutoff;
    let train = known_by(day, frame, periods);
    sample::check(frame, &train, params).ok()?;
    let known = person_periods(frame, &train, periods, day);
    (learnable(&known, params) > number).then_some(first)
}

/// The rows whose label was known on a day.
fn known_by(day: NaiveDate, frame: &Frame, periods: &[Matured]) -> Vec<usize> {
    frame.rows_where(|period| periods[period].known_on() <= day)
}

/// The curves of `rows` by a model and hazards of what was known on `day`; none if
/// no hazards can be learnt from that.
fn curves_of(
    day: NaiveDate,
    rows: &[usize],
    frame: &Frame,
    periods: &[Matured],
    score: Setting,
    params: &ChurnValidParams,
    n_threads: usize,
) -> Result<Vec<Curve>> {
    let train = known_by(day, frame, periods);
    let model = refit(score, frame, train.clone(), periods, params, n_threads)?;
    let wanted = |name: &str| model.features().iter().any(|feature| feature.name == name);
    let how = How { wanted: &wanted, params, n_threads };
    let Some(survival) = fit(frame, &train, periods, day, &how)? else { return Ok(Vec::new()) };
    let scored = model.score_rows(frame, rows, n_threads)?;
    survival.curves(frame, rows, &scored, n_threads)
}

/// The rows of a horizon, and the cutoffs they are of.
#[derive(Default)]
struct Tested<'a> {
    excess: Excess<'a>,
    cutoffs: BTreeSet<usize>,
}

impl Tested<'_> {
    fn checked(self, days: u32, cutoff: impl Fn(usize) -> NaiveDate) -> Option<Checked> {
        let first = self.cutoffs.first().map(|&number| cutoff(number))?;
        let (predicted, error) = (self.excess.predicted(), self.excess.error());
        let end = |side: f64| (predicted + side * Z95 * error).clamp(0.0, 1.0);
        Some(Checked {
            days,
            cutoffs: self.cutoffs.len(),
            first: Some(first),
            rows: self.excess.rows(),
            predicted,
            observed: self.excess.observed(),
            band: [end(-1.0), end(1.0)],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_observed_is_set_beside_what_chance_would_give() {
        let day = NaiveDate::default();
        let ids: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let mut tested = Tested::default();
        tested.cutoffs.extend([3, 4]);
        for (number, id) in ids.iter().enumerate() {
            tested.excess.add(id, 0.1, number < 40);
        }
        let found = tested.checked(30, |number| day + chrono::Days::new(number as u64)).unwrap();
        assert_eq!((found.days, found.rows, found.cutoffs, found.observed), (30, 100, 2, 0.4));
        assert_eq!(found.first, Some(day + chrono::Days::new(3)));
        assert!(found.band[0] == 0.0 && 0.1 < found.band[1] && found.band[1] < 0.4, "{found:?}");
        assert!(Tested::default().checked(30, |_| day).is_none());
    }
}
