//! What do aggregates over groups do alike?
//!
//! Each of ours is written once, as a `GroupsAccumulator` that is [`Grouped`].
//! Here is what then follows by itself: the function DataFusion calls, the
//! accumulator of a query without GROUP BY, the partial states of rows passed on
//! one by one, which rows a FILTER keeps, and lists of numbers as states.

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, PrimitiveArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{ArrowNativeType, ArrowPrimitiveType, DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use super::args::misuse;

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

/// The elements of row `row` of a list column.
pub(super) fn range(lists: &ListArray, row: usize) -> Range<usize> {
    let offsets = lists.value_offsets();
    offsets[row].as_usize()..offsets[row + 1].as_usize()
}

/// Lists of `values`, one after the other.
pub(super) fn list(values: ArrayRef, offsets: OffsetBuffer<i32>) -> Result<ArrayRef> {
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, None)?))
}

/// A list of the numbers of each group.
pub(super) fn lists<'a, P: ArrowPrimitiveType>(
    groups: impl Iterator<Item = &'a [P::Native]> + Clone,
) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::from_lengths(groups.clone().map(<[P::Native]>::len));
    let values = PrimitiveArray::<P>::from_iter_values(groups.flatten().copied());
    list(Arc::new(values), offsets)
}

/// Calls `visit` with each row's number, group and list of numbers; a null list
/// is passed over.
pub(super) fn each_list<P: ArrowPrimitiveType>(
    lists: &ArrayRef,
    groups: &[usize],
    mut visit: impl FnMut(usize, usize, &[P::Native]) -> Result<()>,
) -> Result<()> {
    let lists = lists.as_list::<i32>();
    let values = lists.values().as_primitive::<P>().values();
    for (row, group) in groups.iter().enumerate() {
        if lists.is_valid(row) {
            visit(row, *group, &values[range(lists, row)])?;
        }
    }
    Ok(())
}

/// An accumulator that can begin groups before they have rows, and what
/// DataFusion asks about its function.
pub(super) trait Grouped:
    GroupsAccumulator + Clone + std::fmt::Debug + Sync + 'static
{
    /// The name of the function in SQL.
    const NAME: &'static str;

    /// The types the arguments are cast to.
    fn coerce(given: &[DataType]) -> Result<Vec<DataType>>;

    /// The type of the answer.
    fn answer_type() -> DataType;

    /// The columns of a partial state.
    fn state_columns() -> Vec<(&'static str, DataType)>;

    /// An accumulator without groups, for the constant arguments given.
    fn plan(args: &AccumulatorArgs<'_>) -> Result<Self>;

    /// Makes room for `n` groups.
    fn ensure(&mut self, n: usize);
}

/// An accumulator as a DataFusion aggregate function.
#[derive(Debug)]
pub(super) struct Function<G> {
    signature: Signature,
    groups: PhantomData<fn() -> G>,
}

impl<G> Function<G> {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), groups: PhantomData }
    }
}

/// Functions of one type are the same function.
impl<G> PartialEq for Function<G> {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl<G> Eq for Function<G> {}

impl<G: Grouped> Hash for Function<G> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        G::NAME.hash(state);
    }
}

impl<G: Grouped> AggregateUDFImpl for Function<G> {
    fn name(&self) -> &str {
        G::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        G::coerce(given)
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(G::answer_type())
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |(name, kind): (&str, DataType)| -> FieldRef {
            Arc::new(Field::new(format_state_name(args.name, name), kind, true))
        };
        Ok(G::state_columns().into_iter().map(field).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Ungrouped::new(plan::<G>(&args)?)))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(plan::<G>(&args)?))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

fn plan<G: Grouped>(args: &AccumulatorArgs<'_>) -> Result<G> {
    if args.is_distinct {
        return Err(misuse(format!("{} does not take DISTINCT", G::NAME)));
    }
    G::plan(args)
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
