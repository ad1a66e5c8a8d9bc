//! How do a CRM's new files become scores and alerts, night after night?
//!
//! [`Tenure::nightly`] is started by cron or systemd and needs no memory of its
//! own: what is to be done follows from what is published.
//!
//! ```text
//! load    files whose content is not in the ledger yet      ─ a run
//! merge   sorted runs, where that is due                    ─ a run
//! train   if no model serves, or if asked                   ─ a run
//! score   everybody, and alert, unless nothing has changed  ─ one run for both
//! ```
//!
//! Each step is published whole or not at all, and a night that was killed is
//! done by the next one from where the published steps end, so that both leave
//! the same state. The writer's lock is held from the first step to the last.
//!
//! A customer of whom nothing was heard has grown older: at a later cutoff each
//! score can differ, so all are computed anew. Only a night without any change
//! is left out: no new rows, the same model, queries, settings and version.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::Tenure;
use super::alerts::{AlertSummary, DETAILS, newest_night};
use super::compact::CompactSummary;
use super::model::{KNOWN_AS_OF, ScoreSummary, TrainSummary, moment_of};
use super::models::given_up;
use super::registry::{PROMOTE, ROLLBACK, Registry, SCORE, SHADOW, TRAIN};
use crate::churn::ChurnSpec;
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::{IngestOptions, Progress, Step, Summary};
use crate::reports::iso;
use crate::tables::RunRecord;

/// Runs after which scores still say what they said.
const NO_NEWS: [&str; 5] = ["compact", TRAIN, PROMOTE, ROLLBACK, SHADOW];

/// What a night is to do.
#[derive(Debug, Clone)]
pub struct Night {
    /// Files and folders to pick up new files of.
    pub from: Vec<PathBuf>,
    /// How they are loaded.
    pub options: IngestOptions,
    /// What to train by.
    pub spec: ChurnSpec,
    /// Train even if a model serves.
    pub train: bool,
}

/// What a night did; what is absent was not due.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NightSummary {
    /// The files, those loaded before among them.
    pub loaded: Option<Summary>,
    /// What was merged.
    pub compacted: Option<CompactSummary>,
    /// What was trained.
    pub trained: Option<TrainSummary>,
    /// Why a training that was asked for failed; the served model scored.
    pub train_refused: Option<String>,
    /// What was scored.
    pub scored: Option<ScoreSummary>,
    /// Who was told of.
    pub alerts: Option<AlertSummary>,
    /// The run whose scores and alerts still hold, if nothing has changed.
    pub unchanged_since: Option<i64>,
}

/// How far a night has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Files are looked at and read.
    Loading(Step),
    /// Rows of a large table are sorted and written: so many, of so many.
    Sorting(u64, u64),
    /// Sorted runs are merged: rows so far, of so many.
    Merging(u64, u64),
    /// A model is trained: cutoffs so far, of so many.
    Training(usize, usize),
    /// Customers are scored.
    Scoring,
    /// Scores are compared with what was said before.
    Alerting,
    /// Scores and alerts become visible.
    Publishing,
    /// All is done.
    Done,
}

/// Hears of stages.
type Told<'a> = dyn FnMut(Stage) + Send + 'a;

struct Loading<'a, 'b>(&'a mut Told<'b>);

impl Progress for Loading<'_, '_> {
    fn step(&mut self, step: &Step) {
        (self.0)(Stage::Loading(step.clone()));
    }

    fn written(&mut self, rows: u64, of: u64) {
        (self.0)(Stage::Sorting(rows, of));
    }
}

impl Tenure {
    /// Loads what is new, trains if no model serves, scores and alerts if
    /// anything has changed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if another process is writing, saying which; as
    /// [`Tenure::ingest`], [`Tenure::train`] and [`Tenure::score`]. Steps before
    /// the one that failed stay published; calling it again goes on from there.
    pub async fn nightly(&self, night: &Night, tell: &mut Told<'_>) -> Result<NightSummary> {
        let store = self.store().hold("tenure nightly").await?;
        let alone = Self { store, ..self.clone() };
        let summary = alone.steps(night, tell).await;
        alone.store.release().await;
        tell(Stage::Done);
        summary
    }

    async fn steps(&self, night: &Night, tell: &mut Told<'_>) -> Result<NightSummary> {
        let mut summary = NightSummary::default();
        if !night.from.is_empty() {
            tell(Stage::Loading(Step::default()));
            let mut loading = Loading(&mut *tell);
            let loaded = self.ingest(&night.from, &night.options, &mut loading).await?;
            summary.loaded = Some(loaded);
        }
        let snapshot = self.store().snapshot().await?;
        if snapshot.runs().is_empty() {
            return Err(Error::new(ErrorKind::Unknown, "the store is empty")
                .hint("name the folder with the CRM's files: --from DIR"));
        }
        let has_model = Registry::of(snapshot.runs()).served().is_some();
        let trains = night.train || !has_model;
        if !trains {
            summary.unchanged_since = self.still_holds().await?;
            if summary.unchanged_since.is_some() {
                return Ok(summary);
            }
        }
        tell(Stage::Merging(0, 0));
        let told = Mutex::new(&mut *tell);
        let merging = |rows, of| {
            let mut tell = told.lock().unwrap_or_else(PoisonError::into_inner);
            tell(Stage::Merging(rows, of));
        };
        let compacted = self.compact(&merging).await?;
        summary.compacted = compacted.run_id.is_some().then_some(compacted);
        if trains {
            tell(Stage::Training(0, 0));
            let mut training = |done, of| tell(Stage::Training(done, of));
            match self.train(night.spec.clone(), None, &mut training).await {
                Ok(trained) => summary.trained = Some(trained),
                // A model that serves is no worse for a training that failed,
                // and the customers are to be scored tonight.
                Err(error) if has_model && error.kind() != ErrorKind::Storage => {
                    summary.train_refused = Some(error.to_string());
                }
                Err(error) => return Err(error),
            }
            summary.unchanged_since = self.still_holds().await?;
        }
        if summary.unchanged_since.is_none() {
            self.score_and_alert(&mut summary, tell).await?;
        }
        Ok(summary)
    }

    async fn score_and_alert(&self, summary: &mut NightSummary, tell: &mut Told<'_>) -> Result<()> {
        let mut run = self.store().begin().await?;
        let scored = async {
            tell(Stage::Scoring);
            let mut scoring = self.score_in(&mut run, None).await?;
            tell(Stage::Alerting);
            let alerts = self.alerts_in(&mut run, &mut scoring).await?;
            Ok((scoring.summary, scoring.details, alerts))
        };
        match scored.await {
            Ok((scored, details, alerts)) => {
                tell(Stage::Publishing);
                run.publish(SCORE, details).await?;
                summary.scored = Some(scored);
                summary.alerts = Some(alerts);
                Ok(())
            }
            Err(error) => Err(given_up(run, error).await),
        }
    }

    /// The newest scoring, if the same one now could say nothing else.
    async fn still_holds(&self) -> Result<Option<i64>> {
        let engine = self.engine().await?;
        let runs = engine.snapshot().runs();
        let newest = runs.iter().rev().find(|run| run.kind == SCORE);
        let Some(night) = newest_night(runs).filter(|night| newest == Some(night)) else {
            return Ok(None);
        };
        let later = runs.iter().filter(|run| run.run_id > night.run_id);
        if later.into_iter().any(|run| !NO_NEWS.contains(&run.kind.as_str())) {
            return Ok(None);
        }
        let artifact = self.model(&engine).await?;
        let cutoff = iso(moment_of(&engine, &artifact.content().spec));
        let same = self.is_of(night, artifact.id(), &cutoff, Registry::of(runs).shadow())?;
        Ok(same.then_some(night.run_id))
    }

    /// Whether a scoring was made with these and with what is there now.
    fn is_of(
        &self,
        night: &RunRecord,
        model: &str,
        cutoff: &str,
        shadow: Option<&str>,
    ) -> Result<bool> {
        let details = &night.details;
        let is = |name: &str, value: &str| details.get(name).is_some_and(|it| it == value);
        let trial = details.get("shadow").and_then(|shadow| shadow.get("model")?.as_str());
        let sql = serde_json::json!(self.scoring_sql());
        let settings = details.get(DETAILS).and_then(|alerts| alerts.get("settings"));
        Ok(is("model", model)
            && is("cutoff", cutoff)
            && details.get(KNOWN_AS_OF) == Some(&serde_json::Value::Null)
            && is("tenure", env!("CARGO_PKG_VERSION"))
            && details.get("sql") == Some(&sql)
            && trial == shadow
            && settings == Some(&self.alert_settings()?))
    }
}
