//! How do the cells of a sheet become rows?
//!
//! The header is the first row with anything in it, wherever it stands; the
//! columns are those below it. Cells are typed in a workbook, so their text is
//! made here: numbers with the fewest digits that mean the same number and no
//! `.0`, dates in ISO 8601 whatever their display format, `true` and `false`.
//! A formula that failed (`#DIV/0!`) makes its row a bad row, unless its text
//! is one of the null words.

use std::borrow::Cow;

use calamine::{Data, ExcelDateTime};
use serde_json::{Map, Value};

use crate::error::Result;

use super::batch::{BadRow, RawBatch, TextBatch};
use super::header;
use super::options::ReadOptions;

/// Turns the rows of a sheet into batches.
pub(super) struct SheetRows {
    name: String,
    options: ReadOptions,
    /// Empty until the header row was seen.
    headers: Vec<String>,
    /// The sheet's column under the first header.
    left: usize,
    batch: TextBatch,
}

impl SheetRows {
    /// Rows of the sheet `sheet` of the file `name`.
    pub(super) fn new(name: &str, sheet: &str, options: &ReadOptions) -> Self {
        Self {
            name: format!("{name}: sheet \"{sheet}\""),
            options: options.clone(),
            headers: Vec::new(),
            left: 0,
            batch: TextBatch::new(0, false),
        }
    }

    /// Takes the row with the number `line`; answers a batch when one is full.
    pub(super) fn push(&mut self, line: u64, cells: &[Data]) -> Result<Option<RawBatch>> {
        let Some(first) = cells.iter().position(|cell| !is_blank(cell)) else {
            return Ok(None);
        };
        let end = cells.iter().rposition(|cell| !is_blank(cell)).unwrap_or(first) + 1;
        if self.headers.is_empty() {
            self.start(line, first, &cells[first..end])?;
            if self.options.header {
                return Ok(None);
            }
        }
        if first < self.left || end > self.left + self.headers.len() {
            let detail =
                format!("cells outside of the columns that have a header, {}", self.range());
            self.refuse(line, cells, None, "ragged_row", detail);
        } else {
            self.append(line, cells);
        }
        if self.batch.is_full(self.options.batch_rows) {
            return self.batch.finish(&self.headers).map(Some);
        }
        Ok(None)
    }

    /// The last batch, if there is anything left.
    pub(super) fn finish(mut self) -> Result<Option<RawBatch>> {
        if self.batch.is_empty() {
            return Ok(None);
        }
        self.batch.finish(&self.headers).map(Some)
    }

    /// Takes the columns from the first row with anything in it.
    fn start(&mut self, line: u64, left: usize, cells: &[Data]) -> Result<()> {
        self.left = left;
        self.headers = if self.options.header {
            let cells: Vec<_> = cells
                .iter()
                .map(|cell| text(cell).unwrap_or_default().unwrap_or_default())
                .collect();
            header::names(&self.name, line, cells.iter().map(AsRef::as_ref))?
        } else {
            header::given(self.options.columns.as_deref(), cells.len())
        };
        self.batch = TextBatch::new(self.headers.len(), false);
        Ok(())
    }

    /// Adds a row whose cells all lie under the header.
    fn append(&mut self, line: u64, cells: &[Data]) {
        let cell = |at: usize| cells.get(self.left + at).unwrap_or(&Data::Empty);
        let failed = (0..self.headers.len()).find_map(|at| match text(cell(at)) {
            Err(error) if !self.options.is_null(&error) => Some((at, error)),
            _ => None,
        });
        if let Some((at, error)) = failed {
            let column = Some(self.headers[at].clone());
            let detail = format!("the formula in this cell failed: {error}");
            return self.refuse(line, cells, column, "bad_cell", detail);
        }
        for (at, column) in self.batch.columns.iter_mut().enumerate() {
            match text(cells.get(self.left + at).unwrap_or(&Data::Empty)) {
                Ok(Some(text)) if !self.options.is_null(&text) => column.append_value(text),
                _ => column.append_null(),
            }
        }
        self.batch.end_row(line, "");
    }

    fn refuse(
        &mut self,
        line: u64,
        cells: &[Data],
        column: Option<String>,
        reason: &'static str,
        detail: String,
    ) {
        let mut raw = Map::new();
        for (at, cell) in cells.iter().enumerate() {
            let Some(text) = text(cell).unwrap_or_else(|error| Some(error.into())) else {
                continue;
            };
            let header = at.checked_sub(self.left).and_then(|at| self.headers.get(at));
            let key = header.cloned().unwrap_or_else(|| format!("column {}", letters(at)));
            raw.insert(key, Value::String(text.into_owned()));
        }
        let raw = Value::Object(raw).to_string();
        self.batch.push_bad(BadRow { line, column, reason, detail, raw });
    }

    /// The columns of the table as the spreadsheet shows them: `B to F`.
    fn range(&self) -> String {
        format!("{} to {}", letters(self.left), letters(self.left + self.headers.len() - 1))
    }
}

fn is_blank(cell: &Data) -> bool {
    match cell {
        Data::Empty => true,
        Data::String(text) => text.is_empty(),
        _ => false,
    }
}

/// The text of a cell, nothing if it is empty; the error's text if it is one.
fn text(cell: &Data) -> Result<Option<Cow<'_, str>>, String> {
    Ok(Some(match cell {
        Data::Empty => return Ok(None),
        Data::Error(error) => return Err(error.to_string()),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.into(),
        Data::Int(number) => number.to_string().into(),
        // Rust writes the shortest digits that read back as the same number,
        // and none behind the point if there are none.
        Data::Float(number) => number.to_string().into(),
        Data::Bool(value) => value.to_string().into(),
        Data::DateTime(time) => iso(time).into(),
    }))
}

/// A date, time or duration in ISO 8601, to the millisecond.
fn iso(time: &ExcelDateTime) -> String {
    if time.is_duration() {
        return clock_of(time.as_f64());
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    // A serial number below one has no day: it is a time of day.
    if (0.0..1.0).contains(&time.as_f64()) {
        return clock_of(time.as_f64());
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second, milli) {
        (0, 0, 0, 0) => date,
        (_, _, _, 0) => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{date}T{hour:02}:{minute:02}:{second:02}.{milli:03}"),
    }
}

/// Days as `hours:minutes:seconds`; a duration may have more than 24 hours.
fn clock_of(days: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and no duration is that long")]
    let millis = (days * 86_400_000.0).round() as i64;
    let (sign, millis) = (if millis < 0 { "-" } else { "" }, millis.unsigned_abs());
    let (seconds, rest) = (millis / 1000, millis % 1000);
    let clock = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 { clock } else { format!("{clock}.{rest:03}") }
}

/// The name of a column by its position from 0: A, B, …, Z, AA.
fn letters(at: usize) -> String {
    let mut name = String::new();
    let mut left = at + 1;
    while left > 0 {
        let letter = u8::try_from((left - 1) % 26).unwrap_or_default();
        name.insert(0, char::from(b'A' + letter));
        left = (left - 1) / 26;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{CellErrorType, ExcelDateTimeType};

    fn date(serial: f64, kind: ExcelDateTimeType) -> String {
        iso(&ExcelDateTime::new(serial, kind, false))
    }

    #[test]
    fn cells_are_written_exactly() {
        let of = |cell: Data| text(&cell).unwrap().map(Cow::into_owned);
        assert_eq!(of(Data::Float(12.0)).as_deref(), Some("12"));
        assert_eq!(of(Data::Float(0.1)).as_deref(), Some("0.1"));
        assert_eq!(of(Data::Float(1_234_567_890_123.25)).as_deref(), Some("1234567890123.25"));
        assert_eq!(of(Data::Bool(true)).as_deref(), Some("true"));
        assert_eq!(of(Data::Empty), None);
        assert_eq!(text(&Data::Error(CellErrorType::Div0)).unwrap_err(), "#DIV/0!");
        assert_eq!(date(45_943.0, ExcelDateTimeType::DateTime), "2025-10-13");
        assert_eq!(date(45_943.541, ExcelDateTimeType::DateTime), "2025-10-13T12:59:02.400");
        assert_eq!(date(0.5, ExcelDateTimeType::DateTime), "12:00:00");
        assert_eq!(date(1.5, ExcelDateTimeType::TimeDelta), "36:00:00");
        assert_eq!((letters(0), letters(25), letters(27)), ("A".into(), "Z".into(), "AB".into()));
    }

    #[test]
    fn tables_may_start_anywhere_and_bad_rows_are_kept() {
        let mut rows = SheetRows::new("a.xlsx", "S", &ReadOptions::default());
        let s = |text: &str| Data::String(text.into());
        let mut push = |line, cells: &[Data]| assert!(rows.push(line, cells).unwrap().is_none());
        push(1, &[Data::Empty, s("")]);
        push(3, &[Data::Empty, s("Id"), s("Amount")]);
        push(4, &[Data::Empty, Data::Float(7.0), Data::Empty]);
        push(5, &[Data::Empty, s("x"), Data::Error(CellErrorType::NA)]);
        push(6, &[s("note"), s("x"), s("y")]);
        let batch = rows.finish().unwrap().unwrap();
        assert_eq!(batch.lines, [4]);
        assert_eq!(batch.raw(0), "{\"Id\":\"7\"}");
        assert_eq!(batch.bad[0].column.as_deref(), Some("Amount"));
        assert_eq!(batch.bad[0].raw, "{\"Id\":\"x\",\"Amount\":\"#N/A\"}");
        assert_eq!((batch.bad[1].line, batch.bad[1].reason), (6, "ragged_row"));
        assert!(batch.bad[1].detail.ends_with("B to C"), "{}", batch.bad[1].detail);
    }
}
