//! What does a report answer when there is next to nothing, or it is asked for
//! what is not there?

use std::fs;

use tempfile::TempDir;
use tenure::Tenure;
use tenure::error::ErrorKind;
use tenure::ingest::IngestOptions;
use tenure::reports::{Purpose, Query, ReportTable};

use crate::common::{ask, block_on, empty_store, sample};

/// A mapping that gives what a row must have and nothing more.
const MAPPING: &str = r#"
title = "Bare rows"

[[source]]
name = "rows"
match = { headers = ["who", "at"] }

[[source.feed]]
table = "activity"
columns.customer_id = "who"
columns.name = { value = "login" }
columns.occurred_at = "at"

[[source.feed]]
table = "orders"
columns.customer_id = "who"
columns.order_id = { value = "O1" }
columns.amount = { value = "10" }
columns.occurred_at = "at"

[[source.feed]]
table = "opportunities"
columns.customer_id = "who"
columns.opportunity_id = { value = "D1" }
columns.status = { value = "open" }

[[source.feed]]
table = "subscriptions"
columns.customer_id = "who"
columns.subscription_id = { value = "S1" }
columns.mrr = { value = "0" }
columns.started_at = "at"

[[source.feed]]
table = "tickets"
columns.customer_id = "who"
columns.ticket_id = { value = "T1" }
columns.occurred_at = "at"

[[source.feed]]
table = "surveys"
columns.customer_id = "who"
columns.score = { value = "9" }
columns.occurred_at = "at"

[[source.feed]]
table = "touches"
columns.customer_id = "who"
columns.occurred_at = "at"
"#;

fn one_customer() -> (TempDir, Tenure) {
    let (folder, tenure) = empty_store();
    let mapping = folder.path().join("bare.toml");
    fs::write(&mapping, MAPPING).unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, "who,at\nC1,2024-03-05T10:00:00Z\n").unwrap();
    let options =
        IngestOptions { mapping: Some(mapping.display().to_string()), ..IngestOptions::default() };
    block_on(tenure.ingest(&[path], &options, &mut ())).unwrap();
    (folder, tenure)
}

/// A report as it is, and broken down if it can be.
fn breakdowns(query: &Query) -> impl Iterator<Item = &'static [(&'static str, &'static str)]> {
    let has = query.header.params.contains_key("breakdown");
    [&[][..], &[("breakdown", "segment")]].into_iter().take(1 + usize::from(has))
}

fn columns(report: &ReportTable) -> Vec<&str> {
    report.schema.fields().iter().map(|field| field.name().as_str()).collect()
}

#[test]
fn an_empty_store_gives_empty_tables_with_the_right_columns() {
    let (_folder, tenure) = empty_store();
    for query in tenure.catalogue().all(Purpose::Report) {
        for set in breakdowns(query) {
            let report = ask(&tenure, &query.name, set).unwrap();
            assert_eq!(report.rows(), 0, "{} {set:?}", query.name);
            assert_eq!(columns(&report), query.columns, "{} {set:?}", query.name);
        }
    }
}

/// No division by nothing, no interval of one value, no share above 1.
#[test]
fn one_customer_with_nothing_but_what_must_be_there_is_answered() {
    let (_folder, tenure) = one_customer();
    for query in tenure.catalogue().all(Purpose::Report) {
        for (as_of, by) in ["2024-03-05T10:00:00Z", "2025-03-05"]
            .into_iter()
            .flat_map(|as_of| breakdowns(query).map(move |by| (as_of, by)))
        {
            let asked = [by, &[("as_of", as_of)]].concat();
            let report = ask(&tenure, &query.name, &asked);
            if query.name == "drivers" {
                // There is one activity: where all start nobody has yet to get.
                assert_eq!(report.unwrap_err().kind(), ErrorKind::Unknown);
                continue;
            }
            let report = report.unwrap();
            assert_eq!(columns(&report), query.columns, "{} {by:?}", query.name);
            let rows = tenure::reports::render::rows(&report.batches).unwrap();
            for (row, (name, value)) in
                rows.iter().flat_map(|row| row.iter().map(move |cell| (row, cell)))
            {
                let is_share = query.header.columns[name].unit == "share";
                if let (true, Some(share)) = (is_share, value.as_f64()) {
                    assert!((-1.0..=1.0).contains(&share), "{}.{name}: {row:?}", query.name);
                }
                // The customer is in no segment.
                assert!(name != "breakdown" || by.is_empty() || value.is_null(), "{row:?}");
            }
        }
    }
}

#[test]
fn what_is_not_there_is_refused_with_what_there_is() {
    let refused = |name: &str, set: &[(&str, &str)]| ask(sample(), name, set).unwrap_err();
    let error = refused("funnel", &[("steps", "signup,trail")]);
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert!(error.to_string().contains("no activity \"trail\""), "{error}");
    assert_eq!(error.nearest(), ["trial"]);
    let error = refused("funnel", &[("steps", "signup,trial[colour=red]")]);
    assert!(error.to_string().contains("no attribute \"colour\""), "{error}");
    let error = refused("funnel", &[("steps", "signup,use_feature[feature=zzz]")]);
    assert_eq!(error.kind(), ErrorKind::Unknown, "{error}");
    let error = refused("funnel", &[("hold", "colour")]);
    assert!(error.to_string().contains("no attribute \"colour\""), "{error}");
    let error = refused("retention", &[("start", "logins")]);
    assert!(error.to_string().contains("no activity \"logins\""), "{error}");
    let error = refused("revenue", &[("from", "2024-06-01"), ("to", "2024-05-01")]);
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("2024-06-01 is after to = 2024-05-01"), "{error}");
    let error = refused("mrr", &[("tz", "Europe/Pariss")]);
    assert!(error.to_string().contains("not an IANA time zone"), "{error}");
    let error = refused("funnel", &[("steps", "signup,trial within soon")]);
    assert!(error.to_string().contains("length of time"), "{error}");
    let error = refused("mrr", &[("currency", "XXX")]);
    assert_eq!(
        (error.kind(), error.hints()),
        (ErrorKind::Unknown, &["there are: USD".to_owned()][..])
    );
}

#[test]
fn numbers_out_of_bounds_or_in_the_wrong_order_are_refused() {
    for (name, set, words) in [
        ("clv", &[("horizon", "-30")][..], "horizon: -30 is less than 1"),
        ("clv", &[("discount", "-2")], "discount: -2 is less than 0"),
        ("experiment", &[("expected_share", "7")], "expected_share: 7 is more than 0.999"),
        ("ltv", &[("margin", "1.5")], "margin: 1.5 is more than 1"),
        ("health", &[("weight_nps", "-1")], "weight_nps: -1 is less than 0"),
        ("abc", &[("a", "96")], "a: 96 is more than b = 95"),
        ("health", &[("poor", "80"), ("good", "20")], "poor: 80 is more than good = 20"),
        ("drivers", &[("early", "90d"), ("window", "7d")], "early: it is longer than window"),
        ("retention", &[("bracket_from", "5"), ("bracket_to", "2")], "is more than bracket_to = 2"),
    ] {
        let error = ask(sample(), name, set).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{name} {set:?}");
        assert!(error.to_string().contains(words), "{name} {set:?}: {error}");
    }
}
