//! Which period lies n after the one that holds a date?
//!
//! ```sql
//! SELECT period_add('month', DATE '2024-01-31', 1)  -- 2024-02-01
//! ```
//!
//! `period_add(unit, date, n)` is a first day as a `Date32`; n may be negative,
//! and with 0 it is the first day of the date's own period. Null in, null out.

use std::sync::Arc;

use arrow::array::{AsArray, Date32Array};
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::{external, text, vectorised};
use super::calendar::Unit;
use crate::error::Result;

const NAME: &str = "period_add";

pub(super) fn function() -> ScalarUDF {
    create_udf(
        NAME,
        vec![DataType::Utf8, DataType::Date32, DataType::Int64],
        DataType::Date32,
        Volatility::Immutable,
        Arc::new(invoke),
    )
}

fn invoke(arguments: &[ColumnarValue]) -> DataFusionResult<ColumnarValue> {
    let unit: Unit = text(&arguments[0], NAME, "unit")?.parse().map_err(external)?;
    vectorised(&arguments[1..], |arrays| {
        let days = arrays[0]
            .as_primitive::<Date32Type>()
            .iter()
            .zip(arrays[1].as_primitive::<Int64Type>())
            .map(|(day, n)| day.zip(n).map(|(day, n)| unit.shift(day, n)).transpose())
            .collect::<Result<Date32Array>>()
            .map_err(external)?;
        Ok(Arc::new(days))
    })
}
