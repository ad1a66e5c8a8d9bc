//! Which calendar period holds an instant?
//!
//! ```sql
//! SELECT period('month', occurred_at, 'Asia/Shanghai') AS month, sum(amount)
//! FROM orders GROUP BY 1 ORDER BY 1
//! ```
//!
//! `period(unit, instant, tz)` is the first day of the period as a `Date32`.
//! The unit is `day`, `week` (from Monday), `month`, `quarter`, `year` or
//! `all` (always 1970-01-01); the zone is an IANA name. Null in, null out.
//! To round a date rather than an instant, use `period_add(unit, date, 0)`.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::{external, instant_type, text, vectorised};
use super::calendar::{Periods, Unit, Zone};
use crate::error::Error;

const NAME: &str = "period";

pub(super) fn function() -> ScalarUDF {
    create_udf(
        NAME,
        vec![DataType::Utf8, instant_type(), DataType::Utf8],
        DataType::Date32,
        Volatility::Immutable,
        Arc::new(invoke),
    )
}

fn invoke(arguments: &[ColumnarValue]) -> DataFusionResult<ColumnarValue> {
    let unit: Unit = text(&arguments[0], NAME, "unit")?.parse().map_err(external)?;
    let zone: Zone = text(&arguments[2], NAME, "tz")?.parse().map_err(external)?;
    vectorised(&arguments[1..2], |arrays| {
        let instants = arrays[0].as_primitive::<TimestampMicrosecondType>();
        let periods = Periods::of(unit, zone, instants);
        let days = instants
            .try_unary::<_, Date32Type, Error>(|micros| periods.start(micros))
            .map_err(external)?;
        Ok(Arc::new(days))
    })
}
