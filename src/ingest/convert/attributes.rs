//! Source columns the canonical schema does not name, kept as a map.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, MapArray, StringArray, StringBuilder, StructArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

use crate::error::{Error, ErrorKind, Result};
use crate::schema::attributes_type;

/// One map per row: the names and values of those columns that are not empty.
///
/// # Errors
/// A defect: a column that is not text, or is shorter than `rows`.
pub fn attributes(columns: &[(&str, ArrayRef)], rows: usize) -> Result<ArrayRef> {
    let defect = || {
        Error::new(ErrorKind::Internal, "attributes are gathered from text columns of one length")
    };
    let cells: Vec<(&str, &StringArray)> = columns
        .iter()
        .map(|(name, array)| array.as_any().downcast_ref().map(|text| (*name, text)))
        .collect::<Option<_>>()
        .filter(|cells: &Vec<(&str, &StringArray)>| {
            cells.iter().all(|(_, text)| text.len() == rows)
        })
        .ok_or_else(defect)?;
    let mut keys = StringBuilder::new();
    let mut values = StringBuilder::new();
    let mut ends = Vec::with_capacity(rows + 1);
    ends.push(0_i32);
    for row in 0..rows {
        for (name, text) in &cells {
            if text.is_valid(row) {
                keys.append_value(name);
                values.append_value(text.value(row));
            }
        }
        ends.push(i32::try_from(keys.len()).map_err(|_| defect())?);
    }
    let DataType::Map(entries, ordered) = attributes_type() else {
        return Err(defect());
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(defect());
    };
    let pairs = StructArray::try_new(
        fields.clone(),
        vec![Arc::new(keys.finish()), Arc::new(values.finish())],
        None,
    )?;
    let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
    Ok(Arc::new(MapArray::try_new(entries, ends, pairs, None, ordered)?))
}
