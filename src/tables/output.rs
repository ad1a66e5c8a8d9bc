//! How do rows that are already in order become files of a good size?

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::delta::DataFile;
use super::files::{self, FileWriter};
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
    open: Option<FileWriter>,
    /// The customer of the last row of the open file.
    last: Option<i64>,
    /// The file before, on its way to the disk while the next is encoded.
    closing: JoinSet<Result<DataFile>>,
    written: Vec<DataFile>,
}

impl Output {
    pub(super) fn new(location: Location, table: Table, run: i64) -> Self {
        Self {
            location,
            table,
            run,
            open: None,
            last: None,
            closing: JoinSet::new(),
            written: Vec::new(),
        }
    }

    /// Adds rows that follow those before in the table's order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] if a file can not be written.
    pub async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let full = self.open.as_ref().is_some_and(|open| open.rows() >= FILE_ROWS);
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
        let mut open = match self.open.take() {
            Some(open) => open,
            None => {
                let name = files::name(self.run, self.written.len() + self.closing.len());
                FileWriter::new(&self.location, self.table, name)?
            }
        };
        open.write(rows).await?;
        self.open = Some(open);
        // Rows of nobody come last; a file that holds some takes all of them.
        let known = customers(rows);
        self.last =
            known.filter(|keys| keys.len() == rows.num_rows()).and_then(|k| k.last().copied());
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        self.closed().await?;
        self.closing.spawn(open.finish());
        self.last = None;
        Ok(())
    }

    /// Waits for the file before.
    async fn closed(&mut self) -> Result<()> {
        while let Some(file) = self.closing.join_next().await {
            self.written.push(done(file)?);
        }
        Ok(())
    }

    /// Writes shares of one run, each by a worker of its own; `tell` is told of
    /// rows as they are written. Dropping the future ends the workers.
    ///
    /// # Errors
    ///
    /// That of the first worker to fail.
    pub async fn write_all(
        shares: Vec<(Self, BoxStream<'static, Result<RecordBatch>>)>,
        tell: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<DataFile>> {
        let (told, mut heard) = mpsc::unbounded_channel();
        let mut workers = JoinSet::new();
        for (share, (mut output, mut rows)) in shares.into_iter().enumerate() {
            let told = told.clone();
            workers.spawn(async move {
                while let Some(batch) = rows.next().await {
                    let batch = batch?;
                    output.write(&batch).await?;
                    // Nobody listens any more when the work was given up.
                    let _ = told.send(batch.num_rows() as u64);
                }
                Ok::<_, Error>((share, output.finish().await?))
            });
        }
        drop(told);
        let mut written = Vec::new();
        loop {
            // The first to fail ends the others at once.
            tokio::select! {
                Some(rows) = heard.recv() => tell(rows),
                worker = workers.join_next() => match worker {
                    Some(worker) => written.push(done(worker)?),
                    None => break,
                },
            }
        }
        while let Ok(rows) = heard.try_recv() {
            tell(rows);
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
        self.closed().await?;
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
