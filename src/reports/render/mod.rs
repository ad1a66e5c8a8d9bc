//! In which forms does a report leave the engine?
//!
//! Programs get exact values (JSON, NDJSON, Parquet), spreadsheets get typed
//! or guarded cells (XLSX, CSV), people get an aligned table in their language.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::json::WriterBuilder;
use arrow::json::writer::{JsonArray, JsonFormat, LineDelimited};
use parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::ReportTable;
use super::header::Header;
use crate::config::Language;
use crate::error::{Error, ErrorKind, Result};

mod table;
mod xlsx;

pub use table::{cell_text, grouped, ruled, table};

/// A form of output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// An aligned table for people.
    #[default]
    Table,
    /// Comma-separated values, safe to open in a spreadsheet.
    Csv,
    /// One JSON array of row objects.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// Office Open XML workbook.
    Xlsx,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 6] =
        [Self::Table, Self::Csv, Self::Json, Self::Ndjson, Self::Parquet, Self::Xlsx];

    /// The name used on the command line and in URLs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }

    /// The media type of a response in this format.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Table => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The format called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] that lists the formats.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name);
            Error::new(ErrorKind::Usage, format!("format: \"{name}\" is not known"))
                .hint_nearest(name, known)
                .hint(format!("there are: {}", known.join(", ")))
        })
    }

    /// Whether the output is not text, so that it must not go to a terminal.
    #[must_use]
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Xlsx)
    }
}

/// Renders a report.
///
/// # Errors
///
/// [`ErrorKind::Internal`] if the encoder refuses the data.
pub fn render(
    report: &ReportTable,
    header: &Header,
    format: Format,
    language: Language,
) -> Result<Vec<u8>> {
    match format {
        Format::Table => Ok(table(report, header, language).into_bytes()),
        Format::Csv => csv(report),
        Format::Json => json::<JsonArray>(&report.batches, b"[]\n", b"\n"),
        Format::Ndjson => json::<LineDelimited>(&report.batches, b"", b""),
        Format::Parquet => parquet(&report.schema, &report.batches),
        Format::Xlsx => xlsx::xlsx(report, header, language),
    }
}

/// The rows as JSON objects, nulls included, exactly as `--format json`.
///
/// # Errors
///
/// [`ErrorKind::Internal`] if a row can not be encoded.
pub fn rows(batches: &[RecordBatch]) -> Result<Vec<serde_json::Map<String, serde_json::Value>>> {
    let bytes = json::<JsonArray>(batches, b"[]", b"")?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::new(ErrorKind::Internal, "reading back JSON").caused_by(error))
}

fn json<F: JsonFormat>(batches: &[RecordBatch], empty: &[u8], end: &[u8]) -> Result<Vec<u8>> {
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(empty.to_vec());
    }
    let mut bytes = Vec::new();
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, F>(&mut bytes);
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    bytes.extend_from_slice(end);
    Ok(bytes)
}

fn csv(report: &ReportTable) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = arrow::csv::Writer::new(&mut bytes);
    if report.batches.is_empty() {
        writer.write(&RecordBatch::new_empty(Arc::clone(&report.schema)))?;
    }
    for batch in &report.batches {
        let columns: Vec<ArrayRef> = batch.columns().iter().map(guarded).collect();
        writer.write(&RecordBatch::try_new(batch.schema(), columns)?)?;
    }
    drop(writer);
    Ok(bytes)
}

/// Texts that a spreadsheet would run as a formula get a leading apostrophe;
/// numbers are typed and need none.
fn guarded(column: &ArrayRef) -> ArrayRef {
    if column.data_type() != &DataType::Utf8 {
        return Arc::clone(column);
    }
    let texts = column.as_string::<i32>();
    if !texts.iter().flatten().any(is_formula) {
        return Arc::clone(column);
    }
    let guarded: StringArray = texts
        .iter()
        .map(|text| {
            text.map(|text| if is_formula(text) { format!("'{text}") } else { text.to_owned() })
        })
        .collect();
    Arc::new(guarded)
}

/// Whether a spreadsheet would run a text as a formula.
pub(crate) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn parquet(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, Arc::clone(schema), None)?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.close()?;
    Ok(bytes)
}

/// Whether a column's values line up on the right.
fn is_numeric(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// Whether a column has any value at all in a batch's row.
fn is_null(column: &dyn Array, row: usize) -> bool {
    column.is_null(row)
}
