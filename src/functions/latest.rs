//! Which of several answers is the one that counts?
//!
//! ```sql
//! SELECT customer_key, latest(score, occurred_at, known_at, response_id) AS score
//! FROM surveys GROUP BY customer_key
//! ```
//!
//! `latest(value, occurred_at, known_at, id)` is the value of the row that
//! occurred last. Of rows at the same instant it is the one known last, then the
//! one with the greatest id, then the greatest value: whatever the order of rows,
//! one answer. Rows without value or instant do not count; an unknown `known_at`
//! or `id` comes before any known one. No row: null.
//!
//! `first_value(… ORDER BY …)` says the same, but keeps a row of generic scalars
//! per group and compares them one by one.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Float64Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::args::{instant_type, misuse};
use super::groups::{Function, Grouped, keeps, states_by_row};

pub(super) fn function() -> AggregateUDF {
    Function::<Rows>::new().into()
}

/// The arguments, which are also the partial state: the row that counts so far.
fn columns() -> [(&'static str, DataType); 4] {
    [
        ("value", DataType::Float64),
        ("occurred_at", instant_type()),
        ("known_at", instant_type()),
        ("id", DataType::Utf8),
    ]
}

/// What decides between two rows.
#[derive(Debug, Clone, Copy)]
struct Row {
    occurred_at: i64,
    known_at: Option<i64>,
    /// Where the id is in the bytes of all.
    id: Option<(usize, usize)>,
    value: f64,
}

/// The row that counts so far, for each group.
#[derive(Debug, Clone, Default)]
struct Rows {
    groups: Vec<Option<Row>>,
    /// The ids of these rows: one piece of memory, not one for each.
    ids: Vec<u8>,
}

impl Rows {
    fn id(&self, row: &Row) -> Option<&[u8]> {
        row.id.and_then(|(start, length)| self.ids.get(start..start + length))
    }

    /// Puts an id where the one before was, if it fits.
    fn keep(&mut self, id: &[u8], before: Option<(usize, usize)>) -> (usize, usize) {
        match before {
            Some((start, length)) if length >= id.len() => {
                self.ids[start..start + id.len()].copy_from_slice(id);
                (start, id.len())
            }
            _ => {
                self.ids.extend_from_slice(id);
                (self.ids.len() - id.len(), id.len())
            }
        }
    }

    /// The first groups, with the ids of these alone.
    fn taken(&mut self, emit_to: EmitTo) -> Self {
        let groups = emit_to.take_needed(&mut self.groups);
        let ids = std::mem::take(&mut self.ids);
        let taken = Self { groups, ids };
        for row in self.groups.iter_mut().flatten() {
            if let Some((start, length)) = row.id {
                row.id = Some((self.ids.len(), length));
                self.ids.extend_from_slice(&taken.ids[start..start + length]);
            }
        }
        taken
    }

    fn columns(&self) -> Vec<ArrayRef> {
        let rows = || self.groups.iter().map(Option::as_ref);
        let value: Float64Array = rows().map(|row| row.map(|row| row.value)).collect();
        let occurred: TimestampMicrosecondArray =
            rows().map(|row| row.map(|row| row.occurred_at)).collect();
        let known: TimestampMicrosecondArray =
            rows().map(|row| row.and_then(|row| row.known_at)).collect();
        let id = |row: &Row| self.id(row).and_then(|id| std::str::from_utf8(id).ok());
        let id: StringArray = rows().map(|row| row.and_then(id)).collect();
        vec![
            Arc::new(value),
            Arc::new(occurred.with_timezone("UTC")),
            Arc::new(known.with_timezone("UTC")),
            Arc::new(id),
        ]
    }
}

impl GroupsAccumulator for Rows {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        let value = values[0].as_primitive::<Float64Type>();
        let occurred = values[1].as_primitive::<TimestampMicrosecondType>();
        let known = values[2].as_primitive::<TimestampMicrosecondType>();
        let id = values[3].as_string::<i32>();
        for (row, group) in group_indices.iter().enumerate() {
            if !keeps(opt_filter, row) || value.is_null(row) || occurred.is_null(row) {
                continue;
            }
            let occurred_at = occurred.value(row);
            let known_at = known.is_valid(row).then(|| known.value(row));
            let id = id.is_valid(row).then(|| id.value(row).as_bytes());
            let value = value.value(row);
            let best = self.groups[*group];
            let later = best.is_none_or(|best| {
                (best.occurred_at, best.known_at, self.id(&best), best.value)
                    < (occurred_at, known_at, id, value)
            });
            if later {
                let id = id.map(|id| self.keep(id, best.and_then(|best| best.id)));
                self.groups[*group] = Some(Row { occurred_at, known_at, id, value });
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.update_batch(values, group_indices, None, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let rows = self.taken(emit_to).groups;
        Ok(Arc::new(rows.iter().map(|row| row.map(|row| row.value)).collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(self.taken(emit_to).columns())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        states_by_row(Self::default(), values, opt_filter)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.groups.capacity() * size_of::<Option<Row>>() + self.ids.capacity()
    }
}

impl Grouped for Rows {
    const NAME: &'static str = "latest";

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, _, _, _] => Ok(columns().map(|(_, kind)| kind).to_vec()),
            _ => Err(misuse(format!(
                "{} takes four arguments: value, occurred_at, known_at, id",
                Self::NAME
            ))),
        }
    }

    fn answer_type() -> DataType {
        DataType::Float64
    }

    fn state_columns() -> Vec<(&'static str, DataType)> {
        columns().to_vec()
    }

    fn plan(_args: &AccumulatorArgs<'_>) -> Result<Self> {
        Ok(Self::default())
    }

    fn ensure(&mut self, n: usize) {
        self.groups.resize(n.max(self.groups.len()), None);
    }
}
