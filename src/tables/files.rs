//! How does a table's Parquet file come to be, and how is a small one read?

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;

use super::delta::{self, DataFile};
use super::durable::STAGED;
use super::location::Location;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;

/// Rows of a row group: few enough that ranges of customers begin where the
/// reader wants them, many enough that its footer and dictionaries do not weigh.
const GROUP_ROWS: usize = 1 << 18;

/// Bytes of a row group that wait in memory at most: reasons of scores are long.
const GROUP_BYTES: usize = 32 << 20;

/// Bytes of different values after which a column of a row group has too many
/// for a dictionary to pay: enough for its customers, not for ids of rows.
const DICTIONARY_BYTES: usize = 128 << 10;

/// Bytes of a file that are handed to the store at once.
const PART_BYTES: usize = 8 << 20;

/// Parts of a file that are waited for before more are sent.
const PARTS: usize = 2;

/// A Parquet file in the making; takes rows in the table's order. Finished row
/// groups go to the store at once, so that memory holds the open one only.
/// Nothing has the file's name before [`FileWriter::finish`].
#[derive(Debug)]
pub(super) struct FileWriter {
    parquet: ArrowWriter<Vec<u8>>,
    store: BufWriter,
    file: DataFile,
    /// The whole path, for errors.
    path: Path,
}

impl FileWriter {
    /// Starts a file of `table` under `name`.
    pub(super) fn new(location: &Location, table: Table, name: String) -> Result<Self> {
        // Whether texts are coded is Arrow's affair: the file says nothing of
        // it, so that every reader takes the columns as it likes.
        let options = ArrowWriterOptions::new()
            .with_properties(properties(table))
            .with_skip_arrow_metadata(true);
        let parquet =
            ArrowWriter::try_new_with_options(Vec::new(), table.spec().schema(), options)?;
        let path = location.child(&format!("{}/{name}", delta::folder(table)));
        let store = BufWriter::with_capacity(location.store(), path.clone(), PART_BYTES)
            .with_max_concurrency(PARTS);
        let file = DataFile { path: name, bytes: 0, rows: 0 };
        Ok(Self { parquet, store, file, path })
    }

    pub(super) async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        // No more than a row group at once, so that it goes before the next.
        for start in (0..rows.num_rows()).step_by(GROUP_ROWS) {
            let rows = rows.slice(start, GROUP_ROWS.min(rows.num_rows() - start));
            self.parquet.write(&rows)?;
            self.file.rows += rows.num_rows() as u64;
            if self.parquet.in_progress_size() > GROUP_BYTES {
                self.parquet.flush()?;
            }
            self.hand_over().await?;
            // Encoding is work: let others of this thread go on.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Rows written so far.
    pub(super) fn rows(&self) -> u64 {
        self.file.rows
    }

    /// Ends the file and puts it under its name.
    pub(super) async fn finish(mut self) -> Result<DataFile> {
        self.parquet.finish()?;
        self.hand_over().await?;
        self.store.shutdown().await.map_err(|error| failed(&self.path, error))?;
        Ok(self.file)
    }

    async fn hand_over(&mut self) -> Result<()> {
        let bytes = std::mem::take(self.parquet.inner_mut());
        if bytes.is_empty() {
            return Ok(());
        }
        self.file.bytes += bytes.len() as u64;
        let put = self.store.put(bytes.into()).await;
        if put.is_err() {
            // Remote parts stay, and cost, until somebody says so.
            let _ = self.store.abort().await;
        }
        put.map_err(|error| failed(&self.path, error))
    }
}

fn failed(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Storage, format!("writing {path}"))
        .caused_by(error)
        .hint("check the free space and the rights of the store")
}

/// How each column of a table is kept; measured in docs/decisions.md.
fn properties(table: Table) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_created_by(format!("tenure {}", env!("CARGO_PKG_VERSION")));
    for field in table.spec().schema().fields() {
        let name = field.name().as_str();
        let column = || ColumnPath::from(name);
        if matches!(field.data_type(), DataType::Timestamp(..)) {
            // Instants hardly repeat and hardly compress (by 1 % in the bench),
            // and every report reads them: they are kept as they are.
            properties = properties
                .set_column_dictionary_enabled(column(), false)
                .set_column_compression(column(), Compression::UNCOMPRESSED);
        } else if name == "row_no" {
            // Different in every row and in no condition of a report; the
            // differences are half as large as the numbers and too random to
            // compress.
            properties = properties
                .set_column_dictionary_enabled(column(), false)
                .set_column_encoding(column(), Encoding::DELTA_BINARY_PACKED)
                .set_column_compression(column(), Compression::UNCOMPRESSED)
                .set_column_statistics_enabled(column(), EnabledStatistics::None);
        } else if *field.data_type() == DataType::Utf8 {
            // Where there are too many for a dictionary. Lengths apart from the
            // letters are mostly equal, and the letters are easier to compress.
            properties =
                properties.set_column_encoding(column(), Encoding::DELTA_LENGTH_BYTE_ARRAY);
            // Rows are laid out by customer: nearly every name is in every row
            // group, and no reader is spared one by the least and the greatest.
            if name != "customer_id" {
                properties =
                    properties.set_column_statistics_enabled(column(), EnabledStatistics::None);
            }
        }
    }
    properties.build()
}

/// The name of the `index`-th file of a run: sorts by run, and is unique even
/// when a crashed run of the same number left files behind.
pub(super) fn name(run: i64, index: usize) -> String {
    format!("run-{run:08}-{index:05}-{}.parquet", uuid::Uuid::new_v4().simple())
}

/// Writes rows that are in the table's order as a file of their own.
pub(super) async fn write(
    location: &Location,
    table: Table,
    name: String,
    rows: &RecordBatch,
) -> Result<DataFile> {
    let mut file = FileWriter::new(location, table, name)?;
    file.write(rows).await?;
    file.finish().await
}

/// Deletes files that were written but never committed.
pub(super) async fn discard(location: &Location, table: Table, files: &[DataFile]) -> Result<()> {
    let paths: Vec<_> = files
        .iter()
        .map(|file| Ok(location.child(&format!("{}/{}", delta::folder(table), file.path))))
        .collect();
    let paths = Box::pin(futures::stream::iter(paths));
    location.store().delete_stream(paths).try_collect::<Vec<_>>().await?;
    Ok(())
}

/// The files in a table's folder that a run after `newest` wrote: while nobody
/// writes, none of them was ever published.
pub(super) async fn of_runs_after(
    location: &Location,
    table: Table,
    newest: i64,
) -> Result<Vec<DataFile>> {
    let folder = location.child(&delta::folder(table));
    let listed = location.store().list_with_delimiter(Some(&folder)).await?;
    let later = |name: &str| {
        let run = name.strip_prefix("run-")?.split('-').next()?.parse::<i64>().ok()?;
        (run > newest).then(|| name.to_owned())
    };
    let files = listed.objects.into_iter().filter_map(|object| {
        let path = later(object.location.filename()?)?;
        Some(DataFile { path, bytes: object.size, rows: 0 })
    });
    Ok(files.collect())
}

/// The names of the files in a table's folder.
pub(super) async fn names(location: &Location, table: Table) -> Result<BTreeSet<String>> {
    let folder = location.child(&delta::folder(table));
    let listed = location.store().list_with_delimiter(Some(&folder)).await?;
    let names = listed.objects.iter().filter_map(|object| object.location.filename());
    Ok(names.map(str::to_owned).collect())
}

/// Removes what writers that died left of files that were not complete; only for
/// who holds the writer's lock. Elsewhere than on a local disk nothing shows.
pub(super) async fn sweep(location: &Location, table: Table) -> Result<()> {
    let Some(store) = location.local_path() else { return Ok(()) };
    let folder = store.join(delta::folder(table));
    let swept = spawn_blocking(move || {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let unfinished = |name: &str| name.contains(&format!(".parquet{STAGED}"));
            if name.is_some_and(|name| name.starts_with("run-") && unfinished(name)) {
                std::fs::remove_file(&path)?;
            }
        }
        Ok::<_, std::io::Error>(())
    });
    swept.await.map_err(std::io::Error::from).flatten().map_err(|error| {
        Error::new(ErrorKind::Storage, format!("cleaning up table {}", table.name()))
            .caused_by(error)
    })
}

/// Reads a whole small file.
pub(super) async fn read(
    location: &Location,
    table: Table,
    file: &DataFile,
) -> Result<Vec<RecordBatch>> {
    let path = location.child(&format!("{}/{}", delta::folder(table), file.path));
    let bytes = location.store().get(&path).await?.bytes().await?;
    let batches: Result<Vec<_>, _> =
        ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()?.collect();
    Ok(batches?)
}

/// The greatest value of an instant column that is not after `limit`, in
/// microseconds.
pub(super) fn newest(batch: &RecordBatch, column: &str, limit: i64) -> Option<i64> {
    use arrow::array::AsArray;
    use arrow::datatypes::TimestampMicrosecondType;
    let values = batch.column_by_name(column)?;
    let instants = values.as_primitive_opt::<TimestampMicrosecondType>()?;
    instants.iter().flatten().filter(|instant| *instant <= limit).max()
}
