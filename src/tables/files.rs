//! How does a table's Parquet file come to be, and how is a small one read?

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use futures::TryStreamExt;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::delta::{self, DataFile};
use super::location::Location;
use super::sort::sort;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;

/// Sorts `batches` in the table's order and encodes them as one Parquet file.
pub(super) fn encode(table: Table, batches: &[RecordBatch]) -> Result<(Vec<u8>, u64)> {
    let mut file = Encoder::new(table.spec().schema())?;
    file.write(&sort(table, batches)?)?;
    file.finish()
}

/// Rows of a row group: few enough that ranges of customers begin where the
/// reader wants them, many enough that its footer and dictionaries do not weigh.
const GROUP_ROWS: usize = 1 << 18;

/// Bytes of different values after which a column of a row group has too many
/// for a dictionary to pay: enough for its customers, not for ids of rows.
const DICTIONARY_BYTES: usize = 128 << 10;

/// A Parquet file in the making, in memory; takes rows in the table's order.
#[derive(Debug)]
pub(super) struct Encoder {
    writer: ArrowWriter<Vec<u8>>,
    rows: u64,
}

impl Encoder {
    /// Starts a file of rows with `schema`, coded columns or not: the file says
    /// nothing of Arrow, so that every reader takes the columns as it likes.
    pub(super) fn new(schema: SchemaRef) -> Result<Self> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            .set_created_by(format!("tenure {}", env!("CARGO_PKG_VERSION")));
        for field in schema.fields() {
            // Instants hardly repeat and hardly compress (by 1 % in the bench),
            // and every report reads them: they are kept as they are.
            if matches!(field.data_type(), DataType::Timestamp(..)) {
                let column = ColumnPath::from(field.name().as_str());
                properties = properties
                    .set_column_dictionary_enabled(column.clone(), false)
                    .set_column_compression(column, Compression::UNCOMPRESSED);
            }
            // Rows are laid out by customer: nearly every name is in every row
            // group, and no reader is spared one by the least and the greatest.
            if *field.data_type() == DataType::Utf8 && field.name() != "customer_id" {
                let column = ColumnPath::from(field.name().as_str());
                properties =
                    properties.set_column_statistics_enabled(column, EnabledStatistics::None);
            }
        }
        let properties = properties.build();
        let options =
            ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), schema, options)?;
        Ok(Self { writer, rows: 0 })
    }

    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.rows += rows.num_rows() as u64;
        Ok(self.writer.write(rows)?)
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The bytes of the file and the number of its rows.
    pub(super) fn finish(self) -> Result<(Vec<u8>, u64)> {
        Ok((self.writer.into_inner()?, self.rows))
    }
}

/// The name of the `index`-th file of a run: sorts by run, and is unique even
/// when a crashed run of the same number left files behind.
pub(super) fn name(run: i64, index: usize) -> String {
    format!("run-{run:08}-{index:05}-{}.parquet", uuid::Uuid::new_v4().simple())
}

/// Writes an encoded file into the table's folder under `name`.
pub(super) async fn write(
    location: &Location,
    table: Table,
    name: String,
    encoded: (Vec<u8>, u64),
) -> Result<DataFile> {
    let (bytes, rows) = encoded;
    let file = DataFile { path: name, bytes: bytes.len() as u64, rows };
    let path = location.child(&format!("{}/{}", delta::folder(table), file.path));
    location.store().put(&path, PutPayload::from(bytes)).await.map_err(|error| {
        Error::new(ErrorKind::Storage, format!("writing {path}"))
            .caused_by(error)
            .hint("check the free space and the rights of the store")
    })?;
    Ok(file)
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
