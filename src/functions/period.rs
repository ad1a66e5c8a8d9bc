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

//!
//! A table sorted by instant is sorted by period as well, and DataFusion is told
//! so, unless local days went back somewhen: where clocks were put back across
//! midnight, a day ended, began and ended again.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::args::{external, instant_type, text, vectorised};
use super::calendar::{Periods, Unit, Zone};
use crate::error::Error;

const NAME: &str = "period";

pub(super) fn function() -> ScalarUDF {
    let given = vec![DataType::Utf8, instant_type(), DataType::Utf8];
    Period { signature: Signature::exact(given, Volatility::Immutable) }.into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Period {
    signature: Signature,
}

impl ScalarUDFImpl for Period {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let unit: Unit = text(&args.args[0], NAME, "unit")?.parse().map_err(external)?;
        let zone: Zone = text(&args.args[2], NAME, "tz")?.parse().map_err(external)?;
        vectorised(&args.args[1..2], |arrays| {
            let instants = arrays[0].as_primitive::<TimestampMicrosecondType>();
            let periods = Periods::of(unit, zone, instants);
            let days = instants
                .try_unary::<_, Date32Type, Error>(|micros| periods.start(micros))
                .map_err(external)?;
            Ok(Arc::new(days))
        })
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        let [unit, instant, zone] = inputs else { return Ok(SortProperties::Unordered) };
        let zone = match zone.range.lower().try_as_str() {
            Some(Some(name)) if zone.sort_properties == SortProperties::Singleton => name.parse(),
            _ => return Ok(SortProperties::Unordered),
        };
        let sorted = unit.sort_properties == SortProperties::Singleton
            && zone.is_ok_and(Zone::days_never_go_back);
        Ok(if sorted { instant.sort_properties } else { SortProperties::Unordered })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
    use datafusion::datasource::MemTable;
    use datafusion::logical_expr::col;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::SessionContext;

    use super::*;

    #[tokio::test]
    async fn what_is_sorted_by_instant_is_sorted_by_period() {
        let context = SessionContext::new();
        context.register_udf(function());
        let instants = TimestampMicrosecondArray::from(vec![0, 1, 2]).with_timezone("UTC");
        let rows = RecordBatch::try_from_iter([
            ("key", Arc::new(Int64Array::from(vec![1, 1, 2])) as ArrayRef),
            ("at", Arc::new(instants)),
        ])
        .unwrap();
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
        let order = vec![col("key").sort(true, false), col("at").sort(true, false)];
        context.register_table("t", Arc::new(table.with_sort_order(vec![order]))).unwrap();
        for (groups, sorted) in [
            ("key, period('month', at, 'UTC')", true),
            ("key, period('day', at, 'Asia/Shanghai')", true),
            ("key, period('day', at, 'America/St_Johns')", false),
            ("period('month', at, 'UTC')", false),
        ] {
            let sql = format!("SELECT {groups}, count(*) FROM t GROUP BY {groups}");
            let plan = context.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
            let plan = displayable(plan.as_ref()).indent(false).to_string();
            assert_eq!(plan.contains("ordering_mode=Sorted"), sorted, "{plan}");
        }
    }
}
