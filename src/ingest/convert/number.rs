//! Numbers as people and programs write them.
//!
//! Read exactly, as an integer and a count of decimal places, so that money
//! never passes through a float. Understood are thousands separators (`,`,
//! blank, `'`, in groups of three, or of two as in India), currency signs and
//! codes before or after, a sign before or after, parentheses for negative
//! amounts, percent signs and exponents.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Builder, Int64Builder, StringArray};
use arrow::datatypes::{DataType, Float64Type};

use super::{Converted, Fault, Parsing, as_text, cast, shown};
use crate::error::Result;
use crate::ingest::reason::Reason;

/// A number exactly as written: `digits · 10^-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exact {
    pub digits: i128,
    pub scale: i32,
    /// Whether a percent sign followed; `scale` counts it already.
    pub percent: bool,
}

/// Reads a number; the error says what is wrong with the cell.
pub(super) fn parse(cell: &str, decimal_comma: bool) -> Result<Exact, &'static str> {
    // Several languages separate thousands by a blank that does not break the
    // line; rare enough to be worth an allocation.
    if cell.contains(UNBREAKABLE) && !cell.trim().is_ascii() {
        return parse(&cell.replace(UNBREAKABLE, " "), decimal_comma);
    }
    let (negative, percent, body) = strip(cell)?;
    let (point, group) = if decimal_comma { (b',', b'.') } else { (b'.', b',') };
    let (mut digits, mut scale, mut count) = (0_i128, 0_i32, 0_u32);
    let mut fraction = false;
    // Digits since the last separator, and which separator is in use.
    let (mut run, mut separator) = (0_u32, None);
    let mut bytes = body.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'0'..=b'9' => {
                count += 1;
                if count > 36 {
                    return Err("has too many digits");
                }
                digits = digits * 10 + i128::from(byte - b'0');
                scale += i32::from(fraction);
                run += 1;
            }
            _ if byte == point && !fraction => {
                if separator.is_some() && run != 3 {
                    return Err(GROUPING);
                }
                fraction = true;
                separator = None;
            }
            b' ' | b'\'' | b',' | b'.'
                if !fraction && (byte == group || !matches!(byte, b',' | b'.')) =>
            {
                // The first group has one to three digits, the others three,
                // or two where lakhs are counted.
                let fits = match separator {
                    None => (1..=3).contains(&run),
                    Some(known) => known == byte && (run == 3 || run == 2),
                };
                if !fits {
                    return Err(GROUPING);
                }
                separator = Some(byte);
                run = 0;
            }
            b'e' | b'E' if count > 0 => {
                let rest: String = bytes.by_ref().map(char::from).collect();
                let power: i32 = rest
                    .parse()
                    .ok()
                    .filter(|power: &i32| power.abs() <= 30)
                    .ok_or("is not a number")?;
                scale -= power;
            }
            b',' => return Err(COMMA),
            _ => return Err("is not a number"),
        }
    }
    if count == 0 {
        return Err("is not a number");
    }
    if separator.is_some() && run != 3 {
        return Err(if separator == Some(b',') { COMMA } else { GROUPING });
    }
    // A negative scale (1e3) is multiplied out, so that scale is never < 0.
    while scale < 0 {
        digits = digits.checked_mul(10).ok_or("has too many digits")?;
        scale += 1;
    }
    if percent {
        scale += 2;
    }
    Ok(Exact { digits: if negative { -digits } else { digits }, scale, percent })
}

const UNBREAKABLE: [char; 3] = ['\u{a0}', '\u{202f}', '\u{2009}'];
const GROUPING: &str = "has separators where no thousands end";
const COMMA: &str = "has a comma where no thousands end; if it is a decimal comma, declare `decimal = \",\"` in the mapping";

/// Takes off sign, parentheses, currency and percent sign.
fn strip(cell: &str) -> Result<(bool, bool, &str), &'static str> {
    let mut body = cell.trim();
    let (mut negative, mut percent) = (false, false);
    // The plain case, by far the most frequent, has a digit at both ends.
    if body.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && body.as_bytes().last().is_some_and(u8::is_ascii_digit)
    {
        return Ok((false, false, body));
    }
    if let Some(inner) = body.strip_prefix('(').and_then(|body| body.strip_suffix(')')) {
        negative = true;
        body = inner.trim();
    }
    let (mut signed, mut money) = (false, false);
    loop {
        let before = body;
        if !signed {
            let minus = |body: &'_ str| body.starts_with(['-', '−']) || body.ends_with(['-', '−']);
            if minus(body) && !body.ends_with(['e', 'E']) {
                signed = true;
                negative = !negative;
                body = body.trim_start_matches(['-', '−']).trim_end_matches(['-', '−']).trim();
                if before.chars().filter(|c| matches!(c, '-' | '−')).count() > 1
                    && !before.contains(['e', 'E'])
                {
                    return Err("has several signs");
                }
            } else if let Some(rest) = body.strip_prefix('+') {
                signed = true;
                body = rest.trim();
            }
        }
        if !percent && let Some(rest) = body.strip_suffix(['%', '％']) {
            percent = true;
            body = rest.trim();
        }
        if !money {
            let rest = without_currency(body);
            money = rest.len() != body.len();
            body = rest.trim();
        }
        if body.len() == before.len() {
            break;
        }
    }
    if money && percent {
        return Err("is money and percent at once");
    }
    Ok((negative, percent, body))
}

/// The cell without a currency sign or code at one of its ends.
fn without_currency(body: &str) -> &str {
    const SIGNS: [char; 9] = ['$', '€', '£', '¥', '￥', '₹', '₩', '₽', '元'];
    let code = |c: char| c.is_ascii_uppercase();
    let head = body.trim_start_matches(code);
    let letters = body.len() - head.len();
    if let Some(rest) = head.strip_prefix(SIGNS).filter(|_| letters <= 3) {
        return rest;
    }
    if letters == 3 {
        return head;
    }
    let tail = body.trim_end_matches(code);
    if body.len() - tail.len() == 3 {
        return tail;
    }
    body.strip_suffix(SIGNS).unwrap_or(body)
}

/// The float nearest to an exact number.
fn to_float(exact: Exact, cell: &str) -> f64 {
    /// Powers of ten that a float holds exactly.
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    let power = usize::try_from(exact.scale).ok().and_then(|scale| POWERS.get(scale));
    match power {
        // Both are exact floats, so that the one division rounds correctly.
        Some(power) if exact.digits.unsigned_abs() < 1 << 53 => exact.digits as f64 / power,
        _ => cell.trim().parse().unwrap_or_else(|_| {
            format!("{}e-{}", exact.digits, exact.scale).parse().unwrap_or(f64::NAN)
        }),
    }
}

pub(super) fn fault(row: usize, cell: &str, what: &str) -> Fault {
    Fault { row, reason: Reason::BadNumber, detail: format!("{} {what}", shown(cell)) }
}

/// The cells of a text column that are not blank.
pub(super) fn cells(text: &StringArray) -> impl ExactSizeIterator<Item = Option<&str>> {
    text.iter().map(|cell| cell.filter(|cell| !cell.trim_ascii().is_empty()))
}

pub(super) fn numbers(array: &ArrayRef, parsing: &Parsing) -> Result<Converted> {
    let Some(text) = as_text(array) else {
        let floats = cast(array, &DataType::Float64, Reason::BadNumber, "a number")?;
        return Ok(finite(&floats.values, parsing));
    };
    let mut values = Float64Builder::with_capacity(text.len());
    let mut faults = Vec::new();
    for (row, cell) in cells(text).enumerate() {
        let value = cell.and_then(|cell| match parse(cell, parsing.decimal_comma) {
            Ok(exact) => Some(to_float(exact, cell)),
            Err(what) => {
                faults.push(fault(row, cell, what));
                None
            }
        });
        values.append_option(value);
    }
    Ok(Converted { values: Arc::new(values.finish()), faults })
}

/// Floats that are numbers; infinities are faults, NaN is one unless declared
/// to mean "missing".
pub(super) fn finite(array: &ArrayRef, parsing: &Parsing) -> Converted {
    let floats = array.as_primitive::<Float64Type>();
    if floats.iter().flatten().all(f64::is_finite) {
        return Converted::clean(array.clone());
    }
    let mut values = Float64Builder::with_capacity(floats.len());
    let mut faults = Vec::new();
    for (row, value) in floats.iter().enumerate() {
        let kept = value.filter(|value| value.is_finite());
        if let (Some(value), None) = (value, kept)
            && !(value.is_nan() && parsing.nan_is_null)
        {
            faults.push(fault(row, &value.to_string(), "is not a number"));
        }
        values.append_option(kept);
    }
    Converted { values: Arc::new(values.finish()), faults }
}

pub(super) fn integers(array: &ArrayRef, parsing: &Parsing) -> Result<Converted> {
    if let Some(text) = as_text(array) {
        let mut values = Int64Builder::with_capacity(text.len());
        let mut faults = Vec::new();
        for (row, cell) in cells(text).enumerate() {
            let value =
                cell.and_then(|cell| match parse(cell, parsing.decimal_comma).and_then(whole) {
                    Ok(value) => Some(value),
                    Err(what) => {
                        faults.push(fault(row, cell, what));
                        None
                    }
                });
            values.append_option(value);
        }
        return Ok(Converted { values: Arc::new(values.finish()), faults });
    }
    if !matches!(array.data_type(), DataType::Float64 | DataType::Float32) {
        return cast(array, &DataType::Int64, Reason::BadNumber, "a whole number");
    }
    let floats = numbers(array, parsing)?;
    let mut faults = floats.faults;
    let mut values = Int64Builder::with_capacity(array.len());
    for (row, value) in floats.values.as_primitive::<Float64Type>().iter().enumerate() {
        let whole = value.filter(|value| value.fract() == 0.0 && value.abs() < 9e15);
        if let (Some(value), None) = (value, whole) {
            faults.push(fault(row, &value.to_string(), "is not a whole number"));
        }
        values.append_option(whole.map(|value| value as i64));
    }
    faults.sort_by_key(|fault| fault.row);
    Ok(Converted { values: Arc::new(values.finish()), faults })
}

/// An exact number as an integer; `3.0` is one, `3.5` and `50%` are not.
fn whole(exact: Exact) -> Result<i64, &'static str> {
    if exact.percent {
        return Err("is a share and not a whole number");
    }
    let unit = 10_i128.checked_pow(exact.scale.unsigned_abs()).ok_or("has too many digits")?;
    if exact.digits % unit != 0 {
        return Err("is not a whole number");
    }
    i64::try_from(exact.digits / unit).map_err(|_| "is too large")
}
