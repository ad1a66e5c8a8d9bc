//! How do scores get into the CRM that people already use?
//!
//! As files in the very form its import or API takes: nothing is left to convert,
//! and nothing in them is refused for its form. Which score goes into which field
//! is data (a [`Mapping`]), since fields are named by those who run the CRM:
//!
//! ```toml
//! target = "salesforce"
//! object = "Account"
//! key = "Churn_Key__c"
//!
//! [[field]]
//! name = "Churn_Risk_Score__c"
//! column = "probability"
//! ```
//!
//! ```text
//! scores, riskiest first ─ column (values) ─ cell (digits, texts, instants)
//!                            └ csv | json (a row in the target's words) ─ files (sizes) ─ folder + manifest
//! ```
//!
//! A folder is complete or absent; the same scores give the same bytes. Rows are
//! written as they come, so memory does not grow with the customers. Nothing is
//! sent, and no secret of the CRM is asked for or kept.

use std::path::{Path, PathBuf};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::max;
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, Utc};
use serde::Serialize;

mod cell;
mod column;
mod csv;
mod files;
mod json;
mod manifest;
mod mapping;
mod target;

pub use column::{BANDS, Column, Kind, Run};
pub use files::FileNote;
pub use manifest::Manifest;
pub use mapping::{Body, Field, Mapping};
pub use target::Target;

use crate::error::{Error, ErrorKind, Result};
use crate::reports::iso;
use cell::Cell;
use column::Reader;
use files::Files;

/// What is to be exported.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// Where the scores go.
    pub target: Target,
    /// A mapping of the user's own.
    pub mapping: Option<PathBuf>,
    /// The folder to make; named by target and run if absent.
    pub out: Option<PathBuf>,
    /// Only customers of this band.
    pub band: Option<String>,
    /// Only customers whose score changed since this instant.
    pub changed_since: Option<DateTime<Utc>>,
}

impl ExportRequest {
    /// Every score, in the target's own form.
    #[must_use]
    pub fn to(target: Target) -> Self {
        Self { target, mapping: None, out: None, band: None, changed_since: None }
    }
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportSummary {
    /// The folder.
    pub folder: PathBuf,
    /// What is in it.
    #[serde(flatten)]
    pub manifest: Manifest,
}

/// An export in the making; dropping it leaves nothing behind.
pub(crate) struct Export<'a> {
    mapping: &'a Mapping,
    run: Run,
    files: Files,
    row: Vec<u8>,
    rows: u64,
    cleared: u64,
    cutoff: Option<i64>,
}

impl<'a> Export<'a> {
    /// Begins the folder `out`, which must be new or empty.
    pub(crate) fn begin(out: &Path, mapping: &'a Mapping, run: Run) -> Result<Self> {
        let files = Files::begin(out, mapping)?;
        Ok(Self { mapping, run, files, row: Vec::new(), rows: 0, cleared: 0, cutoff: None })
    }

    /// The columns of the query that are read, each once.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        let fields = self.mapping.fields.iter();
        let stored = fields.filter_map(|field| field.column.stored(self.run.language));
        let mut columns: Vec<&str> = stored.chain(["customer_id", "cutoff"]).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Adds the customers of a batch: with their scores, or with none where they
    /// are `gone`.
    pub(crate) fn add(&mut self, batch: &RecordBatch, gone: bool) -> Result<()> {
        let ids = batch.column_by_name("customer_id").and_then(|ids| ids.as_string_opt::<i32>());
        let ids = ids.ok_or_else(|| Error::new(ErrorKind::Query, "scores without customer_id"))?;
        let readers = self.mapping.fields.iter();
        let readers = readers.map(|field| Reader::new(field, batch, &self.run, gone));
        let readers: Vec<_> = readers.collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            let id = ids.value(row);
            if let Some(why) = self.mapping.target.refuses_id(&self.mapping.key, id) {
                return Err(unfit(self.mapping, id, why));
            }
            let mut cells = vec![Cell::Text(id.into())];
            for reader in &readers {
                cells.push(reader.cell(row));
            }
            self.row.clear();
            match self.mapping.target {
                Target::Salesforce | Target::Csv => csv::row(self.mapping, &cells, &mut self.row),
                Target::Hubspot => json::hubspot(self.mapping, &cells, &mut self.row)?,
                Target::Zoho => json::zoho(self.mapping, &cells, &mut self.row)?,
                Target::Fxiaoke => json::fxiaoke(self.mapping, &cells, &mut self.row)?,
            }
            self.files
                .push(&self.row)
                .map_err(|error| error.context(format!("customer \"{id}\"")))?;
        }
        let count = batch.num_rows() as u64;
        self.rows += count;
        self.cleared += if gone { count } else { 0 };
        let cutoffs = batch.column_by_name("cutoff").and_then(|cutoffs| cutoffs.as_primitive_opt());
        self.cutoff = self.cutoff.max(cutoffs.and_then(max::<TimestampMicrosecondType>));
        Ok(())
    }

    /// Writes the manifest and gives the folder its name.
    pub(crate) fn finish(
        mut self,
        model: Option<String>,
        band: Option<String>,
        changed_since: Option<DateTime<Utc>>,
    ) -> Result<Manifest> {
        let files = self.files.notes(self.mapping.target == Target::Csv)?;
        let manifest = Manifest {
            target: self.mapping.target.name(),
            object: self.mapping.object.clone(),
            key: self.mapping.key.clone(),
            run_id: self.run.id,
            model,
            cutoff: manifest::instant(self.cutoff.and_then(DateTime::from_timestamp_micros)),
            scored_at: iso(self.run.scored_at),
            band,
            changed_since: manifest::instant(changed_since),
            rows: self.rows,
            cleared: self.cleared,
            files,
            send: manifest::send(self.mapping),
        };
        let mut text = serde_json::to_string_pretty(&manifest)
            .map_err(|error| Error::new(ErrorKind::Internal, "encoding JSON").caused_by(error))?;
        text.push('\n');
        self.files.finish(text.as_bytes())?;
        Ok(manifest)
    }
}

fn unfit(mapping: &Mapping, id: &str, why: &str) -> Error {
    let (target, key) = (mapping.target.name(), &mapping.key);
    let message = format!(
        "customer \"{}\": {target} can not take this id as {key}: {why}",
        id.escape_debug()
    );
    let error = Error::new(ErrorKind::Input, message);
    match key.as_str() {
        "Id" | target::RECORD_ID => {
            error.hint("these customers do not come from there: map a key field of your own")
        }
        _ => error.hint("correct the id in the source, or leave its customers out with --band"),
    }
}
