//! How does a model come to serve, and which is fit to?
//!
//! [`Tenure::promote`], [`Tenure::rollback`] and [`Tenure::shadow`] publish a
//! run each. A model whose file is missing, changed, of another format, or
//! made from other feature queries than there are now is refused before the
//! run is, so that the one that serves goes on serving.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use object_store::ObjectStoreExt;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Tenure;
use super::registry::{PROMOTE, ROLLBACK, Registry, SHADOW, Version};
use crate::churn::spec::Attributes;
use crate::churn::{Artifact, Validation};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::reports::{Catalogue, Purpose, Query};
use crate::tables::Run;

/// A version with what its file says of it.
#[derive(Debug, Clone, Serialize)]
pub struct ModelInfo {
    /// Name, origin and state.
    #[serde(flatten)]
    pub version: Version,
    /// The data was used up to, and without, this day.
    pub data_end: Option<NaiveDate>,
    /// How good it was on rows it had not seen.
    pub validation: Option<Validation>,
    /// Why it can not score now; none if it can.
    pub unusable: Option<String>,
}

/// What a change of the served model, or of the one on trial, did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The run that was published; none if it was so already.
    pub run_id: Option<i64>,
    /// The model it is now.
    pub model: Option<String>,
    /// The model it was before.
    pub before: Option<String>,
}

impl Tenure {
    /// All versions, and which of them served when.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`] if the store can not be read.
    pub async fn registry(&self) -> Result<Registry> {
        Ok(Registry::of(self.store().snapshot().await?.runs()))
    }

    /// Every version with its quality, oldest first.
    ///
    /// # Errors
    ///
    /// As [`Tenure::registry`].
    pub async fn models(&self) -> Result<Vec<ModelInfo>> {
        let mut models = Vec::new();
        for version in self.registry().await?.versions() {
            let artifact = self.artifact(&version.model).await;
            let usable = artifact.as_ref().map(|artifact| self.check_features(artifact));
            let unusable = match usable {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error.to_string()),
            };
            let content = artifact.as_ref().ok().map(Artifact::content);
            models.push(ModelInfo {
                version: version.clone(),
                data_end: content.and_then(|content| content.provenance.data_end),
                validation: content.map(|content| content.validation.clone()),
                unusable,
            });
        }
        Ok(models)
    }

    /// Makes `model` the one that serves.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] with the nearest ids, [`ErrorKind::Input`] if it
    /// can not score: its file, or the feature queries, are not what they were.
    pub async fn promote(&self, model: &str) -> Result<Change> {
        let chosen = async |registry: Registry| {
            registry.version(model)?;
            self.usable(model).await?;
            let before = registry.served().map(str::to_owned);
            Ok((Some(model.to_owned()), before))
        };
        self.change(PROMOTE, chosen).await
    }

    /// Goes back to the model that served before; called again, to the one
    /// before that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] if none served before, [`ErrorKind::Input`] if
    /// it can not score any more.
    pub async fn rollback(&self) -> Result<Change> {
        let chosen = async |registry: Registry| {
            let model = registry.before().ok_or_else(|| {
                let words = registry.served().map_or_else(
                    || "no model serves".to_owned(),
                    |served| format!("no model served before {served}"),
                );
                Error::new(ErrorKind::Unknown, words).hint("choose one: tenure promote MODEL")
            })?;
            self.usable(model)
                .await
                .map_err(|error| error.hint("tenure promote takes any other"))?;
            Ok((Some(model.to_owned()), registry.served().map(str::to_owned)))
        };
        self.change(ROLLBACK, chosen).await
    }

    /// Lets `model` score beside the served one from the next scoring on;
    /// without one, ends that.
    ///
    /// # Errors
    ///
    /// As [`Tenure::promote`]; [`ErrorKind::Usage`] for the served model.
    pub async fn shadow(&self, model: Option<&str>) -> Result<Change> {
        let chosen = async |registry: Registry| {
            if let Some(model) = model {
                registry.version(model)?;
                if registry.served() == Some(model) {
                    let words = format!("model {model} is the served one; it has nothing to beat");
                    return Err(Error::new(ErrorKind::Usage, words));
                }
                self.usable(model).await?;
            }
            Ok((model.map(str::to_owned), registry.shadow().map(str::to_owned)))
        };
        self.change(SHADOW, chosen).await
    }

    /// Publishes a run of `kind` for what is chosen, unless it is so already.
    async fn change(
        &self,
        kind: &str,
        chosen: impl AsyncFnOnce(Registry) -> Result<(Option<String>, Option<String>)>,
    ) -> Result<Change> {
        let run = self.store().begin().await?;
        match chosen(Registry::of(run.base().runs())).await {
            Ok((model, before)) if model == before => {
                run.abandon().await?;
                Ok(Change { run_id: None, model, before })
            }
            Ok((model, before)) => {
                let run_id = Some(run.id());
                run.publish(kind, json!({ "model": model, "before": before })).await?;
                Ok(Change { run_id, model, before })
            }
            Err(error) => Err(given_up(run, error).await),
        }
    }

    /// The model that serves, fit to score.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Insufficient`] if none was trained yet, [`ErrorKind::Input`]
    /// if it can not score: its file, or the feature queries, are not what they
    /// were when it was trained.
    pub async fn model(&self, engine: &Engine) -> Result<Artifact> {
        let registry = Registry::of(engine.snapshot().runs());
        let id = registry.served().ok_or_else(|| {
            Error::new(ErrorKind::Insufficient, "no model has been trained in this store")
                .hint("train one: tenure train")
        })?;
        self.usable(id).await
    }

    /// The model `id`, fit to score.
    pub(super) async fn usable(&self, id: &str) -> Result<Artifact> {
        let artifact = self.artifact(id).await?;
        self.check_features(&artifact)?;
        Ok(artifact)
    }

    /// Reads the file of the model `id`.
    pub(super) async fn artifact(&self, id: &str) -> Result<Artifact> {
        let location = self.store().location();
        let name = format!("models/{id}.json");
        let read = async { location.store().get(&location.child(&name)).await?.bytes().await };
        let bytes = read.await.map_err(|error| {
            let missing = matches!(error, object_store::Error::NotFound { .. });
            match missing {
                true => Error::new(ErrorKind::Input, format!("the model's file {name} is missing"))
                    .hint(WAYS_OUT),
                false => Error::from(error).context(format!("reading {name}")),
            }
        })?;
        let artifact = Artifact::from_bytes(&bytes, &name)
            .map_err(|error| if error.hints().is_empty() { error.hint(WAYS_OUT) } else { error })?;
        if artifact.id() != id {
            let words = format!("{name}: holds the model {}", artifact.id());
            return Err(Error::new(ErrorKind::Input, words).hint(WAYS_OUT));
        }
        Ok(artifact)
    }

    /// Refuses a model whose features are no longer computed as they were when
    /// it was trained: it would give numbers that mean nothing.
    pub(super) fn check_features(&self, artifact: &Artifact) -> Result<()> {
        let content = artifact.content();
        let refuse = |words: String| {
            Error::new(ErrorKind::Input, format!("model {}: {words}", artifact.id()))
                .hint("train again: tenure train")
                .hint("or give the feature queries it was trained with: --queries DIR")
        };
        let mut changed = Vec::new();
        let mut columns = BTreeMap::new();
        for group in &content.spec.features.groups {
            let Ok(query) = self.catalogue().get(Purpose::Feature, group) else {
                return Err(refuse(format!("there is no feature group \"{group}\" any more")));
            };
            if content.provenance.feature_sql.get(group)
                != Some(&fingerprint(self.catalogue(), query))
            {
                changed.push(query.file.as_str());
            }
            columns.extend(&query.header.columns);
        }
        if !changed.is_empty() {
            let files = changed.join(", ");
            return Err(refuse(format!(
                "trained with other feature queries than there are: {files}"
            )));
        }
        // What attributes there are is known to the data alone.
        let mut features = content.model.features().iter();
        if content.spec.features.attributes == Attributes::All(false)
            && let Some(feature) = features.find(|feature| !columns.contains_key(&feature.name))
        {
            return Err(refuse(format!("no feature query returns \"{}\"", feature.name)));
        }
        Ok(())
    }

    /// SHA-256 of the queries beside the features that decide whom a scoring
    /// finds and what it says, shortened, by name.
    pub(super) fn scoring_sql(&self) -> BTreeMap<&str, String> {
        let decides = |query: &&Query| !READERS.contains(&query.name.as_str());
        let short = |query: &Query| fingerprint(self.catalogue(), query).chars().take(12).collect();
        let queries = self.catalogue().all(Purpose::Churn).filter(decides);
        queries.map(|query| (query.name.as_str(), short(query))).collect()
    }
}

/// What to do about a model's file that is not what it was.
const WAYS_OUT: &str = "restore it from a backup, train again, or promote another model";

/// Churn queries that only read what was scored, or decide who is told of it.
const READERS: [&str; 13] = [
    "alerted",
    "export",
    "gone",
    "left_alone",
    "probabilities",
    "recorded",
    "returned",
    "score_of",
    "scored",
    "scored_in",
    "scores",
    "shadow_beside_served",
    "similar",
];

/// SHA-256 of a query, hexadecimal: of its file and of the parts it reads.
pub(super) fn fingerprint(catalogue: &Catalogue, query: &Query) -> String {
    let mut digest = Sha256::new_with_prefix(&query.sql);
    let whole = query.statement().to_string();
    for part in catalogue.all(Purpose::Part) {
        if whole.contains(&format!("{} AS (", part.name)) {
            digest.update(&part.sql);
        }
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Gives a run up because of `error`: why it ended matters more than that
/// cleaning up failed, too.
pub(super) async fn given_up(run: Run, error: Error) -> Error {
    let _ = run.abandon().await;
    error
}
