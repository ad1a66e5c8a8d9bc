//! How many customers of a cohort are retained at each age?
//!
//! ```sql
//! SELECT cohort, count(*) AS cohort_size, retained(ages, 'on') AS retained
//! FROM histories GROUP BY cohort
//! -- retained = [120, 64, 51]: 64 customers were active at age 1
//! ```
//!
//! `retained(ages, kind)` takes the ages at which each customer was active, as
//! `retention` answers them (distinct, in order, from 0), and counts customers
//! by age, from age 0 to the last that has any: `List<Int64>`. The kinds are
//!
//! - `on`: active at that age,
//! - `on_or_after`: active at it or later,
//! - `every`: active at every age up to it.
//!
//! Counting in place of unnesting: a million customers with twenty ages each
//! are twenty million additions and no row.

use std::str::FromStr;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::args::{constant, external, misuse};
use super::groups::{Function, Grouped, each_list, keeps, lists, states_by_row};
use crate::error::{Error, ErrorKind};

const NAME: &str = "retained";

pub(super) fn function() -> AggregateUDF {
    Function::<Counts>::new().into()
}

/// What counts as retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    On,
    OnOrAfter,
    Every,
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "on" => Ok(Self::On),
            "on_or_after" => Ok(Self::OnOrAfter),
            "every" => Ok(Self::Every),
            _ => Err(Error::new(ErrorKind::Usage, format!("\"{name}\" is no kind of retention"))
                .hint_nearest(name, ["on", "on_or_after", "every"])
                .hint("kinds are on, on_or_after and every")),
        }
    }
}

impl Kind {
    /// Counts one customer. For the two kinds that hold at every age up to some
    /// last one, only that one is counted; [`Kind::finish`] carries it down.
    fn count(self, ages: &[i64], counts: &mut Vec<i64>) -> Result<()> {
        match self {
            Self::On => ages.iter().try_for_each(|age| add(counts, *age, 1)),
            Self::OnOrAfter => ages.last().map_or(Ok(()), |last| add(counts, *last, 1)),
            Self::Every => {
                let unbroken = ages.iter().zip(0..).take_while(|(age, place)| *age == place);
                unbroken.last().map_or(Ok(()), |(last, _)| add(counts, *last, 1))
            }
        }
    }

    fn finish(self, counts: &mut [i64]) {
        if self != Self::On {
            let mut later = 0;
            for count in counts.iter_mut().rev() {
                later += *count;
                *count = later;
            }
        }
    }
}

/// The ages of a million years of days: a list beyond it is no list of ages.
const LONGEST: usize = 366_000_000;

fn add(counts: &mut Vec<i64>, age: i64, customers: i64) -> Result<()> {
    let place = usize::try_from(age).ok().filter(|place| *place < LONGEST);
    let Some(place) = place else {
        return Err(misuse(format!("{NAME}: {age} is no age: ages count periods from 0")));
    };
    if counts.len() <= place {
        counts.resize(place + 1, 0);
    }
    counts[place] += customers;
    Ok(())
}

/// Customers by age, for each group.
#[derive(Debug, Clone)]
struct Counts {
    kind: Kind,
    groups: Vec<Vec<i64>>,
}

impl Counts {
    const fn new(kind: Kind) -> Self {
        Self { kind, groups: Vec::new() }
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Vec<i64>> {
        emit_to.take_needed(&mut self.groups)
    }
}

impl GroupsAccumulator for Counts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        let Self { kind, groups } = self;
        each_list::<Int64Type>(&values[0], group_indices, |row, group, ages| {
            if keeps(opt_filter, row) { kind.count(ages, &mut groups[group]) } else { Ok(()) }
        })
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        each_list::<Int64Type>(&values[0], group_indices, |_, group, partial| {
            let mut counts = partial.iter().zip(0..);
            counts.try_for_each(|(customers, age)| add(&mut self.groups[group], age, *customers))
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut groups = self.take(emit_to);
        groups.iter_mut().for_each(|counts| self.kind.finish(counts));
        lists::<Int64Type>(groups.iter().map(Vec::as_slice))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.take(emit_to);
        Ok(vec![lists::<Int64Type>(groups.iter().map(Vec::as_slice))?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        states_by_row(Self::new(self.kind), values, opt_filter)
    }

    fn size(&self) -> usize {
        let counts: usize = self.groups.iter().map(|counts| counts.capacity()).sum();
        size_of_val(self)
            + self.groups.capacity() * size_of::<Vec<i64>>()
            + counts * size_of::<i64>()
    }
}

impl Grouped for Counts {
    const NAME: &'static str = NAME;

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, _] => Ok(vec![DataType::new_list(DataType::Int64, true), DataType::Utf8]),
            _ => Err(misuse("retained takes two arguments: ages, kind".to_owned())),
        }
    }

    fn answer_type() -> DataType {
        DataType::new_list(DataType::Int64, true)
    }

    fn state_columns() -> Vec<(&'static str, DataType)> {
        vec![("counts", Self::answer_type())]
    }

    fn plan(args: &AccumulatorArgs<'_>) -> Result<Self> {
        match constant(args, 1, NAME, "kind")? {
            ScalarValue::Utf8(Some(kind)) => kind.parse().map(Self::new).map_err(external),
            _ => Err(misuse(format!("{NAME}: kind is empty"))),
        }
    }

    fn ensure(&mut self, n: usize) {
        self.groups.resize(n.max(self.groups.len()), Vec::new());
    }
}
