//! How many are still there after a given time?
//!
//! ```sql
//! SELECT survival_at(kaplan_meier(days, has_left), 90) AS s  -- s['share'], s['low'], s['high']
//! ```
//!
//! `survival_at(curve, time)` reads a curve of `kaplan_meier` at one time:
//! `{share, low, high}`, the share still there just after it with its 95 %
//! band. Null beyond the last time anybody was watched, unless nobody is left:
//! the curve does not say what comes after. Null in, null out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::vectorised;
use super::kaplan_meier::{Step, curve_type, read_curve};

const NAME: &str = "survival_at";

pub(super) fn function() -> ScalarUDF {
    create_udf(
        NAME,
        vec![curve_type(), DataType::Int64],
        DataType::Struct(answer_fields()),
        Volatility::Immutable,
        Arc::new(invoke),
    )
}

fn answer_fields() -> Fields {
    ["share", "low", "high"].map(|name| Field::new(name, DataType::Float64, true)).to_vec().into()
}

fn invoke(arguments: &[ColumnarValue]) -> DataFusionResult<ColumnarValue> {
    vectorised(arguments, |arrays| {
        let curves = arrays[0].as_list::<i32>();
        let times = arrays[1].as_primitive::<Int64Type>();
        let answers: Vec<Option<Step>> = (0..curves.len())
            .map(|row| {
                let time = times.is_valid(row).then(|| times.value(row))?;
                at(&read_curve(curves, row)?, time)
            })
            .collect();
        let column = |value: fn(&Step) -> f64| -> ArrayRef {
            Arc::new(answers.iter().map(|step| step.as_ref().map(value)).collect::<Float64Array>())
        };
        let columns =
            vec![column(|step| step.share), column(|step| step.low), column(|step| step.high)];
        let known: NullBuffer = answers.iter().map(Option::is_some).collect();
        Ok(Arc::new(StructArray::try_new(answer_fields(), columns, Some(known))?))
    })
}

/// The step that holds at `time`.
fn at(curve: &[Step], time: i64) -> Option<Step> {
    let step = *curve.iter().rfind(|step| step.time <= time)?;
    let last = curve.last()?;
    (time <= last.time || last.share == 0.0).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_until_the_next_step_and_not_beyond_the_last() {
        let step = |time, share| Step { time, at_risk: 9, ended: 1, share, low: 0.0, high: 1.0 };
        let curve = [step(0, 1.0), step(5, 0.8), step(9, 0.8)];
        let share = |time| at(&curve, time).map(|step| step.share);
        assert_eq!([0, 4, 5, 8, 9].map(share), [1.0, 1.0, 0.8, 0.8, 0.8].map(Some));
        assert_eq!([-1, 10].map(share), [None, None]);
        // When all are gone, all stay gone.
        assert_eq!(at(&[step(0, 1.0), step(5, 0.0)], 10).map(|step| step.share), Some(0.0));
    }
}
