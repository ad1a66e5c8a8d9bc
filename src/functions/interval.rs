//! What do functions that say how sure a number is do alike?
//!
//! Each is a formula from a few counts to `{low, high}`; here is how SQL calls it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ScalarUDF, Volatility, create_udf};

use super::args::{external, vectorised};
use crate::error::Result;

/// A 95 % interval, `(low, high)`; none where there is nothing to be sure of.
pub(super) type Interval = Option<(f64, f64)>;

/// The standard normal distribution lies within ±Z with probability 95 %.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// A SQL function of `N` numbers that answers an interval; null if one of them is.
pub(super) fn function<const N: usize>(
    name: &str,
    interval: fn([f64; N]) -> Result<Interval>,
) -> ScalarUDF {
    create_udf(
        name,
        vec![DataType::Float64; N],
        interval_type(),
        Volatility::Immutable,
        Arc::new(move |arguments| {
            vectorised(arguments, |arrays| {
                let columns: [&Float64Array; N] =
                    std::array::from_fn(|index| arrays[index].as_primitive::<Float64Type>());
                let known = |row: &usize| columns.iter().all(|column| column.is_valid(*row));
                let intervals = (0..arrays[0].len()).map(|row| match known(&row) {
                    true => interval(columns.map(|column| column.value(row))),
                    false => Ok(None),
                });
                interval_array(&intervals.collect::<Result<Vec<_>>>().map_err(external)?)
            })
        }),
    )
}

/// The type of a confidence interval: `{low, high}`.
pub(super) fn interval_type() -> DataType {
    DataType::Struct(interval_fields())
}

fn interval_fields() -> Fields {
    Fields::from(vec![
        Field::new("low", DataType::Float64, true),
        Field::new("high", DataType::Float64, true),
    ])
}

/// Confidence intervals as an array of structs; no interval is null.
pub(super) fn interval_array(intervals: &[Interval]) -> DataFusionResult<ArrayRef> {
    let low: Float64Array = intervals.iter().map(|ends| ends.map(|(low, _)| low)).collect();
    let high: Float64Array = intervals.iter().map(|ends| ends.map(|(_, high)| high)).collect();
    let known: NullBuffer = intervals.iter().map(Option::is_some).collect();
    let intervals = StructArray::try_new(
        interval_fields(),
        vec![Arc::new(low) as ArrayRef, Arc::new(high)],
        Some(known),
    )?;
    Ok(Arc::new(intervals))
}
