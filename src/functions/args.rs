//! How do the functions read their arguments and report what is wrong with them?
//!
//! Units, zones, step lists and windows must be constants: a value that changes
//! from row to row would make one result column mix several definitions.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::{DataFusionError, Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use datafusion::logical_expr::function::AccumulatorArgs;

use super::calendar::MICROS_PER_DAY;
use crate::error::{Error, ErrorKind};
use crate::schema::Kind;

/// The type of every instant the functions take: microseconds, UTC.
pub(super) fn instant_type() -> DataType {
    Kind::Time.data_type()
}

/// The type a column of names is taken as: coded as it is stored, or plain text.
pub(super) fn name_type(given: &DataType) -> DataType {
    match given {
        DataType::Dictionary(key, value)
            if **key == DataType::Int32 && **value == DataType::Utf8 =>
        {
            given.clone()
        }
        _ => DataType::Utf8,
    }
}

/// Carries our error through DataFusion; `From<DataFusionError>` takes it out.
pub(super) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// A usage error, as DataFusion wants it.
pub(super) fn misuse(message: String) -> DataFusionError {
    external(Error::new(ErrorKind::Usage, message))
}

/// The constant text in argument `argument` of `function`.
pub(super) fn text<'a>(
    value: &'a ColumnarValue,
    function: &str,
    argument: &str,
) -> DataFusionResult<&'a str> {
    match value {
        ColumnarValue::Scalar(scalar) => match scalar.try_as_str() {
            Some(Some(text)) => Ok(text),
            _ => Err(misuse(format!("{function}: {argument} is empty"))),
        },
        ColumnarValue::Array(_) => {
            Err(misuse(format!("{function}: {argument} must be a constant, not a column")))
        }
    }
}

/// The constant in argument `index` of an aggregate.
///
/// The optimiser has folded constant expressions by the time an accumulator is
/// made; what still needs a row to be evaluated is not a constant.
pub(super) fn constant(
    args: &AccumulatorArgs<'_>,
    index: usize,
    function: &str,
    argument: &str,
) -> DataFusionResult<ScalarValue> {
    let not_constant =
        || misuse(format!("{function}: {argument} must be a constant, not a column"));
    let expression = args.exprs.get(index).ok_or_else(not_constant)?;
    let no_columns = RecordBatch::new_empty(Arc::new(Schema::empty()));
    match expression.evaluate(&no_columns) {
        Ok(ColumnarValue::Scalar(value)) => Ok(value),
        Ok(ColumnarValue::Array(array)) if array.len() == 1 => {
            ScalarValue::try_from_array(&array, 0)
        }
        _ => Err(not_constant()),
    }
}

/// The length of an interval in microseconds; nothing if it is null.
pub(super) fn window_micros(window: &ScalarValue, function: &str) -> DataFusionResult<Option<i64>> {
    let ScalarValue::IntervalMonthDayNano(window) = window else {
        return Err(misuse(format!("{function}: {window} is not a window")));
    };
    let Some(window) = window else {
        return Ok(None);
    };
    if window.months != 0 {
        return Err(misuse(format!(
            "{function}: a month has no fixed length; give the window in days, e.g. 30 days"
        )));
    }
    let micros = i64::from(window.days) * MICROS_PER_DAY + window.nanoseconds / 1_000;
    if micros < 0 {
        return Err(misuse(format!("{function}: the window is negative")));
    }
    Ok(Some(micros))
}

/// Applies `compute` to the arguments as arrays of equal length; the answer is
/// a scalar when every argument is one.
pub(super) fn vectorised(
    arguments: &[ColumnarValue],
    compute: impl FnOnce(&[ArrayRef]) -> DataFusionResult<ArrayRef>,
) -> DataFusionResult<ColumnarValue> {
    let arrays = ColumnarValue::values_to_arrays(arguments)?;
    let answer = compute(&arrays)?;
    let all_scalar = arguments.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
    if all_scalar {
        ScalarValue::try_from_array(&answer, 0).map(ColumnarValue::Scalar)
    } else {
        Ok(ColumnarValue::Array(answer))
    }
}
