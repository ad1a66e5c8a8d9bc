//! What do integration tests share? The committed sample loaded once per test
//! process, with and without scores, stores of a few rows, and the folder of real
//! data sets if this machine has it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Map, Value};
use tempfile::TempDir;
use tenure::ingest::IngestOptions;
use tenure::reports::render::rows;
use tenure::{ChurnSpec, ReportRequest, ReportTable, Tenure};

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

/// A store of files in the canonical form: their names without `.csv`, and what
/// is in them.
pub fn store_of(files: &[(&str, &str)]) -> (TempDir, Tenure) {
    let (folder, tenure) = empty_store();
    let write = |(name, text): &(&str, &str)| {
        let path = folder.path().join(format!("{name}.csv"));
        fs::write(&path, text).unwrap();
        path
    };
    let paths: Vec<_> = files.iter().map(write).collect();
    block_on(tenure.ingest(&paths, &IngestOptions::default(), &mut ())).unwrap();
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

/// The committed sample with a model and two scoring runs.
pub fn scored_sample() -> &'static Tenure {
    static SCORED: OnceLock<(TempDir, Tenure)> = OnceLock::new();
    let (_, tenure) = SCORED.get_or_init(|| {
        let (folder, tenure) = empty_store();
        let exports = root().join("datasets/sample/exports");
        let prepared = tenure.clone();
        block_on(async move {
            let work = tokio::spawn(async move {
                let options = IngestOptions::default();
                prepared.ingest(&[exports], &options, &mut ()).await.unwrap();
                let mut spec = ChurnSpec::built_in("churn").unwrap();
                // The sample is small: a tenth of the leavers must do, and few are at risk.
                spec.min_churners = 5;
                spec.bands.medium = 0.05;
                spec.bands.high = 0.1;
                prepared.train(spec, None, &mut |_, _| {}).await.unwrap();
                prepared.score(None).await.unwrap();
                prepared.score(None).await.unwrap();
            });
            work.await.unwrap();
        });
        (folder, tenure)
    });
    tenure
}

/// Amounts in two currencies and some without, gaps in the profiles, and deals and
/// tickets that others are in charge of than of their customers.
pub fn two_currencies() -> &'static Tenure {
    static STORE: OnceLock<(TempDir, Tenure)> = OnceLock::new();
    let (_, tenure) = STORE.get_or_init(|| {
        let day = |day: u32| {
            let first = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
            format!("{}T10:00:00Z", first + chrono::Days::new(day.into()))
        };
        let currency = |n: u32| ["USD", "EUR", "USD", "EUR", "USD", "", "EUR"][n as usize % 7];
        let file = |head: &str, n: u32, row: &dyn Fn(u32) -> String| {
            (0..n).fold(format!("{head}\n"), |text, n| text + &row(n) + "\n")
        };
        let customers =
            file("customer_id,name,owner_id,segment,channel,language,created_at", 24, &|n| {
                let owner = ["u1", "u2", ""][n as usize % 3];
                let (segment, channel) =
                    (["A", "", "B"][n as usize % 3], ["ads", "web", "", "web"][n as usize % 4]);
                let language = ["en", "zh"][n as usize / 2 % 2];
                format!("C{n},Customer {n},{owner},{segment},{channel},{language},{}", day(5 * n))
            });
        let owners = "owner_id,name,team\nu1,Ann,North\nu2,Bob,South\n".to_owned();
        let activity = file("customer_id,name,occurred_at", 160, &|n| {
            let name = ["signup", "login", "trial", "purchase"][n as usize / 24 % 4];
            format!("C{},{name},{}", n % 24, day(5 * (n % 24) + n / 24 * (3 + n % 11)))
        });
        let orders = file("customer_id,order_id,amount,currency,occurred_at", 50, &|n| {
            let amount = if n % 13 == 12 { -40 } else { 25 + i64::from(n * n % 70) };
            format!("C{},O{n},{amount},{},{}", n * 7 % 23, currency(n), day(115 + n))
        });
        let contracts = "subscription_id,customer_id,mrr,currency,started_at,ends_at,ended_at";
        let subscriptions = file(contracts, 14, &|n| {
            let ended = if n % 4 == 0 { day(80 + 9 * n) } else { String::new() };
            let (from, to) = (day(20 + 6 * n), day(385 + 6 * n));
            format!("S{n},C{},{},{},{from},{to},{ended}", n % 9, 10 * n + 5, currency(n))
        });
        let deals = "opportunity_id,customer_id,owner_id,source,status,amount,currency,created_at,closed_at";
        let opportunities = file(deals, 40, &|n| {
            let owner = ["u2", "u1", "u3", "", "u1"][n as usize % 5];
            let status = ["won", "open", "lost", "won"][n as usize % 4];
            let closed = if status == "open" { String::new() } else { day(135 + 2 * n) };
            let amount = if n % 11 == 7 { String::new() } else { (100 + 17 * n).to_string() };
            let source = ["fair", "web", ""][n as usize % 3];
            let opened = day(115 + 2 * n);
            let (customer, currency) = (n % 23, currency(n));
            format!("D{n},C{customer},{owner},{source},{status},{amount},{currency},{opened},{closed}")
        });
        let stages = file("opportunity_id,stage,entered_at", 80, &|n| {
            let (deal, entered) = (n / 2, day(115 + n / 2 * 2 + 9 * (n % 2)));
            format!("D{deal},{},{entered}", ["Offer", "Talks"][n as usize % 2])
        });
        let desk = "ticket_id,customer_id,owner_id,category,opened_at,first_response_at,closed_at,satisfaction";
        let tickets = file(desk, 30, &|n| {
            let (agent, category) = (["u3", "u1", ""][n as usize % 3], ["bug", ""][n as usize % 2]);
            let closed = if n % 5 == 0 { String::new() } else { day(118 + 3 * n) };
            let rating = if n % 3 == 0 { String::new() } else { (1 + n % 5).to_string() };
            let opened = day(112 + 2 * n);
            format!("T{n},C{},{agent},{category},{opened},{opened},{closed},{rating}", n % 23)
        });
        let surveys = file("response_id,customer_id,kind,score,comment,responded_at", 40, &|n| {
            format!("A{n},C{},nps,{},price,{}", n % 19, n * 3 % 11, day(110 + 2 * n))
        });
        store_of(&[
            ("customers", &customers),
            ("owners", &owners),
            ("activity", &activity),
            ("orders", &orders),
            ("subscriptions", &subscriptions),
            ("opportunities", &opportunities),
            ("opportunity_stages", &stages),
            ("tickets", &tickets),
            ("surveys", &surveys),
        ])
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
