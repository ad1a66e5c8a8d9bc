//! How does an aggregate remember millions of customers' histories?
//!
//! A funnel can not be answered row by row: which of three sign-ups counts is
//! known only when all rows of the customer are. So `funnel` and `retention`
//! keep what they need of each row, an [`Event`] of twelve bytes tagged with its
//! customer, and compute when all are there.
//!
//! The events of all customers lie in one vector and are sorted once: no
//! allocation per customer, and rows that already come by customer and time, as
//! the store lays them out, sort in linear time. A bag of events has no order,
//! so partial states merge in any order and any split of the rows gives the
//! same answer.
//!
//! A [`Measure`] says what to keep and how to answer; `Aggregate` makes it a
//! DataFusion function. A window with a moving start is refused by DataFusion,
//! because a bag can not cheaply forget.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, StructArray, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{ArrowNativeType, DataType, Field, FieldRef, Fields, Int64Type, UInt32Type};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::args::{external, misuse};
use super::groups::{Function, Grouped, keeps, states_by_row};
use crate::error::{Error, ErrorKind};

#[cfg(test)]
pub(super) mod laws;

/// A measure as a DataFusion aggregate function.
pub(super) type Aggregate<M> = Function<Collector<M>>;

/// What is kept of one row: when, and which of a few kinds it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    /// The instant, or the ordinal of its period.
    pub at: i64,
    /// The kind, as the measure numbers them.
    pub code: u32,
}

/// What an aggregate over one customer's history keeps and answers.
pub(super) trait Measure: Debug + Clone + Eq + Hash + Send + Sync + 'static {
    /// The name of the function in SQL.
    const NAME: &'static str;
    /// Whether equal events count once, so that only one need be kept.
    const DISTINCT: bool;

    /// The types the arguments are cast to.
    fn coerce(given: &[DataType]) -> Result<Vec<DataType>>;

    /// The type of the answer.
    fn answer_type() -> DataType;

    /// Reads the constant arguments.
    fn plan(args: &AccumulatorArgs<'_>) -> Result<Self>;

    /// Calls `keep` with each row that matters and its event.
    fn read(
        &self,
        columns: &[ArrayRef],
        keep: impl FnMut(usize, Event) -> Result<()>,
    ) -> Result<()>;

    /// One answer per history, in their order.
    fn answer(&self, histories: &Histories) -> Result<ArrayRef>;
}

/// The sorted events of consecutive groups.
#[derive(Debug, Default)]
pub(super) struct Histories {
    events: Vec<Event>,
    ends: Vec<usize>,
}

impl Histories {
    /// The events of each group, earliest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[Event]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.events[start..*end])
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many events they have together.
    pub(super) fn n_events(&self) -> usize {
        self.events.len()
    }

    /// One list of events per group: the form in which partial states travel.
    fn into_state(self) -> Result<ArrayRef> {
        if i32::try_from(self.events.len()).is_err() {
            return Err(external(Error::new(
                ErrorKind::Limit,
                "a partial state of more than 2³¹ events",
            )));
        }
        let lengths = self.iter().map(<[Event]>::len);
        let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
        let at: Int64Array = self.events.iter().map(|event| event.at).collect();
        let code: UInt32Array = self.events.iter().map(|event| event.code).collect();
        let events = StructArray::try_new(
            event_fields(),
            vec![Arc::new(at) as ArrayRef, Arc::new(code)],
            None,
        )?;
        let lists = ListArray::try_new(event_field(), offsets, Arc::new(events), None)?;
        Ok(Arc::new(lists))
    }
}

fn event_fields() -> Fields {
    Fields::from(vec![
        Field::new("at", DataType::Int64, false),
        Field::new("code", DataType::UInt32, false),
    ])
}

fn event_field() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Struct(event_fields()), false))
}

/// An event and the group it belongs to, flat so that it takes sixteen bytes;
/// sorts by group, then by event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    group: u32,
    at: i64,
    code: u32,
}

impl Entry {
    const fn new(group: u32, Event { at, code }: Event) -> Self {
        Self { group, at, code }
    }

    const fn event(self) -> Event {
        Event { at: self.at, code: self.code }
    }
}

/// Below this many entries, looking for duplicates is not worth the sort.
const COMPACT_FROM: usize = 1 << 16;

/// The events of all groups.
#[derive(Debug, Clone)]
pub(super) struct Collector<M> {
    measure: M,
    entries: Vec<Entry>,
    n_groups: usize,
    n_compacted: usize,
}

impl<M: Measure> Collector<M> {
    pub(super) fn new(measure: M) -> Self {
        Self { measure, entries: Vec::new(), n_groups: 0, n_compacted: 0 }
    }

    fn sort(&mut self) {
        self.entries.sort_unstable();
        if M::DISTINCT {
            self.entries.dedup();
        }
    }

    /// Drops duplicates when the entries have doubled since it last did, so
    /// that memory follows the distinct events and time stays `n log n`.
    fn compact(&mut self) {
        if M::DISTINCT && self.entries.len() >= COMPACT_FROM.max(2 * self.n_compacted) {
            self.sort();
            self.n_compacted = self.entries.len();
        }
    }

    /// The histories of the first `n` groups.
    fn histories(&mut self, n: usize) -> Histories {
        self.sort();
        let taken = self.entries.partition_point(|entry| (entry.group as usize) < n);
        let mut ends = vec![0; n];
        for (place, entry) in self.entries[..taken].iter().enumerate() {
            ends[entry.group as usize] = place + 1;
        }
        // A group without an event ends where the one before does.
        let mut end = 0;
        for place in &mut ends {
            end = end.max(*place);
            *place = end;
        }
        let events = self.entries[..taken].iter().map(|entry| entry.event()).collect();
        Histories { events, ends }
    }

    /// Takes out the histories of the groups to emit; the others move down.
    fn take(&mut self, emit_to: EmitTo) -> Histories {
        let n = match emit_to {
            EmitTo::All => self.n_groups,
            EmitTo::First(n) => n,
        };
        let histories = self.histories(n);
        self.n_groups = self.n_groups.saturating_sub(n);
        if self.n_groups == 0 {
            self.entries = Vec::new();
        } else {
            let n_events = histories.events.len();
            self.entries.drain(..n_events);
            for entry in &mut self.entries {
                // Sorted by group, the entries left all have groups from n up.
                entry.group = entry.group.saturating_sub(u32::try_from(n).unwrap_or(u32::MAX));
            }
        }
        self.n_compacted = self.entries.len();
        histories
    }

    fn add_group(&mut self, total_num_groups: usize) -> Result<()> {
        if u32::try_from(total_num_groups).is_err() {
            return Err(misuse(format!("{}: more than 2³² groups", M::NAME)));
        }
        self.ensure(total_num_groups);
        Ok(())
    }
}

fn group_number(group: usize) -> Result<u32> {
    u32::try_from(group).map_err(|error| DataFusionError::External(Box::new(error)))
}

impl<M: Measure> GroupsAccumulator for Collector<M> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.add_group(total_num_groups)?;
        let Self { measure, entries, .. } = self;
        // In a stream sorted by customer and time, equal events follow each
        // other: most never take up space.
        let mut previous = None;
        measure.read(values, |row, event| {
            let group = group_indices[row];
            if keeps(opt_filter, row) && !(M::DISTINCT && previous == Some((group, event))) {
                previous = Some((group, event));
                entries.push(Entry::new(group_number(group)?, event));
            }
            Ok(())
        })?;
        self.compact();
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.add_group(total_num_groups)?;
        let lists = values[0].as_list::<i32>();
        let events = lists.values().as_struct();
        let at = events.column(0).as_primitive::<Int64Type>().values();
        let code = events.column(1).as_primitive::<UInt32Type>().values();
        for (row, group) in group_indices.iter().enumerate() {
            let group = group_number(*group)?;
            if lists.is_valid(row) {
                let offsets = lists.value_offsets();
                let events = offsets[row].as_usize()..offsets[row + 1].as_usize();
                self.entries.extend(events.map(|index| Entry {
                    group,
                    at: at[index],
                    code: code[index],
                }));
            }
        }
        self.compact();
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let histories = self.take(emit_to);
        self.measure.answer(&histories)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take(emit_to).into_state()?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        states_by_row(Self::new(self.measure.clone()), values, opt_filter)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.entries.capacity() * size_of::<Entry>()
    }
}

impl<M: Measure> Grouped for Collector<M> {
    const NAME: &'static str = M::NAME;

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        M::coerce(given)
    }

    fn answer_type() -> DataType {
        M::answer_type()
    }

    fn state_columns() -> Vec<(&'static str, DataType)> {
        vec![("events", DataType::List(event_field()))]
    }

    fn plan(args: &AccumulatorArgs<'_>) -> Result<Self> {
        M::plan(args).map(Self::new)
    }

    fn ensure(&mut self, n: usize) {
        self.n_groups = self.n_groups.max(n);
    }
}
