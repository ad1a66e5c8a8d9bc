//! Is a model that no longer fits told, when it can be, and one that fits not?

use std::fs;

use tempfile::TempDir;
use tenure::generate::{Plan, write};
use tenure::ingest::IngestOptions;
use tenure::tenure::{Drift, Inputs, Judged, Tenure};
use tenure::{ChurnSpec, ErrorKind};

use crate::common::block_on;

/// 600 customers over 18 months to the end of June 2025, no logins in the last
/// two weeks of which have arrived, and a model of the first twelve.
fn trained() -> (TempDir, Tenure, String) {
    let folder = TempDir::new().unwrap();
    let plan = Plan::new(600, 5, 18, Plan::default().start()).unwrap();
    write(&plan, folder.path(), &mut |_, _| {}).unwrap();
    let file = folder.path().join("exports/activity_2025.ndjson");
    let whole = fs::read_to_string(&file).unwrap();
    // The generator leaves broken lines, too; they stay.
    let is_lost = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).is_ok_and(|row| {
            row["name"] == "login" && row["occurred_at"].as_str() >= Some("2025-06-17")
        })
    };
    let kept: String = whole.split_inclusive('\n').filter(|line| !is_lost(line)).collect();
    assert!(kept.lines().count() + 100 < whole.lines().count());
    fs::write(&file, kept).unwrap();

    let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
    let exports = [folder.path().join("exports")];
    block_on(tenure.ingest(&exports, &IngestOptions::default(), &mut ())).unwrap();
    assert_eq!(block_on(tenure.drift(None)).unwrap_err().kind(), ErrorKind::Insufficient);
    let spec = ChurnSpec::built_in("churn").unwrap();
    let trained = block_on(tenure.train(spec, Some("2025-01-31"), &mut |_, _| {})).unwrap();
    (folder, tenure, trained.model)
}

#[test]
fn a_feed_that_stopped_is_told_and_past_scores_are_held_against_what_came_of_them() {
    let (_folder, tenure, model) = trained();
    let drift = |as_of: Option<&str>| -> Drift { block_on(tenure.drift(as_of)).unwrap() };
    let found = drift(Some("2025-02-28"));
    let inputs = found.inputs.as_ref().unwrap();
    // Of a company so young February is news; that logins arrive is not.
    let logins_drifted = |inputs: &Inputs| {
        inputs.shifts.iter().any(|shift| shift.drifted && shift.feature.starts_with("login"))
    };
    assert!(!logins_drifted(inputs), "{:?}", inputs.shifts);
    assert_eq!(inputs.baseline.unwrap().to_string(), "2024-11-01");
    assert!(inputs.baseline_customers > 100 && inputs.customers > 100);
    assert!(inputs.shifts.iter().any(|shift| shift.is_score));

    // The answer to the first was known to the model: such a run says nothing.
    for day in ["2024-12-15", "2025-01-31", "2025-02-28", "2025-03-31"] {
        block_on(tenure.score(Some(day))).unwrap();
    }
    let last = drift(None);
    assert_eq!(last.model, model);
    assert!(last.alarm);
    let inputs = last.inputs.unwrap();
    assert!(inputs.alarm);
    assert!(logins_drifted(&inputs), "{:?}", inputs.shifts);

    let days = |runs: &[Judged]| -> Vec<String> {
        runs.iter().map(|run| run.cutoff.date_naive().to_string()).collect()
    };
    assert_eq!(days(&last.matured), ["2025-01-31", "2025-02-28", "2025-03-31"]);
    assert!(last.pending.is_empty() && last.label_matures);
    for run in &last.matured {
        let bands = || run.bands.values();
        assert_eq!(bands().map(|it| it.churned).sum::<usize>(), run.observed.churned);
        assert_eq!(bands().map(|it| it.customers).sum::<usize>(), run.observed.customers);
        assert!(run.auc.unwrap() > 0.6 && !run.alarm, "{run:?}");
        assert!((run.promised.auc - run.auc.unwrap()).abs() < 0.2, "{run:?}");

        // As it would have been said weeks before, the count is in the interval.
        for weeks in [4_u32, 8] {
            let day = run.cutoff + chrono::TimeDelta::weeks(weeks.into());
            let then = drift(Some(&day.date_naive().to_string()));
            let pending = then.pending.iter().find(|it| it.run_id == run.run_id).unwrap();
            let found = pending.nowcast.unwrap();
            assert!((found.day - 7.0 * f64::from(weeks)).abs() < 1e-9, "{found:?}");
            assert_eq!(found.customers, run.observed.customers);
            assert!((found.scored - run.observed.expected).abs() < 1e-9);
            let [low, high] = found.interval;
            let left = run.observed.churned as f64;
            assert!(low <= left && left <= high, "{left} {found:?}");
        }
    }
}
