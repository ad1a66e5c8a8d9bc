//! Which customers, at which cutoffs, with which outcome, make the training set?
//!
//! One row is one customer at one cutoff: who is eligible then, and whether they
//! churned, says [`Label`]. For a given label there is one cutoff, the present,
//! and the row's number in the source decides its fold.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::{DateTime, Utc};

use super::label::{Source, before};
use super::{Gathered, run};
use crate::churn::{
    ChurnSpec, ChurnValidParams, Cutoffs, Feature, Frame, Label, Matured, Rows, resolve,
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
    pub periods: Vec<Matured>,
}

/// Builds the training panel of a spec from what the store says at `moment`:
/// what happened up to it, by what was known of that then, or by all that is
/// known today. `progress` is told `(done, of)` cutoffs.
///
/// # Errors
///
/// [`ErrorKind::Insufficient`] if no cutoff has matured, no label is there, or
/// all rows have the same, saying what is missing.
pub async fn training(
    engine: &Engine,
    catalogue: &Catalogue,
    params: &ChurnValidParams,
    moment: Moment,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Panel> {
    let spec = params.spec();
    let mut gathered = Gathered::default();
    let mut rows = Rows::default();
    if let Label::Given { label } = &spec.label {
        let Cutoffs::Folds { n } = spec.cutoffs else {
            return Err(Error::new(ErrorKind::Usage, "a given label is validated by folds"));
        };
        let as_of = moment.as_of;
        given(engine, catalogue, label, n, as_of, &mut rows).await?;
        check_outcomes(&spec.label, &rows.churned)?;
        gathered.add(engine, catalogue, &spec.features, Moment::known_at(as_of), &rows.ids).await?;
        progress(1, 1);
        let frame = Frame::new(rows, gathered.into_columns())?;
        return Ok(Panel { frame, periods: Vec::new() });
    }
    let source = Source { engine, catalogue, label: &spec.label };
    let (first, end) = source.span(moment).await?;
    let periods = resolve(params, first, end)?;
    for (index, matured) in periods.iter().enumerate() {
        let outcomes = source.outcomes(matured, moment.known_as_of).await?;
        let (ids, churned): (Vec<String>, Vec<bool>) = outcomes.into_iter().unzip();
        let cutoff = Moment::known_at(before(matured.period().cutoff));
        gathered.add(engine, catalogue, &spec.features, cutoff, &ids).await?;
        rows.periods.resize(rows.periods.len() + ids.len(), index);
        rows.churned.extend(churned);
        rows.ids.extend(ids);
        progress(index + 1, periods.len());
    }
    check_outcomes(&spec.label, &rows.churned)?;
    let departures = source.departures(&periods, end, moment.known_as_of).await?;
    let frame = Frame::new(rows, gathered.into_columns())?
        .with_departures(|index, id| departures.of(index, &periods[index], id));
    Ok(Panel { frame, periods })
}

/// The customers to score at `moment`, with the features a model was trained on.
///
/// # Errors
///
/// As [`training`].
pub async fn scoring(
    engine: &Engine,
    catalogue: &Catalogue,
    spec: &ChurnSpec,
    moment: Moment,
    features: &[Feature],
) -> Result<Frame> {
    let ids = Source { engine, catalogue, label: &spec.label }.eligible(moment).await?;
    let mut gathered = Gathered::default();
    gathered.add(engine, catalogue, &spec.features, moment, &ids).await?;
    let rows = Rows { periods: vec![0; ids.len()], churned: Vec::new(), ids };
    Frame::new(rows, gathered.into_columns_of(features))
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

/// Refuses outcomes that have nothing to tell apart.
fn check_outcomes(label: &Label, churned: &[bool]) -> Result<()> {
    let n_churned = churned.iter().filter(|churned| **churned).count();
    let rows = churned.len();
    if 0 < n_churned && n_churned < rows {
        return Ok(());
    }
    let refuse = |words: String| Err(Error::new(ErrorKind::Insufficient, words));
    if rows == 0 {
        let error = refuse("nobody was eligible at any cutoff".to_owned());
        return error.map_err(|error| error.hint(label.eligibility()));
    }
    let (what, hint) = match (n_churned, label) {
        (0, Label::Inactivity { .. }) => {
            ("none churned", "shorten label.horizon_days, or name in label.activities what counts")
        }
        (0, Label::Contract { .. }) => (
            "none churned",
            "only `ended_at` ends a contract: see that the mapping fills it, or shorten label.grace_days",
        ),
        (0, Label::Given { .. }) => ("none churned", "see which column the mapping reads as true"),
        (_, Label::Inactivity { .. }) => {
            ("all churned", "lengthen label.horizon_days, or let more of label.activities count")
        }
        (_, Label::Contract { .. }) => (
            "all churned",
            "lengthen label.grace_days, or see whether running contracts were loaded",
        ),
        (_, Label::Given { .. }) => ("all churned", "load those who stayed, too"),
    };
    refuse(format!("of {rows} rows to train on, {what}: there is nothing to tell apart"))
        .map_err(|error| error.hint(hint))
}
