//! By when will a customer have left, and how long will they stay?
//!
//! The score answers for one window. What it leaves open is a discrete-time
//! hazard: of those who had not left when an interval after the cutoff began, which
//! share leaves in it? The intervals end on the days [`HORIZONS`] after the label's
//! window began. Every customer at every cutoff is a row for each interval they
//! begin (*person-periods*), boosted trees are fitted on all of them with the
//! interval as one more feature, and each interval has a calibration of its own,
//! on rows held out. Intervals that have not matured are no rows ([`super::departure`]).
//!
//! The hazards make a [`Curve`] that passes through the score, so that both never
//! contradict each other. For `inactivity` the score is where it begins:
//! `P(left by d) = 1 − (1 − score) · Π (1 − hazard)`. For `contract` it begins at 0
//! and is bent in proportion (all cumulative hazards times one number) so that on
//! the last day of the horizon it is the score. Between the ends of intervals the
//! hazard per day is constant, and after the last it stays what it was there: an
//! assumption, so that expected remaining life ends at [`LIMIT_DAYS`].
//!
//! Source: Singer and Willett, "It's about time: using discrete-time survival
//! analysis" (1993); restricted mean: Royston and Parmar (2013).

mod check;
mod curve;
mod fit;

use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::departure::HORIZONS;
use super::frame::{About, Column, Frame, Rows, Values};
use super::metrics::loss;
use super::model::Scored;
use super::parallel;
use super::scorer::Scorer;
use super::trial::Setting;
use crate::error::Result;
use crate::text::Text;

pub use check::Checked;
pub(super) use check::check;
pub use curve::{Curve, LIMIT_DAYS};
pub(super) use fit::{How, fit};

/// The feature that says which interval a row is about. Sources have no such name.
const INTERVAL: &str = "$interval";
/// Customers whose curves are computed at a time, which bounds the memory.
const CHUNK: usize = 2_048;

/// Fitted hazards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survival {
    /// The day of the curve on which it is the score.
    score_days: u32,
    setting: Setting,
    scorer: Scorer,
    /// One per interval that the data told enough of.
    calibrations: Vec<Calibration>,
}

impl Survival {
    /// How many of [`HORIZONS`] there are probabilities for.
    #[must_use]
    pub const fn n_intervals(&self) -> usize {
        self.calibrations.len()
    }

    /// The curve of each of `rows`, of which the model has said `scored`; the number
    /// of threads changes the time only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::error::ErrorKind::Input) when the frame lacks a
    /// feature or has it as the other type.
    pub fn curves(
        &self,
        frame: &Frame,
        rows: &[usize],
        scored: &[Scored],
        n_threads: usize,
    ) -> Result<Vec<Curve>> {
        let chunks: Vec<_> = rows.chunks(CHUNK).zip(scored.chunks(CHUNK)).collect();
        let curves = parallel::map(&chunks, n_threads, |(rows, scored)| {
            let hazards = self.hazards(frame, rows)?;
            let hazards = hazards.chunks(self.n_intervals().max(1));
            let curve = |(hazards, score): (&[f64], &Scored)| {
                Curve::through(score.probability, self.score_days, hazards)
            };
            Ok(hazards.zip(*scored).map(curve).collect::<Vec<_>>())
        })?;
        Ok(curves.concat())
    }

    /// Cumulative hazards that each interval adds, rows × intervals:
    /// −ln(1 − probability of leaving in it).
    fn hazards(&self, frame: &Frame, rows: &[usize]) -> Result<Vec<f64>> {
        let n_intervals = self.n_intervals();
        let asked = |place: usize| {
            let (row, number) = (rows[place / n_intervals], place % n_intervals);
            let group = frame.periods()[row] * n_intervals + number;
            PersonPeriod { row, group, number, left: None }
        };
        let asked: Vec<PersonPeriod> = (0..rows.len() * n_intervals).map(asked).collect();
        let names = self.scorer.names();
        let (person_periods, at) = expanded(frame, &asked, &|name| names.contains(&name))?;
        let logits = self.scorer.logits(&person_periods, &at)?;
        let hazard = |(place, logit): (usize, &f64)| {
            loss(self.calibrations[place % n_intervals].apply(*logit), false)
        };
        Ok(logits.iter().enumerate().map(hazard).collect())
    }
}

/// A customer at a cutoff at the beginning of an interval.
#[derive(Debug, Clone, Copy)]
struct PersonPeriod {
    /// Row of the frame.
    row: usize,
    /// Which rows stand at the same cutoff and interval.
    group: usize,
    /// Which interval.
    number: usize,
    /// Whether they left in it; none when that is asked.
    left: Option<bool>,
}

/// Person-periods as rows of a frame of the columns that are `wanted` and the
/// interval, and where each of them is in it.
fn expanded(
    frame: &Frame,
    person_periods: &[PersonPeriod],
    wanted: &dyn Fn(&str) -> bool,
) -> Result<(Frame, Vec<usize>)> {
    let pick = |values: &Values| match values {
        Values::Numeric(numbers) => {
            Values::Numeric(person_periods.iter().map(|it| numbers[it.row]).collect())
        }
        Values::Categorical { levels, codes } => Values::Categorical {
            levels: levels.clone(),
            codes: person_periods.iter().map(|it| codes[it.row]).collect(),
        },
    };
    let columns = frame.columns().iter().filter(|column| wanted(&column.name));
    let mut columns: Vec<Column> = columns
        .map(|column| Column {
            name: column.name.clone(),
            title: column.title.clone(),
            unit: column.unit.clone(),
            about: column.about.clone(),
            values: pick(&column.values),
        })
        .collect();
    columns.push(Column {
        name: INTERVAL.to_owned(),
        title: Text::same(INTERVAL),
        unit: None,
        about: About::default(),
        values: Values::Numeric(person_periods.iter().map(|it| it.number as f64).collect()),
    });
    let id = |it: &PersonPeriod| frame.ids()[it.row].clone();
    let rows = Rows {
        ids: person_periods.iter().map(id).collect(),
        periods: person_periods.iter().map(|it| it.group).collect(),
        churned: person_periods.iter().filter_map(|it| it.left).collect(),
    };
    // A frame sorts its rows by group and customer.
    let mut order: Vec<usize> = (0..person_periods.len()).collect();
    let key = |place: usize| (person_periods[place].group, &frame.ids()[person_periods[place].row]);
    order.sort_by(|&a, &b| key(a).cmp(&key(b)));
    let mut at = vec![0; order.len()];
    for (sorted, place) in order.into_iter().enumerate() {
        at[place] = sorted;
    }
    Ok((Frame::new(rows, columns)?, at))
}

/// The last day of an interval and its length.
fn days(number: usize) -> (u32, u32) {
    let begin = if number == 0 { 0 } else { HORIZONS[number - 1] };
    (HORIZONS[number], HORIZONS[number] - begin)
}

#[cfg(test)]
mod tests;
