//! Where are the rows of a table between their arrival and their files?
//!
//! In memory while they are few. When they become many, chunk after chunk is
//! sorted and set aside by a worker of its own, while the next is read; at the
//! end they become one run of files, written by as many workers as there are
//! cores. Tables that are not laid out by customer are small: their chunks
//! become files as they are.

use arrow::array::RecordBatch;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use super::delta::DataFile;
use super::files;
use super::location::Location;
use super::output::Output;
use super::spill::Spill;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;

/// Bytes of rows in memory that are sorted at once. Sorting holds them three
/// times, and a second chunk comes in meanwhile.
const CHUNK_BYTES: usize = 64 << 20;

/// Rows of a table that a run adds.
#[derive(Debug, Default)]
pub(super) struct Pending {
    batches: Vec<RecordBatch>,
    bytes: usize,
    /// Chunks set aside; the task sorts the last of them.
    aside: Option<JoinHandle<Result<Spill>>>,
    /// Files of these rows, not published yet.
    pub(super) written: Vec<DataFile>,
    /// Published files whose rows are in `written` again.
    pub(super) replaced: Vec<DataFile>,
    /// The newest instants at which a row happened and became known.
    pub(super) data_end: Option<i64>,
    pub(super) known_end: Option<i64>,
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
        if self.bytes < CHUNK_BYTES {
            return Ok(());
        }
        if table.spec().is_clustered() {
            self.set_aside(table, location).await
        } else {
            self.write(table, location, run).await
        }
    }

    /// Makes files of all rows.
    pub(super) async fn flush(
        &mut self,
        table: Table,
        location: &Location,
        run: i64,
    ) -> Result<()> {
        if self.aside.is_none() {
            return self.write(table, location, run).await;
        }
        if !self.batches.is_empty() {
            self.set_aside(table, location).await?;
        }
        if let Some(spill) = self.spill().await? {
            self.written.extend(merge(table, spill, location, run).await?);
        }
        Ok(())
    }

    async fn write(&mut self, table: Table, location: &Location, run: i64) -> Result<()> {
        let chunk = self.chunk();
        if chunk.is_empty() {
            return Ok(());
        }
        let encoded = done(spawn_blocking(move || files::encode(table, &chunk)).await)?;
        let name = files::name(run, self.written.len());
        self.written.push(files::write(location, table, name, encoded).await?);
        Ok(())
    }

    async fn set_aside(&mut self, table: Table, location: &Location) -> Result<()> {
        let mut spill = match self.spill().await? {
            Some(spill) => spill,
            None => Spill::new(table, location.local_path().as_deref())?,
        };
        let chunk = self.chunk();
        self.aside = Some(spawn_blocking(move || spill.push(&chunk).map(|()| spill)));
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
async fn merge(table: Table, spill: Spill, location: &Location, run: i64) -> Result<Vec<DataFile>> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let shares = spill.ranges(cores, CHUNK_BYTES as u64);
    let spill = std::sync::Arc::new(spill);
    // Dropping the set ends the workers.
    let mut workers = JoinSet::new();
    for (worker, share) in shares.iter().cloned().enumerate() {
        let spill = std::sync::Arc::clone(&spill);
        let end = shares.get(worker + 1).and_then(|next| next.first()).copied();
        let mut output = Output::new(location.clone(), table, run);
        workers.spawn(async move {
            let ends = share.iter().skip(1).copied().map(Some).chain([end]);
            for (from, to) in share.iter().copied().zip(ends) {
                let spill = std::sync::Arc::clone(&spill);
                let rows = done(spawn_blocking(move || spill.read(from, to)).await)?;
                output.write(&rows).await?;
            }
            Ok::<_, Error>((worker, output.finish().await?))
        });
    }
    let mut written = Vec::new();
    while let Some(worker) = workers.join_next().await {
        written.push(done(worker)?);
    }
    written.sort_by_key(|(worker, _)| *worker);
    Ok(written.into_iter().flat_map(|(_, files)| files).collect())
}

/// The result of a task.
fn done<T>(outcome: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    outcome.map_err(|error| Error::new(ErrorKind::Internal, "sorting rows").caused_by(error))?
}
