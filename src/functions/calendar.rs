//! Which calendar day, week, month, quarter or year holds an instant?
//!
//! A business counts in calendar periods of its own time zone: an order at
//! 23:30 UTC on 31 January is a February order in Shanghai. Two steps answer
//! it: a [`Zone`] turns an instant into a local day, and a [`Unit`] turns a day
//! into the ordinal of its period. Ordinals are consecutive integers, so the
//! age of a cohort is a difference and the next period is plus one.
//!
//! Days are counted from 1970-01-01, as in Arrow's `Date32`. Weeks are ISO weeks
//! and start on Monday. The unit `all` has a single period, called 1970-01-01.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use arrow::array::TimestampMicrosecondArray;
use arrow::compute::{max, min};
use chrono::{DateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::error::{Error, ErrorKind, Result};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
pub(super) const MICROS_PER_DAY: i64 = MICROS_PER_SECOND * SECONDS_PER_DAY;

/// A calendar unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Midnight to midnight.
    Day,
    /// ISO week, from Monday.
    Week,
    /// Calendar month.
    Month,
    /// Three calendar months, from January.
    Quarter,
    /// Calendar year.
    Year,
    /// One period for everything.
    All,
}

impl Unit {
    const NAMES: [(&'static str, Self); 6] = [
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("quarter", Self::Quarter),
        ("year", Self::Year),
        ("all", Self::All),
    ];

    /// The ordinal of the period that holds `day`; the one that holds
    /// 1970-01-01 is 0.
    #[must_use]
    pub fn index(self, day: i32) -> i64 {
        let day = i64::from(day);
        match self {
            Self::Day => day,
            // 1970-01-01 was a Thursday, three days after a Monday.
            Self::Week => (day + 3).div_euclid(7),
            Self::Month => months(day),
            Self::Quarter => months(day).div_euclid(3),
            Self::Year => months(day).div_euclid(12),
            Self::All => 0,
        }
    }

    /// The first day of the period with ordinal `index`, or nothing if no
    /// `Date32` can hold it.
    #[must_use]
    pub fn start(self, index: i64) -> Option<i32> {
        let day = match self {
            Self::Day => index,
            Self::Week => index.checked_mul(7)?.checked_sub(3)?,
            Self::Month => first_of(index)?,
            Self::Quarter => first_of(index.checked_mul(3)?)?,
            Self::Year => first_of(index.checked_mul(12)?)?,
            Self::All => 0,
        };
        i32::try_from(day).ok()
    }

    /// The same, where a date beyond the calendar is an error.
    fn first_day(self, index: i64) -> Result<i32> {
        self.start(index).ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                format!("period {index} since 1970 is beyond the calendar"),
            )
        })
    }

    /// The first day of the period `n` after the one that holds `day`.
    ///
    /// # Errors
    /// If that day is millions of years away and no `Date32` can hold it.
    pub fn shift(self, day: i32, n: i64) -> Result<i32> {
        self.index(day).checked_add(n).and_then(|index| self.start(index)).ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("a date {n} periods away is beyond the calendar"))
        })
    }
}

impl FromStr for Unit {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit).ok_or_else(
            || {
                Error::new(ErrorKind::Usage, format!("\"{name}\" is not a calendar unit"))
                    .hint_nearest(name, Self::NAMES.map(|(known, _)| known))
                    .hint("units are day, week, month, quarter, year and all")
            },
        )
    }
}

/// The length of time that `30d`, `4w`, `12h`, `90min` or `10s` means; calendar
/// months have no fixed length and are not lengths of time.
#[must_use]
pub fn length(text: &str) -> Option<TimeDelta> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(unit_at);
    let count: i64 = count.parse().ok()?;
    match unit.trim() {
        "w" | "weeks" => TimeDelta::try_weeks(count),
        "d" | "days" => TimeDelta::try_days(count),
        "h" | "hours" => TimeDelta::try_hours(count),
        "min" | "m" => TimeDelta::try_minutes(count),
        "s" => TimeDelta::try_seconds(count),
        _ => None,
    }
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

impl Zone {
    /// Whether local days are those of UTC, so that no database need be asked.
    #[must_use]
    pub fn is_utc(self) -> bool {
        self.0 == Tz::UTC
    }

    /// The local day, counted from 1970-01-01, at `micros` after the epoch.
    ///
    /// # Errors
    /// If the instant lies beyond the years the time zone database can answer
    /// for, some 262,000 either way.
    pub fn day(self, micros: i64) -> Result<i32> {
        let seconds = micros.div_euclid(MICROS_PER_SECOND);
        let offset = if self.is_utc() { Some(0) } else { self.offset(seconds) };
        offset
            .map(|offset| (seconds + offset).div_euclid(SECONDS_PER_DAY))
            .and_then(|day| i32::try_from(day).ok())
            .ok_or_else(|| beyond(micros))
    }

    /// What the clock on the wall shows at `micros`, in microseconds as if it
    /// were UTC.
    ///
    /// # Errors
    /// As [`Zone::day`].
    pub fn local(self, micros: i64) -> Result<i64> {
        let seconds = micros.div_euclid(MICROS_PER_SECOND);
        let offset = if self.is_utc() { Some(0) } else { self.offset(seconds) };
        offset.map(|offset| micros + offset * MICROS_PER_SECOND).ok_or_else(|| beyond(micros))
    }

    /// Whether a later instant is never on an earlier local day.
    ///
    /// Clocks put back at one in the morning repeat an hour of a day. Where they
    /// were put back a minute after midnight, as in St John's until 2011, the day
    /// before came once more.
    #[must_use]
    pub fn days_never_go_back(self) -> bool {
        static KNOWN: Mutex<BTreeMap<&str, bool>> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(self.0.name()).or_insert_with(|| {
            // Before and after these years no zone has changed its offset.
            let mut days = CHANGES.map(|day| day * SECONDS_PER_DAY);
            let mut from = days.next().unwrap_or(0);
            days.all(|to| {
                let fine = self.offset(from) <= self.offset(to) || self.passes(from, to);
                from = to;
                fine
            })
        })
    }

    /// Whether the local day stays or goes on where the offset changes between
    /// two instants, in seconds.
    fn passes(self, mut before: i64, mut after: i64) -> bool {
        let changed = self.offset(after);
        while after - before > 1 {
            let middle = before.midpoint(after);
            if self.offset(middle) == changed { after = middle } else { before = middle }
        }
        let day = |at: i64| self.offset(at).map(|offset| (at + offset).div_euclid(SECONDS_PER_DAY));
        day(before) <= day(after)
    }

    /// The seconds by which local time is ahead of UTC.
    fn offset(self, seconds: i64) -> Option<i64> {
        let utc = DateTime::from_timestamp(seconds, 0)?;
        let offset = self.0.offset_from_utc_datetime(&utc.naive_utc());
        Some(i64::from(offset.fix().local_minus_utc()))
    }
}

fn beyond(micros: i64) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("the instant {micros} µs after 1970 is beyond the calendar"),
    )
}

/// The days, from 1970 on, among which zones have changed or plan to change their
/// offsets: from the beginning of 1800 to that of 2200.
const CHANGES: std::ops::Range<i64> = -62_091..84_006;

/// The periods of many instants: a calendar is asked once for each day they
/// span, not for each of them.
#[derive(Debug)]
pub struct Periods {
    unit: Unit,
    zone: Zone,
    first_day: i64,
    /// The ordinal of each UTC day from `first_day` on; [`ASK`] where it depends
    /// on the hour.
    by_day: Vec<i64>,
}

/// Marks days on which a period ends somewhere in the world.
const ASK: i64 = i64::MIN;

impl Periods {
    /// Prepares for instants of `instants`, in microseconds after the epoch.
    #[must_use]
    pub fn of(unit: Unit, zone: Zone, instants: &TimestampMicrosecondArray) -> Self {
        let mut periods = Self { unit, zone, first_day: 0, by_day: Vec::new() };
        if let (Some(earliest), Some(latest)) = (min(instants), max(instants)) {
            let first = earliest.div_euclid(MICROS_PER_DAY);
            let last = latest.div_euclid(MICROS_PER_DAY);
            // Few instants over many days are answered one by one.
            let days = usize::try_from(last - first).unwrap_or(usize::MAX);
            if days < instants.len() {
                periods.first_day = first;
                periods.by_day = (first..=last).map(|day| periods.of_day(day)).collect();
            }
        }
        periods
    }

    /// The ordinal of the period in which all of a UTC day lies. Local time is
    /// less than a day away from UTC.
    fn of_day(&self, day: i64) -> i64 {
        let index = |day| i32::try_from(day).map(|day| self.unit.index(day)).ok();
        let neighbours = if self.zone.is_utc() { [day, day] } else { [day - 1, day + 1] };
        match neighbours.map(index) {
            [Some(before), Some(after)] if before == after => before,
            _ => ASK,
        }
    }

    /// The ordinal of the period that holds `micros`.
    ///
    /// # Errors
    /// As [`Zone::day`].
    #[inline]
    pub fn index(&self, micros: i64) -> Result<i64> {
        let day = micros.div_euclid(MICROS_PER_DAY) - self.first_day;
        match usize::try_from(day).ok().and_then(|day| self.by_day.get(day)) {
            Some(&index) if index != ASK => Ok(index),
            _ => self.ask(micros),
        }
    }

    #[cold]
    fn ask(&self, micros: i64) -> Result<i64> {
        Ok(self.unit.index(self.zone.day(micros)?))
    }

    /// The first local day of the period that holds `micros`.
    ///
    /// # Errors
    /// As [`Zone::day`].
    pub fn start(&self, micros: i64) -> Result<i32> {
        self.unit.first_day(self.index(micros)?)
    }
}

impl FromStr for Zone {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        name.parse().map(Self).map_err(|_| {
            Error::new(ErrorKind::Usage, format!("\"{name}\" is not a time zone"))
                .hint_nearest(name, TZ_VARIANTS.iter().map(|zone| zone.name()))
                .hint("zones have IANA names, e.g. UTC, Europe/Berlin, Asia/Shanghai")
        })
    }
}

/// Calendar months from January 1970 to the month that holds `day`.
///
/// Counting years from 1 March puts the leap day last, which makes the lengths
/// of months a linear formula (Howard Hinnant, "chrono-compatible low-level
/// date algorithms", 2013).
fn months(day: i64) -> i64 {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    (era * 400 + year_of_era - 1970) * 12 + months_since_march + 2
}

/// The first day of the month `index` months after January 1970.
fn first_of(index: i64) -> Option<i64> {
    let since_march = index.checked_add(1970 * 12 - 2)?;
    let year = since_march.div_euclid(12);
    let month = since_march.rem_euclid(12);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era.checked_mul(146_097)?.checked_add(day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate, Weekday};

    use super::*;

    const UNITS: [Unit; 6] =
        [Unit::Day, Unit::Week, Unit::Month, Unit::Quarter, Unit::Year, Unit::All];

    fn day(year: i32, month: u32, day: u32) -> i32 {
        NaiveDate::from_ymd_opt(year, month, day).unwrap().to_epoch_days()
    }

    #[test]
    fn lengths_of_time_are_fixed() {
        assert_eq!(length("30d"), Some(TimeDelta::days(30)));
        assert_eq!(length("2w"), Some(TimeDelta::days(14)));
        assert_eq!(length("1 month"), None);
        assert_eq!(length("d"), None);
    }

    #[test]
    fn months_and_weeks_agree_with_chrono_for_eight_centuries() {
        for n in day(1600, 1, 1)..day(2400, 1, 1) {
            let date = NaiveDate::from_epoch_days(n).unwrap();
            let month = (i64::from(date.year()) - 1970) * 12 + i64::from(date.month0());
            assert_eq!(Unit::Month.index(n), month, "{date}");
            let monday = date.week(Weekday::Mon).first_day().to_epoch_days();
            assert_eq!(Unit::Week.start(Unit::Week.index(n)), Some(monday));
        }
    }

    #[test]
    fn a_period_holds_its_start_and_ends_where_the_next_begins() {
        for unit in UNITS {
            for n in day(1899, 12, 1)..day(2101, 2, 1) {
                let index = unit.index(n);
                let start = unit.start(index).unwrap();
                assert_eq!(unit.index(start), index);
                assert!(start <= n || unit == Unit::All);
                assert_eq!(unit.shift(n, 0).unwrap(), start);
                if unit != Unit::All {
                    let next = unit.start(index + 1).unwrap();
                    assert!(n < next);
                    assert_eq!(unit.index(next - 1), index);
                }
            }
        }
    }

    #[test]
    fn the_far_ends_are_an_error_not_a_wrap() {
        assert!(Unit::Day.shift(i32::MAX, 1).is_err());
        assert!(Unit::Month.shift(0, i64::MAX).is_err());
        assert!(Unit::Year.shift(0, i64::MIN).is_err());
        assert_eq!(Unit::All.shift(i32::MAX, i64::MAX).unwrap(), 0);
        let shanghai: Zone = "Asia/Shanghai".parse().unwrap();
        assert!(shanghai.day(i64::MAX).is_err());
    }

    #[test]
    fn days_are_local_across_daylight_saving() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let at = |text: &str| text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_micros();
        // Winter is UTC+1, summer UTC+2: local midnight moves.
        assert_eq!(berlin.day(at("2024-01-31T22:59:59Z")).unwrap(), day(2024, 1, 31));
        assert_eq!(berlin.day(at("2024-01-31T23:00:00Z")).unwrap(), day(2024, 2, 1));
        assert_eq!(berlin.day(at("2024-06-30T21:59:59Z")).unwrap(), day(2024, 6, 30));
        assert_eq!(berlin.day(at("2024-06-30T22:00:00Z")).unwrap(), day(2024, 7, 1));
        // Samoa had no 30 December 2011: it crossed the date line.
        let apia: Zone = "Pacific/Apia".parse().unwrap();
        assert_eq!(apia.day(at("2011-12-30T09:59:59Z")).unwrap(), day(2011, 12, 29));
        assert_eq!(apia.day(at("2011-12-30T10:00:00Z")).unwrap(), day(2011, 12, 31));
        let utc: Zone = "UTC".parse().unwrap();
        assert_eq!(utc.day(-1).unwrap(), -1);
        assert_eq!(utc.day(0).unwrap(), 0);
    }

    #[test]
    fn days_go_back_where_clocks_were_put_back_across_midnight() {
        let never = |name: &str| name.parse::<Zone>().unwrap().days_never_go_back();
        for name in ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kolkata"] {
            assert!(never(name), "{name}");
        }
        // Goose Bay did as St John's; Alaska came to lie east of the date line.
        for name in ["America/St_Johns", "America/Goose_Bay", "America/Juneau"] {
            assert!(!never(name), "{name}");
        }
        let zone: Zone = "America/St_Johns".parse().unwrap();
        let at = |text: &str| text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_micros();
        let (before, after) = (at("2010-11-07T02:30:59Z"), at("2010-11-07T02:31:00Z"));
        assert!(zone.day(before).unwrap() > zone.day(after).unwrap());
    }

    #[test]
    fn no_day_goes_back_in_a_zone_said_to_be_without() {
        for zone in TZ_VARIANTS.iter().map(|zone| Zone(*zone)).step_by(31) {
            let mut goes_back = false;
            let mut last = i64::MIN;
            // Around every midnight from 1970 to 2040.
            for day in 0..25_567 {
                for minute in [-61, -60, -31, -30, -1, 0, 1, 29, 30, 31, 59, 60, 61, 121] {
                    let offset = zone.offset(day * SECONDS_PER_DAY).unwrap();
                    let at = day * SECONDS_PER_DAY - offset + minute * 60;
                    let local = i64::from(zone.day(at * MICROS_PER_SECOND).unwrap());
                    goes_back |= local < last && minute != -61;
                    last = local;
                }
            }
            assert!(!(goes_back && zone.days_never_go_back()), "{zone:?}");
        }
    }

    #[test]
    fn unknown_names_offer_the_nearest() {
        let unit = "months".parse::<Unit>().unwrap_err();
        assert!(unit.hints()[0].contains("\"month\""), "{:?}", unit.hints());
        let zone = "Europe/Berln".parse::<Zone>().unwrap_err();
        assert!(zone.hints()[0].contains("Europe/Berlin"), "{:?}", zone.hints());
    }

    #[test]
    fn many_instants_fall_in_the_periods_of_each() {
        const HOUR: i64 = 3_600 * MICROS_PER_SECOND;
        // Every 50 minutes of two years, and a few that lie far away.
        let mut instants: Vec<i64> = (0..21_024).map(|n| n * 3_000 * MICROS_PER_SECOND).collect();
        for (shift, far) in [(0, None), (-400 * 24 * HOUR, None), (0, Some(i64::MAX / 2))] {
            instants.iter_mut().for_each(|at| *at += shift);
            let array =
                TimestampMicrosecondArray::from_iter_values(instants.iter().copied().chain(far));
            for zone in ["UTC", "Asia/Shanghai", "Pacific/Apia", "America/St_Johns"] {
                let zone: Zone = zone.parse().unwrap();
                for unit in UNITS {
                    let periods = Periods::of(unit, zone, &array);
                    for &at in &instants {
                        let one_by_one = unit.index(zone.day(at).unwrap());
                        assert_eq!(periods.index(at).unwrap(), one_by_one, "{unit:?} {zone:?}");
                    }
                }
            }
        }
    }
}
