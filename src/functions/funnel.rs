//! How far did a customer get along a path of steps, and when?
//!
//! ```sql
//! SELECT customer_id,
//!        funnel(name, occurred_at, ['signup', 'trial', 'purchase'], INTERVAL '30 days')
//! FROM activity GROUP BY customer_id
//! -- [2024-03-01T09:00:00Z, 2024-03-04T16:20:00Z]: trial reached, no purchase
//! ```
//!
//! `funnel(name, occurred_at, steps, window, mode)` answers the instants of the
//! chain of rows that gets furthest; its length is the number of steps reached,
//! and an empty list is a customer who never entered. How a step is written,
//! with conditions, times, `optional` and exclusions, is said in `steps.rs`.
//! Instead of the name, the first argument may be the mask of the steps that a
//! row can serve, by `step_mask`; conditions need that. The rules:
//!
//! - Mode `ordered`, the default: steps in order; other activity may lie
//!   between them. `strict`: none may, of whatever rows the query passes. `any`:
//!   in any order; the answer is when one, two, three of the steps were done.
//! - The whole chain lies within `window` of its **first** step, the end
//!   included. Days are 24 hours; months, which have no length, are refused. A
//!   null window is no limit.
//! - Two steps may share an instant, but not a row: a step named twice needs
//!   two rows.
//! - A customer may enter many times. The furthest chain counts, the one with
//!   the earliest instants on a tie. Keeping only the last row seen per step,
//!   as a naive state does, loses chains whenever steps repeat.
//! - An optional step that was left out is null in the list.
//!
//! # Algorithm
//!
//! Where steps are names and nothing else, taking the earliest unused row for
//! each further step is optimal: no other choice reaches a step sooner or leaves
//! more rows for it. So every first step is tried, each next row is found by
//! binary search, and the first start to get furthest is also the earliest
//! chain. All other paths need `search.rs`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{
    ArrowNativeType, DataType, Field, FieldRef, Int32Type, Int64Type, IntervalUnit,
    TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::AggregateUDF;
use datafusion::logical_expr::function::AccumulatorArgs;

use super::args::{constant, external, instant_type, misuse, name_type, window_micros};
use super::history::{Aggregate, Event, Histories, Measure};
use search::{Limits, Search};
use steps::Path;

mod matching;
mod search;
pub mod steps;

pub(super) fn function() -> AggregateUDF {
    Aggregate::<Funnel>::new().into()
}

/// The constant arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Funnel {
    path: Path,
    /// Of each step, which steps have the same name, as bits.
    same_name: Vec<u32>,
    /// Microseconds from the first step to the last, if limited.
    window: Option<i64>,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mode {
    Ordered,
    Strict,
    Any,
}

/// Memory that the search for one customer's chain leaves to the next.
#[derive(Debug, Default)]
struct Work {
    /// The instants of each name, in order, by the first step it serves.
    instants: Vec<Vec<i64>>,
    /// How many rows of each name the chain being built has used up.
    used: Vec<usize>,
    chain: Vec<i64>,
    best: Vec<i64>,
    search: Search,
}

impl Funnel {
    fn new(path: Path, window: Option<i64>, mode: Mode) -> Result<Self> {
        let orders = |step: &steps::Step| step.optional || step.after != 0 || step.within.is_some();
        if mode == Mode::Any && (!path.exclusions.is_empty() || path.steps.iter().any(orders)) {
            return Err(misuse(
                "funnel: mode any takes no times between steps, optional steps and exclusions"
                    .to_owned(),
            ));
        }
        let mask_of = |name: &str| {
            let same = path.steps.iter().enumerate().filter(|(_, step)| step.pattern.name == name);
            same.fold(0, |mask, (place, _)| mask | 1 << place)
        };
        let same_name = path.steps.iter().map(|step| mask_of(&step.pattern.name)).collect();
        Ok(Self { path, same_name, window, mode })
    }

    /// The mask of the steps and exclusions that a row called `name` can serve.
    fn mask(&self, name: &str) -> u32 {
        // A handful of names: comparing beats hashing.
        let patterns = self.path.patterns().enumerate();
        patterns.fold(0, |mask, (place, pattern)| mask | u32::from(pattern.name == name) << place)
    }

    /// Appends to `chains` the chain that gets furthest, given all events of a
    /// customer, earliest first.
    fn answer_one(&self, history: &[Event], work: &mut Work, chains: &mut Chains) {
        let limits =
            Limits { window: self.window.unwrap_or(i64::MAX), strict: self.mode == Mode::Strict };
        if self.mode == Mode::Any {
            work.search.in_any_order(history, self.path.steps.len(), limits);
        } else if !limits.strict && self.path.is_plain() && self.furthest_chain(history, work) {
            chains.values().append_slice(&work.best);
            return chains.append(true);
        } else {
            work.search.in_order(history, &self.path, limits);
        }
        work.search.best.iter().for_each(|instant| chains.values().append_option(*instant));
        chains.append(true);
    }

    /// Leaves in `work.best` the instants of the chain that gets furthest, if
    /// every row is known by its name alone; says whether it is.
    fn furthest_chain(&self, history: &[Event], work: &mut Work) -> bool {
        work.best.clear();
        work.instants.resize_with(self.same_name.len(), Vec::new);
        work.instants.iter_mut().for_each(Vec::clear);
        for event in history {
            let first = event.code.trailing_zeros() as usize;
            if self.same_name.get(first) != Some(&event.code) {
                return false;
            }
            work.instants[first].push(event.at);
        }
        let mut previous = None;
        for place in 0..work.instants[0].len() {
            let start = work.instants[0][place];
            // A start at the same instant has fewer rows left: it gets no further.
            if previous.replace(start) == Some(start) {
                continue;
            }
            work.used.clear();
            work.used.resize(self.same_name.len(), 0);
            work.used[0] = place + 1;
            self.chain_from(start, work);
            if work.chain.len() > work.best.len() {
                std::mem::swap(&mut work.chain, &mut work.best);
            }
            if work.best.len() == self.same_name.len() {
                break;
            }
        }
        true
    }

    /// Leaves in `work.chain` the chain from `start` that takes the earliest
    /// unused row at each step.
    fn chain_from(&self, start: i64, work: &mut Work) {
        let limit = self.window.map_or(i64::MAX, |window| start.saturating_add(window));
        work.chain.clear();
        work.chain.push(start);
        let mut now = start;
        for mask in &self.same_name[1..] {
            let name = mask.trailing_zeros() as usize;
            let unused = &work.instants[name][work.used[name]..];
            let skipped = unused.partition_point(|at| *at < now);
            match unused.get(skipped) {
                Some(at) if *at <= limit => now = *at,
                _ => break,
            }
            work.used[name] += skipped + 1;
            work.chain.push(now);
        }
    }

    /// Calls `found` with each row that matters and its mask.
    fn match_masks(
        &self,
        masks: &Int64Array,
        mut found: impl FnMut(usize, u32) -> Result<()>,
    ) -> Result<()> {
        let n_bits = self.path.patterns().count();
        for (row, mask) in masks.values().iter().enumerate() {
            if masks.is_null(row) {
                continue;
            }
            match u32::try_from(*mask).ok().filter(|mask| u64::from(*mask) >> n_bits == 0) {
                Some(mask) => self.keep(row, mask, &mut found)?,
                None => {
                    return Err(misuse(format!(
                        "funnel: {mask} is not a mask of {n_bits} steps and exclusions"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Rows that serve nothing matter only where none may lie between.
    fn keep(
        &self,
        row: usize,
        mask: u32,
        found: &mut impl FnMut(usize, u32) -> Result<()>,
    ) -> Result<()> {
        if mask != 0 || self.mode == Mode::Strict { found(row, mask) } else { Ok(()) }
    }

    /// Calls `found` with each row that matters and the mask of its name.
    fn match_names(
        &self,
        names: &ArrayRef,
        mut found: impl FnMut(usize, u32) -> Result<()>,
    ) -> Result<()> {
        let Some(coded) = names.as_dictionary_opt::<Int32Type>() else {
            let mut row = 0;
            return each_text(names, |name| {
                row += 1;
                self.keep(row - 1, name.map_or(0, |name| self.mask(name)), &mut found)
            });
        };
        // Compare each distinct name once, then only look up keys. What stands
        // under a null is any key, so it is looked up with care.
        let mut masks = Vec::with_capacity(coded.values().len());
        each_text(coded.values(), |name| {
            masks.push(name.map_or(0, |name| self.mask(name)));
            Ok(())
        })?;
        for (row, key) in coded.keys().values().iter().enumerate() {
            let known = masks.get(key.as_usize()).filter(|_| coded.is_valid(row));
            self.keep(row, known.copied().unwrap_or(0), &mut found)?;
        }
        Ok(())
    }
}

impl Measure for Funnel {
    const NAME: &'static str = "funnel";
    // Two equal rows can serve two steps.
    const DISTINCT: bool = false;

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        let ([name, _, _, window] | [name, _, _, window, _]) = given else {
            return Err(misuse(
                "funnel takes name, occurred_at, steps, window and, if wanted, mode".to_owned(),
            ));
        };
        if !matches!(window, DataType::Interval(_) | DataType::Duration(_) | DataType::Null) {
            return Err(misuse(format!(
                "funnel: window must be an interval, e.g. INTERVAL '30 days', not {window}"
            )));
        }
        let name = if name.is_integer() { DataType::Int64 } else { name_type(name) };
        let types = [
            name,
            instant_type(),
            DataType::new_list(DataType::Utf8, true),
            DataType::Interval(IntervalUnit::MonthDayNano),
            DataType::Utf8,
        ];
        Ok(types[..given.len()].to_vec())
    }

    fn answer_type() -> DataType {
        DataType::List(instant_field())
    }

    fn plan(args: &AccumulatorArgs<'_>) -> Result<Self> {
        let steps = match constant(args, 2, Self::NAME, "steps")? {
            ScalarValue::List(list) if list.is_valid(0) => list.value(0),
            _ => return Err(misuse("funnel: steps is empty".to_owned())),
        };
        let steps = steps.as_string::<i32>().iter().map(|step| {
            step.map(str::to_owned).ok_or_else(|| misuse("funnel: a step has no name".to_owned()))
        });
        let path = Path::parse(&steps.collect::<Result<Vec<_>>>()?).map_err(external)?;
        let by_name = !args.expr_fields.first().is_some_and(|field| field.data_type().is_integer());
        if by_name && path.patterns().any(|pattern| !pattern.conditions.is_empty()) {
            return Err(misuse(
                "funnel: conditions need step_mask(...) instead of the name".to_owned(),
            ));
        }
        let window = window_micros(&constant(args, 3, Self::NAME, "window")?, Self::NAME)?;
        let mode = match args.exprs.len() {
            5 => mode(&constant(args, 4, Self::NAME, "mode")?)?,
            _ => Mode::Ordered,
        };
        Self::new(path, window, mode)
    }

    fn read(
        &self,
        columns: &[ArrayRef],
        mut keep: impl FnMut(usize, Event) -> Result<()>,
    ) -> Result<()> {
        let instants = columns[1].as_primitive::<TimestampMicrosecondType>();
        let found = |row: usize, code| match instants.is_valid(row) {
            true => keep(row, Event { at: instants.value(row), code }),
            false => Ok(()),
        };
        match columns[0].as_primitive_opt::<Int64Type>() {
            Some(masks) => self.match_masks(masks, found),
            None => self.match_names(&columns[0], found),
        }
    }

    fn answer(&self, histories: &Histories) -> Result<ArrayRef> {
        let instants = TimestampMicrosecondBuilder::new().with_data_type(instant_type());
        let mut chains = ListBuilder::new(instants).with_field(instant_field());
        let mut work = Work::default();
        for history in histories.iter() {
            self.answer_one(history, &mut work, &mut chains);
        }
        Ok(Arc::new(chains.finish()))
    }
}

type Chains = ListBuilder<TimestampMicrosecondBuilder>;

/// Calls `visit` with each text of a column.
fn each_text(column: &ArrayRef, mut visit: impl FnMut(Option<&str>) -> Result<()>) -> Result<()> {
    column.as_string::<i32>().iter().try_for_each(&mut visit)
}

fn mode(value: &ScalarValue) -> Result<Mode> {
    match value.try_as_str() {
        Some(Some("ordered")) => Ok(Mode::Ordered),
        Some(Some("strict")) => Ok(Mode::Strict),
        Some(Some("any")) => Ok(Mode::Any),
        _ => Err(misuse(format!("funnel: mode is ordered, strict or any, not {value}"))),
    }
}

fn instant_field() -> FieldRef {
    Arc::new(Field::new_list_field(instant_type(), true))
}

#[cfg(test)]
mod tests;
