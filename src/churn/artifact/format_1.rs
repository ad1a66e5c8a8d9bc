//! What did the first format hold?
//!
//! One estimator, linear on splines, calibrated by a line. The names, titles and
//! usual values of features stood beside their columns.

use serde::Deserialize;

use super::super::bootstrap::Intervals;
use super::super::calibrate::Calibration;
use super::super::encode::{Basis, Encoder, Encoding, Prepare};
use super::super::feature::Feature;
use super::super::frame::About;
use super::super::metrics::Metrics;
use super::super::model::ChurnModel;
use super::super::scorer::Scorer;
use super::super::spec::{Bands, Candidate, ChurnSpec};
use super::super::text::Value;
use super::super::train::Validation;
use super::super::trial::Setting;
use super::{Content, Provenance};
use crate::text::Text;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldContent {
    spec: ChurnSpec,
    model: OldModel,
    validation: OldValidation,
    provenance: Provenance,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldModel {
    encoder: OldEncoder,
    intercept: f64,
    weights: Vec<f64>,
    calibration: Line,
    bands: Bands,
    ridge: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldEncoder {
    features: Vec<OldFeature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldFeature {
    name: String,
    title: Text,
    unit: Option<Text>,
    typical: Value,
    prepare: Option<Prepare>,
    basis: Vec<Basis>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    slope: f64,
    offset: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldValidation {
    metrics: Metrics,
    intervals: Option<Intervals>,
    train_rows: usize,
    estimator: String,
}

/// Reads the content of a file of format 1.
pub(super) fn read(content: serde_json::Value) -> serde_json::Result<Content> {
    let OldContent { spec, model, validation, provenance } = serde_json::from_value(content)?;
    let OldModel { encoder, intercept, weights, calibration, bands, ridge } = model;
    let Line { slope, offset } = calibration;
    let calibration = Calibration { low: slope, high: slope, offset };
    let knots = match spec.candidates.first() {
        Some(Candidate::Logistic { knots, .. }) => *knots,
        _ => 0,
    };
    let (mut features, mut encodings) = (Vec::new(), Vec::new());
    for OldFeature { name, title, unit, typical, prepare, basis } in encoder.features {
        let is_numeric = prepare.is_some();
        encodings.push(Encoding { name: name.clone(), prepare, basis });
        let about = About::default();
        features.push(Feature {
            name,
            title,
            unit,
            typical,
            is_numeric,
            about,
            own: None,
            seen: None,
        });
    }
    let scorer = Scorer::Linear { encoder: Encoder { features: encodings }, intercept, weights };
    let setting = Setting::Logistic { ridge, knots };
    let model = ChurnModel::new(features, scorer, calibration, bands, setting);
    let OldValidation { metrics, intervals, train_rows, estimator } = validation;
    let (tried, horizons) = (Vec::new(), Vec::new());
    let validation = Validation {
        metrics,
        intervals,
        train_rows,
        estimator,
        tried,
        overall: None,
        segments: Vec::new(),
        drivers: Vec::new(),
        learning: Vec::new(),
        horizons,
    };
    Ok(Content { spec, model, survival: None, validation, provenance, baseline: None })
}
