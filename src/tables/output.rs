//! How do rows that are already in order become files of a good size?

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use tokio::task::{JoinError, JoinSet, spawn_blocking};

use super::delta::DataFile;
use super::files::{self, Encoder};
use super::location::Location;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;

/// Rows after which the next customer begins a new file.
const FILE_ROWS: u64 = 4 << 20;

/// Takes rows in the table's order and writes them as files that no customer
/// is in two of, so that the files are one run.
#[derive(Debug)]
pub struct Output {
    location: Location,
    table: Table,
    run: i64,
    encoder: Option<Encoder>,
    /// The customer of the last row of the open file.
    last: Option<i64>,
    written: Vec<DataFile>,
}

impl Output {
    pub(super) fn new(location: Location, table: Table, run: i64) -> Self {
        Self { location, table, run, encoder: None, last: None, written: Vec::new() }
    }

    /// Adds rows that follow those before in the table's order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] if a file can not be written.
    pub async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let full = self.encoder.as_ref().is_some_and(|open| open.rows() >= FILE_ROWS);
        if full && let Some(last) = self.last {
            let same = customers(rows).map_or(0, |keys| keys.partition_point(|key| *key <= last));
            if same < rows.num_rows() {
                self.encode(&rows.slice(0, same)).await?;
                self.close().await?;
                return self.encode(&rows.slice(same, rows.num_rows() - same)).await;
            }
        }
        self.encode(rows).await
    }

    async fn encode(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let mut encoder = match self.encoder.take() {
            Some(open) => open,
            None => Encoder::new(rows.schema())?,
        };
        encoder.write(rows)?;
        self.encoder = Some(encoder);
        // Rows of nobody come last; a file that holds some takes all of them.
        let known = customers(rows);
        self.last =
            known.filter(|keys| keys.len() == rows.num_rows()).and_then(|k| k.last().copied());
        // Encoding is work: let others of this thread go on.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        let Some(encoder) = self.encoder.take() else { return Ok(()) };
        let encoded = done(spawn_blocking(move || encoder.finish()).await)?;
        let name = files::name(self.run, self.written.len());
        self.written.push(files::write(&self.location, self.table, name, encoded).await?);
        self.last = None;
        Ok(())
    }

    /// The files of workers that each write a share of one run, by the numbers of
    /// the shares. Dropping the future ends the workers.
    ///
    /// # Errors
    ///
    /// That of the first worker to fail.
    pub async fn all(
        mut workers: JoinSet<Result<(usize, Vec<DataFile>)>>,
    ) -> Result<Vec<DataFile>> {
        let mut written = Vec::new();
        while let Some(worker) = workers.join_next().await {
            written.push(done(worker)?);
        }
        written.sort_by_key(|(share, _)| *share);
        Ok(written.into_iter().flat_map(|(_, files)| files).collect())
    }

    /// Closes the last file; returns all of them.
    ///
    /// # Errors
    ///
    /// As [`Output::write`].
    pub async fn finish(mut self) -> Result<Vec<DataFile>> {
        self.close().await?;
        Ok(self.written)
    }
}

/// The result of a task that sorts, merges or encodes rows.
pub(super) fn done<T>(outcome: std::result::Result<Result<T>, JoinError>) -> Result<T> {
    outcome.map_err(|error| Error::new(ErrorKind::Internal, "writing rows").caused_by(error))?
}

/// The customers of the rows, those of nobody left out.
fn customers(rows: &RecordBatch) -> Option<&[i64]> {
    let keys = rows.column_by_name("customer_key")?.as_primitive_opt::<Int64Type>()?;
    Some(&keys.values()[..keys.len() - keys.null_count()])
}
