//! What do integration tests share? The committed sample loaded once per test
//! process, and the folder of real data sets if this machine has it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Map, Value};
use tempfile::TempDir;
use tenure::ingest::IngestOptions;
use tenure::reports::render::rows;
use tenure::{ReportRequest, ReportTable, Tenure};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a future to its end on a runtime with stacks as deep as the program's.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(16 << 20)
        .build()
        .unwrap()
        .block_on(future)
}

/// An empty store in a folder that goes with the returned guard.
pub fn empty_store() -> (TempDir, Tenure) {
    let folder = TempDir::new().unwrap();
    let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
    (folder, tenure)
}

/// The committed sample, loaded once.
pub fn sample() -> &'static Tenure {
    static SAMPLE: OnceLock<(TempDir, Tenure)> = OnceLock::new();
    let (_, tenure) = SAMPLE.get_or_init(|| {
        let (folder, tenure) = empty_store();
        let exports = root().join("datasets/sample/exports");
        std::thread::scope(|scope| {
            let load = || block_on(tenure.ingest(&[exports], &IngestOptions::default(), &mut ()));
            scope.spawn(load).join().unwrap().unwrap();
        });
        (folder, tenure)
    });
    tenure
}

/// A real data set beside the repository, or `None` after saying so aloud.
pub fn real_data(name: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: the data set {name} is not on this machine");
    None
}

/// The answer to a report with these parameters.
pub fn ask(tenure: &Tenure, name: &str, set: &[(&str, &str)]) -> tenure::Result<ReportTable> {
    let params = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let request = ReportRequest { params: params.collect(), ..ReportRequest::default() };
    block_on(tenure.report(name, &request))
}

/// Its rows; it has to have an answer.
pub fn answer(tenure: &Tenure, name: &str, set: &[(&str, &str)]) -> Vec<Map<String, Value>> {
    rows(&ask(tenure, name, set).unwrap().batches).unwrap()
}
