//! What can a mapping say about a file before anybody has looked into it?
//!
//! Everything here has a default that lets the reader find out by itself; the
//! options exist for the files where looking is not enough.

use std::fmt;

use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};

/// The formats rows can be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Delimited text: comma, semicolon, tab, bar or blanks.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// A workbook: XLSX, and the older XLS, XLSB and ODS with it.
    Xlsx,
    /// Apache Parquet.
    Parquet,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
        })
    }
}

/// What separates the fields of a line.
///
/// In a mapping: one ASCII character such as `";"`, or `"tab"`, or
/// `"whitespace"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Delimiter {
    /// One byte between two fields.
    Byte(u8),
    /// Any run of blanks and tabs; blanks at either end of the line count not.
    Whitespace,
}

impl TryFrom<String> for Delimiter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_bytes() {
            b"tab" => Ok(Self::Byte(b'\t')),
            b"whitespace" => Ok(Self::Whitespace),
            [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | b'"') => {
                Ok(Self::Byte(*byte))
            }
            _ => Err(format!(
                "a delimiter is one ASCII character, \"tab\" or \"whitespace\", not {text:?}"
            )),
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whitespace => f.write_str("whitespace"),
            Self::Byte(b'\t') => f.write_str("tab"),
            Self::Byte(byte) => write!(f, "{}", char::from(*byte)),
        }
    }
}

/// What is known beforehand about a file; `None` means: find out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadOptions {
    /// The format.
    pub format: Option<Format>,
    /// What separates the fields of a CSV file.
    pub delimiter: Option<Delimiter>,
    /// Whether fields of a CSV file may stand in double quotes.
    pub quotes: bool,
    /// Whether the first row names the columns of a CSV file or a sheet.
    pub header: bool,
    /// The names of the columns of a file without a header row.
    pub columns: Option<Vec<String>>,
    /// The encoding, by any WHATWG label: `utf-8`, `gb18030`, `windows-1252`.
    pub encoding: Option<String>,
    /// The sheet of a workbook; the first visible one when not given.
    pub sheet: Option<String>,
    /// The most rows in a batch.
    pub batch_rows: usize,
    /// Cells that mean "missing" besides the empty one, for example `NULL` or
    /// `#N/A`. Compared with the trimmed cell, so `""` stands for blank cells.
    pub null_words: Vec<String>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            delimiter: None,
            quotes: true,
            header: true,
            columns: None,
            encoding: None,
            sheet: None,
            batch_rows: 8192,
            null_words: Vec::new(),
        }
    }
}

impl ReadOptions {
    /// Refuses options that contradict each other, before any file is opened.
    pub(super) fn check(&self) -> Result<()> {
        if self.batch_rows == 0 {
            return Err(Error::new(ErrorKind::Usage, "`batch_rows` must be at least 1"));
        }
        if self.header && self.columns.is_some() {
            return Err(Error::new(
                ErrorKind::Usage,
                "`columns` names the columns of a file without a header row, but `header` is on",
            )
            .hint("set `header = false`, or leave `columns` out"));
        }
        if matches!(&self.columns, Some(columns) if columns.is_empty()) {
            return Err(Error::new(ErrorKind::Usage, "`columns` is empty"));
        }
        Ok(())
    }

    /// Whether a cell means "missing".
    pub(super) fn is_null(&self, cell: &str) -> bool {
        if cell.is_empty() {
            return true;
        }
        // Most sources have no such words, and then a cell costs nothing more.
        !self.null_words.is_empty() && {
            let cell = cell.trim();
            self.null_words.iter().any(|word| word == cell)
        }
    }
}
