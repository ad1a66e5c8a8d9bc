//! How is a model trained on the store, and how are customers scored with it?
//!
//! Training publishes a run that names the model; scoring takes the model that
//! serves ([`super::registry`]), writes one row per eligible customer to `scores`
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

use super::Tenure;
use super::challenge::{Promotion, Verdict};
use super::models::{fingerprint, given_up};
use super::registry::TRAIN;
use super::shadow::ShadowSummary;
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
use crate::tables::Run;

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
    /// Whether it serves now, and why.
    pub verdict: Verdict,
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
    /// What the model on trial did, if there is one.
    pub shadow: Option<ShadowSummary>,
}

impl Tenure {
    /// Trains a model by `spec` from what was known at `as_of` (the end of the
    /// data if absent), keeps it in the store and makes it the one that scores,
    /// unless it is worse than the one that does.
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
        self.train_as(spec, as_of, Promotion::Earned, progress).await
    }

    /// As [`Tenure::train`]; `promotion` says whether the model is to serve.
    ///
    /// # Errors
    ///
    /// As [`Tenure::train`].
    pub async fn train_as(
        &self,
        spec: ChurnSpec,
        as_of: Option<&str>,
        promotion: Promotion,
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
            let threads = self.threads();
            let (frame, periods) = (panel.frame, panel.periods);
            let rows = frame.n_rows();
            let spec = params.spec().clone();
            let work = move || Ok::<_, Error>((train(&frame, &params, &periods, threads)?, frame));
            let (trained, frame) = tokio::task::spawn_blocking(work)
                .await
                .map_err(|error| Error::new(ErrorKind::Internal, "training").caused_by(error))??;
            let held_out = trained.held_out;
            let content =
                Content { spec, model: trained.model, validation: trained.validation, provenance };
            let artifact = Artifact::new(content)?;
            let verdict = self.judge(run.base(), &artifact, &frame, &held_out, promotion).await?;
            let location = self.store().location();
            let path = location.child(&format!("models/{}.json", artifact.id()));
            location.store().put(&path, PutPayload::from(artifact.to_bytes()?)).await?;
            Ok((artifact, rows, verdict))
        }
        .await;
        let (artifact, trained_rows, verdict) = match artifact {
            Ok(trained) => trained,
            Err(error) => return Err(given_up(run, error).await),
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
            verdict,
        };
        let verdict = &summary.verdict;
        let details = json!({
            "model": summary.model, "spec": summary.spec,
            "promoted": verdict.promoted, "verdict": verdict,
        });
        run.publish(TRAIN, details).await?;
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
            feature_sql.insert(group.clone(), fingerprint(self.catalogue(), query));
        }
        let mut data_versions = engine.snapshot().manifest().versions.clone();
        // What Tenure itself writes is no input of a model.
        let own = [Table::Scores, Table::ShadowScores].map(Table::name);
        data_versions.retain(|name, _| !own.contains(&name.as_str()));
        Ok(Provenance {
            // Whole days before the moment, as the cutoffs are.
            data_end: Some((at + chrono::TimeDelta::microseconds(1)).date_naive()),
            periods: panel.periods.iter().map(|matured| *matured.period()).collect(),
            feature_sql,
            data_versions,
        })
    }

    /// Scores every eligible customer as of `as_of` (the end of the data if
    /// absent) with the model that serves; the one on trial, if there is one,
    /// scores beside it, and what becomes of that does not touch the scores.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if there is no model or nobody to score,
    /// [`ErrorKind::Input`] if the model can not score, saying what to do.
    pub async fn score(&self, as_of: Option<&str>) -> Result<ScoreSummary> {
        let mut run = self.store().begin().await?;
        let scored = self.score_in(&mut run, as_of).await;
        let (summary, details) = match scored {
            Ok(scored) => scored,
            Err(error) => return Err(given_up(run, error).await),
        };
        run.publish("score", details).await?;
        Ok(summary)
    }

    /// Adds the scores to a run; returns what the run is to record, which is
    /// what [`Tenure::replay`] has to know.
    pub(super) async fn score_in(
        &self,
        run: &mut Run,
        as_of: Option<&str>,
    ) -> Result<(ScoreSummary, serde_json::Value)> {
        let engine = Engine::new(run.base().clone(), &self.config().engine)?;
        let artifact = self.model(&engine).await?;
        let spec = &artifact.content().spec;
        let cutoff = match as_of {
            Some(text) => params::as_of(text, params::time_zone(&self.config().tz)?)?,
            None => moment_of(&engine, spec),
        };
        let prepared = self.prepare(&engine, &artifact, cutoff).await?;
        if prepared.frame.n_rows() == 0 {
            return Err(Error::new(
                ErrorKind::Insufficient,
                format!("nobody is eligible to be scored at {}", reports::iso(cutoff)),
            )
            .hint(spec.label.eligibility()));
        }
        let stamp = Stamp { cutoff, known_at: run.started_at(), run_id: run.id() };
        let everybody: Vec<usize> = (0..prepared.frame.n_rows()).collect();
        let (batch, value_at_risk) = prepared.rows(&artifact, &everybody, stamp)?;
        run.append(Table::Scores, batch).await?;
        let shadow = self.shadow_in(run, &engine, cutoff).await?;
        let scored = &prepared.scored;
        let summary = ScoreSummary {
            run_id: run.id(),
            model: artifact.id().to_owned(),
            cutoff,
            customers: scored.len(),
            bands: [Band::High, Band::Medium, Band::Low]
                .map(|band| (band.slug(), scored.iter().filter(|score| score.band == band).count()))
                .into_iter()
                .map(|(band, count)| (band.to_owned(), count))
                .collect(),
            value_at_risk,
            shadow,
        };
        let details = json!({
            "model": summary.model, "customers": summary.customers,
            "cutoff": reports::iso(cutoff), "known_at": reports::iso(stamp.known_at),
            "tenure": env!("CARGO_PKG_VERSION"), "sql": self.scoring_sql(),
            "shadow": summary.shadow,
        });
        Ok((summary, details))
    }

    /// Scores every eligible customer at `cutoff`.
    pub(super) async fn prepare(
        &self,
        engine: &Engine,
        artifact: &Artifact,
        cutoff: DateTime<Utc>,
    ) -> Result<Prepared> {
        let Content { spec, model, .. } = artifact.content();
        let frame =
            panel::scoring(engine, self.catalogue(), spec, cutoff, model.features()).await?;
        let scored = model.score(&frame, self.threads())?;
        let known = self.known_customers(engine, cutoff, spec).await?;
        Ok(Prepared { frame, scored, known })
    }

    /// Threads that a model is fitted and scores with.
    pub(super) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.config().engine.partitions.unwrap_or_else(cores)
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

/// Scores, before they are rows.
pub(super) struct Prepared {
    /// Whom they are of, and why.
    pub frame: Frame,
    /// One per row of the frame.
    pub scored: Vec<Scored>,
    /// What else is known of customers.
    pub known: BTreeMap<String, Customer>,
}

/// What the rows of a scoring have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub cutoff: DateTime<Utc>,
    pub known_at: DateTime<Utc>,
    pub run_id: i64,
}

impl Stamp {
    /// The columns `model`, `cutoff`, `known_at` and `run_id` of so many rows.
    pub(super) fn columns(self, model: &str, rows: usize) -> [ArrayRef; 4] {
        let instant = |at: DateTime<Utc>| -> ArrayRef {
            let values = vec![at.timestamp_micros(); rows];
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
        };
        [
            Arc::new(StringArray::from(vec![model; rows])),
            instant(self.cutoff),
            instant(self.known_at),
            Arc::new(Int64Array::from(vec![self.run_id; rows])),
        ]
    }
}

impl Prepared {
    /// Some rows of the frame as rows of `scores`, and the sum of their values
    /// at risk.
    pub(super) fn rows(
        &self,
        artifact: &Artifact,
        chosen: &[usize],
        stamp: Stamp,
    ) -> Result<(RecordBatch, f64)> {
        let mut rows = ScoreRows::default();
        let mut ids = Vec::with_capacity(chosen.len());
        for &row in chosen {
            let id = self.frame.ids()[row].as_str();
            let customer = self.known.get(id).cloned().unwrap_or_default();
            rows.add(artifact, &self.frame, row, &self.scored[row], customer)?;
            ids.push(id);
        }
        let at_risk = rows.value_at_risk.iter().flatten().sum::<i128>() as f64 / 1e4;
        Ok((rows.batch(&ids, artifact.id(), stamp)?, at_risk))
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Customer {
    pub key: Option<i64>,
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

    fn batch(self, ids: &[&str], model: &str, stamp: Stamp) -> Result<RecordBatch> {
        let rows = ids.len();
        let money = Decimal128Array::from(self.value_at_risk)
            .with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE)?;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(self.keys)),
            Arc::new(StringArray::from_iter_values(ids)),
            Arc::new(Float64Array::from(self.probability)),
            Arc::new(StringArray::from(self.band)),
            Arc::new(Float64Array::from(self.logit)),
            Arc::new(Float64Array::from(self.base)),
            Arc::new(StringArray::from(self.reasons)),
            Arc::new(money),
            Arc::new(StringArray::from(self.owner)),
        ];
        columns.extend(stamp.columns(model, rows));
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
