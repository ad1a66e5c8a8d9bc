//! Which rows of data is a reason made from?
//!
//! A reason is told by one feature, and a feature comes from a group, which is
//! called like what it reads. `queries/rows/GROUP.sql` lists what that feature
//! reads of one customer; it sees the tables cut as the group's own query did at the
//! moment of the score. Attributes come from the customer's own record,
//! `queries/rows/customers.sql`.
//!
//! The rows are those of the data that the scoring stood on, as in a replay: what
//! was loaded since then is not among them, though it may say of itself that it
//! was known before.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Map, Value as Json, json};

use super::Tenure;
use super::model::scored_at;
use super::scores::newest_scoring;
use crate::churn::{Content, Feature};
use crate::engine::{Engine, View};
use crate::error::{Error, ErrorKind, Result};
use crate::features::bound;
use crate::reports::header::Header;
use crate::reports::render::rows;
use crate::reports::{self, Purpose, Query, ReportTable, Value, params};

/// Where attributes come from.
const ATTRIBUTES: &str = "customers";

/// The column that says how many rows there are in all.
const TOTAL: &str = "total";

/// The rows that the feature which tells a reason reads of its customer.
#[derive(Debug, Clone)]
pub struct RowsBehind {
    /// The feature group, or `customers` for an attribute.
    pub group: String,
    /// What the rows and their columns mean.
    pub header: Header,
    /// The newest rows, newest first. `days_before` is how many days, of 24 hours,
    /// before the cutoff a row happened: those below 30 are in a window of 30 days.
    pub table: ReportTable,
    /// How many rows there are in all.
    pub total: usize,
}

impl RowsBehind {
    /// The rows as programs read them: `group, total, rows`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`] if a row can not be encoded.
    pub fn json(&self) -> Result<Json> {
        Ok(json!({
            "group": self.group, "total": self.total, "rows": rows(&self.table.batches)?,
        }))
    }
}

impl Tenure {
    /// The rows behind each reason of a score that [`Tenure::explain`] gave on the
    /// same engine, at most `most` of each. There are none of the smaller reasons
    /// together, nor of a feature group without a file in `queries/rows`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] if the model's file is missing, else as [`reports::run`].
    pub async fn rows_behind(
        &self,
        engine: &Engine,
        score: &Map<String, Json>,
        most: usize,
    ) -> Result<Vec<Option<RowsBehind>>> {
        let text = |name: &str| score.get(name).and_then(Json::as_str).unwrap_or_default();
        let cutoff = DateTime::parse_from_rfc3339(text("cutoff"))
            .map_err(|error| Error::new(ErrorKind::Storage, "stored cutoff").caused_by(error))?
            .to_utc();
        let artifact = self.artifact(text("model")).await?;
        let moment = scored_at(&newest_scoring(engine)?.details, cutoff);
        let view = self.scored_on(engine).await?.at(moment);
        let mut behind = Vec::new();
        for reason in score.get("reasons").and_then(Json::as_array).into_iter().flatten() {
            let told = reason.get("feature").and_then(Json::as_str).unwrap_or_default();
            let features = artifact.content().model.features();
            let feature = features.iter().find(|feature| feature.name == told);
            let query = feature.and_then(|feature| self.lists(artifact.content(), feature));
            behind.push(match query {
                Some(query) => {
                    let given = BTreeMap::from([
                        ("customer".to_owned(), Value::Text(text("customer_id").to_owned())),
                        ("feature".to_owned(), Value::Text(told.to_owned())),
                        (
                            "limit".to_owned(),
                            Value::Integer(i64::try_from(most).unwrap_or(i64::MAX)),
                        ),
                    ]);
                    Some(self.listed(&view, query, bound(query, cutoff, given)?).await?)
                }
                None => None,
            });
        }
        Ok(behind)
    }

    /// Puts the rows behind each reason into a score, as `rows`: null where there
    /// are none.
    ///
    /// # Errors
    ///
    /// As [`Tenure::rows_behind`].
    pub async fn add_rows(
        &self,
        engine: &Engine,
        score: &mut Map<String, Json>,
        most: usize,
    ) -> Result<()> {
        let behind = self.rows_behind(engine, score, most).await?;
        let reasons = score.get_mut("reasons").and_then(Json::as_array_mut);
        for (reason, behind) in reasons.into_iter().flatten().zip(&behind) {
            let rows = behind.as_ref().map_or(Ok(Json::Null), RowsBehind::json)?;
            if let Some(reason) = reason.as_object_mut() {
                reason.insert("rows".to_owned(), rows);
            }
        }
        Ok(())
    }

    /// The query that lists what a feature reads, if there is one.
    fn lists(&self, model: &Content, feature: &Feature) -> Option<&Query> {
        let describes = |group: &&String| {
            let query = self.catalogue().get(Purpose::Feature, group);
            query.is_ok_and(|query| query.header.columns.contains_key(&feature.name))
        };
        // Models of earlier versions do not say where their features come from.
        let group = feature
            .about
            .group
            .as_ref()
            .or_else(|| model.spec.features.groups.iter().find(describes))
            .map_or(ATTRIBUTES, String::as_str);
        self.catalogue().get(Purpose::Rows, group).ok()
    }

    async fn listed(
        &self,
        view: &View,
        query: &Query,
        values: BTreeMap<String, Value>,
    ) -> Result<RowsBehind> {
        let (schema, batches) = reports::collect(view, query, &values).await?;
        let place = schema.index_of(TOTAL).map_err(|_| {
            Error::new(ErrorKind::Query, format!("{}: no column {TOTAL}", query.file))
                .hint("the rows behind a reason say in each row how many there are in all")
        })?;
        let shown: Vec<usize> = (0..schema.fields().len()).filter(|&at| at != place).collect();
        let mut total = 0;
        let mut kept = Vec::with_capacity(batches.len());
        for batch in &batches {
            let told = rows(&[batch.project(&[place])?.slice(0, batch.num_rows().min(1))])?;
            let told = told.first().and_then(|row| row.get(TOTAL)?.as_u64());
            total = told.and_then(|told| usize::try_from(told).ok()).unwrap_or(total);
            kept.push(batch.project(&shown)?);
        }
        let Some(Value::Instant(cutoff)) = values.get("as_of").cloned() else {
            return Err(Error::new(ErrorKind::Internal, "rows without a cutoff"));
        };
        let (schema, tz) = (schema.project(&shown)?.into(), params::time_zone(&self.config().tz)?);
        let table = ReportTable::new(schema, kept, cutoff, tz, values);
        Ok(RowsBehind { group: query.name.clone(), header: query.header.clone(), table, total })
    }

    /// The data that the newest scoring stood on: what `engine` sees, unless
    /// something was loaded since.
    async fn scored_on(&self, engine: &Engine) -> Result<Engine> {
        let scored = newest_scoring(engine)?.run_id;
        let mut later = engine.snapshot().runs().iter().filter(|run| run.run_id >= scored);
        if later.all(|run| run.manifest.loads.is_empty()) {
            return Ok(engine.clone());
        }
        Engine::new(engine.snapshot().back_to(scored - 1).await?, &self.config().engine)
    }
}
