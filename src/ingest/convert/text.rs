//! Text: trimmed, and empty means missing.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, Float64Array, Int64Array, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Float32Type, Float64Type};

use super::{Converted, Parsing, as_text};
use crate::error::Result;

/// Anything as text. Whole floats lose their `.0`: an id that went through a
/// spreadsheet or a data frame comes out as `17850.0`.
pub(super) fn convert(array: &ArrayRef, parsing: &Parsing) -> Result<Converted> {
    if let Some(text) = as_text(array) {
        return Ok(Converted::clean(trimmed(text)));
    }
    let floats = match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>().clone(),
        DataType::Float32 => widened(array.as_primitive::<Float32Type>()),
        kind if kind.is_integer() && *kind != DataType::UInt64 => {
            let integers = arrow::compute::cast(array, &DataType::Int64)?;
            return Ok(Converted::clean(decimal(integers.as_primitive())));
        }
        _ => {
            return Ok(Converted::clean(arrow::compute::cast(array, &DataType::Utf8)?));
        }
    };
    let mut out = StringBuilder::with_capacity(floats.len(), floats.len() * 8);
    for value in &floats {
        match value {
            Some(value) if value.is_nan() && parsing.nan_is_null => out.append_null(),
            // Display of a float is the shortest text that reads back equal,
            // and has no fraction when there is none.
            Some(value) => {
                use std::fmt::Write;
                // Writing into memory can not fail.
                let _ = write!(out, "{value}");
                out.append_value("");
            }
            None => out.append_null(),
        }
    }
    Ok(Converted::clean(Arc::new(out.finish())))
}

/// Ids of most databases are numbers, and every row has one: Arrow's cast goes
/// through a formatter made for any type.
fn decimal(integers: &Int64Array) -> ArrayRef {
    let mut out = StringBuilder::with_capacity(integers.len(), integers.len() * 8);
    let mut digits = itoa::Buffer::new();
    for value in integers {
        out.append_option(value.map(|value| digits.format(value)));
    }
    Arc::new(out.finish())
}

fn widened(floats: &Float32Array) -> Float64Array {
    floats.unary(f64::from)
}

/// The same text without blanks around it; blank cells become null. Without a
/// cell to change it is the same array.
#[must_use]
pub fn trimmed(text: &StringArray) -> ArrayRef {
    let untidy = |cell: &str| match cell.as_bytes() {
        // Nearly always, and no character need be decoded to know it.
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => false,
        _ => cell.is_empty() || cell.trim().len() != cell.len(),
    };
    if !text.iter().flatten().any(untidy) {
        return Arc::new(text.clone());
    }
    let cells = text.iter().map(|cell| cell.map(str::trim).filter(|cell| !cell.is_empty()));
    Arc::new(cells.collect::<StringArray>())
}

/// Makes null the cells that equal one of `words`, as they stand or without
/// blanks around them. Returns how many there were.
#[must_use]
pub fn null_words(text: &StringArray, words: &[String]) -> Option<(StringArray, u64)> {
    let is_null = |cell: &str| {
        let trimmed = cell.trim();
        words.iter().any(|word| word == cell || word == trimmed)
    };
    let count = text.iter().flatten().filter(|cell| is_null(cell)).count();
    if count == 0 {
        return None;
    }
    let cells = text.iter().map(|cell| cell.filter(|cell| !is_null(cell)));
    Some((cells.collect(), count as u64))
}
