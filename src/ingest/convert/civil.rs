//! Calendar dates and clock times as microseconds of UTC.

use std::str::FromStr;

use chrono::{LocalResult, NaiveDate, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// Microseconds of a second, and of a day.
pub(super) const SECOND: i64 = 1_000_000;
pub(super) const DAY: i64 = 86_400 * SECOND;

/// The zone of times that do not say theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// Coordinated universal time.
    #[default]
    Utc,
    /// Seconds east of it.
    Fixed(i32),
    /// A place, with its daylight saving time.
    Place(Tz),
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if matches!(name, "UTC" | "Z") {
            return Ok(Self::Utc);
        }
        if let Some((offset, [])) = offset(name.as_bytes()) {
            return Ok(Self::Fixed(offset));
        }
        name.parse().map(Self::Place).map_err(|_| {
            format!(
                "{name:?} is not a time zone; write UTC, +08:00 or a place such as Asia/Shanghai"
            )
        })
    }
}

impl Zone {
    /// The instant of a local time in microseconds; none if the clocks skipped
    /// it. Of a time that came twice the first is taken.
    pub(super) fn instant(self, local: i64) -> Option<i64> {
        match self {
            Self::Utc => Some(local),
            Self::Fixed(east) => local.checked_sub(i64::from(east) * SECOND),
            Self::Place(tz) => {
                let naive: NaiveDateTime =
                    chrono::DateTime::<Utc>::from_timestamp_micros(local)?.naive_utc();
                let offset = match tz.offset_from_local_datetime(&naive) {
                    LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => offset,
                    LocalResult::None => return None,
                };
                Some(local - i64::from(offset.fix().local_minus_utc()) * SECOND)
            }
        }
    }
}

/// A date and time as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Civil {
    pub year: i32,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub micros: u32,
    /// Seconds east of UTC, if it says.
    pub offset: Option<i32>,
}

impl Civil {
    /// The instant, or what is wrong.
    pub(super) fn instant(self, zone: Zone) -> Result<i64, &'static str> {
        let date = NaiveDate::from_ymd_opt(self.year, self.month, self.day)
            .ok_or("is not a day of the calendar")?;
        // Midnight is written 24:00 by some; a leap second becomes the next one.
        if self.hour > 24
            || self.minute > 59
            || self.second > 60
            || (self.hour == 24 && self.minute + self.second > 0)
        {
            return Err("is not a time of the day");
        }
        let days = i64::from(date.to_epoch_days());
        let seconds = i64::from(self.hour * 3600 + self.minute * 60 + self.second);
        let local = days * DAY + seconds * SECOND + i64::from(self.micros);
        let zone = self.offset.map_or(zone, Zone::Fixed);
        zone.instant(local).ok_or("was skipped when the clocks went forward")
    }
}

/// A zone offset at the start of `text`, and what follows it: `+0000`,
/// `+08:00`, `-5`.
pub(super) fn offset(text: &[u8]) -> Option<(i32, &[u8])> {
    let (sign, rest) = match text {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = digits(rest, 1, 2)?;
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    let (minutes, rest) = digits(rest, 2, 2).unwrap_or((0, rest));
    if hours > 18 || minutes > 59 {
        return None;
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    Some((sign * seconds, rest))
}

/// Between `least` and `most` decimal digits at the start of `text`, and what
/// follows them.
pub(super) fn digits(text: &[u8], least: usize, most: usize) -> Option<(u32, &[u8])> {
    let count = text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    if count < least {
        return None;
    }
    let (number, rest) = text.split_at(count);
    Some((number.iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0')), rest))
}

/// The digits of a fraction of a second at the start of `text` as
/// microseconds, finer ones dropped.
pub(super) fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let (number, rest) = text.split_at(count);
    let six = number.iter().map(|byte| u32::from(byte - b'0')).chain(std::iter::repeat(0)).take(6);
    Some((six.fold(0, |sum, digit| sum * 10 + digit), rest))
}
