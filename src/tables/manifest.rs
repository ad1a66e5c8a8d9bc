//! What does a run publish?
//!
//! `runs` is a Delta table of one small Parquet file that every run replaces,
//! because a reader must find the newest row without opening thousands.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::delta;
use super::files;
use super::location::Location;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;

/// One complete run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// 1, 2, 3, …
    pub run_id: i64,
    /// ingest, compact, train, score, promote, rollback or shadow.
    pub kind: String,
    /// The versions it published and the files it loaded.
    pub manifest: Manifest,
    /// What it did, for people.
    pub details: serde_json::Value,
    /// When it was published.
    pub finished_at: DateTime<Utc>,
}

/// The state of the whole store after a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The Delta version of every table that has one.
    pub versions: BTreeMap<String, u64>,
    /// Keyed tables in which some key occurs more than once, so that readers
    /// have to choose the newest version of a row. Others are spared the work.
    #[serde(default)]
    pub versioned: Vec<String>,
    /// The newest instant at which anything happened, in microseconds.
    pub data_end: Option<i64>,
    /// The newest instant at which anything became known, in microseconds.
    pub known_end: Option<i64>,
    /// The files this run loaded.
    #[serde(default)]
    pub loads: Vec<Load>,
}

impl Manifest {
    /// The state of a store nothing was ever published to.
    pub(super) const EMPTY: &'static Self = &Self {
        versions: BTreeMap::new(),
        versioned: Vec::new(),
        data_end: None,
        known_end: None,
        loads: Vec::new(),
    };

    /// The newest instant at which anything happened.
    #[must_use]
    pub fn data_end(&self) -> Option<DateTime<Utc>> {
        self.data_end.and_then(DateTime::from_timestamp_micros)
    }

    /// The newest instant at which anything became known.
    #[must_use]
    pub fn known_end(&self) -> Option<DateTime<Utc>> {
        self.known_end.and_then(DateTime::from_timestamp_micros)
    }
}

/// What became of the rows of a file: `read = kept + quarantined + filtered`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Data rows in the file.
    pub read: u64,
    /// Rows that reached at least one table.
    pub kept: u64,
    /// Rows that broke a rule.
    pub quarantined: u64,
    /// Rows the mapping does not want.
    pub filtered: u64,
}

/// One file that was loaded, and what became of its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Number of the load: 1, 2, 3, …; rows carry it.
    pub load_id: i64,
    /// SHA-256 of the file's bytes, hexadecimal: the identity of the load.
    pub digest: String,
    /// The file as it was named.
    pub file: String,
    /// The mapping it was read with.
    pub mapping: String,
    /// The source within the mapping.
    pub source: String,
    /// What became of its rows.
    pub rows: Counts,
    /// Quarantined rows by reason code.
    pub reasons: BTreeMap<String, u64>,
    /// Rows written by table.
    pub tables: BTreeMap<String, u64>,
    /// When it was loaded, microseconds of UTC.
    pub loaded_at: i64,
}

/// Reads all complete runs, oldest first.
pub(super) async fn read(location: &Location) -> Result<Vec<RunRecord>> {
    let Some(table) = delta::open_existing(location, Table::Runs).await? else {
        return Ok(Vec::new());
    };
    let mut runs = Vec::new();
    for file in table.files()? {
        for batch in files::read(location, Table::Runs, &file).await? {
            decode(&batch, &mut runs)?;
        }
    }
    runs.sort_by_key(|run| run.run_id);
    Ok(runs)
}

fn decode(batch: &RecordBatch, runs: &mut Vec<RunRecord>) -> Result<()> {
    let column = |name: &str| {
        batch.column_by_name(name).ok_or_else(|| damaged(format!("no column \"{name}\"")))
    };
    let json =
        |words: &str| serde_json::from_str(words).map_err(|error| damaged(error.to_string()));
    let ids = column("run_id")?.as_primitive::<Int64Type>();
    let kinds = column("kind")?.as_string::<i32>();
    let manifests = column("manifest")?.as_string::<i32>();
    let details = column("details")?.as_string::<i32>();
    let finished = column("finished_at")?.as_primitive::<TimestampMicrosecondType>();
    for row in 0..batch.num_rows() {
        runs.push(RunRecord {
            run_id: ids.value(row),
            kind: kinds.value(row).to_owned(),
            manifest: serde_json::from_str(manifests.value(row))
                .map_err(|error| damaged(error.to_string()))?,
            details: json(details.value(row))?,
            finished_at: DateTime::from_timestamp_micros(finished.value(row))
                .ok_or_else(|| damaged("a time out of range".to_owned()))?,
        });
    }
    Ok(())
}

fn damaged(words: String) -> Error {
    Error::new(ErrorKind::Storage, format!("the manifest table `runs` is damaged: {words}"))
        .hint("restore the store from a backup; the data tables are not affected")
}

/// The rows of `runs` that record `runs`.
pub(super) fn encode(runs: &[RunRecord]) -> Result<RecordBatch> {
    let text = |value: fn(&RunRecord) -> Result<String>| -> Result<StringArray> {
        let values: Result<Vec<String>> = runs.iter().map(value).collect();
        Ok(StringArray::from(values?))
    };
    let ids: Int64Array = runs.iter().map(|run| run.run_id).collect::<Vec<_>>().into();
    let finished: Vec<i64> = runs.iter().map(|run| run.finished_at.timestamp_micros()).collect();
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(ids),
        Arc::new(text(|run| Ok(run.kind.clone()))?),
        Arc::new(text(|run| to_json(&run.manifest))?),
        Arc::new(text(|run| to_json(&run.details))?),
        Arc::new(TimestampMicrosecondArray::from(finished).with_timezone("UTC")),
    ];
    Ok(RecordBatch::try_new(Table::Runs.spec().schema(), columns)?)
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "encoding the manifest").caused_by(error))
}
