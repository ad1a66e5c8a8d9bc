//! How does a folder of exports become tables, without a row lost or doubled?
//!
//! ```text
//! paths ─ read ─ RawBatch ─ plan (mapping × header) ─ rows ┬─ kept ─ customers ─ versions ─ Sink
//!                                                          ├─ quarantined ───────────────── Sink
//!                                                          └─ filtered ── only counted
//! ```
//!
//! [`read`] gives the rows of a file as they stand in it; a [`mapping`] says
//! which canonical tables they feed; [`convert`] turns text into values and
//! refuses what it would have to guess. Every row is then exactly one of kept,
//! quarantined or filtered, and the [`Summary`] proves it:
//! `read = kept + quarantined + filtered`.
//!
//! A load is identified by the digest of the file's content. A file that was
//! loaded before adds nothing, under whatever name it comes. Any error of a
//! file as a whole ends the ingest; whoever owns the [`Sink`] then drops what
//! was appended, so that a folder is loaded completely or not at all.
//!
//! When the load happens is a parameter, and only [`IngestOptions::now`] reads
//! the clock for it: same files and same moment, same rows, to the bit.

pub mod convert;
mod customers;
pub mod expression;
pub mod header;
mod ids;
mod load;
pub mod mapping;
mod plan;
mod quarantine;
pub mod read;
pub mod reason;
mod rows;
mod summary;
#[cfg(test)]
mod tests;
mod versions;

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use async_trait::async_trait;

use crate::error::Result;
use crate::schema::Table;
use crate::tables::Load;
use customers::Directory;
use expression::Planner;
use load::Run;
use mapping::{Library, Recognised, recognise};

pub use customers::KnownCustomer;
pub use summary::{FileSummary, Summary, Unrecognised};

/// What the caller decides about an ingest.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// A mapping by name or path; without one it is found by header.
    pub mapping: Option<String>,
    /// The user's folder of mappings, which win over built-in ones.
    pub mappings: Option<PathBuf>,
    /// Check everything, write nothing.
    pub dry_run: bool,
    /// When the load happens, microseconds of UTC.
    pub load_time: i64,
    /// When rows could first be known.
    pub known: Known,
    /// The most rows of a file in memory at once.
    pub batch_rows: usize,
}

/// When rows could first be known, if their mapping does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// When they happened: the history of a system, loaded in bulk.
    #[default]
    Happened,
    /// When they are loaded, whatever the mapping says: rows that arrive late.
    Arrival,
}

impl IngestOptions {
    /// The defaults, for a load that happens at `load_time`.
    #[must_use]
    pub fn at(load_time: i64) -> Self {
        Self {
            mapping: None,
            mappings: None,
            dry_run: false,
            load_time,
            known: Known::default(),
            batch_rows: 16_384,
        }
    }

    /// The defaults, for a load that happens now.
    #[must_use]
    pub fn now() -> Self {
        Self::at(chrono::Utc::now().timestamp_micros())
    }
}

impl Default for IngestOptions {
    fn default() -> Self {
        Self::now()
    }
}

/// What the store holds before the ingest.
#[derive(Debug, Clone, Default)]
pub struct Base {
    /// The loads by digest.
    pub loads: BTreeMap<String, i64>,
    /// The number of the newest load; 0 if there is none.
    pub last_load: i64,
    /// The newest version of every customer.
    pub customers: Vec<KnownCustomer>,
}

/// Where rows go.
#[async_trait]
pub trait Sink: Send {
    /// Takes rows of a table, in the table's schema.
    ///
    /// # Errors
    /// Whatever keeps the rows from being stored; ends the ingest.
    async fn append(&mut self, table: Table, batch: RecordBatch) -> Result<()>;

    /// Records a load all of whose rows have been appended.
    ///
    /// # Errors
    /// As [`Sink::append`].
    async fn record_load(&mut self, load: Load) -> Result<()>;
}

/// How far an ingest has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// The file being read.
    pub file: String,
    /// Bytes read of all files.
    pub bytes_done: u64,
    /// Bytes of all files.
    pub bytes_total: u64,
    /// Rows read of all files.
    pub rows: u64,
}

/// Hears how far an ingest has come.
pub trait Progress: Send {
    /// Called after every batch.
    fn step(&mut self, step: &Step);

    /// Called while the rows of a large table are sorted as a whole and written,
    /// after all of them have been read: rows written, and rows to write. Both
    /// begin anew with the next such table.
    fn written(&mut self, rows: u64, of: u64) {
        let _ = (rows, of);
    }
}

/// For callers who do not want to know.
impl Progress for () {
    fn step(&mut self, _: &Step) {}
}

/// Loads the files behind `paths` into `sink`.
///
/// `base` is what the store holds. Dropping the future ends the ingest; the
/// thread that reads ahead ends with its next batch.
///
/// # Errors
/// A path, mapping or file that can not be used, or the sink's own error. What
/// has been appended until then is to be dropped.
pub async fn ingest(
    paths: &[PathBuf],
    options: &IngestOptions,
    base: &Base,
    sink: &mut dyn Sink,
    progress: &mut dyn Progress,
) -> Result<Summary> {
    let library = Library::open(options.mappings.as_deref())?;
    let (library, named) = match &options.mapping {
        Some(name) => (None, Some(library.take(name)?)),
        None => (Some(library), None),
    };
    let mappings: Vec<&mapping::Mapping> = match (&named, &library) {
        (Some(named), _) => vec![named],
        (None, library) => {
            library.iter().flat_map(Library::mappings).filter(|mapping| mapping.detect).collect()
        }
    };
    let found = read::discover(paths)?;
    let mut summary =
        Summary { dry_run: options.dry_run, skipped: found.skipped, ..Summary::default() };

    // All files are looked at before the first is read: what is wrong with the
    // last one shows in a moment and not after an hour.
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for (digest, load_id) in &base.loads {
        seen.insert(digest, format!("load {load_id}"));
    }
    let mut plan = Vec::with_capacity(found.files.len());
    let mut strange = None;
    for file in &found.files {
        let before = seen.get(file.digest.as_str()).cloned();
        let choice = match before {
            Some(_) => None,
            None => match recognise(file, &mappings, named.is_some())? {
                Recognised::As(choice) => Some(choice),
                // Who names a file wants that file; a folder of exports also
                // holds what no report needs, which is listed and not lost.
                Recognised::Not(error) if paths.contains(&file.path) => return Err(error),
                Recognised::Not(error) => {
                    summary.unrecognised.push(Unrecognised::new(file, &error));
                    strange.get_or_insert(error);
                    continue;
                }
            },
        };
        seen.entry(&file.digest).or_insert_with(|| file.name.clone());
        plan.push((file, choice, before));
    }

    if let Some(error) = strange.filter(|_| plan.is_empty()) {
        return Err(error);
    }

    let bytes_total =
        plan.iter().filter(|(_, choice, _)| choice.is_some()).map(|(file, ..)| file.bytes).sum();
    let directory = Directory::new(&base.customers);
    let known_customers = directory.len();
    let step = Step { bytes_total, ..Step::default() };
    let mut run = Run { options, planner: Planner::new(), directory, sink, progress, step };
    let mut load_id = base.last_load;
    for (file, choice, before) in plan {
        let Some(choice) = choice else {
            let digest = file.digest.clone();
            summary.files.push(FileSummary {
                file: file.name.clone(),
                digest,
                already_loaded: before,
                ..FileSummary::default()
            });
            continue;
        };
        load_id += 1;
        run.step.file.clone_from(&file.name);
        summary.files.push(run.file(file, choice, load_id).await?);
    }
    run.finish(&mut summary, known_customers).await?;
    summary.total();
    Ok(summary)
}
