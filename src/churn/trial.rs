//! How would each estimator, at each setting, have done on rows it has not seen?
//!
//! A *block* is some rows to fit on and others to predict. Every setting is
//! fitted on each block and predicts its other rows; how good those predictions
//! are is for [`super::fit`] to judge.

use std::fmt;

use linfa::traits::{Fit, Predict};
use linfa::{Dataset, DatasetBase, ParamGuard};
use ndarray::{Array1, Array2, Ix1};
use serde::{Deserialize, Serialize};

use super::bins::{Binned, Binning};
use super::boost::{Boosting, Path};
use super::encode::Encoder;
use super::frame::Frame;
use super::logistic::{LogisticModel, RidgeLogistic};
use super::metrics::{log_loss, loss};
use super::parallel;
use super::scorer::Scorer;
use super::spec::{Candidate, ChurnSpec, Direction};
use crate::error::Result;

/// The held-out loss is looked at after every so many trees.
const TREES_A_LOOK: usize = 10;
/// Trees are added until the loss was no better for so many looks.
const LOOKS: usize = 6;
/// Classes of a feature for stumps: a coarse table is as good and less noisy.
const STUMP_CLASSES: usize = 31;
/// Classes of a feature for larger trees, which need the exact thresholds.
const TREE_CLASSES: usize = 255;

/// Rows to fit on, and others to predict.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    pub train: Vec<usize>,
    pub test: Vec<usize>,
}

/// An estimator with everything that has to be said to fit it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "estimator", rename_all = "lowercase", deny_unknown_fields)]
pub enum Setting {
    /// Logistic regression on linear splines.
    Logistic {
        /// Penalty on the squared weights.
        ridge: f64,
        /// Bends of each numeric feature.
        knots: usize,
    },
    /// Boosted trees; those of two leaves are additive.
    Boosted {
        /// Most leaves of a tree.
        leaves: usize,
        /// Share of a tree's answer that counts.
        rate: f64,
        /// Number of trees.
        trees: usize,
    },
}

impl Setting {
    /// Whether both differ in the number of trees at most.
    pub(crate) fn is_like(self, other: Self) -> bool {
        match (self, other) {
            (Self::Boosted { leaves, rate, .. }, Self::Boosted { leaves: l, rate: r, .. }) => {
                leaves == l && rate == r
            }
            _ => self == other,
        }
    }

    /// The part of a candidate that it is a setting of: the same estimator, at other
    /// ridges or numbers of trees.
    pub(super) fn part_of(self, candidate: &Candidate) -> Option<Candidate> {
        match (self, candidate) {
            (Self::Logistic { .. }, Candidate::Logistic { .. })
            | (Self::Boosted { leaves: 2, .. }, Candidate::Stumps { .. }) => {
                Some(candidate.clone())
            }
            (Self::Boosted { leaves, .. }, Candidate::Trees { leaves: all, rate, trees }) => all
                .contains(&leaves)
                .then(|| Candidate::Trees { leaves: vec![leaves], rate: *rate, trees: *trees }),
            _ => None,
        }
    }

    /// What is taken first where the data can not tell settings apart: tables per
    /// feature; then splines, which draw straight on where there are few rows and so
    /// travel worse to other times; then trees, the harder to follow the more
    /// leaves they have.
    pub(super) const fn rank(self) -> usize {
        match self {
            Self::Boosted { leaves: 2, .. } => 0,
            Self::Logistic { .. } => 1,
            Self::Boosted { leaves, .. } => leaves,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logistic { ridge, .. } => write!(f, "logistic, ridge {ridge}"),
            Self::Boosted { leaves: 2, trees, .. } => write!(f, "boosted stumps, {trees}"),
            Self::Boosted { leaves, trees, .. } => {
                write!(f, "boosted trees of {leaves} leaves, {trees}")
            }
        }
    }
}

/// A setting with what it predicted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trial {
    pub setting: Setting,
    /// Held-out log-odds, block after block.
    pub logits: Vec<f64>,
}

/// Tries all settings of a candidate, the simplest first.
pub(super) fn trials(
    candidate: &Candidate,
    frame: &Frame,
    blocks: &[Block],
    spec: &ChurnSpec,
    n_threads: usize,
) -> Result<Vec<Trial>> {
    match candidate {
        Candidate::Logistic { ridge, knots } => ridges(frame, blocks, ridge, *knots, n_threads),
        Candidate::Stumps { rate, trees } => {
            boosts(frame, blocks, &[2], (*rate, *trees), spec, n_threads)
        }
        Candidate::Trees { leaves, rate, trees } => {
            boosts(frame, blocks, leaves, (*rate, *trees), spec, n_threads)
        }
    }
}

/// The predictions of one setting on other blocks than it was chosen on.
pub(super) fn repeat(
    setting: Setting,
    frame: &Frame,
    blocks: &[Block],
    spec: &ChurnSpec,
    n_threads: usize,
) -> Result<Vec<f64>> {
    let logits = parallel::map(blocks, n_threads, |block| {
        fit(setting, frame, &block.train, spec, 1)?.logits(frame, &block.test)
    })?;
    Ok(logits.concat())
}

/// A setting that may be the best by fewer rows, and what it predicts on these blocks: of
/// trees as many as predict best there, since more rows carry more of them.
pub(super) fn settle(
    setting: Setting,
    frame: &Frame,
    blocks: &[Block],
    spec: &ChurnSpec,
    n_threads: usize,
) -> Result<Trial> {
    if let Setting::Boosted { leaves, rate, .. } = setting {
        // The candidate it is of, and with several the one that allows most trees.
        let most = |candidate: &Candidate| match setting.part_of(candidate)? {
            Candidate::Stumps { rate: own, trees } | Candidate::Trees { rate: own, trees, .. } => {
                (own == rate).then_some(trees)
            }
            Candidate::Logistic { .. } => None,
        };
        if let Some(most) = spec.candidates.iter().filter_map(most).max()
            && let Some(trial) =
                boosts(frame, blocks, &[leaves], (rate, most), spec, n_threads)?.pop()
        {
            return Ok(trial);
        }
    }
    let logits = repeat(setting, frame, blocks, spec, n_threads)?;
    Ok(Trial { setting, logits })
}

/// Fits one setting on `rows`.
pub(super) fn fit(
    setting: Setting,
    frame: &Frame,
    rows: &[usize],
    spec: &ChurnSpec,
    n_threads: usize,
) -> Result<Scorer> {
    match setting {
        Setting::Logistic { ridge, knots } => {
            let (encoder, dataset) = encode(frame, rows, knots)?;
            Ok(Scorer::linear(encoder, &RidgeLogistic::new(ridge).fit(&dataset)?))
        }
        Setting::Boosted { leaves, rate, trees } => {
            let binning = Binning::fit(frame, rows, classes(leaves));
            let binned = binning.transform(frame, rows)?;
            let boosting = Boosting::new(leaves, rate, trees).seed(spec.seed).threads(n_threads);
            let boosting = boosting.monotone(directions(&binning, spec, leaves));
            let dataset = DatasetBase::new(binned, Array1::from(churned(frame, rows)));
            let model = boosting.fit(&dataset)?;
            Ok(Scorer::boosted(binning, &dataset.records, model))
        }
    }
}

/// Which way the log-odds may go with each feature. Larger trees can not keep to it:
/// those of the hazards go where they will, and the curve passes through the score.
fn directions(binning: &Binning, spec: &ChurnSpec, leaves: usize) -> Vec<Option<Direction>> {
    let monotone = (leaves == 2).then_some(&spec.features.monotone);
    binning.names().map(|name| monotone.and_then(|it| it.get(name).copied())).collect()
}

/// The outcomes of `rows`.
pub(super) fn churned(frame: &Frame, rows: &[usize]) -> Vec<bool> {
    rows.iter().map(|&row| frame.churned()[row]).collect()
}

const fn classes(leaves: usize) -> usize {
    if leaves == 2 { STUMP_CLASSES } else { TREE_CLASSES }
}

/// Learns the encoding of `rows` and applies it to them.
fn encode(
    frame: &Frame,
    rows: &[usize],
    knots: usize,
) -> Result<(Encoder, Dataset<f64, bool, Ix1>)> {
    let encoder = Encoder::fit(frame, rows, knots)?;
    let records = encoder.transform(frame, rows)?;
    let targets = Array1::from(churned(frame, rows));
    Ok((encoder, DatasetBase::new(records, targets)))
}

/// Logistic regressions from the strongest ridge on, each started at the models
/// of the one before, until a weaker one predicts worse: the held-out loss has one
/// valley, and the weaker the ridge the longer a fit takes.
fn ridges(
    frame: &Frame,
    blocks: &[Block],
    ridges: &[f64],
    knots: usize,
    n_threads: usize,
) -> Result<Vec<Trial>> {
    type Encoded = (Dataset<f64, bool, Ix1>, Array2<f64>);
    let encoded: Vec<Encoded> = parallel::map(blocks, n_threads, |block| {
        let (encoder, train) = encode(frame, &block.train, knots)?;
        Ok((train, encoder.transform(frame, &block.test)?))
    })?;
    let outcomes: Vec<bool> = blocks.iter().flat_map(|block| churned(frame, &block.test)).collect();
    let mut ridges = ridges.to_vec();
    ridges.sort_by(|a, b| b.total_cmp(a));
    let numbers: Vec<usize> = (0..blocks.len()).collect();
    let mut models: Option<Vec<LogisticModel>> = None;
    let mut trials = Vec::new();
    let mut lowest = f64::INFINITY;
    for ridge in ridges {
        let fitted = parallel::map(&numbers, n_threads, |&number| {
            let mut params = RidgeLogistic::new(ridge);
            if let Some(models) = &models {
                params = params.start(models[number].clone());
            }
            params.fit(&encoded[number].0)
        })?;
        let predict = |(model, (_, test)): (&LogisticModel, &Encoded)| -> Vec<f64> {
            let logits: Array1<f64> = model.predict(test);
            logits.to_vec()
        };
        let logits: Vec<f64> = fitted.iter().zip(&encoded).flat_map(predict).collect();
        let loss = log_loss(&logits, &outcomes);
        trials.push(Trial { setting: Setting::Logistic { ridge, knots }, logits });
        if loss >= lowest {
            break;
        }
        lowest = loss;
        models = Some(fitted);
    }
    Ok(trials)
}

/// Boosted trees of each size, with as many trees as predict best.
fn boosts(
    frame: &Frame,
    blocks: &[Block],
    leaves: &[usize],
    (rate, most): (f64, usize),
    spec: &ChurnSpec,
    n_threads: usize,
) -> Result<Vec<Trial>> {
    let mut sizes = leaves.to_vec();
    sizes.sort_unstable();
    let n_classes = sizes.first().copied().map_or(TREE_CLASSES, classes);
    let binned: Vec<(Binning, Binned, Binned)> = parallel::map(blocks, n_threads, |block| {
        let binning = Binning::fit(frame, &block.train, n_classes);
        let [train, test] = [&block.train, &block.test].map(|rows| binning.transform(frame, rows));
        Ok((binning, train?, test?))
    })?;
    let outcomes = |block: &Block| (churned(frame, &block.train), churned(frame, &block.test));
    let outcomes: Vec<(Vec<bool>, Vec<bool>)> = blocks.iter().map(outcomes).collect();
    let trial = |leaves| {
        let boosting = |(binning, ..): &(Binning, Binned, Binned)| {
            let boosting = Boosting::new(leaves, rate, most).seed(spec.seed);
            boosting.monotone(directions(binning, spec, leaves)).check()
        };
        let boostings: Vec<_> = binned.iter().map(boosting).collect::<Result<_>>()?;
        let mut lanes = Vec::with_capacity(blocks.len());
        let tried = boostings.iter().zip(&binned).zip(&outcomes);
        for ((boosting, (_, train, test)), (seen, hidden)) in tried {
            let path = boosting.path(train, seen)?;
            let logits = vec![path.model.base; hidden.len()];
            lanes.push(Lane { path, test, hidden, logits });
        }
        let (trees, logits) = grow_together(&mut lanes, most, n_threads)?;
        Ok(Trial { setting: Setting::Boosted { leaves, rate, trees }, logits })
    };
    sizes.into_iter().map(trial).collect()
}

/// A block on which trees are grown.
struct Lane<'a> {
    path: Path<'a>,
    test: &'a Binned,
    hidden: &'a [bool],
    logits: Vec<f64>,
}

/// Grows trees on all blocks until they predict no better: the number of trees
/// that predicted best and what they predicted.
fn grow_together(
    lanes: &mut [Lane<'_>],
    most: usize,
    n_threads: usize,
) -> Result<(usize, Vec<f64>)> {
    let (mut best, mut lowest, mut since) = ((0, Vec::new()), f64::INFINITY, 0);
    let mut trees = 0;
    while trees < most && since < LOOKS {
        let more = TREES_A_LOOK.min(most - trees);
        parallel::for_each(lanes.iter_mut().collect(), n_threads, |lane: &mut Lane<'_>| {
            for _ in 0..more {
                lane.path.grow()?;
                if let Some(tree) = lane.path.last() {
                    tree.add_to(lane.test, &mut lane.logits);
                }
            }
            Ok(())
        })?;
        trees += more;
        let of_lane = |lane: &Lane<'_>| -> f64 {
            lane.logits.iter().zip(lane.hidden).map(|(&logit, &churned)| loss(logit, churned)).sum()
        };
        let loss: f64 = lanes.iter().map(of_lane).sum();
        since += 1;
        if loss < lowest {
            let logits = lanes.iter().flat_map(|lane| lane.logits.iter().copied()).collect();
            (best, lowest, since) = ((trees, logits), loss, 0);
        }
    }
    Ok(best)
}
