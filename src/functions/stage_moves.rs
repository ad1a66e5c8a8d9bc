//! When did a deal move on from each of its stages?
//!
//! ```sql
//! SELECT opportunity_id, unnest(stage_moves(entries, stages)) AS move
//! FROM stages_in_order CROSS JOIN histories
//! ```
//!
//! `stage_moves(history, stages)` takes a history as `stage_history` makes it and
//! the list of all stages in their order. It is a list of `{stage, stage_no,
//! entered_at, amount, later_at}`, one for each entry of the history and in its
//! order: `stage_no` is where the stage stands in the list, from 1, and
//! `later_at` the first instant at which a stage beyond it was entered, which is
//! before `entered_at` for a deal that was moved back; null if there was none. An
//! entry into a stage that the list does not have is left out. Null in, null out.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListArray, StructArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::{instant_type, vectorised};
use super::groups::range;
use super::stage_history::history_type;
use crate::schema::Kind;

const NAME: &str = "stage_moves";

pub(super) fn function() -> ScalarUDF {
    let stages = DataType::new_list(DataType::Utf8, true);
    let moves = DataType::new_list(DataType::Struct(move_fields()), true);
    create_udf(
        NAME,
        vec![history_type(), stages],
        moves,
        Volatility::Immutable,
        Arc::new(|arguments: &[ColumnarValue]| {
            vectorised(arguments, |arrays| moves_of(arrays[0].as_list(), arrays[1].as_list()))
        }),
    )
}

fn move_fields() -> Fields {
    Fields::from(vec![
        Field::new("stage", DataType::Utf8, true),
        Field::new("stage_no", DataType::Int64, true),
        Field::new("entered_at", instant_type(), true),
        Field::new("amount", Kind::Money.data_type(), true),
        Field::new("later_at", instant_type(), true),
    ])
}

fn moves_of(histories: &ListArray, orders: &ListArray) -> Result<ArrayRef> {
    let entries = histories.values().as_struct();
    let stages = entries.column(0).as_string::<i32>();
    let entered = entries.column(2).as_primitive::<TimestampMicrosecondType>();
    let mut taken: Vec<u64> = Vec::new();
    let (mut numbers, mut later): (Vec<i64>, Vec<Option<i64>>) = (Vec::new(), Vec::new());
    let mut lengths = Vec::with_capacity(histories.len());
    let known = NullBuffer::union(histories.nulls(), orders.nulls());
    for row in 0..histories.len() {
        let before = taken.len();
        if known.as_ref().is_none_or(|known| known.is_valid(row)) {
            let order = orders.value(row);
            let order = order.as_string::<i32>();
            let place_of = |stage: &str| order.iter().position(|name| name == Some(stage));
            for entry in range(histories, row) {
                if let Some(place) = place_of(stages.value(entry)) {
                    taken.push(entry as u64);
                    numbers.push(place as i64 + 1);
                }
            }
            let own = before..taken.len();
            for at in own.clone() {
                let beyond = own.clone().filter(|other| numbers[*other] > numbers[at]);
                later.push(beyond.map(|other| entered.value(taken[other] as usize)).min());
            }
        }
        lengths.push(taken.len() - before);
    }
    let taken = UInt64Array::from(taken);
    let of_entries = |column: usize| take(entries.column(column), &taken, None);
    let later: TimestampMicrosecondArray = later.into_iter().collect();
    let columns: Vec<ArrayRef> = vec![
        of_entries(0)?,
        Arc::new(Int64Array::from(numbers)),
        of_entries(2)?,
        of_entries(3)?,
        Arc::new(later.with_timezone("UTC")),
    ];
    let moves = StructArray::try_new(move_fields(), columns, None)?;
    let field = Arc::new(Field::new_list_field(moves.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(moves), known)?))
}
