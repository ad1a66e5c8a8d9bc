//! In which order did a deal first enter its stages?
//!
//! ```sql
//! SELECT opportunity_id, stage_history(stage, occurred_at, amount) AS entries
//! FROM opportunity_stages GROUP BY opportunity_id
//! ```
//!
//! `stage_history(stage, occurred_at, amount)` is a list of `{stage, place,
//! entered_at, amount}`: every stage once, at the instant it was first entered,
//! earliest first and stages of one instant by name; `place` counts from 1.
//! `amount` is what the row of that instant says, of several the least that is
//! known: what was said later is not part of it. Rows without stage or instant do
//! not count; no row: an empty list.
//!
//! `GROUP BY deal, stage` with a window per deal says the same, but hands tens of
//! thousands of windows of three rows through the planner's machinery one by one.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Decimal128Type, Field, Fields, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::args::{instant_type, misuse};
use super::groups::{Function, Grouped, keeps, list, range, states_by_row};
use crate::schema::Kind;

pub(super) fn function() -> AggregateUDF {
    Function::<Stages>::new().into()
}

/// The type of the answer, and of a partial state.
pub(super) fn history_type() -> DataType {
    DataType::new_list(DataType::Struct(entry_fields()), true)
}

fn entry_fields() -> Fields {
    Fields::from(vec![
        Field::new("stage", DataType::Utf8, true),
        Field::new("place", DataType::Int64, true),
        Field::new("entered_at", instant_type(), true),
        Field::new("amount", Kind::Money.data_type(), true),
    ])
}

/// The first entry of a deal into a stage.
#[derive(Debug, Clone, Copy)]
struct Entry {
    stage: usize,
    entered_at: i64,
    /// In units of the last decimal.
    amount: Option<i128>,
}

impl Entry {
    /// What orders two entries into one stage: an amount that is known is better
    /// than none.
    fn rank(&self) -> (i64, bool, Option<i128>) {
        (self.entered_at, self.amount.is_none(), self.amount)
    }
}

/// The entries of each deal. There are few stages: their names are kept once.
#[derive(Debug, Clone, Default)]
struct Stages {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, usize>,
    groups: Vec<Vec<Entry>>,
}

impl Stages {
    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, self.names.len() - 1);
        self.names.len() - 1
    }

    fn add(&mut self, group: usize, entry: Entry) {
        // A deal has a handful of stages: looking at each beats a map.
        let entries = &mut self.groups[group];
        match entries.iter_mut().find(|known| known.stage == entry.stage) {
            Some(known) if entry.rank() < known.rank() => *known = entry,
            Some(_) => {}
            None => entries.push(entry),
        }
    }

    /// Adds the rows of these columns that are complete.
    fn read(
        &mut self,
        stages: &StringArray,
        instants: &TimestampMicrosecondArray,
        amounts: &Decimal128Array,
        rows: impl Iterator<Item = (usize, usize)>,
    ) {
        for (row, group) in rows {
            if stages.is_valid(row) && instants.is_valid(row) {
                let entry = Entry {
                    stage: self.number(stages.value(row)),
                    entered_at: instants.value(row),
                    amount: amounts.is_valid(row).then(|| amounts.value(row)),
                };
                self.add(group, entry);
            }
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut groups = emit_to.take_needed(&mut self.groups);
        for entries in &mut groups {
            entries.sort_unstable_by_key(|entry| (entry.entered_at, &self.names[entry.stage]));
        }
        let entries = || groups.iter().flatten();
        let stage: StringArray = entries().map(|entry| Some(&*self.names[entry.stage])).collect();
        let place = groups.iter().flat_map(|entries| (1i64..).take(entries.len()));
        let place: Int64Array = place.map(Some).collect();
        let entered: TimestampMicrosecondArray =
            entries().map(|entry| Some(entry.entered_at)).collect();
        let amount: Decimal128Array = entries().map(|entry| entry.amount).collect();
        let amount = amount.with_data_type(Kind::Money.data_type());
        let columns: Vec<ArrayRef> = vec![
            Arc::new(stage),
            Arc::new(place),
            Arc::new(entered.with_timezone("UTC")),
            Arc::new(amount),
        ];
        let rows = StructArray::try_new(entry_fields(), columns, None)?;
        list(Arc::new(rows), OffsetBuffer::from_lengths(groups.iter().map(Vec::len)))
    }
}

impl GroupsAccumulator for Stages {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        let rows = group_indices.iter().copied().enumerate();
        self.read(
            values[0].as_string::<i32>(),
            values[1].as_primitive::<TimestampMicrosecondType>(),
            values[2].as_primitive::<Decimal128Type>(),
            rows.filter(|(row, _)| keeps(opt_filter, *row)),
        );
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        let lists = values[0].as_list::<i32>();
        let entries = lists.values().as_struct();
        let groups = group_indices.iter().enumerate().filter(|(row, _)| lists.is_valid(*row));
        self.read(
            entries.column(0).as_string::<i32>(),
            entries.column(2).as_primitive::<TimestampMicrosecondType>(),
            entries.column(3).as_primitive::<Decimal128Type>(),
            groups.flat_map(|(row, group)| range(lists, row).map(|entry| (entry, *group))),
        );
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.take(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take(emit_to)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        states_by_row(Self::default(), values, opt_filter)
    }

    fn size(&self) -> usize {
        let entries: usize = self.groups.iter().map(Vec::capacity).sum();
        let names: usize = self.names.iter().map(|name| name.len() + 64).sum();
        size_of_val(self)
            + self.groups.capacity() * size_of::<Vec<Entry>>()
            + entries * size_of::<Entry>()
            + names
    }
}

impl Grouped for Stages {
    const NAME: &'static str = "stage_history";

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, _, _] => Ok(vec![DataType::Utf8, instant_type(), Kind::Money.data_type()]),
            _ => Err(misuse(format!(
                "{} takes three arguments: stage, occurred_at, amount",
                Self::NAME
            ))),
        }
    }

    fn answer_type() -> DataType {
        history_type()
    }

    fn state_columns() -> Vec<(&'static str, DataType)> {
        vec![("entries", history_type())]
    }

    fn plan(_args: &AccumulatorArgs<'_>) -> Result<Self> {
        Ok(Self::default())
    }

    fn ensure(&mut self, n: usize) {
        if self.groups.len() < n {
            self.groups.resize_with(n, Vec::new);
        }
    }
}
