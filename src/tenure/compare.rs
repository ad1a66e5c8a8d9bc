//! How does the model on trial differ from the one that serves?
//!
//! On the customers both scored in one run: how many change their band, and
//! how alike the orders are in which they would be called. Once the label of
//! an earlier such run has matured, also which of them was right, both judged
//! by the label of the served model. A run for a past date does not count if
//! one of them was trained when that label was known already.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::Tenure;
use super::challenge::{Comparison, Pair, loss, paired};
use super::registry::Registry;
use crate::churn::metrics::{Metrics, Ranking};
use crate::churn::{ChurnSpec, Label};
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::features::label::Source;
use crate::features::run;
use crate::reports::{Purpose, Value};
use crate::tables::RunRecord;

/// Both models side by side.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// The newest run in which both scored.
    pub run_id: i64,
    /// The model that served in it.
    pub served: String,
    /// The model that was on trial.
    pub shadow: String,
    /// Customers both scored.
    pub customers: usize,
    /// Customers by the served model's band and then the other's.
    pub bands: BTreeMap<String, BTreeMap<String, usize>>,
    /// Customers whose bands differ.
    pub bands_differ: usize,
    /// Spearman's correlation of the probabilities; none if one gives all
    /// customers the same.
    pub rank_correlation: Option<f64>,
    /// Mean of the other's probability minus that of the served one.
    pub mean_difference: f64,
    /// Which of them was right.
    pub outcome: Outcome,
}

/// What became of customers whom both scored.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outcome {
    /// Not known yet.
    Pending {
        /// When the first run's label will be; none if the label has no time.
        known_from: Option<DateTime<Utc>>,
    },
    /// Known of a run.
    Matured {
        /// The run.
        run_id: i64,
        /// Its cutoff.
        cutoff: DateTime<Utc>,
        /// The served model's quality; none if all or nobody left.
        served: Option<Box<Metrics>>,
        /// The other's.
        shadow: Option<Box<Metrics>>,
        /// The log-loss of the model on trial against the served one's; none
        /// of too few customers.
        comparison: Option<Comparison>,
    },
}

/// The scores of one run by both.
#[derive(Default)]
struct Both {
    ids: Vec<String>,
    served: Vec<f64>,
    shadow: Vec<f64>,
    bands: Vec<(String, String)>,
}

impl Tenure {
    /// Compares the model on trial with the served one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if no model is on trial or none has scored.
    pub async fn compare_models(&self, engine: &Engine) -> Result<Compared> {
        let runs = engine.snapshot().runs();
        let registry = Registry::of(runs);
        let missing =
            |words: &str, hint: &str| Err(Error::new(ErrorKind::Insufficient, words).hint(hint));
        let Some(shadow) = registry.shadow() else {
            return missing("no model is on trial", "put one on trial: tenure shadow MODEL");
        };
        let served = registry.served().unwrap_or_default();
        let beside = |run: &&RunRecord| {
            let trial = run.details.get("shadow");
            let is = |of: Option<&serde_json::Value>, name: &str, wanted: &str| {
                of.and_then(|it| it.get(name)?.as_str()) == Some(wanted)
            };
            is(Some(&run.details), "model", served)
                && is(trial, "model", shadow)
                && trial.and_then(|it| it.get("customers")?.as_u64()).is_some_and(|n| n > 0)
        };
        let both: Vec<&RunRecord> = runs.iter().filter(beside).collect();
        let Some(newest) = both.last() else {
            return missing("the model on trial has scored nobody yet", "score: tenure score");
        };
        let scores = self.scores_of_both(engine, newest.run_id).await?;
        let mut bands: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for (served, shadow) in &scores.bands {
            *bands.entry(served.clone()).or_default().entry(shadow.clone()).or_default() += 1;
        }
        let n = scores.ids.len();
        let sum = |values: &[f64]| values.iter().sum::<f64>();
        Ok(Compared {
            run_id: newest.run_id,
            served: served.to_owned(),
            shadow: shadow.to_owned(),
            customers: n,
            bands,
            bands_differ: scores.bands.iter().filter(|(served, shadow)| served != shadow).count(),
            rank_correlation: correlation(&ranks(&scores.served), &ranks(&scores.shadow)),
            mean_difference: (sum(&scores.shadow) - sum(&scores.served)) / n.max(1) as f64,
            outcome: self.outcome(engine, [served, shadow], &both).await?,
        })
    }

    async fn scores_of_both(&self, engine: &Engine, run_id: i64) -> Result<Both> {
        let query = self.catalogue().get(Purpose::Churn, "shadow_beside_served")?;
        let given = BTreeMap::from([("run".to_owned(), Value::Integer(run_id))]);
        let view = engine.at(Moment::LATEST);
        let mut both = Both::default();
        for batch in run(&view, query, DateTime::UNIX_EPOCH, given).await? {
            both.add(&batch);
        }
        Ok(both)
    }

    /// What became of the customers of the newest of `runs` whose label is known.
    async fn outcome(
        &self,
        engine: &Engine,
        [served, shadow]: [&str; 2],
        runs: &[&RunRecord],
    ) -> Result<Outcome> {
        let (served, shadow) = (self.usable(served).await?, self.usable(shadow).await?);
        let spec = &served.content().spec;
        let learnt = [&served, &shadow].map(|it| it.content().provenance.data_end);
        let learnt = learnt.into_iter().flatten().max();
        let cutoff = |run: &RunRecord| {
            let text = run.details.get("cutoff")?.as_str()?;
            DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
        };
        let windows = runs.iter().filter_map(|run| {
            let cutoff = cutoff(run)?;
            let end = window_end(spec, cutoff)?;
            // Before the day up to which either has learnt, it may know the answer.
            learnt.is_none_or(|day| end.date_naive() >= day).then_some((run.run_id, cutoff, end))
        });
        let windows: Vec<_> = windows.collect();
        if windows.is_empty() {
            return Ok(Outcome::Pending { known_from: None });
        }
        let source = Source { engine, catalogue: self.catalogue(), label: &spec.label };
        let known = source.known_until().await?;
        let matured = windows.iter().filter(|(_, _, end)| *end <= known);
        let Some((run_id, cutoff, end)) =
            matured.max_by_key(|(run_id, cutoff, _)| (*cutoff, *run_id))
        else {
            return Ok(Outcome::Pending {
                known_from: windows.iter().map(|(_, _, end)| *end).min(),
            });
        };
        let scores = self.scores_of_both(engine, *run_id).await?;
        let stayed = source.stayed_until(*end).await?;
        let churned: Vec<bool> = scores.ids.iter().map(|id| !stayed.contains(id)).collect();
        let metrics = |probabilities: &[f64]| {
            Ranking::new(probabilities, &churned).metrics().ok().map(Box::new)
        };
        let pairs = (0..scores.ids.len()).map(|row| Pair {
            customer: scores.ids[row].as_str(),
            ours: loss(scores.shadow[row], churned[row]),
            theirs: loss(scores.served[row], churned[row]),
        });
        Ok(Outcome::Matured {
            run_id: *run_id,
            cutoff: *cutoff,
            served: metrics(&scores.served),
            shadow: metrics(&scores.shadow),
            comparison: paired(pairs),
        })
    }
}

/// When the label of a customer scored at `cutoff` is known.
fn window_end(spec: &ChurnSpec, cutoff: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let Label::Inactivity { horizon_days, gap_days, .. } = spec.label else { return None };
    cutoff.checked_add_signed(TimeDelta::days(i64::from(horizon_days) + i64::from(gap_days)))
}

impl Both {
    fn add(&mut self, batch: &RecordBatch) {
        let text = |column: usize| batch.column(column).as_string::<i32>();
        let numbers = |column: usize| batch.column(column).as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            self.ids.push(text(0).value(row).to_owned());
            self.served.push(numbers(1).value(row));
            self.shadow.push(numbers(3).value(row));
            let bands = (text(2).value(row).to_owned(), text(4).value(row).to_owned());
            self.bands.push(bands);
        }
    }
}

/// Places in ascending order; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let equal = |&&row: &&usize| values[row].total_cmp(&values[order[from]]).is_eq();
        let until = from + order[from..].iter().take_while(equal).count();
        for &row in &order[from..until] {
            ranks[row] = (from + until - 1) as f64 / 2.0;
        }
        from = until;
    }
    ranks
}

/// Pearson's correlation; of ranks it is Spearman's.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut both, mut own, mut other) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        both += (a - mean_a) * (b - mean_b);
        own += (a - mean_a).powi(2);
        other += (b - mean_b).powi(2);
    }
    (own > 0.0 && other > 0.0).then(|| both / (own * other).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.spearmanr([1, 2, 2, 3, 5], [2, 1, 4, 4, 9]) is 29/38.
    #[test]
    fn equal_values_share_their_place() {
        assert_eq!(ranks(&[0.3, 0.1, 0.3, 0.2]), [2.5, 0.0, 2.5, 1.0]);
        let (a, b) = (ranks(&[1.0, 2.0, 2.0, 3.0, 5.0]), ranks(&[2.0, 1.0, 4.0, 4.0, 9.0]));
        assert!((correlation(&a, &b).unwrap() - 29.0 / 38.0).abs() < 1e-12);
        assert_eq!(correlation(&a, &[1.0; 5]), None);
        assert_eq!(correlation(&[], &[]), None);
    }
}
