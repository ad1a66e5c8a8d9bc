//! Would chance alone move a number this far?
//!
//! ```sql
//! SELECT p_value((a - b) / sqrt(a + b)) AS p
//! ```
//!
//! `p_value(z)` is the chance that a standard normal variable lies at least as
//! far from 0 as `z`, on either side: 1 at 0, 0.05 at ±1.96. Null in, null out.
//! It is computed through `erfc`, and so does not turn into 0 before z = 38.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::vectorised;

const NAME: &str = "p_value";

pub(super) fn function() -> ScalarUDF {
    create_udf(
        NAME,
        vec![DataType::Float64],
        DataType::Float64,
        Volatility::Immutable,
        Arc::new(invoke),
    )
}

fn invoke(arguments: &[ColumnarValue]) -> DataFusionResult<ColumnarValue> {
    vectorised(arguments, |arrays| {
        let z = arrays[0].as_primitive::<Float64Type>();
        Ok(Arc::new(z.iter().map(|z| z.map(p_value)).collect::<Float64Array>()))
    })
}

/// The two-sided tail of the standard normal distribution beyond `z`.
pub(super) fn p_value(z: f64) -> f64 {
    libm::erfc(z.abs() * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        for (z, p) in [
            (0.0, 1.0),
            (1.959_963_984_540_054, 0.05),
            (2.575_829_303_548_901, 0.01),
            (6.0, 1.973_175_290_075_4e-9),
        ] {
            assert!((p_value(z) / p - 1.0).abs() < 1e-12, "{z}");
            assert!((p_value(-z) / p - 1.0).abs() < 1e-12, "{z}");
        }
        assert!(p_value(37.0) > 0.0);
        assert!(p_value(f64::NAN).is_nan());
    }
}
