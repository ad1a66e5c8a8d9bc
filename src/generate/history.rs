//! What has the export shown about one customer so far, day by day?
//!
//! The simulation fills a [`History`] as it goes. The hazard and the truth both
//! read it through the same windows, so they can not disagree about what was
//! observable when.

use super::calendar::Calendar;
use super::engagement::Segment;
use super::hazard::Observed;

/// A contract whose terms follow each other until the customer churns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contract {
    /// The day it was signed and began.
    pub(super) day: usize,
    /// Months of each term.
    pub(super) term_months: u32,
}

impl Contract {
    /// The days on which terms end, in order, without end.
    pub(super) fn ends(self, calendar: &Calendar) -> impl Iterator<Item = usize> {
        (1..).map(move |n| calendar.months_after(self.day, n * self.term_months))
    }
}

/// The observable history of one customer.
pub(super) struct History {
    pub(super) segment: Segment,
    /// The day of signing up.
    pub(super) signup: usize,
    /// Activity rows on each day of the calendar.
    pub(super) rows: Vec<u32>,
    /// Sessions on each day; the signing up itself is not counted.
    pub(super) sessions: Vec<u32>,
    /// Days of complaints, in order.
    pub(super) complaints: Vec<usize>,
    /// NPS answers and their days, in order.
    pub(super) nps: Vec<(usize, u8)>,
    pub(super) contract: Option<Contract>,
    /// The month start at which the customer churned; not observable.
    pub(super) churn_day: Option<usize>,
}

impl History {
    /// A customer who signed up on day `signup`, before anything happened.
    pub(super) fn new(segment: Segment, signup: usize, calendar: &Calendar) -> Self {
        Self {
            segment,
            signup,
            rows: vec![0; calendar.n_days()],
            sessions: vec![0; calendar.n_days()],
            complaints: Vec::new(),
            nps: Vec::new(),
            contract: None,
            churn_day: None,
        }
    }

    /// Activity rows on the days `from..to`.
    pub(super) fn n_rows(&self, from: usize, to: usize) -> u32 {
        window(&self.rows, from, to).iter().sum()
    }

    /// Sessions on the days `from..to`.
    pub(super) fn n_sessions(&self, from: usize, to: usize) -> u32 {
        window(&self.sessions, from, to).iter().sum()
    }

    /// Complaints on the days `from..to`.
    pub(super) fn n_complaints(&self, from: usize, to: usize) -> u32 {
        let days = self.complaints.iter().filter(|day| (from..to).contains(*day));
        u32::try_from(days.count()).unwrap_or(u32::MAX)
    }

    /// What would be observed at the midnight that begins day `at` if nothing
    /// had happened since the midnight that began day `seen`, and the customer
    /// were still alive (so that terms that ended were renewed).
    pub(super) fn observed(&self, seen: usize, at: usize, calendar: &Calendar) -> Observed {
        let since = |days: usize| at.saturating_sub(days);
        let recent = window(&self.rows, since(30), seen);
        let contract = self.contract.filter(|contract| contract.day < seen);
        let end = contract.and_then(|contract| contract.ends(calendar).find(|end| *end >= at));
        Observed {
            rows_recent: recent.iter().sum(),
            rows_before: self.n_rows(since(120), since(30).min(seen)),
            active_days: count(recent.iter().filter(|rows| **rows > 0).count()),
            complaints: self.n_complaints(since(60), seen),
            nps: self.nps.iter().rev().find(|(day, _)| *day < seen).map(|(_, score)| *score),
            days_to_end: end.map(|end| count(end - at)),
            tenure_days: count(at - self.signup),
            segment: self.segment,
        }
    }

    /// Whether a term ended on the days `from..to`, and if so, whether the
    /// contract was renewed.
    pub(super) fn renewal(&self, from: usize, to: usize, calendar: &Calendar) -> Option<bool> {
        let contract = self.contract.filter(|contract| contract.day < to)?;
        let mut ends = contract.ends(calendar).skip_while(|end| *end < from);
        let end = ends.next().filter(|end| *end < to)?;
        Some(self.churn_day.is_none_or(|churned| churned > end))
    }
}

/// `values[from..to]`, where days beyond the history hold nothing.
fn window(values: &[u32], from: usize, to: usize) -> &[u32] {
    let to = to.min(values.len());
    &values[from.min(to)..to]
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn history() -> (History, Calendar) {
        let calendar = Calendar::new(NaiveDate::from_ymd_opt(2024, 1, 1).unwrap(), 12);
        let mut history = History::new(Segment::B, 10, &calendar);
        for (day, rows) in [(10, 3), (20, 5), (59, 7), (60, 100)] {
            history.rows[day] = rows;
        }
        history.complaints = vec![20, 60];
        history.nps = vec![(20, 9), (60, 2)];
        history.contract = Some(Contract { day: 20, term_months: 1 });
        (history, calendar)
    }

    #[test]
    fn only_what_was_seen_counts() {
        let (history, calendar) = history();
        let observed = history.observed(60, 60, &calendar);
        assert_eq!((observed.rows_recent, observed.rows_before), (7, 8));
        assert_eq!((observed.active_days, observed.complaints), (1, 1));
        assert_eq!(observed.nps, Some(9));
        // Signed on 21 January; the second term ends on 21 March, day 80.
        assert_eq!(observed.days_to_end, Some(20));
        assert_eq!(observed.tenure_days, 50);
    }

    #[test]
    fn a_silent_month_later_the_windows_have_moved_on() {
        let (history, calendar) = history();
        let observed = history.observed(60, 91, &calendar);
        assert_eq!((observed.rows_recent, observed.rows_before), (0, 15));
        assert_eq!((observed.complaints, observed.nps), (0, Some(9)));
        assert_eq!(observed.days_to_end, Some(20));
    }

    #[test]
    fn the_churned_do_not_renew() {
        let (mut history, calendar) = history();
        history.churn_day = Some(60);
        assert_eq!(history.renewal(0, 31, &calendar), None);
        assert_eq!(history.renewal(31, 60, &calendar), Some(true));
        assert_eq!(history.renewal(60, 91, &calendar), Some(false));
    }
}
