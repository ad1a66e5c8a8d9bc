//! What does a reader hand out?
//!
//! A batch keeps beside the cells what a person needs to find a row again: the
//! line it came from and its raw text. Whoever refuses a row later, because a
//! date is none or a key is missing, puts both into quarantine.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};

use crate::error::Result;

/// Rows of a file, and the records among them that are no rows.
#[derive(Debug, Clone)]
pub struct RawBatch {
    /// The rows. Text formats: every column is `Utf8`, null where empty.
    pub batch: RecordBatch,
    /// Where each row starts: the physical line (text), the sheet's row
    /// (workbooks) or the row's number (Parquet), from 1.
    pub lines: Vec<u64>,
    /// The records that are no rows, in file order.
    pub bad: Vec<BadRow>,
    raw: Raw,
}

/// A record that could not be read as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Where it starts, as in [`RawBatch::lines`].
    pub line: u64,
    /// The column at fault, if it is one.
    pub column: Option<String>,
    /// `ragged_row`: too many or too few fields. `bad_json`: no JSON object.
    /// `bad_encoding`: bytes that are no text. `bad_cell`: a formula that
    /// failed. `cut_row`: the last row breaks off and no line end follows,
    /// which is how a file looks that was cut in the middle.
    pub reason: &'static str,
    /// What exactly is wrong, for people.
    pub detail: String,
    /// The record as it stands in the file, decoded as well as possible.
    pub raw: String,
}

/// Where the raw text of a row comes from.
#[derive(Debug, Clone)]
enum Raw {
    /// The rows' text one after the other, and where each ends.
    Text { text: String, ends: Vec<usize> },
    /// There was no text: the cells are written as a JSON object.
    Cells,
}

impl RawBatch {
    /// A batch of a format that has no text of its own.
    pub(super) fn of_cells(batch: RecordBatch, lines: Vec<u64>, bad: Vec<BadRow>) -> Self {
        Self { batch, lines, bad, raw: Raw::Cells }
    }

    /// How many records were read: rows and bad rows.
    #[must_use]
    pub fn read(&self) -> usize {
        self.batch.num_rows() + self.bad.len()
    }

    /// The row as it stands in the file without its line end, for quarantine;
    /// a JSON object of its cells for workbooks and Parquet. Empty when there
    /// is no such row.
    #[must_use]
    pub fn raw(&self, row: usize) -> String {
        match &self.raw {
            Raw::Text { text, ends } => {
                let start = row.checked_sub(1).and_then(|before| ends.get(before)).copied();
                let end = ends.get(row).copied().unwrap_or_default();
                text.get(start.unwrap_or_default()..end).unwrap_or_default().to_owned()
            }
            Raw::Cells if row < self.batch.num_rows() => json(&self.batch.slice(row, 1)),
            Raw::Cells => String::new(),
        }
    }
}

/// The one row of `batch` as a JSON object, without its nulls.
fn json(batch: &RecordBatch) -> String {
    let mut out = Vec::new();
    let mut writer = arrow::json::LineDelimitedWriter::new(&mut out);
    let written = writer.write(batch).and_then(|()| writer.finish());
    drop(writer);
    match written {
        Ok(()) => String::from_utf8_lossy(&out).trim_end().to_owned(),
        // A type JSON has no form for; the reason is better than nothing.
        Err(error) => error.to_string(),
    }
}

/// The most text a batch holds: far below the 2 GiB an Arrow text column can
/// address, also when NDJSON keeps a nested object twice.
const FULL: usize = 1 << 25;

/// Collects rows of text cells.
pub(super) struct TextBatch {
    pub(super) columns: Vec<StringBuilder>,
    pub(super) bad: Vec<BadRow>,
    lines: Vec<u64>,
    raw: Option<(String, Vec<usize>)>,
    bytes: usize,
}

impl TextBatch {
    /// An empty batch of `columns` columns; `keep_raw` says whether rows come
    /// with a text of their own.
    pub(super) fn new(columns: usize, keep_raw: bool) -> Self {
        Self {
            columns: (0..columns).map(|_| StringBuilder::new()).collect(),
            bad: Vec::new(),
            lines: Vec::new(),
            raw: keep_raw.then(Default::default),
            bytes: 0,
        }
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> usize {
        self.lines.len()
    }

    /// Whether nothing was read into it.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.bad.is_empty()
    }

    /// Whether it is time to hand it out.
    pub(super) fn is_full(&self, batch_rows: usize) -> bool {
        self.lines.len() + self.bad.len() >= batch_rows || self.bytes >= FULL
    }

    /// Ends the row whose cells have been appended to every column.
    pub(super) fn end_row(&mut self, line: u64, raw: &str) {
        self.lines.push(line);
        self.bytes += raw.len();
        if let Some((text, ends)) = &mut self.raw {
            text.push_str(raw);
            ends.push(text.len());
        }
    }

    /// Adds a record that is no row.
    pub(super) fn push_bad(&mut self, bad: BadRow) {
        self.bytes += bad.raw.len();
        self.bad.push(bad);
    }

    /// Adds a column that the rows so far do not have.
    pub(super) fn add_column(&mut self) {
        let mut column = StringBuilder::new();
        column.append_nulls(self.rows());
        self.columns.push(column);
    }

    /// Hands out what was collected and starts again.
    pub(super) fn finish(&mut self, headers: &[String]) -> Result<RawBatch> {
        let next = Self::new(self.columns.len(), self.raw.is_some());
        let Self { mut columns, bad, lines, raw, .. } = std::mem::replace(self, next);
        let fields: Vec<Field> =
            headers.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
        let arrays: Vec<ArrayRef> =
            columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        let rows = RecordBatchOptions::new().with_row_count(Some(lines.len()));
        let batch =
            RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &rows)?;
        let raw = raw.map_or(Raw::Cells, |(text, ends)| Raw::Text { text, ends });
        Ok(RawBatch { batch, lines, bad, raw })
    }
}
