//! Which days does the history span, and how busy is each of them?
//!
//! Time runs in whole days from the plan's start, day 0. Month starts are where
//! churn is decided and where cutoffs lie. Each day has a weight, mean about 1:
//! working days are busy, weekends quiet, the year has its seasons (a quiet
//! Spring Festival and August, a busy November). Cumulative weights give the
//! *exposure* of any stretch of days, in busy-adjusted days.

use chrono::{Datelike, Months, NaiveDate, TimeDelta};

/// Days after a cutoff in which silence means churn.
pub(super) const HORIZON_DAYS: usize = 90;
/// Days before a cutoff in which activity makes a customer eligible.
pub(super) const ELIGIBLE_DAYS: usize = 90;
/// New customers explore: this many days after signing up …
const ONBOARDING_DAYS: usize = 14;
/// … they come this many times as often.
const ONBOARDING_BOOST: f64 = 2.5;
/// Months kept beyond the end, because label windows of late cutoffs reach there.
const MARGIN_MONTHS: u32 = 5;
/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// Monday to Sunday; they add up to 7.
const WEEK: [f64; 7] = [1.25, 1.30, 1.28, 1.25, 1.12, 0.42, 0.38];
/// January to December.
const YEAR: [f64; 12] = [0.97, 0.80, 1.08, 1.05, 1.00, 1.05, 0.92, 0.85, 1.08, 1.00, 1.15, 1.05];

/// The days of a history, numbered from 0.
pub(super) struct Calendar {
    start: NaiveDate,
    months: usize,
    /// The first day of each month, beyond the end by a margin.
    month_days: Vec<usize>,
    weights: Vec<f64>,
    /// `cumulative[d]` is the weight of all days before `d`.
    cumulative: Vec<f64>,
}

impl Calendar {
    /// The calendar of `months` months from `start`, the first of a month.
    pub(super) fn new(start: NaiveDate, months: u32) -> Self {
        let month_days: Vec<usize> = (0..=months + MARGIN_MONTHS)
            .map(|month| days_between(start, add_months(start, month)))
            .collect();
        let n_days = month_days.last().copied().unwrap_or(0);
        let weights: Vec<f64> = start.iter_days().take(n_days).map(weight).collect();
        let mut cumulative = vec![0.0];
        let mut total = 0.0;
        for weight in &weights {
            total += weight;
            cumulative.push(total);
        }
        Self { start, months: months as usize, month_days, weights, cumulative }
    }

    /// Months of history.
    pub(super) fn months(&self) -> usize {
        self.months
    }

    /// Days of history; the export is taken at the start of this day.
    pub(super) fn n_days(&self) -> usize {
        self.month_days[self.months]
    }

    /// The first day of month `month`, counted from 0; may lie beyond the end.
    pub(super) fn month_day(&self, month: usize) -> usize {
        self.month_days[month]
    }

    /// The month that `day` lies in.
    pub(super) fn month_of(&self, day: usize) -> usize {
        self.month_days.partition_point(|first| *first <= day) - 1
    }

    /// The date of `day`.
    pub(super) fn date(&self, day: usize) -> NaiveDate {
        self.start + TimeDelta::days(i64::try_from(day).unwrap_or(0))
    }

    /// Seconds since 1970 at `second` of `day`.
    pub(super) fn instant(&self, day: usize, second: i64) -> i64 {
        let midnight = self.date(day).and_hms_opt(0, 0, 0).unwrap_or_default();
        midnight.and_utc().timestamp() + second
    }

    /// The day that `at` seconds since 1970 lies in; day 0 if that is earlier.
    pub(super) fn day_of(&self, at: i64) -> usize {
        usize::try_from((at - self.instant(0, 0)).div_euclid(DAY)).unwrap_or(0)
    }

    /// Seconds since 1970 at which the export is taken.
    pub(super) fn end(&self) -> i64 {
        self.instant(self.n_days(), 0)
    }

    /// The day `months` months after `day`, whatever the lengths between.
    pub(super) fn months_after(&self, day: usize, months: u32) -> usize {
        days_between(self.start, add_months(self.date(day), months))
    }

    /// How busy `day` is for a customer who signed up on `signup`.
    pub(super) fn weight(&self, day: usize, signup: usize) -> f64 {
        let boosted = day > signup && day <= signup + ONBOARDING_DAYS;
        self.weights[day] * if boosted { ONBOARDING_BOOST } else { 1.0 }
    }

    /// The sum of [`Calendar::weight`] over `from..to`.
    pub(super) fn exposure(&self, from: usize, to: usize, signup: usize) -> f64 {
        let stretch = |from: usize, to: usize| {
            if from < to { self.cumulative[to] - self.cumulative[from] } else { 0.0 }
        };
        let first = from.max(signup + 1);
        let boosted = stretch(first, to.min(signup + 1 + ONBOARDING_DAYS));
        stretch(from, to) + (ONBOARDING_BOOST - 1.0) * boosted
    }

    /// How strongly customers sign up in `month`: a launch, then seasonal growth.
    pub(super) fn signup_weight(&self, month: usize) -> f64 {
        let launch = [6.0, 4.0, 2.5].get(month).copied().unwrap_or(1.0);
        let date = self.date(self.month_days[month]);
        let growth = 0.06 * f64::from(u32::try_from(month).unwrap_or(0));
        (launch + growth) * YEAR[date.month0() as usize]
    }
}

/// `date` and `months` calendar months, the last day of the month at most.
fn add_months(date: NaiveDate, months: u32) -> NaiveDate {
    date.checked_add_months(Months::new(months)).unwrap_or(NaiveDate::MAX)
}

fn days_between(from: NaiveDate, to: NaiveDate) -> usize {
    usize::try_from((to - from).num_days()).unwrap_or(0)
}

fn weight(date: NaiveDate) -> f64 {
    let week = WEEK[date.weekday().num_days_from_monday() as usize];
    week * YEAR[date.month0() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> Calendar {
        Calendar::new(NaiveDate::from_ymd_opt(2024, 1, 1).unwrap(), 12)
    }

    #[test]
    fn months_have_their_lengths() {
        let calendar = calendar();
        assert_eq!(calendar.n_days(), 366);
        assert_eq!(calendar.month_day(2), 60);
        assert_eq!((calendar.month_of(59), calendar.month_of(60)), (1, 2));
        assert_eq!(calendar.end(), 1_735_689_600);
        // 31 January and a month is 29 February in a leap year.
        assert_eq!(calendar.months_after(30, 1), 59);
    }

    #[test]
    fn exposure_is_the_sum_of_daily_weights() {
        let calendar = calendar();
        for (from, to, signup) in [(0, 0, 0), (3, 90, 0), (10, 50, 20), (25, 31, 20), (40, 60, 5)] {
            let sum: f64 = (from..to).map(|day| calendar.weight(day, signup)).sum();
            assert!((calendar.exposure(from, to, signup) - sum).abs() < 1e-9);
        }
    }

    #[test]
    fn a_week_weighs_seven_days() {
        assert!((WEEK.iter().sum::<f64>() - 7.0).abs() < 1e-12);
        assert!((YEAR.iter().sum::<f64>() - 12.0).abs() < 1e-12);
    }
}
