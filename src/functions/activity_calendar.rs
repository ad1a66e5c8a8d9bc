//! On which days are customers active, and on which is everybody away?
//!
//! ```sql
//! SELECT activity_calendar(u['seen']) AS calendar FROM used  -- one row of usage() per customer
//! ```
//!
//! A customer who was silent over the spring festival, in August or in the week
//! after new year is not on the way out: everybody was. `activity_calendar(seen)`
//! reads from all customers how much each of the 365 days before a cutoff was
//! worth, and `busy_days(calendar, age)` (see `busy_days.rs`) counts days by that.
//!
//! `seen` is the field of [`usage`](super::usage) with a bit for each day of age
//! on which the customer was active. On a day,
//!
//! - *watched* is who was active on one of the 90 days before it and was first
//!   seen at least 30 days before it: newcomers are busier than they will be;
//! - the *rate* is the share of them who were active that day.
//!
//! Both are counted over seven days, the day in the middle (the last three days
//! share the newest whole seven), so that weekdays and weekends weigh the same: a
//! calendar of weeks, festivals and seasons. A day weighs its rate over that of
//! the whole year; 10 active customers are added on both sides, so that a store
//! of a few customers has days of nearly equal weight instead of chance. Days on
//! which nobody is watched weigh 1, as does each day before the 365.
//!
//! The answer is the list of the 366 sums of weights of the days younger than an
//! age of 0, 1, …, 365 days. What is added up on the way are whole numbers, so
//! the answer does not depend on the order of rows nor on the number of threads.

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use datafusion::common::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::args::misuse;
use super::groups::{Function, Grouped, each_list, keeps, lists, states_by_row};

const NAME: &str = "activity_calendar";

/// Days of a calendar.
pub(super) const YEAR: usize = 365;
/// Days over which a day's rate is counted.
const WEEK: usize = 7;
/// Days counted: those of the year, and those around the oldest.
const COUNTED: usize = YEAR + WEEK / 2;
/// Days after their first for which customers are newcomers.
const NEWCOMER: usize = 30;
/// Days without activity after which nobody is watched any longer.
const WATCHED: usize = 90;
/// Customers added to those active in a week, and to those expected.
const ADDED: f64 = 10.0;

pub(super) fn function() -> AggregateUDF {
    Function::<Days>::new().into()
}

/// Customers active and watched on each day of age, by group: first the active ones
/// of all days, then for each day by how many those watched are more than on the day
/// younger by one.
#[derive(Debug, Clone, Default)]
struct Days {
    groups: Vec<Vec<i64>>,
}

const WIDTH: usize = 2 * COUNTED;

/// Days of age with a bit, the oldest first.
fn ages(seen: &[u64]) -> impl Iterator<Item = usize> {
    const BITS: usize = u64::BITS as usize;
    seen.iter().enumerate().rev().flat_map(|(place, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = left.checked_ilog2()? as usize;
            left &= !(1 << bit);
            Some(place * BITS + bit)
        })
    })
}

/// Adds one customer.
fn count(seen: &[u64], counts: &mut [i64]) {
    let (active, watched) = counts.split_at_mut(COUNTED);
    let mut ages = ages(seen).peekable();
    let Some(first) = ages.peek().copied() else { return };
    // No day older than this is one of theirs.
    let Some(oldest) = first.checked_sub(NEWCOMER) else { return };
    // Ages this high and higher are already watched, through an older day.
    let mut done = usize::MAX;
    for age in ages {
        if age <= oldest && age < COUNTED {
            active[age] += 1;
        }
        let to = age.min(oldest + 1).min(COUNTED).min(done);
        let from = age.saturating_sub(WATCHED).min(to);
        if from < to {
            watched[from] += 1;
            if to < COUNTED {
                watched[to] -= 1;
            }
        }
        done = done.min(from);
    }
}

/// The sums of weights up to each age.
fn calendar(counts: &[i64]) -> Vec<f64> {
    let (active, more) = counts.split_at(COUNTED);
    let watched: Vec<i64> = more
        .iter()
        .scan(0, |watched, more| {
            *watched += more;
            Some(*watched)
        })
        .collect();
    let sum = |counts: &[i64]| counts.iter().sum::<i64>() as f64;
    let (all_active, all_watched) = (sum(&active[..YEAR]), sum(&watched[..YEAR]));
    let rate = if all_watched > 0.0 { all_active / all_watched } else { 0.0 };
    let mut sums = vec![0.0];
    let mut total = 0.0;
    for age in 0..YEAR {
        let from = age.saturating_sub(WEEK / 2);
        let week = from..from + WEEK;
        total += (sum(&active[week.clone()]) + ADDED) / (rate * sum(&watched[week]) + ADDED);
        sums.push(total);
    }
    sums
}

impl GroupsAccumulator for Days {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        each_list::<UInt64Type>(&values[0], group_indices, |row, group, seen| {
            if keeps(opt_filter, row) {
                count(seen, &mut self.groups[group]);
            }
            Ok(())
        })
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        each_list::<Int64Type>(&values[0], group_indices, |_, group, counts| {
            for (mine, theirs) in self.groups[group].iter_mut().zip(counts) {
                *mine += theirs;
            }
            Ok(())
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = emit_to.take_needed(&mut self.groups);
        let calendars: Vec<Vec<f64>> = groups.iter().map(|counts| calendar(counts)).collect();
        lists::<Float64Type>(calendars.iter().map(Vec::as_slice))
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
        states_by_row(Self::default(), values, opt_filter)
    }

    fn size(&self) -> usize {
        let each = size_of::<Vec<i64>>() + WIDTH * size_of::<i64>();
        size_of_val(self) + self.groups.len() * each
    }
}

/// The type of a calendar.
pub(super) fn calendar_type() -> DataType {
    DataType::new_list(DataType::Float64, true)
}

impl Grouped for Days {
    const NAME: &'static str = NAME;

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_] => Ok(vec![DataType::new_list(DataType::UInt64, true)]),
            _ => Err(misuse(format!("{NAME} takes one argument: seen, as usage() gives it"))),
        }
    }

    fn answer_type() -> DataType {
        calendar_type()
    }

    fn state_columns() -> Vec<(&'static str, DataType)> {
        vec![("counts", DataType::new_list(DataType::Int64, true))]
    }

    fn plan(_args: &AccumulatorArgs<'_>) -> Result<Self> {
        Ok(Self::default())
    }

    fn ensure(&mut self, n: usize) {
        if self.groups.len() < n {
            self.groups.resize_with(n, || vec![0; WIDTH]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::ListArray;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Bits of days of age.
    fn seen(ages: impl IntoIterator<Item = usize>) -> Vec<u64> {
        let mut words = vec![0; 16];
        for age in ages {
            words[age / 64] |= 1 << (age % 64);
        }
        words
    }

    fn of(customers: &[Vec<u64>]) -> Vec<i64> {
        let mut counts = vec![0; WIDTH];
        for customer in customers {
            count(customer, &mut counts);
        }
        counts
    }

    fn weights(customers: &[Vec<u64>]) -> Vec<f64> {
        calendar(&of(customers)).windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Days as the definition says them, one day and one customer after the other.
    fn twin(ages: &[usize], day: usize) -> (bool, bool) {
        let known = ages.iter().max().is_some_and(|first| *first >= day + NEWCOMER);
        let watched = ages.iter().any(|age| (day + 1..=day + WATCHED).contains(age));
        (known && ages.contains(&day), known && watched)
    }

    #[test]
    fn days_are_counted_as_the_definition_says() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        for _ in 0..200 {
            let (n, span) = (rng.random_range(0..40), rng.random_range(1..900));
            let ages: Vec<usize> = (0..n).map(|_| rng.random_range(0..span)).collect();
            let counts = of(&[seen(ages.iter().copied())]);
            let mut watched = 0;
            for day in 0..COUNTED {
                watched += counts[COUNTED + day];
                let (is_active, is_watched) = twin(&ages, day);
                assert_eq!((counts[day], watched), (is_active.into(), is_watched.into()), "{day}");
            }
        }
    }

    #[test]
    fn a_festival_weighs_little_and_the_days_around_it_as_ever() {
        let holidays = 100..115;
        let all: Vec<Vec<u64>> = (0..2_000)
            .map(|customer| {
                seen((0..800).filter(|day| (day + customer) % 4 == 0 && !holidays.contains(day)))
            })
            .collect();
        let weights = weights(&all);
        assert!(weights[107] < 0.03, "{}", weights[107]);
        assert!((weights[50] - 365.0 / 350.0).abs() < 0.01, "{}", weights[50]);
        assert!((weights.iter().sum::<f64>() - 365.0).abs() < 2.0);
    }

    #[test]
    fn weekends_weigh_as_much_as_weekdays() {
        let all: Vec<Vec<u64>> =
            (0..500).map(|_| seen((0..800).filter(|day| day % 7 > 1))).collect();
        let weights = weights(&all);
        assert!(weights.iter().all(|weight| (weight - weights[0]).abs() < 1e-12));
        // A year is a day longer than its weeks.
        assert!((weights[0] - 1.0).abs() < 0.01, "{}", weights[0]);
    }

    #[test]
    fn days_of_few_customers_weigh_nearly_the_same_and_days_of_none_do() {
        assert!(weights(&[]).iter().all(|weight| *weight == 1.0));
        let one = weights(&[seen((0..800).step_by(3).filter(|day| !(90..110).contains(day)))]);
        assert!(one.iter().all(|weight| (0.7..1.1).contains(weight)), "{one:?}");
    }

    /// Customers split over accumulators in any way, with some left out.
    #[test]
    fn a_merge_says_what_one_pass_says() {
        let customers: Vec<Option<Vec<Option<u64>>>> = (0..40)
            .map(|number: usize| {
                let ages = (0..700).step_by(2 + number % 7).map(|age| age + number);
                let words = seen(ages).into_iter().map(Some).collect();
                (!number.is_multiple_of(5)).then_some(words)
            })
            .collect();
        let array = |rows: &[Option<Vec<Option<u64>>>]| -> ArrayRef {
            Arc::new(ListArray::from_iter_primitive::<UInt64Type, _, _>(rows.iter().cloned()))
        };
        let keep = BooleanArray::from_iter((0..40).map(|row| Some(row % 3 > 0)));
        let mut whole = Days::default();
        whole.update_batch(&[array(&customers)], &[0; 40], Some(&keep), 1).unwrap();
        let expected = whole.clone().evaluate(EmitTo::All).unwrap();
        for at in [0, 1, 17, 40] {
            let mut merged = Days::default();
            for (rows, keep) in
                [(&customers[at..], keep.slice(at, 40 - at)), (&customers[..at], keep.slice(0, at))]
            {
                let mut part = Days::default();
                let groups = vec![1; rows.len()];
                part.update_batch(&[array(rows)], &groups, Some(&keep), 2).unwrap();
                let states = part.state(EmitTo::First(2)).unwrap();
                merged.merge_batch(&states, &[1, 0], 2).unwrap();
            }
            let answers = merged.evaluate(EmitTo::All).unwrap();
            assert_eq!(answers.slice(0, 1).as_ref(), expected.as_ref(), "{at}");
        }
        let rows = Days::default().convert_to_state(&[array(&customers)], Some(&keep)).unwrap();
        let mut merged = Days::default();
        merged.merge_batch(&rows, &[0; 40], 1).unwrap();
        assert_eq!(merged.evaluate(EmitTo::All).unwrap().as_ref(), expected.as_ref());
    }
}
