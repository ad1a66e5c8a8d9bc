//! How does a run change several tables at once, or none?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use deltalake_core::kernel::Transaction;

use super::delta::{self, DataFile};
use super::lock::WriterLock;
use super::manifest::{self, Load, RunRecord};
use super::output::Output;
use super::pending::Pending;
use super::{Snapshot, Store, files};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;

/// A change to the store in the making. Dropping it changes nothing that a
/// reader could see; [`Run::publish`] makes all of it visible at once.
#[derive(Debug)]
pub struct Run {
    store: Store,
    base: Snapshot,
    lock: Arc<WriterLock>,
    pending: BTreeMap<Table, Pending>,
    loads: Vec<Load>,
    versioned: BTreeSet<String>,
    started_at: DateTime<Utc>,
}

impl Run {
    pub(super) async fn begin(store: &Store) -> Result<Self> {
        let lock = match &store.held {
            Some(lock) => Arc::clone(lock),
            None => Arc::new(WriterLock::take(store.location(), "tenure").await?),
        };
        let ready = async {
            let base = store.snapshot().await?;
            take_back(store, &base).await?;
            Ok(base)
        };
        match ready.await {
            Ok(base) => Ok(Self {
                store: store.clone(),
                versioned: base.manifest().versioned.iter().cloned().collect(),
                base,
                lock,
                pending: BTreeMap::new(),
                loads: Vec::new(),
                started_at: Utc::now(),
            }),
            Err(error) => {
                if store.held.is_none() {
                    lock.release().await;
                }
                Err(error)
            }
        }
    }

    /// The number this run will have when it is published.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.base.run_id() + 1
    }

    /// The state this run builds upon.
    #[must_use]
    pub fn base(&self) -> &Snapshot {
        &self.base
    }

    /// When the run began: the arrival time of what it brings.
    #[must_use]
    pub fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// Adds rows, in the table's canonical schema, to what will be published.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`] if the schema differs, [`ErrorKind::Storage`]
    /// if a file can not be written.
    pub async fn append(&mut self, table: Table, batch: RecordBatch) -> Result<()> {
        if batch.schema() != table.spec().schema() {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("rows for table {} do not have its schema", table.name()),
            ));
        }
        let spec = table.spec();
        let limit = self.started_at.timestamp_micros();
        let pending = self.pending.entry(table).or_default();
        // What Tenure itself writes is not news about customers: a score must
        // not move the end of the data that the next model is trained up to.
        if !table.is_said() && table != Table::Quarantine {
            // Agreed ends of contracts lie in the future; they do not say when
            // the data ends, so only instants that have come count.
            for column in spec.time.iter().chain(spec.later.iter().map(|(at, _)| at)) {
                pending.data_end = pending.data_end.max(files::newest(&batch, column, limit));
            }
            let known = files::newest(&batch, "known_at", limit);
            pending.known_end = pending.known_end.max(known);
        }
        pending.push(table, batch, self.store.location(), self.base.run_id() + 1).await
    }

    /// Records a file as loaded by this run.
    pub fn record_load(&mut self, load: Load) {
        self.loads.push(load);
    }

    /// Records that `table` now holds several versions of some key.
    pub fn mark_versioned(&mut self, table: Table) {
        self.versioned.insert(table.name().to_owned());
    }

    /// The state as it would be if the run were published now, for rules that
    /// look at all rows of a table. A large table takes its time: `tell` is told
    /// rows written and rows to write of it.
    ///
    /// # Errors
    ///
    /// As [`Run::append`].
    pub async fn preview(&mut self, tell: &mut (dyn FnMut(u64, u64) + Send)) -> Result<Snapshot> {
        self.flush(tell).await?;
        let staged = self.pending.iter().map(|(table, pending)| (*table, pending.written.clone()));
        Ok(Snapshot { staged: staged.collect(), ..self.base.clone() })
    }

    /// Whether some key of `table` may occur more than once in what readers
    /// already see.
    #[must_use]
    pub fn is_versioned(&self, table: Table) -> bool {
        self.versioned.contains(table.name())
    }

    /// The tables this run adds rows to.
    pub fn touched(&self) -> impl Iterator<Item = Table> {
        self.pending.keys().copied()
    }

    /// Makes files of the rows that have none yet.
    async fn flush(&mut self, tell: &mut (dyn FnMut(u64, u64) + Send)) -> Result<()> {
        let id = self.id();
        for (table, pending) in &mut self.pending {
            pending.flush(*table, self.store.location(), id, tell).await?;
        }
        Ok(())
    }

    /// Where rows that are already in the table's order become files; nothing
    /// refers to them until they are given to [`Run::replace`].
    #[must_use]
    pub fn output(&self, table: Table) -> Output {
        Output::new(self.store.location().clone(), table, self.id())
    }

    /// Replaces files by others that hold the same rows.
    pub fn replace(&mut self, table: Table, files: Vec<DataFile>, others: Vec<DataFile>) {
        let pending = self.pending.entry(table).or_default();
        pending.replaced.extend(files);
        pending.written.extend(others);
    }

    /// Makes everything visible at once, and returns the new state.
    ///
    /// Dropping the future does not stop the commits: they go on to their end
    /// in a task of their own, since half of them would help nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] if a commit fails; readers then still see the
    /// state before the run.
    pub async fn publish(mut self, kind: &str, details: serde_json::Value) -> Result<Snapshot> {
        self.flush(&mut |_, _| {}).await?;
        let kind = kind.to_owned();
        let commits = tokio::spawn(async move {
            let published = self.commit(kind, details).await;
            // After a failure nothing is taken back here: a commit whose
            // answer got lost may have been made. The next run knows.
            self.unlock().await;
            published
        });
        commits
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, "publishing a run").caused_by(error))?
    }

    async fn commit(&self, kind: String, details: serde_json::Value) -> Result<Snapshot> {
        let mut next = self.base.manifest().clone();
        next.versioned = self.versioned.iter().cloned().collect();
        next.loads.clone_from(&self.loads);
        for (table, pending) in &self.pending {
            if pending.written.is_empty() {
                continue;
            }
            let loaded = delta::open_or_create(self.store.location(), *table).await?;
            let version = loaded.commit(&pending.replaced, &pending.written, Vec::new()).await?;
            next.versions.insert(table.name().to_owned(), version);
            next.data_end = next.data_end.max(pending.data_end);
            next.known_end = next.known_end.max(pending.known_end);
        }
        let record =
            RunRecord { run_id: self.id(), kind, manifest: next, details, finished_at: Utc::now() };
        self.commit_manifest(record).await
    }

    /// The commit point: replaces the one file of `runs`.
    async fn commit_manifest(&self, record: RunRecord) -> Result<Snapshot> {
        let location = self.store.location();
        // Digests as Delta application transactions, so that other Delta
        // tools can see which files a version holds.
        let transactions = record
            .manifest
            .loads
            .iter()
            .map(|load| Transaction::new(format!("sha256:{}", load.digest), 1))
            .collect();
        let id = record.run_id;
        let runs: Vec<RunRecord> = self.base.runs().iter().cloned().chain([record]).collect();
        let table = delta::open_or_create(location, Table::Runs).await?;
        let name = files::name(id, 0);
        let file = files::write(location, Table::Runs, name, &manifest::encode(&runs)?).await?;
        let outcome =
            table.commit(&table.files()?, std::slice::from_ref(&file), transactions).await;
        if let Err(error) = outcome {
            // An answer that got lost is not a commit that failed: what the
            // table holds now decides.
            let holds = async { delta::open(location, Table::Runs, None).await?.files() };
            if !holds.await.is_ok_and(|files| files.contains(&file)) {
                return Err(error);
            }
        }
        Ok(Snapshot::of(self.store.clone(), runs.into()))
    }

    /// Gives up: removes the files written so far and releases the lock.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] if a file can not be removed. Readers are not
    /// affected by files that stay, and the next run removes them.
    pub async fn abandon(self) -> Result<()> {
        let mut outcome = Ok(());
        // Also of tables that were being rewritten: they have no rows here yet.
        for table in Table::all() {
            outcome = outcome.and(remove_unpublished(&self.store, &self.base, table).await);
        }
        self.unlock().await;
        outcome
    }

    /// Gives the lock back, unless the store's handle goes on holding it.
    async fn unlock(&self) {
        if self.store.held.is_none() {
            self.lock.release().await;
        }
    }
}

/// Takes back what a run that died committed to single tables but never
/// published, so that this run does not publish it by accident, and removes
/// the files it wrote.
async fn take_back(store: &Store, base: &Snapshot) -> Result<()> {
    let location = store.location();
    for table in Table::all() {
        let newest = delta::open_existing(location, table).await?;
        if let Some(newest) = newest.filter(|_| table != Table::Runs) {
            let version = base.manifest().versions.get(table.name()).copied().unwrap_or(0);
            if newest.version()? != version {
                // Version 0 is the empty table: creation commits no rows.
                let wanted = delta::open(location, table, Some(version)).await?.files()?;
                let present = newest.files()?;
                let surplus = without(&present, &wanted);
                let missing = without(&wanted, &present);
                if !surplus.is_empty() || !missing.is_empty() {
                    newest.commit(&surplus, &missing, Vec::new()).await?;
                }
            }
        }
        remove_unpublished(store, base, table).await?;
    }
    Ok(())
}

/// Removes the files of a table that no published run refers to.
async fn remove_unpublished(store: &Store, base: &Snapshot, table: Table) -> Result<()> {
    files::sweep(store.location(), table).await?;
    let unpublished = files::of_runs_after(store.location(), table, base.run_id()).await?;
    files::discard(store.location(), table, &unpublished).await
}

fn without(files: &[DataFile], others: &[DataFile]) -> Vec<DataFile> {
    files.iter().filter(|file| !others.contains(file)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Table;

    fn owners(name: &str) -> RecordBatch {
        let schema = Table::Owners.spec().schema();
        let columns = schema.fields().iter().map(|field| match field.name().as_str() {
            "owner_id" => std::sync::Arc::new(arrow::array::StringArray::from(vec![name])) as _,
            _ => arrow::array::new_null_array(field.data_type(), 1),
        });
        RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
    }

    fn parquet_files(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder.join("tables/owners")).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().path().is_file()).count()
    }

    #[tokio::test]
    async fn what_a_killed_first_load_wrote_is_removed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_str().unwrap()).unwrap();
        let owners = folder.path().join("tables/owners");
        std::fs::create_dir_all(&owners).unwrap();
        for name in ["run-00000001-00000-a.parquet", "run-00000001-00001-b.parquet#12", "notes"] {
            std::fs::write(owners.join(name), "half").unwrap();
        }
        store.begin().await.unwrap().abandon().await.unwrap();
        assert_eq!(parquet_files(folder.path()), 1, "what is not ours stays");
        assert!(owners.join("notes").exists());
    }

    #[tokio::test]
    async fn a_run_that_dies_between_two_commits_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_str().unwrap()).unwrap();
        let mut run = store.begin().await.unwrap();
        run.append(Table::Owners, owners("first")).await.unwrap();
        run.publish("ingest", serde_json::Value::Null).await.unwrap();

        // Killed after the commit of one table, before that of `runs`.
        let mut run = store.begin().await.unwrap();
        run.append(Table::Owners, owners("second")).await.unwrap();
        run.flush(&mut |_, _| {}).await.unwrap();
        let loaded = delta::open(store.location(), Table::Owners, None).await.unwrap();
        loaded.commit(&[], &run.pending[&Table::Owners].written, Vec::new()).await.unwrap();
        drop(run);
        assert_eq!(parquet_files(folder.path()), 2);
        assert_eq!(store.snapshot().await.unwrap().rows(Table::Owners).await.unwrap(), 1);

        let run = store.begin().await.unwrap();
        // Other programs read the newest version of the Delta table.
        let newest = delta::open(store.location(), Table::Owners, None).await.unwrap();
        assert_eq!(newest.files().unwrap().len(), 1);
        assert_eq!(parquet_files(folder.path()), 1);
        run.abandon().await.unwrap();

        let mut run = store.begin().await.unwrap();
        run.append(Table::Owners, owners("third")).await.unwrap();
        let after = run.publish("ingest", serde_json::Value::Null).await.unwrap();
        assert_eq!(after.rows(Table::Owners).await.unwrap(), 2);
        assert_eq!(store.snapshot().await.unwrap().run_id(), after.run_id());
    }
}
