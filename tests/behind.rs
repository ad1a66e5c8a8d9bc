//! Are the rows listed under a reason the rows its number was computed from?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tenure::Tenure;
use tenure::config::Language;
use tenure::engine::{Moment, View};
use tenure::ingest::IngestOptions;
use tenure::reports::render::rows;
use tenure::reports::{self, Purpose, params};
use tenure::tenure::ScoreRequest;

use crate::common::{block_on, sample, scored_sample, store_of};

type Row = Map<String, Value>;

/// Features that count rows of their group, and the days of their window.
const COUNTS: [(&str, &str, f64); 37] = [
    ("activity", "activity_count_7", 7.0),
    ("activity", "activity_count_30", 30.0),
    ("activity", "activity_count_90", 90.0),
    ("activity", "activity_count_180", 180.0),
    ("activity", "activity_count_365", 365.0),
    ("activity", "activity_count", f64::INFINITY),
    ("activity", "logins_30", 30.0),
    ("contacts", "contacts_90", 90.0),
    ("contacts", "contacts_365", 365.0),
    ("opportunities", "deals_open", f64::INFINITY),
    ("orders", "orders_count_30", 30.0),
    ("orders", "orders_count_90", 90.0),
    ("orders", "orders_count_365", 365.0),
    ("orders", "orders_count", f64::INFINITY),
    ("orders", "orders_refunds_365", 365.0),
    ("subscriptions", "contract_count", f64::INFINITY),
    ("subscriptions", "contract_ended", f64::INFINITY),
    ("surveys", "surveys_365", 365.0),
    ("tickets", "tickets_30", 30.0),
    ("tickets", "tickets_90", 90.0),
    ("tickets", "tickets_365", 365.0),
    ("tickets", "tickets_open", f64::INFINITY),
    ("tickets", "complaints_60", 60.0),
    ("tickets", "complaints_365", 365.0),
    ("touches", "touches_30", 30.0),
    ("touches", "touches_90", 90.0),
    ("touches", "touches_365", 365.0),
    ("touches", "touches_opens_180", 180.0),
    ("touches", "touches_responses_180", 180.0),
    ("touches", "touches_bounces_365", 365.0),
    ("touches", "touches_unsubscribed", f64::INFINITY),
    // Of these the window is about the end of the deal, not its beginning.
    ("opportunities", "deals_won_365", f64::NAN),
    ("opportunities", "deals_lost_365", f64::NAN),
    // Distinct days and names, of all rows of a window.
    ("activity", "activity_days_365", 365.0),
    ("activity", "activity_breadth_90", 90.0),
    // Money of a window, refunds included; the sample has one currency.
    ("orders", "orders_value_90", 90.0),
    ("orders", "orders_value_365", 365.0),
];

/// Features that are the age of the newest row.
const RECENCIES: [(&str, &str); 10] = [
    ("activity", "activity_recency"),
    ("activity", "activity_silence"),
    ("activity", "login_recency"),
    ("contacts", "contacts_recency"),
    ("opportunities", "deals_recency"),
    ("orders", "orders_recency"),
    ("surveys", "nps_age"),
    ("tickets", "tickets_recency"),
    ("tickets", "complaints_recency"),
    ("touches", "touches_recency"),
];

fn moment(as_of: &str) -> DateTime<Utc> {
    params::as_of(as_of, params::time_zone("UTC").unwrap()).unwrap()
}

/// All rows that a feature reads of a customer at a cutoff.
async fn listed(
    tenure: &Tenure,
    view: &View,
    (group, feature): (&str, &str),
    customer: &str,
    cutoff: DateTime<Utc>,
) -> Vec<Row> {
    let query = tenure.catalogue().get(Purpose::Rows, group).unwrap();
    let text = |text: &str| reports::Value::Text(text.to_owned());
    let bound = [
        ("as_of".to_owned(), reports::Value::Instant(cutoff)),
        ("tz".to_owned(), text("UTC")),
        ("customer".to_owned(), text(customer)),
        ("feature".to_owned(), text(feature)),
        ("limit".to_owned(), reports::Value::Integer(i64::MAX)),
    ];
    let found = rows(&reports::collect(view, query, &bound.into()).await.unwrap().1).unwrap();
    assert!(found.iter().all(|row| row["total"] == found.len()), "{group} {customer}");
    found
}

fn age(row: &Row) -> f64 {
    row["days_before"].as_f64().unwrap()
}

/// What a feature of [`COUNTS`] is, from the rows.
fn counted(feature: &str, window: f64, rows: &[Row], cutoff: DateTime<Utc>) -> f64 {
    let inside = |row: &&Row| age(row) < window;
    let distinct = |of: &dyn Fn(&Row) -> String| {
        rows.iter().filter(inside).map(of).collect::<BTreeSet<_>>().len() as f64
    };
    if window.is_nan() {
        let closed = |row: &&Row| {
            let at = DateTime::parse_from_rfc3339(row["closed_at"].as_str().unwrap()).unwrap();
            cutoff - at.to_utc() < chrono::TimeDelta::days(365)
        };
        return rows.iter().filter(closed).count() as f64;
    }
    if feature.starts_with("activity_days") {
        // The 24 hours up to the cutoff are a day, which here ends at midnight.
        return distinct(&|row| row["at"].as_str().unwrap()[..10].to_owned());
    }
    if feature.starts_with("activity_breadth") {
        return distinct(&|row| {
            row["feature"].as_str().or(row["name"].as_str()).unwrap().to_owned()
        });
    }
    if feature.starts_with("orders_value") {
        return rows.iter().filter(inside).map(|row| row["amount"].as_f64().unwrap()).sum();
    }
    rows.iter().filter(inside).count() as f64
}

/// Whose numbers are checked: some of everybody, and some who have any.
fn chosen<'a>(features: &'a [Row], name: &str) -> Vec<&'a Row> {
    let spaced = features.iter().step_by((features.len() / 4).max(1));
    let any = features.iter().filter(|row| row[name].as_f64().is_some_and(|it| it != 0.0));
    spaced.chain(any.take(3)).collect()
}

/// Compares the rows of some customers with their features; adds the names of those
/// that anybody has to `seen`.
fn compare(tenure: &Tenure, as_of: &str, seen: &mut BTreeSet<&'static str>) {
    let cutoff = moment(as_of);
    block_on(async {
        let engine = tenure.engine().await.unwrap();
        let features = tenure.features(&engine, None, Some(as_of)).await.unwrap().table;
        let features = rows(&features.batches).unwrap();
        let view = engine.at(Moment::known_at(cutoff));
        for (group, name, window) in COUNTS {
            for row in chosen(&features, name) {
                let customer = row["customer_id"].as_str().unwrap();
                let found = listed(tenure, &view, (group, name), customer, cutoff).await;
                let (count, value) =
                    (counted(name, window, &found, cutoff), row[name].as_f64().unwrap());
                let words = format!("{as_of} {customer} {name}: {value}, the rows say {count}");
                assert!((count - value).abs() < 1e-6, "{words}");
                seen.extend(Some(name).filter(|_| value != 0.0));
            }
        }
        for (group, name) in RECENCIES {
            for row in chosen(&features, name) {
                let customer = row["customer_id"].as_str().unwrap();
                let found = listed(tenure, &view, (group, name), customer, cutoff).await;
                assert_eq!(found.first().map(age), row[name].as_f64(), "{customer} {name}");
                assert!(found.is_sorted_by(|a, b| age(a) <= age(b)), "newest first");
                seen.extend(found.first().map(|_| name));
            }
        }
    });
}

#[test]
fn rows_within_a_window_are_as_many_as_the_feature_says() {
    let mut seen = BTreeSet::new();
    for as_of in ["2024-06-30", "2024-12-31"] {
        compare(sample(), as_of, &mut seen);
    }
    // What the sample has none of, and what lies at the border of a window.
    let (_folder, tenure) = store_of(&[
        (
            "touches",
            "touch_id,customer_id,campaign_id,owner_id,kind,occurred_at
X1,C1,K1,,sent,2024-06-01T00:00:00Z
X2,C1,K1,,Bounced,2024-06-01T00:00:00Z
X3,C1,K1,,Unsubscribed,2023-01-01T00:00:00Z
X4,C1,,u1,sent,2024-06-02T00:00:00Z
X5,C1,,u1,clicked,2024-06-03T00:00:00Z
X6,C1,,,Call,2024-05-31T23:59:59Z
",
        ),
        (
            "activity",
            "customer_id,name,occurred_at
C1,meeting,2024-06-01T00:00:00Z
C1,sign_in,2024-05-31T23:59:59Z
C2,登录,2024-06-01T00:00:00Z
",
        ),
        (
            "opportunities",
            "opportunity_id,customer_id,status,created_at,closed_at
D1,C1,won,2022-01-01T00:00:00Z,2024-06-01T00:00:00Z
D2,C1,won,2024-01-01T00:00:00Z,
D3,C1,lost,2022-01-01T00:00:00Z,2022-02-01T00:00:00Z
",
        ),
    ]);
    compare(&tenure, "2024-06-30", &mut seen);
    let counts = COUNTS.iter().map(|(_, name, _)| *name);
    let all = counts.chain(RECENCIES.iter().map(|(_, name)| *name));
    let never: Vec<&str> = all.filter(|name| !seen.contains(name)).collect();
    assert!(never.is_empty(), "nobody has any: {never:?}");
}

#[test]
fn what_became_known_after_the_cutoff_is_not_listed() {
    let (_folder, tenure) = store_of(&[
        (
            "activity",
            "customer_id,name,occurred_at,known_at
C1,login,2024-06-20T00:00:00Z,2024-06-20T00:00:00Z
C1,export,2024-06-21T00:00:00Z,2024-07-05T00:00:00Z
C1,login,2024-07-02T00:00:00Z,2024-07-02T00:00:00Z
C2,login,2024-06-22T00:00:00Z,2024-06-22T00:00:00Z
",
        ),
        (
            "tickets",
            "ticket_id,customer_id,category,opened_at,closed_at,satisfaction
T1,C1,bug,2024-06-29T00:00:00Z,2024-07-01T00:00:00Z,1
",
        ),
    ]);
    let at = |as_of: &str, group: &str| {
        let cutoff = moment(as_of);
        block_on(async {
            let view = tenure.engine().await.unwrap().at(Moment::known_at(cutoff));
            listed(&tenure, &view, (group, "any"), "C1", cutoff).await
        })
    };
    let june = at("2024-06-30", "activity");
    assert_eq!(june.len(), 1, "{june:?}");
    assert_eq!(
        (&june[0]["name"], june[0]["days_before"].as_f64().unwrap().round()),
        (&"login".into(), 11.0)
    );
    assert_eq!(at("2024-07-31", "activity").len(), 3);
    let ticket = &at("2024-06-30", "tickets")[0];
    assert!(ticket["closed_at"].is_null() && ticket["satisfaction"].is_null(), "{ticket:?}");
    assert_eq!(at("2024-07-31", "tickets")[0]["satisfaction"], 1.0);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &to) } else { fs::copy(&path, &to).map(drop).unwrap() }
    }
}

/// The riskiest customers with all rows behind their reasons.
fn explained(tenure: &Tenure, most: usize) -> Vec<Row> {
    block_on(async {
        let engine = tenure.engine().await.unwrap();
        let request = ScoreRequest { limit: 4, ..ScoreRequest::default() };
        let page = tenure.scores(&engine, &request, Language::En).await.unwrap();
        let mut found = Vec::new();
        for score in page.scores {
            let customer = score["customer_id"].as_str().unwrap();
            let mut score = tenure.explain(&engine, customer, Language::En).await.unwrap();
            tenure.add_rows(&engine, &mut score, most).await.unwrap();
            found.push(score);
        }
        found
    })
}

#[test]
fn a_reason_has_the_rows_its_score_was_made_from_whatever_is_loaded_later() {
    let scored = scored_sample();
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    copy(&scored.store().location().local_path().unwrap(), &store);
    let tenure = Tenure::open(store.to_str().unwrap()).unwrap();
    let before = explained(&tenure, usize::MAX);
    let counts: BTreeMap<&str, f64> = COUNTS.iter().map(|(_, name, days)| (*name, *days)).collect();
    let mut checked = 0;
    for score in &before {
        let cutoff = DateTime::parse_from_rfc3339(score["cutoff"].as_str().unwrap()).unwrap();
        for reason in score["reasons"].as_array().unwrap() {
            let name = reason["feature"].as_str().unwrap();
            if name == "others" {
                assert!(reason["rows"].is_null());
                continue;
            }
            let found: Vec<Row> = serde_json::from_value(reason["rows"]["rows"].clone()).unwrap();
            assert_eq!(reason["rows"]["total"], found.len(), "{name}");
            assert!(found.iter().all(|row| row.contains_key("at") && !row.contains_key("total")));
            if let Some(&window) = counts.get(name) {
                let count = counted(name, window, &found, cutoff.to_utc());
                assert!((count - reason["value"].as_f64().unwrap()).abs() < 1e-6, "{reason}");
                checked += 1;
            }
        }
    }
    assert!(checked > 0, "no reason is a count");
    // A limit leaves the newest and the number of all.
    for (score, all) in explained(&tenure, 1).iter().zip(&before) {
        for (short, all) in
            score["reasons"].as_array().unwrap().iter().zip(all["reasons"].as_array().unwrap())
        {
            assert_eq!(short["rows"]["total"], all["rows"]["total"]);
            assert_eq!(short["rows"]["rows"].get(0), all["rows"]["rows"].get(0));
        }
    }

    let load = |known_at: &str| {
        let row = |text: String, score: &Row| {
            let customer = score["customer_id"].as_str().unwrap();
            text + &format!("{customer},login,2024-12-01T00:00:00Z,{known_at}T00:00:00Z\n")
        };
        let text = before.iter().fold("customer_id,name,occurred_at,known_at\n".to_owned(), row);
        let path = folder.path().join("activity.csv");
        fs::write(&path, text).unwrap();
        block_on(tenure.ingest(&[path], &IngestOptions::default(), &mut ())).unwrap();
    };
    // Loaded after the scoring, whatever the rows say of when they were known.
    load("2024-12-01");
    load("2025-03-01");
    assert_eq!(explained(&tenure, usize::MAX), before);
    // Most of both rows that stand behind a reason; who is riskiest may have changed.
    let late = |scores: &[Row]| {
        let reasons = scores.iter().flat_map(|score| score["reasons"].as_array().unwrap());
        let group = |reason: &Value| reason["rows"]["group"] == "activity";
        let rows = reasons.filter(|it| group(it)).map(|reason| reason["rows"]["rows"].as_array());
        let is_late = |row: &&Value| row["at"].as_str().unwrap().starts_with("2024-12-01T00:00:00");
        rows.map(|rows| rows.unwrap().iter().filter(is_late).count()).max()
    };
    // The end of the data is seen by all that is loaded.
    let again = block_on(tenure.score(None)).unwrap();
    assert_eq!(reports::iso(again.cutoff), before[0]["cutoff"]);
    assert_eq!(late(&explained(&tenure, usize::MAX)), Some(2));
    // A day that is asked for is seen as it was known then.
    let asked = block_on(tenure.score(Some("2024-12-31"))).unwrap();
    let then = explained(&tenure, usize::MAX);
    assert_eq!(reports::iso(asked.cutoff), then[0]["cutoff"]);
    assert_eq!(late(&then), Some(1));
}

#[test]
fn every_feature_group_has_a_query_that_lists_its_rows() {
    let catalogue = sample().catalogue();
    for group in catalogue.all(Purpose::Feature) {
        assert!(catalogue.get(Purpose::Rows, &group.name).is_ok(), "{}", group.file);
    }
    for query in catalogue.all(Purpose::Rows) {
        let ends = ["days_before", "total"].map(str::to_owned);
        assert!(query.columns.starts_with(&["at".to_owned()]), "{}", query.file);
        assert!(query.columns.ends_with(&ends), "{}: {:?}", query.file, query.columns);
        for column in query.columns.iter().filter(|column| *column != "total") {
            assert!(query.header.columns.contains_key(column), "{}: {column}", query.file);
        }
    }
    // Names of features that a query tells apart are names of features.
    let features: BTreeSet<&str> = catalogue
        .all(Purpose::Feature)
        .flat_map(|group| group.header.columns.keys().map(String::as_str))
        .collect();
    for query in catalogue.all(Purpose::Rows).filter(|query| query.name != "customers") {
        let body = query.sql.lines().filter(|line| !line.starts_with("--"));
        let told = body.collect::<Vec<_>>().join("\n");
        let lists = told
            .split("$feature")
            .skip(1)
            .filter_map(|rest| rest.split("THEN").next()?.split("OR").next());
        for name in lists.flat_map(|list| list.split('\'').skip(1).step_by(2)) {
            assert!(features.contains(name), "{}: there is no feature {name}", query.file);
        }
    }
}
