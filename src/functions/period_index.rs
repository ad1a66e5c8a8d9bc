//! How many periods lie between two dates?
//!
//! ```sql
//! SELECT period_index('month', month) - period_index('month', cohort) AS age
//! ```
//!
//! `period_index(unit, date)` is the ordinal of the date's period as an
//! `Int64`, 0 for the one that holds 1970-01-01. Null in, null out.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{DataType, Date32Type};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::{external, text, vectorised};
use super::calendar::Unit;

const NAME: &str = "period_index";

pub(super) fn function() -> ScalarUDF {
    create_udf(
        NAME,
        vec![DataType::Utf8, DataType::Date32],
        DataType::Int64,
        Volatility::Immutable,
        Arc::new(invoke),
    )
}

fn invoke(arguments: &[ColumnarValue]) -> DataFusionResult<ColumnarValue> {
    let unit: Unit = text(&arguments[0], NAME, "unit")?.parse().map_err(external)?;
    vectorised(&arguments[1..], |arrays| {
        let index: Int64Array = arrays[0].as_primitive::<Date32Type>().unary(|day| unit.index(day));
        Ok(Arc::new(index))
    })
}
