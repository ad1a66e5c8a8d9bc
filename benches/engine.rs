//! How long do ingest, compaction, our SQL functions and all reports take on
//! generated data?
//!
//! `cargo bench` runs it on 2,000 customers, 24 months, seed 7 (about 400,000
//! rows); compaction on five loads of 400 customers, seeds 1 to 5. Times are for
//! comparing two versions on one machine in one sitting; they mean nothing
//! across machines. `benches/compare` measures large data beside other engines.

#![expect(clippy::unwrap_used, reason = "a bench that can not be set up has to stop")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;
use tenure::engine::Moment;
use tenure::generate::{Plan, write};
use tenure::ingest::IngestOptions;
use tenure::reports::Purpose;
use tenure::schema::Table;
use tenure::{ReportRequest, Tenure};
use tokio::runtime::Runtime;

/// Our aggregate functions as the reports and features call them.
const FUNCTIONS: [(&str, &str); 5] = [
    (
        "funnel",
        "SELECT customer_key, funnel(name, occurred_at, ['login', 'view_page', 'export'], INTERVAL '30 days')
         FROM activity WHERE customer_key IS NOT NULL GROUP BY customer_key",
    ),
    (
        "retention",
        "SELECT customer_key, retention(occurred_at, 'month', 'UTC')
         FROM activity WHERE customer_key IS NOT NULL GROUP BY customer_key",
    ),
    (
        "retained",
        "SELECT retained(history['ages'], 'on') FROM (
           SELECT retention(occurred_at, 'month', 'UTC') AS history
           FROM activity WHERE customer_key IS NOT NULL GROUP BY customer_key)",
    ),
    (
        "usage",
        "SELECT customer_key,
                usage(name, quantity, occurred_at, TIMESTAMP '2026-01-01T00:00:00Z', [7, 14, 30, 60, 90, 180, 365], [])
         FROM activity WHERE customer_key IS NOT NULL GROUP BY customer_key",
    ),
    (
        "latest",
        "SELECT customer_key, period('month', occurred_at, 'UTC'),
                latest(score, occurred_at, known_at, response_id)
         FROM surveys GROUP BY customer_key, period('month', occurred_at, 'UTC')",
    ),
];

/// The exports of so many customers, in a folder.
fn exports(customers: u64, seed: u64) -> (TempDir, [PathBuf; 1]) {
    let folder = TempDir::new().unwrap();
    let plan = Plan::new(customers, seed, 24, Plan::default().start()).unwrap();
    write(&plan, folder.path(), &mut |_, _| {}).unwrap();
    let exports = [folder.path().join("exports")];
    (folder, exports)
}

fn open(folder: &Path) -> Tenure {
    Tenure::open(folder.join("store").to_str().unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn engine(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (folder, exports) = exports(2_000, 7);
    let options = IngestOptions::now();
    let tenure = open(folder.path());
    let summary = runtime.block_on(tenure.ingest(&exports, &options, &mut ())).unwrap();

    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10).throughput(Throughput::Elements(summary.rows.read));
    group.bench_function("dry_run", |bencher| {
        let empty = TempDir::new().unwrap();
        let tenure = open(empty.path());
        let options = IngestOptions { dry_run: true, ..options.clone() };
        bencher.iter(|| black_box(runtime.block_on(tenure.ingest(&exports, &options, &mut ()))));
    });
    group.bench_function("load", |bencher| {
        bencher.iter_batched(
            || TempDir::new().unwrap(),
            |empty| {
                let tenure = open(empty.path());
                runtime.block_on(tenure.ingest(&exports, &options, &mut ())).unwrap();
                empty
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();

    let engine = runtime.block_on(tenure.engine()).unwrap();
    let mut group = criterion.benchmark_group("function");
    let rows = runtime.block_on(engine.snapshot().rows(Table::Activity)).unwrap();
    for (name, sql) in FUNCTIONS {
        let view = engine.at(Moment::LATEST);
        if name != "latest" {
            group.throughput(Throughput::Elements(rows));
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let frame = view.sql(sql).await.unwrap();
                    black_box(view.collect(frame).await.unwrap())
                })
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("report");
    group.sample_size(20);
    for query in tenure.catalogue().all(Purpose::Report) {
        let request = ReportRequest::default();
        group.bench_function(&query.name, |bencher| {
            bencher.iter(|| {
                black_box(runtime.block_on(tenure.report_on(&engine, &query.name, &request)))
            });
        });
    }
    group.finish();
}

fn compaction(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let loaded = TempDir::new().unwrap();
    let tenure = open(loaded.path());
    for seed in 1..=5 {
        let (_folder, exports) = exports(400, seed);
        let options = IngestOptions::now();
        runtime.block_on(tenure.ingest(&exports, &options, &mut ())).unwrap();
    }
    let mut group = criterion.benchmark_group("compaction");
    group.sample_size(10);
    group.bench_function("five_loads", |bencher| {
        bencher.iter_batched(
            || {
                let folder = TempDir::new().unwrap();
                copy(&loaded.path().join("store"), &folder.path().join("store"));
                folder
            },
            |folder| {
                let merged = runtime.block_on(open(folder.path()).compact(&|_, _| {})).unwrap();
                assert!(merged.run_id.is_some(), "nothing was merged");
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, engine, compaction);
criterion_main!(benches);
