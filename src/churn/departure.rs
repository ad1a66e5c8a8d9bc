//! When did a customer leave, and from when on is that known?
//!
//! A customer leaves on a day, counted from the day on which the label's window
//! begins (the cutoff and the gap). For `inactivity` it is the first day from
//! which nothing that counts happens for as long as the horizon: whoever is
//! silent through the label's own window left on day 0, which is what the score
//! says; whoever comes once more falls silent later. For `contract` it is the day
//! after the end of the last contract, so that who left by day 30 had an end
//! before day 30; the label is who left by the last day of the horizon.
//!
//! Whether somebody left by day `d` is known only when a silence that begins then
//! has lasted, or the grace days after it are over: the interval up to `d` has
//! *matured*. A cutoff tells of its early intervals long before it tells of the
//! late ones, and is learnt from as far as it tells (right-censoring). A
//! [`Departure`] can be read by nothing but an [`Interval`], and those are made of
//! a [`Matured`] cutoff, up to the day the data ends:
//!
//! ```compile_fail,E0451
//! # use tenure::churn::{Departure, Interval};
//! # fn f(departure: Departure, known_on: chrono::NaiveDate) -> Option<bool> {
//! departure.within(Interval { number: 3, known_on })
//! # }
//! ```

use chrono::{Days, NaiveDate};

use super::periods::Matured;

/// Days by which a customer may have left; each ends an interval that begins
/// where the one before ends, the first on day 0.
pub const HORIZONS: [u32; 4] = [30, 60, 90, 180];

/// An interval after a cutoff of which is known who left in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    number: usize,
    known_on: NaiveDate,
}

impl Interval {
    /// The intervals after a cutoff that had matured by `day`, first to last; those
    /// that have not matured in the data are not among them, whatever `day` is.
    pub fn matured(cutoff: &Matured, day: NaiveDate) -> impl Iterator<Item = Self> + use<> {
        let (start, settling) = (cutoff.period().start, cutoff.settling());
        let day = day.min(cutoff.data_end());
        HORIZONS.into_iter().enumerate().map_while(move |(number, horizon)| {
            let days = u64::from(horizon) + u64::from(settling);
            let known_on = start.checked_add_days(Days::new(days))?;
            (known_on <= day).then_some(Self { number, known_on })
        })
    }

    /// Its place among [`HORIZONS`].
    #[must_use]
    pub const fn number(self) -> usize {
        self.number
    }

    /// First day on which it could be known who left in it.
    #[must_use]
    pub const fn known_on(self) -> NaiveDate {
        self.known_on
    }
}

/// The day a customer left, readable only as far as it has matured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure(Option<u32>);

impl Departure {
    /// A customer who left so many days after the label's window began, or of whom
    /// the data shows no departure.
    #[must_use]
    pub const fn on(day: Option<u32>) -> Self {
        Self(day)
    }

    /// Whether the customer had left by the end of an interval.
    #[must_use]
    pub fn by(self, interval: Interval) -> bool {
        self.0.is_some_and(|day| day <= HORIZONS[interval.number])
    }

    /// Whether the customer left in an interval; none of one who had left before.
    #[must_use]
    pub fn within(self, interval: Interval) -> Option<bool> {
        let begin = if interval.number == 0 { 0 } else { HORIZONS[interval.number - 1] };
        match self.0 {
            Some(day) if day <= begin => None,
            _ => Some(self.by(interval)),
        }
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use super::super::params::{ChurnParams, tests::given};
    use super::super::periods::resolve;
    use super::super::spec::{ChurnSpec, Cutoffs, Label};
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn cutoff(label: Label, end: &str) -> Matured {
        let cutoffs =
            Cutoffs::Dates { train: vec![day("2024-01-01")], test: vec![day("2024-06-01")] };
        let params = ChurnParams::new(ChurnSpec { label, cutoffs, ..given() }).check().unwrap();
        resolve(&params, day("2023-01-01"), day(end)).unwrap()[1]
    }

    #[test]
    fn an_interval_has_matured_when_who_left_in_it_is_known() {
        let inactivity = |gap_days| Label::Inactivity {
            horizon_days: 90,
            gap_days,
            eligible_days: 90,
            activities: Vec::new(),
        };
        let contract = Label::Contract { horizon_days: 60, gap_days: 10, grace_days: 20 };
        let known = |label: Label, end: &str, by: &str| -> Vec<String> {
            let intervals = Interval::matured(&cutoff(label, end), day(by));
            intervals.map(|it| it.known_on().to_string()).collect()
        };
        // A silence that begins on 07-01, 30 days after 06-01, has lasted on 09-29.
        let of_silence = known(inactivity(0), "2025-01-01", "2099-01-01");
        assert_eq!(of_silence, ["2024-09-29", "2024-10-29", "2024-11-28"]);
        assert_eq!(known(inactivity(0), "2024-11-27", "2099-01-01").len(), 2);
        assert_eq!(known(inactivity(0), "2025-01-01", "2024-10-28").len(), 1);
        assert_eq!(known(inactivity(1), "2025-01-01", "2024-09-30"), ["2024-09-30"]);
        // 06-01 and 10 days of gap, 30 of the interval, 20 of grace.
        let of_contracts = known(contract, "2025-01-01", "2099-01-01");
        assert_eq!(of_contracts, ["2024-07-31", "2024-08-30", "2024-09-29", "2024-12-28"]);
    }

    #[test]
    fn a_departure_is_in_one_interval_and_none_before_or_after() {
        let label = Label::Contract { horizon_days: 30, gap_days: 0, grace_days: 0 };
        let cutoff = cutoff(label, "2026-01-01");
        let within = |day| -> Vec<Option<bool>> {
            let intervals = Interval::matured(&cutoff, NaiveDate::MAX);
            intervals.map(|interval| Departure::on(day).within(interval)).collect()
        };
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(within(Some(0)), [None; 4]);
        assert_eq!(within(Some(1)), [yes, None, None, None]);
        assert_eq!(within(Some(30)), [yes, None, None, None]);
        assert_eq!(within(Some(31)), [no, yes, None, None]);
        assert_eq!(within(Some(180)), [no, no, no, yes]);
        assert_eq!(within(Some(181)), [no; 4]);
        assert_eq!(within(None), [no; 4]);
        let by = |day| -> Vec<bool> {
            let intervals = Interval::matured(&cutoff, NaiveDate::MAX);
            intervals.map(|interval| Departure::on(day).by(interval)).collect()
        };
        assert_eq!(by(Some(60)), [false, true, true, true]);
        assert_eq!(by(Some(0)), [true; 4]);
    }
}
