//! Where are the rows of a table between their arrival and their files?
//!
//! In memory while they are few. When they become many, chunk after chunk is
//! sorted and set aside by a worker of its own, while the next is read; at the
//! end they become one run of files, written by as many workers as there are
//! cores. Tables that are not laid out by customer are small: their chunks
//! become files as they are.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_blocking};

use super::delta::DataFile;
use super::files;
use super::location::Location;
use super::output::{Output, done};
use super::sort::sort;
use super::spill::Spill;
use crate::error::Result;
use crate::schema::Table;

/// Bytes of rows in memory that are sorted at once; sorting holds them twice.
const CHUNK_BYTES: usize = 64 << 20;

/// Chunks that are sorted or wait for it, while the next is read.
const WAITING: usize = 2;

/// Ranges to a chunk: every core has one in memory, sorted and not, beside the
/// file it goes into. Many small ones would read more blocks twice.
const RANGES: u64 = 4;

/// Rows of a table that a run adds.
#[derive(Debug)]
pub(super) struct Pending {
    batches: Vec<RecordBatch>,
    bytes: usize,
    /// Bytes of rows that are sorted at once.
    chunk_bytes: usize,
    /// Chunks set aside; the task sorts the last of them, after those before.
    aside: Option<JoinHandle<Result<Spill>>>,
    /// Lets as many chunks wait as may be in memory.
    waiting: Arc<Semaphore>,
    /// Files of these rows, not published yet.
    pub(super) written: Vec<DataFile>,
    /// Published files whose rows are in `written` again.
    pub(super) replaced: Vec<DataFile>,
    /// The newest instants at which a row happened and became known.
    pub(super) data_end: Option<i64>,
    pub(super) known_end: Option<i64>,
}

impl Default for Pending {
    fn default() -> Self {
        Self {
            batches: Vec::new(),
            bytes: 0,
            chunk_bytes: CHUNK_BYTES,
            aside: None,
            waiting: Arc::new(Semaphore::new(WAITING)),
            written: Vec::new(),
            replaced: Vec::new(),
            data_end: None,
            known_end: None,
        }
    }
}

impl Pending {
    /// Takes rows, in the table's schema, of run `run`.
    pub(super) async fn push(
        &mut self,
        table: Table,
        rows: RecordBatch,
        location: &Location,
        run: i64,
    ) -> Result<()> {
        self.bytes += rows.get_array_memory_size();
        self.batches.push(rows);
        if self.bytes < self.chunk_bytes {
            return Ok(());
        }
        if table.spec().is_clustered() {
            self.set_aside(table, location).await
        } else {
            self.write(table, location, run).await
        }
    }

    /// Makes files of all rows. Where that takes long, `tell` is told rows
    /// written and rows to write.
    pub(super) async fn flush(
        &mut self,
        table: Table,
        location: &Location,
        run: i64,
        tell: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<()> {
        if self.aside.is_none() {
            return self.write(table, location, run).await;
        }
        if !self.batches.is_empty() {
            self.set_aside(table, location).await?;
        }
        if let Some(spill) = self.spill().await? {
            let bytes = self.chunk_bytes as u64 / RANGES;
            self.written.extend(merge(table, spill, bytes, location, run, tell).await?);
        }
        Ok(())
    }

    async fn write(&mut self, table: Table, location: &Location, run: i64) -> Result<()> {
        let chunk = self.chunk();
        if chunk.is_empty() {
            return Ok(());
        }
        let sorted = done(spawn_blocking(move || sort(table, &chunk)).await)?;
        let name = files::name(run, self.written.len());
        self.written.push(files::write(location, table, name, &sorted).await?);
        Ok(())
    }

    async fn set_aside(&mut self, table: Table, location: &Location) -> Result<()> {
        let chunk = self.chunk();
        let before = match self.aside.take() {
            Some(task) if !task.is_finished() => task,
            // What went wrong is known now and not after the last row.
            Some(task) => ready(done(task.await)?),
            None => ready(Spill::new(table, location.local_path().as_deref())?),
        };
        // Never closed: there is a place in the end.
        let place = Arc::clone(&self.waiting).acquire_owned().await.ok();
        self.aside = Some(tokio::spawn(async move {
            let mut spill = done(before.await)?;
            let sorted = spawn_blocking(move || spill.push(&chunk).map(|()| spill)).await;
            drop(place);
            done(sorted)
        }));
        Ok(())
    }

    fn chunk(&mut self) -> Vec<RecordBatch> {
        self.bytes = 0;
        std::mem::take(&mut self.batches)
    }

    /// What was set aside, once the last chunk is sorted.
    async fn spill(&mut self) -> Result<Option<Spill>> {
        match self.aside.take() {
            Some(task) => done(task.await).map(Some),
            None => Ok(None),
        }
    }
}

/// Writes all rows set aside as one run of files.
async fn merge(
    table: Table,
    spill: Spill,
    range_bytes: u64,
    location: &Location,
    run: i64,
    tell: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Vec<DataFile>> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (shares, total) = (spill.ranges(cores, range_bytes), spill.rows());
    let spill = Arc::new(spill);
    let workers = shares.iter().cloned().enumerate().map(|(worker, share)| {
        let spill = Arc::clone(&spill);
        let end = shares.get(worker + 1).and_then(|next| next.first()).copied();
        let ends: Vec<_> = share.iter().skip(1).copied().map(Some).chain([end]).collect();
        let rows = futures::stream::iter(share.into_iter().zip(ends)).then(move |(from, to)| {
            let spill = Arc::clone(&spill);
            async move { done(spawn_blocking(move || spill.read(from, to)).await) }
        });
        (Output::new(location.clone(), table, run), rows.boxed())
    });
    let mut written = 0;
    let mut tell = |more: u64| {
        written += more;
        tell(written, total);
    };
    Output::write_all(workers.collect(), &mut tell).await
}

/// A task that has ended.
fn ready(spill: Spill) -> JoinHandle<Result<Spill>> {
    tokio::spawn(std::future::ready(Ok(spill)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::array::{RecordBatch, new_null_array};
    use arrow::compute::concat_batches;

    use super::*;

    /// Activity of 200 customers; everything follows from the row's number.
    fn activity(rows: std::ops::Range<i64>) -> RecordBatch {
        let spec = Table::Activity.spec();
        let key = |row: i64| row * row % 199;
        let columns = spec.columns.iter().map(|column| -> ArrayRef {
            let rows = rows.clone();
            match column.name {
                "customer_key" => Arc::new(Int64Array::from_iter_values(rows.map(key))),
                "customer_id" => Arc::new(StringArray::from_iter_values(
                    rows.map(|row| format!("customer {}", key(row))),
                )),
                "occurred_at" | "known_at" => Arc::new(
                    TimestampMicrosecondArray::from_iter_values(rows.map(|row| row * 7 % 1_000))
                        .with_timezone("UTC"),
                ),
                "name" => Arc::new(StringArray::from_iter_values(
                    rows.map(|row| if row % 3 == 0 { "login" } else { "purchase" }),
                )),
                "load_id" => Arc::new(Int64Array::from_value(1, rows.count())),
                "row_no" => Arc::new(Int64Array::from_iter_values(rows)),
                _ => new_null_array(&column.kind.data_type(), rows.count()),
            }
        });
        RecordBatch::try_new(spec.schema(), columns.collect()).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_load_of_many_chunks_becomes_one_run_with_every_row() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::parse(folder.path().to_str().unwrap()).unwrap();
        let batches: Vec<RecordBatch> =
            (0..40).map(|batch| activity(batch * 500..(batch + 1) * 500)).collect();
        let expected = sort(Table::Activity, &batches).unwrap();
        for chunk_bytes in [1, 100_000, 1_000_000, usize::MAX] {
            let mut pending = Pending { chunk_bytes, ..Pending::default() };
            for batch in &batches {
                pending.push(Table::Activity, batch.clone(), &location, 1).await.unwrap();
            }
            assert_eq!(pending.aside.is_some(), chunk_bytes < usize::MAX);
            pending.flush(Table::Activity, &location, 1, &mut |_, _| {}).await.unwrap();
            let mut read = Vec::new();
            for file in &pending.written {
                read.extend(files::read(&location, Table::Activity, file).await.unwrap());
            }
            let read = concat_batches(&expected.schema(), &read).unwrap();
            assert_eq!(read, expected, "{chunk_bytes} bytes at once");
        }
        // Nothing but the tables is left.
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[tokio::test]
    async fn what_goes_wrong_with_a_chunk_ends_the_load() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::parse(folder.path().to_str().unwrap()).unwrap();
        let mut pending = Pending { chunk_bytes: 1, ..Pending::default() };
        let mut nameless = activity(0..10).columns().to_vec();
        nameless[1] = new_null_array(&arrow::datatypes::DataType::Utf8, 10);
        let nameless = RecordBatch::try_new(Table::Activity.spec().schema(), nameless).unwrap();
        pending.push(Table::Activity, nameless, &location, 1).await.unwrap();
        let error = pending.flush(Table::Activity, &location, 1, &mut |_, _| {}).await.unwrap_err();
        assert!(error.to_string().contains("key without an id"), "{error}");
        assert!(pending.written.is_empty());
    }
}
