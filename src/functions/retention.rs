//! When did a customer first come, and in which later periods again?
//!
//! ```sql
//! SELECT customer_id, retention(occurred_at, 'month', 'UTC') AS r
//! FROM activity GROUP BY customer_id
//! -- r['cohort'] = 2024-01-01, r['ages'] = [0, 1, 4]
//! ```
//!
//! `retention(occurred_at, unit, tz)` answers `{cohort: Date32, ages:
//! List<Int64>}`: the calendar period of the customer's first row, and the
//! distinct ages, in periods since the cohort and in order, at which there was
//! a row. Age 0 is always there. No row, or only nulls: null.
//!
//! Every kind of retention follows from the ages: *on* k if k is among them,
//! *on or after* k if the last is at least k, *every* if the k-th (from 0) is k.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int64Array, ListArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::AggregateUDF;
use datafusion::logical_expr::function::AccumulatorArgs;

use super::args::{constant, external, instant_type, misuse};
use super::calendar::{Periods, Unit, Zone};
use super::history::{Aggregate, Event, Histories, Measure};

pub(super) fn function() -> AggregateUDF {
    Aggregate::<Retention>::new().into()
}

/// The constant arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Retention {
    unit: Unit,
    zone: Zone,
}

impl Measure for Retention {
    const NAME: &'static str = "retention";
    const DISTINCT: bool = true;

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, _, _] => Ok(vec![instant_type(), DataType::Utf8, DataType::Utf8]),
            _ => Err(misuse("retention takes three arguments: occurred_at, unit, tz".to_owned())),
        }
    }

    fn answer_type() -> DataType {
        DataType::Struct(answer_fields())
    }

    fn plan(args: &AccumulatorArgs<'_>) -> Result<Self> {
        let unit = text(args, 1, "unit")?;
        let zone = text(args, 2, "tz")?;
        Ok(Self { unit: unit.parse().map_err(external)?, zone: zone.parse().map_err(external)? })
    }

    fn read(
        &self,
        columns: &[ArrayRef],
        mut keep: impl FnMut(usize, Event) -> Result<()>,
    ) -> Result<()> {
        let instants = columns[0].as_primitive::<TimestampMicrosecondType>();
        let periods = Periods::of(self.unit, self.zone, instants);
        let known = instants.nulls();
        for (row, micros) in instants.values().iter().copied().enumerate() {
            if known.is_none_or(|known| known.is_valid(row)) {
                keep(row, Event { at: periods.index(micros).map_err(external)?, code: 0 })?;
            }
        }
        Ok(())
    }

    fn answer(&self, histories: &Histories) -> Result<ArrayRef> {
        let mut ages = Vec::with_capacity(histories.n_events());
        let mut cohorts = Vec::with_capacity(histories.len());
        for history in histories.iter() {
            // Ordinals are distinct and in order: the first is the cohort.
            let cohort = history.first().map(|first| first.at);
            ages.extend(history.iter().map(|event| event.at - cohort.unwrap_or(event.at)));
            cohorts.push(cohort.and_then(|index| self.unit.start(index)));
        }
        let lengths = OffsetBuffer::from_lengths(histories.iter().map(<[Event]>::len));
        let ages = ListArray::try_new(
            Arc::new(age_field()),
            lengths,
            Arc::new(Int64Array::from(ages)),
            None,
        )?;
        let cohorts = Date32Array::from(cohorts);
        let known = NullBuffer::from_iter(cohorts.iter().map(|cohort| cohort.is_some()));
        let answers = StructArray::try_new(
            answer_fields(),
            vec![Arc::new(cohorts) as ArrayRef, Arc::new(ages)],
            Some(known),
        )?;
        Ok(Arc::new(answers))
    }
}

fn age_field() -> Field {
    Field::new_list_field(DataType::Int64, true)
}

fn answer_fields() -> Fields {
    Fields::from(vec![
        Field::new("cohort", DataType::Date32, true),
        Field::new("ages", DataType::List(Arc::new(age_field())), true),
    ])
}

fn text(args: &AccumulatorArgs<'_>, index: usize, argument: &str) -> Result<String> {
    match constant(args, index, Retention::NAME, argument)? {
        ScalarValue::Utf8(Some(text)) => Ok(text),
        _ => Err(misuse(format!("retention: {argument} is empty"))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::array::{RecordBatch, TimestampMicrosecondArray};

    use super::super::history::laws::{obeys_the_laws, whole};
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn rows(instants: &[Option<i64>]) -> RecordBatch {
        let column = TimestampMicrosecondArray::from(instants.to_vec()).with_timezone("UTC");
        RecordBatch::try_from_iter([("occurred_at", Arc::new(column) as ArrayRef)]).unwrap()
    }

    /// Straight from the definition, with nothing shared but the calendar.
    fn twin(unit: Unit, zone: Zone, instants: &[Option<i64>]) -> Option<(i32, Vec<i64>)> {
        let days = instants.iter().flatten().map(|at| zone.day(*at).unwrap());
        let starts: BTreeSet<i32> = days.map(|day| unit.shift(day, 0).unwrap()).collect();
        let cohort = *starts.first()?;
        let ages = starts
            .iter()
            .map(|start| (0..).find(|age| unit.shift(cohort, *age).unwrap() == *start).unwrap());
        Some((cohort, ages.collect()))
    }

    fn read_answer(answer: &ScalarValue) -> Option<(i32, Vec<i64>)> {
        let array = answer.to_array().unwrap();
        let record = array.as_struct();
        record.is_valid(0).then(|| {
            let cohort = record.column(0).as_primitive::<arrow::datatypes::Date32Type>();
            let ages = record.column(1).as_list::<i32>().value(0);
            let ages = ages.as_primitive::<arrow::datatypes::Int64Type>();
            (cohort.value(0), ages.values().to_vec())
        })
    }

    #[test]
    fn agrees_with_the_definition_on_every_short_history() {
        // Around a month's, a week's and a year's end, in two zones.
        let instants =
            [None, Some(-DAY), Some(-1), Some(30 * DAY), Some(31 * DAY - 1), Some(400 * DAY)];
        for zone in ["UTC", "America/New_York"] {
            let zone: Zone = zone.parse().unwrap();
            for unit in [Unit::Day, Unit::Week, Unit::Month, Unit::Year, Unit::All] {
                let measure = Retention { unit, zone };
                for code in 0..6_usize.pow(4) {
                    let picks: Vec<_> =
                        (0..4).map(|place| instants[code / 6_usize.pow(place) % 6]).collect();
                    let rows = rows(&picks);
                    let answer = read_answer(&whole(&measure, &rows));
                    assert_eq!(answer, twin(unit, zone, &picks), "{unit:?} {picks:?}");
                    if code % 7 == 0 {
                        obeys_the_laws(&measure, &rows);
                    }
                }
            }
        }
    }

    #[test]
    fn compaction_keeps_every_distinct_period() {
        let measure = Retention { unit: Unit::Day, zone: "UTC".parse().unwrap() };
        let instants: Vec<_> = (0..300_000_i64).map(|n| Some(n * 7_919 % 100 * DAY)).collect();
        let (_, ages) = read_answer(&whole(&measure, &rows(&instants))).unwrap();
        assert_eq!(ages, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn no_rows_is_null() {
        let measure = Retention { unit: Unit::Month, zone: "UTC".parse().unwrap() };
        assert_eq!(read_answer(&whole(&measure, &rows(&[]))), None);
        obeys_the_laws(&measure, &rows(&[None]));
    }
}
