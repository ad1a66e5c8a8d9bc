//! What does each feature add to the log-odds of a row?
//!
//! Three estimators, one answer: a base and one contribution per feature, whose
//! sum is the log-odds. An additive model says it directly, larger trees by their
//! Shapley values.

use std::collections::BTreeSet;

use linfa::dataset::Records;
use linfa::traits::PredictInplace;
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::bins::{Binned, Binning};
use super::boost::{BoostedTrees, predict};
use super::encode::Encoder;
use super::frame::Frame;
use super::logistic::LogisticModel;
use super::shapley::Explained;
use crate::error::Result;

/// A fitted estimator with its way from a frame to its columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Scorer {
    /// Weights of the columns of an encoder.
    Linear { encoder: Encoder, intercept: f64, weights: Vec<f64> },
    /// What each class of each feature adds.
    Tables { binning: Binning, base: f64, tables: Vec<Vec<f64>> },
    /// Trees of several features.
    Trees { binning: Binning, model: BoostedTrees },
}

impl Scorer {
    pub(super) fn linear(encoder: Encoder, fitted: &LogisticModel) -> Self {
        let weights = fitted.weights.to_vec();
        Self::Linear { encoder, intercept: fitted.intercept, weights }
    }

    /// Boosted trees in their shortest form ([`BoostedTrees::concise`]); those of one
    /// split are added up to a table per feature, measured from the average of the
    /// training `rows`.
    pub(super) fn boosted(binning: Binning, rows: &Binned, model: BoostedTrees) -> Self {
        if model.trees.iter().any(|tree| tree.splits.len() > 1) {
            let (model, binning) = model.concise(binning);
            return Self::Trees { binning, model };
        }
        let asked: BTreeSet<usize> =
            model.trees.iter().flat_map(|tree| &tree.splits).map(|split| split.feature).collect();
        let (_, tables) = predict::tables(&model.trees, &rows.n_classes);
        let mean = |feature: usize| {
            let column = &rows.columns[feature];
            let sum: f64 = column.iter().map(|&class| tables[feature][usize::from(class)]).sum();
            sum / column.len() as f64
        };
        let means: Vec<f64> = asked.into_iter().map(mean).collect();
        let (model, binning) = model.concise(binning);
        let (of_all, mut tables) = predict::tables(&model.trees, &binning.n_classes());
        for (table, mean) in tables.iter_mut().zip(&means) {
            table.iter_mut().for_each(|cell| *cell -= mean);
        }
        let base = model.base + of_all + means.iter().sum::<f64>();
        Self::Tables { binning, base, tables }
    }

    /// The names of the features that can move a score, in their order.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Linear { encoder, .. } => encoder.names().collect(),
            Self::Tables { binning, .. } | Self::Trees { binning, .. } => binning.names().collect(),
        }
    }

    /// The log-odds of `rows` without the contributions that they are made of.
    pub(super) fn logits(&self, frame: &Frame, rows: &[usize]) -> Result<Vec<f64>> {
        match self {
            Self::Linear { .. } => {
                let prepared = self.prepare();
                let contributions = prepared.contributions(frame, rows)?;
                let width = self.names().len();
                let sum = |row: usize| {
                    let own = &contributions[row * width..][..width];
                    own.iter().fold(prepared.base(), |sum, term| sum + term)
                };
                Ok((0..rows.len()).map(sum).collect())
            }
            Self::Tables { binning, base, tables } => {
                let binned = binning.transform(frame, rows)?;
                let mut logits = vec![*base; rows.len()];
                predict::add_tables(tables, &binned, &mut logits);
                Ok(logits)
            }
            Self::Trees { binning, model } => {
                let binned = binning.transform(frame, rows)?;
                let mut logits = Array1::zeros(rows.len());
                model.predict_inplace(&binned, &mut logits);
                Ok(logits.to_vec())
            }
        }
    }

    /// Gets ready to score many rows.
    pub(super) fn prepare(&self) -> Prepared<'_> {
        match self {
            Self::Linear { encoder, intercept, weights } => {
                Prepared::Linear { encoder, intercept: *intercept, weights }
            }
            Self::Tables { binning, base, tables } => {
                Prepared::Tables { binning, base: *base, tables }
            }
            Self::Trees { binning, model } => {
                Prepared::Trees { binning, explained: Explained::new(model) }
            }
        }
    }
}

/// A scorer that is ready.
pub(super) enum Prepared<'a> {
    Linear { encoder: &'a Encoder, intercept: f64, weights: &'a [f64] },
    Tables { binning: &'a Binning, base: f64, tables: &'a [Vec<f64>] },
    Trees { binning: &'a Binning, explained: Explained },
}

impl Prepared<'_> {
    /// Log-odds of the average training row.
    pub(super) fn base(&self) -> f64 {
        match self {
            Self::Linear { intercept, .. } => *intercept,
            Self::Tables { base, .. } => *base,
            Self::Trees { explained, .. } => explained.base,
        }
    }

    /// Contributions to the log-odds, rows × features, row by row.
    pub(super) fn contributions(&self, frame: &Frame, rows: &[usize]) -> Result<Vec<f64>> {
        match self {
            Self::Linear { encoder, weights, .. } => {
                let matrix = encoder.transform(frame, rows)?;
                let mut contributions = Vec::new();
                for row in matrix.rows() {
                    let mut terms = row.into_iter().zip(*weights);
                    contributions.extend(encoder.widths().map(|width| {
                        terms.by_ref().take(width).map(|(x, weight)| x * weight).sum::<f64>()
                    }));
                }
                Ok(contributions)
            }
            Self::Tables { binning, tables, .. } => {
                let binned = binning.transform(frame, rows)?;
                let n_features = tables.len();
                let mut contributions = vec![0.0; rows.len() * n_features];
                for (feature, (column, table)) in binned.columns.iter().zip(*tables).enumerate() {
                    for (row, &class) in column.iter().enumerate() {
                        contributions[row * n_features + feature] = table[usize::from(class)];
                    }
                }
                Ok(contributions)
            }
            Self::Trees { binning, explained, .. } => {
                let binned = binning.transform(frame, rows)?;
                let n_features = binned.nfeatures();
                let mut contributions = vec![0.0; rows.len() * n_features];
                explained.add_to(&binned, n_features, &mut contributions);
                Ok(contributions)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use linfa::DatasetBase;
    use linfa::traits::Fit;

    use super::super::bins::MOST;
    use super::super::boost::Boosting;
    use super::super::boost::tests::{frame, predict};
    use super::*;

    fn scorer(frame: &Frame, rows: &[usize], leaves: usize) -> (Scorer, Array1<f64>) {
        let binning = Binning::fit(frame, rows, MOST);
        let binned = binning.transform(frame, rows).unwrap();
        let churned = rows.iter().map(|&row| frame.churned()[row]).collect();
        let data = DatasetBase::new(binned, churned);
        // Half a dozen trees, so that not every feature is asked about.
        let model = Boosting::new(leaves, 0.3, 6).shares(1.0, 0.5).fit(&data).unwrap();
        let logits = predict(&model, &data.records);
        (Scorer::boosted(binning, &data.records, model), logits)
    }

    #[test]
    fn base_and_contributions_sum_to_what_the_trees_say() {
        let frame = frame(2_000);
        let rows: Vec<usize> = (0..2_000).collect();
        for (leaves, is_additive) in [(2, true), (6, false)] {
            let (scorer, logits) = scorer(&frame, &rows, leaves);
            assert_eq!(matches!(scorer, Scorer::Tables { .. }), is_additive);
            let prepared = scorer.prepare();
            let contributions = prepared.contributions(&frame, &rows).unwrap();
            let width = scorer.names().len();
            assert!(width < 4 || !is_additive);
            let mut totals = vec![0.0; width];
            for (own, logit) in contributions.chunks(width).zip(&logits) {
                assert!((prepared.base() + own.iter().sum::<f64>() - logit).abs() < 1e-9);
            }
            let sums = scorer.logits(&frame, &rows).unwrap();
            for (sum, logit) in sums.iter().zip(&logits) {
                assert!((sum - logit).abs() < 1e-9);
            }
            for own in contributions.chunks(width) {
                totals.iter_mut().zip(own).for_each(|(total, term)| *total += term);
            }
            if is_additive {
                assert!(totals.iter().all(|total| total.abs() < 1e-6));
            }
            let json = serde_json::to_string(&scorer).unwrap();
            assert_eq!(serde_json::from_str::<Scorer>(&json).unwrap(), scorer);
        }
    }
}
