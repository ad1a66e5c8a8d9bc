//! Which past dates may a model be trained on, and which test it?
//!
//! A label is known only when its window `[cutoff + gap, cutoff + gap +
//! horizon)` has ended: the cutoff has *matured*. And a model that is to be
//! tested at a cutoff could, on that day, only have known labels whose window
//! had ended by then. A training cutoff whose window reaches past the first
//! test cutoff is therefore left out of validation (an *embargo*), though the
//! final fit, made after all windows have ended, uses it.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::params::ChurnValidParams;
use super::spec::{Cutoffs, Every, Label};
use crate::error::{Error, ErrorKind, Result};

/// What a period is used for in validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Fitted on.
    Train,
    /// Neither: its label was not known yet at the first test cutoff.
    Embargo,
    /// Scored by a model that has not seen it.
    Test,
}

/// One cutoff with its label window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Features use only what happened before this day.
    pub cutoff: NaiveDate,
    /// First day of the label window.
    pub start: NaiveDate,
    /// Day after the last of the label window.
    pub end: NaiveDate,
    /// What validation uses it for.
    pub role: Role,
}

/// Resolves the cutoffs of an inactivity label against data that covers the
/// days `[first, end)`; ascending, and the index is that of `Frame::periods`.
///
/// # Errors
///
/// [`ErrorKind::Insufficient`] when no cutoff has matured or none is left to
/// train on, with the days of data that are missing; [`ErrorKind::Usage`] for
/// listed dates that have not matured or that overlap.
pub fn resolve(params: &ChurnValidParams, first: NaiveDate, end: NaiveDate) -> Result<Vec<Period>> {
    let spec = params.spec();
    let Label::Inactivity { horizon_days, gap_days, .. } = spec.label else {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("model \"{}\" has a given label, which has no cutoffs", spec.name),
        ));
    };
    let window = |cutoff: NaiveDate, role| {
        let start = cutoff.checked_add_days(Days::new(gap_days.into()))?;
        let end = start.checked_add_days(Days::new(horizon_days.into()))?;
        Some(Period { cutoff, start, end, role })
    };
    match &spec.cutoffs {
        Cutoffs::Calendar { every, count, holdout } => {
            let mut periods: Vec<Period> = calendar(*every, end)
                .take_while(|cutoff| *cutoff > first)
                .filter_map(|cutoff| window(cutoff, Role::Train))
                .filter(|period| period.end <= end)
                .take(*count)
                .collect();
            periods.reverse();
            assign_roles(&mut periods, *holdout);
            if periods.iter().any(|period| period.role == Role::Train) {
                return Ok(periods);
            }
            Err(too_short(&periods, first, end, gap_days + horizon_days))
        }
        Cutoffs::Dates { train, test } => {
            let train = train.iter().filter_map(|&cutoff| window(cutoff, Role::Train));
            let test = test.iter().filter_map(|&cutoff| window(cutoff, Role::Test));
            let periods: Vec<Period> = train.chain(test).collect();
            check_matured(&periods, first, end)?;
            check_no_overlap(&periods)?;
            Ok(periods)
        }
        Cutoffs::Folds { .. } => Ok(Vec::new()),
    }
}

/// First days of months or quarters before `end`, latest first.
fn calendar(every: Every, end: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    let (step, month) = match every {
        Every::Month => (1, end.month()),
        Every::Quarter => (3, (end.month() - 1) / 3 * 3 + 1),
    };
    let latest = NaiveDate::from_ymd_opt(end.year(), month, 1);
    std::iter::successors(latest, move |day| day.checked_sub_months(Months::new(step)))
}

/// The last `holdout` periods test; those they would leak into are embargoed.
fn assign_roles(periods: &mut [Period], holdout: usize) {
    let n_train = periods.len().saturating_sub(holdout);
    let Some(first_test) = periods.get(n_train).map(|period| period.cutoff) else {
        return;
    };
    for (index, period) in periods.iter_mut().enumerate() {
        period.role = if index >= n_train {
            Role::Test
        } else if period.end > first_test {
            Role::Embargo
        } else {
            Role::Train
        };
    }
}

fn too_short(periods: &[Period], first: NaiveDate, end: NaiveDate, window: u32) -> Error {
    let covered = (end - first).num_days();
    let what = if periods.is_empty() {
        "no cutoff has matured".to_owned()
    } else {
        format!(
            "{} cutoffs have matured, but none early enough to train on before the first test",
            periods.len()
        )
    };
    Error::new(
        ErrorKind::Insufficient,
        format!("{what}: the data covers {covered} days, {first} to {end}"),
    )
    .hint(format!(
        "one label takes {window} days; training and a later test need more than {} days of data",
        2 * window
    ))
    .hint("load older data, or shorten label.horizon_days or cutoffs.holdout")
}

fn check_matured(periods: &[Period], first: NaiveDate, end: NaiveDate) -> Result<()> {
    let Some(period) = periods.iter().find(|it| it.end > end || it.cutoff <= first) else {
        return Ok(());
    };
    let why = if period.end > end {
        format!("has not matured: its label window ends {}", period.end)
    } else {
        "lies before all data".to_owned()
    };
    Err(Error::new(
        ErrorKind::Insufficient,
        format!("cutoff {} {why}, the data covers {first} to {end}", period.cutoff),
    ))
}

/// Refuses training labels that were not known yet at the first test cutoff.
///
/// # Errors
///
/// [`ErrorKind::Usage`] that names the training and the test cutoff.
pub fn check_no_overlap(periods: &[Period]) -> Result<()> {
    let tests = periods.iter().filter(|period| period.role == Role::Test);
    let Some(first_test) = tests.map(|period| period.cutoff).min() else {
        return Err(Error::new(ErrorKind::Insufficient, "no cutoff is left to test on"));
    };
    let leak = |period: &&Period| period.role == Role::Train && period.end > first_test;
    match periods.iter().find(leak) {
        None => Ok(()),
        Some(period) => Err(Error::new(
            ErrorKind::Usage,
            format!(
                "training cutoff {} has a label window until {}, past the test cutoff {first_test}",
                period.cutoff, period.end
            ),
        )
        .hint("a model tested on that day could not have known this label")),
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use super::super::{params::ChurnParams, params::tests::given, spec::ChurnSpec};
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn spec(cutoffs: Cutoffs) -> ChurnSpec {
        let label = Label::Inactivity {
            horizon_days: 90,
            gap_days: 0,
            eligible_days: 90,
            activities: Vec::new(),
        };
        ChurnSpec { label, cutoffs, ..given() }
    }

    fn periods(cutoffs: Cutoffs, first: &str, end: &str) -> Result<Vec<Period>> {
        let params = ChurnParams::new(spec(cutoffs)).check()?;
        resolve(&params, day(first), day(end))
    }

    #[test]
    fn the_calendar_rule_embargoes_labels_not_known_at_the_first_test() {
        let rule = Cutoffs::Calendar { every: Every::Month, count: 12, holdout: 2 };
        let periods = periods(rule, "2025-01-15", "2026-01-10").unwrap();
        // The window of 2025-10-01 ends on 2025-12-30, before the data does.
        assert_eq!(periods.last().unwrap().cutoff, day("2025-10-01"));
        assert_eq!(periods[0].cutoff, day("2025-02-01"));
        let roles: Vec<Role> = periods.iter().map(|period| period.role).collect();
        let (train, embargo, test) = (Role::Train, Role::Embargo, Role::Test);
        // The first test is 2025-09-01; the window of 2025-06-01 ends 08-30.
        let expected = [train, train, train, train, train, embargo, embargo, test, test];
        assert_eq!(roles, expected);
        assert!(check_no_overlap(&periods).is_ok());
    }

    #[test]
    fn quarters_begin_in_january_april_july_and_october() {
        let rule = Cutoffs::Calendar { every: Every::Quarter, count: 4, holdout: 1 };
        let periods = periods(rule, "2020-01-01", "2025-12-31").unwrap();
        let months: Vec<u32> = periods.iter().map(|period| period.cutoff.month()).collect();
        assert_eq!(months, [1, 4, 7, 10]);
    }

    #[test]
    fn data_too_short_says_how_much_is_needed() {
        let rule = Cutoffs::Calendar { every: Every::Month, count: 12, holdout: 3 };
        let error = periods(rule, "2025-01-01", "2025-03-01").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Insufficient);
        assert!(error.to_string().contains("covers 59 days"), "{error}");
        assert!(error.hints()[0].contains("more than 180 days"));
    }

    #[test]
    fn listed_dates_that_overlap_or_have_not_matured_are_refused() {
        let dates = |train, test| Cutoffs::Dates { train: vec![day(train)], test: vec![day(test)] };
        let overlap = dates("2025-06-01", "2025-07-01");
        let error = periods(overlap, "2025-01-01", "2026-01-01").unwrap_err();
        assert!(error.to_string().contains("past the test cutoff 2025-07-01"), "{error}");
        let early = dates("2025-03-01", "2025-12-01");
        let error = periods(early, "2025-01-01", "2026-01-01").unwrap_err();
        assert!(error.to_string().contains("has not matured"), "{error}");
    }
}
