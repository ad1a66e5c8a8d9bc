//! Where did every row go?
//!
//! The account of an ingest: for every file and in total,
//! `read = kept + quarantined + filtered`. It serialises; how it looks to a
//! person is the command line's affair.

use std::collections::BTreeMap;

use serde::Serialize;

use super::read::InputFile;
use crate::error::Error;
use crate::tables::{Counts, Load};

/// What an ingest did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Whether nothing was written, only checked.
    pub dry_run: bool,
    /// One entry per file, in the order they were read.
    pub files: Vec<FileSummary>,
    /// Names of files in the given directories that are no data.
    pub skipped: Vec<String>,
    /// Data files in the given directories that no mapping knows: not loaded.
    pub unrecognised: Vec<Unrecognised>,
    /// The rows of all files.
    pub rows: Counts,
    /// Quarantined rows by reason code.
    pub reasons: BTreeMap<String, u64>,
    /// Rows written by table, implied customers among them.
    pub tables: BTreeMap<String, u64>,
    /// Customers never seen before.
    pub new_customers: u64,
    /// Customers known from facts only, written in this run.
    pub implied_customers: u64,
}

/// A data file that was not loaded because no mapping knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unrecognised {
    /// Its name.
    pub file: String,
    /// Why, with the columns it has.
    pub reason: String,
    /// What would make it load.
    pub hints: Vec<String>,
}

impl Unrecognised {
    pub(super) fn new(file: &InputFile, error: &Error) -> Self {
        Self { file: file.name.clone(), reason: error.to_string(), hints: error.hints().to_vec() }
    }
}

/// What became of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileSummary {
    /// Its name.
    pub file: String,
    /// The SHA-256 of its content.
    pub digest: String,
    /// The load that brought the rows; none if nothing was to be loaded.
    pub load_id: Option<i64>,
    /// Why the file was passed over, if it was.
    pub already_loaded: Option<String>,
    /// The mapping and its source.
    pub mapping: String,
    /// The source within the mapping.
    pub source: String,
    /// What became of its rows.
    pub rows: Counts,
    /// Quarantined rows by reason code.
    pub reasons: BTreeMap<String, u64>,
    /// Filtered rows by what filtered them.
    pub filters: BTreeMap<String, u64>,
    /// Rows written by table.
    pub tables: BTreeMap<String, u64>,
    /// Rows that told again what the same load had told before, by table.
    pub unchanged: BTreeMap<String, u64>,
    /// Cells that a declared word made empty, by column.
    pub nulls: BTreeMap<String, u64>,
    /// Columns of the file that nothing uses and nothing keeps.
    pub unused: Vec<String>,
    /// Columns the mapping names and the file lacks.
    pub absent: Vec<String>,
    /// What else people should know.
    pub notes: Vec<String>,
}

impl FileSummary {
    /// The load this file became, if it did.
    #[must_use]
    pub fn load(&self, loaded_at: i64) -> Option<Load> {
        Some(Load {
            load_id: self.load_id?,
            digest: self.digest.clone(),
            file: self.file.clone(),
            mapping: self.mapping.clone(),
            source: self.source.clone(),
            rows: self.rows,
            reasons: self.reasons.clone(),
            tables: self.tables.clone(),
            loaded_at,
        })
    }
}

impl Summary {
    /// Adds up the files.
    pub(super) fn total(&mut self) {
        for file in &self.files {
            self.rows.read += file.rows.read;
            self.rows.kept += file.rows.kept;
            self.rows.quarantined += file.rows.quarantined;
            self.rows.filtered += file.rows.filtered;
            merge(&mut self.reasons, &file.reasons);
            merge(&mut self.tables, &file.tables);
        }
    }
}

fn merge(into: &mut BTreeMap<String, u64>, from: &BTreeMap<String, u64>) {
    for (name, count) in from {
        *into.entry(name.clone()).or_default() += count;
    }
}

/// Adds to a count by name.
pub(super) fn count(into: &mut BTreeMap<String, u64>, name: &str, by: u64) {
    if by > 0 {
        match into.get_mut(name) {
            Some(known) => *known += by,
            None => {
                into.insert(name.to_owned(), by);
            }
        }
    }
}
