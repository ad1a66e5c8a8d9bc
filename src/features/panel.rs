//! Which customers, at which cutoffs, with which outcome, make the training set?
//!
//! One row is one customer at one cutoff. For an inactivity label the eligible
//! are those active shortly before the cutoff, and they have churned if they
//! are not active in the label window. For a given label there is one cutoff,
//! the present, and the row's number in the source decides its fold.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::{Gathered, run};
use crate::churn::{
    ChurnSpec, ChurnValidParams, Cutoffs, Feature, Frame, Label, Period, Rows, resolve,
};
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::reports::{Catalogue, Purpose, Value};

/// Labelled rows with their features, and the cutoffs they stand at.
#[derive(Debug)]
pub struct Panel {
    /// The rows.
    pub frame: Frame,
    /// The cutoffs, in the order of `Frame::periods`; empty for folds.
    pub periods: Vec<Period>,
}

/// Builds the training panel of a spec from what was known at `as_of`.
/// `progress` is told `(done, of)` cutoffs.
///
/// # Errors
///
/// [`ErrorKind::Insufficient`] if no cutoff has matured or no label is there,
/// saying what is missing.
pub async fn training(
    engine: &Engine,
    catalogue: &Catalogue,
    params: &ChurnValidParams,
    as_of: DateTime<Utc>,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Panel> {
    let spec = params.spec();
    let mut gathered = Gathered::default();
    let mut rows = Rows::default();
    if let Label::Given { label } = &spec.label {
        let Cutoffs::Folds { n } = spec.cutoffs else {
            return Err(Error::new(ErrorKind::Usage, "a given label is validated by folds"));
        };
        given(engine, catalogue, label, n, as_of, &mut rows).await?;
        gathered.add(engine, catalogue, &spec.features, as_of, &rows.ids).await?;
        progress(1, 1);
        let frame = Frame::new(rows, gathered.into_columns())?;
        return Ok(Panel { frame, periods: Vec::new() });
    }
    let (first, end) = span(engine, catalogue, &spec.label, as_of).await?;
    let periods = resolve(params, first, end)?;
    for (index, period) in periods.iter().enumerate() {
        let cutoff = before(period.cutoff);
        let ids: Vec<String> = eligible(engine, catalogue, &spec.label, cutoff).await?;
        let stayed = stayed(engine, catalogue, &spec.label, period).await?;
        gathered.add(engine, catalogue, &spec.features, cutoff, &ids).await?;
        for id in ids {
            rows.churned.push(!stayed.contains(&id));
            rows.periods.push(index);
            rows.ids.push(id);
        }
        progress(index + 1, periods.len());
    }
    Ok(Panel { frame: Frame::new(rows, gathered.into_columns())?, periods })
}

/// The customers to score at `cutoff`, with the features a model was trained on.
///
/// # Errors
///
/// As [`training`].
pub async fn scoring(
    engine: &Engine,
    catalogue: &Catalogue,
    spec: &ChurnSpec,
    cutoff: DateTime<Utc>,
    features: &[Feature],
) -> Result<Frame> {
    let ids = match &spec.label {
        Label::Inactivity { .. } => eligible(engine, catalogue, &spec.label, cutoff).await?,
        Label::Given { .. } => {
            let view = engine.at(Moment::known_at(cutoff));
            let query = catalogue.get(Purpose::Churn, "everyone")?;
            texts(&run(&view, query, cutoff, BTreeMap::new()).await?)
        }
    };
    let mut gathered = Gathered::default();
    gathered.add(engine, catalogue, &spec.features, cutoff, &ids).await?;
    let rows = Rows { periods: vec![0; ids.len()], churned: Vec::new(), ids };
    Frame::new(rows, gathered.into_columns_of(features))
}

/// The last microsecond before a day: a cutoff at a date leaves that day to
/// the label.
fn before(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc() - TimeDelta::microseconds(1)
}

/// Labels of the source, each customer with their fold.
async fn given(
    engine: &Engine,
    catalogue: &Catalogue,
    label: &str,
    folds: usize,
    as_of: DateTime<Utc>,
    rows: &mut Rows,
) -> Result<()> {
    let view = engine.at(Moment::known_at(as_of));
    let query = catalogue.get(Purpose::Churn, "given")?;
    let named = BTreeMap::from([("label".to_owned(), Value::Text(label.to_owned()))]);
    let folds = i64::try_from(folds).unwrap_or(i64::MAX);
    for batch in run(&view, query, as_of, named).await? {
        let outcome = batch.column(2).as_boolean();
        let row_no = batch.column(3).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            rows.ids.push(batch.column(0).as_string::<i32>().value(row).to_owned());
            rows.churned.push(outcome.value(row));
            rows.periods.push(usize::try_from(row_no.value(row) % folds).unwrap_or_default());
        }
    }
    if rows.ids.is_empty() {
        return Err(Error::new(
            ErrorKind::Insufficient,
            format!("no customer has the label \"{label}\""),
        )
        .hint("map a column of the source to the table `labels`, or use an inactivity label"));
    }
    Ok(())
}

async fn eligible(
    engine: &Engine,
    catalogue: &Catalogue,
    label: &Label,
    cutoff: DateTime<Utc>,
) -> Result<Vec<String>> {
    let Label::Inactivity { eligible_days, activities, .. } = label else {
        return Ok(Vec::new());
    };
    let moment = Moment::known_at(cutoff);
    active(engine, catalogue, moment, i64::from(*eligible_days), activities).await
}

/// Who was active in the label window. What is known today counts, since the
/// truth about the past is wanted, not what was known of it then.
async fn stayed(
    engine: &Engine,
    catalogue: &Catalogue,
    label: &Label,
    period: &Period,
) -> Result<BTreeSet<String>> {
    let Label::Inactivity { activities, .. } = label else {
        return Ok(BTreeSet::new());
    };
    let moment = Moment { as_of: before(period.end), known_as_of: None };
    let days = (period.end - period.start).num_days();
    Ok(active(engine, catalogue, moment, days, activities).await?.into_iter().collect())
}

async fn active(
    engine: &Engine,
    catalogue: &Catalogue,
    moment: Moment,
    days: i64,
    activities: &[String],
) -> Result<Vec<String>> {
    let query = catalogue.get(Purpose::Churn, "active")?;
    let bound = BTreeMap::from([
        ("within".to_owned(), Value::Duration(TimeDelta::days(days))),
        ("activities".to_owned(), Value::List(activities.to_vec())),
    ]);
    Ok(texts(&run(&engine.at(moment), query, moment.as_of, bound).await?))
}

/// The days `[first, end)` that the data covers completely at `as_of`.
///
/// An export of activity that is older than that of another table must not
/// make its missing days look like silence: the days after the newest
/// qualifying activity are not covered.
async fn span(
    engine: &Engine,
    catalogue: &Catalogue,
    label: &Label,
    as_of: DateTime<Utc>,
) -> Result<(NaiveDate, NaiveDate)> {
    let query = catalogue.get(Purpose::Churn, "span")?;
    let mut bound = BTreeMap::new();
    if let Label::Inactivity { activities, .. } = label {
        bound.insert("activities".to_owned(), Value::List(activities.clone()));
    }
    let batches = run(&engine.at(Moment::known_at(as_of)), query, as_of, bound).await?;
    let instant = |column: usize| {
        batches.iter().filter(|batch| batch.num_rows() > 0).find_map(|batch| {
            let at = batch.column(column).as_primitive_opt::<TimestampMicrosecondType>()?;
            (!at.is_null(0)).then(|| DateTime::from_timestamp_micros(at.value(0)))?
        })
    };
    let (Some(first), Some(last)) = (instant(0), instant(1)) else {
        return Err(Error::new(ErrorKind::Insufficient, "there is no activity to learn from")
            .hint("load activity first: tenure ingest PATH"));
    };
    // A day that `as_of` lies in the middle of is not complete. The day of the
    // newest activity is, if `as_of` says that the data goes to its end.
    let told = (as_of + TimeDelta::microseconds(1)).date_naive();
    let seen = last.date_naive() + Days::new(1);
    Ok((first.date_naive(), told.min(seen)))
}

fn texts(batches: &[RecordBatch]) -> Vec<String> {
    let mut all = Vec::new();
    for batch in batches {
        let column = batch.column(0).as_string::<i32>();
        all.extend((0..column.len()).map(|row| column.value(row).to_owned()));
    }
    all
}
