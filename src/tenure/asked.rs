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
                }
                Value::List(asked) if param.kind == ParamKind::Activities => {
                    self.check_activities(engine, name, asked).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Only a name that is not of the profile costs a look at the customers.
    async fn check_breakdown(&self, engine: &Engine, name: &str, asked: &str) -> Result<()> {
        if params::BREAKDOWNS.iter().any(|(known, _)| *known == asked) {
            return Ok(());
        }
        let table = self.page(engine, "attributes", BTreeMap::new()).await?;
        params::check_breakdown(name, asked, &texts(&table))
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
