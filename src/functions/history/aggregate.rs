//! How does a measure become a function of DataFusion?

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};

use super::{Collector, Measure, event_field};
use crate::functions::args::misuse;

/// The same for a query without GROUP BY: a collector with one group.
#[derive(Debug)]
pub(super) struct Single<M>(Collector<M>);

impl<M: Measure> Single<M> {
    pub(super) fn new(measure: M) -> Self {
        Self(Collector::new(measure))
    }
}

impl<M: Measure> Accumulator for Single<M> {
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
        let histories = self.0.histories(1);
        ScalarValue::try_from_array(&self.0.measure.answer(&histories)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = self.0.histories(1).into_state()?;
        Ok(vec![ScalarValue::try_from_array(&state, 0)?])
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

/// A measure as a DataFusion aggregate function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::functions) struct Aggregate<M> {
    signature: Signature,
    measure: PhantomData<M>,
}

impl<M> Aggregate<M> {
    pub(in crate::functions) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), measure: PhantomData }
    }
}

impl<M: Measure> AggregateUDFImpl for Aggregate<M> {
    fn name(&self) -> &str {
        M::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        M::coerce(given)
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(M::answer_type())
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "events");
        let state = Field::new(name, DataType::List(event_field()), true);
        Ok(vec![Arc::new(state)])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Single::new(plan::<M>(&args)?)))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Collector::new(plan::<M>(&args)?)))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

fn plan<M: Measure>(args: &AccumulatorArgs<'_>) -> Result<M> {
    if args.is_distinct {
        return Err(misuse(format!("{} does not take DISTINCT", M::NAME)));
    }
    M::plan(args)
}
