//! How does a file somebody exported become rows, without losing one?
//!
//! Nobody can be asked to prepare their exports. Salesforce writes UTF-8 with
//! a byte order mark, Excel writes UTF-16 or the code page of the desk it runs
//! on (GB18030 in China), statisticians write columns of blanks, event
//! pipelines write one JSON object a line, and half of it arrives compressed.
//! This module opens all of these and hands out Arrow record batches:
//!
//! ```text
//! file ─ bytes (gz, zst) ─ encoding (to UTF-8) ─ window ┬─ delimited ┐
//!    │                                                  └─ ndjson    ├─ RawBatch
//!    └─────────────────────────── workbook, columnar (Parquet) ──────┘
//! ```
//!
//! Three promises hold for every format:
//!
//! 1. **No row vanishes.** A record that can not be read as a row (too many
//!    fields, broken JSON, bytes that are no text) comes back as a [`BadRow`]
//!    with its line, its reason and its raw text; everything else is a row of
//!    the batch. Rows read = rows of the batches + bad rows.
//! 2. **A damaged file is an error, not a short file.** A compressed stream
//!    that ends early, a quote that never closes, a binary file in disguise:
//!    the error names the file, the line and what to do. The caller must drop
//!    what it has read so far.
//! 3. **Memory is bounded by a batch**, whatever the size of the file.
//!
//! Text formats give every column as text, exactly as written: what `1,5` or
//! `03/04/2024` means is the mapping's to say, not the reader's. An empty cell
//! is null. Parquet keeps its own types.
//!
//! ```
//! use tenure::ingest::read::{self, ReadOptions};
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("customers.csv");
//! std::fs::write(&path, "id;name\n1;Ada\n2;Grace;Hopper\n")?;
//! let found = read::discover(&[path])?;
//! let mut rows = read::open(&found.files[0], &ReadOptions::default())?;
//! assert_eq!(rows.headers(), ["id", "name"]);
//!
//! let batch = rows.next_batch()?.expect("one batch");
//! assert_eq!(batch.batch.num_rows(), 1);
//! assert_eq!(batch.bad[0].line, 3);
//! assert_eq!(batch.bad[0].raw, "2;Grace;Hopper");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: a record may be 64 MiB long; JSON columns found after the first
//! batch appear in later batches only; a single-byte encoding such as
//! Windows-1252 can not be told from others by its bytes and must be named.

mod batch;
mod bytes;
mod columnar;
mod delimited;
mod encoding;
mod header;
mod ndjson;
mod options;
mod records;
mod sheet;
mod sniff;
mod source;
mod window;
mod workbook;

pub use batch::{BadRow, RawBatch};
pub use options::{Delimiter, Format, ReadOptions};
pub use source::{Discovery, InputFile, discover};

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::error::{Error, ErrorKind, Result};
use bytes::{Compression, CountingReader};
use sniff::Container;

/// What opening a file found out about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The format, given or recognised.
    pub format: Format,
    /// The compression around it: `gzip`, `zstd` or none.
    pub compression: Option<&'static str>,
    /// The text encoding, by its WHATWG name; none for binary formats.
    pub encoding: Option<&'static str>,
    /// What separates fields; none outside of CSV.
    pub delimiter: Option<Delimiter>,
    /// The columns, in file order; names are unique and never empty.
    ///
    /// For NDJSON these are the names in the head of the file: later batches
    /// may have more.
    pub headers: Vec<String>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
}

/// A stream of rows out of one file.
pub trait RowReader: Send {
    /// What is known about the file, its columns among it.
    fn probe(&self) -> &Probe;

    /// The columns known so far, in file order.
    fn headers(&self) -> &[String] {
        &self.probe().headers
    }

    /// The next rows, or `None` at the end of the file.
    ///
    /// A batch holds up to [`ReadOptions::batch_rows`] rows and bad rows
    /// together; it may hold bad rows only.
    ///
    /// # Errors
    /// The file is damaged as a whole. Rows handed out before are then part of
    /// an unknown whole, and the load must be given up.
    fn next_batch(&mut self) -> Result<Option<RawBatch>>;

    /// How much of the file on disk has been read: progress against
    /// [`InputFile::bytes`].
    fn bytes_read(&self) -> u64;
}

/// Opens a file as rows, recognising whatever `options` leave open.
///
/// # Errors
/// The file can not be read, is empty, has a header and no rows, or is not
/// something rows can be read from; the error's hints say what to do.
pub fn open(file: &InputFile, options: &ReadOptions) -> Result<Box<dyn RowReader>> {
    options.check()?;
    let mut disk =
        std::fs::File::open(&file.path).map_err(|error| source::io_error(&file.name, &error))?;
    let head = bytes::read_head(&mut disk, sniff::MAGIC_LEN)
        .map_err(|error| source::io_error(&file.name, &error))?;
    disk.seek(SeekFrom::Start(0)).map_err(|error| source::io_error(&file.name, &error))?;
    if head.is_empty() {
        return Err(source::empty_file(&file.name));
    }
    let container = sniff::container(&head);
    let found = match container {
        Some(Container::Parquet) => Some(Format::Parquet),
        Some(Container::Workbook) => Some(Format::Xlsx),
        _ => None,
    };
    if let (Some(found), Some(given)) = (found, options.format)
        && found != given
    {
        return Err(not_a(&file.name, given));
    }
    match container {
        Some(Container::Parquet) => columnar::open(disk, file, options),
        Some(Container::Workbook) => workbook::open(disk, file, options),
        Some(Container::Foreign(what)) => Err(sniff::foreign(&file.name, what)),
        None => {
            let read = Arc::new(AtomicU64::new(0));
            let counted = CountingReader::new(disk, Arc::clone(&read));
            open_stream(Box::new(counted), &file.name, read, options)
        }
    }
}

/// Recognises a file by reading its head only.
///
/// # Errors
/// As [`open`].
pub fn probe(file: &InputFile, options: &ReadOptions) -> Result<Probe> {
    Ok(open(file, options)?.probe().clone())
}

/// Opens text, compressed or not, from any stream of bytes.
///
/// `read` is the counter the stream itself moves, see [`CountingReader`].
fn open_stream(
    stream: Box<dyn Read + Send>,
    name: &str,
    read: Arc<AtomicU64>,
    options: &ReadOptions,
) -> Result<Box<dyn RowReader>> {
    let (mut plain, compression) =
        bytes::decompress(stream).map_err(|error| source::io_error(name, &error))?;
    let head = bytes::read_head(&mut plain, sniff::HEAD_LEN)
        .map_err(|error| source::io_error(name, &error))?;
    if head.is_empty() {
        return Err(source::empty_file(name));
    }
    if let Some(container) = sniff::container(&head) {
        return Err(sniff::wrapped(name, &container, compression));
    }
    let text = encoding::Text::new(plain, &head, options, name)?;
    let encoding = text.encoding();
    let mut window = window::Window::new(Box::new(text), name, read);
    window.fill()?;
    let format = match options.format {
        Some(format @ (Format::Csv | Format::Ndjson)) => format,
        Some(format) => return Err(not_a(name, format)),
        None => sniff::text_format(name, window.bytes(), window.at_end())?,
    };
    let probe = Probe {
        format,
        compression: compression.map(Compression::name),
        encoding: Some(encoding),
        delimiter: None,
        headers: Vec::new(),
        sheet: None,
    };
    match format {
        Format::Ndjson => ndjson::open(window, probe, options),
        _ => delimited::open(window, probe, options),
    }
}

/// The error of a file whose content is not what the options call it.
fn not_a(name: &str, format: Format) -> Error {
    Error::new(ErrorKind::Input, format!("{name}: the content is not {format}"))
        .hint("leave the format out: it is recognised by the content")
}

#[cfg(test)]
mod tests;
