//! How does a challenger score without anybody seeing its scores?
//!
//! Into a table of its own, `shadow_scores`, which no report, page, export or
//! feed reads: a flag in `scores` would have to be remembered in every query
//! anybody ever writes. It is scored in the run of the served model, for the
//! same cutoff, and when it can not be, that is said and the run goes on.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use serde::Serialize;

use super::Tenure;
use super::registry::Registry;
use super::score_rows::{Prepared, Said, Stamp};
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;
use crate::tables::Run;

/// What the model on trial did in a scoring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShadowSummary {
    /// The model.
    pub model: String,
    /// Customers it scored.
    pub customers: usize,
    /// Why it could not; none if it could.
    pub refused: Option<String>,
}

impl Tenure {
    /// Adds the scores of the model on trial, if there is one, to a run.
    pub(super) async fn shadow_in(
        &self,
        run: &mut Run,
        engine: &Engine,
        moment: Moment,
    ) -> Result<Option<ShadowSummary>> {
        let registry = Registry::of(run.base().runs());
        let Some(model) = registry.shadow() else { return Ok(None) };
        let scored = async {
            let artifact = self.usable(model).await?;
            let prepared = self.prepare(engine, artifact, moment).await?;
            let said = prepared.said()?;
            Ok::<_, Error>((prepared, said))
        };
        let mut summary = ShadowSummary { model: model.to_owned(), customers: 0, refused: None };
        match scored.await {
            Ok::<_, Error>((prepared, said)) => {
                summary.customers = said.len();
                let stamp =
                    Stamp { cutoff: moment.as_of, known_at: run.started_at(), run_id: run.id() };
                run.append(Table::ShadowScores, rows(&prepared, &said, model, stamp)?).await?;
            }
            // Memory and time were there for the served model; that they are
            // not for both is a reason to tell, not one to score nobody.
            Err(error) if error.kind() != ErrorKind::Storage => {
                summary.refused = Some(error.to_string());
            }
            Err(error) => return Err(error),
        }
        Ok(Some(summary))
    }
}

/// The rows of `shadow_scores`: what can be compared, no reasons.
fn rows(prepared: &Prepared, said: &[Said], model: &str, stamp: Stamp) -> Result<RecordBatch> {
    let ids = prepared.frame.ids();
    let key = |id: &String| prepared.known.get(id).and_then(|customer| customer.key);
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(ids.iter().map(key).collect::<Int64Array>()),
        Arc::new(StringArray::from_iter_values(ids)),
        Arc::new(Float64Array::from_iter_values(said.iter().map(|it| it.probability))),
        Arc::new(StringArray::from_iter_values(said.iter().map(|it| it.band.slug()))),
    ];
    columns.extend(stamp.columns(model, ids.len()));
    Ok(RecordBatch::try_new(Table::ShadowScores.spec().schema(), columns)?)
}
