//! Has a calendar period ended, or will its number still grow?
//!
//! ```sql
//! SELECT month, orders, period_complete('month', month, $as_of, $tz) AS complete
//! ```
//!
//! A report as of the 10th shows a third of a month; drawn as a whole month it
//! looks like a collapse. `period_complete(unit, date, as_of, tz)` is true when
//! no later instant can fall into the date's period: when the microsecond after
//! `as_of` already lies in a later one. So 23:59:59.999999 on the last day is
//! complete, as nothing finer is stored. The single period of `all` is
//! complete: nothing of what was asked for is missing. Null in, null out.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::{external, instant_type, text, vectorised};
use super::calendar::{Unit, Zone};
use crate::error::Result;

const NAME: &str = "period_complete";

pub(super) fn function() -> ScalarUDF {
    create_udf(
        NAME,
        vec![DataType::Utf8, DataType::Date32, instant_type(), DataType::Utf8],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(invoke),
    )
}

fn invoke(arguments: &[ColumnarValue]) -> DataFusionResult<ColumnarValue> {
    let unit: Unit = text(&arguments[0], NAME, "unit")?.parse().map_err(external)?;
    let zone: Zone = text(&arguments[3], NAME, "tz")?.parse().map_err(external)?;
    vectorised(&arguments[1..3], |arrays| {
        let days = arrays[0].as_primitive::<Date32Type>();
        let instants = arrays[1].as_primitive::<TimestampMicrosecondType>();
        let complete = days
            .iter()
            .zip(instants)
            .map(|(day, as_of)| {
                day.zip(as_of).map(|(day, as_of)| is_complete(unit, zone, day, as_of)).transpose()
            })
            .collect::<Result<BooleanArray>>()
            .map_err(external)?;
        Ok(Arc::new(complete))
    })
}

/// Whether the period that holds `day` is over at `as_of`.
fn is_complete(unit: Unit, zone: Zone, day: i32, as_of: i64) -> Result<bool> {
    let next_instant = zone.day(as_of.saturating_add(1))?;
    Ok(unit == Unit::All || unit.index(day) < unit.index(next_instant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_microsecond_completes_a_period() {
        let zone: Zone = "UTC".parse().unwrap();
        let midnight = 31 * 86_400_000_000;
        assert!(!is_complete(Unit::Month, zone, 0, midnight - 2).unwrap());
        assert!(is_complete(Unit::Month, zone, 0, midnight - 1).unwrap());
        assert!(is_complete(Unit::All, zone, 0, 0).unwrap());
        // Shanghai's February began eight hours earlier.
        let shanghai: Zone = "Asia/Shanghai".parse().unwrap();
        let local = midnight - 8 * 3_600_000_000;
        assert!(!is_complete(Unit::Month, shanghai, 0, local - 2).unwrap());
        assert!(is_complete(Unit::Month, shanghai, 0, local - 1).unwrap());
    }
}
