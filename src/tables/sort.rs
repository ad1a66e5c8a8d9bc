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

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt32Array,
    new_null_array,
};
use arrow::compute::{SortColumn, SortOptions, concat, interleave, lexsort_to_indices};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};

use crate::error::Result;
use crate::schema::Table;

/// The rows of `batches`, which have the table's schema, in its order.
///
/// Columns with the same values share them: `known_at` mostly is the instant at
/// which a row happened.
pub(super) fn sort(table: Table, batches: &[RecordBatch]) -> Result<RecordBatch> {
    let schema = table.spec().schema();
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let parts: Vec<Vec<&ArrayRef>> = (0..schema.fields().len())
        .map(|at| batches.iter().map(|batch| batch.column(at)).collect())
        .collect();
    let by: Vec<Vec<&ArrayRef>> =
        order(table).filter_map(|name| Some(parts[schema.index_of(name).ok()?].clone())).collect();
    let places = match packed(&by, rows) {
        Some(places) => places,
        None => lexsorted(&by, batches)?,
    };
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for (at, field) in schema.fields().iter().enumerate() {
        let these = &parts[at];
        let column = if let Some(twin) = (0..at).find(|other| same(&parts[*other], these)) {
            Arc::clone(&columns[twin])
        } else if let Some(constant) = constant(these) {
            constant.column(field.data_type(), rows)
        } else {
            let these: Vec<&dyn Array> = these.iter().map(AsRef::as_ref).collect();
            interleave(&these, &places)?
        };
        columns.push(column);
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// Where a row is: its batch and the row in it.
type Place = (usize, usize);

/// The columns a table is sorted by.
fn order(table: Table) -> impl Iterator<Item = &'static str> {
    table.spec().sort.iter().copied().chain(["load_id", "row_no"])
}

/// Nulls come last, as `engine` declares to DataFusion.
const OPTIONS: SortOptions = SortOptions { descending: false, nulls_first: false };

fn lexsorted(by: &[Vec<&ArrayRef>], batches: &[RecordBatch]) -> Result<Vec<Place>> {
    let column = |parts: &Vec<&ArrayRef>| -> Result<SortColumn> {
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(SortColumn { values: concat(&parts)?, options: Some(OPTIONS) })
    };
    let columns: Vec<SortColumn> = by.iter().map(column).collect::<Result<_>>()?;
    let places: Vec<Place> = batches
        .iter()
        .enumerate()
        .flat_map(|(batch, rows)| (0..rows.num_rows()).map(move |row| (batch, row)))
        .collect();
    let positions: UInt32Array = lexsort_to_indices(&columns, None)?;
    Ok(positions.values().iter().map(|position| places[*position as usize]).collect())
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

/// The integers of a column in which none is missing.
fn complete(column: &ArrayRef) -> Option<&[i64]> {
    integers(column).filter(|_| column.null_count() == 0)
}

/// Whether two columns have the same type and the same integers.
fn same(a: &[&ArrayRef], b: &[&ArrayRef]) -> bool {
    let alike = |a: &ArrayRef, b: &ArrayRef| {
        a.data_type() == b.data_type()
            && match (complete(a), complete(b)) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            }
    };
    !a.is_empty() && a.iter().zip(b).all(|(a, b)| alike(a, b))
}

/// What all rows of a column have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constant {
    Null,
    Integer(i64),
}

/// What all rows of a column have, if they do. Most of a canonical table is
/// empty, since no source feeds all of it, and the rest came in one load.
pub(super) fn constant(parts: &[&ArrayRef]) -> Option<Constant> {
    if parts.iter().all(|part| part.null_count() == part.len()) {
        return Some(Constant::Null);
    }
    let first = *parts.iter().find_map(|part| complete(part)?.first())?;
    let all = parts.iter().all(|part| {
        complete(part).is_some_and(|values| values.iter().all(|value| *value == first))
    });
    all.then_some(Constant::Integer(first))
}

impl Constant {
    /// A column of `rows` rows of it.
    pub(super) fn column(self, data_type: &DataType, rows: usize) -> ArrayRef {
        match (self, data_type) {
            (Self::Null, _) => new_null_array(data_type, rows),
            (Self::Integer(value), DataType::Timestamp(_, zone)) => {
                let instants = TimestampMicrosecondArray::from_value(value, rows);
                Arc::new(instants.with_timezone_opt(zone.clone()))
            }
            (Self::Integer(value), _) => Arc::new(Int64Array::from_value(value, rows)),
        }
    }
}

/// The rows in order, if the columns are integers that fit.
fn packed(by: &[Vec<&ArrayRef>], rows: usize) -> Option<Vec<Place>> {
    let parts = by.first()?;
    let longest = parts.iter().map(|part| part.len()).max().unwrap_or(0);
    let (part_bits, row_bits) = (bits(parts.len() as u128), bits(longest as u128));
    let columns: Vec<Ranked> = by.iter().map(|column| Ranked::of(column)).collect::<Option<_>>()?;
    let width: u32 = columns.iter().map(|column| column.width).sum();
    if width > u128::BITS - part_bits - row_bits {
        return None;
    }
    let mut keys = Vec::with_capacity(rows);
    for (part, length) in parts.iter().map(|part| part.len()).enumerate() {
        for start in (0..length).step_by(KEYS_AT_ONCE) {
            let end = length.min(start + KEYS_AT_ONCE);
            let first = keys.len();
            keys.resize(first + end - start, 0);
            for column in &columns {
                column.pack_into(&mut keys[first..], part, start);
            }
            for (row, key) in (start..end).zip(&mut keys[first..]) {
                *key = (*key << part_bits | part as u128) << row_bits | row as u128;
            }
        }
    }
    // Not the unstable sort: this one takes runs that are sorted already as
    // they are, and what is merged consists of such.
    keys.sort();
    let low = |key: u128, width: u32| usize::try_from(key & ((1 << width) - 1)).ok();
    keys.into_iter()
        .map(|key| Some((low(key >> row_bits, part_bits)?, low(key, row_bits)?)))
        .collect()
}

/// Keys that are made together, one column after the other: as many as stay in
/// the processor's nearest cache meanwhile.
const KEYS_AT_ONCE: usize = 1024;

/// A column of integers as ranks from 0, of as few bits as hold them.
struct Ranked<'a> {
    parts: Vec<(&'a ArrayRef, &'a [i64])>,
    least: i64,
    /// The rank of what is missing, if anything is; no other is greater.
    null_rank: u128,
    width: u32,
}

impl<'a> Ranked<'a> {
    fn of(column: &[&'a ArrayRef]) -> Option<Self> {
        let parts: Vec<(&ArrayRef, &[i64])> =
            column.iter().map(|part| Some((*part, integers(part)?))).collect::<Option<_>>()?;
        let known = || {
            parts.iter().flat_map(|(part, values)| {
                let whole = part.null_count() == 0;
                let there = move |(row, _): &(usize, &i64)| whole || part.is_valid(*row);
                values.iter().enumerate().filter(there).map(|(_, value)| *value)
            })
        };
        let least = known().min().unwrap_or(0);
        let greatest = known().max().unwrap_or(0);
        let gaps = parts.iter().any(|(part, _)| part.null_count() > 0);
        // Differences of any two of 64 bits, and one more for null.
        let null_rank = u128::from(greatest.abs_diff(least)) + u128::from(gaps);
        Some(Self { parts, least, null_rank, width: bits(null_rank) })
    }

    /// Packs the ranks of a part's rows, from `start` on, into keys.
    fn pack_into(&self, keys: &mut [u128], part: usize, start: usize) {
        let (column, values) = self.parts[part];
        let whole = column.null_count() == 0;
        for ((row, value), key) in values.iter().enumerate().skip(start).zip(keys) {
            let there = whole || column.is_valid(row);
            let rank = if there { u128::from(value.abs_diff(self.least)) } else { self.null_rank };
            *key = (*key << self.width) | rank;
        }
    }
}

/// The bits of numbers up to `greatest`.
fn bits(greatest: u128) -> u32 {
    u128::BITS - greatest.leading_zeros()
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
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
            // Now and then more than are packed at once.
            let rows = rng.random_range(0..if case % 50 == 0 { 5000 } else { 60 });
            let spans = [0, 3, 1 << 30];
            let mut columns: Vec<ArrayRef> = (0..rng.random_range(1..4))
                .map(|_| {
                    let (span, nulls) = (spans[rng.random_range(0..3)], rng.random());
                    column(&mut rng, rows, span, nulls)
                })
                .collect();
            // The row's number makes the order the only one.
            columns.push(Arc::new(Int64Array::from_iter_values(0..rows as i64)));
            let names = (0..columns.len()).map(|at| at.to_string());
            let whole = RecordBatch::try_from_iter(names.zip(columns)).unwrap();
            // In several parts, of which some may be empty.
            let mut cuts = [0, rng.random_range(0..=rows), rng.random_range(0..=rows), rows];
            cuts.sort_unstable();
            let parts: Vec<RecordBatch> =
                cuts.windows(2).map(|cut| whole.slice(cut[0], cut[1] - cut[0])).collect();
            let by: Vec<Vec<&ArrayRef>> = (0..whole.num_columns())
                .map(|at| parts.iter().map(|part| part.column(at)).collect())
                .collect();
            let expected = lexsorted(&by, &parts).unwrap();
            assert_eq!(packed(&by, rows).unwrap(), expected, "case {case}");
        }
    }

    #[test]
    fn extremes_fit_and_what_does_not_is_left_to_the_kernel() {
        let sorted = |columns: &[&ArrayRef]| {
            let by: Vec<Vec<&ArrayRef>> = columns.iter().map(|column| vec![*column]).collect();
            packed(&by, 3).map(|places| places.iter().map(|(_, row)| *row).collect::<Vec<_>>())
        };
        let wide: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, i64::MIN, 0]));
        assert_eq!(sorted(&[&wide]).unwrap(), [1, 2, 0]);
        let gap: ArrayRef = Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(i64::MIN)]));
        assert_eq!(sorted(&[&gap]).unwrap(), [2, 0, 1]);
        assert_eq!(sorted(&[&wide, &wide]), None);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["b", "a", "c"]));
        assert_eq!(sorted(&[&text]), None);
        let time: ArrayRef =
            Arc::new(TimestampMicrosecondArray::from(vec![2, 1, 0]).with_timezone("UTC"));
        assert_eq!(sorted(&[&time]).unwrap(), [2, 1, 0]);
    }
}
