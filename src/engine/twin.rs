//! Would a query answer otherwise if the store knew more, or less, of what came
//! later?
//!
//! A twin is a view of some customers, cut at a moment as every view is, over
//! rows that differ from the stored ones only in what must not show there:
//!
//! ```text
//! Gone  rows known later are not there, columns filled in later are empty
//! More  for every row: a newer version known later, and a copy that happens
//!       later; columns filled in later are filled in with something else;
//!       loads are numbered anew, in the same order
//! ```
//!
//! The rows of a twin are in memory, in an order that is the same for all
//! twins, and read by one worker: two answers that differ in a bit differ in
//! what they know, not in the order of a sum.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, SchemaRef};
use chrono::{DateTime, TimeDelta, Utc};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};
use datafusion::scalar::ScalarValue;

use super::{Engine, Moment, Newest, View, cut, instant, masked};
use crate::error::Result;
use crate::schema::{Kind, Table, TableSpec};
use crate::tables::NOBODY;

/// What a twin knows of what came after its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    /// What is stored.
    Stored,
    /// Nothing.
    Gone,
    /// More than is stored, and other things.
    More,
}

/// How many stretches of neighbouring customers are taken, and how long each is.
const STRETCHES: i64 = 8;
const LENGTH: i64 = 128;

impl Engine {
    /// A view at `moment` of about a thousand customers, in which `tables` can
    /// be read.
    ///
    /// # Errors
    ///
    /// As [`View::collect`].
    pub async fn twin(
        &self,
        moment: Moment,
        later: Later,
        tables: &BTreeSet<Table>,
    ) -> Result<View> {
        let mut engine = self.clone();
        engine.config.partitions = Some(1);
        engine.borders = Default::default();
        let few = engine.some_customers().await?;
        let twin = engine.at(moment);
        for table in tables {
            let (schema, rows) = twin.rows(table.spec(), moment, later, few.as_ref()).await?;
            twin.add(table.name(), schema, rows)?;
        }
        Ok(twin)
    }

    /// Which rows of customers are looked at: stretches of neighbours, which lie
    /// together in the files. All, if there are few.
    async fn some_customers(&self) -> Result<Option<Expr>> {
        let files = self.files(Table::Customers).await?;
        let last = files.iter().flat_map(|file| file.pieces.iter()).map(|piece| piece.last);
        let Some(last) = last.filter(|last| *last != NOBODY).max() else { return Ok(None) };
        if last < 2 * STRETCHES * LENGTH {
            return Ok(None);
        }
        // The newest customers are among them, the oldest too.
        let stretches = (0..STRETCHES).map(|nth| {
            let from = (last - LENGTH) / (STRETCHES - 1) * nth;
            ident("customer_key").between(lit(from), lit(from + LENGTH))
        });
        Ok(stretches.reduce(Expr::or))
    }
}

impl View {
    /// How each table that was read so far is cut.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if a table has gone.
    pub async fn cuts(&self) -> Result<Vec<(Table, LogicalPlan)>> {
        let mut cuts = Vec::new();
        for table in Table::all() {
            if self.context.table_exist(table.name())? {
                let provider = self.context.table_provider(table.name()).await?;
                if let Some(plan) = provider.get_logical_plan() {
                    cuts.push((table, plan.into_owned()));
                }
            }
        }
        Ok(cuts)
    }

    /// The rows of a table as a twin has them.
    async fn rows(
        &self,
        spec: &'static TableSpec,
        moment: Moment,
        later: Later,
        few: Option<&Expr>,
    ) -> Result<(SchemaRef, Vec<arrow::array::RecordBatch>)> {
        let files = self.engine.files(spec.table).await?;
        let newest = Newest::of(&files);
        let stored = self.stored(spec, files).await?;
        let mut plan = LogicalPlanBuilder::scan(spec.name, provider_as_source(stored), None)?;
        if let Some(few) = few.filter(|_| spec.has("customer_key")) {
            plan = plan.filter(few.clone())?;
        }
        let versioned = self.engine.snapshot.manifest().versioned.iter().any(|it| it == spec.name);
        let unknown = Newest { happened: None, known: None };
        let plan = match later {
            Later::Stored => cut(plan, spec, moment, newest, versioned)?,
            Later::Gone => cut(gone(plan, spec, moment)?, spec, moment, unknown, true)?,
            Later::More => cut(more(plan, spec, moment)?, spec, moment, unknown, true)?,
        };
        // An order in which no two rows that differ are equal; maps have none.
        let unsortable =
            |name: &str| spec.column(name).is_some_and(|it| it.kind == Kind::Attributes);
        let rest = spec.columns.iter().map(|column| column.name).filter(|name| !unsortable(name));
        let order = spec.sort.iter().copied().chain(rest);
        let order: Vec<_> = order.map(|name| ident(name).sort(true, false)).collect();
        let frame = self.context.execute_logical_plan(plan).await?.sort(order)?;
        self.collect(frame).await
    }
}

/// Without what came later. A booking that was known stays: as the newest
/// version it hides what was booked before.
fn gone(
    mut plan: LogicalPlanBuilder,
    spec: &TableSpec,
    moment: Moment,
) -> Result<LogicalPlanBuilder> {
    if let Some(known) = moment.known_as_of.filter(|_| spec.has("known_at")) {
        plan = plan.filter(ident("known_at").lt_eq(instant(known)))?;
    }
    if let Some(time) = spec.time.filter(|_| spec.key.is_empty()) {
        plan = plan.filter(ident(time).is_null().or(ident(time).lt_eq(instant(moment.as_of))))?;
    }
    let columns: Result<Vec<Expr>> =
        spec.columns.iter().map(|column| masked(spec, column.name, moment.as_of)).collect();
    Ok(plan.project(columns?)?)
}

/// With more of what came later.
fn more(plan: LogicalPlanBuilder, spec: &TableSpec, moment: Moment) -> Result<LogicalPlanBuilder> {
    let soon = moment.as_of.checked_add_signed(TimeDelta::days(1)).unwrap_or(moment.as_of);
    let copy = |make: &dyn Fn(&'static str) -> Result<Expr>| -> Result<LogicalPlanBuilder> {
        let columns = spec.columns.iter().map(|column| {
            let name = column.name;
            let kind = plan.schema().field_with_unqualified_name(name)?.data_type().clone();
            Ok(cast(make(name)?, kind).alias(name))
        });
        Ok(plan.clone().project(columns.collect::<Result<Vec<_>>>()?)?)
    };
    // In the order of the loads, and later than all of them.
    let numbered = |add: i64| ident("load_id") * lit(3_i64) + lit(add);
    let as_stored = copy(&|name| match name {
        "load_id" => Ok(numbered(7)),
        _ => disturbed_if_later(spec, name, moment.as_of, soon),
    })?;
    let newer = copy(&|name| match name {
        "load_id" => Ok(numbered(i64::from(u32::MAX))),
        "known_at" => Ok(instant(soon)),
        "customer_key" | "customer_id" | "row_no" => Ok(ident(name)),
        _ if spec.key.contains(&name) || spec.time == Some(name) => Ok(ident(name)),
        _ => other(spec, name, soon),
    })?;
    let mut all = as_stored;
    if spec.has("known_at") && moment.known_as_of.is_some() {
        all = all.union(newer.build()?)?;
    }
    if let Some(time) = spec.time {
        let booked = copy(&|name| match name {
            "load_id" => Ok(numbered(i64::from(u32::MAX))),
            // Nothing's newer version: that would hide what it is a copy of.
            _ if name == time || spec.key.contains(&name) => other(spec, name, soon),
            _ => Ok(ident(name)),
        })?;
        all = all.union(booked.build()?)?;
    }
    Ok(all)
}

/// A column, changed where it was filled in after `as_of`.
fn disturbed_if_later(
    spec: &TableSpec,
    name: &str,
    as_of: DateTime<Utc>,
    soon: DateTime<Utc>,
) -> Result<Expr> {
    match spec.later.iter().find(|(_, hidden)| hidden.contains(&name)) {
        Some((at, _)) => {
            let come = ident(*at).gt(instant(as_of));
            Ok(when(come, other(spec, name, soon)?).otherwise(ident(name))?)
        }
        None => Ok(ident(name)),
    }
}

/// A value that nobody stored.
fn other(spec: &TableSpec, name: &str, soon: DateTime<Utc>) -> Result<Expr> {
    let kind = spec.column(name).map_or(Kind::Text, |column| column.kind);
    Ok(match kind {
        Kind::Text => lit("something later"),
        Kind::Integer => lit(7_919_i64),
        Kind::Number => lit(7_919.5),
        Kind::Money => cast(lit("7919.5"), kind.data_type()),
        Kind::Flag => lit(true),
        Kind::Time => instant(soon),
        Kind::Attributes => lit(ScalarValue::try_from(&DataType::clone(&kind.data_type()))?),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use arrow::util::pretty::pretty_format_batches;
    use datafusion::datasource::ViewTable;

    use super::*;
    use crate::{IngestOptions, Tenure};

    /// Two customers with tickets before and after the moment, one of them
    /// closed after it.
    async fn engine(folder: &tempfile::TempDir) -> Engine {
        let tickets = "ticket_id,customer_id,opened_at,closed_at,satisfaction\n\
            T1,C1,2025-01-05,2025-01-06,5\nT2,C1,2025-01-20,2025-03-01,1\n\
            T3,C2,2025-01-25,,\nT4,C2,2025-02-10,,\n";
        let path = folder.path().join("tickets.csv");
        fs::write(&path, tickets).unwrap();
        let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
        tenure.ingest(&[path], &IngestOptions::now(), &mut ()).await.unwrap();
        tenure.engine().await.unwrap()
    }

    async fn shown(view: &View, sql: &str) -> String {
        let frame = view.sql(sql).await.unwrap();
        pretty_format_batches(&view.collect(frame).await.unwrap().1).unwrap().to_string()
    }

    const MOMENT: &str = "2025-01-31T23:59:59Z";

    #[tokio::test]
    async fn cut_tables_are_the_same_whatever_came_later() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(&folder).await;
        let moment = Moment::known_at(MOMENT.parse().unwrap());
        let sql =
            "SELECT t.customer_id, ticket_id, occurred_at, closed_at, satisfaction, c.created_at
            FROM tickets t JOIN customers c ON c.customer_key = t.customer_key ORDER BY ticket_id";
        let tables = BTreeSet::from([Table::Tickets, Table::Customers]);
        let expected = shown(&engine.at(moment), sql).await;
        assert_eq!(expected.matches("| T").count(), 3, "{expected}");
        for later in [Later::Stored, Later::Gone, Later::More] {
            let twin = engine.twin(moment, later, &tables).await.unwrap();
            assert_eq!(shown(&twin, sql).await, expected, "{later:?}");
        }
        let loads = |later| {
            let (engine, tables) = (&engine, &tables);
            async move {
                let twin = engine.twin(moment, later, tables).await.unwrap();
                shown(&twin, "SELECT min(load_id) FROM tickets").await
            }
        };
        assert_ne!(loads(Later::Stored).await, loads(Later::More).await);
    }

    /// The cut is what keeps twins alike: without it they are not.
    #[tokio::test]
    async fn there_is_more_below_the_cut() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(&folder).await;
        let moment = Moment::known_at(MOMENT.parse().unwrap());
        let spec = Table::Tickets.spec();
        for (more_of_it, rows, late) in [(false, 3, 0), (true, 12, 9)] {
            let view = engine.at(moment);
            let stored = view.stored(spec, engine.files(spec.table).await.unwrap()).await.unwrap();
            let plan = LogicalPlanBuilder::scan("tickets", provider_as_source(stored), None);
            let plan = match more_of_it {
                true => more(plan.unwrap(), spec, moment),
                false => gone(plan.unwrap(), spec, moment),
            };
            let plan = ViewTable::new(plan.unwrap().build().unwrap(), None);
            view.context.register_table("tickets", std::sync::Arc::new(plan)).unwrap();
            let sql =
                "SELECT count(*) AS rows, count(*) FILTER (WHERE known_at > TIMESTAMP '2025-01-31'
                OR occurred_at > TIMESTAMP '2025-01-31') AS late FROM tickets";
            let counts = shown(&view, sql).await;
            assert!(counts.contains(&format!("| {rows:<4} | {late:<4} |")), "{counts}");
        }
    }
}
