//! Can the model that serves still be trusted?
//!
//! Three answers, each sooner and less certain than the next:
//! - *at once*: do the customers and their scores look like those it was made
//!   from ([`crate::churn::baseline`])?
//! - *in weeks*: of those scored, are as many still silent as the scores would
//!   have it ([`crate::churn::nowcast`])?
//! - *once the label is known*: did as many leave as it said, and did it tell
//!   them apart as well as validation promised ([`crate::churn::observed`])?
//!
//! Past runs are judged once a month, the newest of each. A run counts only if
//! its model knew none of the days of its label when it was trained; only the
//! newest whose label is known raises an alarm, and only for the model that
//! serves. All of it can be asked as of a past day.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use serde::Serialize;

use super::Tenure;
use super::model::moment_of;
use super::registry::SCORE;
use crate::churn::bootstrap::Intervals;
use crate::churn::metrics::Ranking;
use crate::churn::{Artifact, Nowcast, Observed, Shift};
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::features::label::{Source, Window};
use crate::features::{panel, run};
use crate::reports::{self, Purpose, Value};

/// Most past months judged.
const MONTHS: usize = 12;

/// What can be said about the model that serves.
#[derive(Debug, Clone, Serialize)]
pub struct Drift {
    /// The model.
    pub model: String,
    /// What happened after this instant was not looked at.
    pub as_of: DateTime<Utc>,
    /// Whether one of the parts raises an alarm.
    pub alarm: bool,
    /// Its customers against those it was made from; none if it was made before
    /// that was kept.
    pub inputs: Option<Inputs>,
    /// Past scorings whose label is not known yet, oldest first.
    pub pending: Vec<Pending>,
    /// Past scorings whose label is known, oldest first.
    pub matured: Vec<Judged>,
    /// Whether the label has a time at which it is known.
    pub label_matures: bool,
}

/// Today's customers against the baseline.
#[derive(Debug, Clone, Serialize)]
pub struct Inputs {
    /// The cutoff of the baseline; none where labels have no dates.
    pub baseline: Option<NaiveDate>,
    /// Customers in it.
    pub baseline_customers: usize,
    /// Customers now.
    pub customers: usize,
    /// Whether a feature, or the score, has drifted.
    pub alarm: bool,
    /// All features and the score, the worst first.
    pub shifts: Vec<Shift>,
}

/// A scoring whose label is not known yet.
#[derive(Debug, Clone, Serialize)]
pub struct Pending {
    /// The run.
    pub run_id: i64,
    /// The model that scored.
    pub model: String,
    /// Its cutoff.
    pub cutoff: DateTime<Utc>,
    /// When the label is known.
    pub known_from: DateTime<Utc>,
    /// What can be told so far; none before the horizon has begun, of a model
    /// that knows no law of returns, and of labels that are not of activity.
    pub nowcast: Option<Nowcast>,
    /// Whether the scores do not hold.
    pub alarm: bool,
}

/// A scoring whose label is known.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// The run.
    pub run_id: i64,
    /// The model that scored.
    pub model: String,
    /// Its cutoff.
    pub cutoff: DateTime<Utc>,
    /// Expected and observed leavers.
    pub observed: Observed,
    /// The same by band.
    pub bands: BTreeMap<String, Observed>,
    /// Mean log-loss; none if all or nobody left.
    pub log_loss: Option<f64>,
    /// ROC AUC; none if all or nobody left.
    pub auc: Option<f64>,
    /// What validation promised of that model.
    pub promised: Promised,
    /// Whether it raises an alarm.
    pub alarm: bool,
}

/// What a model's validation found.
#[derive(Debug, Clone, Serialize)]
pub struct Promised {
    /// Mean log-loss.
    pub log_loss: f64,
    /// ROC AUC.
    pub auc: f64,
    /// 95 % intervals.
    pub intervals: Option<Intervals>,
}

/// A past scoring.
#[derive(Debug, Clone)]
struct Past {
    run_id: i64,
    model: String,
    cutoff: DateTime<Utc>,
}

/// What a past scoring said.
#[derive(Default)]
struct Said {
    ids: Vec<String>,
    probabilities: Vec<f64>,
    bands: Vec<String>,
}

impl Tenure {
    /// Says whether the model that serves can still be trusted, by what had
    /// happened up to `as_of` (the end of the data if absent).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if there is no model or nobody to score,
    /// [`ErrorKind::Input`] if the model can not score, saying what to do.
    pub async fn drift(&self, as_of: Option<&str>) -> Result<Drift> {
        let engine = self.engine().await?;
        let artifact = self.model(&engine).await?;
        let spec = &artifact.content().spec;
        let end = moment_of(&engine, spec);
        let asked = self.moment(as_of, end)?;
        let as_of = asked.as_of.min(end);
        let inputs = self.inputs(&engine, &artifact, Moment { as_of, ..asked }).await?;
        let served = artifact.id();
        let mut models = BTreeMap::from([(served.to_owned(), artifact.clone())]);
        let (mut pending, mut matured) = (Vec::new(), Vec::new());
        // The newest first; of each month one.
        let mut months = Vec::new();
        for past in self.past_scorings(&engine, as_of) {
            let month = (past.cutoff.year(), past.cutoff.month());
            if matured.len() >= MONTHS || months.contains(&month) {
                continue;
            }
            if !models.contains_key(&past.model) {
                // What a lost file promised is not known.
                let Ok(artifact) = self.artifact(&past.model).await else { continue };
                models.insert(past.model.clone(), artifact);
            }
            let artifact = &models[&past.model];
            let label = &artifact.content().spec.label;
            let Some(window) = Window::of(label, past.cutoff) else { continue };
            if !is_fair(artifact, past.cutoff) {
                continue;
            }
            let source = Source { engine: &engine, catalogue: self.catalogue(), label };
            let known = source.known_until().await?.min(as_of);
            months.push(month);
            if window.known <= known + TimeDelta::microseconds(1) {
                let first = matured.is_empty() && past.model == served;
                matured.extend(self.judged(source, artifact, past, window, first).await?);
            } else {
                pending.push(self.pending(source, artifact, past, window, known, served).await?);
            }
        }
        pending.reverse();
        matured.reverse();
        let alarm = inputs.as_ref().is_some_and(|inputs| inputs.alarm)
            || pending.iter().any(|run: &Pending| run.alarm)
            || matured.iter().any(|run: &Judged| run.alarm);
        let label_matures = Window::of(&artifact.content().spec.label, as_of).is_some();
        let model = served.to_owned();
        Ok(Drift { model, as_of, alarm, inputs, pending, matured, label_matures })
    }

    async fn inputs(
        &self,
        engine: &Engine,
        artifact: &Artifact,
        moment: Moment,
    ) -> Result<Option<Inputs>> {
        let content = artifact.content();
        let Some(baseline) = &content.baseline else { return Ok(None) };
        let (spec, model) = (&content.spec, &content.model);
        let frame =
            panel::scoring(engine, self.catalogue(), spec, moment, model.features()).await?;
        if frame.n_rows() == 0 {
            let words =
                format!("nobody is eligible to be scored at {}", reports::iso(moment.as_of));
            return Err(Error::new(ErrorKind::Insufficient, words).hint(spec.label.eligibility()));
        }
        let scored = model.score(&frame, self.threads())?;
        let shifts = baseline.compare(&frame, &scored)?;
        Ok(Some(Inputs {
            baseline: baseline.cutoff,
            baseline_customers: baseline.customers,
            customers: frame.n_rows(),
            alarm: shifts.iter().any(|shift| shift.drifted),
            shifts,
        }))
    }

    /// Scorings at cutoffs up to `as_of`, the newest cutoff and of one cutoff the
    /// newest run first.
    fn past_scorings(&self, engine: &Engine, as_of: DateTime<Utc>) -> Vec<Past> {
        let runs = engine.snapshot().runs().iter().filter(|run| run.kind == SCORE);
        let past = runs.filter_map(|run| {
            let text = |name: &str| run.details.get(name)?.as_str();
            let cutoff = DateTime::parse_from_rfc3339(text("cutoff")?).ok()?.to_utc();
            Some(Past { run_id: run.run_id, model: text("model")?.to_owned(), cutoff })
        });
        let mut past: Vec<Past> = past.filter(|past| past.cutoff <= as_of).collect();
        past.sort_by_key(|past| std::cmp::Reverse((past.cutoff, past.run_id)));
        past
    }

    async fn pending(
        &self,
        source: Source<'_>,
        artifact: &Artifact,
        past: Past,
        window: Window,
        known: DateTime<Utc>,
        served: &str,
    ) -> Result<Pending> {
        let Past { run_id, model, cutoff } = past;
        let law = artifact.content().baseline.as_ref().and_then(|it| it.returns.as_ref());
        let after = known + TimeDelta::microseconds(1);
        let mut nowcast = None;
        if let Some(law) = law
            && after > window.start
        {
            let said = self.said(source.engine, run_id).await?;
            let seen = source.returned(window.start, after.min(window.end), None).await?;
            let scores = said.ids.iter().zip(&said.probabilities);
            let scores: Vec<(f64, bool)> =
                scores.map(|(id, &probability)| (probability, seen.contains_key(id))).collect();
            let day = (after - window.start).as_seconds_f64() / 86_400.0;
            nowcast = Nowcast::of(&scores, law, day);
        }
        let alarm = model == served && nowcast.is_some_and(|it| it.is_off());
        Ok(Pending { run_id, model, cutoff, known_from: window.known, nowcast, alarm })
    }

    async fn judged(
        &self,
        source: Source<'_>,
        artifact: &Artifact,
        past: Past,
        window: Window,
        counts: bool,
    ) -> Result<Option<Judged>> {
        let Past { run_id, model, cutoff } = past;
        let said = self.said(source.engine, run_id).await?;
        let became = source.became(window, &said.ids).await?;
        let outcomes: Vec<(usize, bool)> =
            became.iter().enumerate().filter_map(|(row, it)| Some((row, (*it)?))).collect();
        let of = |band: Option<&str>| {
            let rows =
                outcomes.iter().filter(|(row, _)| band.is_none_or(|it| said.bands[*row] == it));
            Observed::of(rows.map(|&(row, left)| (said.probabilities[row], left)))
        };
        let Some(observed) = of(None) else { return Ok(None) };
        let mut bands = BTreeMap::new();
        for band in &said.bands {
            if !bands.contains_key(band)
                && let Some(found) = of(Some(band))
            {
                bands.insert(band.clone(), found);
            }
        }
        let (probabilities, churned): (Vec<f64>, Vec<bool>) =
            outcomes.iter().map(|&(row, left)| (said.probabilities[row], left)).unzip();
        let metrics = Ranking::new(&probabilities, &churned).metrics().ok();
        let validation = &artifact.content().validation;
        Ok(Some(Judged {
            run_id,
            model,
            cutoff,
            alarm: counts && observed.is_off(),
            observed,
            bands,
            log_loss: metrics.as_ref().map(|it| it.log_loss),
            auc: metrics.as_ref().map(|it| it.auc),
            promised: Promised {
                log_loss: validation.metrics.log_loss,
                auc: validation.metrics.auc,
                intervals: validation.intervals,
            },
        }))
    }

    async fn said(&self, engine: &Engine, run_id: i64) -> Result<Said> {
        let query = self.catalogue().get(Purpose::Churn, "scored_in")?;
        let given = BTreeMap::from([("run".to_owned(), Value::Integer(run_id))]);
        let view = engine.at(Moment::LATEST);
        let mut said = Said::default();
        for batch in run(&view, query, DateTime::UNIX_EPOCH, given).await? {
            let text = |column: usize| batch.column(column).as_string::<i32>();
            let numbers = batch.column(1).as_primitive::<Float64Type>();
            for row in 0..batch.num_rows() {
                said.ids.push(text(0).value(row).to_owned());
                said.probabilities.push(numbers.value(row));
                said.bands.push(text(2).value(row).to_owned());
            }
        }
        Ok(said)
    }
}

/// Whether the model could know nothing of what came after `cutoff`.
fn is_fair(artifact: &Artifact, cutoff: DateTime<Utc>) -> bool {
    let next = (cutoff + TimeDelta::microseconds(1)).date_naive();
    artifact.content().provenance.data_end.is_none_or(|end| next >= end)
}
