//! How long did a customer wait while the office was open?
//!
//! ```sql
//! SELECT business_hours(occurred_at, first_response_at, $tz, '09:00-18:00', 'mon-fri')
//! FROM tickets
//! ```
//!
//! A question of Friday evening answered on Monday at ten waited one hour, not
//! sixty. `business_hours(from, to, tz, hours, days)` is the time between two
//! instants, in hours, that falls into the opening hours of the given days in
//! the local time of `tz`. `hours` is one span, `09:00-18:00`; `00:00-24:00` is
//! the whole day. `days` is `mon-fri`, `sat`, or several with commas:
//! `mon-thu,sat`. Negative if `to` is before `from`; null in, null out. Public
//! holidays are not known.
//!
//! Hours are those of the clock on the wall: on the day clocks change, an hour
//! within opening hours may be missing or come twice.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::{external, instant_type, text, vectorised};
use super::calendar::{MICROS_PER_DAY, Unit, Zone};
use crate::error::{Error, ErrorKind, Result};

const NAME: &str = "business_hours";
const MICROS_PER_MINUTE: i64 = 60_000_000;
const MICROS_PER_HOUR: f64 = 3_600_000_000.0;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

pub(super) fn function() -> ScalarUDF {
    create_udf(
        NAME,
        vec![instant_type(), instant_type(), DataType::Utf8, DataType::Utf8, DataType::Utf8],
        DataType::Float64,
        Volatility::Immutable,
        Arc::new(invoke),
    )
}

fn invoke(arguments: &[ColumnarValue]) -> DataFusionResult<ColumnarValue> {
    let zone: Zone = text(&arguments[2], NAME, "tz")?.parse().map_err(external)?;
    let hours = text(&arguments[3], NAME, "hours")?;
    let days = text(&arguments[4], NAME, "days")?;
    let week = Week::parse(hours, days).map_err(external)?;
    vectorised(&arguments[..2], |arrays| {
        let from = arrays[0].as_primitive::<TimestampMicrosecondType>();
        let to = arrays[1].as_primitive::<TimestampMicrosecondType>();
        let between = |(from, to): (Option<i64>, Option<i64>)| {
            let Some((from, to)) = from.zip(to) else { return Ok(None) };
            let open = week.until(zone.local(to)?) - week.until(zone.local(from)?);
            Ok(Some(open as f64 / MICROS_PER_HOUR))
        };
        let hours = from.iter().zip(to).map(between).collect::<Result<Float64Array>>();
        Ok(Arc::new(hours.map_err(external)?))
    })
}

/// When the office is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Week {
    /// Microseconds after midnight.
    opens: i64,
    closes: i64,
    /// From Monday on.
    open_days: [bool; 7],
}

impl Week {
    fn parse(hours: &str, days: &str) -> Result<Self> {
        let wrong = |what: &str, expected: &str| {
            Error::new(ErrorKind::Usage, format!("{what} is not {expected}"))
        };
        let span = hours.split_once('-').and_then(|(opens, closes)| {
            Some((minutes(opens)?, minutes(closes)?)).filter(|(opens, closes)| opens < closes)
        });
        let (opens, closes) = span.ok_or_else(|| {
            wrong(&format!("hours: \"{hours}\""), "a span within one day")
                .hint("write it as 09:00-18:00; the whole day is 00:00-24:00")
        })?;
        let mut open_days = [false; 7];
        for part in days.split(',').map(str::trim) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let place = |day: &str| DAYS.iter().position(|known| *known == day.trim());
            let (Some(first), Some(last)) = (place(first), place(last)) else {
                return Err(wrong(&format!("days: \"{part}\""), "a day of the week")
                    .hint("write days as mon-fri, or sat, or mon-thu,sat"));
            };
            // From Saturday to Monday goes past Sunday.
            let n_days = (7 + last - first) % 7;
            (0..=n_days).for_each(|day| open_days[(first + day) % 7] = true);
        }
        Ok(Self { opens: opens * MICROS_PER_MINUTE, closes: closes * MICROS_PER_MINUTE, open_days })
    }

    /// The open time from Monday, 29 December 1969, to a local time, both in
    /// microseconds after the beginning of 1970.
    fn until(self, local: i64) -> i64 {
        let day = local.div_euclid(MICROS_PER_DAY);
        let monday = i64::from(Unit::Week.start(0).unwrap_or(-3));
        let (weeks, weekday) = ((day - monday).div_euclid(7), (day - monday).rem_euclid(7));
        let in_a_day = self.closes - self.opens;
        let open = |upto: i64| {
            let before = self.open_days.iter().zip(0..upto).filter(|(open, _)| **open).count();
            i64::try_from(before).unwrap_or(0)
        };
        let today = usize::try_from(weekday).is_ok_and(|weekday| self.open_days[weekday]);
        let spent = local.rem_euclid(MICROS_PER_DAY).clamp(self.opens, self.closes) - self.opens;
        (weeks * open(7) + open(weekday)) * in_a_day + if today { spent } else { 0 }
    }
}

/// Minutes after midnight.
fn minutes(clock: &str) -> Option<i64> {
    let (hours, minutes) = clock.trim().split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    ((0..60).contains(&minutes) && (0..=24 * 60).contains(&total)).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * MICROS_PER_MINUTE;

    fn hours(week: Week, from: i64, to: i64) -> f64 {
        (week.until(to) - week.until(from)) as f64 / MICROS_PER_HOUR
    }

    #[test]
    fn a_question_of_friday_evening_waits_until_monday_morning() {
        let week = Week::parse("09:00-18:00", "mon-fri").unwrap();
        // 1970-01-02 was a Friday.
        let friday = MICROS_PER_DAY;
        let monday = 4 * MICROS_PER_DAY;
        assert_eq!(hours(week, friday + 19 * HOUR, monday + 10 * HOUR), 1.0);
        assert_eq!(hours(week, friday + 17 * HOUR, monday + 10 * HOUR), 2.0);
        assert_eq!(hours(week, monday + 10 * HOUR, friday + 17 * HOUR), -2.0);
        assert_eq!(hours(week, friday, friday + 7 * MICROS_PER_DAY), 45.0);
    }

    #[test]
    fn agrees_with_counting_minutes() {
        let weeks =
            [("09:00-18:00", "mon-fri"), ("00:00-24:00", "sat-mon"), ("22:30-23:00", "wed")];
        for (span, days) in weeks {
            let week = Week::parse(span, days).unwrap();
            let is_open = |minute: i64| {
                let day = minute.div_euclid(24 * 60);
                let within = minute.rem_euclid(24 * 60) * MICROS_PER_MINUTE;
                let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap();
                week.open_days[weekday] && (week.opens..week.closes).contains(&within)
            };
            for from in [-20_000_i64, -5, 0, 777, 9_999] {
                for length in [0_i64, 1, 59, 1_440, 20_161] {
                    let counted = (from..from + length).filter(|minute| is_open(*minute)).count();
                    let (from, to) =
                        (from * MICROS_PER_MINUTE, (from + length) * MICROS_PER_MINUTE);
                    let open = week.until(to) - week.until(from);
                    assert_eq!(open, i64::try_from(counted).unwrap() * MICROS_PER_MINUTE);
                }
            }
        }
    }

    #[test]
    fn wrong_hours_and_days_are_named() {
        for (span, days) in [
            ("18:00-09:00", "mon"),
            ("9-18", "mon"),
            ("09:00-24:01", "mon"),
            ("09:00-18:00", "monday"),
            ("09:00-18:00", ""),
        ] {
            assert!(Week::parse(span, days).is_err(), "{span} {days}");
        }
    }
}
