use std::collections::BTreeSet;

use super::super::bins::{Binning, MOST};
use super::super::frame::tests::column;
use super::super::frame::{Frame, Rows, Values};
use super::super::metrics::{Ranking, log_loss, sigmoid};
use super::*;

/// A number in [0, 1) that looks random and is the same on every run.
fn noise(row: usize, stream: u64) -> f64 {
    let mut mixed = (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (stream << 32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// Rows of two numbers, one of them at times missing, a category and junk; churn
/// is likely where either both numbers are large or the category is `b`.
pub(in super::super) fn frame(n_rows: usize) -> Frame {
    let number = |stream| move |row| (noise(row, stream) * 100.0).floor();
    let (a, b) = (number(1), number(2));
    let level = |row: usize| ["a", "b", "c"][(noise(row, 3) * 3.0) as usize];
    let logit = |row: usize| {
        let both = if a(row) > 60.0 && b(row) > 40.0 { 4.0 } else { -1.5 };
        both + if level(row) == "b" { 1.0 } else { 0.0 }
    };
    let rows = Rows {
        ids: (0..n_rows).map(|row| format!("{row:06}")).collect(),
        periods: vec![0; n_rows],
        churned: (0..n_rows).map(|row| noise(row, 4) < sigmoid(logit(row))).collect(),
    };
    let missing = |row: &usize| if noise(*row, 5) < 0.1 { f64::NAN } else { b(*row) };
    let columns = [
        ("a", Values::Numeric((0..n_rows).map(a).collect())),
        ("b", Values::Numeric((0..n_rows).map(|row| missing(&row)).collect())),
        ("c", Values::categorical((0..n_rows).map(|row| Some(level(row))))),
        ("junk", Values::Numeric((0..n_rows).map(|row| noise(row, 6)).collect())),
    ];
    let columns = columns.into_iter().map(|(name, values)| column(name, values));
    Frame::new(rows, columns.collect()).unwrap()
}

pub(in super::super) fn dataset(frame: &Frame) -> DatasetBase<Binned, Array1<bool>> {
    let rows: Vec<usize> = (0..frame.n_rows()).collect();
    let binned = Binning::fit(frame, &rows, MOST).transform(frame, &rows).unwrap();
    DatasetBase::new(binned, Array1::from(frame.churned().to_vec()))
}

pub(in super::super) fn predict(model: &BoostedTrees, rows: &Binned) -> Array1<f64> {
    let mut logits = model.default_target(rows);
    model.predict_inplace(rows, &mut logits);
    logits
}

#[test]
fn the_first_split_is_the_one_that_trying_all_would_find() {
    let frame = frame(3_000);
    let data = dataset(&frame);
    let model = Boosting::new(2, 1.0, 1).shares(1.0, 1.0).fit(&data).unwrap();
    let [split] = &model.trees[0].splits[..] else { panic!("no split") };

    let base = model.base;
    let gradient = |row: usize| sigmoid(base) - f64::from(frame.churned()[row]);
    let weight = sigmoid(base) * (1.0 - sigmoid(base));
    let worth = |rows: &[usize]| {
        let sum: f64 = rows.iter().map(|&row| gradient(row)).sum();
        sum * sum / (weight * rows.len() as f64 + 0.2)
    };
    let all: Vec<usize> = (0..frame.n_rows()).collect();
    let mut best = (f64::NEG_INFINITY, 0, Vec::new());
    for feature in 0..4 {
        let column = &data.records.columns[feature];
        for class in 0..data.records.n_classes[feature] {
            for missing_goes_left in [true, false] {
                let goes_left = |row: &usize| {
                    let own = usize::from(column[*row]);
                    if !data.records.is_ordered[feature] {
                        own == class
                    } else if own == 0 {
                        missing_goes_left
                    } else {
                        own <= class
                    }
                };
                let (left, right): (Vec<usize>, Vec<usize>) =
                    all.iter().partition(|row| goes_left(row));
                if left.len().min(right.len()) < 20 {
                    continue;
                }
                let gain = worth(&left) + worth(&right) - worth(&all);
                if gain > best.0 + 1e-6 {
                    best = (gain, feature, left);
                }
            }
        }
    }
    assert_eq!(split.feature, best.1);
    let column = &data.records.columns[split.feature];
    let left: Vec<usize> =
        all.into_iter().filter(|&row| split.left.contains(column[row])).collect();
    assert_eq!(left, best.2);
    assert!((split.share - left.len() as f64 / 3_000.0).abs() < 1e-12);
    // A leaf answers with a Newton step.
    let sum: f64 = left.iter().map(|&row| gradient(row)).sum();
    let answer = -sum / (weight * left.len() as f64 + 0.2);
    let of_first = model.trees[0].leaves[model.trees[0].leaf_of(&data.records, left[0])];
    assert!((of_first - answer).abs() < 1e-5, "{of_first} for {answer}");
}

#[test]
fn threads_change_no_bit() {
    let data = dataset(&frame(30_000));
    let fit = |n_threads| Boosting::new(8, 0.1, 20).threads(n_threads).fit(&data).unwrap();
    let one = fit(1);
    assert_eq!(serde_json::to_vec(&one).unwrap(), serde_json::to_vec(&fit(2)).unwrap());
    assert_eq!(one, fit(3));
    assert_ne!(one, Boosting::new(8, 0.1, 20).seed(1).fit(&data).unwrap());
}

#[test]
fn asking_all_trees_at_once_ends_in_the_leaves_of_a_walk() {
    let data = dataset(&frame(3_001));
    // A few trees, and as many as fill tiles once and twice and begin another.
    for (leaves, trees) in
        [(2, 7), (3, 65), (4, 129), (8, 130), (12, 20), (20, 7), (20, 130), (33, 65), (64, 7)]
    {
        let model = Boosting::new(leaves, 0.2, trees).fit(&data).unwrap();
        let most = model.trees.iter().map(|tree| tree.leaves.len()).max();
        assert!(leaves > 20 || most == Some(leaves), "{most:?}");
        let at_once = predict(&model, &data.records);
        for (row, logit) in at_once.iter().enumerate() {
            let answer = |tree: &Tree| tree.leaves[tree.leaf_of(&data.records, row)];
            let walked = model.trees.iter().fold(model.base, |sum, tree| sum + answer(tree));
            // Added up in another order.
            assert!((logit - walked).abs() < 1e-12, "{leaves}: {logit} {walked}");
        }
    }
}

#[test]
fn concise_trees_answer_alike_from_the_classes_they_tell_apart() {
    let frame = frame(3_001);
    let rows: Vec<usize> = (0..frame.n_rows()).collect();
    let binning = Binning::fit(&frame, &rows, MOST);
    for (leaves, trees) in [(2, 3), (2, 40), (4, 1), (8, 70)] {
        let model = Boosting::new(leaves, 0.2, trees).fit(&dataset(&frame)).unwrap();
        let splits = || model.trees.iter().flat_map(|tree| &tree.splits);
        let asked: BTreeSet<usize> = splits().map(|split| split.feature).collect();
        let (short, classes) = model.clone().concise(binning.clone());
        assert_eq!(classes.names().count(), asked.len());
        // A question tells two neighbours apart, or missing values from others.
        let n_classes: usize = classes.n_classes().iter().sum();
        assert!(n_classes <= 2 * asked.len() + splits().count(), "{leaves} × {trees}: {n_classes}");
        let before = predict(&model, &binning.transform(&frame, &rows).unwrap());
        let after = predict(&short, &classes.transform(&frame, &rows).unwrap());
        assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(short.clone().concise(classes.clone()).1, classes);
    }
}

#[test]
fn larger_trees_find_what_matters_only_together() {
    let (train, test) = (frame(8_000), frame(16_000));
    let rows: Vec<usize> = (0..8_000).collect();
    let later: Vec<usize> = (8_000..16_000).collect();
    let binning = Binning::fit(&train, &rows, MOST);
    let data = DatasetBase::new(
        binning.transform(&train, &rows).unwrap(),
        Array1::from(train.churned().to_vec()),
    );
    let unseen = binning.transform(&test, &later).unwrap();
    let outcomes: Vec<bool> = later.iter().map(|&row| test.churned()[row]).collect();
    let loss = |leaves, trees| {
        let model = Boosting::new(leaves, 0.1, trees).fit(&data).unwrap();
        let logits = predict(&model, &unseen);
        let probabilities: Vec<f64> = logits.iter().map(|&logit| sigmoid(logit)).collect();
        assert!(Ranking::new(&probabilities, &outcomes).metrics().unwrap().auc > 0.7);
        log_loss(&logits.to_vec(), &outcomes)
    };
    let (stumps, trees) = (loss(2, 200), loss(8, 100));
    assert!(trees < stumps - 0.05, "{trees} against {stumps}");
}

#[test]
fn one_class_and_few_rows_give_a_finite_constant() {
    let frame = frame(25);
    let mut data = dataset(&frame);
    data.targets.fill(false);
    let model = Boosting::new(4, 0.1, 5).fit(&data).unwrap();
    assert!(model.base.is_finite() && model.trees.iter().all(|tree| tree.splits.is_empty()));
    let logits = predict(&model, &data.records);
    assert!(logits.iter().all(|logit| logit.is_finite() && *logit < -3.0));
}

#[test]
fn parameters_out_of_range_and_labels_that_do_not_fit_are_refused() {
    for boosting in [
        Boosting::new(1, 0.1, 5),
        Boosting::new(65, 0.1, 5),
        Boosting::new(4, 0.0, 5),
        Boosting::new(4, f64::NAN, 5),
        Boosting::new(4, 0.1, 0),
        Boosting::new(4, 0.1, 5).shares(0.0, 1.0),
    ] {
        assert_eq!(boosting.check_ref().unwrap_err().kind(), ErrorKind::Usage);
    }
    let mut data = dataset(&frame(20));
    data.targets = Array1::from(vec![true; 19]);
    assert!(Boosting::new(4, 0.1, 5).fit(&data).is_err());
}
