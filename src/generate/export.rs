//! How do rows become files that are complete or absent?
//!
//! Everything is written below `exports.partial` and `truth.partial`; when the
//! last file is flushed the folders get their names ([`crate::folder`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::draw::Draw;
use super::flaws::{Dirt, DirtyRow, Flaw};
use super::records::{ActivityRow, Instant, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::folder::{Folder, failed};

/// One file being written.
struct Sheet {
    path: PathBuf,
    table: &'static str,
    header: &'static [&'static str],
    writer: BufWriter<File>,
    lines: u64,
    clean: u64,
    /// The last clean line; dirty rows are made from it.
    last: Vec<u8>,
}

impl Sheet {
    fn create<R: Row>(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).map_err(failed("can not create", &path))?;
        let writer = BufWriter::with_capacity(1 << 18, file);
        let (table, header) = (R::TABLE, R::HEADER);
        let mut sheet = Self { path, table, header, writer, lines: 0, clean: 0, last: Vec::new() };
        if !header.is_empty() {
            sheet.last = csv_line(header)?;
            sheet.write()?;
        }
        Ok(sheet)
    }

    /// Writes `last`.
    fn write(&mut self) -> Result<()> {
        self.lines += 1;
        self.writer.write_all(&self.last).map_err(failed("can not write", &self.path))
    }

    /// The line of a dirty copy of the last row.
    fn soiled(&self, flaw: Flaw, dirt: &Dirt) -> Result<Vec<u8>> {
        if self.header.is_empty() {
            let row = serde_json::from_slice(&self.last).map_err(internal)?;
            return Ok(format!("{}\n", dirt.soil_line(flaw, row)).into_bytes());
        }
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&self.last[..]);
        let row = reader.records().next().unwrap_or_else(|| Ok(csv::StringRecord::new()));
        let fields = row.map_err(internal)?.iter().map(str::to_owned).collect();
        csv_line(dirt.soil(flaw, self.header, fields))
    }
}

/// `row` as a line of CSV.
fn csv_line(row: impl Serialize) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.serialize(row).map_err(internal)?;
    writer.into_inner().map_err(internal)
}

/// Rows are made here: one that can not be written or read back is a defect.
fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, "a generated row can not be encoded").caused_by(error)
}

/// What one file holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FileRows {
    /// Data rows, without a header.
    pub rows: u64,
    /// Rows that were broken on purpose.
    pub dirty: u64,
}

/// The files of `exports/`, open for writing.
pub(super) struct Exports {
    folder: Folder,
    sheets: BTreeMap<String, Sheet>,
    dirt: Dirt,
}

impl Exports {
    pub(super) fn begin(dir: &Path, draw: Draw) -> Result<Self> {
        let folder = Folder::begin(dir, "exports")?;
        Ok(Self { folder, sheets: BTreeMap::new(), dirt: Dirt::new(draw) })
    }

    /// Opens the CSV file of `R`, so that it exists even without rows.
    pub(super) fn open<R: Row>(&mut self) -> Result<()> {
        self.sheet::<R>(&format!("{}.csv", R::TABLE)).map(|_| ())
    }

    /// Adds rows to the CSV file of their table.
    pub(super) fn add<R: Row>(&mut self, rows: &[R]) -> Result<()> {
        let file = format!("{}.csv", R::TABLE);
        for row in rows {
            let line = csv_line(row)?;
            self.add_line::<R>(&file, line)?;
        }
        Ok(())
    }

    /// Adds rows to the NDJSON file of the year they happened in.
    pub(super) fn add_activity(&mut self, rows: &[ActivityRow]) -> Result<()> {
        for row in rows {
            let mut line = serde_json::to_vec(row).map_err(internal)?;
            line.push(b'\n');
            let Instant(at) = row.occurred_at;
            self.add_line::<ActivityRow>(&activity_file(at), line)?;
        }
        Ok(())
    }

    fn add_line<R: Row>(&mut self, file: &str, line: Vec<u8>) -> Result<()> {
        let sheet = self.sheet::<R>(file)?;
        sheet.last = line;
        sheet.clean += 1;
        sheet.write()?;
        match self.dirt.maybe(R::TABLE) {
            Some(flaw) => self.plant(flaw, file),
            None => Ok(()),
        }
    }

    fn plant(&mut self, flaw: Flaw, file: &str) -> Result<()> {
        // A file without clean rows has none to copy, and then no dirty ones.
        if let Some(sheet) = self.sheets.get_mut(file).filter(|sheet| sheet.clean > 0) {
            let clean = sheet.soiled(flaw, &self.dirt)?;
            let clean = std::mem::replace(&mut sheet.last, clean);
            sheet.write()?;
            sheet.last = clean;
            self.dirt.note(flaw, file, sheet.lines);
        }
        Ok(())
    }

    fn sheet<R: Row>(&mut self, file: &str) -> Result<&mut Sheet> {
        if !self.sheets.contains_key(file) {
            let sheet = Sheet::create::<R>(self.folder.path().join(file))?;
            self.sheets.insert(file.to_owned(), sheet);
        }
        self.sheets
            .get_mut(file)
            .ok_or_else(|| Error::new(ErrorKind::Internal, format!("{file} is not open")))
    }

    /// Plants the kinds of dirty rows that chance left out, and flushes.
    pub(super) fn complete(mut self) -> Result<Complete> {
        let files: Vec<(String, &'static str)> =
            self.sheets.iter().map(|(file, sheet)| (file.clone(), sheet.table)).collect();
        for (file, table) in files {
            while let Some(flaw) = self.dirt.owed(table) {
                self.plant(flaw, &file)?;
            }
        }
        let mut files = BTreeMap::new();
        let mut tables = BTreeMap::new();
        for (file, mut sheet) in self.sheets {
            sheet.writer.flush().map_err(failed("can not write", &sheet.path))?;
            let rows = sheet.lines - u64::from(!sheet.header.is_empty());
            *tables.entry(sheet.table).or_default() += sheet.clean;
            files.insert(file, FileRows { rows, dirty: rows - sheet.clean });
        }
        Ok(Complete { folder: self.folder, files, tables, dirty: self.dirt.rows })
    }
}

/// All exports, flushed, waiting for the folder to get its name.
pub(super) struct Complete {
    pub(super) folder: Folder,
    pub(super) files: BTreeMap<String, FileRows>,
    /// Clean rows by table.
    pub(super) tables: BTreeMap<&'static str, u64>,
    pub(super) dirty: Vec<DirtyRow>,
}

/// The file of activity at `at` seconds since 1970.
fn activity_file(at: i64) -> String {
    let text = Instant(at).to_string();
    format!("activity_{}.ndjson", &text[..4])
}
