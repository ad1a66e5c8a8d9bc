//! What is kept of each customer, and how does it become an answer?

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, PrimitiveArray, StringArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, DataType, Decimal128Type, Float64Type, Int32Type,
    Int64Type, TimestampMicrosecondType, UInt64Type,
};
use datafusion::common::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::{NAME, Plan, answer_fields, coerce, state_columns};
use crate::functions::args::misuse;
use crate::functions::calendar::MICROS_PER_DAY;
use crate::functions::groups::{Grouped, keeps, list, range, states_by_row};

const BITS: usize = u64::BITS as usize;
/// No row of that name, or no row at all; before every instant.
const NEVER: i64 = i64::MIN;
/// Quantities are added as whole numbers of this part of one: sums of floats
/// would depend on the order of rows, which compaction changes.
const UNITS: f64 = (1_u64 << 60) as f64;

/// A row of equal length for each group, in one vector.
#[derive(Debug, Clone)]
struct Matrix<T> {
    values: Vec<T>,
    width: usize,
    empty: T,
}

impl<T: Copy> Matrix<T> {
    const fn new(width: usize, empty: T) -> Self {
        Self { values: Vec::new(), width, empty }
    }

    fn rows(&mut self, n: usize) {
        self.values.resize(n * self.width, self.empty);
    }

    /// Makes every row at least `width` long.
    fn widen(&mut self, width: usize, n: usize) {
        if width <= self.width {
            return;
        }
        let mut wider = vec![self.empty; n * width];
        for row in 0..n.min(self.values.len().checked_div(self.width).unwrap_or(0)) {
            let old = &self.values[row * self.width..(row + 1) * self.width];
            wider[row * width..row * width + self.width].copy_from_slice(old);
        }
        *self = Self { values: wider, width, empty: self.empty };
    }

    fn row(&self, group: usize) -> &[T] {
        &self.values[group * self.width..(group + 1) * self.width]
    }

    fn at(&mut self, group: usize, place: usize) -> &mut T {
        &mut self.values[group * self.width + place]
    }

    fn drop_first(&mut self, n: usize) {
        self.values.drain(..n * self.width);
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<T>()
    }
}

/// The customers' usage so far.
///
/// Rows are counted by *rank*: the place of the shortest window they are in, or
/// the number of windows if they are in none. Sums over ranks are the answers.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    plan: Plan,
    /// The rank of each whole day of age, up to the longest window.
    ranks: Vec<usize>,
    /// Every name seen, the asked ones first, and its number.
    names: Vec<String>,
    numbers: HashMap<String, usize>,
    n_groups: usize,
    first: Matrix<i64>,
    last: Matrix<i64>,
    counts: Matrix<i64>,
    /// In units of 2⁻⁶⁰, so that rows of one instant may come in any order.
    quantities: Matrix<i128>,
    by_name: Matrix<i64>,
    /// A bit for each day of age with a row.
    days: Matrix<u64>,
    /// The latest instant of each name.
    newest: Matrix<i64>,
}

impl Tally {
    pub(super) fn new(plan: Plan) -> Self {
        let n_ranks = plan.windows.len() + 1;
        let longest = plan.windows.last().copied().unwrap_or(0);
        let rank = |age: i64| plan.windows.partition_point(|days| *days <= age);
        let mut tally = Self {
            ranks: (0..longest).map(rank).collect(),
            names: Vec::new(),
            numbers: HashMap::new(),
            n_groups: 0,
            first: Matrix::new(1, i64::MAX),
            last: Matrix::new(1, NEVER),
            counts: Matrix::new(n_ranks, 0),
            quantities: Matrix::new(n_ranks, 0),
            by_name: Matrix::new(plan.names.len() * n_ranks, 0),
            days: Matrix::new(0, 0),
            newest: Matrix::new(0, NEVER),
            plan,
        };
        for name in tally.plan.names.clone() {
            tally.number(&name);
        }
        tally
    }

    fn n_ranks(&self) -> usize {
        self.plan.windows.len() + 1
    }

    /// The number of a name.
    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len();
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        // Room to grow, so that many names do not move everything many times.
        if number >= self.newest.width {
            self.newest.widen((number + 1).next_power_of_two().max(16), self.n_groups);
        }
        number
    }

    /// The number of each row's name; `None` for an unknown one.
    fn numbers(&mut self, names: &ArrayRef) -> Vec<Option<usize>> {
        let Some(coded) = names.as_dictionary_opt::<Int32Type>() else {
            let names = names.as_string::<i32>();
            return names.iter().map(|name| name.map(|name| self.number(name))).collect();
        };
        // Each distinct name is looked up once. What stands under a null is any
        // key, so it is looked up with care.
        let values = coded.values().as_string::<i32>();
        let used = coded.occupancy();
        let number = |(place, name): (usize, Option<&str>)| {
            name.filter(|_| used.value(place)).map(|name| self.number(name))
        };
        let by_key: Vec<Option<usize>> = values.iter().enumerate().map(number).collect();
        let keys = coded.keys();
        let known = keys.nulls();
        let rows = keys.values().iter().enumerate().map(|(row, key)| {
            let valid = known.is_none_or(|known| known.is_valid(row));
            by_key.get(key.as_usize()).copied().flatten().filter(|_| valid)
        });
        rows.collect()
    }

    fn check_groups(&mut self, groups: &[usize], n_groups: usize) -> Result<()> {
        self.ensure(n_groups);
        match groups.iter().max() {
            Some(group) if *group >= self.n_groups => {
                Err(misuse("usage: no such group".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Sums over ranks: one element per window, and one for everything.
    fn cumulated<T: Copy + std::ops::AddAssign>(counts: &[T], n_ranks: usize, into: &mut Vec<T>) {
        for counts in counts.chunks_exact(n_ranks) {
            let mut sum = counts[0];
            into.push(sum);
            for count in &counts[1..] {
                sum += *count;
                into.push(sum);
            }
        }
    }

    /// Days with a row, by window.
    fn active_days(&self, group: usize, into: &mut Vec<i64>) {
        let words = self.days.row(group);
        let until = |days: usize| -> i64 {
            let whole = words.iter().take(days / BITS).map(|word| word.count_ones()).sum::<u32>();
            let rest = words
                .get(days / BITS)
                .map_or(0, |word| (word & ((1_u64 << (days % BITS)) - 1)).count_ones());
            i64::from(whole + rest)
        };
        into.extend(self.plan.windows.iter().map(|days| until(days.as_usize())));
        into.push(until(words.len() * BITS));
    }

    /// Distinct names, by window.
    fn breadth(&self, group: usize, into: &mut Vec<i64>) {
        let start = into.len();
        into.resize(start + self.n_ranks(), 0);
        for newest in self.newest.row(group) {
            if *newest != NEVER {
                into[start + self.rank(*newest)] += 1;
            }
        }
        for place in start + 1..into.len() {
            into[place] += into[place - 1];
        }
    }

    /// The bits of the first `n` groups' days.
    fn seen(&self, n: usize) -> Result<ArrayRef> {
        let width = self.days.width;
        lists::<UInt64Type>(self.days.values[..n * width].to_vec(), width, n)
    }

    fn age(&self, at: i64) -> i64 {
        (self.plan.as_of - at).div_euclid(MICROS_PER_DAY)
    }

    fn rank(&self, at: i64) -> usize {
        let age = usize::try_from(self.age(at)).unwrap_or(usize::MAX);
        self.ranks.get(age).copied().unwrap_or(self.plan.windows.len())
    }

    fn n_to_emit(&self, emit_to: EmitTo) -> usize {
        match emit_to {
            EmitTo::All => self.n_groups,
            EmitTo::First(n) => n.min(self.n_groups),
        }
    }

    /// Forgets the first `n` groups; the others move down.
    fn drop_first(&mut self, n: usize) {
        self.n_groups -= n;
        self.first.drop_first(n);
        self.last.drop_first(n);
        self.counts.drop_first(n);
        self.quantities.drop_first(n);
        self.by_name.drop_first(n);
        self.days.drop_first(n);
        self.newest.drop_first(n);
    }

    fn instants(values: &[i64], never: i64) -> ArrayRef {
        let instants = values.iter().map(|at| Some(*at).filter(|at| *at != never));
        let instants: TimestampMicrosecondArray = instants.collect();
        Arc::new(instants.with_timezone("UTC"))
    }
}

/// A list of `width` elements for each group.
fn lists<P: ArrowPrimitiveType>(
    values: Vec<P::Native>,
    width: usize,
    n: usize,
) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(width, n));
    let values = PrimitiveArray::<P>::from_iter_values(values);
    list(Arc::new(values), offsets)
}

impl GroupsAccumulator for Tally {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.check_groups(group_indices, total_num_groups)?;
        let numbers = self.numbers(&values[0]);
        let quantities = values[1].as_primitive::<Float64Type>();
        let quantities = Some(quantities).filter(|all| all.null_count() < all.len());
        let instants = values[2].as_primitive::<TimestampMicrosecondType>();
        let known = instants.nulls();
        let n_asked = self.plan.names.len();
        let n_ranks = self.n_ranks();
        for (row, (at, group)) in instants.values().iter().zip(group_indices).enumerate() {
            let kept = keeps(opt_filter, row) && known.is_none_or(|known| known.is_valid(row));
            let (at, group) = (*at, *group);
            if !kept || at > self.plan.as_of {
                continue;
            }
            let age = self.age(at).as_usize();
            let rank = self.ranks.get(age).copied().unwrap_or(n_ranks - 1);
            if age / BITS >= self.days.width {
                self.days.widen(age / BITS + 4, self.n_groups);
            }
            *self.days.at(group, age / BITS) |= 1 << (age % BITS);
            *self.counts.at(group, rank) += 1;
            let first = self.first.at(group, 0);
            *first = at.min(*first);
            let last = self.last.at(group, 0);
            *last = at.max(*last);
            if let Some(quantities) = quantities
                && quantities.is_valid(row)
            {
                let sum = self.quantities.at(group, rank);
                *sum = sum.saturating_add((quantities.value(row) * UNITS) as i128);
            }
            if let Some(number) = numbers[row] {
                let newest = self.newest.at(group, number);
                *newest = at.max(*newest);
                if number < n_asked {
                    *self.by_name.at(group, number * n_ranks + rank) += 1;
                }
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
        self.check_groups(group_indices, total_num_groups)?;
        let first = values[0].as_primitive::<TimestampMicrosecondType>();
        let last = values[1].as_primitive::<TimestampMicrosecondType>();
        let lists: Vec<&ListArray> = values[2..].iter().map(|column| column.as_list()).collect();
        let [counts, quantities, by_name, days, names, newest] = lists[..] else {
            return Err(misuse("usage: a partial state has eight columns".to_owned()));
        };
        let integers = |lists: &ListArray| lists.values().as_primitive::<Int64Type>().clone();
        let (count_values, by_name_values) = (integers(counts), integers(by_name));
        let newest_values = integers(newest);
        let quantity_values = quantities.values().as_primitive::<Decimal128Type>();
        let day_values = days.values().as_primitive::<UInt64Type>();
        let name_values = names.values().as_string::<i32>();
        for (row, &group) in group_indices.iter().enumerate() {
            if first.is_valid(row) && last.is_valid(row) {
                let mine = self.first.at(group, 0);
                *mine = first.value(row).min(*mine);
                let mine = self.last.at(group, 0);
                *mine = last.value(row).max(*mine);
            }
            for (place, value) in range(counts, row).enumerate() {
                *self.counts.at(group, place) += count_values.value(value);
            }
            for (place, value) in range(quantities, row).enumerate() {
                let sum = self.quantities.at(group, place);
                *sum = sum.saturating_add(quantity_values.value(value));
            }
            for (place, value) in range(by_name, row).enumerate() {
                *self.by_name.at(group, place) += by_name_values.value(value);
            }
            self.days.widen(range(days, row).len(), self.n_groups);
            for (place, value) in range(days, row).enumerate() {
                *self.days.at(group, place) |= day_values.value(value);
            }
            for (name, value) in range(names, row).zip(range(newest, row)) {
                let number = self.number(name_values.value(name));
                let mine = self.newest.at(group, number);
                *mine = newest_values.value(value).max(*mine);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let n = self.n_to_emit(emit_to);
        let n_ranks = self.n_ranks();
        let [mut counts, mut days, mut breadth, mut by_name] = [const { Vec::new() }; 4];
        let mut quantities = Vec::new();
        for group in 0..n {
            Self::cumulated(self.counts.row(group), n_ranks, &mut counts);
            self.active_days(group, &mut days);
            Self::cumulated(self.quantities.row(group), n_ranks, &mut quantities);
            self.breadth(group, &mut breadth);
            Self::cumulated(self.by_name.row(group), n_ranks, &mut by_name);
        }
        let quantities = quantities.into_iter().map(|sum: i128| sum as f64 / UNITS).collect();
        let active = self.last.values[..n].iter().map(|at| *at != NEVER);
        let columns = vec![
            Self::instants(&self.first.values[..n], i64::MAX),
            Self::instants(&self.last.values[..n], NEVER),
            lists::<Int64Type>(counts, n_ranks, n)?,
            lists::<Int64Type>(days, n_ranks, n)?,
            lists::<Float64Type>(quantities, n_ranks, n)?,
            lists::<Int64Type>(breadth, n_ranks, n)?,
            lists::<Int64Type>(by_name, self.by_name.width, n)?,
            self.seen(n)?,
        ];
        // Without a row there is nothing to say: the whole answer is null.
        let answers =
            StructArray::try_new(answer_fields(), columns, Some(active.collect::<NullBuffer>()))?;
        self.drop_first(n);
        Ok(Arc::new(answers))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let n = self.n_to_emit(emit_to);
        let (mut names, mut newest, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for group in 0..n {
            let before = names.len();
            for (name, at) in self.names.iter().zip(self.newest.row(group)) {
                if *at != NEVER {
                    names.push(name.as_str());
                    newest.push(*at);
                }
            }
            lengths.push(names.len() - before);
        }
        let offsets = OffsetBuffer::from_lengths(lengths);
        let columns = vec![
            Self::instants(&self.first.values[..n], i64::MAX),
            Self::instants(&self.last.values[..n], NEVER),
            lists::<Int64Type>(
                self.counts.values[..n * self.n_ranks()].to_vec(),
                self.n_ranks(),
                n,
            )?,
            lists::<Decimal128Type>(
                self.quantities.values[..n * self.n_ranks()].to_vec(),
                self.n_ranks(),
                n,
            )?,
            lists::<Int64Type>(
                self.by_name.values[..n * self.by_name.width].to_vec(),
                self.by_name.width,
                n,
            )?,
            self.seen(n)?,
            list(Arc::new(StringArray::from(names)), offsets.clone())?,
            list(Arc::new(Int64Array::from(newest)), offsets)?,
        ];
        self.drop_first(n);
        Ok(columns)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        states_by_row(Self::new(self.plan.clone()), values, opt_filter)
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.first.size()
            + self.last.size()
            + self.counts.size()
            + self.quantities.size()
            + self.by_name.size()
            + self.days.size()
            + self.newest.size()
    }
}

impl Grouped for Tally {
    const NAME: &'static str = NAME;

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        coerce(given)
    }

    fn answer_type() -> DataType {
        DataType::Struct(answer_fields())
    }

    fn state_columns() -> Vec<(&'static str, DataType)> {
        state_columns().to_vec()
    }

    fn plan(args: &AccumulatorArgs<'_>) -> Result<Self> {
        Ok(Self::new(Plan::of(args)?))
    }

    fn ensure(&mut self, n: usize) {
        if n > self.n_groups {
            self.n_groups = n;
            self.first.rows(n);
            self.last.rows(n);
            self.counts.rows(n);
            self.quantities.rows(n);
            self.by_name.rows(n);
            self.days.rows(n);
            self.newest.rows(n);
        }
    }
}
