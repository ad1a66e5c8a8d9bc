//! How is one Delta table created, read and committed to?
//!
//! Only three kinds of commit exist here: create, append, and replace (remove
//! some files, add others). The log is written through `deltalake-core`; the
//! Parquet files are ours, since their layout is what makes reports fast.

use deltalake_core::DeltaTable;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Add, Remove, StructField, StructType, Transaction};
use deltalake_core::protocol::{DeltaOperation, SaveMode};

use super::location::Location;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;

/// One Parquet file of a table version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Path relative to the table's folder.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of rows.
    pub rows: u64,
}

/// A canonical table's Delta log, loaded at some version.
pub(super) struct Loaded {
    table: Table,
    delta: DeltaTable,
}

/// The folder of a table below the store.
pub(super) fn folder(table: Table) -> String {
    format!("tables/{}", table.name())
}

/// Opens `table` at `version`, or at its newest.
pub(super) async fn open(
    location: &Location,
    table: Table,
    version: Option<u64>,
) -> Result<Loaded> {
    let mut delta = location.delta_table(&folder(table))?;
    match version {
        Some(version) => delta.load_version(version).await,
        None => delta.load().await,
    }
    .map_err(|error| Error::from(error).context(format!("opening table {}", table.name())))?;
    Ok(Loaded { table, delta })
}

/// Opens `table` at its newest version, if it was ever created.
pub(super) async fn open_existing(location: &Location, table: Table) -> Result<Option<Loaded>> {
    let exists = location.delta_table(&folder(table))?.verify_deltatable_existence().await?;
    if exists { open(location, table, None).await.map(Some) } else { Ok(None) }
}

/// Opens `table` at its newest version, creating it empty if need be.
pub(super) async fn open_or_create(location: &Location, table: Table) -> Result<Loaded> {
    if let Some(loaded) = open_existing(location, table).await? {
        return Ok(loaded);
    }
    let schema: StructType = table
        .spec()
        .schema()
        .as_ref()
        .try_into_kernel()
        .map_err(|error: arrow::error::ArrowError| Error::from(error))?;
    let columns: Vec<StructField> = schema.fields().cloned().collect();
    let delta = location
        .delta_table(&folder(table))?
        .create()
        .with_table_name(table.name())
        .with_comment(table.spec().doc)
        .with_columns(columns)
        .with_save_mode(SaveMode::ErrorIfExists)
        .await?;
    Ok(Loaded { table, delta })
}

impl Loaded {
    /// The version that is loaded.
    pub(super) fn version(&self) -> Result<u64> {
        self.delta.version().ok_or_else(|| {
            Error::new(ErrorKind::Internal, format!("table {} is not loaded", self.table.name()))
        })
    }

    /// The files of the loaded version, in the order they were added.
    pub(super) fn files(&self) -> Result<Vec<DataFile>> {
        let mut files: Vec<DataFile> = self
            .delta
            .snapshot()?
            .log_data()
            .iter()
            .map(|file| DataFile {
                path: file.path().into_owned(),
                bytes: u64::try_from(file.size()).unwrap_or_default(),
                rows: file.num_records().unwrap_or_default() as u64,
            })
            .collect();
        // File names start with run and sequence number, so this is load order.
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Commits files removed and added, atomically; returns the new version.
    pub(super) async fn commit(
        &self,
        removed: &[DataFile],
        added: &[DataFile],
        transactions: Vec<Transaction>,
    ) -> Result<u64> {
        let now = chrono::Utc::now().timestamp_millis();
        let removes = removed.iter().map(|file| {
            Action::Remove(Remove {
                path: file.path.clone(),
                data_change: true,
                deletion_timestamp: Some(now),
                size: i64::try_from(file.bytes).ok(),
                ..Remove::default()
            })
        });
        let adds = added.iter().map(|file| {
            Action::Add(Add {
                path: file.path.clone(),
                size: i64::try_from(file.bytes).unwrap_or(i64::MAX),
                modification_time: now,
                data_change: true,
                // Only the count: minima and maxima of names or addresses in
                // the log would outlive the erasure of a customer.
                stats: Some(format!("{{\"numRecords\":{}}}", file.rows)),
                ..Add::default()
            })
        });
        let mode = if removed.is_empty() { SaveMode::Append } else { SaveMode::Overwrite };
        let properties = CommitProperties::default()
            .with_application_transactions(transactions)
            // The writer's lock is held: a concurrent commit is a foreign
            // writer, and retrying over it could publish its rows as ours.
            .with_max_retries(0)
            // A published version must stay readable however old its log is.
            .with_cleanup_expired_logs(Some(false));
        let failed = |error: deltalake_core::DeltaTableError| {
            Error::from(error)
                .context(format!("committing to table {}", self.table.name()))
                .hint("another program may have written to this Delta table")
        };
        let committed = CommitBuilder::from(properties)
            .with_actions(removes.chain(adds).collect())
            .build(
                Some(self.delta.snapshot()?),
                self.delta.log_store(),
                DeltaOperation::Write { mode, partition_by: None, predicate: None },
            )
            .into_prepared_commit_future()
            .await
            .map_err(failed)?
            .await
            .map_err(failed)?;
        // The commit is made. What follows only writes checkpoints, so that
        // reading the log stays cheap; if that fails, a later commit does it.
        let _ = committed.await;
        // Without retries the version is the next one or the commit failed.
        Ok(self.version()? + 1)
    }
}
