//! How does one file pass through, from its rows to the sink?
//!
//! A thread of its own reads and decodes, two batches ahead; here each batch
//! is planned, converted, accounted for, stamped and handed on. Memory holds a
//! few batches, the customer directory, and the hashes of the versions written.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{filter, filter_record_batch, is_not_null, is_null};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use tokio::sync::mpsc;

use super::customers::{Directory, Facts, position};
use super::expression::Planner;
use super::mapping::Choice;
use super::plan::Plan;
use super::quarantine::{Stamp, quarantined};
use super::read::{self, InputFile, RawBatch, ReadOptions};
use super::rows::{FeedRows, Rows, Setting, apply, known_at};
use super::summary::{FileSummary, Summary, count};
use super::versions::Versions;
use super::{IngestOptions, Known, Progress, Sink, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Kind, Table};

/// Refuses a file whose last row breaks off: the rows after it are missing, and
/// loading the others would make the missing ones look as if they never were.
fn refuse_cut(file: &str, raw: &RawBatch) -> Result<()> {
    match raw.bad.iter().find(|bad| bad.reason == "cut_row") {
        None => Ok(()),
        Some(bad) => Err(Error::new(
            ErrorKind::Input,
            format!("{file}, line {}: the file is cut off in the middle: {}", bad.line, bad.detail),
        )
        .hint("export or copy the file again; if it is meant to end here, end its last line")),
    }
}

/// What all files of a run share.
pub(super) struct Run<'a> {
    pub options: &'a IngestOptions,
    pub planner: Planner,
    pub directory: Directory,
    pub sink: &'a mut dyn Sink,
    pub progress: &'a mut dyn Progress,
    pub step: Step,
}

/// A batch from the reading thread, and how far it has come.
type Arrival = Result<(RawBatch, u64)>;

impl Run<'_> {
    /// Loads one file; the summary is the account of its rows.
    pub(super) async fn file(
        &mut self,
        file: &InputFile,
        choice: Choice<'_>,
        load_id: i64,
    ) -> Result<FileSummary> {
        let Choice { mapping, source } = choice;
        let mut load = FileLoad {
            load_id,
            next_row: 0,
            versions: BTreeMap::new(),
            summary: FileSummary {
                file: file.name.clone(),
                digest: file.digest.clone(),
                load_id: Some(load_id),
                mapping: mapping.name.clone(),
                source: source.name.clone(),
                ..FileSummary::default()
            },
        };
        let options = ReadOptions { batch_rows: self.options.batch_rows, ..source.read.clone() };
        let mut arrivals = read_ahead(file.clone(), options);
        let before = self.step.clone();
        let mut plan: Option<Plan> = None;
        while let Some(arrival) = arrivals.recv().await {
            let (raw, bytes) = arrival?;
            // NDJSON grows columns as it goes; everything else is planned once.
            let current = match plan.take() {
                Some(plan) if plan.schema == raw.batch.schema() => plan,
                _ => {
                    let plan = Plan::new(&self.planner, mapping, source, &raw.batch.schema())?;
                    load.describe(&plan);
                    plan
                }
            };
            self.batch(&current, choice, &raw, &mut load).await?;
            plan = Some(current);
            self.step.bytes_done = before.bytes_done + bytes;
            self.step.rows = before.rows + load.summary.rows.read;
            self.progress.step(&self.step);
        }
        self.step.bytes_done = before.bytes_done + file.bytes;
        self.progress.step(&self.step);
        Ok(load.summary)
    }

    async fn batch(
        &mut self,
        plan: &Plan,
        choice: Choice<'_>,
        raw: &RawBatch,
        load: &mut FileLoad,
    ) -> Result<()> {
        let file = load.summary.file.clone();
        let row_no = load.number(raw);
        let setting = Setting {
            file: &file,
            null: &choice.source.null,
            parsing: &choice.source.parsing,
            load_time: self.options.load_time,
        };
        refuse_cut(&file, raw)?;
        let rows = apply(plan, setting, raw, &row_no)?;
        load.account(plan, raw, &rows, choice.source.ignore.is_some());
        let stamp = Stamp { file: &file, load_id: load.load_id, load_time: self.options.load_time };
        if let Some(batch) = quarantined(stamp, raw, &rows.breaches)? {
            count(&mut load.summary.tables, Table::Quarantine.name(), batch.num_rows() as u64);
            self.append(Table::Quarantine, batch).await?;
        }
        for feed in rows.feeds {
            let table = feed.spec.table;
            if let Some(batch) = self.stamped(feed, &rows.breaches, &row_no, load)? {
                let batch = if table == Table::Customers { self.explicit(batch)? } else { batch };
                count(&mut load.summary.tables, table.name(), batch.num_rows() as u64);
                self.append(table, batch).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn append(&mut self, table: Table, batch: RecordBatch) -> Result<()> {
        if self.options.dry_run || batch.num_rows() == 0 {
            return Ok(());
        }
        self.sink.append(table, batch).await
    }

    /// The rows of a feed that are kept and new, with the columns the engine
    /// fills.
    fn stamped<B>(
        &mut self,
        mut feed: FeedRows,
        breaches: &BTreeMap<usize, B>,
        row_no: &[i64],
        load: &mut FileLoad,
    ) -> Result<Option<RecordBatch>> {
        let spec = feed.spec;
        for &row in breaches.keys() {
            feed.wanted[row] = false;
        }
        let mut row_no: ArrayRef = Arc::new(Int64Array::from(row_no.to_vec()));
        select(&mut feed.columns, &mut row_no, std::mem::take(&mut feed.wanted))?;
        let arrivals = self.options.known == Known::Arrival;
        let waits = spec.table == Table::Customers && !arrivals;
        let load_time = self.options.load_time;
        if arrivals {
            let at = position(spec, "known_at")?;
            feed.columns[at] = arrow::array::new_null_array(&Kind::Time.data_type(), row_no.len());
        }
        if !spec.key.is_empty() && !row_no.is_empty() {
            let key =
                spec.key.iter().map(|name| Ok(Arc::clone(&feed.columns[position(spec, name)?])));
            let key = key.collect::<Result<Vec<_>>>()?;
            let versions = load.versions.entry(spec.table).or_default();
            let changed = versions.changed(&key, &feed.columns, row_no.len())?;
            let told = changed.iter().filter(|changed| !**changed).count();
            count(&mut load.summary.unchanged, spec.name, told as u64);
            if told > 0 {
                select(&mut feed.columns, &mut row_no, changed)?;
            }
        }
        if row_no.is_empty() {
            return Ok(None);
        }
        let known = if arrivals { None } else { known_at(&feed, (!waits).then_some(load_time)) };
        let known = known.unwrap_or_else(|| {
            let stamps =
                arrow::array::TimestampMicrosecondArray::from(vec![load_time; row_no.len()]);
            Arc::new(stamps.with_timezone("UTC"))
        });
        let numbers = row_no.as_primitive::<Int64Type>().values().clone();
        let key = self.customer_keys(&feed, &known, &numbers, load.load_id)?;
        let internal = [
            ("customer_key", key),
            ("implied", Some(Arc::new(BooleanArray::from(vec![false; row_no.len()])) as ArrayRef)),
            ("load_id", Some(Arc::new(Int64Array::from(vec![load.load_id; row_no.len()])))),
            ("known_at", Some(known)),
            ("row_no", Some(row_no)),
        ];
        for (name, array) in internal {
            if let (Some(array), true) = (array, spec.has(name)) {
                feed.columns[position(spec, name)?] = array;
            }
        }
        Ok(Some(RecordBatch::try_new(spec.schema(), feed.columns)?))
    }

    /// The keys of the customers of these rows, if the table has customers.
    fn customer_keys(
        &mut self,
        feed: &FeedRows,
        known: &ArrayRef,
        row_no: &[i64],
        load_id: i64,
    ) -> Result<Option<ArrayRef>> {
        let spec = feed.spec;
        if !spec.has("customer_key") {
            return Ok(None);
        }
        let ids = feed.columns[position(spec, "customer_id")?].as_string::<i32>();
        let times = spec.time.map(|time| position(spec, time)).transpose()?;
        let times = times.map(|at| feed.columns[at].as_primitive::<TimestampMicrosecondType>());
        if let (Table::Customers, Some(created)) = (spec.table, times) {
            return Ok(Some(self.directory.explicit(ids, created)));
        }
        let known = known.as_primitive();
        Ok(Some(self.directory.facts(&Facts { ids, times, known, row_no, load_id })))
    }

    /// Of customer rows those that can be written at once; the others wait in
    /// the directory until it is known when the customer was first seen.
    fn explicit(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let created = Arc::clone(batch.column(position(Table::Customers.spec(), "created_at")?));
        if created.null_count() == 0 {
            return Ok(batch);
        }
        self.directory.wait(filter_record_batch(&batch, &is_null(&created)?)?);
        Ok(filter_record_batch(&batch, &is_not_null(&created)?)?)
    }
}

/// Keeps the rows that are wanted.
fn select(columns: &mut [ArrayRef], row_no: &mut ArrayRef, wanted: Vec<bool>) -> Result<()> {
    if wanted.iter().all(|wanted| *wanted) {
        return Ok(());
    }
    let wanted = BooleanArray::from(wanted);
    for column in columns {
        *column = filter(column, &wanted)?;
    }
    *row_no = filter(row_no, &wanted)?;
    Ok(())
}

/// Reads a file on a thread where blocking harms nobody. The thread ends with
/// the file, or when nobody listens any more.
fn read_ahead(file: InputFile, options: ReadOptions) -> mpsc::Receiver<Arrival> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let mut rows = match read::open(&file, &options) {
            Ok(rows) => rows,
            Err(error) => {
                let _ = sender.blocking_send(Err(error));
                return;
            }
        };
        loop {
            let arrival = match rows.next_batch() {
                Ok(Some(batch)) => Ok((batch, rows.bytes_read())),
                Ok(None) => return,
                Err(error) => Err(error),
            };
            let ended = arrival.is_err();
            // A closed channel means that the ingest was given up.
            if sender.blocking_send(arrival).is_err() || ended {
                return;
            }
        }
    });
    receiver
}

/// The account of a file while it is loaded.
struct FileLoad {
    load_id: i64,
    next_row: i64,
    versions: BTreeMap<Table, Versions>,
    summary: FileSummary,
}

impl FileLoad {
    /// Takes over what a plan has to tell.
    fn describe(&mut self, plan: &Plan) {
        self.summary.unused.clone_from(&plan.unused);
        self.summary.absent = plan.absent.iter().cloned().collect();
        self.summary.notes.clone_from(&plan.notes);
    }

    /// The data row of every row: records that are no rows count too.
    fn number(&mut self, raw: &RawBatch) -> Vec<i64> {
        let mut bad = raw.bad.iter().map(|bad| bad.line).peekable();
        let numbers = raw.lines.iter().map(|&line| {
            while bad.next_if(|&bad| bad < line).is_some() {
                self.next_row += 1;
            }
            let number = self.next_row;
            self.next_row += 1;
            number
        });
        let numbers: Vec<i64> = numbers.collect();
        self.next_row += i64::try_from(bad.count()).unwrap_or_default();
        numbers
    }

    /// Puts every row of a batch into exactly one of three counts.
    fn account(&mut self, plan: &Plan, raw: &RawBatch, rows: &Rows, ignored: bool) {
        let summary = &mut self.summary;
        for bad in &raw.bad {
            count(&mut summary.reasons, bad.reason, 1);
        }
        for breach in rows.breaches.values() {
            count(&mut summary.reasons, breach.reason.code(), 1);
        }
        let broken = rows.breaches.len() + raw.bad.len();
        let (mut kept, mut by_source, mut by_feeds) = (0, 0, 0);
        for (row, &passed) in rows.passed.iter().enumerate() {
            if rows.breaches.contains_key(&row) {
                continue;
            }
            if rows.feeds.iter().any(|feed| feed.wanted[row]) {
                kept += 1;
            } else if passed {
                by_feeds += 1;
            } else {
                by_source += 1;
            }
        }
        let why = if ignored { "the source is ignored" } else { "no feed wants the row" };
        count(&mut summary.filters, "the source's where", by_source);
        count(&mut summary.filters, why, by_feeds);
        summary.rows.read += (raw.batch.num_rows() + raw.bad.len()) as u64;
        summary.rows.kept += kept;
        summary.rows.quarantined += broken as u64;
        summary.rows.filtered += by_source + by_feeds;
        for &(at, cells) in &rows.nulls {
            count(&mut summary.nulls, plan.schema.field(at).name(), cells);
        }
    }
}

impl Run<'_> {
    /// Writes the customers that had to wait and records the loads.
    pub(super) async fn finish(
        mut self,
        summary: &mut Summary,
        known_customers: usize,
    ) -> Result<()> {
        summary.new_customers = (self.directory.len() - known_customers) as u64;
        let arrivals = self.options.known == Known::Arrival;
        let directory = std::mem::replace(&mut self.directory, Directory::new(&[]));
        for batch in directory.finish(self.options.load_time, arrivals)? {
            summary.implied_customers +=
                column(&batch, "implied")?.as_boolean().true_count() as u64;
            for load_id in column(&batch, "load_id")?.as_primitive::<Int64Type>().values() {
                let file = summary.files.iter_mut().find(|file| file.load_id == Some(*load_id));
                if let Some(file) = file {
                    count(&mut file.tables, Table::Customers.name(), 1);
                }
            }
            self.append(Table::Customers, batch).await?;
        }
        for load in summary.files.iter().filter_map(|file| file.load(self.options.load_time)) {
            if !self.options.dry_run {
                self.sink.record_load(load).await?;
            }
        }
        Ok(())
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    Ok(batch.column(position(Table::Customers.spec(), name)?))
}
