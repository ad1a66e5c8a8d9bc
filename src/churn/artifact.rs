//! How does a model outlive the process that trained it?
//!
//! An artifact is one JSON file: the spec, the fitted model, where its data
//! came from and how good it was. The same training gives the same bytes: no
//! clock, no hash-map order, floats written so that they read back exactly. Its
//! id is the beginning of the SHA-256 of its content, so an id names a content
//! and a changed file is refused.
//!
//! The format has a number. A file with a newer number is refused with the
//! request to upgrade; when the format changes, the reader of the old number
//! stays (`format_1`; 2 only lacks what has a default).

mod format_1;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::baseline::Baseline;
use super::model::ChurnModel;
use super::periods::Period;
use super::spec::ChurnSpec;
use super::survival::Survival;
use super::train::Validation;
use crate::error::{Error, ErrorKind, Result};

/// The format this version writes.
pub const FORMAT: u32 = 3;

/// Where a model's data came from, so that a past score can be recomputed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The data was used up to, and without, this day.
    pub data_end: Option<NaiveDate>,
    /// Cutoffs and their label windows; empty for folds.
    pub periods: Vec<Period>,
    /// SHA-256 of each feature group's SQL, by name.
    pub feature_sql: BTreeMap<String, String>,
    /// Version of each table read, by name.
    pub data_versions: BTreeMap<String, u64>,
}

/// What an artifact holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// What was asked for.
    pub spec: ChurnSpec,
    /// What was learnt.
    pub model: ChurnModel,
    /// When customers leave; none of a label without dates, of data too short to
    /// tell, and in files before format 3.
    #[serde(default)]
    pub survival: Option<Survival>,
    /// How good it was on held-out rows.
    pub validation: Validation,
    /// From which data.
    pub provenance: Provenance,
    /// The customers it was made from, to compare today's with; formats before
    /// the third have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// A trained model with its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    id: String,
    content: Content,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<C> {
    format: u32,
    id: String,
    content: C,
}

/// The part of the file that every format shares.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

impl Artifact {
    /// Names the content.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`] when the content can not be written as JSON.
    pub fn new(content: Content) -> Result<Self> {
        Ok(Self { id: id_of(&content)?, content })
    }

    /// The first twelve hexadecimal digits of the content's SHA-256.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the artifact holds.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// The bytes of the file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`] when the content can not be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let file = File { format: FORMAT, id: self.id.clone(), content: &self.content };
        let mut bytes = serde_json::to_vec(&file).map_err(unwritable)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads the bytes of a file; `file` is named in errors.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] when the bytes are no artifact, are of a newer
    /// format, or were changed after they were written.
    pub fn from_bytes(bytes: &[u8], file: &str) -> Result<Self> {
        let refuse = |words: String| Error::new(ErrorKind::Input, format!("{file}: {words}"));
        let header: Header = serde_json::from_slice(bytes)
            .map_err(|error| refuse(format!("not a model artifact: {error}")))?;
        if !(1..=FORMAT).contains(&header.format) {
            return Err(refuse(format!(
                "the artifact has format {}, this version reads format 1 to {FORMAT}",
                header.format
            ))
            .hint("upgrade tenure, or train the model again"));
        }
        let foreign = |error| refuse(format!("not a model artifact: {error}"));
        let File { id, content, .. }: File<serde_json::Value> =
            serde_json::from_slice(bytes).map_err(foreign)?;
        let found = id_of(&content)?;
        if id != found {
            return Err(refuse(format!(
                "the content was changed: it is named {id}, but its digest is {found}"
            ))
            .hint("train the model again, or restore the file"));
        }
        let content = match header.format {
            1 => format_1::read(content),
            _ => serde_json::from_value(content),
        };
        Ok(Self { id, content: content.map_err(foreign)? })
    }
}

fn id_of(content: &impl Serialize) -> Result<String> {
    let bytes = serde_json::to_vec(content).map_err(unwritable)?;
    let digest = Sha256::digest(&bytes);
    Ok(digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "writing a model artifact").caused_by(error)
}

#[cfg(test)]
mod tests;
