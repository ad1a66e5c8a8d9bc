//! After how long is a given share gone?
//!
//! ```sql
//! SELECT survival_time(kaplan_meier(days, has_left), 0.5) AS median_days
//! ```
//!
//! `survival_time(curve, gone)` is the first time after which at least `gone`
//! of all, a share above 0 and up to 1, are gone by a curve of `kaplan_meier`:
//! 0.5 asks for the median. Null if the curve does not come down so far, because
//! too few have ended or were watched long enough: then the median is not known
//! yet, and the median of those who have ended would be too short. Null in,
//! null out.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::{misuse, vectorised};
use super::kaplan_meier::{Step, curve_type, read_curve};

const NAME: &str = "survival_time";

/// What rounding may take from a share that is a product of fractions.
const ROUNDING: f64 = 1e-12;

pub(super) fn function() -> ScalarUDF {
    create_udf(
        NAME,
        vec![curve_type(), DataType::Float64],
        DataType::Int64,
        Volatility::Immutable,
        Arc::new(invoke),
    )
}

fn invoke(arguments: &[ColumnarValue]) -> DataFusionResult<ColumnarValue> {
    vectorised(arguments, |arrays| {
        let curves = arrays[0].as_list::<i32>();
        let gone = arrays[1].as_primitive::<Float64Type>();
        let times = (0..curves.len()).map(|row| {
            if gone.is_null(row) {
                return Ok(None);
            }
            let gone = gone.value(row);
            if !(gone > 0.0 && gone <= 1.0) {
                return Err(misuse(format!("survival_time: {gone} is not a share above 0")));
            }
            Ok(read_curve(curves, row).and_then(|curve| first_below(&curve, 1.0 - gone)))
        });
        Ok(Arc::new(times.collect::<DataFusionResult<Int64Array>>()?))
    })
}

/// The first time at which no more than `share` are left.
fn first_below(curve: &[Step], share: f64) -> Option<i64> {
    curve.iter().find(|step| step.share <= share + ROUNDING).map(|step| step.time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_at_which_so_many_are_gone() {
        let step = |time, share| Step { time, at_risk: 9, ended: 1, share, low: 0.0, high: 1.0 };
        let curve = [step(0, 1.0), step(5, 0.7), step(9, 0.5), step(12, 0.5)];
        assert_eq!(first_below(&curve, 0.5), Some(9));
        assert_eq!(first_below(&curve, 0.7), Some(5));
        assert_eq!(first_below(&curve, 0.1), None);
        // 1 − 3 · 0.1 in floating point is a little less than 0.7.
        assert_eq!(first_below(&curve, 1.0 - 3.0 * 0.1), Some(5));
    }
}
