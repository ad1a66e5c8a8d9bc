//! What is a model, how good is it, and where does it end?
//!
//! A card says it all of one version, from its own file and the registry: nothing
//! in it is computed anew, so it stays true of the version whatever is loaded later.

use super::Tenure;
use super::registry::{Term, Version};
use crate::churn::Artifact;
use crate::error::{Error, ErrorKind, Result};

/// A version with its file and its history.
#[derive(Debug, Clone)]
pub struct ModelCard {
    /// Name, origin and state.
    pub version: Version,
    /// When it served, the earliest first.
    pub terms: Vec<Term>,
    /// Spec, model, quality and origin.
    pub artifact: Artifact,
    /// Why it can not score now; none if it can.
    pub unusable: Option<String>,
}

impl Tenure {
    /// The card of a version, of the one that serves if none is named.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] with the nearest ids, [`ErrorKind::Insufficient`] if none
    /// is named and none serves, [`ErrorKind::Input`] if its file can not be read.
    pub async fn model_card(&self, model: Option<&str>) -> Result<ModelCard> {
        let registry = self.registry().await?;
        let name = model.or_else(|| registry.served()).ok_or_else(|| {
            Error::new(ErrorKind::Insufficient, "no model serves")
                .hint("train one: tenure train")
                .hint("or name one of: tenure models")
        })?;
        let version = registry.version(name)?.clone();
        let terms = registry.terms().iter().filter(|term| term.model == version.model);
        let terms = terms.cloned().collect();
        let artifact = self.artifact(&version.model).await?;
        let unusable = self.check_features(&artifact).err().map(|error| error.to_string());
        Ok(ModelCard { version, terms, artifact, unusable })
    }
}
