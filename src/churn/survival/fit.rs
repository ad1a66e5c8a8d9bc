//! How are hazards fitted so that no interval is read before it is known?
//!
//! As the model itself ([`super::super::fit`]): blocks of rows are predicted from
//! others, the number of trees is the one that predicts best, held-out predictions
//! fit the calibrations, and all rows the hazards that are kept. Trees of a few
//! leaves, since a feature that says much of next month may say little of the
//! next half year: the interval has to interact.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::super::calibrate::Calibration;
use super::super::departure::{HORIZONS, Interval};
use super::super::frame::Frame;
use super::super::params::ChurnValidParams;
use super::super::periods::Matured;
use super::super::spec::Candidate;
use super::super::trial::Trial;
use super::super::{sample, trial};
use super::{PersonPeriod, Survival, expanded};
use crate::error::Result;

/// Trees of so many leaves, of whose answers such a share counts, at most so many.
const LEAVES: usize = 4;
const RATE: f64 = 0.1;
const TREES: usize = 300;

/// What hazards are fitted by.
pub(in super::super) struct How<'a> {
    /// The features.
    pub wanted: &'a dyn Fn(&str) -> bool,
    pub params: &'a ChurnValidParams,
    pub n_threads: usize,
}

/// Fits hazards on `rows` of `frame` as far as they were known on `day`. None for a
/// label without dates, and where not even the first interval has enough customers
/// who left in it and who stayed.
pub(in super::super) fn fit(
    frame: &Frame,
    rows: &[usize],
    periods: &[Matured],
    day: NaiveDate,
    how: &How<'_>,
) -> Result<Option<Survival>> {
    let How { wanted, params, n_threads, .. } = *how;
    let spec = params.spec();
    let Some(score_days) = spec.label.score_days() else { return Ok(None) };
    if frame.departures().is_empty() {
        return Ok(None);
    }
    let mut known = person_periods(frame, rows, periods, day);
    let n_intervals = learnable(&known, params);
    known.retain(|it| it.number < n_intervals);
    if known.is_empty() {
        return Ok(None);
    }
    let all = known.iter().map(|it| it.row).collect();
    let kept: BTreeSet<usize> =
        sample::draw(frame, all, spec.max_rows, spec.seed).into_iter().collect();
    known.retain(|it| kept.contains(&it.row));

    let (frame, _) = expanded(frame, &known, wanted)?;
    let groups = groups(periods, day);
    let rows: Vec<usize> = (0..frame.n_rows()).collect();
    let blocks = sample::blocks(&frame, &rows, &groups, params);
    let candidate = Candidate::Trees { leaves: vec![LEAVES], rate: RATE, trees: TREES };
    let mut tried = trial::trials(&candidate, &frame, &blocks, spec, n_threads)?;
    let Some(Trial { setting, logits }) = tried.pop() else { return Ok(None) };
    let tested: Vec<usize> = blocks.iter().flat_map(|block| block.test.iter().copied()).collect();
    let calibration = |number: usize| {
        let own = tested.iter().zip(&logits);
        let own = own.filter(|(row, _)| frame.periods()[**row] % HORIZONS.len() == number);
        let (logits, left): (Vec<f64>, Vec<bool>) =
            own.map(|(&row, &logit)| (logit, frame.churned()[row])).unzip();
        Calibration::fit(&logits, &left)
    };
    let calibrations = (0..n_intervals).map(calibration).collect();
    let scorer = trial::fit(setting, &frame, &rows, spec, n_threads)?;
    Ok(Some(Survival { score_days, setting, scorer, calibrations }))
}

/// Every interval that a customer of `rows` began and of which was known on `day`
/// whether they left in it.
pub(super) fn person_periods(
    frame: &Frame,
    rows: &[usize],
    periods: &[Matured],
    day: NaiveDate,
) -> Vec<PersonPeriod> {
    let mut found = Vec::new();
    for &row in rows {
        let (period, departure) = (frame.periods()[row], frame.departures()[row]);
        for interval in Interval::matured(&periods[period], day) {
            let Some(left) = departure.within(interval) else { break };
            let number = interval.number();
            let group = period * HORIZONS.len() + number;
            found.push(PersonPeriod { row, group, number, left: Some(left) });
        }
    }
    found
}

/// How many intervals, from the first on, have enough customers of both kinds.
pub(super) fn learnable(person_periods: &[PersonPeriod], params: &ChurnValidParams) -> usize {
    let needed = params.spec().min_churners.max(sample::N_FOLDS);
    let enough = |number: &usize| {
        let own = || person_periods.iter().filter(|it| it.number == *number);
        let n_left = own().filter(|it| it.left == Some(true)).count();
        n_left >= needed && own().count() - n_left >= needed
    };
    (0..HORIZONS.len()).take_while(enough).count()
}

/// The cutoffs as those of person-periods: known when the interval is. Those of
/// intervals that are not known have no rows.
fn groups(periods: &[Matured], day: NaiveDate) -> Vec<Matured> {
    let of = |period: &Matured| {
        let mut own = [*period; HORIZONS.len()];
        for interval in Interval::matured(period, day) {
            own[interval.number()] = period.of_interval(interval);
        }
        own
    };
    periods.iter().flat_map(of).collect()
}
