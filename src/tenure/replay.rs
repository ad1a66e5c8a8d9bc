//! Is a past score still what its data and its model say?
//!
//! A scoring records the model, the cutoff and, in the manifest, the version of
//! every table it stood at. A replay goes back to those versions, scores once
//! more and compares every column of every row to the bit. It finds a row that
//! was changed, one that was added or taken away, a model file that is another,
//! and an engine that no longer computes what it did.
//!
//! Merging files changes no row, so a replay also holds after the old files are
//! gone: the rows then come from the files they were merged into, without those
//! of later loads. A customer whose rows were erased can not be computed again,
//! and that is what is said of them; nor can, to the last bits, what the others
//! have of the calendar of all customers.

use std::collections::{BTreeMap, BTreeSet};

use again::Again;
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, Utc};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

use super::Tenure;
use super::model::scored_at;
use super::registry::SCORE;
use super::score_rows::Stamp;
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::features::run;
use crate::reports::{Purpose, Value};
use crate::schema::Table;
use crate::tables::{RunRecord, Snapshot};

mod again;

/// Rows that are compared at a time; their reasons are kilobytes each.
const CHUNK: usize = 20_000;

/// Differences that are kept; all are counted.
const SHOWN: usize = 100;

/// Which past scores are recomputed.
#[derive(Debug, Clone, Default)]
pub struct ReplayRequest {
    /// Only this customer's.
    pub customer: Option<String>,
    /// Only those of this run. Without it, those of all runs if a customer or
    /// a sample is asked for, else those of the newest.
    pub run: Option<i64>,
    /// Only so many, drawn at random.
    pub sample: Option<usize>,
    /// Decides which are drawn.
    pub seed: u64,
}

/// What a replay found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ReplaySummary {
    /// Scores looked at.
    pub scores: usize,
    /// Scores that came out the same in every column, to the bit.
    pub equal: usize,
    /// Run by run, oldest first.
    pub runs: Vec<ReplayedRun>,
    /// What differs, the first hundred.
    pub differences: Vec<Difference>,
}

/// What a replay found of one run.
#[derive(Debug, Clone, Serialize)]
pub struct ReplayedRun {
    /// The run.
    pub run_id: i64,
    /// The model it scored with.
    pub model: String,
    /// Scores looked at.
    pub scores: usize,
    /// Scores that came out the same.
    pub equal: usize,
    /// Whether the recorded versions' own files were read, not those they
    /// were merged into.
    pub own_files: bool,
    /// Queries that are others than those the run recorded.
    pub changed_sql: Vec<String>,
    /// Why it can not be replayed; none if it was.
    pub refused: Option<String>,
}

/// A value that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The run.
    pub run_id: i64,
    /// The customer.
    pub customer_id: String,
    /// The column; none if the whole row is missing on one side.
    pub column: Option<String>,
    /// What is in the store; none if the customer has no row there.
    pub recorded: Option<String>,
    /// What came out; none if the customer could not be scored again.
    pub recomputed: Option<String>,
}

impl ReplaySummary {
    /// Whether every score looked at came out the same, and every run asked
    /// for could be looked at.
    #[must_use]
    pub fn all_equal(&self) -> bool {
        self.equal == self.scores
            && self.differences.is_empty()
            && self.runs.iter().all(|run| run.refused.is_none())
    }

    fn differ(&mut self, difference: Difference) {
        if self.differences.len() < SHOWN {
            self.differences.push(difference);
        }
    }
}

impl Tenure {
    /// Recomputes past scores from what their runs recorded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] if there is no such run or score,
    /// [`ErrorKind::Storage`] if the store can not be read. A run that can not
    /// be replayed is part of the answer.
    pub async fn replay(
        &self,
        request: &ReplayRequest,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<ReplaySummary> {
        let now = self.store().snapshot().await?;
        let runs: Vec<&RunRecord> = now.runs().iter().filter(|run| run.kind == SCORE).collect();
        let runs = asked(runs, request)?;
        let mut drawn = draw(&runs, request);
        let mut summary = ReplaySummary::default();
        for (index, run) in runs.iter().enumerate() {
            progress(index, runs.len());
            let places = drawn.as_mut().map(|drawn| drawn.remove(&run.run_id).unwrap_or_default());
            if places.as_ref().is_some_and(BTreeSet::is_empty) {
                continue;
            }
            self.replay_run(&now, run, request.customer.as_deref(), places, &mut summary).await?;
        }
        progress(runs.len(), runs.len());
        if let Some(customer) = request.customer.as_deref().filter(|_| summary.scores == 0)
            && summary.runs.iter().all(|run| run.refused.is_none())
        {
            let words = format!("customer \"{customer}\" has no past score");
            return Err(Error::new(ErrorKind::Unknown, words)
                .hint("tenure explain CUSTOMER offers the nearest ids"));
        }
        Ok(summary)
    }

    async fn replay_run(
        &self,
        now: &Snapshot,
        record: &RunRecord,
        customer: Option<&str>,
        places: Option<BTreeSet<usize>>,
        summary: &mut ReplaySummary,
    ) -> Result<()> {
        let told = |name: &str| record.details.get(name).and_then(|value| value.as_str());
        let engine = Engine::new(now.clone(), &self.config().engine)?;
        let recorded = self.recorded_ids(&engine, record.run_id).await?;
        let ids = recorded.ids.iter().enumerate().filter(|(place, id)| {
            places.as_ref().is_none_or(|places| places.contains(place))
                && customer.is_none_or(|customer| customer == id.as_str())
        });
        let wanted: Vec<&str> = ids.map(|(_, id)| id.as_str()).collect();
        let whole = places.is_none() && customer.is_none();
        if wanted.is_empty() && !whole {
            return Ok(());
        }
        let model = told("model").unwrap_or_default().to_owned();
        let mut replayed = ReplayedRun {
            run_id: record.run_id,
            scores: wanted.len(),
            equal: 0,
            own_files: true,
            changed_sql: self.changed_sql(record),
            refused: None,
            model,
        };
        summary.scores += wanted.len();
        let instant = |name: &str, usual: Option<DateTime<Utc>>| {
            let told = told(name).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
            told.map(|at| at.to_utc()).or(usual)
        };
        let moments = (instant("cutoff", recorded.cutoff), instant("known_at", recorded.known_at));
        let outcome = async {
            let artifact = self.usable(&replayed.model).await?;
            let (Some(cutoff), Some(known_at)) = moments else {
                let words = "the run does not say as of when it scored, and has no rows";
                return Err(Error::new(ErrorKind::Storage, words));
            };
            let then = now.back_to(record.run_id - 1).await?;
            replayed.own_files = then.last_load().is_none();
            let then = Engine::new(then, &self.config().engine)?;
            let prepared =
                self.prepare(&then, artifact, scored_at(&record.details, cutoff)).await?;
            Ok((prepared, Stamp { cutoff, known_at, run_id: record.run_id }))
        };
        match outcome.await {
            Ok((prepared, stamp)) => {
                let before = summary.equal;
                let again = Again::new(&prepared, stamp);
                for ids in recorded.ids.chunks(CHUNK) {
                    let chosen: BTreeSet<&str> = match whole {
                        true => ids.iter().map(String::as_str).collect(),
                        false => within(&wanted, ids).collect(),
                    };
                    if let (Some(first), Some(last)) = (chosen.first(), chosen.last()) {
                        let rows = self.recorded(&engine, record.run_id, first, last).await?;
                        again.compare(&rows, &chosen, summary)?;
                    }
                }
                if whole || customers(record) != recorded.rows {
                    again.compare_whom(&recorded.ids, summary);
                }
                replayed.equal = summary.equal - before;
            }
            Err(error) => {
                // The last hint is the way back; those before lead on.
                let hint = error.hints().last().map(|hint| format!("; {hint}"));
                replayed.refused = Some(format!("{error}{}", hint.unwrap_or_default()));
            }
        }
        summary.runs.push(replayed);
        Ok(())
    }

    /// Queries that decide what a scoring says and are others than a run's.
    fn changed_sql(&self, record: &RunRecord) -> Vec<String> {
        let Some(then) = record.details.get("sql").and_then(|sql| sql.as_object()) else {
            return Vec::new();
        };
        let now = self.scoring_sql();
        let same = |name: &str, digest: &serde_json::Value| {
            now.get(name).map(String::as_str) == digest.as_str()
        };
        let changed = then.iter().filter(|(name, digest)| !same(name, digest));
        changed.map(|(name, _)| format!("churn/{name}.sql")).collect()
    }

    /// Whom a run scored, ascending, and the moments most of its rows tell.
    async fn recorded_ids(&self, engine: &Engine, run_id: i64) -> Result<RecordedIds> {
        let query = self.catalogue().get(Purpose::Churn, "scored")?;
        let given = BTreeMap::from([("run".to_owned(), Value::Integer(run_id))]);
        let (mut ids, mut cutoffs, mut known) = (Vec::new(), Vec::new(), Vec::new());
        let view = engine.at(Moment::LATEST);
        for batch in run(&view, query, DateTime::UNIX_EPOCH, given).await? {
            let instants = |column: usize| {
                batch.column(column).as_primitive::<TimestampMicrosecondType>().iter().flatten()
            };
            ids.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
            cutoffs.extend(instants(1));
            known.extend(instants(2));
        }
        let rows = ids.len();
        ids.sort_unstable();
        ids.dedup();
        Ok(RecordedIds { ids, rows, cutoff: usual(cutoffs), known_at: usual(known) })
    }

    /// The rows of a run as they were written, customer by customer.
    async fn recorded(
        &self,
        engine: &Engine,
        run_id: i64,
        first: &str,
        last: &str,
    ) -> Result<RecordBatch> {
        let query = self.catalogue().get(Purpose::Churn, "recorded")?;
        let given = BTreeMap::from([
            ("run".to_owned(), Value::Integer(run_id)),
            ("first".to_owned(), Value::Text(first.to_owned())),
            ("last".to_owned(), Value::Text(last.to_owned())),
        ]);
        let view = engine.at(Moment::LATEST);
        let batches = run(&view, query, DateTime::UNIX_EPOCH, given).await?;
        Ok(concat_batches(&Table::Scores.spec().schema(), &batches)?)
    }
}

struct RecordedIds {
    ids: Vec<String>,
    rows: usize,
    cutoff: Option<DateTime<Utc>>,
    known_at: Option<DateTime<Utc>>,
}

/// The instant in the middle: that of all rows but those which were tampered
/// with.
fn usual(mut instants: Vec<i64>) -> Option<DateTime<Utc>> {
    instants.sort_unstable();
    DateTime::from_timestamp_micros(*instants.get(instants.len() / 2)?)
}

/// Those of `wanted` from the first to the last of `ids`; both ascend.
fn within<'a>(wanted: &'a [&'a str], ids: &[String]) -> impl Iterator<Item = &'a str> {
    let (first, last) = (ids.first().cloned(), ids.last().cloned());
    let from = wanted.partition_point(|id| first.as_deref().is_some_and(|first| *id < first));
    let until = wanted.partition_point(|id| last.as_deref().is_some_and(|last| *id <= last));
    wanted[from..until.max(from)].iter().copied()
}

/// The runs that are asked for.
fn asked<'a>(runs: Vec<&'a RunRecord>, request: &ReplayRequest) -> Result<Vec<&'a RunRecord>> {
    let Some(newest) = runs.last() else {
        return Err(Error::new(
            ErrorKind::Insufficient,
            "no customer has been scored in this store",
        )
        .hint("score them: tenure train, then tenure score"));
    };
    let wanted = match request.run {
        Some(run) => Some(run),
        None if request.customer.is_none() && request.sample.is_none() => Some(newest.run_id),
        None => None,
    };
    let chosen: Vec<&RunRecord> = runs
        .iter()
        .copied()
        .filter(|run| wanted.is_none_or(|wanted| run.run_id == wanted))
        .collect();
    if chosen.is_empty() {
        let known: Vec<String> =
            runs.iter().rev().take(5).map(|run| run.run_id.to_string()).collect();
        let words = format!("run {} scored nobody", wanted.unwrap_or_default());
        return Err(Error::new(ErrorKind::Unknown, words)
            .hint(format!("the newest runs that scored: {}", known.join(", "))));
    }
    Ok(chosen)
}

/// How many customers a run says it scored.
fn customers(run: &RunRecord) -> usize {
    let told = run.details.get("customers").and_then(|n| n.as_u64());
    told.and_then(|n| usize::try_from(n).ok()).unwrap_or_default()
}

/// Which places of each run are drawn; none if all are wanted.
fn draw(runs: &[&RunRecord], request: &ReplayRequest) -> Option<BTreeMap<i64, BTreeSet<usize>>> {
    let sample = request.sample?;
    let total = runs.iter().map(|run| customers(run)).sum();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(request.seed);
    let drawn: BTreeSet<usize> =
        rand::seq::index::sample(&mut rng, total, sample.min(total)).into_iter().collect();
    let mut from = 0;
    let mut places = BTreeMap::new();
    for run in runs {
        let until = from + customers(run);
        places.insert(run.run_id, drawn.range(from..until).map(|place| place - from).collect());
        from = until;
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tables::Manifest;

    fn scored(run_id: i64, customers: usize) -> RunRecord {
        RunRecord {
            run_id,
            kind: "score".to_owned(),
            manifest: Manifest::default(),
            details: json!({ "model": "a", "customers": customers }),
            finished_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_sample_is_drawn_over_all_runs_without_repeating() {
        let runs = [scored(3, 100), scored(5, 300)];
        let runs: Vec<&RunRecord> = runs.iter().collect();
        let sample = |sample, seed| {
            let request = ReplayRequest { sample: Some(sample), seed, ..Default::default() };
            draw(&runs, &request).unwrap()
        };
        let drawn = sample(40, 1);
        assert_eq!(drawn.values().map(BTreeSet::len).sum::<usize>(), 40);
        assert!(drawn[&3].iter().all(|place| *place < 100));
        // Ten of forty are expected of the first run, give or take three.
        assert!((2..20).contains(&drawn[&3].len()), "{drawn:?}");
        assert_eq!(drawn, sample(40, 1));
        assert_ne!(drawn, sample(40, 2));
        let all = sample(1_000, 1);
        assert_eq!((all[&3].len(), all[&5].len()), (100, 300));
        assert!(draw(&runs, &ReplayRequest::default()).is_none());
    }

    #[test]
    fn the_newest_run_is_meant_unless_another_or_all_are() {
        let runs = [scored(3, 1), scored(5, 1)];
        let of = |request: ReplayRequest| {
            let chosen = asked(runs.iter().collect(), &request)?;
            Ok::<_, Error>(chosen.iter().map(|run| run.run_id).collect::<Vec<_>>())
        };
        let request = ReplayRequest::default;
        assert_eq!(of(request()).unwrap(), [5]);
        assert_eq!(of(ReplayRequest { run: Some(3), ..request() }).unwrap(), [3]);
        assert_eq!(of(ReplayRequest { sample: Some(1), ..request() }).unwrap(), [3, 5]);
        let customer = Some("C1".to_owned());
        assert_eq!(of(ReplayRequest { customer, ..request() }).unwrap(), [3, 5]);
        let error = of(ReplayRequest { run: Some(4), ..request() }).unwrap_err();
        assert_eq!(error.to_string(), "run 4 scored nobody");
        assert!(error.hints()[0].ends_with("5, 3"), "{:?}", error.hints());
    }
}
