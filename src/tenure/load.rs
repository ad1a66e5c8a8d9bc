//! How do files become part of the store?

use std::path::PathBuf;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use async_trait::async_trait;

use super::Tenure;
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::{self, Base, IngestOptions, KnownCustomer, Progress, Sink, Summary};
use crate::schema::Table;
use crate::tables::{Load, Run, Snapshot};

impl Tenure {
    /// Loads files and folders: all of them, or, on any error, none.
    ///
    /// Dropping the future before it is done leaves the store as it was.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] for a file that can not be read as what it claims
    /// to be, [`ErrorKind::Conflict`] if another process is writing.
    pub async fn ingest(
        &self,
        paths: &[PathBuf],
        options: &IngestOptions,
        progress: &mut dyn Progress,
    ) -> Result<Summary> {
        self.ingest_until(paths, options, progress, std::future::pending()).await
    }

    /// As [`Tenure::ingest`], given up when `stop` is done before the load is:
    /// nothing that was written stays. Once commits have begun they are made.
    ///
    /// # Errors
    ///
    /// As [`Tenure::ingest`]; [`ErrorKind::Conflict`] if it was stopped.
    pub async fn ingest_until(
        &self,
        paths: &[PathBuf],
        options: &IngestOptions,
        progress: &mut dyn Progress,
        stop: impl Future<Output = ()>,
    ) -> Result<Summary> {
        let mut options = options.clone();
        if options.mappings.is_none() {
            options.mappings.clone_from(&self.config().mappings);
        }
        if options.dry_run {
            let base = self.base(self.store().snapshot().await?).await?;
            let mut discard = Discard;
            return tokio::select! {
                summary = ingest::ingest(paths, &options, &base, &mut discard, progress) => summary,
                () = stop => Err(stopped()),
            };
        }
        let mut run = self.store().begin().await?;
        let loaded = tokio::select! {
            loaded = self.load(&mut run, paths, &options, progress) => loaded,
            () = stop => Err(stopped()),
        };
        match loaded {
            Ok(summary) if summary.tables.is_empty() && summary.rows.read == 0 => {
                run.abandon().await?;
                Ok(summary)
            }
            Ok(summary) => {
                let details = serde_json::json!({
                    "rows": summary.rows, "tables": summary.tables, "reasons": summary.reasons,
                });
                run.publish("ingest", details).await?;
                Ok(summary)
            }
            Err(error) => {
                // Why it ended matters more than that cleaning up failed, too.
                let _ = run.abandon().await;
                Err(error)
            }
        }
    }

    async fn load(
        &self,
        run: &mut Run,
        paths: &[PathBuf],
        options: &IngestOptions,
        progress: &mut dyn Progress,
    ) -> Result<Summary> {
        let base = self.base(run.base().clone()).await?;
        let summary = ingest::ingest(paths, options, &base, run, progress).await?;
        // Readers choose the newest version of a row only where a key has
        // several, so that has to be known before anything is published.
        let staged = run.preview(&mut |rows, of| progress.written(rows, of)).await?;
        let engine = Engine::new(staged, &self.config().engine)?;
        let touched: Vec<Table> = run.touched().collect();
        for table in touched {
            if !run.is_versioned(table) && engine.whole().has_versions(table).await? {
                run.mark_versioned(table);
            }
        }
        Ok(summary)
    }

    /// What the ingest has to know of the store.
    async fn base(&self, snapshot: Snapshot) -> Result<Base> {
        let loads = snapshot.loads().map(|load| (load.digest.clone(), load.load_id)).collect();
        let last_load = snapshot.loads().map(|load| load.load_id).max().unwrap_or(0);
        let view = Engine::new(snapshot, &self.config().engine)?.at(Moment::LATEST);
        let frame = view
            .sql("SELECT customer_id, customer_key, implied, created_at FROM customers")
            .await?;
        let mut customers = Vec::new();
        for batch in view.collect(frame).await?.1 {
            let ids = batch.column(0).as_string::<i32>();
            let keys = batch.column(1).as_primitive::<Int64Type>();
            let implied = batch.column(2).as_boolean();
            let created = batch.column(3).as_primitive::<TimestampMicrosecondType>();
            customers.extend((0..batch.num_rows()).map(|row| KnownCustomer {
                customer_id: ids.value(row).to_owned(),
                customer_key: keys.value(row),
                implied: implied.value(row),
                created_at: created.is_valid(row).then(|| created.value(row)),
            }));
        }
        Ok(Base { loads, last_load, customers })
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Conflict, "interrupted; nothing was loaded")
        .hint("call it again: the same files load as if for the first time")
}

#[async_trait]
impl Sink for Run {
    async fn append(&mut self, table: Table, batch: RecordBatch) -> Result<()> {
        Run::append(self, table, batch).await
    }

    async fn record_load(&mut self, load: Load) -> Result<()> {
        Run::record_load(self, load);
        Ok(())
    }
}

/// Takes rows and keeps nothing: a dry run.
struct Discard;

#[async_trait]
impl Sink for Discard {
    async fn append(&mut self, table: Table, batch: RecordBatch) -> Result<()> {
        if batch.schema() == table.spec().schema() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Internal,
            format!("rows for table {} do not have its schema", table.name()),
        ))
    }

    async fn record_load(&mut self, _: Load) -> Result<()> {
        Ok(())
    }
}
