//! Which customer does a row belong to, and what if nobody introduced them?
//!
//! Sources know customers by ids of their own, text of any shape. Tables carry
//! a dense integer beside it, so that per-customer work compares and sorts
//! integers. A key is given in the order in which customers are first seen and
//! never changes: the directory starts from the customers the store has.
//!
//! A customer whom only facts mention (an order, a ticket) exists all the
//! same: they get an *implied* row, created when they were first seen. A later
//! load that saw them earlier writes a new version of it. A row from the
//! source about the customer is *explicit* and is never replaced by an implied
//! one; if it does not say when the customer was created, that is when they
//! were first seen, which is known only at the end: such rows wait.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, Int64Builder, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt64Array, new_null_array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;

use super::ids::Ids;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Table, TableSpec};

/// A customer the store has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCustomer {
    /// The id in the source.
    pub customer_id: String,
    /// The key.
    pub customer_key: i64,
    /// Whether only facts mention the customer so far.
    pub implied: bool,
    /// When the customer was created, microseconds, as far as known.
    pub created_at: Option<i64>,
}

/// Where and when a customer was first seen in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sight {
    /// When the fact happened; without a time it comes after all that have one.
    at: i64,
    known_at: i64,
    load_id: i64,
    row_no: i64,
}

/// The instant of a sight without a time.
const NEVER: i64 = i64::MAX;

#[derive(Debug, Default)]
struct Entry {
    /// In the store or written in this run, and how.
    stored: Option<Stored>,
    sight: Option<Sight>,
    /// The explicit row that waits for the first sight: batch and row.
    waiting: Option<(usize, usize)>,
}

/// What every fact looks up.
#[derive(Debug)]
struct Seen {
    key: i64,
    /// That of the customer's first sight.
    at: i64,
}

impl Default for Seen {
    fn default() -> Self {
        Self { key: 0, at: NEVER }
    }
}

#[derive(Debug, Clone, Copy)]
struct Stored {
    implied: bool,
    created_at: Option<i64>,
}

/// Facts looked up at once: few enough that what was fetched for them is still
/// near when it is changed.
const AT_ONCE: usize = 1024;

/// The customers by id.
#[derive(Debug)]
pub(super) struct Directory {
    ids: Ids<Seen>,
    /// One for each of `ids`.
    entries: Vec<Entry>,
    next_key: i64,
    waiting: Vec<RecordBatch>,
}

/// Rows of a fact table, as the directory needs them.
pub(super) struct Facts<'a> {
    pub ids: &'a StringArray,
    pub times: Option<&'a TimestampMicrosecondArray>,
    pub known: &'a TimestampMicrosecondArray,
    pub row_no: &'a [i64],
    pub load_id: i64,
}

impl Directory {
    /// Starts from the customers of the store.
    pub(super) fn new(known: &[KnownCustomer]) -> Self {
        let mut directory = Self {
            ids: Ids::with_capacity(known.len()),
            entries: Vec::with_capacity(known.len()),
            next_key: 0,
            waiting: Vec::new(),
        };
        for customer in known {
            directory.next_key = customer.customer_key;
            let at = directory.entry(&customer.customer_id);
            directory.entries[at].stored =
                Some(Stored { implied: customer.implied, created_at: customer.created_at });
        }
        let greatest = known.iter().map(|customer| customer.customer_key).max();
        directory.next_key = greatest.map_or(0, |key| key + 1);
        directory
    }

    /// How many customers there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where the customer called `id` is, who gets the next key if new.
    fn entry(&mut self, id: &str) -> usize {
        let at = self.ids.number(id);
        self.grow();
        at
    }

    /// Makes room for new customers; each gets the next key.
    fn grow(&mut self) {
        while self.entries.len() < self.ids.len() {
            self.ids.value(self.entries.len()).key = self.next_key;
            self.entries.push(Entry::default());
            self.next_key += 1;
        }
    }

    /// The keys of the customers of facts; rows without a customer have none.
    pub(super) fn facts(&mut self, facts: &Facts<'_>) -> ArrayRef {
        let mut keys = Int64Builder::with_capacity(facts.ids.len());
        for start in (0..facts.ids.len()).step_by(AT_ONCE) {
            let rows = AT_ONCE.min(facts.ids.len() - start);
            let customers = self.ids.numbers(&facts.ids.slice(start, rows));
            self.grow();
            for (row, customer) in (start..).zip(customers) {
                keys.append_option(customer.map(|at| self.sighted(at, facts, row)));
            }
        }
        Arc::new(keys.finish())
    }

    /// Takes note of a fact about a customer; gives their key.
    fn sighted(&mut self, at: usize, facts: &Facts<'_>, row: usize) -> i64 {
        let time = facts.times.filter(|times| times.is_valid(row));
        let time = time.map_or(NEVER, |times| times.value(row));
        let seen = self.ids.value(at);
        if time <= seen.at {
            let sight = Sight {
                at: time,
                known_at: facts.known.value(row),
                load_id: facts.load_id,
                row_no: facts.row_no[row],
            };
            seen.at = time;
            let first = &mut self.entries[at].sight;
            *first = Some(first.map_or(sight, |first| first.min(sight)));
        }
        seen.key
    }

    /// The keys of customers of whom the source has rows. Of the rows, those
    /// that say when the customer was created can be written at once.
    pub(super) fn explicit(
        &mut self,
        ids: &StringArray,
        created: &TimestampMicrosecondArray,
    ) -> ArrayRef {
        let keys = ids.iter().enumerate().map(|(row, id)| {
            let at = self.entry(id?);
            let entry = &mut self.entries[at];
            if created.is_valid(row) {
                entry.stored =
                    Some(Stored { implied: false, created_at: Some(created.value(row)) });
                entry.waiting = None;
            }
            Some(self.ids.value(at).key)
        });
        Arc::new(keys.collect::<Int64Array>())
    }

    /// Lets complete customer rows wait for the first sight; of several rows
    /// of one customer the last counts.
    pub(super) fn wait(&mut self, rows: RecordBatch) {
        let batch = self.waiting.len();
        if let Some(ids) =
            rows.column_by_name("customer_id").and_then(|ids| ids.as_string_opt::<i32>())
        {
            for (row, id) in ids.iter().enumerate() {
                if let Some(id) = id {
                    let at = self.entry(id);
                    self.entries[at].waiting = Some((batch, row));
                }
            }
        }
        self.waiting.push(rows);
    }

    /// The rows of customers that wait or are implied, by key. `load_time`
    /// is when a row without any other stamp could be known, and every row if
    /// `arrivals`.
    pub(super) fn finish(mut self, load_time: i64, arrivals: bool) -> Result<Vec<RecordBatch>> {
        let stamp = |known: Option<i64>| {
            if arrivals { load_time } else { known.unwrap_or(load_time) }
        };
        let mut implied = Implied::default();
        let mut waiting: Vec<(usize, usize, Option<i64>)> = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let happened = entry.sight.map(|sight| sight.at).filter(|&at| at != NEVER);
            let known = entry.stored.and_then(|stored| stored.created_at);
            let first = match (happened, known) {
                (Some(happened), Some(known)) => Some(happened.min(known)),
                (happened, known) => happened.or(known),
            };
            if let Some((batch, row)) = entry.waiting {
                waiting.push((batch, row, first));
                continue;
            }
            let Some(sight) = entry.sight else {
                continue;
            };
            let earlier = match entry.stored {
                None => true,
                Some(stored) => stored.implied && first != stored.created_at,
            };
            if earlier {
                let key = self.ids.value(at).key;
                implied.push(self.ids.text(at), key, first, stamp(Some(sight.known_at)), sight);
            }
        }
        let mut batches = Vec::new();
        if !waiting.is_empty() {
            batches.push(self.released(&waiting, load_time)?);
        }
        if !implied.keys.is_empty() {
            batches.push(implied.batch()?);
        }
        Ok(batches)
    }

    /// The waiting rows, with what is known now filled in.
    fn released(
        &self,
        waiting: &[(usize, usize, Option<i64>)],
        load_time: i64,
    ) -> Result<RecordBatch> {
        let schema = Table::Customers.spec().schema();
        let mut start = 0;
        let starts: Vec<usize> = self
            .waiting
            .iter()
            .map(|batch| {
                let here = start;
                start += batch.num_rows();
                here
            })
            .collect();
        let all = concat_batches(&schema, &self.waiting)?;
        let rows: UInt64Array =
            waiting.iter().map(|(batch, row, _)| (starts[*batch] + row) as u64).collect();
        let rows = take_record_batch(&all, &rows)?;
        let created: TimestampMicrosecondArray =
            waiting.iter().map(|(_, _, first)| *first).collect();
        let (at, known) =
            position(Table::Customers.spec(), "known_at").map(|at| (at, rows.column(at)))?;
        let known = known.as_primitive::<TimestampMicrosecondType>();
        let known: TimestampMicrosecondArray = (0..known.len())
            .map(|row| match (known.is_valid(row), created.is_valid(row)) {
                (true, _) => Some(known.value(row)),
                (false, true) => Some(created.value(row)),
                (false, false) => Some(load_time),
            })
            .collect();
        let mut columns = rows.columns().to_vec();
        columns[at] = Arc::new(known.with_timezone("UTC"));
        columns[position(Table::Customers.spec(), "created_at")?] =
            Arc::new(created.with_timezone("UTC"));
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}

/// The position of a column of a table.
pub(super) fn position(spec: &TableSpec, name: &str) -> Result<usize> {
    let at = spec.columns.iter().position(|column| column.name == name);
    at.ok_or_else(|| Error::new(ErrorKind::Internal, format!("{} has no column {name}", spec.name)))
}

/// Implied rows being gathered.
#[derive(Default)]
struct Implied {
    keys: Vec<i64>,
    ids: Vec<Arc<str>>,
    created: Vec<Option<i64>>,
    known: Vec<i64>,
    loads: Vec<i64>,
    rows: Vec<i64>,
}

impl Implied {
    fn push(&mut self, id: &Arc<str>, key: i64, created: Option<i64>, known: i64, sight: Sight) {
        self.keys.push(key);
        self.ids.push(Arc::clone(id));
        self.created.push(created);
        self.known.push(known);
        self.loads.push(sight.load_id);
        self.rows.push(sight.row_no);
    }

    fn batch(self) -> Result<RecordBatch> {
        let n = self.keys.len();
        let spec = Table::Customers.spec();
        let ids: StringArray = self.ids.iter().map(|id| Some(id.as_ref())).collect();
        let created = TimestampMicrosecondArray::from(self.created).with_timezone("UTC");
        let known = TimestampMicrosecondArray::from(self.known).with_timezone("UTC");
        let mut given: HashMap<&str, ArrayRef> = HashMap::from([
            ("customer_key", Arc::new(Int64Array::from(self.keys)) as ArrayRef),
            ("customer_id", Arc::new(ids)),
            ("created_at", Arc::new(created)),
            ("implied", Arc::new(BooleanArray::from(vec![true; n]))),
            ("known_at", Arc::new(known)),
            ("load_id", Arc::new(Int64Array::from(self.loads))),
            ("row_no", Arc::new(Int64Array::from(self.rows))),
        ]);
        let columns = spec.columns.iter().map(|column| {
            let array = given.remove(column.name);
            array.unwrap_or_else(|| new_null_array(&column.kind.data_type(), n))
        });
        Ok(RecordBatch::try_new(spec.schema(), columns.collect())?)
    }
}
