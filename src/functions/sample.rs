//! How does an aggregate that needs all values at once keep them?
//!
//! A law is fitted to all customers of a group. So the arguments of each row
//! are kept, as numbers one after the other, and sorted before use: partial
//! states merge in any order.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, ListArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::args::misuse;
use super::fit::Fitted;
use super::groups::{Function, Grouped, each_list, keeps, list, lists, states_by_row};

/// What is computed from a sample of rows with `N` numbers each.
pub(super) trait Estimate<const N: usize>:
    Debug + Clone + Copy + Default + Eq + Hash + Send + Sync + 'static
{
    /// The name of the function in SQL.
    const NAME: &'static str;

    /// The type of the answer.
    fn answer_type() -> DataType;

    /// One answer for each sample; its rows are sorted.
    fn answer(samples: &[Vec<[f64; N]>]) -> Result<ArrayRef>;
}

/// An estimate as a DataFusion aggregate function. A row with a null does not
/// count.
pub(super) type Sampled<E, const N: usize> = Function<Samples<E, N>>;

/// The rows of each group.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples<E, const N: usize> {
    groups: Vec<Vec<[f64; N]>>,
    estimate: PhantomData<E>,
}

impl<E: Estimate<N>, const N: usize> Grouped for Samples<E, N> {
    const NAME: &'static str = E::NAME;

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        let is_number = |kind: &DataType| {
            kind.is_numeric() || matches!(kind, DataType::Boolean | DataType::Null)
        };
        match given.len() == N && given.iter().all(is_number) {
            true => Ok(vec![DataType::Float64; N]),
            false => Err(misuse(format!("{} takes {N} numbers", E::NAME))),
        }
    }

    fn answer_type() -> DataType {
        E::answer_type()
    }

    fn state_columns() -> Vec<(&'static str, DataType)> {
        vec![("rows", DataType::new_list(DataType::Float64, true))]
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

impl<E: Estimate<N>, const N: usize> GroupsAccumulator for Samples<E, N> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        let columns: [&Float64Array; N] =
            std::array::from_fn(|place| values[place].as_primitive::<Float64Type>());
        for (row, group) in group_indices.iter().enumerate() {
            if keeps(opt_filter, row) && columns.iter().all(|column| column.is_valid(row)) {
                self.groups[*group].push(columns.map(|column| column.value(row)));
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
        self.ensure(total_num_groups);
        each_list::<Float64Type>(&values[0], group_indices, |_, group, numbers| {
            self.groups[group].extend_from_slice(numbers.as_chunks::<N>().0);
            Ok(())
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut samples = emit_to.take_needed(&mut self.groups);
        for rows in &mut samples {
            rows.sort_unstable_by(|a, b| by_numbers(a, b));
        }
        E::answer(&samples)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = emit_to.take_needed(&mut self.groups);
        Ok(vec![lists::<Float64Type>(groups.iter().map(|rows| rows.as_flattened()))?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        states_by_row(Self::default(), values, opt_filter)
    }

    fn size(&self) -> usize {
        let rows: usize = self.groups.iter().map(Vec::capacity).sum();
        size_of_val(self)
            + self.groups.capacity() * size_of::<Vec<[f64; N]>>()
            + rows * size_of::<[f64; N]>()
    }
}

/// The order of rows by their numbers, the first of them first. Sums over sorted
/// rows do not depend on the order in which they came.
pub(super) fn by_numbers(a: &[f64], b: &[f64]) -> Ordering {
    let orders = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
    orders.fold(Ordering::Equal, Ordering::then)
}

/// The type of a law: its parameters by name.
pub(super) fn law_type(parameters: &[&str]) -> DataType {
    DataType::Struct(law_fields(parameters))
}

fn law_fields(parameters: &[&str]) -> Fields {
    parameters.iter().map(|name| Field::new(*name, DataType::Float64, true)).collect()
}

/// The type of a fit: the law, how likely it makes what was seen, of how many
/// rows, and the parameters of samples drawn anew, one after the other.
pub(super) fn fit_type(parameters: &[&str]) -> DataType {
    DataType::Struct(fit_fields(parameters))
}

fn fit_fields(parameters: &[&str]) -> Fields {
    Fields::from(vec![
        Field::new("law", law_type(parameters), true),
        Field::new("log_likelihood", DataType::Float64, true),
        Field::new("customers", DataType::Int64, true),
        Field::new("draws", draws_type(), true),
    ])
}

/// The type of the parameters of samples drawn anew.
pub(super) fn draws_type() -> DataType {
    DataType::new_list(DataType::Float64, true)
}

/// Fitted laws as an array of structs, with the rows each was fitted to.
pub(super) fn fit_array<const N: usize>(
    parameters: &[&str; N],
    laws: &[(usize, Option<Fitted<N>>)],
) -> Result<ArrayRef> {
    let number = |value: &dyn Fn(&Fitted<N>) -> f64| -> ArrayRef {
        Arc::new(laws.iter().map(|(_, law)| law.as_ref().map(value)).collect::<Float64Array>())
    };
    let known: NullBuffer = laws.iter().map(|(_, law)| law.is_some()).collect();
    let numbers = (0..N).map(|place| number(&|law| law.parameters[place])).collect();
    let law = StructArray::try_new(law_fields(parameters), numbers, Some(known.clone()))?;
    let counts = laws.iter().map(|(n, _)| i64::try_from(*n).ok());
    let drawn = |law: &Option<Fitted<N>>| law.as_ref().map_or(0, |law| law.draws.len() * N);
    let lengths = OffsetBuffer::from_lengths(laws.iter().map(|(_, law)| drawn(law)));
    let draws = laws.iter().filter_map(|(_, law)| law.as_ref());
    let draws = draws.flat_map(|law| law.draws.as_flattened()).copied().map(Some);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(law),
        number(&|law| law.log_likelihood),
        Arc::new(counts.collect::<Int64Array>()),
        list(Arc::new(draws.collect::<Float64Array>()), lengths)?,
    ];
    Ok(Arc::new(StructArray::try_new(fit_fields(parameters), columns, Some(known))?))
}

/// The parameters of the law in row `row`.
pub(super) fn read_law<const N: usize>(laws: &StructArray, row: usize) -> Option<[f64; N]> {
    let number = |place: usize| {
        let column = laws.column(place).as_primitive::<Float64Type>();
        column.is_valid(row).then(|| column.value(row))
    };
    let mut law = [0.0; N];
    for (place, parameter) in law.iter_mut().enumerate() {
        *parameter = number(place).filter(|_| laws.is_valid(row))?;
    }
    Some(law)
}

/// The parameters of samples drawn anew in row `row`.
pub(super) fn read_draws<const N: usize>(draws: &ListArray, row: usize) -> Vec<[f64; N]> {
    if draws.is_null(row) {
        return Vec::new();
    }
    draws.value(row).as_primitive::<Float64Type>().values().as_chunks::<N>().0.to_vec()
}
