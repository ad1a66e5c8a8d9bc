//! How long do reports, ingest and scoring take on generated data?
//!
//! `cargo bench` runs it on 2,000 customers, 24 months, seed 7 (about half a
//! million rows). Times are for comparing two versions on one machine in one
//! sitting; they mean nothing across machines.

#![expect(clippy::unwrap_used, reason = "a bench that can not be set up has to stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tempfile::TempDir;
use tenure::generate::{Plan, write};
use tenure::ingest::IngestOptions;
use tenure::reports::Purpose;
use tenure::{ReportRequest, Tenure};
use tokio::runtime::Runtime;

fn reports(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = TempDir::new().unwrap();
    let plan = Plan::new(2_000, 7, 24, Plan::default().start()).unwrap();
    write(&plan, folder.path(), &mut |_, _| {}).unwrap();
    let exports = [folder.path().join("exports")];
    let options = IngestOptions::now();

    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10);
    group.bench_function("dry_run", |bencher| {
        let tenure = Tenure::open(folder.path().join("none").to_str().unwrap()).unwrap();
        let options = IngestOptions { dry_run: true, ..options.clone() };
        bencher.iter(|| black_box(runtime.block_on(tenure.ingest(&exports, &options, &mut ()))));
    });
    group.finish();

    let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
    runtime.block_on(tenure.ingest(&exports, &options, &mut ())).unwrap();
    let engine = runtime.block_on(tenure.engine()).unwrap();
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

criterion_group!(benches, reports);
criterion_main!(benches);
