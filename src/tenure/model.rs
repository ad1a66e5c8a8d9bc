//! How is a model trained on the store, and how are customers scored with it?
//!
//! Training publishes a run that names the model; scoring takes the model that
//! serves ([`super::registry`]), writes one row per eligible customer to `scores`
//! and publishes them as one run. Both can be repeated: the same store, spec
//! and moment give the same artifact and the same scores, to the bit.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};
use chrono::{DateTime, NaiveDate, Utc};
use linfa::ParamGuard;
use object_store::{ObjectStoreExt, PutPayload};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Tenure;
use super::alerts::Scoring;
use super::challenge::{Promotion, Verdict};
use super::customer::Customer;
use super::learn::Learnt;
use super::models::{fingerprint, given_up};
use super::registry::{SCORE, TRAIN};
use super::score_rows::{Prepared, Scored, Stamp};
use super::shadow::ShadowSummary;
use crate::churn::{
    Artifact, Band, ChurnParams, ChurnSpec, Content, Period, Provenance, Role, Trained, Validation,
};
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::features::guard::Guard;
use crate::features::{panel, run};
use crate::reports::{self, Purpose, Value, params};
use crate::schema::Table;
use crate::tables::Run;
use crate::text::Text;

/// What a training did.
#[derive(Debug, Clone, Serialize)]
pub struct TrainSummary {
    /// The model's version.
    pub model: String,
    /// The spec it was trained by.
    pub spec: String,
    /// Quality on rows that were held out, and what was learnt along the way.
    pub validation: Validation,
    /// Rows the final model was fitted on.
    pub trained_rows: usize,
    /// What whoever reads its scores has to be told.
    pub doubts: Vec<Text>,
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
    /// Sum of probability times expected value, per currency.
    pub value_at_risk: BTreeMap<String, f64>,
    /// What the model on trial did, if there is one.
    pub shadow: Option<ShadowSummary>,
}

/// What a scoring's run says of the moment it knew all up to; null of one that saw
/// everything loaded.
pub(super) const KNOWN_AS_OF: &str = "known_as_of";

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
            // Of the past, all that is known today counts, unless the training is
            // to be the one that could have been done at a day in the past.
            let moment = self.moment(as_of, moment_of(&engine, params.spec()))?;
            let at = moment.as_of;
            let guard = Guard::of(&engine, self.catalogue(), &params.spec().features, at).await?;
            let panel =
                panel::training(&engine, self.catalogue(), &params, moment, progress).await?;
            let provenance = self.provenance(&engine, &params, &panel, at)?;
            let periods = &provenance.periods;
            guard.check(&engine, self.catalogue(), &panel.frame, periods, at).await?;
            let (spec, rows) = (params.spec().clone(), panel.frame.n_rows());
            let learnt = self.learn(&engine, params, panel, moment.known_as_of).await?;
            let Learnt { frame, trained, baseline } = learnt;
            let Trained { model, survival, validation, held_out } = trained;
            let baseline = Some(baseline);
            let content = Content { spec, model, survival, validation, provenance, baseline };
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
            validation: content.validation.clone(),
            trained_rows,
            doubts: content.validation.doubts(),
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

    /// The moment a training or scoring stands at. A day that was asked for is
    /// seen as it was known then; the `end` of the data by all that is loaded, be it
    /// that a row arrived after it.
    pub(super) fn moment(&self, asked: Option<&str>, end: DateTime<Utc>) -> Result<Moment> {
        let tz = params::time_zone(&self.config().tz)?;
        Ok(match asked {
            Some(text) => Moment::known_at(params::as_of(text, tz)?),
            None => Moment { as_of: end, known_as_of: None },
        })
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
        data_versions.retain(|name, _| Table::named(name).is_some_and(|table| !table.is_said()));
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
        match self.score_in(&mut run, as_of).await {
            Ok(Scoring { summary, details, .. }) => {
                run.publish(SCORE, details).await?;
                Ok(summary)
            }
            Err(error) => Err(given_up(run, error).await),
        }
    }

    /// Adds the scores to a run; returns what the run is to record, which is
    /// what [`Tenure::replay`] has to know.
    pub(super) async fn score_in(&self, run: &mut Run, as_of: Option<&str>) -> Result<Scoring> {
        let engine = Engine::new(run.base().clone(), &self.config().engine)?;
        let artifact = self.model(&engine).await?;
        let spec = &artifact.content().spec;
        let end = moment_of(&engine, spec);
        let moment = self.moment(as_of, end)?;
        let cutoff = moment.as_of;
        let tz = params::time_zone(&self.config().tz)?;
        let day = |at: DateTime<Utc>| at.with_timezone(&tz).date_naive();
        if day(cutoff) > day(end) {
            let words = format!("{} is after the end of the data, {}", day(cutoff), day(end));
            return Err(Error::new(ErrorKind::Usage, words)
                .hint("days that are not loaded yet would look like silence: load them first"));
        }
        let prepared = self.prepare(&engine, artifact, moment).await?;
        let spec = &prepared.artifact.content().spec;
        if prepared.frame.n_rows() == 0 {
            return Err(Error::new(
                ErrorKind::Insufficient,
                format!("nobody is eligible to be scored at {}", reports::iso(cutoff)),
            )
            .hint(spec.label.eligibility()));
        }
        let stamp = Stamp { cutoff, known_at: run.started_at(), run_id: run.id() };
        let prepared = Arc::new(prepared);
        let Scored { said, at_risk: value_at_risk } = prepared.write(run, stamp).await?;
        let shadow = self.shadow_in(run, &engine, moment).await?;
        let summary = ScoreSummary {
            run_id: run.id(),
            model: prepared.artifact.id().to_owned(),
            cutoff,
            customers: said.len(),
            bands: [Band::High, Band::Medium, Band::Low]
                .map(|band| (band.slug(), said.iter().filter(|it| it.band == band).count()))
                .into_iter()
                .map(|(band, count)| (band.to_owned(), count))
                .collect(),
            value_at_risk,
            shadow,
        };
        let details = json!({
            "model": summary.model, "customers": summary.customers,
            "cutoff": reports::iso(cutoff), KNOWN_AS_OF: moment.known_as_of.map(reports::iso),
            "known_at": reports::iso(stamp.known_at),
            "tenure": env!("CARGO_PKG_VERSION"), "sql": self.scoring_sql(),
            "shadow": summary.shadow,
        });
        Ok(Scoring { engine, prepared, said, stamp, summary, details })
    }

    /// Gets ready to score every eligible customer at `moment`.
    pub(super) async fn prepare(
        &self,
        engine: &Engine,
        artifact: Artifact,
        moment: Moment,
    ) -> Result<Prepared> {
        let Content { spec, model, .. } = artifact.content();
        let frame =
            panel::scoring(engine, self.catalogue(), spec, moment, model.features()).await?;
        let known = self.known_customers(engine, moment, spec).await?;
        Ok(Prepared { artifact, frame, known, threads: self.threads() })
    }

    /// Threads that a model is fitted and scores with.
    pub(super) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.config().engine.partitions.unwrap_or_else(cores)
    }

    /// Key, owner and expected value of every customer at `moment`.
    async fn known_customers(
        &self,
        engine: &Engine,
        moment: Moment,
        spec: &ChurnSpec,
    ) -> Result<BTreeMap<String, Customer>> {
        let (view, cutoff) = (engine.at(moment), moment.as_of);
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
            let currencies = batch.column(2).as_string::<i32>();
            for row in 0..batch.num_rows() {
                let customer = known.entry(ids.value(row).to_owned()).or_default();
                customer.value = Some(values.value(row));
                customer.currency =
                    currencies.is_valid(row).then(|| currencies.value(row).to_owned());
            }
        }
        Ok(known)
    }
}

/// The moment whose rows a run scored. Runs of old versions stand at their cutoff in
/// both stamps and do not say so.
pub(super) fn scored_at(details: &Json, cutoff: DateTime<Utc>) -> Moment {
    let told = details.get(KNOWN_AS_OF);
    let known = told.and_then(Json::as_str).and_then(|text| text.parse().ok());
    let known_as_of = if told.is_none() { Some(cutoff) } else { known };
    Moment { as_of: cutoff, known_as_of }
}

/// The newest moment of which a label or feature of the spec can be known. Given labels and
/// attributes carry no time of their own and are known since they were loaded.
pub(super) fn moment_of(engine: &Engine, spec: &ChurnSpec) -> DateTime<Utc> {
    let data_end = reports::default_as_of(engine);
    match spec.label {
        crate::churn::Label::Inactivity { .. } | crate::churn::Label::Contract { .. } => data_end,
        crate::churn::Label::Given { .. } => {
            engine.snapshot().manifest().known_end().map_or(data_end, |known| known.max(data_end))
        }
    }
}
