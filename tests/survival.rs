//! Do as many customers leave by a day as the curves said?

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use tempfile::TempDir;
use tenure::generate::{Plan, write};
use tenure::ingest::IngestOptions;
use tenure::{ChurnSpec, Tenure};

use crate::common::block_on;
use crate::model::all_scores;

/// Days of silence that make a departure, as in the spec `churn`.
const HORIZON: i64 = 90;

/// Active days of each customer, counted from `cutoff`, read from the exports.
fn active_days(exports: &std::path::Path, cutoff: NaiveDate) -> BTreeMap<String, BTreeSet<i64>> {
    let mut days: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for entry in std::fs::read_dir(exports).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("activity") {
            continue;
        }
        for line in std::fs::read_to_string(path).unwrap().lines() {
            // Exports hold broken lines, which the store has put aside.
            let Ok(row) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let text = |name: &str| row[name].as_str().map(str::to_owned);
            let (Some(id), Some(at)) = (text("customer_id"), text("occurred_at")) else { continue };
            let Some(day) = at.get(..10).and_then(|day| day.parse::<NaiveDate>().ok()) else {
                continue;
            };
            days.entry(id).or_default().insert((day - cutoff).num_days());
        }
    }
    days
}

/// The first day from which nothing happens for the whole horizon, day by day.
fn departure(days: Option<&BTreeSet<i64>>) -> i64 {
    let is_silent =
        |from: i64| days.is_none_or(|days| days.range(from..from + HORIZON).next().is_none());
    (0..).find(|day| is_silent(*day)).unwrap()
}

/// A model of the first two years says of those who are there at their end by when
/// they will have left; what came of it shows in the months after. One cutoff, so
/// that each customer counts once.
#[test]
fn as_many_leave_by_a_day_as_the_curves_said() {
    let folder = TempDir::new().unwrap();
    let plan = Plan::new(2_000, 4, 32, Plan::default().start()).unwrap();
    write(&plan, folder.path(), &mut |_, _| {}).unwrap();
    let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
    let exports = folder.path().join("exports");
    block_on(tenure.ingest(std::slice::from_ref(&exports), &IngestOptions::default(), &mut ()))
        .unwrap();
    let mut spec = ChurnSpec::built_in("churn").unwrap();
    // The estimators that win here anyway, and are quick without optimisation.
    spec.candidates.retain(|it| !matches!(it, tenure::churn::spec::Candidate::Logistic { .. }));
    let end = Some("2025-12-31");
    let trained = block_on(tenure.train(spec, end, &mut |_, _| {})).unwrap();
    assert_eq!(
        trained.validation.horizons.iter().map(|it| it.days).collect::<Vec<_>>(),
        [30, 60, 90, 180]
    );
    block_on(tenure.score(end)).unwrap();

    let days = active_days(&exports, "2026-01-01".parse().unwrap());
    let scores = all_scores(&tenure);
    for (column, by) in [("probability", 0), ("churn_30", 30), ("churn_60", 60), ("churn_90", 90)] {
        let (mut expected, mut variance, mut left) = (0.0, 0.0, 0);
        for score in &scores {
            let probability = score[column].as_f64().unwrap();
            expected += probability;
            variance += probability * (1.0 - probability);
            let id = score["customer_id"].as_str().unwrap();
            left += u32::from(departure(days.get(id)) <= by);
        }
        let off = (f64::from(left) - expected) / f64::sqrt(variance);
        assert!(off.abs() < 1.96, "{column}: {left} left, {expected:.1} expected ({off:.2} sd)");
    }
    for score in &scores {
        let number = |name: &str| score[name].as_f64().unwrap();
        let curve = ["probability", "churn_30", "churn_60", "churn_90", "churn_180"].map(number);
        assert!(curve.is_sorted(), "{curve:?}");
        assert!((0.0..=1_095.0).contains(&number("remaining_days")));
    }
}
