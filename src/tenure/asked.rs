//! Is what a report is asked about there at all?
//!
//! A breakdown by an attribute nobody has, or a step that never happened,
//! would be answered by rows that read like an answer. So names that a report
//! is given are looked up in the data first.

use std::collections::BTreeMap;

use arrow::array::AsArray;

use super::Tenure;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::functions::funnel::steps::Path;
use crate::reports::header::ParamKind;
use crate::reports::{Query, ReportRequest, ReportTable, Value, params};
use crate::schema::Table;

const CURRENCY: &str = "currency";

impl Tenure {
    /// Refuses parameters that name what the data does not have.
    pub(super) async fn check_asked(
        &self,
        engine: &Engine,
        query: &Query,
        request: &ReportRequest,
    ) -> Result<()> {
        for (name, param) in &query.header.params {
            let given = request.params.get(name).map(String::as_str);
            match params::value(name, param, given)? {
                Value::Breakdown(asked) => self.check_breakdown(engine, name, &asked).await?,
                Value::Steps(texts) => {
                    let path = Path::parse(&texts)?;
                    let asked = path.patterns().map(|pattern| pattern.name.clone()).collect();
                    self.check_activities(engine, name, asked).await?;
                    for condition in path.patterns().flat_map(|pattern| &pattern.conditions) {
                        self.check_property(engine, name, &condition.column).await?;
                    }
                }
                Value::Text(asked) if name == CURRENCY && !asked.is_empty() => {
                    self.check_currency(engine, &asked).await?;
                }
                Value::Text(asked) if param.kind == ParamKind::Property => {
                    self.check_property(engine, name, &asked).await?;
                }
                Value::List(asked) if param.kind == ParamKind::Activities => {
                    self.check_activities(engine, name, asked).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The currency a report counts in if nobody says: the one most amounts of
    /// its moment have, where there are several or some amounts do not say theirs,
    /// since their sum would have no unit. A report that keeps currencies apart by
    /// itself needs none.
    pub(super) async fn default_currency(
        &self,
        engine: &Engine,
        query: &Query,
        request: &ReportRequest,
    ) -> Result<Option<String>> {
        // The company may have one by its settings.
        let takes = query.header.params.get(CURRENCY).is_some_and(|param| param.default.is_none());
        let is_given = request.params.contains_key(CURRENCY);
        let keeps_apart = query.columns.iter().any(|column| column == CURRENCY);
        if !takes || is_given || keeps_apart {
            return Ok(None);
        }
        let (moment, _) = request.stands(engine)?;
        let found = self.page_at(engine, "currencies", BTreeMap::new(), moment).await?;
        Ok(texts(&found).into_iter().next().filter(|_| found.rows() > 1))
    }

    /// A currency no amount has would be answered by zeros.
    async fn check_currency(&self, engine: &Engine, asked: &str) -> Result<()> {
        let known = texts(&self.page(engine, "currencies", BTreeMap::new()).await?);
        if known.is_empty() || known.iter().any(|known| known == asked) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unknown, format!("{CURRENCY}: no amount is in \"{asked}\""))
            .hint(format!("there are: {}", known.join(", "))))
    }

    /// Only a name that is not of the profile costs a look at the customers.
    async fn check_breakdown(&self, engine: &Engine, name: &str, asked: &str) -> Result<()> {
        if params::BREAKDOWNS.iter().any(|(known, _)| *known == asked) {
            return Ok(());
        }
        let table = self.page(engine, "attributes", BTreeMap::new()).await?;
        params::check_breakdown(name, asked, &texts(&table))
    }

    /// A column of `activity`, or an attribute that some row of it has.
    async fn check_property(&self, engine: &Engine, name: &str, asked: &str) -> Result<()> {
        let spec = Table::Activity.spec();
        if spec.has(asked) {
            return Ok(());
        }
        let given = BTreeMap::from([("name".to_owned(), Value::Text(asked.to_owned()))]);
        let found = self.page(engine, "activity_attribute", given).await?;
        if found.rows() > 0 || engine.snapshot().loads().all(|load| load.rows.kept == 0) {
            return Ok(());
        }
        let columns = spec.columns.iter().filter(|column| !column.internal);
        let known: Vec<&str> = columns.map(|column| column.name).collect();
        Err(Error::new(
            ErrorKind::Unknown,
            format!("{name}: activity has no column and no attribute \"{asked}\""),
        )
        .hint_nearest(asked, known.iter().copied())
        .hint("attributes are the source columns that the mapping keeps, under their own names"))
    }

    /// A few batches of rows have all names that are there; only one that is
    /// not makes the engine read on.
    async fn check_activities(
        &self,
        engine: &Engine,
        name: &str,
        mut asked: Vec<String>,
    ) -> Result<()> {
        asked.sort();
        asked.dedup();
        if asked.is_empty() {
            return Ok(());
        }
        let most = i64::try_from(asked.len()).unwrap_or(i64::MAX);
        let given = BTreeMap::from([
            ("names".to_owned(), Value::List(asked.clone())),
            ("most".to_owned(), Value::Integer(most)),
        ]);
        let found = texts(&self.page(engine, "activity_names", given).await?);
        let Some(missing) = asked.iter().find(|asked| !found.contains(asked)) else {
            return Ok(());
        };
        let mut known = texts(&self.page(engine, "activity_names", BTreeMap::new()).await?);
        known.sort();
        // Nothing is loaded: the answer is empty, and says so.
        if known.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unknown, format!("{name}: there is no activity \"{missing}\""))
            .hint_nearest(missing, known.iter().map(String::as_str))
            .hint(format!("there are: {}", known.join(", "))))
    }
}

/// The first column of a table of texts.
fn texts(table: &ReportTable) -> Vec<String> {
    let columns = table.batches.iter().map(|batch| batch.column(0).as_string::<i32>());
    columns.flat_map(|column| column.iter().flatten()).map(str::to_owned).collect()
}
