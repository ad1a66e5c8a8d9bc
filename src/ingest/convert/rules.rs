//! The rules of a canonical column: required, choices, range, past.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};

use super::civil::DAY;
use super::{Converted, Fault, shown};
use crate::ingest::reason::Reason;
use crate::schema::{Column, MONEY_SCALE};

/// What a value may be beyond its kind.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The column with its choices and range.
    pub column: &'static Column,
    /// For the time of a fact: the load's time, after which by more than a day
    /// nothing can have happened.
    pub past: Option<i64>,
}

/// The rows in which a required column is empty.
pub fn missing(values: &dyn Array) -> impl Iterator<Item = usize> {
    let any = values.null_count() > 0;
    (0..if any { values.len() } else { 0 }).filter(|&row| values.is_null(row))
}

/// Checks converted values against the column's bounds. Choices are compared
/// without regard to case and written as the schema spells them.
#[must_use]
pub fn out_of_bounds(converted: Converted, bounds: Bounds) -> Converted {
    let Converted { mut values, mut faults } = converted;
    let column = bounds.column;
    if !column.choices.is_empty() {
        let (chosen, wrong) = choices(&values, column.choices);
        values = chosen;
        faults.extend(wrong);
    }
    if let Some((low, high)) = column.range {
        let limits = match (low.is_finite(), high.is_finite()) {
            (true, true) => format!("between {low} and {high}"),
            (true, false) => format!("{low} or more"),
            _ => format!("{high} or less"),
        };
        each_number(&values, |row, value| {
            if value < low || value > high {
                let detail = format!("{value} is not {limits}");
                faults.push(Fault { row, reason: Reason::OutOfRange, detail });
            }
        });
    }
    if let Some(load_time) = bounds.past
        && let Some(times) = values.as_primitive_opt::<TimestampMicrosecondType>()
    {
        for (row, at) in times.iter().enumerate() {
            let Some(at) = at.filter(|&at| at > load_time + DAY) else {
                continue;
            };
            let when = chrono::DateTime::from_timestamp_micros(at).unwrap_or_default();
            let detail = format!("{} lies more than a day after the load", when.format("%F %T"));
            faults.push(Fault { row, reason: Reason::FutureTime, detail });
        }
    }
    Converted { values, faults }
}

fn choices(values: &ArrayRef, choices: &'static [&'static str]) -> (ArrayRef, Vec<Fault>) {
    let Some(text) = values.as_string_opt::<i32>() else {
        return (values.clone(), Vec::new());
    };
    let mut faults = Vec::new();
    let chosen = text.iter().enumerate().map(|(row, cell)| {
        let cell = cell?;
        let choice = choices.iter().find(|choice| choice.eq_ignore_ascii_case(cell));
        if choice.is_none() {
            let detail = format!("{} is none of {}", shown(cell), choices.join(", "));
            faults.push(Fault { row, reason: Reason::BadChoice, detail });
        }
        choice.copied()
    });
    let chosen: StringArray = chosen.collect();
    (Arc::new(chosen), faults)
}

/// Calls `check` with every number of an array of any numeric kind.
fn each_number(values: &ArrayRef, mut check: impl FnMut(usize, f64)) {
    let unit = 10_f64.powi(i32::from(MONEY_SCALE));
    for row in (0..values.len()).filter(|&row| values.is_valid(row)) {
        match values.data_type() {
            DataType::Float64 => check(row, values.as_primitive::<Float64Type>().value(row)),
            DataType::Int64 => check(row, values.as_primitive::<Int64Type>().value(row) as f64),
            DataType::Decimal128(..) => {
                check(row, values.as_primitive::<Decimal128Type>().value(row) as f64 / unit);
            }
            _ => return,
        }
    }
}
