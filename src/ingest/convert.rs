//! What does the text of a cell mean?
//!
//! One function turns an Arrow array of any type into an array of a canonical
//! [`Kind`], and says for every cell that can not be converted why. Nothing is
//! guessed, because a wrong guess is a wrong number that nobody sees:
//!
//! - `03/04/2024` is March or April; without a declared format it is a fault.
//! - `1,234` is a thousand and more. A decimal comma has to be declared: in a
//!   file where `1.234,56` stands, `1.234` would otherwise be read a thousand
//!   times too small.
//! - An amount with more than four decimal places is a fault unless the
//!   mapping says to how many places it is rounded (half to even).
//! - A cell that is not empty and can not be read is a fault in optional
//!   columns too: it never becomes null in silence.
//!
//! Conversion runs over whole arrays and allocates per array, not per cell.

mod attributes;
mod civil;
mod flag;
mod money;
mod number;
mod rules;
mod text;
mod time;
mod time_format;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::ingest::reason::Reason;
use crate::schema::Kind;

pub use attributes::attributes;
pub use civil::Zone;
pub use rules::{Bounds, missing, out_of_bounds};
pub use text::{null_words, trimmed};
pub use time_format::TimeFormat;

/// How the text of a source is understood.
#[derive(Debug, Clone, Default)]
pub struct Parsing {
    /// Declared formats of dates and times, tried in order before ISO 8601.
    pub formats: Vec<TimeFormat>,
    /// The zone of times that do not say theirs.
    pub zone: Zone,
    /// Whether `1.234,56` is one thousand and so on.
    pub decimal_comma: bool,
    /// Whether a float that is not a number means "missing".
    pub nan_is_null: bool,
}

/// A cell that could not be converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its row in the array.
    pub row: usize,
    /// The rule it breaks.
    pub reason: Reason,
    /// What is wrong, for people.
    pub detail: String,
}

/// An array after conversion; cells at fault are null in it.
#[derive(Debug)]
pub struct Converted {
    /// The values, of [`Kind::data_type`].
    pub values: ArrayRef,
    /// The cells at fault, by row.
    pub faults: Vec<Fault>,
}

impl Converted {
    fn clean(values: ArrayRef) -> Self {
        Self { values, faults: Vec::new() }
    }
}

/// Converts an array to `kind`; `round` is for money only.
///
/// # Errors
/// A defect: Arrow refuses an operation on types checked here.
pub fn convert(
    array: &ArrayRef,
    kind: Kind,
    parsing: &Parsing,
    round: Option<u8>,
) -> Result<Converted> {
    if *array.data_type() == kind.data_type() && kind != Kind::Text && round.is_none() {
        return match kind {
            Kind::Number => Ok(number::finite(array, parsing)),
            Kind::Time => Ok(time::in_range(array)),
            _ => Ok(Converted::clean(array.clone())),
        };
    }
    let plain = plain(array)?;
    match kind {
        Kind::Text => text::convert(&plain, parsing),
        Kind::Integer => number::integers(&plain, parsing),
        Kind::Number => number::numbers(&plain, parsing),
        Kind::Money => money::convert(&plain, parsing, round),
        Kind::Flag => flag::convert(&plain),
        Kind::Time => time::convert(&plain, parsing),
        // Attributes are gathered from columns, never converted from one.
        Kind::Attributes => Ok(Converted::clean(plain)),
    }
}

/// The same values in one of the few types the conversions know: dictionaries,
/// views and large strings become plain text.
fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    let value = match array.data_type() {
        DataType::Dictionary(_, value) => value.as_ref(),
        other => other,
    };
    let target = match value {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Utf8 => &DataType::Utf8,
        DataType::Null => &DataType::Utf8,
        other => other,
    };
    if target == array.data_type() {
        return Ok(array.clone());
    }
    Ok(arrow::compute::cast(array, target)?)
}

/// Casts between types that hold numbers or instants; what does not fit is a
/// fault and not a null.
fn cast(array: &ArrayRef, target: &DataType, reason: Reason, noun: &str) -> Result<Converted> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let values = cast_with_options(array, target, &options)?;
    if values.null_count() == array.null_count() {
        return Ok(Converted::clean(values));
    }
    let lost = (0..array.len()).filter(|&row| array.is_valid(row) && values.is_null(row));
    let faults = lost.map(|row| Fault { row, reason, detail: format!("too large for {noun}") });
    Ok(Converted { faults: faults.collect(), values })
}

/// The array as text, if it is.
fn as_text(array: &ArrayRef) -> Option<&StringArray> {
    array.as_string_opt::<i32>()
}

/// A cell as shown in a message: quoted and not longer than a line.
fn shown(cell: &str) -> String {
    const LIMIT: usize = 60;
    match cell.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{:?}…", &cell[..end]),
        None => format!("{cell:?}"),
    }
}

#[cfg(test)]
mod tests;
