//! Do today's customers look like those the model was made from, and what changed?
//!
//! The baseline is kept with the model: for every feature it uses, and for its
//! score, how many customers of the newest training cutoff lay in each decile,
//! and how many had no value; of categories how many had each level, rare ones
//! together. One row per customer: many cutoffs of the same customers would
//! pretend to more evidence than there is.
//!
//! A feature has drifted if its PSI is all of these:
//! - more than chance: significant after Holm's adjustment for all features
//!   looked at, so that a model of ninety features raises one false alarm in a
//!   hundred comparisons at most, and not four in each;
//! - large: at least 0.05, since with a million customers everything is
//!   significant. The usual 0.1 is deaf to harm: where a fourth of the customers
//!   come by a channel and then twice as many, that is 0.10; of a seventh, 0.08;
//! - unusual: half as much again as the feature moved between the newest training
//!   cutoff and any other of the year before it. Seasons and the ageing of
//!   customers were in what the model learnt from, and are not news. The first
//!   months of a panel do not count: where the data begins there, windows that
//!   look further back are cut, and anything would seem usual.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::bins::Classes;
use super::drift::{Psi, holm, pooled, psi};
use super::feature::Feature;
use super::frame::{About, Column, Frame, Values};
use super::model::{ChurnModel, Scored};
use super::periods::Matured;
use super::returns::ReturnLaw;
use super::sample;
use super::shift::change;
use super::spec::ChurnSpec;
use super::text::{PERCENT, Value};
use crate::error::Result;
use crate::text::Text;

/// Ranges of a number, levels of a category.
const N_BINS: usize = 10;
/// False alarms in comparisons without drift, at most.
const ALPHA: f64 = 0.01;
/// The PSI from which a change matters.
const LARGE: f64 = 0.05;
/// More than usual is more than so many times the usual PSI.
const UNUSUAL: f64 = 1.5;
/// Days before the newest cutoff in which every season is found.
const YEAR: Days = Days::new(366);

/// Days after the first cutoff in which windows may be cut.
const YOUNG: Days = Days::new(120);

/// Customers of the newest training cutoff as the model saw them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The cutoff; none where labels have no dates.
    pub cutoff: Option<NaiveDate>,
    /// Customers counted.
    pub customers: usize,
    /// How soon customers who stay are seen again; none for labels that are not
    /// of activity.
    pub returns: Option<ReturnLaw>,
    profiles: Vec<Profile>,
}

/// How customers spread over the values of one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    /// With what was usual at the cutoff.
    feature: Feature,
    is_score: bool,
    classes: Classes,
    counts: Vec<u64>,
    /// The largest PSI against another training cutoff, less what chance adds.
    usual: f64,
}

/// How far a feature, or the score, has moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shift {
    /// Its name.
    pub feature: String,
    /// What people call it.
    pub title: Text,
    /// Whether it is the score, not a feature.
    pub is_score: bool,
    /// The population stability index against the baseline.
    pub psi: f64,
    /// What it stays below in 95 of 100 comparisons without drift.
    pub limit: f64,
    /// The largest there was between training cutoffs of a year.
    pub usual: f64,
    /// How often it would be so large without drift, adjusted for all features.
    pub p_value: f64,
    /// Whether that is an alarm.
    pub drifted: bool,
    /// Median or most frequent level then.
    pub before: Value,
    /// The same now.
    pub now: Value,
    /// What changed, in words.
    pub change: Text,
}

impl Baseline {
    /// Counts the customers of a training panel as `model` sees them. `periods`
    /// are as in [`mod@super::train`]; `returns` says of each row after how many days
    /// the customer was seen again within the horizon.
    ///
    /// # Errors
    ///
    /// As [`ChurnModel::score`].
    pub fn learn(
        frame: &Frame,
        periods: &[Matured],
        model: &ChurnModel,
        spec: &ChurnSpec,
        returns: Option<&[Option<u32>]>,
        n_threads: usize,
    ) -> Result<Self> {
        let cutoff_of = |index: &usize| periods.get(*index).map(|it| it.period().cutoff);
        let newest = frame.periods().iter().copied().max_by_key(cutoff_of);
        let newest = newest.filter(|_| !periods.is_empty());
        let cutoff = newest.and_then(|index| cutoff_of(&index));
        let rows = match cutoff {
            Some(last) => {
                let first = periods.iter().map(|it| it.period().cutoff).min();
                let grown = first.and_then(|first| first.checked_add_days(YOUNG));
                frame.rows_where(|index| {
                    cutoff_of(&index).is_some_and(|it| {
                        let is_recent = it.checked_add_days(YEAR) > Some(last);
                        it == last || is_recent && Some(it) >= grown
                    })
                })
            }
            // Who has the label already is not scored, so is no measure of who is.
            None => (0..frame.n_rows()).filter(|&row| !frame.churned()[row]).collect(),
        };
        let rows = sample::draw(frame, rows, spec.max_rows, spec.seed);
        let scored = model.score_rows(frame, &rows, n_threads)?;
        let probabilities: Vec<f64> = scored.iter().map(|row| row.probability).collect();
        // Rows of the year by cutoff: places among `rows`, the newest cutoff last.
        let mut cutoffs: Vec<(Option<NaiveDate>, Vec<usize>)> = Vec::new();
        for (place, &row) in rows.iter().enumerate() {
            let cutoff = cutoff_of(&frame.periods()[row]);
            match cutoffs.last_mut() {
                Some((last, places)) if *last == cutoff => places.push(place),
                _ => cutoffs.push((cutoff, vec![place])),
            }
        }
        cutoffs.sort_by_key(|(cutoff, _)| *cutoff);
        let by_cutoff: Vec<Vec<usize>> = cutoffs.into_iter().map(|(_, places)| places).collect();

        let own: Vec<Vec<usize>> = by_cutoff
            .iter()
            .map(|places| places.iter().map(|&place| rows[place]).collect())
            .collect();
        let mut profiles = Vec::new();
        for feature in model.features() {
            if let Some(column) = frame.column(&feature.name) {
                profiles.push(Profile::learn(column, false, &own)?);
            }
        }
        let score = score_column(probabilities.clone());
        profiles.push(Profile::learn(&score, true, &by_cutoff)?);
        let returns = returns.and_then(|returned| {
            let watched = rows.iter().map(|&row| (frame.churned()[row], returned[row]));
            ReturnLaw::learn(&probabilities, &watched.collect::<Vec<_>>(), &by_cutoff, spec)
        });
        let customers = own.last().map_or(0, Vec::len);
        Ok(Self { cutoff, customers, returns, profiles })
    }

    /// Compares customers and their scores with the baseline, what moved most
    /// first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::error::ErrorKind::Input) when a feature is of
    /// the other type.
    pub fn compare(&self, frame: &Frame, scored: &[Scored]) -> Result<Vec<Shift>> {
        let score = score_column(scored.iter().map(|row| row.probability).collect());
        let rows: Vec<usize> = (0..frame.n_rows()).collect();
        let mut found = Vec::new();
        for profile in &self.profiles {
            let column =
                if profile.is_score { Some(&score) } else { frame.column(&profile.feature.name) };
            if let Some(column) = column {
                found.push(profile.compare(column, &rows)?);
            }
        }
        let p_values: Vec<f64> = found.iter().map(|shift| shift.p_value).collect();
        for (shift, p_value) in found.iter_mut().zip(holm(&p_values)) {
            shift.p_value = p_value;
            shift.drifted = p_value <= ALPHA && shift.psi >= LARGE.max(UNUSUAL * shift.usual);
        }
        found.sort_by(|a, b| {
            let worst = b.drifted.cmp(&a.drifted).then(b.psi.total_cmp(&a.psi));
            worst.then_with(|| a.feature.cmp(&b.feature))
        });
        Ok(found)
    }
}

impl Profile {
    /// `by_cutoff` are rows of the column, those of the baseline last.
    fn learn(column: &Column, is_score: bool, by_cutoff: &[Vec<usize>]) -> Result<Self> {
        let rows = by_cutoff.last().map_or(&[][..], Vec::as_slice);
        let mut classes = Classes::fit(&column.values, rows, N_BINS);
        classes.open_a_constant(&column.values, rows);
        let counts = count(&classes, column, rows)?;
        let mut usual = 0.0_f64;
        for rows in by_cutoff.iter().rev().skip(1) {
            if let Some(psi) = measured(&counts, &count(&classes, column, rows)?) {
                usual = usual.max(psi.value - psi.chance);
            }
        }
        let feature = Feature::describe(column, rows);
        Ok(Self { feature, is_score, classes, counts, usual })
    }

    /// Not yet adjusted for other features.
    fn compare(&self, column: &Column, rows: &[usize]) -> Result<Shift> {
        let Feature { name, title, typical, .. } = &self.feature;
        let counts = count(&self.classes, column, rows)?;
        // One bin on both sides is the same on both sides.
        let none = Psi { value: 0.0, limit: 0.0, chance: 0.0, p_value: 1.0 };
        let psi = measured(&self.counts, &counts).unwrap_or(none);
        let now = Feature::describe(column, rows).typical;
        Ok(Shift {
            feature: name.clone(),
            title: title.clone(),
            is_score: self.is_score,
            psi: psi.value,
            limit: psi.limit,
            usual: self.usual,
            p_value: psi.p_value,
            drifted: false,
            before: typical.clone(),
            change: change(&self.feature, &self.classes, [&self.counts, &counts], &now),
            now,
        })
    }
}

/// Rows in each class.
fn count(classes: &Classes, column: &Column, rows: &[usize]) -> Result<Vec<u64>> {
    let mut counts = vec![0; classes.n_classes()];
    for class in classes.apply(column, rows)? {
        counts[usize::from(class)] += 1;
    }
    Ok(counts)
}

/// The PSI over bins that are large enough; none if that is one.
fn measured(before: &[u64], now: &[u64]) -> Option<Psi> {
    let (before, now) = pooled(before, now);
    psi(&before, &now).ok()
}

fn score_column(probabilities: Vec<f64>) -> Column {
    Column {
        name: "probability".to_owned(),
        title: Text::new("Churn probability", "流失概率"),
        unit: Some(Text::same(PERCENT)),
        about: About::default(),
        values: Values::Numeric(probabilities),
    }
}

#[cfg(test)]
mod tests;
