//! How do delimited lines become batches?
//!
//! Each record is checked as a whole, once: is it UTF-8, has it as many fields
//! as the header. What passes is appended to the columns without a copy of its
//! own; what does not is a bad row.

use crate::error::{Error, ErrorKind, Result};

use super::batch::{BadRow, RawBatch, TextBatch};
use super::options::{Delimiter, ReadOptions};
use super::records::{Field, Split, Splitter, terminator, unquote};
use super::window::Window;
use super::{Probe, RowReader, header, sniff, source};

/// Rows of a CSV file or one of its relatives.
struct Delimited {
    probe: Probe,
    options: ReadOptions,
    records: Records,
    unquoted: String,
}

/// The records of a window, one after the other.
struct Records {
    window: Window,
    splitter: Splitter,
    fields: Vec<Field>,
}

/// The record at the start of the window.
#[derive(Clone, Copy)]
struct Record {
    text: usize,
    len: usize,
    lines: u64,
}

/// Opens delimited text whose first bytes are in the window.
pub(super) fn open(
    mut window: Window,
    mut probe: Probe,
    options: &ReadOptions,
) -> Result<Box<dyn RowReader>> {
    let terminator = terminator(window.bytes());
    let announced = announced(window.bytes(), terminator);
    if let Some((_, len)) = announced {
        window.advance(len, 1);
    }
    let delimiter = options.delimiter.or(announced.map(|(delimiter, _)| delimiter));
    let delimiter = delimiter.unwrap_or_else(|| {
        sniff::delimiter(window.bytes(), window.at_end(), options.quotes, terminator)
    });
    probe.delimiter = Some(delimiter);
    let splitter = Splitter { delimiter, quotes: options.quotes, terminator };
    let mut records = Records { window, splitter, fields: Vec::new() };
    probe.headers = records.headers(options)?;
    if records.locate()?.is_none() {
        return Err(source::no_rows(records.window.name()));
    }
    Ok(Box::new(Delimited { probe, options: options.clone(), records, unquoted: String::new() }))
}

/// The delimiter in a first line `sep=;`, which exports made for a spreadsheet
/// carry, and the length of that line.
fn announced(head: &[u8], terminator: u8) -> Option<(Delimiter, usize)> {
    let len = head.iter().take(8).position(|byte| *byte == terminator)? + 1;
    match head[..len].trim_ascii_end().strip_prefix(b"sep=")? {
        // A tab is trimmed away with the line end.
        [] => Some((Delimiter::Byte(b'\t'), len)),
        [byte] => Some((Delimiter::Byte(*byte), len)),
        _ => None,
    }
}

impl Records {
    /// Finds the next record that is not blank; it stays in the window.
    fn locate(&mut self) -> Result<Option<Record>> {
        loop {
            let (bytes, last) = (self.window.bytes(), self.window.at_end());
            if bytes.is_empty() && last {
                return Ok(None);
            }
            let split = if bytes.is_empty() {
                Split::Partial
            } else {
                self.splitter.split(bytes, last, &mut self.fields)
            };
            match split {
                Split::Record { len, lines, blank: true, .. } => self.window.advance(len, lines),
                Split::Record { text, len, lines, .. } => {
                    return Ok(Some(Record { text, len, lines }));
                }
                Split::Partial => self.window.fill()?,
                Split::OpenQuote { lines } => return Err(self.open_quote(lines)),
            }
        }
    }

    fn open_quote(&self, lines: u64) -> Error {
        let line = self.window.line() + lines;
        Error::new(
            ErrorKind::Input,
            format!(
                "{}: line {line}: a quote opens here and the file ends before it closes",
                self.window.name()
            ),
        )
        .hint("the file may have been cut in the middle: export or fetch it again")
        .hint("if its quotes are ordinary characters, set `quotes = false`")
    }

    /// Reads the header row, or names the columns of the first row.
    fn headers(&mut self, options: &ReadOptions) -> Result<Vec<String>> {
        let Some(record) = self.locate()? else {
            return Err(source::empty_file(self.window.name()));
        };
        let (name, line) = (self.window.name(), self.window.line());
        if !options.header {
            return Ok(header::given(options.columns.as_deref(), self.fields.len()));
        }
        let text = std::str::from_utf8(&self.window.bytes()[..record.text]).map_err(|error| {
            Error::new(
                ErrorKind::Input,
                format!("{name}: line {line}: the header is not valid UTF-8"),
            )
            .hint("name the encoding of the file, for example encoding = \"windows-1252\"")
            .caused_by(error)
        })?;
        let mut scratch = String::new();
        let cells: Vec<String> =
            self.fields.iter().map(|field| cell(text, *field, &mut scratch).to_owned()).collect();
        let headers = header::names(name, line, cells.iter().map(String::as_str))?;
        self.window.advance(record.len, record.lines);
        Ok(headers)
    }
}

/// The content of a field; `scratch` holds it if quotes must be taken out.
fn cell<'a>(text: &'a str, field: Field, scratch: &'a mut String) -> &'a str {
    // The delimiters are ASCII, so a field never cuts a character in two.
    let content = text.get(field.start..field.end).unwrap_or_default();
    if !field.quoted {
        return content;
    }
    unquote(content, scratch);
    scratch
}

impl Delimited {
    /// Moves the record at the start of the window into the batch.
    fn take(&mut self, record: Record, batch: &mut TextBatch) {
        let Records { window, fields, .. } = &mut self.records;
        let bytes = &window.bytes()[..record.text];
        let line = window.line();
        let width = self.probe.headers.len();
        let refuse = |reason, detail| BadRow {
            line,
            column: None,
            reason,
            detail,
            raw: String::from_utf8_lossy(bytes).into_owned(),
        };
        match std::str::from_utf8(bytes) {
            Err(error) => {
                let at = error.valid_up_to();
                let field = fields.iter().rposition(|field| field.start <= at);
                let column = field.and_then(|at| self.probe.headers.get(at)).cloned();
                let detail = bad_bytes(self.probe.encoding, bytes, at);
                batch.push_bad(BadRow { column, ..refuse("bad_encoding", detail) });
            }
            Ok(text) if text.contains('\0') => {
                batch
                    .push_bad(refuse("bad_encoding", "a zero byte, which text never holds".into()));
            }
            Ok(_) if fields.len() != width => {
                let detail = format!("fields: {}, expected: {width}", fields.len());
                let unended = record.len == record.text;
                if unended && fields.len() < width {
                    batch.push_bad(refuse("cut_row", detail + CUT));
                } else {
                    batch.push_bad(refuse("ragged_row", detail));
                }
            }
            Ok(text) => {
                for (column, field) in batch.columns.iter_mut().zip(fields.iter()) {
                    let cell = cell(text, *field, &mut self.unquoted);
                    if self.options.is_null(cell) {
                        column.append_null();
                    } else {
                        column.append_value(cell);
                    }
                }
                batch.end_row(line, text);
            }
        }
        window.advance(record.len, record.lines);
    }
}

/// What is said of a broken last row that no line end follows.
pub(super) const CUT: &str = "; no line end follows, so the file was cut here";

/// Says where a record, valid UTF-8 up to the byte `at`, is no text.
pub(super) fn bad_bytes(encoding: Option<&str>, record: &[u8], at: usize) -> String {
    let encoding = encoding.unwrap_or("UTF-8");
    let before = String::from_utf8_lossy(&record[..at]).chars().count();
    format!(
        "character {} of the row is not valid {encoding}; if the file is in another encoding, name it",
        before + 1
    )
}

impl RowReader for Delimited {
    fn probe(&self) -> &Probe {
        &self.probe
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>> {
        let mut batch = TextBatch::new(self.probe.headers.len(), true);
        while !batch.is_full(self.options.batch_rows) {
            let Some(record) = self.records.locate()? else {
                break;
            };
            self.take(record, &mut batch);
        }
        if batch.is_empty() {
            return Ok(None);
        }
        batch.finish(&self.probe.headers).map(Some)
    }

    fn bytes_read(&self) -> u64 {
        self.records.window.bytes_read()
    }
}
