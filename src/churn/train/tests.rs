use std::collections::BTreeMap;

use linfa::ParamGuard;

use super::super::artifact::Provenance;
use super::super::fit::{Chosen, choose};
use super::super::frame::tests::column;
use super::super::frame::{Column, Rows, Values};
use super::super::metrics::sigmoid;
use super::super::params::{ChurnParams, tests::given};
use super::super::sample;
use super::super::spec::{Candidate, ChurnSpec, Direction, Label};
use super::super::trial::{Setting, repeat, settle, trials};
use super::super::{Artifact, Baseline, Content};
use super::*;

/// A number in [0, 1) that looks random and is the same on every run.
fn noise(row: usize, stream: usize) -> f64 {
    let mixed = (row as u64 * 2_654_435_761 + stream as u64 * 40_503).wrapping_mul(0x9e37_79b9);
    ((mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b) >> 8) as f64 % 1e6 / 1e6
}

/// Customers whose risk depends on silence (bent at 30 days) and on the plan.
fn rows_and_columns(n_rows: usize, shift: f64) -> (Rows, Vec<Column>) {
    let quiet: Vec<f64> = (0..n_rows).map(|row| (noise(row, 1) * 60.0).floor()).collect();
    let plan = |row: usize| if noise(row, 2) < 0.5 { "monthly" } else { "yearly" };
    let logit = |row: usize| {
        shift + 0.12 * (quiet[row] - 30.0).max(0.0) + if plan(row) == "monthly" { 1.0 } else { 0.0 }
    };
    let rows = Rows {
        ids: (0..n_rows).map(|row| format!("c{row:05}")).collect(),
        periods: (0..n_rows).map(|row| row % 5).collect(),
        churned: (0..n_rows).map(|row| noise(row, 3) < sigmoid(logit(row))).collect(),
    };
    let plans = Values::categorical((0..n_rows).map(|row| Some(plan(row))));
    let junk = Values::Numeric((0..n_rows).map(|row| noise(row, 4)).collect());
    let quiet = Values::Numeric(quiet);
    (rows, vec![column("quiet", quiet), column("plan", plans), column("junk", junk)])
}

fn frame(n_rows: usize, shift: f64) -> Frame {
    let (rows, columns) = rows_and_columns(n_rows, shift);
    Frame::new(rows, columns).unwrap()
}

fn params() -> ChurnValidParams {
    ChurnParams::new(given()).check().unwrap()
}

/// Every kind of estimator, with few trees.
fn all_kinds() -> ChurnSpec {
    let (rate, trees) = (0.1, 30);
    let candidates = vec![
        Candidate::Logistic { ridge: vec![10.0], knots: 3 },
        Candidate::Stumps { rate, trees },
        Candidate::Trees { leaves: vec![4], rate, trees },
    ];
    ChurnSpec { candidates, ..given() }
}

fn artifact(frame: &Frame, spec: ChurnSpec, n_threads: usize) -> Artifact {
    let params = ChurnParams::new(spec.clone()).check().unwrap();
    let Trained { model, survival, validation, .. } =
        train(frame, &params, &[], n_threads).unwrap();
    let provenance = Provenance::default();
    let baseline = Baseline::learn(frame, &[], &model, &spec, None, n_threads).unwrap();
    let baseline = Some(baseline);
    Artifact::new(Content { spec, model, survival, validation, provenance, baseline }).unwrap()
}

pub(in super::super) fn small_frame() -> Frame {
    frame(600, -2.0)
}

pub(in super::super) fn small_artifact() -> Artifact {
    artifact(&small_frame(), given(), 1)
}

#[test]
fn threads_and_the_order_of_the_input_do_not_change_a_byte() {
    let bytes =
        |frame: &Frame, n_threads| artifact(frame, all_kinds(), n_threads).to_bytes().unwrap();
    let one = bytes(&frame(600, -2.0), 1);
    assert_eq!(one, bytes(&frame(600, -2.0), 2));

    let (mut rows, mut columns) = rows_and_columns(600, -2.0);
    rows.ids.reverse();
    rows.periods.reverse();
    rows.churned.reverse();
    columns.rotate_left(1);
    for column in &mut columns {
        match &mut column.values {
            Values::Numeric(values) => values.reverse(),
            Values::Categorical { codes, .. } => codes.reverse(),
        }
    }
    assert_eq!(one, bytes(&Frame::new(rows, columns).unwrap(), 3));
}

#[test]
fn reasons_sum_to_the_logit_and_name_the_cause() {
    let frame = frame(2_000, -2.0);
    let model = train(&frame, &params(), &[], 2).unwrap().model;
    let scored = model.score(&frame, 2).unwrap();
    let mut totals = vec![0.0; model.features().len()];
    for (row, score) in scored.iter().enumerate() {
        let reasons = model.reasons(&frame, row, score, usize::MAX);
        let sum: f64 = reasons.iter().map(|reason| reason.contribution).sum();
        assert!((score.base + sum - score.logit).abs() < 1e-9);
        assert_eq!(score.probability.to_bits(), sigmoid(score.logit).to_bits());
        assert!(reasons.is_sorted_by(|a, b| a.contribution.abs() >= b.contribution.abs()));
        for (total, term) in totals.iter_mut().zip(&score.contributions) {
            *total += term;
        }
    }
    // Contributions are measured from the average customer.
    assert!(totals.iter().all(|total| total.abs() < 1e-6));
    let silent = (0..frame.n_rows())
        .find(|&row| frame.columns()[2].values.value(row) == super::super::Value::Number(59.0))
        .unwrap();
    let reasons = model.reasons(&frame, silent, &scored[silent], 10);
    assert_eq!(reasons[0].feature, "quiet");
    assert!(reasons[0].text.starts_with("quiet: 59 (typical: "), "{}", reasons[0].text);
    assert!(reasons[0].text.ends_with("raises the risk"));
}

#[test]
fn reasons_of_every_estimator_sum_to_the_logit() {
    let frame = frame(800, -1.0);
    for candidate in all_kinds().candidates {
        let spec = ChurnSpec { candidates: vec![candidate], ..given() };
        let model = artifact(&frame, spec, 2).content().model.clone();
        let one = model.score(&frame, 1).unwrap();
        assert_eq!(one, model.score(&frame, 2).unwrap());
        for score in one {
            let sum: f64 = score.contributions.iter().sum();
            assert!((score.base + sum - score.logit).abs() < 1e-9);
            assert_eq!(score.probability.to_bits(), sigmoid(score.logit).to_bits());
        }
    }
}

#[test]
fn probabilities_come_out_as_the_truth_they_were_drawn_from() {
    for shift in [-3.0, 0.5] {
        let frame = frame(4_000, shift);
        let found = train(&frame, &params(), &[], 2).unwrap().validation;
        let metrics = &found.metrics;
        assert_eq!((metrics.rows, found.train_rows), (4_000, 3_200));
        assert!(metrics.ece < 0.03, "{}", metrics.ece);
        // The true probabilities of the same rows set the mark.
        let (rows, columns) = rows_and_columns(4_000, shift);
        let truth: Vec<f64> = (0..4_000)
            .map(|row| {
                let Values::Numeric(quiet) = &columns[0].values else { unreachable!() };
                let plan = if noise(row, 2) < 0.5 { 1.0 } else { 0.0 };
                sigmoid(shift + 0.12 * (quiet[row] - 30.0).max(0.0) + plan)
            })
            .collect();
        let best = Ranking::new(&truth, &rows.churned).metrics().unwrap();
        assert!(metrics.auc > best.auc - 0.01, "{} of {}", metrics.auc, best.auc);
        assert!(metrics.log_loss < best.log_loss + 0.01);
        let [low, high] = found.intervals.unwrap().auc;
        assert!(low < metrics.auc && metrics.auc < high);
    }
}

#[test]
fn a_label_without_signal_is_not_made_to_look_good() {
    let (mut rows, columns) = rows_and_columns(2_000, -2.0);
    rows.churned = (0..2_000).map(|row| noise(row, 9) < 0.3).collect();
    let frame = Frame::new(rows, columns).unwrap();
    let metrics = train(&frame, &params(), &[], 2).unwrap().validation.metrics;
    assert!((metrics.auc - 0.5).abs() < 0.05, "{}", metrics.auc);
    assert!(metrics.brier_skill < 0.01 && metrics.ece < 0.05);
}

#[test]
fn by_time_only_later_periods_test_and_the_embargo_is_fitted_last() {
    let frame = frame(1_000, -2.0);
    let mut spec = ChurnSpec { cutoffs: Cutoffs::Dates { train: vec![], test: vec![] }, ..given() };
    spec.label = Label::Inactivity {
        horizon_days: 30,
        gap_days: 0,
        eligible_days: 30,
        activities: Vec::new(),
    };
    let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
    spec.cutoffs = Cutoffs::Dates {
        train: vec![day("2025-01-01"), day("2025-02-01"), day("2025-03-01")],
        test: vec![day("2025-05-01"), day("2025-06-01")],
    };
    let params = ChurnParams::new(spec).check().unwrap();
    let periods = super::super::resolve(&params, day("2024-01-01"), day("2025-12-31")).unwrap();
    let found = train(&frame, &params, &periods, 1).unwrap().validation;
    assert_eq!((found.metrics.rows, found.train_rows), (400, 600));

    let mut leaking = periods.clone();
    leaking[2] = leaking[2].altered(Role::Train, day("2025-05-02"));
    let error = train(&frame, &params, &leaking, 1).unwrap_err();
    assert!(error.to_string().contains("2025-05-02, past the test cutoff 2025-05-01"));
    leaking[2] = leaking[2].altered(Role::Embargo, day("2025-05-02"));
    let found = train(&frame, &params, &leaking, 1).unwrap().validation;
    assert_eq!(found.train_rows, 400);
}

#[test]
fn too_few_churners_are_refused_before_anything_is_fitted() {
    let error = train(&frame(100, -5.0), &params(), &[], 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Insufficient);
    assert!(error.to_string().contains("30 are needed"), "{error}");
}

/// The specs that ship with the project parse and hold together.
#[test]
fn the_specs_of_the_project_are_valid() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut n_specs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let spec = ChurnSpec::parse(&text, &path.display().to_string()).unwrap();
            assert_eq!(spec.name, path.file_stem().unwrap().to_str().unwrap());
            ChurnParams::new(spec).check().unwrap();
            n_specs += 1;
        }
    }
    assert!(n_specs >= 4);
}

#[test]
fn what_was_asked_to_be_monotone_is() {
    let mut spec = all_kinds();
    let direction = BTreeMap::from([("junk".to_owned(), Direction::Falls)]);
    spec.features.monotone = direction;
    let error = ChurnParams::new(spec.clone()).check().unwrap_err();
    assert!(error.to_string().contains("stumps and no others"), "{error}");
    spec.candidates = vec![Candidate::Stumps { rate: 0.3, trees: 60 }];
    let frame = frame(2_000, 0.0);
    let logits = |spec: &ChurnSpec| {
        let params = ChurnParams::new(spec.clone()).check().unwrap();
        let model = train(&frame, &params, &[], 1).unwrap().model;
        let place = model.features().iter().position(|feature| feature.name == "junk");
        let Values::Numeric(junk) = &frame.column("junk").unwrap().values else { panic!() };
        let scored = model.score(&frame, 1).unwrap();
        let adds = |row: &Scored| place.map_or(0.0, |place| row.contributions[place]);
        let mut pairs: Vec<(f64, f64)> =
            junk.iter().copied().zip(scored.iter().map(adds)).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        pairs.into_iter().map(|(_, adds)| adds).collect::<Vec<f64>>()
    };
    let falls = |adds: &[f64]| adds.windows(2).all(|pair| pair[0] >= pair[1] - 1e-12);
    assert!(falls(&logits(&spec)));
    spec.features.monotone.clear();
    assert!(!falls(&logits(&spec)), "of itself it goes up and down");
    spec.features.monotone = BTreeMap::from([("plan".to_owned(), Direction::Rises)]);
    let params = ChurnParams::new(spec).check().unwrap();
    let error = train(&frame, &params, &[], 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("\"plan\" is no number"), "{error}");
}

/// What may be the best by a sample of the customers is grown on all of them.
#[test]
fn more_rows_carry_more_trees() {
    let frame = frame(8_000, -2.0);
    let spec = ChurnSpec {
        candidates: vec![
            Candidate::Stumps { rate: 0.3, trees: 50 },
            Candidate::Stumps { rate: 0.1, trees: 400 },
        ],
        ..given()
    };
    let params = ChurnParams::new(spec).check().unwrap();
    let (spec, rows): (_, Vec<usize>) = (params.spec(), (0..frame.n_rows()).collect());
    let few = sample::draw(&frame, rows.clone(), 800, spec.seed);
    let of = |rows: &[usize]| sample::blocks(&frame, rows, &[], &params);
    let chosen = trials(&spec.candidates[1], &frame, &of(&few), spec, 1).unwrap()[0].setting;
    let settled = settle(chosen, &frame, &of(&rows), spec, 2).unwrap();
    let trees = |setting| match setting {
        Setting::Boosted { trees, .. } => trees,
        Setting::Logistic { .. } => 0,
    };
    assert!(trees(settled.setting) > trees(chosen), "{chosen}: {}", settled.setting);
    assert!(settled.setting.is_like(chosen) && settled.setting != chosen);
    // What it says it predicts is what so many trees predict.
    let again = repeat(settled.setting, &frame, &of(&rows), spec, 1).unwrap();
    let apart = settled.logits.iter().zip(&again).map(|(a, b)| (a - b).abs());
    assert!(apart.fold(0.0, f64::max) < 1e-9);
}

/// What a few rows can not tell apart, all rows do; what is far off is not tried again.
#[test]
fn what_may_be_the_best_meets_again_on_all_rows() {
    let frame = frame(8_000, -2.0);
    let spec = ChurnSpec {
        candidates: vec![
            Candidate::Logistic { ridge: vec![1e9], knots: 0 },
            Candidate::Stumps { rate: 0.1, trees: 200 },
            Candidate::Trees { leaves: vec![4], rate: 0.1, trees: 200 },
        ],
        ..given()
    };
    let params = ChurnParams::new(spec).check().unwrap();
    let rows: Vec<usize> = (0..frame.n_rows()).collect();
    let few = sample::draw(&frame, rows.clone(), 2_000, params.spec().seed);
    let Chosen { trial, tried, .. } = choose(&frame, &rows, &few, &[], &params, 2).unwrap();
    let judged_on: Vec<usize> = tried.iter().map(|it| it.rows).collect();
    assert_eq!(judged_on, [few.len(), rows.len(), rows.len()], "{tried:?}");
    assert!(tried[0].excess > 2.0 * tried[0].error, "{tried:?}");
    assert_eq!(trial.logits.len(), rows.len());
    assert_eq!(tried.iter().filter(|it| it.setting == trial.setting).count(), 1);
    let all = choose(&frame, &rows, &rows, &[], &params, 1).unwrap();
    assert!(all.tried.iter().all(|it| it.rows == rows.len()));
    assert_eq!(all.trial.setting, trial.setting);
}
