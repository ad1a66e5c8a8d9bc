//! How does a query see the store, as it was known at one moment?
//!
//! The engine is the only place that builds a DataFusion session. A [`View`]
//! is a session whose tables are cut at a [`Moment`]: rows that happened or
//! became known later do not exist in it, columns filled in later are empty,
//! and of a row with several versions only the newest is there. A report or a
//! feature query therefore *can not* see the future, whatever its SQL says,
//! and needs no clock.
//!
//! ```text
//! Parquet files of the pinned version   by ranges of customers, in order ([`scan`])
//!   └ rows up to the moment             filter on the time column and known_at
//!       └ columns up to the moment      e.g. closed_at and status of a deal
//!           └ newest version per key    only where a key has several
//! ```

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayData, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::{MemTable, ViewTable, provider_as_source};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, ident, lit, when};
use datafusion::physical_plan::ExecutionPlanProperties;
use datafusion::prelude::SessionConfig;
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement;
use futures::TryStreamExt;
use tokio::sync::OnceCell;

use crate::config::EngineConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::functions;
use crate::schema::{Kind, SPECS, Table, TableSpec};
use crate::tables::{DataFile, Snapshot};
use memory::Memory;

mod memory;
mod merge;
mod scan;
mod sorted;
mod twin;

use scan::{File, Stored};
pub use twin::Later;

/// The instant a query stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Rows that happened later do not exist.
    pub as_of: DateTime<Utc>,
    /// Rows that became known later do not exist; `None` sees all knowledge
    /// of today about the past, as reports do. Features of a past moment set it.
    pub known_as_of: Option<DateTime<Utc>>,
}

impl Moment {
    /// Everything stored, the newest version of each row.
    pub const LATEST: Self = Self { as_of: DateTime::<Utc>::MAX_UTC, known_as_of: None };

    /// What was known at `cutoff` about everything up to `cutoff`.
    #[must_use]
    pub fn known_at(cutoff: DateTime<Utc>) -> Self {
        Self { as_of: cutoff, known_as_of: Some(cutoff) }
    }
}

/// Runs queries over one snapshot of a store.
#[derive(Debug, Clone)]
pub struct Engine {
    snapshot: Snapshot,
    config: EngineConfig,
    runtime: Arc<RuntimeEnv>,
    /// The pool of `runtime`, which remembers refusals.
    memory: Arc<Memory>,
    /// The customer keys at which a new range begins, one for all tables, so
    /// that tables joined by customer meet without being dealt out again.
    borders: Arc<OnceCell<Arc<[i64]>>>,
}

impl Engine {
    /// Makes an engine over `snapshot`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`] if the memory pool can not be built.
    pub fn new(snapshot: Snapshot, config: &EngineConfig) -> Result<Self> {
        let memory = Arc::new(Memory::new(config.memory_limit_bytes()));
        let pool = Arc::clone(&memory) as Arc<dyn MemoryPool>;
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc()?;
        let location = snapshot.store().location();
        if location.local_path().is_none() {
            runtime.register_object_store(location.url(), location.store());
        }
        Ok(Self { snapshot, config: config.clone(), runtime, memory, borders: Arc::default() })
    }

    /// The snapshot the engine reads.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// A session whose tables are cut at `moment`.
    #[must_use]
    pub fn at(&self, moment: Moment) -> View {
        View { engine: self.clone(), context: self.session(), moment: Some(moment) }
    }

    /// A session over everything stored, all versions of a row included.
    #[must_use]
    pub fn whole(&self) -> View {
        View { engine: self.clone(), context: self.session(), moment: None }
    }

    /// The files of a table, with the customers that their parts hold.
    async fn files(&self, table: Table) -> Result<Vec<File>> {
        let location = self.snapshot.store().location();
        let mut files = Vec::new();
        for file in self.snapshot.files(table).await?.iter() {
            files.push(File {
                data: file.clone(),
                path: location.child(&format!("tables/{}/{}", table.name(), file.path)),
                pieces: self.snapshot.pieces(table, file).await?,
            });
        }
        Ok(files)
    }

    /// The runs a reader of a table merges, largest first; none if the table is
    /// not laid out by customer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] if a file can not be read.
    pub async fn runs(&self, table: Table) -> Result<Vec<Vec<DataFile>>> {
        if !table.spec().is_clustered() {
            return Ok(Vec::new());
        }
        let runs = scan::into_runs(self.files(table).await?);
        let data = |run: Vec<File>| run.into_iter().map(|file| file.data).collect();
        Ok(runs.into_iter().map(data).collect())
    }

    /// The rows of some files of a table in its whole order, a stream for each
    /// range of customers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] if a file can not be read.
    pub async fn in_order(
        &self,
        table: Table,
        files: &[DataFile],
    ) -> Result<Vec<SendableRecordBatchStream>> {
        let mut chosen = self.files(table).await?;
        chosen.retain(|file| files.contains(&file.data));
        let context = self.session();
        let workers = context.state().config().target_partitions();
        let borders = scan::borders(&chosen, workers).into();
        let stored = Stored::new(table.spec(), self.url()?, chosen, borders).in_full_order();
        let plan = stored.scan(&context.state(), None, &[], None).await?;
        let ranges = 0..plan.output_partitioning().partition_count();
        ranges.map(|range| Ok(plan.execute(range, context.task_ctx())?)).collect()
    }

    fn url(&self) -> Result<ObjectStoreUrl> {
        let url = self.snapshot.store().location().url();
        Ok(ObjectStoreUrl::parse(&url[..url::Position::BeforePath])?)
    }

    /// Where the ranges of customers begin: as many as there are workers, each
    /// with about as many rows of the largest table.
    async fn borders(&self) -> Result<Arc<[i64]>> {
        let borders = self.borders.get_or_try_init(async || {
            let mut largest = (0, Vec::new());
            for spec in SPECS.iter().filter(|spec| spec.is_clustered()) {
                let rows = self.snapshot.rows(spec.table).await?;
                if rows > largest.0 {
                    largest = (rows, self.files(spec.table).await?);
                }
            }
            let workers = self.session().state().config().target_partitions();
            Ok::<_, Error>(scan::borders(&largest.1, workers).into())
        });
        Ok(Arc::clone(borders.await?))
    }

    fn session(&self) -> SessionContext {
        let mut config = SessionConfig::new().with_information_schema(false);
        if let Some(partitions) = self.config.partitions {
            config = config.with_target_partitions(partitions);
        }
        let options = config.options_mut();
        // Going over a plan again and again is a fifth of the time of a small report,
        // and made none of ours faster.
        options.optimizer.max_passes = 1;
        // Spans let an error name the line of the query file.
        options.sql_parser.collect_spans = true;
        // Wrong results in its history; a differential test must come first.
        options.execution.parquet.pushdown_filters = false;
        // Whoever groups by customer and more finds a customer's rows together.
        options.optimizer.subset_repartition_threshold = 1;
        // Plain Utf8 end to end: results do not change type with the source.
        options.execution.parquet.schema_force_view_types = false;
        options.sql_parser.map_string_types_to_utf8view = false;
        let state = SessionStateBuilder::new_with_default_features()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.runtime))
            .with_physical_optimizer_rule(Arc::new(sorted::Sorted))
            .build();
        let context = SessionContext::new_with_state(state);
        functions::register(&context);
        context
    }
}

/// A session over tables cut at one moment.
pub struct View {
    engine: Engine,
    context: SessionContext,
    moment: Option<Moment>,
}

impl View {
    /// Plans a bound statement.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Query`] if it does not plan, or is anything but a query.
    pub async fn plan(&self, statement: Statement) -> Result<DataFrame> {
        for reference in self.context.state().resolve_table_references(&statement)? {
            if let Some(table) = Table::named(reference.table()) {
                self.provide(table).await?;
            }
        }
        let plan = self.context.state().statement_to_plan(statement).await?;
        // The plan is verified, not the text: a query reads and nothing else.
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)?;
        Ok(self.context.execute_logical_plan(plan).await?)
    }

    /// Parses and plans one statement.
    ///
    /// # Errors
    ///
    /// As [`View::plan`].
    pub async fn sql(&self, sql: &str) -> Result<DataFrame> {
        let dialect = self.context.state().config_options().sql_parser.dialect;
        self.plan(self.context.state().sql_to_statement(sql, &dialect)?).await
    }

    /// Runs a planned query to its end within the configured deadline; until it
    /// is returned, the answer counts towards the memory limit as what it is
    /// computed with does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Limit`] when time or memory runs out.
    pub async fn collect(&self, frame: DataFrame) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let schema = Arc::clone(frame.schema().inner());
        let deadline = Duration::from_secs(self.engine.config.query_seconds);
        let refusals = self.engine.memory.refusals();
        let answer = async {
            let memory =
                MemoryConsumer::new("the answer").register(&self.engine.runtime.memory_pool);
            let mut stream = frame.execute_stream().await?;
            let (mut batches, mut counted) = (Vec::new(), HashSet::new());
            while let Some(batch) = stream.try_next().await? {
                let columns = batch.columns().iter();
                let more = columns.map(|column| size(&column.to_data(), &mut counted));
                memory.try_grow(more.sum())?;
                batches.push(batch);
            }
            Ok::<_, Error>(batches)
        };
        match tokio::time::timeout(deadline, answer).await {
            Ok(batches) => {
                let batches = batches.map_err(|error| {
                    let refused = self.engine.memory.refused_since(refusals);
                    match refused.filter(|_| error.kind() == ErrorKind::Query).unwrap_or(error) {
                        error if error.kind() == ErrorKind::Limit => {
                            error.hint("or ask for a shorter period")
                        }
                        error => error,
                    }
                })?;
                // The planner's guess of a sum's precision can differ from
                // what runs; what the rows say is what is true.
                let schema = batches.first().map_or(schema, RecordBatch::schema);
                Ok((schema, batches))
            }
            Err(_) => Err(Error::new(
                ErrorKind::Limit,
                format!("the query took longer than {} s", deadline.as_secs()),
            )
            .hint("ask for a shorter period, or raise `query_seconds` in the configuration")),
        }
    }

    /// Whether some complete key of `table` has more than one row.
    ///
    /// # Errors
    ///
    /// As [`View::collect`].
    pub async fn has_versions(&self, table: Table) -> Result<bool> {
        let spec = table.spec();
        let stored = self.stored(spec, self.engine.files(table).await?).await?;
        let keys: Vec<Expr> = spec.key.iter().map(|name| ident(*name)).collect();
        let complete = keys.iter().cloned().map(Expr::is_not_null).reduce(Expr::and);
        let Some(complete) = complete else { return Ok(false) };
        let repeated = self
            .context
            .read_table(stored)?
            .filter(complete)?
            .aggregate(keys, vec![count(lit(1)).alias("rows")])?
            .filter(ident("rows").gt(lit(1)))?
            .limit(0, Some(1))?;
        Ok(self.collect(repeated).await?.1.iter().any(|batch| batch.num_rows() > 0))
    }

    /// The store as it was known at `cutoff`, of what this view knows.
    #[must_use]
    pub fn known_at(&self, cutoff: DateTime<Utc>) -> Self {
        let known_as_of = self.moment.and_then(|moment| moment.known_as_of);
        let known_as_of = Some(known_as_of.map_or(cutoff, |known| known.min(cutoff)));
        self.engine.at(Moment { as_of: cutoff, known_as_of })
    }

    /// Makes a further table of rows visible under `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Query`] if the name is taken.
    pub fn add(&self, name: &str, schema: SchemaRef, rows: Vec<RecordBatch>) -> Result<()> {
        let table = MemTable::try_new(schema, vec![rows])?;
        self.context.register_table(name, Arc::new(table))?;
        Ok(())
    }

    /// Registers a canonical table as of the moment, once.
    async fn provide(&self, table: Table) -> Result<()> {
        if self.context.table_exist(table.name())? {
            return Ok(());
        }
        let spec = table.spec();
        let files = self.engine.files(table).await?;
        let newest = Newest::of(&files);
        let stored = self.stored(spec, files).await?;
        let Some(moment) = self.moment else {
            self.context.register_table(spec.name, stored)?;
            return Ok(());
        };
        let snapshot = &self.engine.snapshot;
        let versioned = snapshot.manifest().versioned.iter().any(|name| name == spec.name);
        let mut scan = LogicalPlanBuilder::scan(spec.name, provider_as_source(stored), None)?;
        if let Some(last) = snapshot.last_load().filter(|_| spec.has("load_id")) {
            scan = scan.filter(ident("load_id").lt_eq(lit(last)))?;
        }
        let plan = cut(scan, spec, moment, newest, versioned)?;
        self.context.register_table(spec.name, Arc::new(ViewTable::new(plan, None)))?;
        Ok(())
    }

    /// The table as stored, laid out by ranges of customers.
    async fn stored(
        &self,
        spec: &'static TableSpec,
        files: Vec<File>,
    ) -> Result<Arc<dyn TableProvider>> {
        let borders = self.engine.borders().await?;
        Ok(Arc::new(Stored::new(spec, self.engine.url()?, files, borders)))
    }
}

fn instant(at: DateTime<Utc>) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(at.timestamp_micros()), Some("UTC".into())))
}

/// The newest instants of a table, where every row has one: a moment after them
/// cuts nothing off, and the reader need not look at each row to find out.
#[derive(Debug, Clone, Copy)]
struct Newest {
    happened: Option<i64>,
    known: Option<i64>,
}

impl Newest {
    fn of(files: &[File]) -> Self {
        let pieces = || files.iter().flat_map(|file| file.pieces.iter());
        let newest = |instants: Option<Vec<i64>>| instants?.into_iter().max();
        Self {
            happened: newest(pieces().map(|piece| piece.happened).collect()),
            known: newest(pieces().map(|piece| piece.known).collect()),
        }
    }
}

fn is_past(newest: Option<i64>, moment: DateTime<Utc>) -> bool {
    newest.is_some_and(|newest| newest <= moment.timestamp_micros())
}

/// Cuts a table's rows, columns and versions at a moment.
fn cut(
    mut plan: LogicalPlanBuilder,
    spec: &TableSpec,
    moment: Moment,
    newest: Newest,
    versioned: bool,
) -> Result<datafusion::logical_expr::LogicalPlan> {
    let known_as_of = moment.known_as_of.filter(|_| spec.has("known_at"));
    if let Some(known) = known_as_of.filter(|known| !is_past(newest.known, *known)) {
        plan = plan.filter(ident("known_at").lt_eq(instant(known)))?;
    }
    // Versions before time: a correction that moves a row to a later day must
    // not bring the corrected version back on the days between.
    if versioned && !spec.key.is_empty() {
        plan = newest_versions(plan, spec)?;
    }
    if let Some(time) = spec.time.filter(|_| !is_past(newest.happened, moment.as_of)) {
        let happened = ident(time).lt_eq(instant(moment.as_of));
        let required = spec.column(time).is_some_and(|column| column.required);
        // A row without a stamp has no moment before which it is absent.
        plan = plan.filter(if required { happened } else { ident(time).is_null().or(happened) })?;
    }
    if !spec.later.is_empty() {
        let columns: Result<Vec<Expr>> =
            spec.columns.iter().map(|column| masked(spec, column.name, moment.as_of)).collect();
        plan = plan.project(columns?)?;
    }
    Ok(plan.build()?)
}

/// Keeps, of rows equal in the key, the one loaded last, and of one load the one
/// known last: `known_at` is often when a row happened, and a correction may
/// move that back. Rows whose key is not complete are not versions of anything,
/// so each of them stays.
fn newest_versions(plan: LogicalPlanBuilder, spec: &TableSpec) -> Result<LogicalPlanBuilder> {
    const RANK: &str = "version_rank";
    let keys: Vec<Expr> = spec.key.iter().map(|name| ident(*name)).collect();
    // What a source says of a customer goes before what facts imply, however
    // early the source says the customer was created.
    let explicit_first = spec.has("implied").then(|| ident("implied").sort(true, false));
    let newest_first = ["load_id", "known_at", "row_no"]
        .into_iter()
        .filter(|name| spec.has(name))
        .map(|name| ident(name).sort(false, false));
    let newest_first = explicit_first.into_iter().chain(newest_first).collect();
    let rank = row_number().partition_by(keys.clone()).order_by(newest_first).build()?.alias(RANK);
    let incomplete = keys.into_iter().map(Expr::is_null).reduce(Expr::or);
    let newest = ident(RANK).eq(lit(1_u64));
    let keep = incomplete.map_or(newest.clone(), |incomplete| newest.clone().or(incomplete));
    let columns: Vec<Expr> = spec.columns.iter().map(|column| ident(column.name)).collect();
    Ok(plan.window([rank])?.filter(keep)?.project(columns)?)
}

/// Bytes of memory behind an array that are not `counted` yet, by where they
/// begin: batches that follow each other are often slices of the same.
fn size(array: &ArrayData, counted: &mut HashSet<usize>) -> usize {
    let nulls = array.nulls().map(|nulls| nulls.buffer());
    let own = array.buffers().iter().chain(nulls);
    let own = own.filter(|buffer| counted.insert(buffer.data_ptr().as_ptr() as usize));
    let own: usize = own.map(Buffer::capacity).sum();
    own + array.child_data().iter().map(|child| size(child, counted)).sum::<usize>()
}

/// A column as it stood at `as_of`: hidden while the instant it waits for has
/// not come. A column with choices shows its first (a deal is `open`).
fn masked(spec: &TableSpec, name: &str, as_of: DateTime<Utc>) -> Result<Expr> {
    let Some((at, _)) = spec.later.iter().find(|(_, hidden)| hidden.contains(&name)) else {
        return Ok(ident(name));
    };
    let Some(column) = spec.column(name) else {
        return Err(Error::new(ErrorKind::Internal, format!("{}.{name} is unknown", spec.name)));
    };
    let before = match (column.kind, column.choices.first()) {
        (Kind::Text, Some(first)) => lit(*first),
        _ => lit(ScalarValue::try_from(&column.kind.data_type())?),
    };
    let come = ident(*at).is_null().or(ident(*at).lt_eq(instant(as_of)));
    Ok(when(come, ident(name)).otherwise(before)?.alias(name))
}
