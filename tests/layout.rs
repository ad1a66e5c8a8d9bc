//! Does the way rows lie in files ever show in an answer?
//!
//! The same history, cut into loads at any place and loaded in any order, read
//! by any number of workers, before and after its runs are merged: one answer.

use std::fs;

use serde_json::{Map, Value};
use tempfile::TempDir;
use tenure::engine::Engine;
use tenure::ingest::IngestOptions;
use tenure::reports::render::rows;
use tenure::schema::Table;
use tenure::{ReportRequest, Tenure};

use crate::common::{block_on, empty_store};

const NAMES: [&str; 5] = ["signup", "trial", "login", "quote_opened", "purchase"];

/// A small generator of its own, so that nothing but the seed decides.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Lines of an export of activity: customers who come and go over a year, with
/// instants that collide, since whole hours are all there is.
fn lines(n: usize, customers: u64) -> Vec<String> {
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    (0..n)
        .map(|_| {
            // Some customers do much more than others.
            let customer = draw.below(customers).min(draw.below(customers));
            let hour = draw.below(365 * 24);
            let (day, hour) = (hour / 24, hour % 24);
            let date = chrono::NaiveDate::from_yo_opt(2024, day as u32 + 1).unwrap();
            let name = NAMES[draw.below(NAMES.len() as u64) as usize];
            format!("C{customer:06},{name},{date}T{hour:02}:00:00Z\n")
        })
        .collect()
}

const MAPPING: &str = r#"
[[source]]
name = "events"
match = { headers = ["who", "what", "at"] }

[[source.feed]]
table = "activity"
columns.customer_id = "who"
columns.name = "what"
columns.occurred_at = "at"
"#;

/// A store in which `lines` were loaded in parts of about equal size.
fn store(lines: &[String], parts: usize) -> (TempDir, Tenure) {
    let (folder, tenure) = empty_store();
    let mapping = folder.path().join("events.toml");
    fs::write(&mapping, MAPPING).unwrap();
    for (index, part) in lines.chunks(lines.len().div_ceil(parts)).enumerate() {
        let path = folder.path().join(format!("part_{index}.csv"));
        fs::write(&path, format!("who,what,at\n{}", part.concat())).unwrap();
        let options = IngestOptions {
            mapping: Some(mapping.display().to_string()),
            ..IngestOptions::default()
        };
        block_on(tenure.ingest(&[path], &options, &mut ())).unwrap();
    }
    (folder, tenure)
}

/// What everything that depends on histories answers, with `workers` workers.
fn answers(tenure: &Tenure, workers: usize) -> Vec<Vec<Map<String, Value>>> {
    let mut config = tenure.config().engine.clone();
    config.partitions = Some(workers);
    let snapshot = block_on(tenure.store().snapshot()).unwrap();
    let engine = Engine::new(snapshot, &config).unwrap();
    let report = |name: &str, set: &[(&str, &str)]| {
        let params = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let request = ReportRequest { params: params.collect(), ..ReportRequest::default() };
        rows(&block_on(tenure.report_on(&engine, name, &request)).unwrap().batches).unwrap()
    };
    let features = block_on(async {
        let view = engine.at(tenure::engine::Moment::LATEST);
        let query = tenure.catalogue().get(tenure::reports::Purpose::Feature, "activity").unwrap();
        let end = tenure::reports::default_as_of(&engine);
        let bound = [
            ("as_of".to_owned(), tenure::reports::Value::Instant(end)),
            ("tz".to_owned(), tenure::reports::Value::Text("UTC".to_owned())),
        ];
        tenure::reports::collect(&view, query, &bound.into()).await.unwrap().1
    });
    vec![
        report("retention", &[]),
        report("retention", &[("period", "week"), ("start", "login"), ("tz", "Asia/Shanghai")]),
        report("funnel", &[("window", "30d")]),
        report("funnel", &[("steps", "login,login,purchase"), ("window", "12h")]),
        rows(&features).unwrap(),
    ]
}

fn runs(tenure: &Tenure) -> usize {
    let engine = block_on(tenure.engine()).unwrap();
    block_on(engine.runs(Table::Activity)).unwrap().len()
}

#[test]
fn no_answer_depends_on_files_order_workers_or_compaction() {
    // More rows than one range takes, so that customers are dealt out.
    let lines = lines(70_000, 3_000);
    let (_folder, clean) = store(&lines, 1);
    let expected = answers(&clean, 1);
    assert!(expected.iter().all(|answer| !answer.is_empty()));
    for workers in [2, 3] {
        assert_eq!(answers(&clean, workers), expected, "{workers} workers");
    }

    let mut backwards = lines.clone();
    backwards.reverse();
    let (_folder, parts) = store(&backwards, 5);
    assert_eq!(runs(&parts), 5);
    for workers in [1, 3] {
        assert_eq!(answers(&parts, workers), expected, "in 5 loads, {workers} workers");
    }

    let before = block_on(parts.store().snapshot()).unwrap();
    let merged = block_on(parts.compact(&|_, _| ())).unwrap();
    assert_eq!(merged.tables["activity"].rows, 70_000);
    assert_eq!(runs(&parts), 1);
    for workers in [1, 2] {
        assert_eq!(answers(&parts, workers), expected, "compacted, {workers} workers");
    }
    // A reader who began before goes on seeing what it saw.
    assert_eq!(block_on(before.rows(Table::Activity)).unwrap(), 70_000);
    let again = block_on(parts.compact(&|_, _| ())).unwrap();
    assert!(again.tables.is_empty(), "{again:?}");
}
