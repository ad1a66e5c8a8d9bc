//! How do the newest scores become files for another CRM?

use std::collections::BTreeMap;

use chrono::DateTime;
use futures::TryStreamExt;

use super::Tenure;
use super::scores::{newest_scoring, shown_at};
use crate::config::Language;
use crate::engine::{Moment, View};
use crate::error::{Error, ErrorKind, Result};
use crate::export::{BANDS, Column, Export, ExportRequest, ExportSummary, Mapping, Run};
use crate::features::bound;
use crate::reports::{self, Purpose, Value};

impl Tenure {
    /// Writes the newest scores into a new folder, in the form the target takes.
    ///
    /// Riskiest first. Customers who had a score and have none any more follow, without
    /// values, if the mapping says so and no band is asked for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if nobody was scored yet;
    /// [`ErrorKind::Input`] for a mapping that is not right or a customer's
    /// id that the target can not take; [`ErrorKind::Usage`] if the folder holds
    /// files already.
    pub async fn export_scores(
        &self,
        request: &ExportRequest,
        language: Language,
    ) -> Result<ExportSummary> {
        let mapping = mapping(request, language)?;
        if let Some(band) = request.band.as_deref().filter(|band| !BANDS.contains(band)) {
            return Err(Error::new(ErrorKind::Usage, format!("there is no band \"{band}\""))
                .hint_nearest(band, BANDS)
                .hint(format!("there are: {}", BANDS.join(", "))));
        }
        let engine = self.engine().await?;
        let view = engine.at(Moment::LATEST);
        let newest = newest_scoring(&engine)?;
        let owners = match mapping.has(Column::OwnerName) {
            true => self.owner_names(&engine).await?,
            false => BTreeMap::new(),
        };
        let out = request.out.clone().unwrap_or_else(|| {
            format!("scores-{}-{:06}", request.target.name(), newest.run_id).into()
        });
        let about = Run { id: newest.run_id, scored_at: newest.finished_at, owners, language };
        let mut export = Export::begin(&out, &mapping, about)?;

        let shown = request.changed_since.map_or(0, |since| shown_at(&engine, since));
        let given = |more: Option<(&str, Value)>| {
            let runs = [("run", newest.run_id), ("shown", shown)];
            let runs = runs.map(|(name, run)| (name, Value::Integer(run)));
            let all = runs.into_iter().chain(more);
            all.map(|(name, value)| (name.to_owned(), value)).collect()
        };
        let band = request.band.clone().map(|band| ("band", Value::Text(band)));
        self.write(&view, "export", given(band), &mut export, false).await?;
        if mapping.clears && request.band.is_none() {
            self.write(&view, "gone", given(None), &mut export, true).await?;
        }
        let model = newest.details.get("model").and_then(|model| model.as_str());
        let manifest =
            export.finish(model.map(str::to_owned), request.band.clone(), request.changed_since)?;
        Ok(ExportSummary { folder: out, manifest })
    }

    /// Writes what a query returns, batch by batch.
    async fn write(
        &self,
        view: &View,
        query: &str,
        given: BTreeMap<String, Value>,
        export: &mut Export<'_>,
        gone: bool,
    ) -> Result<()> {
        let query = self.catalogue().get(Purpose::Churn, query)?;
        let bound = bound(query, DateTime::UNIX_EPOCH, given)?;
        let mut batches = reports::stream(view, query, &bound, &export.columns()).await?;
        while let Some(batch) = batches.try_next().await? {
            export.add(&batch, gone)?;
        }
        Ok(())
    }
}

fn mapping(request: &ExportRequest, language: Language) -> Result<Mapping> {
    let Some(path) = &request.mapping else {
        return Mapping::built_in(request.target, language);
    };
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Input, format!("reading mapping {origin}")).caused_by(error)
    })?;
    Mapping::parse(request.target, &origin, &text, language)
}
