//! Which value does a parameter take, and is it one it may take?

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::header::{Header, Param, ParamKind};
use crate::error::{Error, ErrorKind, Result};
use crate::functions::calendar::length;
use crate::functions::funnel::steps::Path;

/// A typed value, ready to be bound.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value, of the parameter's type.
    Null(ParamKind),
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// What customers are broken down by: one of [`BREAKDOWNS`] or the name of
    /// an attribute.
    Breakdown(String),
    /// True or false.
    Flag(bool),
    /// Several texts.
    List(Vec<String>),
    /// The steps of a path.
    Steps(Vec<String>),
    /// A calendar date.
    Date(NaiveDate),
    /// An instant.
    Instant(DateTime<Utc>),
    /// A length of time.
    Duration(TimeDelta),
}

/// Breakdowns every store has, with the columns of `customers` they are read
/// from; the others are the customers' attributes.
pub const BREAKDOWNS: [(&str, Option<&str>); 7] = [
    ("none", None),
    ("segment", Some("segment")),
    ("channel", Some("channel")),
    ("region", Some("region")),
    ("industry", Some("industry")),
    ("owner", Some("owner_id")),
    ("status", Some("status")),
];

/// Refuses a breakdown by something no customer has: every value would be
/// empty, and one row for everybody reads like an answer.
///
/// # Errors
///
/// [`ErrorKind::Unknown`] that offers the nearest names.
pub fn check_breakdown(name: &str, given: &str, attributes: &[String]) -> Result<()> {
    let known = || {
        BREAKDOWNS.map(|(name, _)| name).into_iter().chain(attributes.iter().map(String::as_str))
    };
    if known().any(|known| known == given) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unknown, format!("{name}: customers have no \"{given}\""))
        .hint_nearest(given, known())
        .hint(format!("there are: {}", known().collect::<Vec<_>>().join(", "))))
}

/// The value of parameter `name`: what was given, or its default.
///
/// # Errors
///
/// [`ErrorKind::Usage`] that names parameter and value.
pub fn value(name: &str, param: &Param, given: Option<&str>) -> Result<Value> {
    match given.map(str::to_owned).or_else(|| default_text(param)) {
        Some(text) => {
            let value = parse(name, param, &text)?;
            check_bounds(name, param, &value)?;
            Ok(value)
        }
        None => Ok(Value::Null(param.kind)),
    }
}

/// The least and the most a number may be; nothing for what is no number.
#[must_use]
pub fn bounds(param: &Param) -> Option<(f64, Option<f64>)> {
    let is_number = matches!(param.kind, ParamKind::Integer | ParamKind::Number);
    is_number.then(|| (param.least.unwrap_or(0.0), param.most))
}

fn check_bounds(name: &str, param: &Param, value: &Value) -> Result<()> {
    let number = match value {
        // Beyond 2⁵³ it is out of all bounds anyway.
        Value::Integer(number) => *number as f64,
        Value::Number(number) => *number,
        _ => return Ok(()),
    };
    match bounds(param) {
        Some((least, _)) if number < least => {
            Err(Error::new(ErrorKind::Usage, format!("{name}: {number} is less than {least}")))
        }
        Some((_, Some(most))) if number > most => {
            Err(Error::new(ErrorKind::Usage, format!("{name}: {number} is more than {most}")))
        }
        _ => Ok(()),
    }
}

/// A parameter's default as a caller would write it.
#[must_use]
pub fn default_text(param: &Param) -> Option<String> {
    match param.default.as_ref()? {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Array(items) => {
            Some(items.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(","))
        }
        other => Some(other.to_string()),
    }
}

/// Refuses names that no parameter has.
///
/// # Errors
///
/// [`ErrorKind::Unknown`] that offers the nearest names.
pub fn check_names<'a>(
    report: &str,
    header: &Header,
    given: impl Iterator<Item = &'a str>,
) -> Result<()> {
    for name in given {
        if !header.params.contains_key(name) {
            let known: Vec<&str> = header.params.keys().map(String::as_str).collect();
            let error = Error::new(
                ErrorKind::Unknown,
                format!("report \"{report}\" has no parameter \"{name}\""),
            )
            .hint_nearest(name, known.iter().copied());
            return Err(match known.is_empty() {
                true => error.hint("it has only as_of and tz"),
                false => error.hint(format!("it has: {}, as_of, tz", known.join(", "))),
            });
        }
    }
    Ok(())
}

/// Refuses a span that ends before it begins, and other pairs in the wrong order:
/// what lies between is nothing, and an empty answer would read like one.
///
/// # Errors
///
/// [`ErrorKind::Usage`] that names both values.
pub fn check_order(header: &Header, values: &BTreeMap<String, Value>) -> Result<()> {
    for (name, param) in &header.params {
        let Some(other) = &param.up_to else { continue };
        let wrong = |words: String| {
            let error = Error::new(ErrorKind::Usage, format!("{name}: {words}"));
            Err(error.hint(format!("swap the two, or leave one of {name} and {other} out")))
        };
        match (values.get(name), values.get(other)) {
            (Some(Value::Date(low)), Some(Value::Date(high))) if low > high => {
                return wrong(format!("{low} is after {other} = {high}"));
            }
            (Some(Value::Number(low)), Some(Value::Number(high))) if low > high => {
                return wrong(format!("{low} is more than {other} = {high}"));
            }
            (Some(Value::Integer(low)), Some(Value::Integer(high))) if low > high => {
                return wrong(format!("{low} is more than {other} = {high}"));
            }
            (Some(Value::Duration(low)), Some(Value::Duration(high))) if low > high => {
                return wrong(format!("it is longer than {other}"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn parse(name: &str, param: &Param, text: &str) -> Result<Value> {
    let wrong = |expected: &str| {
        Error::new(ErrorKind::Usage, format!("{name}: \"{text}\" is not {expected}"))
    };
    match param.kind {
        ParamKind::Text | ParamKind::Property => Ok(Value::Text(text.to_owned())),
        ParamKind::Breakdown => Ok(Value::Breakdown(text.to_owned())),
        ParamKind::Choice if param.choices.iter().any(|choice| choice == text) => {
            Ok(Value::Text(text.to_owned()))
        }
        ParamKind::Choice => Err(wrong(&format!("one of {}", param.choices.join(", ")))
            .hint_nearest(text, param.choices.iter().map(String::as_str))),
        ParamKind::Integer => text.parse().map(Value::Integer).map_err(|_| wrong("a whole number")),
        ParamKind::Number => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Number(number)),
            _ => Err(wrong("a number")),
        },
        ParamKind::Date => text
            .parse()
            .map(Value::Date)
            .map_err(|_| wrong("a date").hint("write it as 2025-06-30")),
        ParamKind::Duration => length(text)
            .map(Value::Duration)
            .ok_or_else(|| wrong("a length of time").hint("write it as 30d, 4w, 12h or 90min")),
        ParamKind::List | ParamKind::Activities => Ok(Value::List(items(text))),
        ParamKind::Steps => {
            let steps = items(text);
            Path::parse(&steps).map(|_| Value::Steps(steps))
        }
        ParamKind::Flag => match text {
            "true" | "yes" | "1" => Ok(Value::Flag(true)),
            "false" | "no" | "0" => Ok(Value::Flag(false)),
            _ => Err(wrong("true or false")),
        },
    }
}

fn items(text: &str) -> Vec<String> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}

/// The instant that `--as-of` means: an instant as it is, a date as the end of
/// that day in `tz`, since "as of 31 December" includes 31 December.
///
/// # Errors
///
/// [`ErrorKind::Usage`] if `text` is neither.
pub fn as_of(text: &str, tz: Tz) -> Result<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    text.parse::<NaiveDate>().ok().and_then(|date| end_of_day(date, tz)).ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("as_of: \"{text}\" is not a date or an instant"))
            .hint("write it as 2025-06-30 or 2025-06-30T18:00:00Z")
    })
}

/// The last microsecond of `date` in `tz`.
#[must_use]
pub fn end_of_day(date: NaiveDate, tz: Tz) -> Option<DateTime<Utc>> {
    Some(start_of_day(date.checked_add_days(Days::new(1))?, tz)? - TimeDelta::microseconds(1))
}

/// The first instant of `date` in `tz`; where a clock change skips midnight,
/// the first instant after it.
#[must_use]
pub fn start_of_day(date: NaiveDate, tz: Tz) -> Option<DateTime<Utc>> {
    let midnight = date.and_time(NaiveTime::MIN);
    (0..=3)
        .find_map(|hours| (midnight + TimeDelta::hours(hours)).and_local_timezone(tz).earliest())
        .map(|local| local.to_utc())
}

/// The time zone called `name`.
///
/// # Errors
///
/// [`ErrorKind::Usage`] that offers the nearest names.
pub fn time_zone(name: &str) -> Result<Tz> {
    name.parse().map_err(|_| {
        Error::new(ErrorKind::Usage, format!("tz: \"{name}\" is not an IANA time zone"))
            .hint_nearest(name, chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_means_the_end_of_that_day_where_the_reader_is() {
        let utc = as_of("2025-06-30", Tz::UTC).unwrap();
        assert_eq!(utc.to_rfc3339(), "2025-06-30T23:59:59.999999+00:00");
        let shanghai = as_of("2025-06-30", Tz::Asia__Shanghai).unwrap();
        assert_eq!(shanghai.to_rfc3339(), "2025-06-30T15:59:59.999999+00:00");
    }

    #[test]
    fn midnight_skipped_by_a_clock_change_is_the_first_instant_after() {
        // Beirut moved its clocks from 00:00 to 01:00 on 31 March 2024.
        let date = NaiveDate::from_ymd_opt(2024, 3, 31).unwrap();
        let start = start_of_day(date, Tz::Asia__Beirut).unwrap();
        assert_eq!(start.to_rfc3339(), "2024-03-30T22:00:00+00:00");
    }
}
