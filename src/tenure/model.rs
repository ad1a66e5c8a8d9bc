//! How is a model trained on the store, and how are customers scored with it?
//!
//! Training publishes a run that names the model; scoring takes the model the
//! newest such run names, writes one row per eligible customer to `scores`
//! and publishes them as one run. Both can be repeated: the same store, spec
//! and moment give the same artifact and the same scores, to the bit.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Float64Type, Int64Type};
use chrono::{DateTime, NaiveDate, Utc};
use linfa::ParamGuard;
use object_store::{ObjectStoreExt, PutPayload};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Tenure;
use crate::churn::metrics::Metrics;
use crate::churn::{
    Artifact, Band, ChurnParams, ChurnSpec, Content, Frame, Period, Provenance, Role, Scored, train,
};
use crate::config::Language;
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::features::guard::Guard;
use crate::features::{panel, run};
use crate::reports::{self, Purpose, Value, params};
use crate::schema::{MONEY_PRECISION, MONEY_SCALE, Table};

/// Reasons stored with a score; the others are stored as one remainder, so
/// that base and reasons still add up to the logit.
const REASONS: usize = 10;

/// What a training did.
#[derive(Debug, Clone, Serialize)]
pub struct TrainSummary {
    /// The model's version.
    pub model: String,
    /// The spec it was trained by.
    pub spec: String,
    /// The estimator and setting that validation chose.
    pub estimator: String,
    /// Quality on rows that were held out.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// 95 % bootstrap intervals of the metrics.
    pub intervals: serde_json::Value,
    /// Rows the final model was fitted on.
    pub trained_rows: usize,
    /// The cutoffs, with what validation used them for.
    pub periods: Vec<Period>,
}

impl TrainSummary {
    /// The cutoffs that validation tested on.
    #[must_use]
    pub fn test_cutoffs(&self) -> Vec<NaiveDate> {
        let tested = |period: &&Period| period.role == Role::Test;
        self.periods.iter().filter(tested).map(|period| period.cutoff).collect()
    }
}

/// What a scoring did.
#[derive(Debug, Clone, Serialize)]
pub struct ScoreSummary {
    /// The run that was published.
    pub run_id: i64,
    /// The model that scored.
    pub model: String,
    /// Features used rows up to this instant.
    pub cutoff: DateTime<Utc>,
    /// Customers scored.
    pub customers: usize,
    /// Customers by band.
    pub bands: BTreeMap<String, usize>,
    /// Sum of probability times expected value.
    pub value_at_risk: f64,
}

impl Tenure {
    /// Trains a model by `spec` from what was known at `as_of` (the end of the
    /// data if absent), keeps it in the store and makes it the one that scores.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if the data can not carry a model, saying
    /// what is missing; what the leakage guard refuses ([`crate::features::guard`]).
    pub async fn train(
        &self,
        spec: ChurnSpec,
        as_of: Option<&str>,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<TrainSummary> {
        let params = ChurnParams::new(spec).check()?;
        let run = self.store().begin().await?;
        let engine = Engine::new(run.base().clone(), &self.config().engine)?;
        let artifact = async {
            let at = self.model_moment(&engine, &params, as_of)?;
            let guard = Guard::of(&engine, self.catalogue(), &params.spec().features, at).await?;
            // Of the past, all that is known today counts, unless the training is
            // to be the one that could have been done at a day in the past.
            let moment = Moment { as_of: at, known_as_of: as_of.map(|_| at) };
            let panel =
                panel::training(&engine, self.catalogue(), &params, moment, progress).await?;
            let provenance = self.provenance(&engine, &params, &panel, at)?;
            let periods = &provenance.periods;
            guard.check(&engine, self.catalogue(), &panel.frame, periods, at).await?;
            let threads = threads();
            let (frame, periods) = (panel.frame, panel.periods);
            let rows = frame.n_rows();
            let spec = params.spec().clone();
            let trained =
                tokio::task::spawn_blocking(move || train(&frame, &params, &periods, threads))
                    .await
                    .map_err(|error| {
                        Error::new(ErrorKind::Internal, "training").caused_by(error)
                    })??;
            let content =
                Content { spec, model: trained.model, validation: trained.validation, provenance };
            let artifact = Artifact::new(content)?;
            let location = self.store().location();
            let path = location.child(&format!("models/{}.json", artifact.id()));
            location.store().put(&path, PutPayload::from(artifact.to_bytes()?)).await?;
            Ok((artifact, rows))
        }
        .await;
        let (artifact, trained_rows) = match artifact {
            Ok(trained) => trained,
            Err(error) => {
                run.abandon().await?;
                return Err(error);
            }
        };
        let content = artifact.content();
        let summary = TrainSummary {
            model: artifact.id().to_owned(),
            spec: content.spec.name.clone(),
            estimator: content.validation.estimator.clone(),
            metrics: content.validation.metrics.clone(),
            intervals: json!(content.validation.intervals),
            trained_rows,
            periods: content.provenance.periods.clone(),
        };
        run.publish("train", json!({ "model": summary.model, "spec": summary.spec })).await?;
        Ok(summary)
    }

    /// The moment a training stands at. Given labels and attributes carry no
    /// time of their own and are known since they were loaded.
    fn model_moment(
        &self,
        engine: &Engine,
        params: &crate::churn::ChurnValidParams,
        as_of: Option<&str>,
    ) -> Result<DateTime<Utc>> {
        let tz = params::time_zone(&self.config().tz)?;
        match as_of {
            Some(text) => params::as_of(text, tz),
            None => Ok(moment_of(engine, params.spec())),
        }
    }

    fn provenance(
        &self,
        engine: &Engine,
        params: &crate::churn::ChurnValidParams,
        panel: &panel::Panel,
        at: DateTime<Utc>,
    ) -> Result<Provenance> {
        let mut feature_sql = BTreeMap::new();
        for group in &params.spec().features.groups {
            let query = self.catalogue().get(Purpose::Feature, group)?;
            let digest = Sha256::digest(query.sql.as_bytes());
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            feature_sql.insert(group.clone(), hex);
        }
        let mut data_versions = engine.snapshot().manifest().versions.clone();
        // What Tenure itself writes is no input of a model.
        data_versions.retain(|name, _| name != Table::Scores.name());
        Ok(Provenance {
            // Whole days before the moment, as the cutoffs are.
            data_end: Some((at + chrono::TimeDelta::microseconds(1)).date_naive()),
            periods: panel.periods.iter().map(|matured| *matured.period()).collect(),
            feature_sql,
            data_versions,
        })
    }

    /// The model that the newest training made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if none was trained yet.
    pub async fn model(&self, engine: &Engine) -> Result<Artifact> {
        let runs = engine.snapshot().runs();
        let id = runs
            .iter()
            .rev()
            .filter(|run| run.kind == "train")
            .find_map(|run| run.details.get("model")?.as_str())
            .ok_or_else(|| {
                Error::new(ErrorKind::Insufficient, "no model has been trained in this store")
                    .hint("train one: tenure train")
            })?;
        let location = self.store().location();
        let name = format!("models/{id}.json");
        let bytes = location.store().get(&location.child(&name)).await?.bytes().await?;
        Artifact::from_bytes(&bytes, &name)
    }

    /// Scores every eligible customer as of `as_of` (the end of the data if
    /// absent) with the newest model.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if there is no model or nobody to score.
    pub async fn score(&self, as_of: Option<&str>) -> Result<ScoreSummary> {
        let mut run = self.store().begin().await?;
        let engine = Engine::new(run.base().clone(), &self.config().engine)?;
        let scored = self.score_with(&engine, as_of, run.id(), run.started_at()).await;
        let (batch, summary) = match scored {
            Ok(scored) => scored,
            Err(error) => {
                run.abandon().await?;
                return Err(error);
            }
        };
        run.append(Table::Scores, batch).await?;
        let details = json!({ "model": summary.model, "customers": summary.customers });
        run.publish("score", details).await?;
        Ok(summary)
    }

    async fn score_with(
        &self,
        engine: &Engine,
        as_of: Option<&str>,
        run_id: i64,
        known_at: DateTime<Utc>,
    ) -> Result<(RecordBatch, ScoreSummary)> {
        let artifact = self.model(engine).await?;
        let content = artifact.content();
        let tz = params::time_zone(&self.config().tz)?;
        let cutoff = match as_of {
            Some(text) => params::as_of(text, tz)?,
            None => moment_of(engine, &content.spec),
        };
        let features = content.model.features();
        let frame =
            panel::scoring(engine, self.catalogue(), &content.spec, cutoff, features).await?;
        if frame.n_rows() == 0 {
            return Err(Error::new(
                ErrorKind::Insufficient,
                format!("nobody is eligible to be scored at {}", reports::iso(cutoff)),
            )
            .hint(content.spec.label.eligibility()));
        }
        let scored = content.model.score(&frame, threads())?;
        let known = self.known_customers(engine, cutoff, &content.spec).await?;
        let mut rows = ScoreRows::default();
        for (row, score) in scored.iter().enumerate() {
            let customer = known.get(&frame.ids()[row]).cloned().unwrap_or_default();
            rows.add(&artifact, &frame, row, score, customer)?;
        }
        let summary = ScoreSummary {
            run_id,
            model: artifact.id().to_owned(),
            cutoff,
            customers: scored.len(),
            bands: [Band::High, Band::Medium, Band::Low]
                .map(|band| (band.slug(), scored.iter().filter(|score| score.band == band).count()))
                .into_iter()
                .map(|(band, count)| (band.to_owned(), count))
                .collect(),
            value_at_risk: rows.value_at_risk.iter().flatten().sum::<i128>() as f64 / 1e4,
        };
        Ok((rows.batch(frame.ids(), artifact.id(), cutoff, known_at, run_id)?, summary))
    }

    /// Key, owner and expected value of every customer at the cutoff.
    async fn known_customers(
        &self,
        engine: &Engine,
        cutoff: DateTime<Utc>,
        spec: &ChurnSpec,
    ) -> Result<BTreeMap<String, Customer>> {
        let view = engine.at(Moment::known_at(cutoff));
        let mut known: BTreeMap<String, Customer> = BTreeMap::new();
        let owners = self.catalogue().get(Purpose::Churn, "owners")?;
        for batch in run(&view, owners, cutoff, BTreeMap::new()).await? {
            let ids = batch.column(0).as_string::<i32>();
            let keys = batch.column(1).as_primitive::<Int64Type>();
            let owner = batch.column(2).as_string::<i32>();
            for row in 0..batch.num_rows() {
                let customer = known.entry(ids.value(row).to_owned()).or_default();
                customer.key = keys.is_valid(row).then(|| keys.value(row));
                customer.owner = owner.is_valid(row).then(|| owner.value(row).to_owned());
            }
        }
        let value = self.catalogue().get(Purpose::Churn, "value")?;
        let horizon = i64::from(spec.value.horizon_days);
        let given = BTreeMap::from([("horizon".to_owned(), Value::Integer(horizon))]);
        for batch in run(&view, value, cutoff, given).await? {
            let ids = batch.column(0).as_string::<i32>();
            let values = batch.column(1).as_primitive::<Float64Type>();
            for row in 0..batch.num_rows() {
                known.entry(ids.value(row).to_owned()).or_default().value = Some(values.value(row));
            }
        }
        Ok(known)
    }
}

/// The newest moment of which a label or feature of the spec can be known.
fn moment_of(engine: &Engine, spec: &ChurnSpec) -> DateTime<Utc> {
    let data_end = reports::default_as_of(engine);
    match spec.label {
        crate::churn::Label::Inactivity { .. } | crate::churn::Label::Contract { .. } => data_end,
        crate::churn::Label::Given { .. } => {
            engine.snapshot().manifest().known_end().map_or(data_end, |known| known.max(data_end))
        }
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[derive(Debug, Clone, Default)]
struct Customer {
    key: Option<i64>,
    owner: Option<String>,
    value: Option<f64>,
}

/// The columns of `scores` in the making.
#[derive(Debug, Default)]
struct ScoreRows {
    keys: Vec<Option<i64>>,
    probability: Vec<f64>,
    band: Vec<&'static str>,
    logit: Vec<f64>,
    base: Vec<f64>,
    reasons: Vec<String>,
    value_at_risk: Vec<Option<i128>>,
    owner: Vec<Option<String>>,
}

impl ScoreRows {
    fn add(
        &mut self,
        artifact: &Artifact,
        frame: &Frame,
        row: usize,
        score: &Scored,
        customer: Customer,
    ) -> Result<()> {
        let at_risk = customer.value.map(|value| score.probability * value);
        self.keys.push(customer.key);
        self.owner.push(customer.owner);
        self.value_at_risk.push(at_risk.map(|value| (value * 1e4).round() as i128));
        self.probability.push(score.probability);
        self.band.push(score.band.slug());
        self.logit.push(score.logit);
        self.base.push(score.base);
        self.reasons.push(reasons(artifact, frame, row, score)?);
        Ok(())
    }

    fn batch(
        self,
        ids: &[String],
        model: &str,
        cutoff: DateTime<Utc>,
        known_at: DateTime<Utc>,
        run_id: i64,
    ) -> Result<RecordBatch> {
        let rows = ids.len();
        let instant = |at: DateTime<Utc>| -> ArrayRef {
            let values = vec![at.timestamp_micros(); rows];
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
        };
        let money = Decimal128Array::from(self.value_at_risk)
            .with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE)?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(self.keys)),
            Arc::new(StringArray::from_iter_values(ids)),
            Arc::new(Float64Array::from(self.probability)),
            Arc::new(StringArray::from(self.band)),
            Arc::new(Float64Array::from(self.logit)),
            Arc::new(Float64Array::from(self.base)),
            Arc::new(StringArray::from(self.reasons)),
            Arc::new(money),
            Arc::new(StringArray::from(self.owner)),
            Arc::new(StringArray::from(vec![model; rows])),
            instant(cutoff),
            instant(known_at),
            Arc::new(Int64Array::from(vec![run_id; rows])),
        ];
        Ok(RecordBatch::try_new(Table::Scores.spec().schema(), columns)?)
    }
}

/// The strongest reasons in both languages, and the sum of the others, as JSON.
fn reasons(artifact: &Artifact, frame: &Frame, row: usize, score: &Scored) -> Result<String> {
    let model = &artifact.content().model;
    let english = model.reasons(frame, row, score, Language::En);
    let chinese = model.reasons(frame, row, score, Language::Zh);
    let mut stored: Vec<serde_json::Value> = english
        .iter()
        .zip(&chinese)
        .take(REASONS)
        .map(|(en, zh)| {
            json!({
                "feature": en.feature, "value": en.value, "contribution": en.contribution,
                "text": en.text, "text_zh": zh.text,
            })
        })
        .collect();
    if let Some(others) = english.get(REASONS..).filter(|others| !others.is_empty()) {
        let count = others.len();
        stored.push(json!({
            "feature": "others", "value": null,
            "contribution": others.iter().map(|reason| reason.contribution).sum::<f64>(),
            "text": format!("{count} other features together"),
            "text_zh": format!("其余 {count} 项特征合计"),
        }));
    }
    serde_json::to_string(&stored)
        .map_err(|error| Error::new(ErrorKind::Internal, "encoding reasons").caused_by(error))
}
