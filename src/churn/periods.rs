//! Which past dates may a model be trained on, and which test it?
//!
//! A label is known only when its window `[cutoff + gap, cutoff + gap +
//! horizon)` has ended, and the grace days in which a contract may still be
//! renewed after it: the cutoff has *matured*. And a model that is to be tested
//! at a cutoff could, on that day, only have known labels that had matured by
//! then. A training cutoff whose label matures after the first test cutoff is
//! therefore left out of validation (an *embargo*), though the final fit, made
//! after all labels have matured, uses it.
//!
//! That no label is read before it is known is a matter of types: whoever reads
//! one asks for a [`Matured`], and only [`resolve`] makes those.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::departure::Interval;
use super::params::ChurnValidParams;
use super::spec::{Cutoffs, Delay, Every};
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

/// A period whose label is known from the data it was resolved against. It can
/// be copied but not made, nor read from a file:
///
/// ```compile_fail,E0451
/// # fn f(period: tenure::churn::Period) -> tenure::churn::Matured {
/// tenure::churn::Matured { known_on: period.end, period }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matured {
    period: Period,
    known_on: NaiveDate,
    settling: u32,
    data_end: NaiveDate,
}

impl Matured {
    /// The cutoff with its label window.
    #[must_use]
    pub const fn period(&self) -> &Period {
        &self.period
    }

    /// First day on which the label could be known: the end of the window, and
    /// after it the grace days.
    #[must_use]
    pub const fn known_on(&self) -> NaiveDate {
        self.known_on
    }

    /// Days from a departure until it is known.
    pub(super) const fn settling(&self) -> u32 {
        self.settling
    }

    /// The day after the last of the data it was resolved against.
    pub(super) const fn data_end(&self) -> NaiveDate {
        self.data_end
    }

    /// The cutoff as one of which no more is read than who left in an interval.
    pub(super) const fn of_interval(mut self, interval: Interval) -> Self {
        self.known_on = interval.known_on();
        self
    }

    /// The same cutoff as if its label had been known on another day.
    #[cfg(test)]
    pub(super) const fn altered(mut self, role: Role, known_on: NaiveDate) -> Self {
        self.period.role = role;
        self.known_on = known_on;
        self
    }
}

/// Resolves the cutoffs of a label against data that covers the days `[first,
/// end)`; ascending, and the index is that of `Frame::periods`.
///
/// A cutoff needs a day of data before it, not all that its features look back
/// on. The calendar takes the newest first, so that early ones are used only
/// where the data is short. Their eligible are those active since it began: a
/// choice by recency, which is a feature, so what is learnt of them still holds.
///
/// # Errors
///
/// [`ErrorKind::Insufficient`] when no cutoff has matured or none is left to
/// train on, with the days of data that are missing, and for listed dates that
/// have not matured or lie before the data; [`ErrorKind::Usage`] for listed
/// dates that overlap, and for a given label, which has no cutoffs.
pub fn resolve(
    params: &ChurnValidParams,
    first: NaiveDate,
    end: NaiveDate,
) -> Result<Vec<Matured>> {
    let spec = params.spec();
    let Some(delay) = spec.label.delay() else {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("model \"{}\" has a given label, which has no cutoffs", spec.name),
        ));
    };
    match &spec.cutoffs {
        Cutoffs::Calendar { every, count, holdout } => {
            let mut periods: Vec<Matured> = calendar(*every, end)
                .take_while(|cutoff| *cutoff > first)
                .filter_map(|cutoff| window(cutoff, Role::Train, delay, end))
                .filter(|window| window.known_on <= end)
                .take(*count)
                .collect();
            periods.reverse();
            assign_roles(&mut periods, *holdout);
            if periods.iter().any(|matured| matured.period.role == Role::Train) {
                return Ok(periods);
            }
            Err(too_short(&periods, first, end, delay))
        }
        Cutoffs::Dates { train, test } => {
            let train = train.iter().filter_map(|&cutoff| window(cutoff, Role::Train, delay, end));
            let test = test.iter().filter_map(|&cutoff| window(cutoff, Role::Test, delay, end));
            let periods: Vec<Matured> = train.chain(test).collect();
            check_matured(&periods, first, end)?;
            check_no_overlap(&periods)?;
            Ok(periods)
        }
        Cutoffs::Folds { .. } => Ok(Vec::new()),
    }
}

/// The window of a cutoff, not yet compared with the data; nothing beyond the
/// end of the calendar.
fn window(cutoff: NaiveDate, role: Role, delay: Delay, data_end: NaiveDate) -> Option<Matured> {
    let start = cutoff.checked_add_days(Days::new(delay.gap.into()))?;
    let end = start.checked_add_days(Days::new(delay.horizon.into()))?;
    let known_on = end.checked_add_days(Days::new(delay.grace.into()))?;
    let period = Period { cutoff, start, end, role };
    Some(Matured { period, known_on, settling: delay.settling, data_end })
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
fn assign_roles(periods: &mut [Matured], holdout: usize) {
    let n_train = periods.len().saturating_sub(holdout);
    let Some(first_test) = periods.get(n_train).map(|matured| matured.period.cutoff) else {
        return;
    };
    for (index, matured) in periods.iter_mut().enumerate() {
        matured.period.role = if index >= n_train {
            Role::Test
        } else if matured.known_on > first_test {
            Role::Embargo
        } else {
            Role::Train
        };
    }
}

fn too_short(periods: &[Matured], first: NaiveDate, end: NaiveDate, delay: Delay) -> Error {
    let covered = (end - first).num_days();
    let label = delay.gap + delay.horizon + delay.grace;
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
        "one label takes {label} days; training and a later test need more than {} days of data",
        2 * label
    ))
    .hint("load older data, or shorten label.horizon_days or cutoffs.holdout")
}

fn check_matured(periods: &[Matured], first: NaiveDate, end: NaiveDate) -> Result<()> {
    let is_early = |it: &Matured| it.period.cutoff <= first;
    let is_late = |it: &Matured| it.known_on > end;
    let Some(matured) = periods.iter().find(|it| is_early(it) || is_late(it)) else {
        return Ok(());
    };
    let refuse = |why: String| {
        let Period { cutoff, .. } = matured.period;
        Error::new(
            ErrorKind::Insufficient,
            format!("cutoff {cutoff} {why}, the data covers {first} to {end}"),
        )
    };
    Err(if is_late(matured) {
        let delay = matured.known_on - matured.period.cutoff;
        let error = refuse(format!("has not matured: its label is known on {}", matured.known_on));
        match end.checked_sub_signed(delay) {
            Some(newest) if newest > first => {
                error.hint(format!("the newest cutoff that has matured is {newest}"))
            }
            _ => error.hint(format!("one label takes {} days: load more data", delay.num_days())),
        }
    } else {
        refuse("lies before all data".to_owned()).hint("leave it out, or load older data")
    })
}

/// Refuses training labels that were not known yet at the first test cutoff.
///
/// # Errors
///
/// [`ErrorKind::Usage`] that names the training and the test cutoff.
pub fn check_no_overlap(periods: &[Matured]) -> Result<()> {
    let tests = periods.iter().filter(|matured| matured.period.role == Role::Test);
    let Some(first_test) = tests.map(|matured| matured.period.cutoff).min() else {
        return Err(Error::new(ErrorKind::Insufficient, "no cutoff is left to test on"));
    };
    let leak =
        |matured: &&Matured| matured.period.role == Role::Train && matured.known_on > first_test;
    match periods.iter().find(leak) {
        None => Ok(()),
        Some(Matured { period, known_on, .. }) => Err(Error::new(
            ErrorKind::Usage,
            format!(
                "training cutoff {} has a label known on {known_on}, past the test cutoff {first_test}",
                period.cutoff
            ),
        )
        .hint("a model tested on that day could not have known this label")),
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use super::super::spec::{ChurnSpec, Label};
    use super::super::{params::ChurnParams, params::tests::given};
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

    fn resolved(spec: ChurnSpec, first: &str, end: &str) -> Result<Vec<Matured>> {
        resolve(&ChurnParams::new(spec).check()?, day(first), day(end))
    }

    fn periods(cutoffs: Cutoffs, first: &str, end: &str) -> Result<Vec<Matured>> {
        resolved(spec(cutoffs), first, end)
    }

    #[test]
    fn the_calendar_rule_embargoes_labels_not_known_at_the_first_test() {
        let rule = Cutoffs::Calendar { every: Every::Month, count: 12, holdout: 2 };
        let periods = periods(rule, "2025-01-15", "2026-01-10").unwrap();
        // The window of 2025-10-01 ends on 2025-12-30, before the data does.
        assert_eq!(periods.last().unwrap().period().cutoff, day("2025-10-01"));
        assert_eq!(periods[0].period().cutoff, day("2025-02-01"));
        let roles: Vec<Role> = periods.iter().map(|matured| matured.period().role).collect();
        let (train, embargo, test) = (Role::Train, Role::Embargo, Role::Test);
        // The first test is 2025-09-01; the window of 2025-06-01 ends 08-30.
        let expected = [train, train, train, train, train, embargo, embargo, test, test];
        assert_eq!(roles, expected);
        assert!(check_no_overlap(&periods).is_ok());
    }

    #[test]
    fn a_cutoff_needs_a_day_of_data_before_it() {
        let first = |first: &str| {
            let rule = Cutoffs::Calendar { every: Every::Month, count: 12, holdout: 2 };
            periods(rule, first, "2026-01-10").unwrap()[0].period().cutoff
        };
        assert_eq!(first("2025-01-31"), day("2025-02-01"));
        assert_eq!(first("2025-02-01"), day("2025-03-01"));
    }

    #[test]
    fn a_contract_is_known_to_be_over_only_after_the_grace_days() {
        let label = Label::Contract { horizon_days: 90, gap_days: 7, grace_days: 30 };
        let dates = |train: &str, test: &str| ChurnSpec {
            label: label.clone(),
            cutoffs: Cutoffs::Dates { train: vec![day(train)], test: vec![day(test)] },
            ..given()
        };
        // 2025-01-01 + 7 = 01-08, + 90 = 04-08, + 30 = 05-08.
        let spec = dates("2025-01-01", "2025-05-08");
        let found = resolved(spec.clone(), "2024-12-31", "2025-09-12").unwrap();
        let Period { start, end, .. } = *found[0].period();
        assert_eq!((start, end), (day("2025-01-08"), day("2025-04-08")));
        assert_eq!(found[0].known_on(), day("2025-05-08"));
        assert_eq!(found[1].known_on(), day("2025-09-12"));

        let error = resolved(spec.clone(), "2024-12-31", "2025-09-11").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Insufficient);
        let words = "cutoff 2025-05-08 has not matured: its label is known on 2025-09-12";
        assert!(error.to_string().starts_with(words), "{error}");
        assert_eq!(error.hints(), ["the newest cutoff that has matured is 2025-05-07"]);
        let error = resolved(spec, "2025-01-01", "2025-09-12").unwrap_err();
        assert!(error.to_string().contains("2025-01-01 lies before all data"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Insufficient);

        let early = dates("2025-01-01", "2025-05-07");
        let error = resolved(early, "2024-12-31", "2025-09-12").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains("2025-05-08, past the test cutoff 2025-05-07"));

        let rule = Cutoffs::Calendar { every: Every::Month, count: 12, holdout: 1 };
        let spec = ChurnSpec { label: label.clone(), cutoffs: rule, ..given() };
        let found = resolved(spec, "2024-08-31", "2025-09-12").unwrap();
        let roles: Vec<Role> = found.iter().map(|matured| matured.period().role).collect();
        let (train, embargo, test) = (Role::Train, Role::Embargo, Role::Test);
        // The label of 2025-05-01 is known on 09-05, that of 06-01 not before
        // 10-06. The one of 2024-12-01 was known on 04-07, that of 01-01 on 05-08.
        assert_eq!(found[8].period().cutoff, day("2025-05-01"));
        let expected = [train, train, train, train, embargo, embargo, embargo, embargo, test];
        assert_eq!(roles, expected);
    }

    #[test]
    fn quarters_begin_in_january_april_july_and_october() {
        let rule = Cutoffs::Calendar { every: Every::Quarter, count: 4, holdout: 1 };
        let periods = periods(rule, "2020-01-01", "2025-12-31").unwrap();
        let months: Vec<u32> = periods.iter().map(|it| it.period().cutoff.month()).collect();
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
