//! Is bad input refused in words that help, with the store as it was?

use std::fs;
use std::path::Path;

use tenure::ingest::IngestOptions;
use tenure::schema::Table;
use tenure::{ErrorKind, ReportRequest, Tenure};

use crate::common::{block_on, empty_store, root, sample};

fn try_load(tenure: &Tenure, path: &Path) -> tenure::Error {
    let outcome = block_on(tenure.ingest(&[path.to_owned()], &IngestOptions::default(), &mut ()));
    outcome.map(|summary| panic!("loaded {summary:?}")).unwrap_err()
}

/// Every way a file can be broken leaves the store as it was, and says why.
#[test]
fn broken_files_are_refused_whole() {
    let (folder, tenure) = empty_store();
    let good = root().join("datasets/sample/exports/orders.csv");
    block_on(tenure.ingest(std::slice::from_ref(&good), &IngestOptions::default(), &mut ()))
        .unwrap();
    let before = block_on(tenure.store().snapshot()).unwrap();
    let rows_before = block_on(before.rows(Table::Orders)).unwrap();

    let whole = fs::read(&good).unwrap();
    let cases: [(&str, Vec<u8>); 5] = [
        ("cut.csv", whole[..whole.len() / 2].to_vec()),
        ("binary.csv", (0..=255_u8).cycle().take(4096).collect()),
        ("empty.csv", Vec::new()),
        ("header_only.csv", whole[..=whole.iter().position(|b| *b == b'\n').unwrap()].to_vec()),
        ("unknown.csv", b"colour,shape\nred,round\n".to_vec()),
    ];
    for (name, bytes) in cases {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = try_load(&tenure, &path);
        assert!(error.to_string().contains(name), "{name}: {error}");
        assert!(!error.hints().is_empty(), "{name}: {error}");
        let after = block_on(tenure.store().snapshot()).unwrap();
        assert_eq!(after.run_id(), before.run_id(), "{name}");
        assert_eq!(block_on(after.rows(Table::Orders)).unwrap(), rows_before, "{name}");
    }
    let error = try_load(&tenure, &folder.path().join("nowhere"));
    assert!(error.to_string().contains("nowhere"), "{error}");
}

/// A run that dies between its first commit and the manifest is undone by the
/// next one, and its file can be loaded again.
#[test]
fn an_unpublished_run_never_shows() {
    let (_folder, tenure) = empty_store();
    let owners = root().join("datasets/sample/exports/owners.csv");
    let run = block_on(tenure.store().begin()).unwrap();
    // A second writer has to wait for the first.
    let refused = block_on(tenure.store().begin()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    block_on(run.abandon()).unwrap();
    let load = || {
        block_on(tenure.ingest(std::slice::from_ref(&owners), &IngestOptions::default(), &mut ()))
    };
    load().unwrap();
    let rows = block_on(block_on(tenure.store().snapshot()).unwrap().rows(Table::Owners)).unwrap();
    assert!(rows > 0);
    assert_eq!(load().unwrap().rows.read, 0);
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    let tenure = sample();
    let error = block_on(tenure.report("retenton", &ReportRequest::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert_eq!(error.hints()[0], "did you mean \"retention\"?");

    let params = [("perod".to_owned(), "month".to_owned())].into();
    let request = ReportRequest { params, ..ReportRequest::default() };
    let error = block_on(tenure.report("retention", &request)).unwrap_err();
    assert_eq!(error.hints()[0], "did you mean \"period\"?");

    let params = [("period".to_owned(), "moth".to_owned())].into();
    let request = ReportRequest { params, ..ReportRequest::default() };
    let error = block_on(tenure.report("retention", &request)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(error.hints()[0], "did you mean \"month\"?");

    let by = |breakdown: &str| ReportRequest {
        params: [("breakdown".to_owned(), breakdown.to_owned())].into(),
        ..ReportRequest::default()
    };
    let error = block_on(tenure.report("funnel", &by("chanel"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert_eq!(error.hints()[0], "did you mean \"channel\"?");
    // Attributes of the source are breakdowns, too.
    assert!(error.hints()[1].contains("plan_size"), "{:?}", error.hints());
    assert!(block_on(tenure.report("funnel", &by("plan_size"))).unwrap().rows() > 4);
}

#[test]
fn a_query_that_does_not_plan_names_file_and_line() {
    let folder = tempfile::TempDir::new().unwrap();
    let reports = folder.path().join("reports");
    fs::create_dir_all(&reports).unwrap();
    let head =
        "--! title = { en = \"X\", zh = \"X\" }\n--! description = { en = \"X\", zh = \"X\" }\n";
    let with = |sql: &str| {
        fs::write(reports.join("mine.sql"), format!("{head}{sql}")).unwrap();
        let mut config = tenure::config::Config::defaults().unwrap();
        config.store = folder.path().join("store").display().to_string();
        config.queries = Some(folder.path().to_owned());
        let tenure = Tenure::with_config(config)?;
        block_on(tenure.report("mine", &ReportRequest::default()))
    };
    let error = with("SELECT custmer_id\nFROM orders ORDER BY 1").unwrap_err().to_string();
    assert!(error.contains("mine.sql") && error.contains("line 3"), "{error}");
    let error = with("SELECT 1 AS x WHERE $limit > 0 ORDER BY 1").unwrap_err().to_string();
    assert!(error.contains("mine.sql:3: $limit is not declared"), "{error}");
    let error = with("SELECT 1 AS x FORM orders").unwrap_err().to_string();
    assert!(error.contains("mine.sql:3"), "{error}");
    assert!(with("DELETE FROM orders").is_err());
    assert_eq!(with("SELECT 1 AS x ORDER BY 1").unwrap().rows(), 1);
    // Names that look as if made from others are parameters if they are declared.
    for name in ["month_of_year", "net_mask"] {
        let param = format!(
            "--! [params.{name}]\n--! type = \"integer\"\n--! default = 7\n--! doc = {{ en = \"X\", zh = \"X\" }}\n"
        );
        assert_eq!(with(&format!("{param}SELECT ${name} AS x ORDER BY 1")).unwrap().rows(), 1);
        let error = with(&format!("SELECT ${name} AS x ORDER BY 1")).unwrap_err().to_string();
        assert!(error.contains(&format!("${name} is not declared")), "{error}");
    }
}
