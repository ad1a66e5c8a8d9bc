//! How far did a customer get along a path of steps, and when?
//!
//! ```sql
//! SELECT customer_id,
//!        funnel(name, occurred_at, ['signup', 'trial', 'purchase'], INTERVAL '30 days')
//! FROM activity GROUP BY customer_id
//! -- [2024-03-01T09:00:00Z, 2024-03-04T16:20:00Z]: trial reached, no purchase
//! ```
//!
//! `funnel(name, occurred_at, steps, window)` answers the instants of the chain
//! of rows that gets furthest; its length is the number of steps reached, and
//! an empty list is a customer who never entered. The rules:
//!
//! - Steps are ordered; other activity may lie between them.
//! - The whole chain lies within `window` of its **first** step, the end
//!   included. Days are 24 hours; months, which have no length, are refused. A
//!   null window is no limit.
//! - Two steps may share an instant, but not a row: a step named twice needs
//!   two rows.
//! - A customer may enter many times. The furthest chain counts, the one with
//!   the earliest instants on a tie. Keeping only the last row seen per step,
//!   as a naive state does, loses chains whenever steps repeat.
//!
//! # Algorithm
//!
//! From one first step, taking the earliest unused row for each further step is
//! optimal: no other choice reaches a step sooner or leaves more rows for it.
//! So every first step is tried, each next row is found by binary search, and
//! the first start to get furthest is also the earliest chain.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{
    ArrowNativeType, DataType, Field, FieldRef, Int32Type, IntervalUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::AggregateUDF;
use datafusion::logical_expr::function::AccumulatorArgs;

use super::args::{constant, instant_type, misuse};
use super::history::{Aggregate, Event, Histories, Measure};

pub(super) fn function() -> AggregateUDF {
    Aggregate::<Funnel>::new().into()
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The constant arguments, the step names numbered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Funnel {
    /// The distinct names; an event's code is its place here.
    names: Vec<String>,
    /// The code of each step.
    steps: Vec<u32>,
    /// Microseconds from the first step to the last, if limited.
    window: Option<i64>,
}

/// Memory that the search for one customer's chain leaves to the next.
#[derive(Debug, Default)]
struct Work {
    /// The instants of each name, in order.
    instants: Vec<Vec<i64>>,
    /// How many rows of each name the chain being built has used up.
    used: Vec<usize>,
    chain: Vec<i64>,
    best: Vec<i64>,
}

impl Funnel {
    fn new(steps: &[String], window: Option<i64>) -> Result<Self> {
        if steps.is_empty() {
            return Err(misuse("funnel: steps is empty".to_owned()));
        }
        let mut names: Vec<String> = Vec::new();
        let mut codes = Vec::new();
        for step in steps {
            let place = names.iter().position(|name| name == step);
            let place = place.unwrap_or_else(|| {
                names.push(step.clone());
                names.len() - 1
            });
            codes.extend(u32::try_from(place).ok());
        }
        Ok(Self { names, steps: codes, window })
    }

    fn code(&self, name: &str) -> Option<u32> {
        // A handful of names: comparing beats hashing.
        let place = self.names.iter().position(|known| known == name)?;
        u32::try_from(place).ok()
    }

    /// Leaves in `work.best` the instants of the chain that gets furthest, given
    /// all events of a customer, earliest first.
    fn furthest_chain(&self, history: &[Event], work: &mut Work) {
        work.best.clear();
        work.instants.resize_with(self.names.len(), Vec::new);
        work.instants.iter_mut().for_each(Vec::clear);
        for event in history {
            work.instants[event.code as usize].push(event.at);
        }
        let first = self.steps[0] as usize;
        let mut previous = None;
        for place in 0..work.instants[first].len() {
            let start = work.instants[first][place];
            // A start at the same instant has fewer rows left: it gets no further.
            if previous.replace(start) == Some(start) {
                continue;
            }
            work.used.clear();
            work.used.resize(self.names.len(), 0);
            work.used[first] = place + 1;
            self.chain_from(start, work);
            if work.chain.len() > work.best.len() {
                std::mem::swap(&mut work.chain, &mut work.best);
            }
            if work.best.len() == self.steps.len() {
                break;
            }
        }
    }

    /// Leaves in `work.chain` the chain from `start` that takes the earliest
    /// unused row at each step.
    fn chain_from(&self, start: i64, work: &mut Work) {
        let limit = self.window.map_or(i64::MAX, |window| start.saturating_add(window));
        work.chain.clear();
        work.chain.push(start);
        let mut now = start;
        for step in &self.steps[1..] {
            let name = *step as usize;
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

    /// Calls `found` with each row whose name is a step, and its code.
    fn match_names(
        &self,
        names: &ArrayRef,
        mut found: impl FnMut(usize, u32) -> Result<()>,
    ) -> Result<()> {
        let Some(coded) = names.as_dictionary_opt::<Int32Type>() else {
            return self.match_text(names, found);
        };
        // Compare each distinct name once, then only look up keys. What stands
        // under a null is any key, so it is looked up with care.
        let mut codes = vec![None; coded.values().len()];
        self.match_text(coded.values(), |place, code| {
            codes[place] = Some(code);
            Ok(())
        })?;
        for (row, key) in coded.keys().values().iter().enumerate() {
            match codes.get(key.as_usize()) {
                Some(Some(code)) if coded.is_valid(row) => found(row, *code)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn match_text(
        &self,
        names: &ArrayRef,
        found: impl FnMut(usize, u32) -> Result<()>,
    ) -> Result<()> {
        match names.data_type() {
            DataType::Utf8View => self.match_each(names.as_string_view().iter(), found),
            DataType::LargeUtf8 => self.match_each(names.as_string::<i64>().iter(), found),
            _ => self.match_each(names.as_string::<i32>().iter(), found),
        }
    }

    fn match_each<'a>(
        &self,
        names: impl Iterator<Item = Option<&'a str>>,
        mut found: impl FnMut(usize, u32) -> Result<()>,
    ) -> Result<()> {
        for (row, name) in names.enumerate() {
            if let Some(code) = name.and_then(|name| self.code(name)) {
                found(row, code)?;
            }
        }
        Ok(())
    }
}

impl Measure for Funnel {
    const NAME: &'static str = "funnel";
    // Two equal rows can serve two steps.
    const DISTINCT: bool = false;

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        let [name, _, _, window] = given else {
            return Err(misuse(
                "funnel takes four arguments: name, occurred_at, steps, window".to_owned(),
            ));
        };
        let is_text = |kind: &DataType| {
            matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        };
        // Text is read as it comes, so that dictionaries stay encoded.
        let name = match name {
            DataType::Dictionary(key, value) if **key == DataType::Int32 && is_text(value) => {
                name.clone()
            }
            text if is_text(text) => text.clone(),
            _ => DataType::Utf8,
        };
        if !matches!(window, DataType::Interval(_) | DataType::Duration(_) | DataType::Null) {
            return Err(misuse(format!(
                "funnel: window must be an interval, e.g. INTERVAL '30 days', not {window}"
            )));
        }
        Ok(vec![
            name,
            instant_type(),
            DataType::new_list(DataType::Utf8, true),
            DataType::Interval(IntervalUnit::MonthDayNano),
        ])
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
        let window = window_micros(&constant(args, 3, Self::NAME, "window")?)?;
        Self::new(&steps.collect::<Result<Vec<_>>>()?, window)
    }

    fn read(
        &self,
        columns: &[ArrayRef],
        mut keep: impl FnMut(usize, Event) -> Result<()>,
    ) -> Result<()> {
        let instants = columns[1].as_primitive::<TimestampMicrosecondType>();
        self.match_names(&columns[0], |row, code| {
            if instants.is_valid(row) {
                let at = instants.value(row);
                keep(row, Event { at, code })?;
            }
            Ok(())
        })
    }

    fn answer(&self, histories: &Histories) -> Result<ArrayRef> {
        let instants = TimestampMicrosecondBuilder::new().with_data_type(instant_type());
        let mut chains = ListBuilder::new(instants).with_field(instant_field());
        let mut work = Work::default();
        for history in histories.iter() {
            self.furthest_chain(history, &mut work);
            chains.values().append_slice(&work.best);
            chains.append(true);
        }
        Ok(Arc::new(chains.finish()))
    }
}

fn instant_field() -> FieldRef {
    Arc::new(Field::new_list_field(instant_type(), true))
}

/// The length of an interval in microseconds; nothing if it is null.
fn window_micros(window: &ScalarValue) -> Result<Option<i64>> {
    let ScalarValue::IntervalMonthDayNano(window) = window else {
        return Err(misuse(format!("funnel: {window} is not a window")));
    };
    let Some(window) = window else {
        return Ok(None);
    };
    if window.months != 0 {
        return Err(misuse(
            "funnel: a month has no fixed length; give the window in days, e.g. 30 days".to_owned(),
        ));
    }
    let micros = i64::from(window.days) * MICROS_PER_DAY + window.nanoseconds / 1_000;
    if micros < 0 {
        return Err(misuse("funnel: the window is negative".to_owned()));
    }
    Ok(Some(micros))
}

#[cfg(test)]
mod tests;
