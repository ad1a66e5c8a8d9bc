//! Money: exact to a hundredth of a cent, or refused.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, PrimitiveBuilder};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type};

use super::number::{self, Exact, cells, parse};
use super::{Converted, Fault, Parsing, as_text};
use crate::error::Result;
use crate::ingest::reason::Reason;
use crate::schema::{Kind, MONEY_PRECISION, MONEY_SCALE};

/// The first value that no longer fits.
const LIMIT: i128 = 10_i128.pow(MONEY_PRECISION as u32);
const SCALE: i32 = MONEY_SCALE as i32;

const TOO_FINE: &str =
    "has more than 4 decimal places; if it may be rounded, declare `round = 2` for the column";
const TOO_LARGE: &str = "is too large for an amount";

pub(super) fn convert(array: &ArrayRef, parsing: &Parsing, round: Option<u8>) -> Result<Converted> {
    let round = round.map(i32::from);
    if let Some(text) = as_text(array) {
        return Ok(collect(
            cells(text),
            |cell| parse(cell, parsing.decimal_comma).and_then(|exact| scaled(exact, round)),
            str::to_owned,
        ));
    }
    match array.data_type() {
        DataType::Float64 | DataType::Float32 => {
            let floats = number::numbers(array, parsing)?;
            let values = floats.values.as_primitive::<Float64Type>();
            let mut money =
                collect(values.iter(), |value| from_float(value, round), |value| value.to_string());
            money.faults.extend(floats.faults);
            money.faults.sort_by_key(|fault| fault.row);
            Ok(money)
        }
        DataType::Decimal128(_, scale) => {
            let values = array.as_primitive::<Decimal128Type>();
            Ok(decimals(values, i32::from(*scale), round))
        }
        _ => {
            let whole =
                super::cast(array, &DataType::Decimal128(38, 0), Reason::BadNumber, "an amount")?;
            Ok(decimals(whole.values.as_primitive::<Decimal128Type>(), 0, round))
        }
    }
}

fn decimals(values: &Decimal128Array, scale: i32, round: Option<i32>) -> Converted {
    let exact = |digits| Exact { digits, scale, percent: false };
    let show = |digits: i128| format!("{digits}e-{scale}");
    collect(values.iter(), |digits| scaled(exact(digits), round), show)
}

/// Converts cell by cell, gathering what does not fit.
fn collect<T: Copy>(
    cells: impl ExactSizeIterator<Item = Option<T>>,
    convert: impl Fn(T) -> Result<i128, &'static str>,
    show: impl Fn(T) -> String,
) -> Converted {
    let mut values = PrimitiveBuilder::<Decimal128Type>::with_capacity(cells.len())
        .with_data_type(Kind::Money.data_type());
    let mut faults: Vec<Fault> = Vec::new();
    for (row, cell) in cells.enumerate() {
        let value = cell.and_then(|cell| match convert(cell) {
            Ok(value) => Some(value),
            Err(what) => {
                let mut fault = number::fault(row, &show(cell), what);
                if what == TOO_LARGE {
                    fault.reason = Reason::OutOfRange;
                }
                faults.push(fault);
                None
            }
        });
        values.append_option(value);
    }
    let values: Decimal128Array = values.finish();
    Converted { values: Arc::new(values), faults }
}

/// An exact number in units of a hundredth of a cent.
fn scaled(exact: Exact, round: Option<i32>) -> Result<i128, &'static str> {
    if exact.percent {
        return Err("is a share and not an amount");
    }
    let exact = match round {
        Some(places) => rounded(exact, places),
        None => exact,
    };
    let shift = SCALE - exact.scale;
    let power = 10_i128.checked_pow(shift.unsigned_abs()).ok_or("has too many digits")?;
    let value = if shift >= 0 {
        exact.digits.checked_mul(power).ok_or(TOO_LARGE)?
    } else if exact.digits % power == 0 {
        exact.digits / power
    } else {
        return Err(TOO_FINE);
    };
    if value.abs() >= LIMIT { Err(TOO_LARGE) } else { Ok(value) }
}

/// Rounded half to even, which favours neither side over many amounts.
fn rounded(exact: Exact, places: i32) -> Exact {
    let drop = exact.scale - places;
    // 36 digits at most are read: beyond them the quotient is zero anyway.
    let Some(unit) =
        u32::try_from(drop).ok().filter(|&drop| drop > 0).map(|drop| 10_i128.checked_pow(drop))
    else {
        return exact;
    };
    let digits = unit.map_or(0, |unit| {
        let (quotient, rest) = (exact.digits.div_euclid(unit), exact.digits.rem_euclid(unit));
        match (rest * 2).cmp(&unit) {
            std::cmp::Ordering::Less => quotient,
            std::cmp::Ordering::Greater => quotient + 1,
            std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
        }
    });
    Exact { digits, scale: places, ..exact }
}

/// A float as money: the decimal it stands for, if that has four places or
/// fewer, or rounded as declared.
fn from_float(value: f64, round: Option<i32>) -> Result<i128, &'static str> {
    let units = |places: i32| {
        let units = (value * 10_f64.powi(places)).round_ties_even();
        if units.abs() < 9e15 { Ok(units) } else { Err(TOO_LARGE) }
    };
    if let Some(places) = round {
        return Ok(units(places)? as i128 * 10_i128.pow((SCALE - places).unsigned_abs()));
    }
    let exact = units(SCALE)?;
    // Dividing two exact floats gives the float nearest to the decimal: equal
    // means that the value stands for that decimal and no finer one.
    if exact / 10_f64.powi(SCALE) == value { Ok(exact as i128) } else { Err(TOO_FINE) }
}
