//! What do aggregates over groups do alike?
//!
//! Each of ours is written once, as a `GroupsAccumulator`. Here is what then
//! follows by itself: the accumulator of a query without GROUP BY, the partial
//! states of rows passed on one by one, and which rows a FILTER keeps.

use arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

/// Whether a FILTER keeps a row: it has to be true, not unknown.
pub(super) fn keeps(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|keep| keep.is_valid(row) && keep.value(row))
}

/// The partial states of rows that are a group of their own each, through
/// `empty`, an accumulator without groups.
pub(super) fn states_by_row(
    mut empty: impl GroupsAccumulator,
    values: &[ArrayRef],
    filter: Option<&BooleanArray>,
) -> Result<Vec<ArrayRef>> {
    let n = values.first().map_or(0, |column| column.len());
    let groups: Vec<usize> = (0..n).collect();
    empty.update_batch(values, &groups, filter, n)?;
    empty.state(EmitTo::All)
}

/// An accumulator that can begin groups before they have rows.
pub(super) trait Grouped:
    GroupsAccumulator + Clone + std::fmt::Debug + Sync + 'static
{
    /// Makes room for `n` groups.
    fn ensure(&mut self, n: usize);
}

/// A query without GROUP BY: one group.
#[derive(Debug)]
pub(super) struct Ungrouped<G>(G);

impl<G: Grouped> Ungrouped<G> {
    pub(super) fn new(mut groups: G) -> Self {
        groups.ensure(1);
        Self(groups)
    }
}

impl<G: Grouped> Accumulator for Ungrouped<G> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let n = values.first().map_or(0, |column| column.len());
        self.0.update_batch(values, &vec![0; n], None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let n = states.first().map_or(0, |column| column.len());
        self.0.merge_batch(states, &vec![0; n], 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        // A growing window evaluates after every row: nothing may be taken out.
        ScalarValue::try_from_array(&self.0.clone().evaluate(EmitTo::All)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let columns = self.0.clone().state(EmitTo::All)?;
        columns.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}
