//! Who was eligible at a cutoff, and what became of them?
//!
//! Eligibility is a question to the store as it was known at the cutoff; the
//! outcome is one to all that is known when the model is trained, because the
//! truth about the past is wanted and not what was known of it then. An outcome
//! can only be asked for a [`Matured`] cutoff.
//!
//! Existence is shown by facts: a customer with activity or a contract before
//! the cutoff is one, whenever the CRM says it created the record.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::run;
use crate::churn::{Label, Matured};
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::reports::{self, Catalogue, Purpose, Value};

/// What a label is asked of.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub engine: &'a Engine,
    pub catalogue: &'a Catalogue,
    pub label: &'a Label,
}

/// When the label of a cutoff is about, and known: instants that do not belong
/// to it any more, but for the cutoff.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// What happened up to this instant is known.
    pub cutoff: DateTime<Utc>,
    /// The horizon begins.
    pub start: DateTime<Utc>,
    /// The horizon is over.
    pub end: DateTime<Utc>,
    /// The label is known.
    pub known: DateTime<Utc>,
}

impl Window {
    /// The window of a cutoff; none of a label without time, or beyond the end of
    /// the calendar.
    pub fn of(label: &Label, cutoff: DateTime<Utc>) -> Option<Self> {
        let (gap, horizon, grace) = match *label {
            Label::Inactivity { horizon_days, gap_days, .. } => (gap_days, horizon_days, 0),
            Label::Contract { horizon_days, gap_days, grace_days } => {
                (gap_days, horizon_days, grace_days)
            }
            Label::Given { .. } => return None,
        };
        let after =
            |at: DateTime<Utc>, days: u32| at.checked_add_signed(TimeDelta::days(days.into()));
        let start = after(cutoff + TimeDelta::microseconds(1), gap)?;
        let end = after(start, horizon)?;
        Some(Self { cutoff, start, end, known: after(end, grace)? })
    }
}

impl Source<'_> {
    /// The customers to score at `moment`: those who have not churned by what
    /// is known there, ascending.
    pub async fn eligible(self, moment: Moment) -> Result<Vec<String>> {
        match self.label {
            Label::Inactivity { eligible_days, activities, .. } => {
                self.active(moment, i64::from(*eligible_days), activities).await
            }
            Label::Contract { .. } => {
                let mut ids = texts(&self.under_contract(moment).await?);
                ids.dedup();
                Ok(ids)
            }
            Label::Given { label } => {
                let named = BTreeMap::from([("label".to_owned(), Value::Text(label.clone()))]);
                Ok(texts(&self.ask("remaining", moment, named).await?))
            }
        }
    }

    /// The customers to train on at a cutoff, ascending, and whether they
    /// churned, by what is known at `known_as_of` (everything if absent). A
    /// given label has no cutoffs, and so nobody.
    pub async fn outcomes(
        self,
        matured: &Matured,
        known_as_of: Option<DateTime<Utc>>,
    ) -> Result<Vec<(String, bool)>> {
        let period = matured.period();
        let cutoff = before(period.cutoff);
        match self.label {
            Label::Inactivity { activities, .. } => {
                let days = (period.end - period.start).num_days();
                let moment = Moment { as_of: before(period.end), known_as_of };
                let stayed = self.active(moment, days, activities).await?;
                let stayed = BTreeSet::from_iter(stayed);
                let outcome = |id: String| {
                    let churned = !stayed.contains(&id);
                    (id, churned)
                };
                Ok(self
                    .eligible(Moment::known_at(cutoff))
                    .await?
                    .into_iter()
                    .map(outcome)
                    .collect())
            }
            Label::Contract { grace_days, .. } => {
                let day = midnight;
                let window = Window {
                    cutoff,
                    start: day(period.start),
                    end: day(period.end),
                    known: day(matured.known_on()),
                };
                let lost = self.lost(window, *grace_days, known_as_of).await?;
                Ok(lost.into_iter().filter_map(|(id, lost)| Some((id, lost?))).collect())
            }
            Label::Given { .. } => Ok(Vec::new()),
        }
    }

    /// Whether customers under contract at a cutoff churned in the window; nothing
    /// of those who had gone before it began.
    async fn lost(
        self,
        window: Window,
        grace_days: u32,
        known_as_of: Option<DateTime<Utc>>,
    ) -> Result<BTreeMap<String, Option<bool>>> {
        let running = self.under_contract(Moment::known_at(window.cutoff)).await?;
        let moment = Moment { as_of: window.known - TimeDelta::microseconds(1), known_as_of };
        let spells = self.spells(running, moment, grace_days).await?;
        let [cutoff, start, end] = [window.cutoff, window.start, window.end].map(micros);
        // Spells of a customer follow each other: the last that began
        // before the cutoff is the one the model is asked about.
        let mut at_cutoff: BTreeMap<String, Option<i64>> = BTreeMap::new();
        for (id, began, over) in spells {
            if began <= cutoff {
                at_cutoff.insert(id, over);
            }
        }
        let outcome = |over: Option<i64>| match over {
            Some(over) if over < start => None,
            over => Some(over.is_some_and(|over| over < end)),
        };
        Ok(at_cutoff.into_iter().map(|(id, over)| (id, outcome(over))).collect())
    }

    /// What became of customers who were scored at a cutoff whose label is known:
    /// whether each churned, or nothing where the label does not say.
    pub async fn became(self, window: Window, ids: &[String]) -> Result<Vec<Option<bool>>> {
        match self.label {
            Label::Inactivity { .. } => {
                let end = window.end - TimeDelta::microseconds(1);
                let stayed = self.stayed_until(end).await?;
                Ok(ids.iter().map(|id| Some(!stayed.contains(id))).collect())
            }
            Label::Contract { grace_days, .. } => {
                let lost = self.lost(window, *grace_days, None).await?;
                Ok(ids.iter().map(|id| lost.get(id).copied().flatten()).collect())
            }
            Label::Given { .. } => Ok(vec![None; ids.len()]),
        }
    }

    /// When each customer was first active from an instant of the horizon to
    /// another; nobody of a label that is not of activity.
    pub async fn returned(
        self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        known_as_of: Option<DateTime<Utc>>,
    ) -> Result<BTreeMap<String, DateTime<Utc>>> {
        let Label::Inactivity { activities, .. } = self.label else {
            return Ok(BTreeMap::new());
        };
        let bound = BTreeMap::from([
            ("within".to_owned(), Value::Duration(until - from)),
            ("activities".to_owned(), Value::List(activities.clone())),
        ]);
        let as_of = until - TimeDelta::microseconds(1);
        let mut returned = BTreeMap::new();
        for batch in self.ask("returned", Moment { as_of, known_as_of }, bound).await? {
            let ids = batch.column(0).as_string::<i32>();
            for row in 0..batch.num_rows() {
                if let Some(at) = instant(&batch, 1, row) {
                    returned.insert(ids.value(row).to_owned(), at);
                }
            }
        }
        Ok(returned)
    }

    /// Who was active in the horizon of an inactivity label that ends at `end`;
    /// nobody of another label.
    pub async fn stayed_until(self, end: DateTime<Utc>) -> Result<BTreeSet<String>> {
        let Label::Inactivity { horizon_days, activities, .. } = self.label else {
            return Ok(BTreeSet::new());
        };
        let moment = Moment { as_of: end, known_as_of: None };
        let active = self.active(moment, i64::from(*horizon_days), activities).await?;
        Ok(active.into_iter().collect())
    }

    /// The last instant up to which the label's data is complete.
    pub async fn known_until(self) -> Result<DateTime<Utc>> {
        let as_of = reports::default_as_of(self.engine);
        let (_, end) = self.span(Moment { as_of, known_as_of: None }).await?;
        Ok(before(end))
    }

    /// The days `[first, end)` at `moment` that the data covers completely.
    ///
    /// An export that is older than those of other tables must not make its
    /// missing days look like silence, or like contracts that go on: the days
    /// after the newest activity that qualifies, or the newest start or end of
    /// a contract, are not covered.
    pub async fn span(self, moment: Moment) -> Result<(NaiveDate, NaiveDate)> {
        let activities = match self.label {
            Label::Inactivity { activities, .. } => activities.as_slice(),
            Label::Contract { .. } | Label::Given { .. } => &[],
        };
        let bound = BTreeMap::from([("activities".to_owned(), Value::List(activities.to_vec()))]);
        let batches = self.ask("span", moment, bound).await?;
        let activity = batches.iter().find(|batch| batch.num_rows() > 0);
        let first = activity.and_then(|batch| instant(batch, 0, 0));
        let last = activity.and_then(|batch| instant(batch, 1, 0));
        let (first, last) = match self.label {
            Label::Contract { .. } => {
                let (begun, last) = self.contract_span(moment).await?;
                // Without activity before it, a cutoff has next to no features.
                (first.map_or(begun, |first| first.max(begun)), last)
            }
            _ => first.zip(last).ok_or_else(|| no_activity(first.is_some(), activities))?,
        };
        // A day that the moment lies in the middle of is not complete. The day
        // of the newest row is, if the moment says that the data goes to its end.
        let told = (moment.as_of + TimeDelta::microseconds(1)).date_naive();
        let seen = last.date_naive() + Days::new(1);
        Ok((first.date_naive(), told.min(seen)))
    }

    /// The first start of a contract, and the newest start or end that is news.
    ///
    /// Contracts are signed, and their ends entered, ahead. A date that had not
    /// come when its file was loaded does not say that the file is so new.
    async fn contract_span(self, moment: Moment) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
        let loaded: BTreeMap<i64, i64> =
            self.engine.snapshot().loads().map(|load| (load.load_id, load.loaded_at)).collect();
        let (mut first, mut last) = (None, None);
        for batch in self.ask("contract_span", moment, BTreeMap::new()).await? {
            let loads = batch.column(0).as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let (Some(begun), Some(seen)) = (instant(&batch, 1, row), instant(&batch, 2, row))
                else {
                    continue;
                };
                let loaded_at = loaded.get(&loads.value(row)).copied();
                let loaded_at = loaded_at.and_then(DateTime::from_timestamp_micros);
                let seen = loaded_at.map_or(seen, |loaded_at| loaded_at.min(seen));
                first = Some(first.map_or(begun, |first: DateTime<Utc>| first.min(begun)));
                last = Some(last.map_or(seen, |last: DateTime<Utc>| last.max(seen)));
            }
        }
        first.zip(last).ok_or_else(|| {
            Error::new(ErrorKind::Insufficient, "there are no contracts to learn from")
                .hint("load contracts into the table `subscriptions` first: tenure ingest PATH")
        })
    }

    async fn active(self, moment: Moment, days: i64, activities: &[String]) -> Result<Vec<String>> {
        let bound = BTreeMap::from([
            ("within".to_owned(), Value::Duration(TimeDelta::days(days))),
            ("activities".to_owned(), Value::List(activities.to_vec())),
        ]);
        Ok(texts(&self.ask("active", moment, bound).await?))
    }

    pub(super) async fn under_contract(self, moment: Moment) -> Result<Vec<RecordBatch>> {
        self.ask("under_contract", moment, BTreeMap::new()).await
    }

    /// From when to when (µs; `None` if it goes on) the customers of `running`
    /// were under contract, by customer and time.
    pub(super) async fn spells(
        self,
        running: Vec<RecordBatch>,
        moment: Moment,
        grace_days: u32,
    ) -> Result<Vec<(String, i64, Option<i64>)>> {
        let Some(schema) = running.first().map(RecordBatch::schema) else {
            return Ok(Vec::new());
        };
        let view = self.engine.at(moment);
        view.add("running", schema, running)?;
        let query = self.catalogue.get(Purpose::Churn, "contract_spells")?;
        let grace = BTreeMap::from([("grace".to_owned(), Value::Integer(grace_days.into()))]);
        let mut spells = Vec::new();
        for batch in run(&view, query, moment.as_of, grace).await? {
            let ids = batch.column(0).as_string::<i32>();
            for row in 0..batch.num_rows() {
                let at = |column| instant(&batch, column, row).map(micros);
                if let Some(began) = at(1) {
                    spells.push((ids.value(row).to_owned(), began, at(2)));
                }
            }
        }
        Ok(spells)
    }

    pub(super) async fn ask(
        self,
        name: &str,
        moment: Moment,
        bound: BTreeMap<String, Value>,
    ) -> Result<Vec<RecordBatch>> {
        let query = self.catalogue.get(Purpose::Churn, name)?;
        run(&self.engine.at(moment), query, moment.as_of, bound).await
    }
}

/// The last microsecond before a day: a cutoff at a date leaves that day to
/// the label.
pub(crate) fn before(day: NaiveDate) -> DateTime<Utc> {
    midnight(day) - TimeDelta::microseconds(1)
}

pub(super) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

fn instant(batch: &RecordBatch, column: usize, row: usize) -> Option<DateTime<Utc>> {
    let at = batch.column(column).as_primitive_opt::<TimestampMicrosecondType>()?;
    if at.is_null(row) { None } else { DateTime::from_timestamp_micros(at.value(row)) }
}

fn texts(batches: &[RecordBatch]) -> Vec<String> {
    let mut all = Vec::new();
    for batch in batches {
        let column = batch.column(0).as_string::<i32>();
        all.extend((0..column.len()).map(|row| column.value(row).to_owned()));
    }
    all
}

fn no_activity(is_any: bool, activities: &[String]) -> Error {
    if is_any {
        let names = activities.join("\", \"");
        return Error::new(
            ErrorKind::Insufficient,
            format!("there is no activity \"{names}\" to learn from"),
        )
        .hint("label.activities names what counts; without it, all activity does");
    }
    Error::new(ErrorKind::Insufficient, "there is no activity to learn from").hint(
        "load activity first: tenure ingest PATH; orders and other facts count as activity if \
         the mapping also feeds them into the table activity, as online_retail does",
    )
}
