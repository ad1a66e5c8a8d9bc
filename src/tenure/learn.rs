//! What does a training learn from its panel?
//!
//! The model, and beside it what [`Tenure::drift`] will compare later days with:
//! how the customers looked, and how soon those who stayed were seen again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Tenure;
use crate::churn::{Baseline, ChurnValidParams, Frame, Trained, train};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::features::label::{Source, Window, before};
use crate::features::panel::Panel;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// A training, before it is an artifact.
pub(super) struct Learnt {
    pub frame: Frame,
    pub trained: Trained,
    pub baseline: Baseline,
}

impl Tenure {
    /// Trains on a panel whose labels are those known at `known_as_of`.
    pub(super) async fn learn(
        &self,
        engine: &Engine,
        params: ChurnValidParams,
        panel: Panel,
        known_as_of: Option<DateTime<Utc>>,
    ) -> Result<Learnt> {
        let returns = self.returns(engine, &params, &panel, known_as_of).await?;
        let threads = self.threads();
        let work = move || {
            let Panel { frame, periods } = panel;
            let trained = train(&frame, &params, &periods, threads)?;
            let (model, spec) = (&trained.model, params.spec());
            let baseline =
                Baseline::learn(&frame, &periods, model, spec, returns.as_deref(), threads)?;
            Ok(Learnt { frame, trained, baseline })
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, "training").caused_by(error))?
    }

    /// After how many days of the horizon the customer of each row was seen;
    /// none of a label that is not of activity.
    async fn returns(
        &self,
        engine: &Engine,
        params: &ChurnValidParams,
        panel: &Panel,
        known_as_of: Option<DateTime<Utc>>,
    ) -> Result<Option<Vec<Option<u32>>>> {
        let label = &params.spec().label;
        let source = Source { engine, catalogue: self.catalogue(), label };
        let mut of_period = Vec::new();
        for matured in &panel.periods {
            let Some(window) = Window::of(label, before(matured.period().cutoff)) else {
                return Ok(None);
            };
            let returned = source.returned(window.start, window.end, known_as_of).await?;
            let days = returned.into_iter().map(|(id, at)| (id, days(at - window.start)));
            of_period.push(days.collect::<BTreeMap<String, u32>>());
        }
        if of_period.iter().all(BTreeMap::is_empty) {
            return Ok(None);
        }
        let frame = &panel.frame;
        let rows = frame.ids().iter().zip(frame.periods());
        Ok(Some(rows.map(|(id, &period)| of_period[period].get(id).copied()).collect()))
    }
}

/// Full days and the one that has begun.
fn days(after: chrono::TimeDelta) -> u32 {
    let whole = after.num_microseconds().unwrap_or(i64::MAX) / DAY;
    u32::try_from(whole + 1).unwrap_or(u32::MAX)
}
