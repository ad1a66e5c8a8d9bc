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
//! complete, as nothing finer is stored. `period_complete(unit, date, as_of, tz,
//! from, to)` is also false for a period of which only the days from `from` to
//! `to` count and these leave some out; null bounds nothing. The single period of
//! `all` is complete: nothing of what was asked for is missing. Null in, null out.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::args::{external, instant_type, misuse, text, vectorised};
use super::calendar::{Unit, Zone};
use crate::error;

const NAME: &str = "period_complete";

pub(super) fn function() -> ScalarUDF {
    PeriodComplete { signature: Signature::user_defined(Volatility::Immutable) }.into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PeriodComplete {
    signature: Signature,
}

impl ScalarUDFImpl for PeriodComplete {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let kinds = [DataType::Utf8, DataType::Date32, instant_type(), DataType::Utf8];
        match given.len() {
            4 => Ok(kinds.to_vec()),
            6 => Ok([kinds.to_vec(), vec![DataType::Date32; 2]].concat()),
            _ => Err(misuse(format!("{NAME} takes unit, date, as_of, tz, and may take from, to"))),
        }
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = args.args;
        let unit: Unit = text(&arguments[0], NAME, "unit")?.parse().map_err(external)?;
        let zone: Zone = text(&arguments[3], NAME, "tz")?.parse().map_err(external)?;
        let columns = [&arguments[1..3], &arguments[4..]].concat();
        vectorised(&columns, |arrays| {
            let days = arrays[0].as_primitive::<Date32Type>();
            let instants = arrays[1].as_primitive::<TimestampMicrosecondType>();
            let bound = |index: usize, row: usize| {
                let bounds = arrays.get(index)?.as_primitive::<Date32Type>();
                bounds.is_valid(row).then(|| bounds.value(row))
            };
            let complete = days.iter().zip(instants).enumerate().map(|(row, (day, as_of))| {
                let Some((day, as_of)) = day.zip(as_of) else { return Ok(None) };
                let whole = is_whole(unit, day, bound(2, row), bound(3, row))?;
                Ok(Some(whole && is_complete(unit, zone, day, as_of)?))
            });
            let complete = complete.collect::<error::Result<BooleanArray>>().map_err(external)?;
            Ok(Arc::new(complete))
        })
    }
}

/// Whether every day of the period that holds `day` lies between the bounds.
fn is_whole(unit: Unit, day: i32, from: Option<i32>, to: Option<i32>) -> error::Result<bool> {
    if unit == Unit::All {
        return Ok(true);
    }
    let (first, next) = (unit.shift(day, 0)?, unit.shift(day, 1)?);
    Ok(from.is_none_or(|from| from <= first) && to.is_none_or(|to| next <= to.saturating_add(1)))
}

/// Whether the period that holds `day` is over at `as_of`.
fn is_complete(unit: Unit, zone: Zone, day: i32, as_of: i64) -> error::Result<bool> {
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
    #[test]
    fn a_period_that_is_cut_is_not_whole() {
        // January 1970 is days 0 to 30.
        for (from, to, whole) in [
            (None, None, true),
            (Some(0), Some(30), true),
            (Some(-5), Some(99), true),
            (Some(1), None, false),
            (None, Some(29), false),
        ] {
            assert_eq!(is_whole(Unit::Month, 7, from, to).unwrap(), whole, "{from:?} {to:?}");
            assert!(is_whole(Unit::All, 7, from, to).unwrap());
        }
    }
}
