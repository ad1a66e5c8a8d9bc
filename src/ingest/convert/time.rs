//! Dates and times without a declared format.
//!
//! Only what can be read one way: ISO 8601 and its common variants (a blank
//! for the `T`, one-digit hours, `/` or `.` when the year comes first, `UTC`
//! for `Z`), `yyyyMMdd`, `yyyyMMddHHmmss`, and seconds, milliseconds or
//! microseconds since 1970, told apart by their size.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};

use super::civil::{Civil, DAY, SECOND, Zone, digits, fraction, offset};
use super::number::cells;
use super::{Converted, Fault, Parsing, as_text, cast, shown};
use crate::error::Result;
use crate::ingest::reason::Reason;
use crate::schema::Kind;

/// 1900-01-01 and 2200-01-01: before and after lie typing errors.
const FIRST: i64 = -25_567 * DAY;
const LAST: i64 = 84_006 * DAY;

const UNREADABLE: &str = "is not a date or time";
const AMBIGUOUS: &str =
    "can be read two ways; declare the format, e.g. `dates = [\"MM/dd/yyyy\"]`, in the mapping";

pub(super) fn convert(array: &ArrayRef, parsing: &Parsing) -> Result<Converted> {
    if let Some(text) = as_text(array) {
        return Ok(collect(cells(text), |cell| parse(cell, parsing), shown));
    }
    let zone = parsing.zone;
    match array.data_type() {
        DataType::Timestamp(_, Some(_)) => {
            let instants = cast(array, &Kind::Time.data_type(), Reason::BadTime, "a time")?;
            Ok(in_range(&instants.values))
        }
        DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 => {
            let local = DataType::Timestamp(TimeUnit::Microsecond, None);
            let local = cast(array, &local, Reason::BadTime, "a time")?;
            let values = local.values.as_primitive::<TimestampMicrosecondType>();
            let skipped = "was skipped when the clocks went forward";
            Ok(collect(
                values.iter(),
                |local| zone.instant(local).ok_or(skipped),
                |local| local.to_string(),
            ))
        }
        _ => {
            let numbers = cast(array, &DataType::Int64, Reason::BadTime, "a time")?;
            let values = numbers.values.as_primitive::<Int64Type>();
            let read = |number: i64| match number {
                19_000_101..=21_991_231 => compact(number.to_string().as_bytes(), zone),
                _ => epoch(number).ok_or(UNREADABLE),
            };
            Ok(collect(values.iter(), read, |number| number.to_string()))
        }
    }
}

/// Instants within the sane range.
pub(super) fn in_range(array: &ArrayRef) -> Converted {
    let values = array.as_primitive::<TimestampMicrosecondType>();
    if values.iter().flatten().all(|at| (FIRST..LAST).contains(&at)) {
        return Converted::clean(array.clone());
    }
    collect(values.iter(), Ok, |at| at.to_string())
}

fn collect<T: Copy>(
    cells: impl ExactSizeIterator<Item = Option<T>>,
    convert: impl Fn(T) -> Result<i64, &'static str>,
    show: impl Fn(T) -> String,
) -> Converted {
    let mut values = TimestampMicrosecondBuilder::with_capacity(cells.len())
        .with_data_type(Kind::Time.data_type());
    let mut faults = Vec::new();
    for (row, cell) in cells.enumerate() {
        let value = cell.and_then(|cell| {
            let (reason, what) = match convert(cell) {
                Ok(at) if (FIRST..LAST).contains(&at) => return Some(at),
                Ok(_) => (Reason::OutOfRange, "is not between the years 1900 and 2200"),
                Err(what) => (Reason::BadTime, what),
            };
            faults.push(Fault { row, reason, detail: format!("{} {what}", show(cell)) });
            None
        });
        values.append_option(value);
    }
    Converted { values: Arc::new(values.finish()), faults }
}

/// The instant a cell names.
pub(super) fn parse(cell: &str, parsing: &Parsing) -> Result<i64, &'static str> {
    let cell = cell.trim();
    for format in &parsing.formats {
        if let Some(civil) = format.read(cell) {
            return civil.instant(parsing.zone);
        }
    }
    let text = cell.as_bytes();
    if let Some(civil) = iso(text) {
        return civil.instant(parsing.zone);
    }
    if text.iter().all(u8::is_ascii_digit) {
        return match text.len() {
            8 | 14 => compact(text, parsing.zone),
            10 | 13 | 16 => cell.parse().ok().and_then(epoch).ok_or(UNREADABLE),
            _ => Err(UNREADABLE),
        };
    }
    Err(if looks_like_a_date(text) { AMBIGUOUS } else { UNREADABLE })
}

/// `2024-01-19`, `2024/1/19 9:42`, `2024-01-19T09:42:24.000+0000`.
fn iso(text: &[u8]) -> Option<Civil> {
    let (year, rest) = digits(text, 4, 4)?;
    let (&separator, rest) = rest.split_first()?;
    if !matches!(separator, b'-' | b'/' | b'.') {
        return None;
    }
    let (month, rest) = digits(rest, 1, 2)?;
    let (day, rest) = digits(rest.strip_prefix(&[separator])?, 1, 2)?;
    let mut civil = Civil { year: i32::try_from(year).ok()?, month, day, ..Civil::default() };
    if rest.is_empty() {
        return Some(civil);
    }
    let rest = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b" "))?;
    let (hour, rest) = digits(rest.trim_ascii_start(), 1, 2)?;
    let (minute, mut rest) = digits(rest.strip_prefix(b":")?, 2, 2)?;
    (civil.hour, civil.minute) = (hour, minute);
    if let Some(seconds) = rest.strip_prefix(b":") {
        (civil.second, rest) = digits(seconds, 2, 2)?;
        if let Some(after) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
            (civil.micros, rest) = fraction(after)?;
        }
    }
    match rest.trim_ascii() {
        [] => {}
        b"Z" | b"z" | b"UTC" | b"GMT" => civil.offset = Some(0),
        zone => match offset(zone)? {
            (seconds, []) => civil.offset = Some(seconds),
            _ => return None,
        },
    }
    Some(civil)
}

/// `yyyyMMdd` or `yyyyMMddHHmmss`.
fn compact(text: &[u8], zone: Zone) -> Result<i64, &'static str> {
    let mut parts = [0; 6];
    let mut rest = text;
    for (part, width) in parts.iter_mut().zip([4, 2, 2, 2, 2, 2]) {
        if rest.is_empty() {
            break;
        }
        (*part, rest) = digits(rest, width, width).ok_or(UNREADABLE)?;
    }
    let [year, month, day, hour, minute, second] = parts;
    let year = i32::try_from(year).map_err(|_| UNREADABLE)?;
    Civil { year, month, day, hour, minute, second, ..Civil::default() }.instant(zone)
}

/// Seconds, milliseconds or microseconds since 1970. Ten digits of seconds
/// reach from 2001 to 2286; shorter numbers are refused, they may be anything.
fn epoch(number: i64) -> Option<i64> {
    match number {
        1_000_000_000..=9_999_999_999 => Some(number * SECOND),
        1_000_000_000_000..=9_999_999_999_999 => Some(number * 1000),
        1_000_000_000_000_000..=9_999_999_999_999_999 => Some(number),
        _ => None,
    }
}

/// Whether a cell starts as `03/04/…`, `3-4-…` or `03.04.…`.
fn looks_like_a_date(text: &[u8]) -> bool {
    let start = || {
        let (_, rest) = digits(text, 1, 2)?;
        let (&separator, rest) = rest.split_first()?;
        let (_, rest) = digits(rest, 1, 2)?;
        let rest = rest.strip_prefix(&[separator])?;
        matches!(separator, b'-' | b'/' | b'.').then_some(rest)
    };
    start().is_some_and(|year| digits(year, 2, 4).is_some())
}
