//! Who is to be told that a customer is at risk?
//!
//! The nightly run compares each score with what was last said of the customer
//! and writes what is new to `alerts`, in the run that publishes the scores:
//!
//! ```text
//! risen      into a higher band than was last told; the owner should call
//! recovered  below the threshold by a margin ([`rules`])
//! ended      no score any more, though the risk was told: left, or not eligible
//! ```
//!
//! A rise of a customer who has ended, or with whom somebody was in contact in
//! the last days, is written down with the reason and held back: it leaves the
//! customer standing where they stood, and is told when the reason is gone, if
//! the risk is still there. What was said is read from `alerts` and nowhere
//! else, so nothing can be remembered that was not published.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::Tenure;
use super::customer::Customer;
use super::model::ScoreSummary;
use super::models::fingerprint;
use super::registry::SCORE;
use super::score_rows::{CHUNK, Prepared, Said, Stamp};
use crate::churn::Band;
use crate::engine::{Engine, Moment};
use crate::error::Result;
use crate::features::run;
use crate::reports::{Purpose, Value, params};
use crate::schema::{MONEY_PRECISION, MONEY_SCALE, Table};
use crate::tables::{Run, RunRecord};

mod rules;

use rules::{Rules, Standing};

const RISEN: &str = "risen";
const RECOVERED: &str = "recovered";
const ENDED: &str = "ended";
/// Why nobody is told where a customer stands who was never told of.
const BASELINE: &str = "baseline";

/// Where a run that also alerted says so.
pub(super) const DETAILS: &str = "alerts";

/// The queries that decide on alerts.
const QUERIES: [&str; 3] = ["alerted", "left_alone", "probabilities"];

/// Scores that a run is to publish, and what they were made with.
pub(super) struct Scoring {
    pub engine: Engine,
    pub prepared: Arc<Prepared>,
    /// One per row of the frame.
    pub said: Vec<Said>,
    pub stamp: Stamp,
    pub summary: ScoreSummary,
    pub details: serde_json::Value,
}

/// What a night had to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AlertSummary {
    /// Customers whose risk rose; their owners are told.
    pub risen: usize,
    /// Customers who were told of and have recovered.
    pub recovered: usize,
    /// Customers who were told of and have no score any more.
    pub ended: usize,
    /// Rows that were only written down, by reason.
    pub suppressed: BTreeMap<String, usize>,
    /// The nightly run before, whose probabilities these are beside.
    pub before: Option<i64>,
    /// Whether another model scored then.
    pub model_changed: bool,
}

/// The newest scoring that also alerted.
pub(super) fn newest_night(runs: &[RunRecord]) -> Option<&RunRecord> {
    runs.iter().rev().find(|run| run.kind == SCORE && run.details.get(DETAILS).is_some())
}

/// What alerts said of a customer so far.
#[derive(Debug, Clone, Default)]
struct History {
    key: Option<i64>,
    standing: Option<Standing>,
    held: Option<Held>,
}

/// A rise that was held back.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    to: Band,
    reason: String,
    until: Option<i64>,
}

impl Tenure {
    /// What decides on alerts beside the scores, as a run records it.
    pub(super) fn alert_settings(&self) -> Result<serde_json::Value> {
        let catalogue = self.catalogue();
        let mut sql = BTreeMap::new();
        for name in QUERIES {
            let print = fingerprint(catalogue, catalogue.get(Purpose::Churn, name)?);
            sql.insert(name, print.chars().take(12).collect::<String>());
        }
        let alerts = &self.config().alerts;
        Ok(json!({
            "quiet_days": alerts.quiet_days, "margin_percent": alerts.margin_percent,
            "statuses": self.ended_statuses()?, "sql": sql,
        }))
    }

    /// Statuses that say that a customer has ended: those the report says so of.
    fn ended_statuses(&self) -> Result<Vec<String>> {
        let report = self.catalogue().get(Purpose::Report, "suppression")?;
        let param = report.header.params.get("statuses");
        let value = param.map(|param| params::value("statuses", param, None)).transpose()?;
        Ok(if let Some(Value::List(statuses)) = value { statuses } else { Vec::new() })
    }

    /// Adds the alerts that follow from `scoring` to its run, and says so in
    /// what the run is to record.
    pub(super) async fn alerts_in(
        &self,
        run: &mut Run,
        scoring: &mut Scoring,
    ) -> Result<AlertSummary> {
        let Scoring { engine, prepared, said: scores, stamp, .. } = &*scoring;
        let artifact = &prepared.artifact;
        let before = newest_night(run.base().runs());
        let model = before.and_then(|before| before.details.get("model")?.as_str());
        let mut summary = AlertSummary {
            before: before.map(|before| before.run_id),
            model_changed: model.is_some_and(|model| model != artifact.id()),
            ..AlertSummary::default()
        };
        let past = self.probabilities(engine, summary.before).await?;
        let history = self.alerted(engine).await?;
        let waiting = self.left_alone(engine, stamp.cutoff).await?;
        let alerts = &self.config().alerts;
        let margin = f64::from(alerts.margin_percent) / 100.0;
        let rules = Rules { bands: artifact.content().spec.bands, margin };
        let mut rows: Vec<Row> = Vec::new();
        let mut places = Vec::new();
        let nothing = History::default();
        for (row, id) in prepared.frame.ids().iter().enumerate() {
            let scored = scores[row];
            let said = history.get(id).unwrap_or(&nothing);
            let seen = past.contains_key(id).then_some(Standing { band: Band::Low, told: true });
            let standing = said.standing.or(seen);
            let Some(change) = rules.change(standing, scored.probability, scored.band) else {
                continue;
            };
            let rises = change.is_rise();
            let waits = waiting.get(id).filter(|_| rises && !change.is_baseline);
            let held = waits.map(|(reason, until)| Held {
                to: change.to,
                reason: reason.clone(),
                until: *until,
            });
            if held.is_some() && held == said.held {
                continue;
            }
            let (held, until) = held.map(|held| (held.reason, held.until)).unzip();
            places.push(row);
            rows.push(Row {
                id: id.clone(),
                customer: prepared.known.get(id).cloned().unwrap_or_default(),
                kind: if rises { RISEN } else { RECOVERED },
                from: change.from,
                to: Some(change.to),
                before: past.get(id).copied(),
                now: Some(scored.probability),
                suppressed: held.or_else(|| change.is_baseline.then(|| BASELINE.to_owned())),
                until: until.flatten(),
                ..Row::default()
            });
        }
        explain(prepared, &places, &mut rows)?;
        let scored: BTreeSet<&String> = prepared.frame.ids().iter().collect();
        for (id, said) in history.iter().filter(|(id, _)| !scored.contains(id)) {
            let Some(standing) = said.standing.filter(|it| it.band > Band::Low) else { continue };
            let mut customer = prepared.known.get(id).cloned().unwrap_or_default();
            customer.key = customer.key.or(said.key);
            rows.push(Row {
                id: id.clone(),
                customer,
                kind: ENDED,
                from: Some(standing.band),
                before: past.get(id).copied(),
                suppressed: (!standing.told).then(|| BASELINE.to_owned()),
                ..Row::default()
            });
        }
        for row in &rows {
            match (&row.suppressed, row.kind) {
                (Some(why), _) => *summary.suppressed.entry(why.clone()).or_default() += 1,
                (None, RISEN) => summary.risen += 1,
                (None, RECOVERED) => summary.recovered += 1,
                (None, _) => summary.ended += 1,
            }
        }
        if !rows.is_empty() {
            let rows = batch(&rows, artifact.id(), *stamp, summary.model_changed)?;
            run.append(Table::Alerts, rows).await?;
        }
        let told = json!({ "summary": summary, "settings": self.alert_settings()? });
        if let Some(details) = scoring.details.as_object_mut() {
            details.insert(DETAILS.to_owned(), told);
        }
        Ok(summary)
    }

    /// What a run said of every customer it scored; nothing without one.
    async fn probabilities(
        &self,
        engine: &Engine,
        run_id: Option<i64>,
    ) -> Result<BTreeMap<String, f64>> {
        let mut found = BTreeMap::new();
        let Some(run_id) = run_id else { return Ok(found) };
        let query = self.catalogue().get(Purpose::Churn, "probabilities")?;
        let given = BTreeMap::from([("run".to_owned(), Value::Integer(run_id))]);
        let view = engine.at(Moment::LATEST);
        for batch in run(&view, query, DateTime::UNIX_EPOCH, given).await? {
            let ids = batch.column(0).as_string::<i32>();
            let values = batch.column(1).as_primitive::<Float64Type>();
            let pairs =
                (0..batch.num_rows()).map(|at| (ids.value(at).to_owned(), values.value(at)));
            found.extend(pairs);
        }
        Ok(found)
    }

    /// What alerts said of customers so far.
    async fn alerted(&self, engine: &Engine) -> Result<BTreeMap<String, History>> {
        let query = self.catalogue().get(Purpose::Churn, "alerted")?;
        let mut found = BTreeMap::new();
        let view = engine.at(Moment::LATEST);
        for batch in run(&view, query, DateTime::UNIX_EPOCH, BTreeMap::new()).await? {
            let text = |column: usize| batch.column(column).as_string::<i32>();
            let (ids, bands, held_bands, reasons) = (text(0), text(2), text(4), text(5));
            let keys = batch.column(1).as_primitive::<Int64Type>();
            let told = batch.column(3).as_boolean();
            let until = batch.column(6).as_primitive::<TimestampMicrosecondType>();
            for row in 0..batch.num_rows() {
                let band = |texts: &StringArray| {
                    texts.is_valid(row).then(|| Band::of_slug(texts.value(row))).flatten()
                };
                let history = History {
                    key: keys.is_valid(row).then(|| keys.value(row)),
                    standing: band(bands).map(|band| Standing { band, told: told.value(row) }),
                    held: band(held_bands).map(|to| Held {
                        to,
                        reason: reasons.value(row).to_owned(),
                        until: until.is_valid(row).then(|| until.value(row)),
                    }),
                };
                found.insert(ids.value(row).to_owned(), history);
            }
        }
        Ok(found)
    }

    /// Customers nobody is to be told of now: why, and until when.
    async fn left_alone(
        &self,
        engine: &Engine,
        cutoff: DateTime<Utc>,
    ) -> Result<BTreeMap<String, (String, Option<i64>)>> {
        let query = self.catalogue().get(Purpose::Churn, "left_alone")?;
        let days = i64::from(self.config().alerts.quiet_days);
        let given = BTreeMap::from([
            ("days".to_owned(), Value::Integer(days)),
            ("statuses".to_owned(), Value::List(self.ended_statuses()?)),
        ]);
        let mut found = BTreeMap::new();
        // Whoever called does so whether or not the CRM had heard of it by then.
        let view = engine.at(Moment { as_of: cutoff, known_as_of: None });
        for batch in run(&view, query, cutoff, given).await? {
            let [ids, reasons] = [0, 1].map(|column| batch.column(column).as_string::<i32>());
            let until = batch.column(2).as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let until = until.is_valid(row).then(|| until.value(row));
                let reason = reasons.value(row).to_owned();
                found.insert(ids.value(row).to_owned(), (reason, until));
            }
        }
        Ok(found)
    }
}

/// Says of every row what raises, or lowers, the risk most, in both languages;
/// `places` are theirs in the frame.
fn explain(prepared: &Prepared, places: &[usize], rows: &mut [Row]) -> Result<()> {
    let model = &prepared.artifact.content().model;
    for (rows, places) in rows.chunks_mut(CHUNK).zip(places.chunks(CHUNK)) {
        let scored = model.score_rows(&prepared.frame, places, prepared.threads)?;
        for ((row, &place), scored) in rows.iter_mut().zip(places).zip(&scored) {
            let reasons = model.reasons(&prepared.frame, place, scored, usize::MAX);
            let sign = if row.kind == RISEN { 1.0 } else { -1.0 };
            let main = reasons.into_iter().find(|it| sign * it.contribution > 0.0);
            row.reasons =
                main.map_or_else(Default::default, |it| [Some(it.text), Some(it.text_zh)]);
        }
    }
    Ok(())
}

/// A row of `alerts` in the making.
#[derive(Debug, Clone, Default)]
struct Row {
    id: String,
    customer: Customer,
    kind: &'static str,
    from: Option<Band>,
    to: Option<Band>,
    before: Option<f64>,
    now: Option<f64>,
    /// In English and in Chinese.
    reasons: [Option<String>; 2],
    suppressed: Option<String>,
    until: Option<i64>,
}

fn batch(rows: &[Row], model: &str, stamp: Stamp, model_changed: bool) -> Result<RecordBatch> {
    let texts = |text: &dyn Fn(&Row) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(text).collect::<StringArray>())
    };
    let at_risk = |row: &Row| row.now.and_then(|now| row.customer.at_risk(now));
    let money = rows.iter().map(at_risk).collect::<Decimal128Array>();
    let until = rows.iter().map(|row| row.until).collect::<TimestampMicrosecondArray>();
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.customer.key).collect::<Int64Array>()),
        texts(&|row| Some(&row.id)),
        texts(&|row| Some(row.kind)),
        texts(&|row| row.from.map(Band::slug)),
        texts(&|row| row.to.map(Band::slug)),
        Arc::new(rows.iter().map(|row| row.before).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.now).collect::<Float64Array>()),
        Arc::new(money.with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE)?),
        texts(&|row| row.customer.currency.as_deref()),
        texts(&|row| row.reasons[0].as_deref()),
        texts(&|row| row.reasons[1].as_deref()),
        texts(&|row| row.customer.owner.as_deref()),
        texts(&|row| row.suppressed.as_deref()),
        Arc::new(until.with_timezone("UTC")),
        Arc::new(BooleanArray::from(vec![model_changed; rows.len()])),
    ];
    columns.extend(stamp.columns(model, rows.len()));
    Ok(RecordBatch::try_new(Table::Alerts.spec().schema(), columns)?)
}
