//! What is stored of a score?
//!
//! One row per customer: the probability with the reasons that add up to it, what
//! the customer is expected to bring, who is to act, and what it was made from.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use chrono::{DateTime, Utc};

use serde::Serialize;

use super::customer::Customer;
use crate::churn::{Artifact, Curve, Frame, Scored};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{MONEY_PRECISION, MONEY_SCALE, Table};

/// Reasons stored with a score; the others are stored as one remainder, so
/// that base and reasons still add up to the logit.
const REASONS: usize = 10;

/// Scores, before they are rows.
pub(super) struct Prepared {
    /// Whom they are of, and why.
    pub frame: Frame,
    /// One per row of the frame.
    pub scored: Vec<Scored>,
    /// Threads to work with.
    pub threads: usize,
    /// When they will have left, one per row too; none if the model knows no curve.
    pub curves: Option<Vec<Curve>>,
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
    /// Some rows of the frame as rows of `scores`, and the sums of their values
    /// at risk by currency.
    pub(super) fn rows(
        &self,
        artifact: &Artifact,
        chosen: &[usize],
        stamp: Stamp,
    ) -> Result<(RecordBatch, BTreeMap<String, f64>)> {
        let mut rows = ScoreRows::default();
        let mut ids = Vec::with_capacity(chosen.len());
        let model = &artifact.content().model;
        let what_ifs = model.what_ifs(&self.frame, chosen, &self.scored, self.threads)?;
        for (&row, what_if) in chosen.iter().zip(&what_ifs) {
            let id = self.frame.ids()[row].as_str();
            let customer = self.known.get(id).cloned().unwrap_or_default();
            rows.add(artifact, &self.frame, row, &self.scored[row], customer)?;
            let unsure = model.unsure(&self.frame, row, &self.scored[row]);
            rows.unsure.push(unsure.as_ref().map(json).transpose()?);
            rows.what_if.push(what_if.as_ref().map(json).transpose()?);
            rows.curves.push(self.curves.as_ref().map(|curves| curves[row]));
            ids.push(id);
        }
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        for (value, currency) in rows.value_at_risk.iter().zip(&rows.currency) {
            if let (Some(value), Some(currency)) = (value, currency) {
                *sums.entry(currency.clone()).or_default() += value;
            }
        }
        let at_risk = sums.into_iter().map(|(currency, sum)| (currency, sum as f64 / 1e4));
        Ok((rows.batch(&ids, artifact.id(), stamp)?, at_risk.collect()))
    }
}

/// The columns of `scores` in the making.
#[derive(Debug, Default)]
struct ScoreRows {
    keys: Vec<Option<i64>>,
    probability: Vec<f64>,
    band: Vec<&'static str>,
    curves: Vec<Option<Curve>>,
    logit: Vec<f64>,
    base: Vec<f64>,
    reasons: Vec<String>,
    unsure: Vec<Option<String>>,
    what_if: Vec<Option<String>>,
    value_at_risk: Vec<Option<i128>>,
    currency: Vec<Option<String>>,
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
        self.keys.push(customer.key);
        self.value_at_risk.push(customer.at_risk(score.probability));
        self.currency.push(customer.currency);
        self.owner.push(customer.owner);
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
        let left_by = |horizon: usize| -> ArrayRef {
            let left = self.curves.iter().map(|curve| curve.and_then(|it| it.left_by[horizon]));
            Arc::new(left.collect::<Float64Array>())
        };
        let remaining = self.curves.iter().map(|curve| curve.map(|it| it.remaining_days));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(self.keys)),
            Arc::new(StringArray::from_iter_values(ids)),
            Arc::new(Float64Array::from(self.probability)),
            Arc::new(StringArray::from(self.band)),
            left_by(0),
            left_by(1),
            left_by(2),
            left_by(3),
            Arc::new(Float64Array::from_iter(remaining)),
            Arc::new(Float64Array::from(self.logit)),
            Arc::new(Float64Array::from(self.base)),
            Arc::new(StringArray::from(self.reasons)),
            Arc::new(StringArray::from(self.unsure)),
            Arc::new(StringArray::from(self.what_if)),
            Arc::new(money),
            Arc::new(StringArray::from(self.currency)),
            Arc::new(StringArray::from(self.owner)),
        ];
        columns.extend(stamp.columns(model, rows));
        Ok(RecordBatch::try_new(Table::Scores.spec().schema(), columns)?)
    }
}

/// The strongest reasons in both languages, and the sum of the others, as JSON.
fn reasons(artifact: &Artifact, frame: &Frame, row: usize, score: &Scored) -> Result<String> {
    json(&artifact.content().model.reasons(frame, row, score, REASONS))
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "encoding reasons").caused_by(error))
}
