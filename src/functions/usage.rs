//! How much, how often, how broadly and how lately was a customer active?
//!
//! ```sql
//! SELECT customer_key,
//!        usage(name, quantity, occurred_at, $as_of, [7, 30, 90], ['login', 'export']) AS u
//! FROM activity GROUP BY customer_key
//! -- u['counts'] = [2, 9, 20, 45]: 9 rows in the last 30 days, 45 in all
//! -- u['days']   = [1, 4, 9, 21]:  on 4 different days
//! ```
//!
//! `usage(name, quantity, occurred_at, as_of, windows, names)` answers in one
//! pass what would take an aggregate per window and per name, and a DISTINCT for
//! each count of days and names. Windows are whole days back from `as_of`, in
//! ascending order; a day is 24 hours, so a row is in a window of `w` days if it
//! lies less than `w` × 24 h before `as_of`. Rows after `as_of` do not count.
//!
//! The lists have an element per window and a last one for everything:
//!
//! | field | |
//! |---|---|
//! | `first_at`, `last_at` | instants of the earliest and the latest row |
//! | `counts` | rows |
//! | `days` | days with a row |
//! | `quantities` | sum of `quantity`, unknown ones as 0 |
//! | `breadth` | distinct names |
//! | `by_name` | rows of each of `names`: its list, one after the other |
//!
//! Beside them, `seen` has a bit for each day with a row, 64 to a word: the n-th
//! is the day of age n. `activity_calendar` reads it.
//!
//! What is kept of a customer does not grow with the number of rows: counts by
//! window, a bit per day since the first, and the latest instant of each name.
//! Counts, days and names do not depend on the order in which rows come.

use arrow::array::Array;
use arrow::datatypes::{DECIMAL_DEFAULT_SCALE, DECIMAL128_MAX_PRECISION, DataType, Field, Fields};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::AggregateUDF;
use datafusion::logical_expr::function::AccumulatorArgs;

use super::args::{constant, instant_type, misuse, name_type};
use super::groups::Function;

mod tally;
#[cfg(test)]
mod tests;

use tally::Tally;

const NAME: &str = "usage";

pub(super) fn function() -> AggregateUDF {
    Function::<Tally>::new().into()
}

/// The constant arguments.
#[derive(Debug, Clone, PartialEq)]
struct Plan {
    /// Microseconds after the epoch.
    as_of: i64,
    /// Days, ascending.
    windows: Vec<i64>,
    names: Vec<String>,
}

/// Longer windows than this are mistaken for seconds or the like.
const LONGEST_WINDOW: i64 = 36_600;

impl Plan {
    fn of(args: &AccumulatorArgs<'_>) -> Result<Self> {
        let ScalarValue::TimestampMicrosecond(Some(as_of), _) = constant(args, 3, NAME, "as_of")?
        else {
            return Err(misuse(format!("{NAME}: as_of is empty")));
        };
        let windows = integers(&constant(args, 4, NAME, "windows")?)
            .filter(|windows| windows.is_sorted_by(|a, b| a < b))
            .filter(|windows| windows.iter().all(|days| (1..=LONGEST_WINDOW).contains(days)))
            .ok_or_else(|| {
                misuse(format!(
                    "{NAME}: windows must be numbers of days from 1 to {LONGEST_WINDOW}, ascending"
                ))
            })?;
        let names = texts(&constant(args, 5, NAME, "names")?)
            .ok_or_else(|| misuse(format!("{NAME}: names must not be empty")))?;
        Ok(Self { as_of, windows, names })
    }
}

/// The elements of a list of integers, none of them null.
fn integers(list: &ScalarValue) -> Option<Vec<i64>> {
    elements(list)?
        .into_iter()
        .map(|element| match element {
            ScalarValue::Int64(value) => value,
            _ => None,
        })
        .collect()
}

/// The elements of a list of texts, none of them null.
fn texts(list: &ScalarValue) -> Option<Vec<String>> {
    elements(list)?
        .into_iter()
        .map(|element| match element {
            ScalarValue::Utf8(value) => value,
            _ => None,
        })
        .collect()
}

fn elements(list: &ScalarValue) -> Option<Vec<ScalarValue>> {
    let ScalarValue::List(list) = list else { return None };
    let values = list.is_valid(0).then(|| list.value(0))?;
    (0..values.len()).map(|place| ScalarValue::try_from_array(&values, place).ok()).collect()
}

fn list_of(element: DataType) -> DataType {
    DataType::new_list(element, true)
}

/// The fields of the answer.
fn answer_fields() -> Fields {
    let field = |name: &str, kind| Field::new(name, kind, true);
    Fields::from(vec![
        field("first_at", instant_type()),
        field("last_at", instant_type()),
        field("counts", list_of(DataType::Int64)),
        field("days", list_of(DataType::Int64)),
        field("quantities", list_of(DataType::Float64)),
        field("breadth", list_of(DataType::Int64)),
        field("by_name", list_of(DataType::Int64)),
        field("seen", list_of(DataType::UInt64)),
    ])
}

/// The columns of a partial state.
fn state_columns() -> [(&'static str, DataType); 8] {
    [
        ("first_at", instant_type()),
        ("last_at", instant_type()),
        ("counts", list_of(DataType::Int64)),
        (
            "quantities",
            list_of(DataType::Decimal128(DECIMAL128_MAX_PRECISION, DECIMAL_DEFAULT_SCALE)),
        ),
        ("by_name", list_of(DataType::Int64)),
        ("days", list_of(DataType::UInt64)),
        ("names", list_of(DataType::Utf8)),
        ("newest", list_of(DataType::Int64)),
    ]
}

/// The types the arguments are cast to.
fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
    let [name, _, _, _, _, _] = given else {
        return Err(misuse(format!(
            "{NAME} takes six arguments: name, quantity, occurred_at, as_of, windows, names"
        )));
    };
    Ok(vec![
        name_type(name),
        DataType::Float64,
        instant_type(),
        instant_type(),
        list_of(DataType::Int64),
        list_of(DataType::Utf8),
    ])
}
