//! Does an object store behave like a folder, and does giving up leave nothing?

use tenure::ingest::IngestOptions;
use tenure::reports::render::rows;
use tenure::schema::Table;
use tenure::{ErrorKind, ReportRequest, Tenure};

use crate::common::{block_on, empty_store, root, sample};

/// The object store in memory goes the way of S3, Google and Azure: no local
/// path, put-if-absent for Delta's commits, a lease instead of a file lock.
#[test]
fn an_object_store_gives_the_answers_of_a_folder() {
    let exports = root().join("datasets/sample/exports");
    let tenure = Tenure::open("memory:///shop").unwrap();
    let load = || {
        let paths = [exports.clone()];
        block_on(tenure.ingest(&paths, &IngestOptions::default(), &mut ())).unwrap()
    };
    assert!(load().rows.kept > 0);
    assert_eq!(load().rows.read, 0, "the same files add nothing");
    for report in ["retention", "revenue", "pipeline"] {
        let answer = |tenure: &Tenure| {
            rows(&block_on(tenure.report(report, &ReportRequest::default())).unwrap().batches)
        };
        assert_eq!(answer(&tenure).unwrap(), answer(sample()).unwrap(), "{report}");
    }
}

/// Ctrl-C in the middle of a load: what was written is gone again.
#[test]
fn a_load_that_is_stopped_leaves_the_store_as_it_was() {
    struct StopAt(u64, tokio::sync::watch::Sender<bool>);
    impl tenure::ingest::Progress for StopAt {
        fn step(&mut self, step: &tenure::ingest::Step) {
            if step.rows >= self.0 {
                self.1.send_replace(true);
            }
        }
    }
    let (folder, tenure) = empty_store();
    let exports = root().join("datasets/sample/exports");
    let options = IngestOptions { batch_rows: 100, ..IngestOptions::default() };
    let (sender, mut stop) = tokio::sync::watch::channel(false);
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let paths = [exports.clone()];
    let mut progress = StopAt(500, sender);
    let error =
        block_on(tenure.ingest_until(&paths, &options, &mut progress, stopped)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("nothing was loaded"), "{error}");
    let snapshot = block_on(tenure.store().snapshot()).unwrap();
    assert_eq!(snapshot.run_id(), 0);
    let left = walk(&folder.path().join("store"));
    assert!(left.iter().all(|file| !file.ends_with(".parquet")), "{left:?}");

    block_on(tenure.ingest(&paths, &options, &mut ())).unwrap();
    let snapshot = block_on(tenure.store().snapshot()).unwrap();
    assert!(block_on(snapshot.rows(Table::Activity)).unwrap() > 0);
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| match path.is_dir() {
            true => walk(&path),
            false => vec![path.display().to_string()],
        })
        .collect()
}
