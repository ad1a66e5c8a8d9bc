//! Is every past score what its data and its model still say, and is it noticed
//! where one is not?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Float64Type;
use serde_json::{Map, Value as Json};
use tempfile::TempDir;
use tenure::config::Config;
use tenure::engine::{Engine, Moment};
use tenure::generate::{Plan, write};
use tenure::ingest::{IngestOptions, Known};
use tenure::reports::render::rows;
use tenure::reports::{Purpose, Query, Value};
use tenure::schema::Table;
use tenure::tenure::{ReplayRequest, ReplaySummary};
use tenure::{ChurnSpec, ErrorKind, Tenure};

use crate::common::{block_on, empty_store};
use crate::model::all_scores;

/// The exports of a small company in two halves, line by line in turn: the second
/// brings rows about days that the first has scored, and of nobody new only half.
fn halves(folder: &Path, customers: u64) -> [PathBuf; 2] {
    let plan = Plan::new(customers, 11, 14, Plan::default().start()).unwrap();
    write(&plan, folder, &mut |_, _| {}).unwrap();
    let halves = [0, 1].map(|half| folder.join(format!("half_{half}")));
    for entry in fs::read_dir(folder.join("exports")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let headed = path.extension().unwrap() == "csv";
        for (half, to) in halves.iter().enumerate() {
            fs::create_dir_all(to).unwrap();
            let mine = |index: &usize| (headed && *index == 0) || index % 2 == half;
            let lines = text.lines().enumerate().filter(|(index, _)| mine(index));
            let lines: String = lines.map(|(_, line)| format!("{line}\n")).collect();
            fs::write(to.join(path.file_name().unwrap()), lines).unwrap();
        }
    }
    halves
}

fn load(tenure: &Tenure, path: &Path) {
    block_on(tenure.ingest(&[path.to_owned()], &IngestOptions::default(), &mut ())).unwrap();
}

/// The same store, worked on by so many threads.
fn on(tenure: &Tenure, threads: usize) -> Tenure {
    let mut config = Config::defaults().unwrap();
    config.store.clone_from(&tenure.config().store);
    config.engine.partitions = Some(threads);
    Tenure::with_config(config).unwrap()
}

fn replay(tenure: &Tenure, request: &ReplayRequest) -> ReplaySummary {
    block_on(tenure.replay(request, &mut |_, _| {})).unwrap()
}

fn of_run(run: i64) -> ReplayRequest {
    ReplayRequest { run: Some(run), ..ReplayRequest::default() }
}

/// A store that was scored between its loads and after them.
fn scored_between_loads() -> (TempDir, Tenure, Vec<i64>) {
    let (folder, tenure) = empty_store();
    let [first, second] = halves(folder.path(), 250);
    load(&tenure, &first);
    block_on(tenure.train(ChurnSpec::built_in("churn").unwrap(), None, &mut |_, _| {})).unwrap();
    let score = |as_of| block_on(tenure.score(as_of)).unwrap().run_id;
    let mut runs = vec![score(None)];
    load(&tenure, &second);
    runs.extend([score(Some("2025-01-31")), score(None)]);
    let merged = block_on(tenure.compact(&|_, _| ())).unwrap();
    assert!(merged.tables.contains_key("activity"), "{merged:?}");
    (folder, tenure, runs)
}

#[test]
fn every_past_score_is_recomputed_to_the_bit() {
    let (folder, tenure, runs) = scored_between_loads();
    let mut all = 0;
    for &run in &runs {
        let found = replay(&tenure, &of_run(run));
        assert!(found.scores > 50 && found.all_equal(), "{found:?}");
        assert!(found.runs[0].own_files);
        all += found.scores;
    }
    // The later rows do change what the first run would say today.
    let engine = block_on(tenure.engine()).unwrap();
    let known = block_on(tenure.store().snapshot()).unwrap();
    assert!(known.loads().count() > 20 && engine.snapshot().run_id() > runs[2]);

    let sample = ReplayRequest { sample: Some(all / 3), ..ReplayRequest::default() };
    for threads in [1, 2] {
        let found = replay(&on(&tenure, threads), &sample);
        assert_eq!((found.scores, found.all_equal()), (all / 3, true), "{found:?}");
        assert_eq!(found.runs.len(), 3, "drawn from all runs");
    }
    let customer = all_scores(&tenure)[0]["customer_id"].as_str().unwrap().to_owned();
    let found = replay(&tenure, &ReplayRequest { customer: Some(customer), ..Default::default() });
    assert!(found.all_equal() && found.scores >= 1, "{found:?}");
    let nobody = ReplayRequest { customer: Some("nobody".to_owned()), ..Default::default() };
    let error = block_on(tenure.replay(&nobody, &mut |_, _| {})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);

    // Eight small runs of scores become one, which says the same.
    let days = ["2024-08-31", "2024-09-30", "2024-10-31", "2024-11-30", "2024-12-31"];
    for day in days {
        block_on(tenure.score(Some(day))).unwrap();
    }
    let merged = block_on(tenure.compact(&|_, _| ())).unwrap();
    let scores = merged.tables["scores"];
    assert_eq!((scores.runs_before, scores.runs_after), (8, 1), "{merged:?}");

    // As after a vacuum: only the files of the newest version are left.
    let newest = block_on(tenure.store().snapshot()).unwrap();
    let mut removed = 0;
    for table in Table::all().filter(|table| *table != Table::Runs) {
        let kept: BTreeSet<String> =
            block_on(newest.files(table)).unwrap().iter().map(|file| file.path.clone()).collect();
        let at = folder.path().join(format!("store/tables/{}", table.name()));
        for entry in fs::read_dir(at).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.ends_with(".parquet") && !kept.contains(name) {
                fs::remove_file(&path).unwrap();
                removed += 1;
            }
        }
    }
    assert!(removed > 2, "{removed} files");
    for &run in &runs {
        let found = replay(&Tenure::open(&tenure.config().store).unwrap(), &of_run(run));
        assert!(!found.runs[0].own_files);
        assert!(found.scores > 50 && found.all_equal(), "{found:?}");
    }
}

/// Rows that arrive after the end of the data they tell of move tonight's scores, not
/// those asked for as of a day at which nobody knew them.
#[test]
fn scores_of_tonight_know_what_arrived_tonight() {
    let (folder, tenure, _runs) = scored_between_loads();
    let usual = all_scores(&tenure);
    let (_late, arriving) = empty_store();
    load(&arriving, &folder.path().join("half_0"));
    block_on(arriving.train(ChurnSpec::built_in("churn").unwrap(), None, &mut |_, _| {})).unwrap();
    let options = IngestOptions { known: Known::Arrival, ..IngestOptions::now() };
    let half = folder.path().join("half_1");
    block_on(arriving.ingest(&[half], &options, &mut ())).unwrap();
    let end = block_on(arriving.score(None)).unwrap();
    let said = |scores: Vec<Map<String, Json>>| -> Vec<Map<String, Json>> {
        let own = |name: &String| !["run_id", "known_at"].contains(&name.as_str());
        scores
            .into_iter()
            .map(|row| row.into_iter().filter(|(name, _)| own(name)).collect())
            .collect()
    };
    assert_eq!(said(all_scores(&arriving)), said(usual.clone()));
    assert!(replay(&arriving, &of_run(end.run_id)).all_equal());
    // What the rows behind the reasons are is what the scores have seen.
    let id = all_scores(&arriving)[0]["customer_id"].as_str().unwrap().to_owned();
    let listed = |tenure: &Tenure| {
        let engine = block_on(tenure.engine()).unwrap();
        let score = block_on(tenure.explain(&engine, &id, tenure.language())).unwrap();
        let behind = block_on(tenure.rows_behind(&engine, &score, 5)).unwrap();
        behind.into_iter().flatten().map(|rows| rows.total).collect::<Vec<_>>()
    };
    assert_eq!(listed(&arriving), listed(&tenure));

    let day = end.cutoff.date_naive().to_string();
    let asked = block_on(arriving.score(Some(&day))).unwrap();
    assert!(replay(&arriving, &of_run(asked.run_id)).all_equal());
    let chances = |scores: &[Map<String, Json>]| -> Vec<Json> {
        scores.iter().map(|row| row["probability"].clone()).collect()
    };
    assert_ne!(chances(&all_scores(&arriving)), chances(&usual));
}

#[test]
fn threads_change_neither_model_nor_score() {
    let (folder, tenure) = empty_store();
    // More rows than one range takes, so that customers are dealt out.
    for half in halves(folder.path(), 560) {
        load(&tenure, &half);
    }
    let rows = block_on(async { tenure.store().snapshot().await?.rows(Table::Activity).await });
    assert!(rows.unwrap() > 1 << 16);
    let worked = [1, 2].map(|threads| {
        let tenure = on(&tenure, threads);
        let spec = ChurnSpec::built_in("churn").unwrap();
        let model = block_on(tenure.train(spec, None, &mut |_, _| {})).unwrap().model;
        let path = folder.path().join(format!("store/models/{model}.json"));
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, "it is written again").unwrap();
        fs::write(&path, &bytes).unwrap();
        block_on(tenure.score(None)).unwrap();
        (model, bytes, all_scores(&tenure))
    });
    assert!(worked[0] == worked[1]);
    assert!(replay(&on(&tenure, 1), &ReplayRequest::default()).all_equal());
    assert!(replay(&on(&tenure, 2), &ReplayRequest::default()).all_equal());
}

/// Every feature of every customer, computed by so many workers.
fn features(tenure: &Tenure, workers: usize) -> Vec<(String, Vec<Map<String, Json>>)> {
    let mut config = tenure.config().engine.clone();
    config.partitions = Some(workers);
    let engine = Engine::new(block_on(tenure.store().snapshot()).unwrap(), &config).unwrap();
    let end = tenure::reports::default_as_of(&engine);
    let bound = BTreeMap::from([
        ("as_of".to_owned(), Value::Instant(end)),
        ("tz".to_owned(), Value::Text("UTC".to_owned())),
    ]);
    let view = engine.at(Moment::known_at(end));
    let of = |query: &Query| {
        let answer = block_on(tenure::reports::collect(&view, query, &bound)).unwrap().1;
        (query.name.clone(), rows(&answer).unwrap())
    };
    tenure.catalogue().all(Purpose::Feature).map(of).collect()
}

/// Sums of cents, hours and marks are not those of floats in any order.
#[test]
fn no_feature_depends_on_how_rows_lie_in_files_or_on_threads() {
    let hour = |n: u32| {
        let at =
            chrono::DateTime::from_timestamp(1_704_067_200 + i64::from(n) * 12_345, 0).unwrap();
        at.to_rfc3339()
    };
    let table = |head: &str, of: &dyn Fn(u32) -> String, from: usize, step: usize| {
        let lines: Vec<String> = (0..400).skip(from).step_by(step).map(of).collect();
        let lines = if from % 2 == 1 { lines.into_iter().rev().collect() } else { lines };
        format!("{head}\n{}\n", lines.join("\n"))
    };
    let order = |n: u32| {
        let cents = n * 7919 % 99_991;
        format!("O{n},C{},{}.{:02},USD,{}", n % 5, cents / 100, cents % 100, hour(n))
    };
    let ticket = |n: u32| {
        let mark = f64::from(n * 31 % 40) / 10.0 + 1.0;
        let answered = hour(n + 1 + n * 13 % 7).replace(":00+", ":07+");
        format!("T{n},C{},bug,{},{answered},{mark:.1}", n % 5, hour(n))
    };
    let parts = |step: usize| {
        let (folder, tenure) = empty_store();
        for from in 0..step {
            let orders = "order_id,customer_id,amount,currency,occurred_at";
            let tickets = "ticket_id,customer_id,category,opened_at,first_response_at,satisfaction";
            for (name, text) in [
                ("orders", table(orders, &order, from, step)),
                ("tickets", table(tickets, &ticket, from, step)),
            ] {
                let path = folder.path().join(format!("{name}_{from}.csv"));
                fs::write(&path, text).unwrap();
                load(&tenure, &path);
            }
        }
        (folder, tenure)
    };
    let (_folder, whole) = parts(1);
    let expected = features(&whole, 1);
    assert!(expected.iter().filter(|(_, rows)| rows.len() == 5).count() >= 2, "{expected:?}");
    let (_folder, parts) = parts(4);
    for workers in [1, 2, 3] {
        assert_eq!(features(&whole, workers), expected, "{workers} workers");
        assert_eq!(features(&parts, workers), expected, "in 4 loads, {workers} workers");
    }
    block_on(parts.compact(&|_, _| ())).unwrap();
    assert_eq!(features(&parts, 2), expected, "compacted");
}

/// Writes the rows of `scores` anew, as `change` makes them of what is there.
fn tamper(tenure: &Tenure, change: impl Fn(RecordBatch) -> RecordBatch) {
    block_on(async {
        let schema = Table::Scores.spec().schema();
        let view = tenure.engine().await?.whole();
        let rows =
            view.collect(view.sql("SELECT * FROM scores ORDER BY customer_key").await?).await?.1;
        let mut run = tenure.store().begin().await?;
        let before = run.base().files(Table::Scores).await?.to_vec();
        let mut output = run.output(Table::Scores);
        output.write(&change(concat_batches(&schema, &rows)?)).await?;
        let after = output.finish().await?;
        run.replace(Table::Scores, before, after);
        run.publish("compact", serde_json::Value::Null).await
    })
    .unwrap();
}

#[test]
fn a_score_that_was_tampered_with_is_found() {
    let (_folder, tenure, runs) = scored_between_loads();
    let last = runs[2];
    let before = replay(&tenure, &of_run(last)).scores;

    // The last bit of one probability.
    tamper(&tenure, |rows| {
        let of_last =
            rows.column_by_name("run_id").unwrap().as_primitive::<arrow::datatypes::Int64Type>();
        let row = (0..rows.num_rows()).find(|row| of_last.value(*row) == last).unwrap();
        let at = rows.schema().index_of("probability").unwrap();
        let mut values = rows.column(at).as_primitive::<Float64Type>().values().to_vec();
        values[row] = f64::from_bits(values[row].to_bits() ^ 1);
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns[at] = Arc::new(Float64Array::from(values));
        RecordBatch::try_new(rows.schema(), columns).unwrap()
    });
    let found = replay(&tenure, &of_run(last));
    assert_eq!((found.scores, found.equal, found.differences.len()), (before, before - 1, 1));
    assert_eq!(found.differences[0].column.as_deref(), Some("probability"));
    assert!(!found.all_equal());
    assert!(replay(&tenure, &of_run(runs[0])).all_equal(), "other runs are as they were");

    // One row more, one row less.
    tamper(&tenure, |rows| concat_batches(&rows.schema(), [&rows.slice(0, 1), &rows]).unwrap());
    let all = |tenure: &Tenure| {
        runs.iter().flat_map(|run| replay(tenure, &of_run(*run)).differences).collect::<Vec<_>>()
    };
    let second = |found: &tenure::tenure::Difference| {
        found.column.is_none() && found.recorded.as_deref() == Some("a second row")
    };
    assert_eq!(all(&tenure).iter().filter(|found| second(found)).count(), 1);
    tamper(&tenure, |rows| rows.slice(2, rows.num_rows() - 2));
    let missing = all(&tenure);
    assert_eq!(missing.iter().filter(|found| found.recorded.is_none()).count(), 1, "{missing:?}");
}
