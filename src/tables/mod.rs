//! How are a CRM's facts kept so that readers never see half a load?
//!
//! A store is a folder (or object-store prefix) with one Delta Lake table per
//! canonical table. Delta makes a commit to *one* table atomic. A load touches
//! several, so a further table, `runs`, is the commit across them:
//!
//! ```text
//! begin    take the writer's lock; take back what a crashed run left unpublished
//! append   write sorted Parquet files; nothing refers to them yet
//! publish  commit every touched table, then write the run's row in `runs`
//! ```
//!
//! A reader looks up the newest row of `runs` and opens every table at the
//! version that row names. Until the row is there, nothing has happened; once
//! it is, everything has. A run that dies in between leaves table versions no
//! reader looks at, and the next run undoes them before it starts.
//!
//! The ledger of loaded files lives in the same row, so that "this file is
//! loaded" and "its rows are visible" can not come apart.
//!
//! What is deliberately absent: MERGE (wrong results in its history), deletion
//! vectors (rows reappeared, and erasure must be physical), and Delta's own
//! DataFusion scan (it forgets the sort order). Tables stay ordinary Delta
//! tables: DuckDB, Polars and Spark read them as they are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::schema::Table;

mod delta;
mod durable;
mod files;
mod location;
mod lock;
mod manifest;
mod output;
mod pending;
mod pieces;
mod run;
mod sort;
mod spill;

pub use delta::DataFile;
pub use location::Location;
use lock::WriterLock;
pub use manifest::{Counts, Load, Manifest, RunRecord};
pub use output::Output;
pub use pieces::{NOBODY, Piece};
pub use run::Run;

/// The files of table versions.
type FileLists = BTreeMap<(Table, u64), Arc<[DataFile]>>;

/// The pieces of files by table and path.
type Pieces = BTreeMap<(Table, String), Arc<[Piece]>>;

/// An open store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    location: Location,
    /// File lists of table versions already read; a version never changes.
    cache: Arc<Mutex<FileLists>>,
    /// Pieces of files already looked into; a file never changes.
    pieces: Arc<Mutex<Pieces>>,
    /// The writer's lock, if this handle keeps it from run to run.
    held: Option<Arc<WriterLock>>,
}

impl Store {
    /// Opens the store at `address`, a folder or an object-store URL. A store
    /// that does not exist yet is empty; the first run creates it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the address can not be
    /// understood.
    pub fn open(address: &str) -> Result<Self> {
        Ok(Self {
            location: Location::parse(address)?,
            cache: Arc::default(),
            pieces: Arc::default(),
            held: None,
        })
    }

    /// A handle that keeps the writer's lock from one run to the next, so that
    /// nobody else writes between them, until [`Store::release`]. Its runs must
    /// follow each other. `work` is what others are told the lock is held for.
    ///
    /// # Errors
    ///
    /// As [`Store::begin`].
    pub async fn hold(&self, work: &str) -> Result<Self> {
        let lock = WriterLock::take(&self.location, work).await?;
        Ok(Self { held: Some(Arc::new(lock)), ..self.clone() })
    }

    /// Gives back a lock taken by [`Store::hold`].
    pub async fn release(self) {
        if let Some(lock) = &self.held {
            lock.release().await;
        }
    }

    /// Where the store is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The state that the newest complete run published.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the manifest can
    /// not be read.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let runs = manifest::read(&self.location).await?;
        Ok(Snapshot::of(self.clone(), runs.into()))
    }

    /// Starts a run that may change the store, taking the writer's lock.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if another process
    /// is writing; the words say which, as far as it is known.
    pub async fn begin(&self) -> Result<Run> {
        Run::begin(self).await
    }

    async fn files(&self, table: Table, version: u64) -> Result<Arc<[DataFile]>> {
        let key = (table, version);
        if let Some(known) = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(known));
        }
        let files = delta::open(&self.location, table, Some(version)).await?.files()?;
        let files: Arc<[DataFile]> = files.into();
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(key, Arc::clone(&files));
        Ok(files)
    }
}

/// What a reader sees: every table at the version one complete run published.
#[derive(Debug, Clone)]
pub struct Snapshot {
    store: Store,
    runs: Arc<[RunRecord]>,
    /// Files a run has written but not published; empty for readers.
    staged: BTreeMap<Table, Vec<DataFile>>,
    /// The versions read instead of those recorded, when files of those are
    /// gone; they hold rows of later loads, too.
    merged: Option<BTreeMap<String, u64>>,
}

impl Snapshot {
    fn of(store: Store, runs: Arc<[RunRecord]>) -> Self {
        Self { store, runs, staged: BTreeMap::new(), merged: None }
    }

    /// The state that an earlier run published; run 0 is the empty store.
    ///
    /// Versions stay as long as their files do. Where some are gone, the rows
    /// are read from the files of this snapshot they were merged into, and
    /// [`Snapshot::last_load`] says which loads there were.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store can not
    /// be read.
    pub async fn back_to(&self, run_id: i64) -> Result<Self> {
        let before = self.runs.iter().filter(|run| run.run_id <= run_id).cloned();
        let mut then = Self::of(self.store.clone(), before.collect());
        if !then.is_complete().await? {
            then.merged = Some(self.manifest().versions.clone());
        }
        Ok(then)
    }

    /// Whether every file of the recorded versions is still there.
    async fn is_complete(&self) -> Result<bool> {
        for table in self.manifest().versions.keys().filter_map(|name| Table::named(name)) {
            // A log that no longer reaches back so far is as good as no file.
            let Ok(files) = self.files(table).await else { return Ok(false) };
            let present = files::names(self.store.location(), table).await?;
            if !files.iter().all(|file| present.contains(&file.path)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The newest load whose rows belong to the snapshot, if its files hold
    /// rows of later ones.
    #[must_use]
    pub fn last_load(&self) -> Option<i64> {
        self.merged.as_ref()?;
        Some(self.loads().map(|load| load.load_id).max().unwrap_or(0))
    }

    /// The store this is a snapshot of.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// All complete runs, oldest first.
    #[must_use]
    pub fn runs(&self) -> &[RunRecord] {
        &self.runs
    }

    /// The manifest of the newest complete run; empty for a new store.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.runs.last().map_or(Manifest::EMPTY, |run| &run.manifest)
    }

    /// The number of the newest complete run, 0 for a new store.
    #[must_use]
    pub fn run_id(&self) -> i64 {
        self.runs.last().map_or(0, |run| run.run_id)
    }

    /// All file loads in this snapshot, oldest first.
    pub fn loads(&self) -> impl Iterator<Item = &Load> {
        self.runs.iter().flat_map(|run| &run.manifest.loads)
    }

    /// The Parquet files of a table; none if nothing was ever written to it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the table's log
    /// can not be read.
    pub async fn files(&self, table: Table) -> Result<Arc<[DataFile]>> {
        let recorded = self.manifest().versions.get(table.name());
        let merged = self.merged.as_ref().and_then(|versions| versions.get(table.name()));
        let published = match recorded.map(|version| merged.unwrap_or(version)) {
            Some(version) => self.store.files(table, *version).await?,
            None => Arc::from([]),
        };
        match self.staged.get(&table) {
            Some(staged) => Ok(published.iter().chain(staged).cloned().collect()),
            None => Ok(published),
        }
    }

    /// Which customers each row group of a file of this snapshot holds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the file's footer
    /// can not be read.
    pub async fn pieces(&self, table: Table, file: &DataFile) -> Result<Arc<[Piece]>> {
        let key = (table, file.path.clone());
        let cache = &self.store.pieces;
        if let Some(known) = cache.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(known));
        }
        let pieces: Arc<[Piece]> = pieces::read(&self.store.location, table, file).await?.into();
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(key, Arc::clone(&pieces));
        Ok(pieces)
    }

    /// The number of rows stored in a table, versions included.
    ///
    /// # Errors
    ///
    /// As [`Snapshot::files`].
    pub async fn rows(&self, table: Table) -> Result<u64> {
        Ok(self.files(table).await?.iter().map(|file| file.rows).sum())
    }
}
