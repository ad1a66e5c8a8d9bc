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
use arrow::compute::concat_batches;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::customer::Customer;
use crate::churn::{self, Artifact, Band, Content, Curve, Frame, parallel};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{MONEY_PRECISION, MONEY_SCALE, Table};
use crate::tables::{Output, Run};

/// Reasons stored with a score; the others are stored as one remainder, so
/// that base and reasons still add up to the logit.
const REASONS: usize = 10;

/// Customers computed at a time: reasons are long, and all of a million customers
/// would not fit into memory.
pub(super) const CHUNK: usize = 4_096;
/// Customers that one thread computes from start to end.
const PIECE: usize = 1_024;

/// A model and the customers it is to score.
pub(super) struct Prepared {
    /// The model.
    pub artifact: Artifact,
    /// What it sees of them.
    pub frame: Frame,
    /// What else is known of customers.
    pub known: BTreeMap<String, Customer>,
    /// Threads to work with.
    pub threads: usize,
}

/// A score without its reasons.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub probability: f64,
    pub band: Band,
}

impl From<&churn::Scored> for Said {
    fn from(scored: &churn::Scored) -> Self {
        Self { probability: scored.probability, band: scored.band }
    }
}

/// What the scores of a run say together.
#[derive(Default)]
pub(super) struct Scored {
    /// One per row of the frame.
    pub said: Vec<Said>,
    /// Values at risk by currency.
    pub at_risk: BTreeMap<String, f64>,
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
    /// Adds the scores of all customers to a run. Each thread computes and writes a
    /// share of the customers, in the order of the table.
    pub(super) async fn write(self: &Arc<Self>, run: &mut Run, stamp: Stamp) -> Result<Scored> {
        let mut order: Vec<usize> = (0..self.frame.n_rows()).collect();
        let key = |row: &usize| self.known.get(&self.frame.ids()[*row]).and_then(|it| it.key);
        order.sort_by_cached_key(|row| (key(row).is_none(), key(row)));
        let (told, mut heard) = mpsc::unbounded_channel();
        let n_shares = self.threads.clamp(1, order.len().div_ceil(CHUNK).max(1));
        let shares = order.chunks(order.len().div_ceil(n_shares).max(1)).map(|share| {
            let chunks: Vec<Vec<usize>> = share.chunks(CHUNK).map(<[usize]>::to_vec).collect();
            let (prepared, told) = (Arc::clone(self), told.clone());
            let rows = futures::stream::iter(chunks).then(move |chunk| {
                let (prepared, told) = (Arc::clone(&prepared), told.clone());
                let rows = spawn_blocking(move || {
                    let rows = prepared.piece(&chunk)?;
                    let (said, at_risk) = (rows.said.clone(), rows.at_risk());
                    // Nobody listens any more when the work was given up.
                    let _ = told.send((chunk.clone(), said, at_risk));
                    rows.batch(&prepared, &chunk, stamp)
                });
                async {
                    rows.await.map_err(|error| {
                        Error::new(ErrorKind::Internal, "scoring").caused_by(error)
                    })?
                }
            });
            (run.output(Table::Scores), rows.boxed())
        });
        let files = Output::write_all(shares.collect(), &mut |_| {}).await?;
        run.replace(Table::Scores, Vec::new(), files);
        drop(told);
        let mut said = vec![None; self.frame.n_rows()];
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        while let Some((chunk, of_chunk, at_risk)) = heard.recv().await {
            chunk.into_iter().zip(of_chunk).for_each(|(row, it)| said[row] = Some(it));
            at_risk.into_iter().for_each(|(code, sum)| *sums.entry(code).or_default() += sum);
        }
        let at_risk = sums.into_iter().map(|(currency, sum)| (currency, sum as f64 / 1e4));
        Ok(Scored { said: said.into_iter().flatten().collect(), at_risk: at_risk.collect() })
    }

    /// The scores of some rows of the frame, in their order.
    pub(super) fn rows(&self, chosen: &[usize], stamp: Stamp) -> Result<RecordBatch> {
        let pieces: Vec<&[usize]> = chosen.chunks(PIECE).collect();
        let piece = |rows: &&[usize]| self.piece(rows)?.batch(self, rows, stamp);
        let pieces = parallel::map(&pieces, self.threads, piece)?;
        Ok(concat_batches(&Table::Scores.spec().schema(), &pieces)?)
    }

    /// What the model says of all rows, without reasons.
    pub(super) fn said(&self) -> Result<Vec<Said>> {
        let rows: Vec<usize> = (0..self.frame.n_rows()).collect();
        let pieces: Vec<&[usize]> = rows.chunks(PIECE).collect();
        let model = &self.artifact.content().model;
        let said = parallel::map(&pieces, self.threads, |rows| {
            let scored = model.score_rows(&self.frame, rows, 1)?;
            Ok(scored.iter().map(Said::from).collect::<Vec<_>>())
        })?;
        Ok(said.concat())
    }

    fn piece(&self, chosen: &[usize]) -> Result<ScoreRows> {
        let Content { model, survival, .. } = self.artifact.content();
        let scored = model.score_rows(&self.frame, chosen, 1)?;
        let curves = survival.as_ref();
        let curves = curves.map(|it| it.curves(&self.frame, chosen, &scored, 1)).transpose()?;
        let what_ifs = model.what_ifs(&self.frame, chosen, &scored, 1)?;
        let mut rows = ScoreRows::default();
        for (at, (&row, score)) in chosen.iter().zip(&scored).enumerate() {
            let customer = self.known.get(self.frame.ids()[row].as_str());
            let customer = customer.cloned().unwrap_or_default();
            rows.keys.push(customer.key);
            rows.value_at_risk.push(customer.at_risk(score.probability));
            rows.currency.push(customer.currency);
            rows.owner.push(customer.owner);
            rows.said.push(score.into());
            rows.logit.push(score.logit);
            rows.base.push(score.base);
            rows.reasons.push(json(&model.reasons(&self.frame, row, score, REASONS))?);
            let unsure = model.unsure(&self.frame, row, score);
            rows.unsure.push(unsure.as_ref().map(json).transpose()?);
            rows.what_if.push(what_ifs[at].as_ref().map(json).transpose()?);
            rows.curves.push(curves.as_ref().map(|curves| curves[at]));
        }
        Ok(rows)
    }
}

/// The columns of `scores` in the making.
#[derive(Debug, Default)]
struct ScoreRows {
    keys: Vec<Option<i64>>,
    said: Vec<Said>,
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
    /// Values at risk by currency, in the unit of `scores`.
    fn at_risk(&self) -> BTreeMap<String, i128> {
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        for (value, currency) in self.value_at_risk.iter().zip(&self.currency) {
            if let (Some(value), Some(currency)) = (value, currency) {
                *sums.entry(currency.clone()).or_default() += value;
            }
        }
        sums
    }

    /// The rows, which are of the `chosen` rows of the frame.
    fn batch(self, of: &Prepared, chosen: &[usize], stamp: Stamp) -> Result<RecordBatch> {
        let ids = chosen.iter().map(|&row| of.frame.ids()[row].as_str());
        let said = &self.said;
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
            Arc::new(Float64Array::from_iter_values(said.iter().map(|said| said.probability))),
            Arc::new(StringArray::from_iter_values(said.iter().map(|said| said.band.slug()))),
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
        columns.extend(stamp.columns(of.artifact.id(), chosen.len()));
        Ok(RecordBatch::try_new(Table::Scores.spec().schema(), columns)?)
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "encoding reasons").caused_by(error))
}
