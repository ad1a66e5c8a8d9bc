//! How do people and programs read the scores?

use std::collections::BTreeMap;

use arrow::array::AsArray;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};

use super::Tenure;
use super::registry::SCORE;
use crate::config::Language;
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::features::run;
use crate::reports::render::rows;
use crate::reports::{Purpose, Value};
use crate::tables::RunRecord;

/// Which scores are asked for.
#[derive(Debug, Clone, Default)]
pub struct ScoreRequest {
    /// Only this band.
    pub band: Option<String>,
    /// Only this risky or riskier.
    pub min_probability: Option<f64>,
    /// Only customers of this owner.
    pub owner: Option<String>,
    /// Only customers whose score has changed since this instant.
    pub changed_since: Option<DateTime<Utc>>,
    /// Continue after the row a page before ended with: run, probability and
    /// customer. The run pins the page to the scores it began with.
    pub after: Option<(i64, f64, String)>,
    /// Most rows.
    pub limit: usize,
}

/// A page of scores, riskiest first.
#[derive(Debug, Clone)]
pub struct ScorePage {
    /// One object per customer.
    pub scores: Vec<Map<String, Json>>,
    /// Where the next page begins; absent on the last.
    pub next: Option<(i64, f64, String)>,
    /// The run that scored.
    pub run_id: i64,
}

impl Tenure {
    /// A page of the newest scores.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if nobody was scored yet.
    pub async fn scores(
        &self,
        engine: &Engine,
        request: &ScoreRequest,
        language: Language,
    ) -> Result<ScorePage> {
        let newest = newest_scoring(engine)?;
        let run_id = request.after.as_ref().map_or(newest.run_id, |(run_id, _, _)| *run_id);
        let shown = request.changed_since.map(|since| Value::Integer(shown_at(engine, since)));
        let mut given = BTreeMap::from([
            ("run".to_owned(), Value::Integer(run_id)),
            // One more than asked for tells whether there is a next page.
            ("limit".to_owned(), Value::Integer(request.limit as i64 + 1)),
        ]);
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                given.insert(name.to_owned(), value);
            }
        };
        set("band", request.band.clone().map(Value::Text));
        set("owner", request.owner.clone().map(Value::Text));
        set("min_probability", request.min_probability.map(Value::Number));
        set("shown", shown);
        if let Some((_, probability, customer)) = &request.after {
            set("after_probability", Some(Value::Number(*probability)));
            set("after_customer", Some(Value::Text(customer.clone())));
        }
        let query = self.catalogue().get(Purpose::Churn, "scores")?;
        let batches = run(&engine.at(Moment::LATEST), query, DateTime::UNIX_EPOCH, given).await?;
        let mut scores = rows(&batches)?;
        let more = scores.len() > request.limit;
        scores.truncate(request.limit);
        let next = scores.last().filter(|_| more).and_then(|last| {
            let probability = last.get("probability")?.as_f64()?;
            Some((run_id, probability, last.get("customer_id")?.as_str()?.to_owned()))
        });
        for score in &mut scores {
            unfold(score, language)?;
        }
        Ok(ScorePage { scores, next, run_id })
    }

    /// Whether anybody was ever scored.
    #[must_use]
    pub fn is_scored(engine: &Engine) -> bool {
        newest_scoring(engine).is_ok()
    }

    /// Customers who had a score at an instant and have none any more: they left,
    /// or are no longer eligible.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if nobody was scored yet.
    pub async fn scores_gone(&self, engine: &Engine, since: DateTime<Utc>) -> Result<Vec<String>> {
        let given = BTreeMap::from([
            ("run".to_owned(), Value::Integer(newest_scoring(engine)?.run_id)),
            ("shown".to_owned(), Value::Integer(shown_at(engine, since))),
        ]);
        let query = self.catalogue().get(Purpose::Churn, "gone")?;
        let batches = run(&engine.at(Moment::LATEST), query, DateTime::UNIX_EPOCH, given).await?;
        let ids = batches.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter());
        Ok(ids.flatten().map(str::to_owned).collect())
    }

    /// Why a customer has their score: `customer_id, probability, band, churn_30, churn_60, churn_90, churn_180, remaining_days, logit,
    /// base, reasons, value_at_risk, currency, model, cutoff`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] if there is no such customer, with the nearest ids, or
    /// they are not among the newest scores.
    pub async fn explain(
        &self,
        engine: &Engine,
        customer: &str,
        language: Language,
    ) -> Result<Map<String, Json>> {
        let newest = newest_scoring(engine);
        let named = BTreeMap::from([("customer".to_owned(), Value::Text(customer.to_owned()))]);
        let view = engine.at(Moment::LATEST);
        if let Ok(newest) = &newest {
            let query = self.catalogue().get(Purpose::Churn, "score_of")?;
            let mut of_run = named.clone();
            of_run.insert("run".to_owned(), Value::Integer(newest.run_id));
            let batches = run(&view, query, DateTime::UNIX_EPOCH, of_run).await?;
            if let Some(mut score) = rows(&batches)?.into_iter().next() {
                unfold(&mut score, language)?;
                return Ok(score);
            }
        }
        let query = self.catalogue().get(Purpose::Churn, "similar")?;
        let batches = run(&view, query, DateTime::UNIX_EPOCH, named).await?;
        let known: Vec<String> = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten())
            .map(str::to_owned)
            .collect();
        if known.iter().any(|id| id == customer) {
            return Err(Error::new(
                ErrorKind::Unknown,
                format!("customer \"{customer}\" has no score"),
            )
            .hint(match newest {
                Ok(_) => "only customers who can still leave are scored",
                Err(_) => "nobody was scored yet: tenure train, then tenure score",
            }));
        }
        Err(Error::new(ErrorKind::Unknown, format!("there is no customer \"{customer}\""))
            .hint_nearest(customer, known.iter().map(String::as_str)))
    }
}

/// The run whose scores are the newest: of the latest data, and of several such
/// runs the last. Scores of a past date are history, whenever they were made.
pub(super) fn newest_scoring(engine: &Engine) -> Result<&RunRecord> {
    newest(engine.snapshot().runs().iter()).ok_or_else(|| {
        Error::new(ErrorKind::Insufficient, "no customer has been scored in this store")
            .hint("score them: tenure train, then tenure score")
    })
}

/// The run whose scores were the newest at an instant, or 0.
pub(super) fn shown_at(engine: &Engine, instant: DateTime<Utc>) -> i64 {
    let runs = engine.snapshot().runs().iter().filter(|run| run.finished_at <= instant);
    newest(runs).map_or(0, |run| run.run_id)
}

fn newest<'a>(runs: impl Iterator<Item = &'a RunRecord>) -> Option<&'a RunRecord> {
    let cutoff =
        |run: &RunRecord| DateTime::parse_from_rfc3339(run.details.get("cutoff")?.as_str()?).ok();
    runs.filter(|run| run.kind == SCORE).max_by_key(|run| (cutoff(run), run.run_id))
}

/// Turns the stored JSON text of the reasons and of the smallest change into JSON,
/// in one language.
fn unfold(score: &mut Map<String, Json>, language: Language) -> Result<()> {
    for name in ["reasons", "unsure", "what_if"] {
        let Some(stored) = score.get_mut(name) else { continue };
        let Some(text) = stored.as_str() else { continue };
        let mut parsed: Json = serde_json::from_str(text)
            .map_err(|error| Error::new(ErrorKind::Storage, "stored reasons").caused_by(error))?;
        match &mut parsed {
            Json::Array(reasons) => reasons.iter_mut().for_each(|it| in_language(it, language)),
            what_if => in_language(what_if, language),
        }
        *stored = parsed;
    }
    Ok(())
}

fn in_language(told: &mut Json, language: Language) {
    let Some(told) = told.as_object_mut() else { return };
    let chinese = told.shift_remove("text_zh");
    if let (Language::Zh, Some(text)) = (language, chinese) {
        told.insert("text".to_owned(), text);
    }
}
