//! How many days ago is it, if days count by how many customers are active?
//!
//! ```sql
//! SELECT busy_days(calendar, recency) AS silence
//! ```
//!
//! `busy_days(calendar, age)` adds up the days younger than `age` (in days, parts
//! of a day count in part) by their weights in a calendar of
//! `activity_calendar(seen)`: days of a festival count little, days of the year's
//! busiest weeks more than one. Days older than a calendar count 1. Null in, null
//! out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::activity_calendar::{YEAR, calendar_type};
use super::args::misuse;
use super::groups::range;

const NAME: &str = "busy_days";

pub(super) fn function() -> ScalarUDF {
    create_udf(
        NAME,
        vec![calendar_type(), DataType::Float64],
        DataType::Float64,
        Volatility::Immutable,
        Arc::new(invoke),
    )
}

fn invoke(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    // One calendar for all rows is not copied for each.
    let calendar = match &arguments[0] {
        ColumnarValue::Scalar(scalar) => scalar.to_array()?,
        ColumnarValue::Array(array) => Arc::clone(array),
    };
    let calendars = calendar.as_list::<i32>();
    let sums = calendars.values().as_primitive::<Float64Type>().values();
    let is_one = matches!(arguments[0], ColumnarValue::Scalar(_));
    let ages = arguments[1].to_array(if is_one { 1 } else { calendars.len() })?;
    let ages = ages.as_primitive::<Float64Type>();
    let mut found = Vec::with_capacity(ages.len());
    for (row, age) in ages.iter().enumerate() {
        let place = if is_one { 0 } else { row };
        let Some(age) = age.filter(|_| calendars.is_valid(place)) else {
            found.push(None);
            continue;
        };
        let sums = &sums[range(calendars, place)];
        if sums.len() != YEAR + 1 {
            return Err(misuse(format!("{NAME} takes a calendar of activity_calendar()")));
        }
        found.push(Some(until(sums, age)));
    }
    let answer: ArrayRef = Arc::new(Float64Array::from(found));
    if arguments.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_))) {
        return ScalarValue::try_from_array(&answer, 0).map(ColumnarValue::Scalar);
    }
    Ok(ColumnarValue::Array(answer))
}

/// The weights of the days younger than `age`, of the `sums` up to each day.
fn until(sums: &[f64], age: f64) -> f64 {
    let age = age.max(0.0);
    if age >= YEAR as f64 {
        return sums[YEAR] + (age - YEAR as f64);
    }
    let day = age as usize;
    sums[day] + (sums[day + 1] - sums[day]) * age.fract()
}

#[cfg(test)]
mod tests {
    use arrow::array::ListArray;

    use super::*;

    #[test]
    fn parts_of_days_count_in_part_and_days_before_the_calendar_as_one() {
        let sums: Vec<f64> = (0..=YEAR).map(|day| day as f64 / 2.0).collect();
        let found = [-1.0, 0.0, 1.5, 364.5, 365.0, 400.25].map(|age| until(&sums, age));
        assert_eq!(found, [0.0, 0.0, 0.75, 182.25, 182.5, 182.5 + 35.25]);
    }

    #[test]
    fn one_calendar_serves_all_rows_and_each_row_may_have_its_own() {
        let year = |weight: f64| -> Vec<Option<f64>> {
            (0..=YEAR).map(|day| Some(day as f64 * weight)).collect()
        };
        let lists = |rows: Vec<Option<Vec<Option<f64>>>>| -> ArrayRef {
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows))
        };
        let ages = |ages: Vec<Option<f64>>| -> ArrayRef { Arc::new(Float64Array::from(ages)) };
        let found = |calendar: &ColumnarValue, age: &ColumnarValue| -> Vec<Option<f64>> {
            let answer = invoke(&[calendar.clone(), age.clone()]).unwrap();
            let answer = answer.to_array(1).unwrap();
            answer.as_primitive::<Float64Type>().iter().collect()
        };
        let one = |array: ArrayRef| {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0).unwrap())
        };
        let (half, none) = (one(lists(vec![Some(year(0.5))])), one(lists(vec![None])));
        let two_ages = ColumnarValue::Array(ages(vec![Some(10.0), None]));
        let ten = one(ages(vec![Some(10.0)]));
        assert_eq!(found(&half, &two_ages), [Some(5.0), None]);
        assert_eq!(found(&none, &two_ages), [None, None]);
        assert_eq!(found(&half, &ten), [Some(5.0)]);
        let own = ColumnarValue::Array(lists(vec![Some(year(0.5)), None, Some(year(2.0))]));
        assert_eq!(found(&own, &ten), [Some(5.0), None, Some(20.0)]);
        assert_eq!(found(&half, &ColumnarValue::Array(ages(vec![]))), []);
        let short = one(lists(vec![Some(vec![Some(0.0), Some(1.0)])]));
        assert!(invoke(&[short, ten]).is_err());
    }
}
