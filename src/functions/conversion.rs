//! Of those who entered a funnel, how many get to each step, and how fast, when
//! some are still on their way?
//!
//! ```sql
//! SELECT channel, conversion(chain, 4, INTERVAL '30 days', $as_of) AS steps
//! FROM journeys GROUP BY channel
//! -- one element per step
//! ```
//!
//! `conversion(chain, n_steps, window, as_of)` takes the chains that `funnel`
//! answers and counts those that are not empty. Of each step it answers
//!
//! - `customers`: who reached it, and `entrants`: who reached the first;
//! - `matured`, `matured_customers`: entrants whose window had ended by `as_of`,
//!   and who of them reached the step;
//! - `share`, `low`, `high`: the share that reaches the step within the window,
//!   with its 95 % band, by Kaplan and Meier: those still inside their window
//!   count for as long as they were watched, and not as lost. Null if nobody
//!   was watched for a whole window, unless all have reached it. Without a window: up to the longest time
//!   anybody was watched;
//! - `median`, `p90`: microseconds from the first step to this one, of those
//!   who reached it; between two values in proportion.
//!
//! What is kept of a customer is a few numbers, and nothing is unnested: a
//! million entrants of five steps are no row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Builder, Int64Builder, ListArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{
    DataType, Field, FieldRef, Fields, Int64Type, IntervalUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::args::{constant, external, instant_type, misuse, window_micros};
use super::funnel::steps::MOST;
use super::groups::{Function, Grouped, each_list, keeps, lists, range, states_by_row};
use super::history::Event;
use super::kaplan_meier::{CUT_OFF, ENDED, curve};
use super::quantile::quantile;

const NAME: &str = "conversion";

pub(super) fn function() -> AggregateUDF {
    Function::<Records>::new().into()
}

/// A step that was not reached.
const NOT: i64 = -1;

/// What is known of the entrants of each group.
#[derive(Debug, Clone)]
struct Records {
    n_steps: usize,
    window: i64,
    as_of: i64,
    /// Records of equal length, one after the other: how long the entrant was
    /// watched, and after how long each step but the first was reached.
    groups: Vec<Vec<i64>>,
}

impl Records {
    /// Appends the record of a chain; an empty one never entered.
    fn add(&mut self, group: usize, chain: impl Iterator<Item = Option<i64>>) -> Result<()> {
        let mut chain = chain.peekable();
        let Some(start) = chain.peek().copied().flatten() else { return Ok(()) };
        let record = &mut self.groups[group];
        let end = record.len() + self.n_steps;
        record.push(self.as_of - start);
        record.extend(chain.skip(1).map(|at| at.map_or(NOT, |at| at - start)));
        if record.len() > end {
            return Err(misuse(format!("{NAME}: a chain has more than {} steps", self.n_steps)));
        }
        record.resize(end, NOT);
        Ok(())
    }

    /// What is answered of step `step` of a group.
    fn step(&self, records: &[i64], step: usize) -> Result<Step> {
        let mut answer = Step::default();
        let mut times = Vec::new();
        let mut watched = Vec::new();
        for record in records.chunks_exact(self.n_steps) {
            let reached = if step == 0 { 0 } else { record[step] };
            let has_matured = record[0] >= self.window;
            answer.entrants += 1;
            answer.matured += i64::from(has_matured);
            if reached == NOT {
                let at = record[0].clamp(0, self.window);
                watched.push(Event { at, code: CUT_OFF });
            } else {
                answer.customers += 1;
                answer.matured_customers += i64::from(has_matured);
                times.push(reached);
                watched.push(Event { at: reached, code: ENDED });
            }
        }
        times.sort_unstable();
        let times: Vec<f64> = times.into_iter().map(|time| time as f64).collect();
        answer.median = quantile(&times, 0.5);
        answer.p90 = quantile(&times, 0.9);
        watched.sort_unstable();
        let last = curve(&watched).map_err(external)?.pop();
        // While nobody was watched for a whole window, more may still come.
        let known = self.window == i64::MAX || answer.matured > 0;
        answer.share = last
            .filter(|last| known || last.share == 0.0)
            .map(|last| (1.0 - last.share, 1.0 - last.high, 1.0 - last.low));
        Ok(answer)
    }
}

/// What is answered of a step.
#[derive(Debug, Clone, Default, PartialEq)]
struct Step {
    customers: i64,
    entrants: i64,
    matured_customers: i64,
    matured: i64,
    /// Share, low, high.
    share: Option<(f64, f64, f64)>,
    median: Option<f64>,
    p90: Option<f64>,
}

impl Grouped for Records {
    const NAME: &'static str = NAME;

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, _, _, _] => Ok(vec![
                DataType::new_list(instant_type(), true),
                DataType::Int64,
                DataType::Interval(IntervalUnit::MonthDayNano),
                instant_type(),
            ]),
            _ => Err(misuse(format!("{NAME} takes chain, n_steps, window, as_of"))),
        }
    }

    fn answer_type() -> DataType {
        DataType::List(step_field())
    }

    fn state_columns() -> Vec<(&'static str, DataType)> {
        vec![("records", DataType::new_list(DataType::Int64, true))]
    }

    fn plan(args: &AccumulatorArgs<'_>) -> Result<Self> {
        let n_steps = match constant(args, 1, NAME, "n_steps")? {
            ScalarValue::Int64(Some(n)) => {
                usize::try_from(n).ok().filter(|n| (1..=MOST).contains(n))
            }
            _ => None,
        };
        let n_steps =
            n_steps.ok_or_else(|| misuse(format!("{NAME}: n_steps is not from 1 to {MOST}")))?;
        let window = window_micros(&constant(args, 2, NAME, "window")?, NAME)?;
        let as_of = constant(args, 3, NAME, "as_of")?;
        let ScalarValue::TimestampMicrosecond(Some(as_of), _) = as_of else {
            return Err(misuse(format!("{NAME}: as_of is empty")));
        };
        Ok(Self { n_steps, window: window.unwrap_or(i64::MAX), as_of, groups: Vec::new() })
    }

    fn ensure(&mut self, n: usize) {
        if self.groups.len() < n {
            self.groups.resize_with(n, Vec::new);
        }
    }
}

impl GroupsAccumulator for Records {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        let chains = values[0].as_list::<i32>();
        let instants = chains.values().as_primitive::<TimestampMicrosecondType>();
        for (row, group) in group_indices.iter().enumerate() {
            if chains.is_valid(row) && keeps(opt_filter, row) {
                let chain =
                    range(chains, row).map(|at| instants.is_valid(at).then(|| instants.value(at)));
                self.add(*group, chain)?;
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
        each_list::<Int64Type>(&values[0], group_indices, |_, group, numbers| {
            self.groups[group].extend_from_slice(numbers);
            Ok(())
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = emit_to.take_needed(&mut self.groups);
        let mut counts = [(); 4].map(|()| Int64Builder::new());
        let mut numbers = [(); 5].map(|()| Float64Builder::new());
        for records in &groups {
            for step in 0..self.n_steps {
                let step = self.step(records, step)?;
                let values = [step.customers, step.entrants, step.matured_customers, step.matured];
                counts.iter_mut().zip(values).for_each(|(to, value)| to.append_value(value));
                let (share, low, high) =
                    step.share.map_or((None, None, None), |(share, low, high)| {
                        (Some(share), Some(low), Some(high))
                    });
                let values = [share, low, high, step.median, step.p90];
                numbers.iter_mut().zip(values).for_each(|(to, value)| to.append_option(value));
            }
        }
        let counts = counts.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let numbers = numbers.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let steps = StructArray::try_new(step_fields(), counts.chain(numbers).collect(), None)?;
        let lengths = OffsetBuffer::from_lengths(groups.iter().map(|_| self.n_steps));
        Ok(Arc::new(ListArray::try_new(step_field(), lengths, Arc::new(steps), None)?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = emit_to.take_needed(&mut self.groups);
        Ok(vec![lists::<Int64Type>(groups.iter().map(Vec::as_slice))?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        states_by_row(Self { groups: Vec::new(), ..*self }, values, opt_filter)
    }

    fn size(&self) -> usize {
        let numbers: usize = self.groups.iter().map(Vec::capacity).sum();
        size_of_val(self)
            + self.groups.capacity() * size_of::<Vec<i64>>()
            + numbers * size_of::<i64>()
    }
}

fn step_fields() -> Fields {
    let counts = ["customers", "entrants", "matured_customers", "matured"]
        .map(|name| Field::new(name, DataType::Int64, true));
    let numbers = ["share", "low", "high", "median", "p90"]
        .map(|name| Field::new(name, DataType::Float64, true));
    counts.into_iter().chain(numbers).collect()
}

fn step_field() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Struct(step_fields()), true))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::functions::wilson::wilson;

    fn records(n_steps: usize, window: i64, as_of: i64) -> Records {
        Records { n_steps, window, as_of, groups: vec![Vec::new()] }
    }

    fn filled(mut records: Records, chains: &[&[Option<i64>]]) -> Records {
        for chain in chains {
            records.add(0, chain.iter().copied()).unwrap();
        }
        records
    }

    #[test]
    fn those_still_inside_their_window_are_not_counted_as_lost() {
        let chains: [&[Option<i64>]; 5] =
            [&[Some(0), Some(4)], &[Some(0)], &[Some(95)], &[Some(93), Some(95)], &[]];
        let records = filled(records(2, 10, 100), &chains);
        let first = records.step(&records.groups[0], 0).unwrap();
        assert_eq!((first.customers, first.entrants, first.matured), (4, 4, 2));
        assert_eq!(first.share.map(|(share, _, _)| share), Some(1.0));
        let second = records.step(&records.groups[0], 1).unwrap();
        assert_eq!((second.customers, second.matured_customers), (2, 1));
        assert_eq!((second.median, second.p90), (Some(3.0), Some(3.8)));
        // After 2: 3 of 4 left. After 4: 2 of 3. One is cut off at 5.
        let (share, low, high) = second.share.unwrap();
        assert!((share - 0.5).abs() < 1e-12, "{share}");
        assert!(low < share && share < high);
    }

    #[test]
    fn nobody_watched_for_a_whole_window_is_no_share_and_nobody_at_all_neither() {
        let young = filled(records(2, 10, 100), &[&[Some(95), Some(96)], &[Some(97)]]);
        assert_eq!(young.step(&young.groups[0], 1).unwrap().share, None);
        let nobody = filled(records(2, 10, 100), &[&[]]);
        assert_eq!(nobody.step(&nobody.groups[0], 1).unwrap(), Step::default());
    }

    #[test]
    fn with_every_window_over_it_is_the_share_with_its_wilson_interval() {
        let chains: Vec<Vec<Option<i64>>> =
            (0..30).map(|n| if n < 12 { vec![Some(0), Some(n)] } else { vec![Some(0)] }).collect();
        let chains: Vec<&[Option<i64>]> = chains.iter().map(Vec::as_slice).collect();
        let records = filled(records(2, 20, 100), &chains);
        let (share, low, high) = records.step(&records.groups[0], 1).unwrap().share.unwrap();
        let (wilson_low, wilson_high) = wilson(12.0, 30.0).unwrap().unwrap();
        assert!((share - 0.4).abs() < 1e-12);
        assert!((low - wilson_low).abs() < 1e-9 && (high - wilson_high).abs() < 1e-9);
    }

    /// Customers come over two months and convert by a known law; the report is
    /// made on twenty dates. The band holds the truth about 95 times in a
    /// hundred, the interval of the naive share hardly ever.
    #[test]
    fn the_band_covers_the_truth_on_twenty_dates_and_the_naive_share_does_not() {
        const DAY: f64 = 86_400e6;
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(20);
        let (window, mean, limit) = (30.0, 25.0, 0.7);
        // 70 % ever convert, after exponential times.
        let truth = limit * (1.0 - f64::exp(-window / mean));
        let (mut covered, mut naive, mut n) = (0_u32, 0_u32, 0_u32);
        for _ in 0..100 {
            let lives: Vec<(f64, f64)> = (0..300)
                .map(|_| {
                    let start = chance.random::<f64>() * 60.0;
                    let converts = chance.random::<f64>() < limit;
                    let after = -mean * chance.random::<f64>().ln();
                    (start, if converts { after } else { f64::INFINITY })
                })
                .collect();
            for date in 35..55 {
                let as_of = f64::from(date);
                let mut records = records(2, (window * DAY) as i64, (as_of * DAY) as i64);
                for (start, after) in &lives {
                    let reached = *after <= window && start + after <= as_of;
                    let first = Some((start * DAY) as i64);
                    let second = reached.then(|| ((start + after) * DAY) as i64);
                    if *start <= as_of {
                        let chain = [first, second];
                        records.add(0, chain.into_iter().take(1 + usize::from(reached))).unwrap();
                    }
                }
                let step = records.step(&records.groups[0], 1).unwrap();
                let (_, low, high) = step.share.unwrap();
                covered += u32::from(low <= truth && truth <= high);
                let (low, high) =
                    wilson(step.customers as f64, step.entrants as f64).unwrap().unwrap();
                naive += u32::from(low <= truth && truth <= high);
                n += 1;
            }
        }
        let share = f64::from(covered) / f64::from(n);
        assert!((0.93..=0.97).contains(&share), "{share}");
        assert!(naive * 10 < n, "{naive} of {n}");
    }
}
