//! How is a Parquet file read without loading it?
//!
//! Parquet keeps its types: a date is a date and a decimal a decimal, so
//! nothing is turned into text here. Row groups are read one after the other,
//! a batch at a time.

use std::fs::File;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::error::{Error, ErrorKind, Result};

use super::batch::RawBatch;
use super::options::{Format, ReadOptions};
use super::source::InputFile;
use super::{Probe, RowReader, header, source};

/// Rows of a Parquet file.
struct Columnar {
    probe: Probe,
    name: String,
    schema: SchemaRef,
    batches: ParquetRecordBatchReader,
    rows: u64,
    total: u64,
    bytes: u64,
}

/// Opens a file that starts like Parquet.
pub(super) fn open(
    disk: File,
    file: &InputFile,
    options: &ReadOptions,
) -> Result<Box<dyn RowReader>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(disk)
        .map_err(|error| refused(&file.name, &error))?;
    let total = builder.metadata().file_metadata().num_rows();
    let total = u64::try_from(total).unwrap_or_default();
    if total == 0 {
        return Err(source::no_rows(&file.name));
    }
    // Parquet lets two columns share a name, a table of ours does not.
    let fields = builder.schema().fields();
    let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    let headers = header::unique(&names);
    let renamed: Vec<_> = fields
        .iter()
        .zip(&headers)
        .map(|(field, name)| field.as_ref().clone().with_name(name))
        .collect();
    let batches = builder
        .with_batch_size(options.batch_rows)
        .build()
        .map_err(|error| refused(&file.name, &error))?;
    Ok(Box::new(Columnar {
        probe: Probe {
            format: Format::Parquet,
            compression: None,
            encoding: None,
            delimiter: None,
            headers,
            sheet: None,
        },
        name: file.name.clone(),
        schema: Arc::new(Schema::new(renamed)),
        batches,
        rows: 0,
        total,
        bytes: file.bytes,
    }))
}

/// The error of a Parquet file that can not be read.
fn refused(name: &str, error: &dyn std::error::Error) -> Error {
    let words = error.to_string();
    // A compression that was not compiled in is only known by these words.
    let (what, hint) = if words.contains("Disabled feature") {
        ("a compression that is not supported", "write it again with Zstandard or Snappy")
    } else {
        ("no readable Parquet", "the file may have been cut or still be written: fetch it again")
    };
    let words = words.rsplit_once("Parquet error: ").map_or(words.as_str(), |(_, last)| last);
    Error::new(ErrorKind::Input, format!("{name}: {what}: {words}")).hint(hint)
}

impl RowReader for Columnar {
    fn probe(&self) -> &Probe {
        &self.probe
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>> {
        let Some(batch) = self.batches.next() else {
            return Ok(None);
        };
        let batch = batch.map_err(|error| refused(&self.name, &error))?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())?;
        let first = self.rows + 1;
        self.rows += batch.num_rows() as u64;
        Ok(Some(RawBatch::of_cells(batch, (first..=self.rows).collect(), Vec::new())))
    }

    /// The share of the rows read, as bytes: columns are read out of order, so
    /// that a count of bytes would jump.
    fn bytes_read(&self) -> u64 {
        let read = u128::from(self.bytes) * u128::from(self.rows) / u128::from(self.total);
        u64::try_from(read).unwrap_or(self.bytes)
    }
}
