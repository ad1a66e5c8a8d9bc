//! How does a manager's question become a table of numbers?
//!
//! A report is one file in `queries/reports`: TOML in comment lines that says
//! what it answers, its parameters and columns, then plain SQL. Drop a file
//! in, and the command line, the HTTP service, the dashboard, the tests and
//! the reference documentation have it.
//!
//! ```text
//! --! title = { en = "Revenue", zh = "收入" }
//! --! description = { en = "Orders by period.", zh = "按期间统计订单。" }
//! --! [params.period]
//! --! type = "choice"
//! --! choices = ["month", "year"]
//! --! default = "month"
//! --! doc = { en = "Length of a period.", zh = "期间长度。" }
//! SELECT period($period, occurred_at, $tz) AS period, sum(amount) AS revenue
//! FROM orders GROUP BY 1 ORDER BY 1
//! ```
//!
//! A run of a report is: read the parameters, put them into the syntax tree as
//! typed literals ([`bind`]), plan the statement against tables cut at `as_of`
//! ([`crate::engine`]), collect, render.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use datafusion::dataframe::DataFrame;
use datafusion::execution::SendableRecordBatchStream;

use crate::config::Language;
use crate::engine::{Engine, Moment, View};
use crate::error::{Error, ErrorKind, Result};
use crate::reports::header::Header;

pub mod bind;
pub mod catalogue;
pub mod header;
pub mod params;
pub mod parts;
pub mod past;
pub mod reference;
pub mod render;
pub mod vocabulary;

pub use catalogue::{Catalogue, Purpose, Query};
pub use params::Value;

/// The period that is all of time.
const ALL: &str = "all";

/// What is asked of a report.
#[derive(Debug, Clone, Default)]
pub struct ReportRequest {
    /// Parameters by name, as text; the others take their defaults.
    pub params: BTreeMap<String, String>,
    /// The moment to stand at; the end of the data if absent.
    pub as_of: Option<String>,
    /// Knowledge later than this does not exist; all of today's if absent.
    pub known_as_of: Option<String>,
    /// Time zone of calendar days and months; UTC if absent.
    pub tz: Option<String>,
}

impl ReportRequest {
    /// The moment the report stands at, and the time zone of its days. `as_of`
    /// and `tz` may also be given as parameters like any other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if one can not be read.
    pub fn stands(&self, engine: &Engine) -> Result<(Moment, Tz)> {
        let given = |name: &str, own: &Option<String>| {
            own.clone().or_else(|| self.params.get(name).cloned())
        };
        let tz = params::time_zone(&given("tz", &self.tz).unwrap_or_else(|| "UTC".to_owned()))?;
        let as_of = match given("as_of", &self.as_of) {
            Some(text) => params::as_of(&text, tz)?,
            None => default_as_of(engine),
        };
        let known_as_of =
            self.known_as_of.as_deref().map(|at| params::as_of(at, tz)).transpose()?;
        Ok((Moment { as_of, known_as_of }, tz))
    }
}

/// A report's answer.
#[derive(Debug, Clone)]
pub struct ReportTable {
    /// Columns and their types.
    pub schema: SchemaRef,
    /// The rows, in the order of the report's ORDER BY.
    pub batches: Vec<RecordBatch>,
    /// The moment it stands at.
    pub as_of: DateTime<Utc>,
    /// The time zone its days and months are of.
    pub tz: Tz,
    /// Every parameter's value that was used.
    pub values: BTreeMap<String, Value>,
    /// What people call the values of the breakdown, where they are ids.
    pub names: BTreeMap<String, String>,
    /// The parameters that nobody gave and the data decided, as a caller would
    /// write them.
    pub taken: BTreeMap<String, String>,
}

impl ReportTable {
    /// Rows as they came, with nothing known about them beside.
    pub(crate) fn new(
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        as_of: DateTime<Utc>,
        tz: Tz,
        values: BTreeMap<String, Value>,
    ) -> Self {
        let (names, taken) = (BTreeMap::new(), BTreeMap::new());
        Self { schema, batches, as_of, tz, values, names, taken }
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Whether any row has a value in `column`.
    #[must_use]
    pub fn has_values(&self, column: &str) -> bool {
        let mut columns = self.batches.iter().filter_map(|batch| batch.column_by_name(column));
        columns.any(|column| column.null_count() < column.len())
    }

    /// What people call `text` of `column`, in words or by a name.
    #[must_use]
    pub fn called<'a>(
        &'a self,
        header: &'a Header,
        column: &str,
        text: &str,
        language: Language,
    ) -> Option<&'a str> {
        let name = if column == "breakdown" { self.names.get(text) } else { None };
        let words = || {
            // The only period of `all` begins where time does.
            let words = match column == "period" && self.is_of_all_time() {
                true => header.labels.get(ALL),
                false => header.words(column, text),
            };
            Some(words?.get(language))
        };
        name.map(String::as_str).or_else(words)
    }

    fn is_of_all_time(&self) -> bool {
        self.values.get("period") == Some(&Value::Text(ALL.to_owned()))
    }
}

/// Runs `query` over `engine`.
///
/// # Errors
///
/// [`ErrorKind::Unknown`] and [`ErrorKind::Usage`] for parameters,
/// [`ErrorKind::Query`] with file and line if the SQL does not plan or run,
/// [`ErrorKind::Limit`] when time or memory runs out.
pub async fn run(engine: &Engine, query: &Query, request: &ReportRequest) -> Result<ReportTable> {
    let declared = |name: &&str| !catalogue::IMPLICIT.contains(name);
    let given = request.params.keys().map(String::as_str).filter(declared);
    params::check_names(&query.name, &query.header, given)?;

    let (moment, tz) = request.stands(engine)?;

    let mut values = BTreeMap::new();
    for (name, param) in &query.header.params {
        let given = request.params.get(name).map(String::as_str);
        values.insert(name.clone(), params::value(name, param, given)?);
    }
    params::check_order(&query.header, &values)?;
    let mut bound = values.clone();
    bound.insert("as_of".to_owned(), Value::Instant(moment.as_of));
    bound.insert("tz".to_owned(), Value::Text(tz.name().to_owned()));

    let (schema, batches) = collect(&engine.at(moment), query, &bound).await?;
    Ok(ReportTable::new(schema, batches, moment.as_of, tz, values))
}

/// Runs a query file over a view, its parameters bound.
///
/// # Errors
///
/// As [`run`].
pub async fn collect(
    view: &View,
    query: &Query,
    bound: &BTreeMap<String, Value>,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    past::provide(view, query, bound).await?;
    rows(view, query, bound).await
}

/// The rows of a query file over a view that has all it reads.
async fn rows(
    view: &View,
    query: &Query,
    bound: &BTreeMap<String, Value>,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let frame = planned(view, query, bound).await?;
    view.collect(frame).await.map_err(|error| located(query, error))
}

/// Columns of the rows of a query file as they come, for answers that memory need
/// not hold; what other columns need is not read. Whoever reads the rows decides
/// how long that takes: there is no deadline.
pub(crate) async fn stream(
    view: &View,
    query: &Query,
    bound: &BTreeMap<String, Value>,
    columns: &[&str],
) -> Result<SendableRecordBatchStream> {
    let frame = planned(view, query, bound).await?;
    let columns: Vec<&str> = columns
        .iter()
        .copied()
        .filter(|name| frame.schema().has_column_with_unqualified_name(name))
        .collect();
    let frame = frame.select_columns(&columns).map_err(|error| located(query, error.into()))?;
    frame.execute_stream().await.map_err(|error| located(query, error.into()))
}

async fn planned(view: &View, query: &Query, bound: &BTreeMap<String, Value>) -> Result<DataFrame> {
    let mut statement = query.statement();
    bind::bind(&mut statement, bound)?;
    view.plan(statement).await.map_err(|error| located(query, error))
}

/// The end of the data: the newest instant at which anything happened. A store
/// whose rows carry no time stands at the newest moment anything was known.
#[must_use]
pub fn default_as_of(engine: &Engine) -> DateTime<Utc> {
    let manifest = engine.snapshot().manifest();
    manifest.data_end().or(manifest.known_end()).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Names file and line of a query in an error that came from its SQL.
fn located(query: &Query, error: Error) -> Error {
    if error.kind() != ErrorKind::Query {
        return error;
    }
    error.context(&query.file)
}

/// An instant as programs read it.
#[must_use]
pub fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// What a query file says about itself, as programs read it.
#[must_use]
pub fn describe(query: &Query) -> serde_json::Value {
    serde_json::json!({
        "name": query.name,
        "title": query.header.title,
        "description": query.header.description,
        "group": query.header.group,
        "grain": query.header.grain,
        "chart": query.header.chart,
        "params": query.header.params,
        "columns": query.header.columns,
    })
}
