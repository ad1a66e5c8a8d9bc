//! How do lines of JSON objects become columns?
//!
//! Every key is a column. A nested object stays whole under its own name, as
//! JSON text, and its scalar and deeper values also become columns one level
//! down: `{"properties": {"plan": "pro"}}` gives `properties` and
//! `properties.plan`. Arrays are JSON text. Numbers keep the digits they were
//! written with: no trip through a float changes `0.10` or an 18-digit id.
//!
//! Columns appear when a key first does, so later batches may have more of
//! them than earlier ones, always at the end.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Result;

use super::batch::{BadRow, RawBatch, TextBatch};
use super::delimited::{CUT, bad_bytes};
use super::options::ReadOptions;
use super::window::Window;
use super::{Probe, RowReader, source};

/// The most columns a file may have. Objects keyed by ids would otherwise give
/// every row columns of its own.
const MOST_COLUMNS: usize = 4096;

/// Rows of a file with one JSON object a line.
struct Ndjson {
    probe: Probe,
    options: ReadOptions,
    window: Window,
    columns: Columns,
}

/// The columns by name, and the row being read.
#[derive(Default)]
struct Columns {
    /// Looked up, never iterated.
    at: HashMap<String, usize>,
    /// Where in `text` the cell of each column is; `None` for null.
    cells: Vec<Option<(usize, usize)>>,
    text: String,
    path: String,
}

/// Opens NDJSON whose first bytes are in the window.
pub(super) fn open(
    mut window: Window,
    probe: Probe,
    options: &ReadOptions,
) -> Result<Box<dyn RowReader>> {
    if next_line(&mut window)?.is_none() {
        return Err(source::empty_file(window.name()));
    }
    let mut reader =
        Ndjson { probe, options: options.clone(), window, columns: Columns::default() };
    // The names in the head are known before the first batch is read. The last
    // line of the head may be cut, and then has no names yet.
    for line in reader.window.bytes().split(|byte| *byte == b'\n') {
        if let Ok(text) = std::str::from_utf8(line) {
            // A broken line is reported when it is read.
            let _unread = reader.columns.read(text, &mut reader.probe.headers);
        }
    }
    Ok(Box::new(reader))
}

/// Finds the next line that is not blank: its length without and with the line
/// end. It stays in the window.
fn next_line(window: &mut Window) -> Result<Option<(usize, usize)>> {
    let mut searched = 0;
    loop {
        let bytes = window.bytes();
        let end = bytes[searched..].iter().position(|byte| *byte == b'\n');
        let (text, len) = match end {
            Some(end) => (searched + end, searched + end + 1),
            None if !window.at_end() => {
                searched = bytes.len();
                window.fill()?;
                continue;
            }
            None if bytes.is_empty() => return Ok(None),
            None => (bytes.len(), bytes.len()),
        };
        if bytes[..text].trim_ascii().is_empty() {
            window.advance(len, u64::from(end.is_some()));
            searched = 0;
            continue;
        }
        let text = bytes[..text].trim_ascii_end().len();
        return Ok(Some((text, len)));
    }
}

/// A member of an object: its key, and its value as written.
type Member<'a> = (Cow<'a, str>, &'a RawValue);

/// The members of a JSON object in the order they are written in.
struct Object<'a>(Vec<Member<'a>>);

/// A key, borrowed from the line unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Columns {
    /// Reads one line into `cells`, adding the columns it brings to `headers`.
    /// Where a key is written twice the last one counts, as everywhere.
    fn read(&mut self, line: &str, headers: &mut Vec<String>) -> Result<(), String> {
        self.cells.fill(None);
        self.text.clear();
        let Object(members) = serde_json::from_str(line).map_err(|error| words(&error))?;
        for (key, value) in &members {
            let Some(at) = self.column(key, headers) else {
                return Err(format!("key {key:?} would be a column beyond the {MOST_COLUMNS}th"));
            };
            self.set(at, value)?;
            if !value.get().starts_with('{') {
                continue;
            }
            let Object(inner) = serde_json::from_str(value.get()).map_err(|error| words(&error))?;
            for (name, value) in &inner {
                let mut path = std::mem::take(&mut self.path);
                path.clear();
                path.extend([key, ".", name]);
                // Beyond the limit a nested value is still in its parent.
                if let Some(at) = self.column(&path, headers) {
                    self.set(at, value)?;
                }
                self.path = path;
            }
        }
        Ok(())
    }

    /// The column called `name`, new if need be; `None` beyond the limit.
    fn column(&mut self, name: &str, headers: &mut Vec<String>) -> Option<usize> {
        if let Some(at) = self.at.get(name) {
            return Some(*at);
        }
        let at = headers.len();
        if at == MOST_COLUMNS {
            return None;
        }
        self.at.insert(name.to_owned(), at);
        headers.push(name.to_owned());
        self.cells.push(None);
        Some(at)
    }

    /// Puts a value into the row: strings without their quotes, the rest as it
    /// is written.
    fn set(&mut self, at: usize, value: &RawValue) -> Result<(), String> {
        let written = value.get();
        let start = self.text.len();
        match written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            None if written == "null" => {
                self.cells[at] = None;
                return Ok(());
            }
            None => self.text.push_str(written),
            Some(plain) if !plain.contains('\\') => self.text.push_str(plain),
            Some(_) => {
                let text: String = serde_json::from_str(written).map_err(|error| words(&error))?;
                self.text.push_str(&text);
            }
        }
        self.cells[at] = Some((start, self.text.len()));
        Ok(())
    }
}

/// What the parser says, with the column only: the line is ours to count.
fn words(error: &serde_json::Error) -> String {
    error.to_string().replace("at line 1 column", "at character")
}

impl Ndjson {
    /// Moves the line at the start of the window into the batch.
    fn take(&mut self, (text, len): (usize, usize), batch: &mut TextBatch) {
        let bytes = &self.window.bytes()[..text];
        let ended = self.window.bytes()[..len].ends_with(b"\n");
        let line = self.window.line();
        let read = match std::str::from_utf8(bytes) {
            Err(error) => {
                Err(("bad_encoding", bad_bytes(self.probe.encoding, bytes, error.valid_up_to())))
            }
            Ok(text) => match self.columns.read(text, &mut self.probe.headers) {
                Err(detail) if !ended => Err(("cut_row", detail + CUT)),
                Err(detail) => Err(("bad_json", detail)),
                Ok(()) => Ok(text),
            },
        };
        // A refused line may have brought columns too: they stay, empty.
        while batch.columns.len() < self.probe.headers.len() {
            batch.add_column();
        }
        match read {
            Ok(text) => {
                for (column, cell) in batch.columns.iter_mut().zip(&self.columns.cells) {
                    let cell = cell.and_then(|(start, end)| self.columns.text.get(start..end));
                    match cell.filter(|cell| !self.options.is_null(cell)) {
                        Some(cell) => column.append_value(cell),
                        None => column.append_null(),
                    }
                }
                batch.end_row(line, text);
            }
            Err((reason, detail)) => {
                let raw = String::from_utf8_lossy(bytes).into_owned();
                batch.push_bad(BadRow { line, column: None, reason, detail, raw });
            }
        }
        self.window.advance(len, 1);
    }
}

impl RowReader for Ndjson {
    fn probe(&self) -> &Probe {
        &self.probe
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>> {
        let mut batch = TextBatch::new(self.probe.headers.len(), true);
        while !batch.is_full(self.options.batch_rows) {
            let Some(line) = next_line(&mut self.window)? else {
                break;
            };
            self.take(line, &mut batch);
        }
        if batch.is_empty() {
            return Ok(None);
        }
        batch.finish(&self.probe.headers).map(Some)
    }

    fn bytes_read(&self) -> u64 {
        self.window.bytes_read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(columns: &Columns, at: usize) -> Option<&str> {
        columns.cells[at].map(|(start, end)| &columns.text[start..end])
    }

    #[test]
    fn values_keep_their_digits_and_nesting_opens_one_level() {
        let (mut columns, mut headers) = (Columns::default(), Vec::new());
        let line =
            r#"{"id":001e2,"v":0.10,"p":{"plan":"a\"b","deep":{"x":[1]}},"t":[1, 2],"n":null}"#;
        assert!(columns.read(line, &mut headers).unwrap_err().contains("character"));
        let line = line.replace("001e2", "123456789012345678901");
        headers.clear();
        columns = Columns::default();
        columns.read(&line, &mut headers).unwrap();
        assert_eq!(headers, ["id", "v", "p", "p.plan", "p.deep", "t", "n"]);
        let cells: Vec<_> = (0..7).map(|at| cell(&columns, at)).collect();
        assert_eq!(
            cells,
            [
                Some("123456789012345678901"),
                Some("0.10"),
                Some(r#"{"plan":"a\"b","deep":{"x":[1]}}"#),
                Some("a\"b"),
                Some(r#"{"x":[1]}"#),
                Some("[1, 2]"),
                None
            ]
        );
    }

    #[test]
    fn columns_beyond_the_limit_refuse_the_row_but_not_nested_values() {
        let (mut columns, mut headers) = (Columns::default(), Vec::new());
        let wide: Vec<String> = (0..MOST_COLUMNS - 1).map(|at| format!("\"k{at}\":1")).collect();
        columns.read(&format!("{{{}}}", wide.join(",")), &mut headers).unwrap();
        columns.read(r#"{"p":{"a":1,"b":2}}"#, &mut headers).unwrap();
        assert_eq!(cell(&columns, MOST_COLUMNS - 1), Some(r#"{"a":1,"b":2}"#));
        assert!(columns.read(r#"{"more":1}"#, &mut headers).unwrap_err().contains("more"));
    }
}
