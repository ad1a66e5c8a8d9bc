//! How are a table's rows brought into its order?
//!
//! Tables are sorted by customer and time, and by provenance where both agree:
//! `load_id` and `row_no` make rows with equal times come in one order only, so
//! that a file's bytes depend on its rows and not on how they arrived. All of
//! these are integers of known spans, and together they nearly always fit into
//! 128 bits with the row's position below them:
//!
//! ```text
//! customer_key − least │ instant − least │ load_id − least │ row_no − least │ position
//! ```
//!
//! Sorting such numbers needs no look at the columns, no indirection and no
//! comparison of one column after the other. What does not fit, or is text, is
//! sorted by Arrow's kernel.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::{SortColumn, SortOptions, concat, lexsort_to_indices, take};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};

use crate::error::Result;
use crate::schema::Table;

/// The rows of `batches`, which have the table's schema, in its order.
pub(super) fn sort(table: Table, batches: &[RecordBatch]) -> Result<RecordBatch> {
    let schema = table.spec().schema();
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let column = |at: usize| -> Result<ArrayRef> {
        let parts: Vec<&dyn Array> =
            batches.iter().map(|batch| batch.column(at).as_ref()).collect();
        // Most of a canonical table is empty: no source feeds all of it.
        if parts.iter().all(|part| part.null_count() == part.len()) {
            return Ok(new_null_array(schema.field(at).data_type(), rows));
        }
        Ok(concat(&parts)?)
    };
    let mut columns: Vec<ArrayRef> =
        (0..schema.fields().len()).map(column).collect::<Result<_>>()?;
    let by: Vec<&ArrayRef> =
        order(table).filter_map(|name| Some(&columns[schema.index_of(name).ok()?])).collect();
    let positions = match packed(&by, rows) {
        Some(positions) => positions,
        None => lexsorted(&by)?,
    };
    for column in &mut columns {
        if column.null_count() < column.len() {
            *column = take(column, &positions, None)?;
        }
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// The columns a table is sorted by.
fn order(table: Table) -> impl Iterator<Item = &'static str> {
    table.spec().sort.iter().copied().chain(["load_id", "row_no"])
}

/// Nulls come last, as `engine` declares to DataFusion.
const OPTIONS: SortOptions = SortOptions { descending: false, nulls_first: false };

fn lexsorted(by: &[&ArrayRef]) -> Result<UInt32Array> {
    let columns: Vec<SortColumn> = by
        .iter()
        .map(|values| SortColumn { values: Arc::clone(values), options: Some(OPTIONS) })
        .collect();
    Ok(lexsort_to_indices(&columns, None)?)
}

/// The values of an integer column: 64 bits wide, of whatever meaning.
pub(super) fn integers(column: &ArrayRef) -> Option<&[i64]> {
    match column.data_type() {
        DataType::Int64 => Some(column.as_primitive::<Int64Type>().values()),
        DataType::Timestamp(..) => {
            Some(column.as_primitive_opt::<TimestampMicrosecondType>()?.values())
        }
        _ => None,
    }
}

/// The positions of the rows in order, if the columns are integers that fit.
fn packed(by: &[&ArrayRef], rows: usize) -> Option<UInt32Array> {
    let position_bits = u64::BITS - (rows as u64).leading_zeros();
    let mut left = u128::BITS.checked_sub(position_bits)?;
    let mut keys = vec![0_u128; rows];
    for column in by {
        let values = integers(column)?;
        let known = |row: usize| column.is_valid(row);
        let all_known = column.null_count() == 0;
        let (least, greatest) = if all_known {
            (values.iter().copied().min(), values.iter().copied().max())
        } else {
            let known = || (0..rows).filter(|row| known(*row)).map(|row| values[row]);
            (known().min(), known().max())
        };
        let (least, greatest) = (least.unwrap_or(0), greatest.unwrap_or(0));
        // Differences of any two of 64 bits, and one more for null.
        let last = u128::from(greatest.abs_diff(least)) + u128::from(!all_known);
        let bits = u128::BITS - last.leading_zeros();
        left = left.checked_sub(bits)?;
        for (row, key) in keys.iter_mut().enumerate() {
            let rank = if all_known || known(row) {
                u128::from(values[row].abs_diff(least))
            } else {
                last
            };
            *key = (*key << bits) | rank;
        }
    }
    for (position, key) in keys.iter_mut().enumerate() {
        *key = (*key << position_bits) | position as u128;
    }
    // Not the unstable sort: this one takes runs that are sorted already as
    // they are, and what is merged consists of such.
    keys.sort();
    let mask = (1_u128 << position_bits) - 1;
    let positions = keys.into_iter().map(|key| u32::try_from(key & mask).ok());
    positions.collect::<Option<Vec<u32>>>().map(UInt32Array::from)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray, TimestampMicrosecondArray};
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn column(rng: &mut Xoshiro256PlusPlus, rows: usize, span: i64, nulls: bool) -> ArrayRef {
        let values = (0..rows).map(|_| {
            let null = nulls && rng.random_ratio(1, 4);
            (!null).then(|| rng.random_range(-span..=span))
        });
        Arc::new(values.collect::<Int64Array>())
    }

    #[test]
    fn packed_keys_sort_as_the_columns_do() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        for case in 0..500 {
            let rows = rng.random_range(0..60);
            let spans = [0, 3, 1 << 30];
            let mut columns: Vec<ArrayRef> = (0..rng.random_range(1..4))
                .map(|_| {
                    let (span, nulls) = (spans[rng.random_range(0..3)], rng.random());
                    column(&mut rng, rows, span, nulls)
                })
                .collect();
            // The row's number makes the order the only one.
            columns.push(Arc::new(Int64Array::from_iter_values(0..rows as i64)));
            let by: Vec<&ArrayRef> = columns.iter().collect();
            assert_eq!(packed(&by, rows).unwrap(), lexsorted(&by).unwrap(), "case {case}");
        }
    }

    #[test]
    fn extremes_fit_and_what_does_not_is_left_to_the_kernel() {
        let wide: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, i64::MIN, 0]));
        assert_eq!(packed(&[&wide], 3).unwrap(), UInt32Array::from(vec![1, 2, 0]));
        let gap: ArrayRef = Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(i64::MIN)]));
        assert_eq!(packed(&[&gap], 3).unwrap(), UInt32Array::from(vec![2, 0, 1]));
        assert_eq!(packed(&[&wide, &wide], 3), None);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["b", "a", "c"]));
        assert_eq!(packed(&[&text], 3), None);
        let time: ArrayRef =
            Arc::new(TimestampMicrosecondArray::from(vec![2, 1, 0]).with_timezone("UTC"));
        assert_eq!(packed(&[&time], 3).unwrap(), UInt32Array::from(vec![2, 1, 0]));
    }
}
