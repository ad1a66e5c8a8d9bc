//! May a newly trained model take the place of the one that serves?
//!
//! It may if it is not worse, as far as chance lets us see. Both give their
//! probabilities for the same customers at the same cutoffs, none of which
//! either was fitted on: those held out of the new model's validation whose
//! outcome came after the data of the served one. What is compared is the
//! log-loss, row by row; the 95 % interval of the mean difference counts
//! customers, since the rows of one at several cutoffs resemble each other.
//!
//! Where there are no such rows, because both were trained on the same data,
//! their validations stand for them, if those tested at the same cutoffs: the
//! new one is worse if its log-loss or AUC lies beyond the interval of the
//! served one's. Where there is nothing to compare, the one that serves goes on.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Tenure;
use super::registry::Registry;
use crate::churn::{About, Artifact, Column, Content, Feature, Frame, Period, Role, Rows, Values};
use crate::error::Result;
use crate::tables::Snapshot;

/// Fewest customers whose mean says something.
const LEAST_CUSTOMERS: usize = 30;

/// Whether a training makes its model the served one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Promotion {
    /// If it is not worse than the one that serves.
    #[default]
    Earned,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Why a trained model serves, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It was asked for so.
    Asked,
    /// No model served.
    First,
    /// It is the model that serves.
    Same,
    /// The one that serves can not score any more.
    Unusable,
    /// It is not worse than the one that serves.
    NotWorse,
    /// It is worse than the one that serves.
    Worse,
    /// The one that serves answers another question.
    OtherQuestion,
    /// There are no rows to compare both on.
    NotCompared,
}

/// Two models on the same rows; less is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// Rows compared on.
    pub rows: usize,
    /// Mean log-loss of the new model.
    pub log_loss: f64,
    /// Mean log-loss of the served one.
    pub served_log_loss: f64,
    /// 95 % interval of the new one's minus that of the served one.
    pub difference: [f64; 2],
    /// AUC of the new model and of the served one, where validations stand for
    /// rows.
    pub auc: Option<[f64; 2]>,
    /// Whether the new model is worse beyond chance.
    pub worse: bool,
}

/// What became of a trained model, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether it serves now.
    pub promoted: bool,
    /// Why.
    pub reason: Reason,
    /// The model that served when it was trained.
    pub served: Option<String>,
    /// How both compare.
    pub comparison: Option<Comparison>,
}

impl Tenure {
    /// Judges a model just trained, from the rows of its training panel that
    /// were held out.
    pub(super) async fn judge(
        &self,
        snapshot: &Snapshot,
        artifact: &Artifact,
        frame: &Frame,
        held_out: &[(usize, f64)],
        promotion: Promotion,
    ) -> Result<Verdict> {
        let registry = Registry::of(snapshot.runs());
        let served = registry.served().map(str::to_owned);
        let is = |promoted, reason, comparison| {
            Ok(Verdict { promoted, reason, served: served.clone(), comparison })
        };
        let Some(id) = &served else {
            return match promotion {
                Promotion::Never => is(false, Reason::Asked, None),
                _ => is(true, Reason::First, None),
            };
        };
        if id == artifact.id() {
            return is(true, Reason::Same, None);
        }
        let comparison = match self.usable(id).await {
            Ok(served) => self.compare(artifact.content(), served.content(), frame, held_out)?,
            Err(_) => Err(Reason::Unusable),
        };
        let reason = match comparison {
            Ok(found) if found.worse => Reason::Worse,
            Ok(_) => Reason::NotWorse,
            Err(reason) => reason,
        };
        let comparison = comparison.ok();
        match promotion {
            Promotion::Always => is(true, Reason::Asked, comparison),
            Promotion::Never => is(false, Reason::Asked, comparison),
            Promotion::Earned => {
                let earned = matches!(reason, Reason::NotWorse | Reason::Unusable);
                is(earned, reason, comparison)
            }
        }
    }

    fn compare(
        &self,
        new: &Content,
        served: &Content,
        frame: &Frame,
        held_out: &[(usize, f64)],
    ) -> Result<Result<Comparison, Reason>> {
        if (&new.spec.name, &new.spec.label) != (&served.spec.name, &served.spec.label) {
            return Ok(Err(Reason::OtherQuestion));
        }
        let unseen = unseen(new, served, frame, held_out);
        if let Some(first) = unseen.first() {
            let known = seen_by(frame, &unseen, served.model.features())?;
            let theirs = served.model.score(&known, self.threads())?;
            let outcome = frame.churned();
            let mixed = unseen.iter().any(|(row, _)| outcome[*row] != outcome[first.0]);
            let pairs = unseen.iter().zip(&theirs).map(|(&(row, ours), theirs)| Pair {
                customer: frame.ids()[row].as_str(),
                ours: loss(ours, outcome[row]),
                theirs: loss(theirs.probability, outcome[row]),
            });
            if let Some(found) = paired(pairs).filter(|_| mixed) {
                return Ok(Ok(found));
            }
        }
        Ok(validated(new, served).ok_or(Reason::NotCompared))
    }
}

/// Held-out rows whose outcome came after the data of the served model,
/// ascending.
fn unseen(
    new: &Content,
    served: &Content,
    frame: &Frame,
    held_out: &[(usize, f64)],
) -> Vec<(usize, f64)> {
    let Some(end) = served.provenance.data_end else { return Vec::new() };
    let periods = &new.provenance.periods;
    let later = |row: usize| periods.get(frame.periods()[row]).is_some_and(|it| it.end > end);
    let mut rows: Vec<_> = held_out.iter().copied().filter(|(row, _)| later(*row)).collect();
    rows.sort_unstable_by_key(|(row, _)| *row);
    rows
}

/// Some rows as a model knows them: what they lack is missing for everybody.
fn seen_by(frame: &Frame, rows: &[(usize, f64)], features: &[Feature]) -> Result<Frame> {
    let rows = || rows.iter().map(|(row, _)| *row);
    let column = |feature: &Feature| {
        let values = match (frame.column(&feature.name).map(|it| &it.values), feature.is_numeric) {
            (Some(Values::Numeric(all)), true) => {
                Values::Numeric(rows().map(|row| all[row]).collect())
            }
            (Some(Values::Categorical { levels, codes }), false) => Values::Categorical {
                levels: levels.clone(),
                codes: rows().map(|row| codes[row]).collect(),
            },
            (_, true) => Values::Numeric(rows().map(|_| f64::NAN).collect()),
            (_, false) => Values::categorical(rows().map(|_| None)),
        };
        let Feature { name, title, unit, .. } = feature.clone();
        Column { name, title, unit, about: About::default(), values }
    };
    let chosen = Rows {
        ids: rows().map(|row| frame.ids()[row].clone()).collect(),
        periods: rows().map(|row| frame.periods()[row]).collect(),
        churned: rows().map(|row| frame.churned()[row]).collect(),
    };
    Frame::new(chosen, features.iter().map(column).collect())
}

/// What both validations found, if they tested at the same cutoffs and the new
/// model knows no less. On the same rows, two models that are alike differ by
/// less than the interval of one of them; that is the one taken.
fn validated(new: &Content, served: &Content) -> Option<Comparison> {
    let tested = |content: &Content| -> Vec<Period> {
        let periods = content.provenance.periods.iter().copied();
        periods.filter(|period| period.role == Role::Test).collect()
    };
    if tested(new) != tested(served) || new.provenance.data_end < served.provenance.data_end {
        return None;
    }
    let (ours, theirs) = (&new.validation, &served.validation);
    let chance = theirs.intervals.as_ref()?;
    let (log_loss, [low, high]) = (ours.metrics.log_loss, chance.log_loss);
    Some(Comparison {
        rows: ours.metrics.rows,
        log_loss,
        served_log_loss: theirs.metrics.log_loss,
        difference: [log_loss - high, log_loss - low],
        auc: Some([ours.metrics.auc, theirs.metrics.auc]),
        worse: log_loss > high || ours.metrics.auc < chance.auc[0],
    })
}

/// The losses of two models on one row.
pub(super) struct Pair<'a> {
    pub customer: &'a str,
    pub ours: f64,
    pub theirs: f64,
}

/// The log-loss of one probability.
pub(super) fn loss(probability: f64, churned: bool) -> f64 {
    if churned { -probability.ln() } else { -(-probability).ln_1p() }
}

/// Mean losses, and the interval of their difference by customers; `None` of
/// too few.
pub(super) fn paired<'a>(pairs: impl Iterator<Item = Pair<'a>>) -> Option<Comparison> {
    let (mut rows, mut ours, mut theirs) = (0_usize, 0.0, 0.0);
    let mut customers: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for pair in pairs {
        rows += 1;
        ours += pair.ours;
        theirs += pair.theirs;
        let own = customers.entry(pair.customer).or_default();
        own.0 += pair.ours - pair.theirs;
        own.1 += 1.0;
    }
    if customers.len() < LEAST_CUSTOMERS {
        return None;
    }
    let (n, clusters) = (rows as f64, customers.len() as f64);
    let mean = (ours - theirs) / n;
    let off: f64 = customers.values().map(|(sum, rows)| (sum - rows * mean).powi(2)).sum();
    let half = 1.96 * (off * clusters / (clusters - 1.0)).sqrt() / n;
    Some(Comparison {
        rows,
        log_loss: ours / n,
        served_log_loss: theirs / n,
        difference: [mean - half, mean + half],
        auc: None,
        worse: mean - half > 0.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(rows: usize, times: usize, worse: f64) -> Option<Comparison> {
        let ids: Vec<String> = (0..rows).map(|row| (row % (rows / times)).to_string()).collect();
        let pair = |row: usize| {
            // Differences between -1 and 1 with a mean of 0, the same for each
            // row of a customer.
            let noise = (row % (rows / times) * 37 % 100) as f64 / 49.5 - 1.0;
            Pair { customer: &ids[row], ours: 2.0 + noise + worse, theirs: 2.0 }
        };
        paired((0..rows).map(pair))
    }

    /// 100 customers: the standard error of uniform noise in [-1, 1] is
    /// √(1/3) / √100 = 0.058, a little more for the hundred steps it is in.
    #[test]
    fn what_is_within_chance_is_not_worse_and_what_is_beyond_is() {
        let found = compared(100, 1, 0.1).unwrap();
        assert!((found.difference[1] - found.difference[0] - 2.0 * 1.96 * 0.0586).abs() < 1e-3);
        assert!(found.difference[0] < 0.0);
        assert!(compared(100, 1, 0.12).unwrap().difference[0] > 0.0);
        assert!(compared(20, 1, 5.0).is_none(), "twenty customers say nothing");
    }

    #[test]
    fn repeated_rows_of_a_customer_are_no_new_evidence() {
        let width = |found: Comparison| found.difference[1] - found.difference[0];
        let once = width(compared(100, 1, 0.0).unwrap());
        let thrice = width(compared(300, 3, 0.0).unwrap());
        assert!((once - thrice).abs() < 1e-9, "{once} {thrice}");
    }

    #[test]
    fn the_loss_is_what_a_probability_costs() {
        assert!((loss(0.25, true) - 4.0_f64.ln()).abs() < 1e-15);
        assert!((loss(0.25, false) - (4.0_f64 / 3.0).ln()).abs() < 1e-15);
    }
}
