//! The data set as a whole: files, totals, silence after churn, calibration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::NaiveDate;
use serde_json::Value;

use super::*;

fn plan(customers: u64, seed: u64, months: u32) -> Plan {
    Plan::new(customers, seed, months, Plan::default().start()).unwrap()
}

fn generated(plan: &Plan) -> (tempfile::TempDir, Summary) {
    let dir = tempfile::tempdir().unwrap();
    let summary = write(plan, dir.path(), &mut |_, _| {}).unwrap();
    (dir, summary)
}

/// Every file below `dir` with its bytes.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in ["exports", "truth"] {
        for entry in fs::read_dir(dir.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_owned();
            files.insert(name, fs::read(path).unwrap());
        }
    }
    files
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let (first, _) = generated(&plan(40, 7, 9));
    let (second, _) = generated(&plan(40, 7, 9));
    let (other, _) = generated(&plan(40, 8, 9));
    assert_eq!(contents(first.path()), contents(second.path()));
    assert_ne!(contents(first.path()), contents(other.path()));
}

#[test]
fn the_committed_sample_is_what_the_code_makes() {
    let (dir, _) = generated(&plan(60, 7, 12));
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/sample");
    for (name, bytes) in contents(dir.path()) {
        let committed = fs::read(sample.join(&name)).unwrap_or_default();
        assert!(committed == bytes, "datasets/sample/{} is stale", name.display());
    }
}

#[test]
fn a_folder_in_use_is_refused_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("truth")).unwrap();
    fs::write(dir.path().join("truth/mine.txt"), "mine").unwrap();
    let error = write(&plan(5, 1, 8), dir.path(), &mut |_, _| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("truth already holds files"), "{error}");
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["truth"]);
}

#[test]
fn what_a_killed_run_left_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("exports.partial")).unwrap();
    fs::write(dir.path().join("exports.partial/half.csv"), "a,b\n1").unwrap();
    fs::create_dir(dir.path().join("exports")).unwrap();
    write(&plan(5, 1, 8), dir.path(), &mut |_, _| {}).unwrap();
    assert!(!dir.path().join("exports.partial").exists());
    assert!(!dir.path().join("exports/half.csv").exists());
}

#[test]
fn dirty_rows_stand_where_the_truth_says_and_nowhere_else() {
    let (dir, summary) = generated(&plan(100, 3, 12));
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir.path().join("exports")).unwrap() {
        let entry = entry.unwrap();
        let file = entry.file_name().into_string().unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        for (index, line) in text.lines().enumerate() {
            // Dirty rows have ids of their own, but for a customer without one.
            if line.contains("DIRTY-") || line.starts_with(',') {
                found.insert((file.clone(), (index + 1).to_string()));
            }
        }
    }
    let mut listed = csv::Reader::from_path(dir.path().join("truth/dirty_rows.csv")).unwrap();
    let listed: Vec<_> = listed.records().map(|row| row.unwrap()).collect();
    let places = listed.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    assert_eq!(found, places);
    let reasons: BTreeSet<_> = listed.iter().map(|row| row[3].to_owned()).collect();
    let expected =
        "bad_choice bad_json bad_number bad_time future_time missing_value out_of_range ragged_row";
    assert_eq!(reasons.into_iter().collect::<Vec<_>>().join(" "), expected);
    assert_eq!(summary.dirty.values().sum::<u64>(), listed.len() as u64);
}

/// The clean rows of a CSV file as maps from column to value.
fn clean_rows(dir: &Path, file: &str) -> Vec<BTreeMap<String, String>> {
    let path = dir.join("exports").join(file);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let rows = reader.records().map(|row| row.unwrap());
    let clean = rows.filter(|row| !row[0].starts_with("DIRTY-") && !row[0].is_empty());
    let named = |row: csv::StringRecord| {
        let cells = header.iter().zip(row.iter());
        cells.map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
    };
    clean.map(named).collect()
}

#[test]
fn totals_are_found_again_in_the_files() {
    let (dir, summary) = generated(&plan(120, 5, 14));
    let orders = clean_rows(dir.path(), "orders.csv");
    let cents = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
    assert_eq!(orders.iter().map(|row| cents(&row["amount"])).sum::<i64>(), summary.orders.cents);
    assert_eq!(orders.len() as u64, summary.tables["orders"]);
    assert!(summary.orders.refunds > 0 && summary.orders.cents > 0);
    let monthly: i64 = summary.months.iter().map(|month| month.order_cents).sum();
    assert_eq!(monthly, summary.orders.cents);

    let deals = clean_rows(dir.path(), "opportunities.csv");
    let won = deals.iter().filter(|row| row["status"] == "won");
    assert_eq!(won.clone().count() as u64, summary.deals.won);
    assert_eq!(won.map(|row| cents(&row["amount"])).sum::<i64>(), summary.deals.won_cents);

    let surveys = clean_rows(dir.path(), "surveys.csv");
    let promoters = surveys
        .iter()
        .filter(|row| row["kind"] == "nps" && matches!(row["score"].as_str(), "9" | "10"));
    assert_eq!(promoters.count() as u64, summary.nps.promoters);

    let mut active: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut rows = 0;
    for year in [2024, 2025] {
        let file = format!("activity_{year}.ndjson");
        let text = fs::read_to_string(dir.path().join("exports").join(&file)).unwrap();
        assert_eq!(text.lines().count() as u64, summary.files[&file].rows);
        for line in text.lines().filter(|line| !line.contains("DIRTY-")) {
            let row: Value = serde_json::from_str(line).unwrap();
            let month = row["occurred_at"].as_str().unwrap()[..7].to_owned();
            let customer = row["customer_id"].as_str().unwrap().to_owned();
            active.entry(month).or_default().insert(customer);
            rows += 1;
        }
    }
    assert_eq!(rows, summary.tables["activity"]);
    for month in &summary.months {
        assert_eq!(active[&month.month].len() as u64, month.active, "{}", month.month);
    }
}

/// A world to live in, and its customers' lives.
fn lives(customers: u64, seed: u64, months: u32) -> (World, Vec<life::Outcome>) {
    let calendar = Calendar::new(NaiveDate::from_ymd_opt(2024, 1, 1).unwrap(), months);
    let world = World::new(calendar, customers, &mut Draw::new(seed, WORLD_STREAM));
    let live = |number| life::live(number, &world, Draw::new(seed, number));
    let lives = (1..=customers).map(live).collect();
    (world, lives)
}

#[test]
fn the_churned_do_nothing_more() {
    let (world, lives) = lives(300, 9, 18);
    let calendar = &world.calendar;
    let mut churned = 0;
    for life in &lives {
        let (history, records) = (&life.history, &life.records);
        let mut days = vec![0; calendar.n_days()];
        for row in &records.activity {
            days[calendar.day_of(row.occurred_at.0)] += 1;
        }
        assert_eq!(days, history.rows, "the history counts what is exported");
        let Some(day) = history.churn_day else {
            continue;
        };
        churned += 1;
        let end = calendar.instant(day, 0);
        let rated = records.tickets.iter().filter(|t| t.satisfaction.is_some());
        let deeds = (records.activity.iter().map(|row| row.occurred_at))
            .chain(records.orders.iter().map(|row| row.ordered_at))
            .chain(records.tickets.iter().map(|row| row.opened_at))
            .chain(rated.filter_map(|row| row.closed_at))
            .chain(records.touches.iter().filter_map(|row| row.responded_at))
            .chain(records.surveys.iter().map(|row| row.responded_at))
            .chain(records.subscriptions.iter().map(|row| row.started_at));
        assert_eq!(deeds.filter(|at| at.0 >= end).count(), 0, "{}", life.row.customer_id);
    }
    assert!(churned > 20, "{churned}");
}

#[test]
fn the_truth_is_calibrated_and_leaves_something_to_learn() {
    let (world, lives) = lives(4_000, 21, 20);
    // One cutoff per customer, so that rows are independent; chosen beforehand,
    // because a choice among eligible cutoffs would favour those who churned.
    let mut rows: Vec<(f64, bool)> = Vec::new();
    for (index, life) in lives.iter().enumerate() {
        let month = truth::FIRST_CUTOFF + index % 15;
        let truths = truth::truths(&life.history, &world.calendar);
        let at_month = truths.iter().find(|truth| truth.month == month);
        rows.extend(at_month.and_then(|truth| Some((truth.probability, truth.churned?))));
    }
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let z = |rows: &[(f64, bool)]| {
        let expected: f64 = rows.iter().map(|(p, _)| p).sum();
        let variance: f64 = rows.iter().map(|(p, _)| p * (1.0 - p)).sum();
        let seen: f64 = rows.iter().map(|(_, churned)| f64::from(u8::from(*churned))).sum();
        (seen - expected) / variance.sqrt()
    };
    assert!(z(&rows).abs() < 3.3, "all: {}", z(&rows));
    let deciles: Vec<f64> = rows.chunks(rows.len().div_ceil(10)).map(z).collect();
    let chi_square: f64 = deciles.iter().map(|z| z * z).sum();
    // The 99.9 % point of χ² with ten degrees of freedom.
    assert!(chi_square < 29.6, "{deciles:?}");

    // The rank-sum form of the area under the ROC curve.
    let (mut below, mut area, mut churners) = (0.0, 0.0, 0.0);
    for (_, churned) in &rows {
        if *churned {
            area += below;
            churners += 1.0;
        } else {
            below += 1.0;
        }
    }
    let (rate, auc) = (churners / (churners + below), area / (below * churners));
    assert!((0.05..=0.12).contains(&rate), "label rate {rate}");
    assert!((0.80..=0.88).contains(&auc), "AUC {auc}");
}
