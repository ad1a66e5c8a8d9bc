//! Who is asked about at a cutoff, and is what became of them the truth?

use std::collections::BTreeMap;
use std::fs;

use chrono::{DateTime, NaiveDate, Utc};
use linfa::ParamGuard;
use tempfile::TempDir;
use tenure::churn::{ChurnParams, ChurnSpec, Interval};
use tenure::engine::Moment;
use tenure::features::panel;
use tenure::ingest::IngestOptions;
use tenure::{Error, ErrorKind, Tenure};

use crate::common::{block_on, empty_store, store_of};

mod twin;

pub fn instant(text: &str) -> DateTime<Utc> {
    match text.len() {
        10 => text.parse::<NaiveDate>().unwrap().and_time(chrono::NaiveTime::MIN).and_utc(),
        _ => text.parse().unwrap(),
    }
}

/// A spec of a label and its cutoffs, without features.
pub fn spec(label: &str, cutoffs: &str) -> ChurnSpec {
    let toml = format!(
        "name = \"t\"\ntitle = {{ en = \"T\", zh = \"T\" }}\n\
         label = {{ {label} }}\ncutoffs = {{ {cutoffs} }}"
    );
    ChurnSpec::parse(&toml, "t.toml").unwrap()
}

/// What became of whom at which cutoff.
pub type Outcomes = BTreeMap<(String, String), bool>;

pub fn outcomes(tenure: &Tenure, spec: ChurnSpec, moment: Moment) -> Result<Outcomes, Error> {
    let params = ChurnParams::new(spec).check()?;
    let engine = block_on(tenure.engine())?;
    let catalogue = tenure.catalogue();
    let panel = block_on(panel::training(&engine, catalogue, &params, moment, &mut |_, _| {}))?;
    let day = |period: usize| match panel.periods.get(period) {
        Some(matured) => matured.period().cutoff.to_string(),
        None => format!("fold {period}"),
    };
    let rows = panel.frame.ids().iter().zip(panel.frame.periods()).zip(panel.frame.churned());
    Ok(rows.map(|((id, period), churned)| ((day(*period), id.clone()), *churned)).collect())
}

/// Who left in each interval after a cutoff that has matured; none of who had left.
pub type Left = BTreeMap<(String, String), Vec<Option<bool>>>;

pub fn departures(tenure: &Tenure, spec: ChurnSpec, moment: Moment) -> Left {
    let params = ChurnParams::new(spec).check().unwrap();
    let engine = block_on(tenure.engine()).unwrap();
    let catalogue = tenure.catalogue();
    let panel = block_on(panel::training(&engine, catalogue, &params, moment, &mut |_, _| {}));
    let panel = panel.unwrap();
    let rows = panel.frame.ids().iter().zip(panel.frame.periods()).zip(panel.frame.departures());
    rows.map(|((id, &period), departure)| {
        let matured = &panel.periods[period];
        let intervals = Interval::matured(matured, NaiveDate::MAX);
        let left = intervals.map(|interval| departure.within(interval)).collect();
        ((matured.period().cutoff.to_string(), id.clone()), left)
    })
    .collect()
}

pub fn scored(tenure: &Tenure, spec: &ChurnSpec, cutoff: DateTime<Utc>) -> Vec<String> {
    let engine = block_on(tenure.engine()).unwrap();
    let moment = Moment::known_at(cutoff);
    let frame = block_on(panel::scoring(&engine, tenure.catalogue(), spec, moment, &[]));
    frame.unwrap().ids().to_vec()
}

/// After everything, with the knowledge of then.
pub fn today() -> Moment {
    Moment { as_of: instant("2099-01-01"), known_as_of: None }
}

/// Loads each export as a load of its own.
pub fn loads(files: &[(&str, &str, IngestOptions)]) -> (TempDir, Tenure) {
    let (folder, tenure) = empty_store();
    for (number, (table, text, options)) in files.iter().enumerate() {
        let path = folder.path().join(format!("{number}"));
        fs::create_dir(&path).unwrap();
        let file = path.join(format!("{table}.csv"));
        fs::write(&file, text).unwrap();
        let summary = block_on(tenure.ingest(&[file], options, &mut ())).unwrap();
        assert_eq!(summary.rows.quarantined, 0, "{table}");
    }
    (folder, tenure)
}

const CONTRACTS: &str = "subscription_id,customer_id,mrr,started_at,ends_at,ended_at,known_at\n";

/// Cutoff 2025-01-01, ten days of gap, thirty of horizon, five of grace: the
/// horizon is `[01-11, 02-10)`, the label known on 02-15. Each customer is called
/// by their history; of the exports, the second came later.
const FIRST: &str = "\
1,goes on,9,2024-06-01,,,
2,ended in the horizon,9,2024-06-01,,2025-01-20,
3,ended long ago,9,2024-06-01,,2024-12-20,
4,ended as the cutoff came,9,2024-06-01,,2025-01-01,
5,ended in the gap,9,2024-06-01,,2025-01-05,
6,ended in the last second of the gap,9,2024-06-01,,2025-01-10T23:59:59Z,
7,ended in the first second of the horizon,9,2024-06-01,,2025-01-11,
8,ended in the last second of the horizon,9,2024-06-01,,2025-02-09T23:59:59Z,
9,ended after the horizon,9,2024-06-01,,2025-02-10,
10,renewed the next day,9,2024-06-01,,2025-01-20,
11,renewed the next day,9,2025-01-21,,,
12,renewed in the last second of the grace,9,2024-06-01,,2025-02-09T12:00:00Z,
13,renewed in the last second of the grace,9,2025-02-14T12:00:00Z,,,
14,renewed a second later,9,2024-06-01,,2025-02-09T12:00:00Z,
15,renewed a second later,9,2025-02-14T12:00:01Z,,,
16,two and one ended,9,2024-06-01,,2025-01-20,
17,two and one ended,9,2024-08-01,,,
18,two and both ended,9,2024-06-01,,2025-01-15,
19,two and both ended,9,2024-08-01,,2025-01-20,
20,two and the last ended after the horizon,9,2024-06-01,,2025-01-15,
21,two and the last ended after the horizon,9,2024-08-01,,2025-03-20,
22,one of two ended in the gap,9,2024-06-01,,2025-01-05,
23,one of two ended in the gap,9,2024-06-01,,,
24,ended in the gap and renewed,9,2024-06-01,,2025-01-05,
25,ended in the gap and renewed,9,2025-01-08,,,
26,ended in the gap and back in the horizon,9,2024-06-01,,2025-01-05,
27,ended in the gap and back in the horizon,9,2025-01-20,,,
28,renewed for a week,9,2024-06-01,,2025-01-12,
29,renewed for a week,9,2025-01-14,,2025-01-22,
30,agreed end passed,9,2024-06-01,2025-01-15,,
31,ended late by the second export,9,2024-06-01,,,
32,end known in time by the second export,9,2024-06-01,,,
33,renewed in place,9,2024-02-01,2025-02-01,,
34,renewed in place long after,9,2024-02-01,2025-02-01,,
35,taken over by another customer,9,2024-02-01,,,
36,never ran,9,2024-12-01,,2024-12-01,
37,begins in the gap,9,2025-01-05,,,
38,entered after the cutoff,9,2024-12-01,,,2025-02-01
39,came back before the cutoff,9,2024-03-01,,2024-10-01,
40,came back before the cutoff,9,2024-12-01,,2025-01-20,
41,between two contracts,9,2024-06-01,,2024-12-30,
42,between two contracts,9,2025-01-02,,,
43,free of charge,0,2024-06-01,,2025-01-20,
44,renewed in place after an older contract,9,2022-01-01,,2023-01-01,
45,renewed in place after an older contract,9,2024-02-01,2025-02-01,,
46,ends in summer,9,2024-06-01,,2025-06-20,
";
const SECOND: &str = "\
31,ended late by the second export,9,2024-06-01,,2024-12-20,2025-01-15
32,end known in time by the second export,9,2024-06-01,,2024-12-20,2024-12-22
33,renewed in place,9,2025-02-01,2026-02-01,,
34,renewed in place long after,9,2025-03-20,2026-03-20,,
35,another customer,9,2024-02-01,,,2025-01-10
45,renewed in place after an older contract,9,2025-02-01,2026-02-01,,
";

fn contracts() -> (TempDir, Tenure) {
    let [first, second] = [FIRST, SECOND].map(|rows| format!("{CONTRACTS}{rows}"));
    loads(&[
        ("subscriptions", &first, IngestOptions::default()),
        ("subscriptions", &second, IngestOptions::default()),
    ])
}

const STAYED: [&str; 15] = [
    "goes on",
    "ended after the horizon",
    "renewed the next day",
    "renewed in the last second of the grace",
    "two and one ended",
    "two and the last ended after the horizon",
    "one of two ended in the gap",
    "ended in the gap and renewed",
    "agreed end passed",
    "renewed in place",
    "renewed in place long after",
    "renewed in place after an older contract",
    "taken over by another customer",
    "ends in summer",
    // The label says nothing of them, so they are scored.
    "",
];
const CHURNED: [&str; 8] = [
    "ended in the horizon",
    "ended in the first second of the horizon",
    "ended in the last second of the horizon",
    "renewed a second later",
    "two and both ended",
    "renewed for a week",
    "came back before the cutoff",
    "free of charge",
];
/// Under contract as far as anybody knew, but gone before one could act.
const LEFT_OUT: [&str; 5] = [
    "ended as the cutoff came",
    "ended in the gap",
    "ended in the last second of the gap",
    "ended in the gap and back in the horizon",
    "ended late by the second export",
];

const CONTRACT: &str = "kind = \"contract\", horizon_days = 30, gap_days = 10, grace_days = 5";
const DATES: &str = "kind = \"dates\", train = [\"2025-01-01\"], test = [\"2025-04-01\"]";

#[test]
fn a_contract_has_ended_when_nothing_follows_it() {
    let (_folder, tenure) = contracts();
    let found = outcomes(&tenure, spec(CONTRACT, DATES), today()).unwrap();
    let of = |outcome: bool| -> Vec<&str> {
        let mut ids: Vec<&str> = found
            .iter()
            .filter(|((day, _), churned)| day == "2025-01-01" && **churned == outcome)
            .map(|((_, id), _)| id.as_str())
            .collect();
        ids.sort_unstable();
        ids
    };
    let sorted = |ids: &[&'static str]| {
        let mut ids: Vec<&str> = ids.iter().copied().filter(|id| !id.is_empty()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(of(true), sorted(&CHURNED));
    assert_eq!(of(false), sorted(&STAYED));
}

#[test]
fn only_customers_under_contract_are_scored() {
    let (_folder, tenure) = contracts();
    let spec = spec(CONTRACT, DATES);
    // Nobody knows yet who will leave in the gap.
    let eve = instant("2024-12-31T23:59:59.999999Z");
    let mut expected: Vec<&str> =
        STAYED.into_iter().chain(CHURNED).chain(LEFT_OUT).filter(|id| !id.is_empty()).collect();
    expected.sort_unstable();
    assert_eq!(scored(&tenure, &spec, eve), expected);
    let summer = scored(&tenure, &spec, instant("2025-07-01"));
    for gone in CHURNED.iter().chain(&["ends in summer", "ended late by the second export"]) {
        assert_eq!(
            summer.contains(&(*gone).to_owned()),
            *gone == "renewed a second later",
            "{gone}"
        );
    }
}

/// Knowledge that came after the day a training stands at changes nothing in it.
#[test]
fn a_training_in_the_past_knows_what_was_known_then() {
    let (_folder, tenure) = contracts();
    let label = "kind = \"contract\", horizon_days = 30, grace_days = 0";
    let cutoffs = "kind = \"dates\", train = [\"2024-09-01\"], test = [\"2024-12-01\"]";
    let of = |known: Option<&str>| {
        let moment = Moment { as_of: instant("2025-01-20"), known_as_of: known.map(instant) };
        let found = outcomes(&tenure, spec(label, cutoffs), moment).unwrap();
        let id = "ended late by the second export".to_owned();
        found[&("2024-12-01".to_owned(), id)]
    };
    assert_eq!((of(Some("2025-01-14")), of(Some("2025-01-20")), of(None)), (false, true, true));
}

/// Contracts exported in June, activity until December.
#[test]
fn contracts_older_than_the_rest_do_not_look_as_if_they_went_on() {
    let june = IngestOptions::at(instant("2025-06-12").timestamp_micros());
    // Signed and cancelled ahead: neither date says that the export is newer.
    let rows = "\
1,a,9,2024-01-01,,2024-03-10,
2,b,9,2024-01-01,,,
3,c,9,2024-02-01,,2025-06-10,
4,d,9,2025-09-01,,,2025-06-01
5,e,9,2024-01-01,,2025-12-01,
";
    let activity = "customer_id,name,occurred_at\na,login,2024-01-01\nb,login,2025-12-31\n";
    let contracts = format!("{CONTRACTS}{rows}");
    let files = [
        ("subscriptions", contracts.as_str(), june),
        ("activity", activity, IngestOptions::default()),
    ];
    let (_folder, tenure) = loads(&files);
    let label = "kind = \"contract\", horizon_days = 30, grace_days = 10";
    let cutoffs = "kind = \"calendar\", every = \"month\", count = 20, holdout = 2";
    let found = outcomes(&tenure, spec(label, cutoffs), today()).unwrap();
    // 2025-05-01 + 40 = 06-10; the label of 06-01 would be known on 07-11.
    let newest = found.keys().map(|(day, _)| day.as_str()).max();
    assert_eq!(newest, Some("2025-05-01"));
    assert_eq!(found.keys().map(|(day, _)| day.as_str()).min(), Some("2024-02-01"));
}

const ACTIVITY: &str = "customer_id,name,occurred_at
silent,login,2024-12-20
only in the gap,login,2024-12-20
only in the gap,login,2025-01-05
first instant,login,2024-12-20
first instant,login,2025-01-11
last second,login,2024-12-20
last second,login,2025-02-09T23:59:59Z
after the horizon,login,2024-12-20
after the horizon,login,2025-02-10
what counts not,login,2024-12-20
what counts not,letter,2025-01-20
just eligible,login,2024-12-02
just gone,login,2024-12-01T23:59:59Z
new,login,2025-01-01
new,login,2025-01-20
goes on,login,2024-11-01
goes on,login,2024-12-20
goes on,login,2025-01-20
goes on,login,2025-04-20
goes on,login,2025-06-20
";
const SILENCE: &str = "kind = \"inactivity\", horizon_days = 30, gap_days = 10, \
                       eligible_days = 30, activities = [\"login\"]";

#[test]
fn silence_is_judged_on_the_horizon_alone() {
    let (_folder, tenure) = store_of(&[("activity", ACTIVITY)]);
    let cutoffs = "kind = \"dates\", train = [\"2025-01-01\"], test = [\"2025-05-01\"]";
    let found = outcomes(&tenure, spec(SILENCE, cutoffs), today()).unwrap();
    let at_first = found.iter().filter(|((day, _), _)| day == "2025-01-01");
    let at_first: Vec<(&str, bool)> =
        at_first.map(|((_, id), churned)| (id.as_str(), *churned)).collect();
    let expected = [
        ("after the horizon", true),
        ("first instant", false),
        ("goes on", false),
        ("just eligible", true),
        ("last second", false),
        ("only in the gap", true),
        ("silent", true),
        ("what counts not", true),
    ];
    assert_eq!(at_first, expected);
    let eve = instant("2024-12-31T23:59:59.999999Z");
    let eligible: Vec<&str> = expected.iter().map(|(id, _)| *id).collect();
    assert_eq!(scored(&tenure, &spec(SILENCE, cutoffs), eve), eligible);
}

#[test]
fn customers_the_source_calls_gone_are_learnt_from_and_not_scored() {
    // f is created, and g's label known, after the moment that is asked about.
    let labels = "customer_id,name,value,known_at
a,churn,true,2024-02-01
b,churn,false,2024-02-01
c,churn,true,2024-02-01
d,risk,true,2024-02-01
f,churn,false,2024-02-01
g,churn,true,2024-04-01
";
    let customers = ["a", "b", "c", "d", "e", "g"].map(|id| format!("{id},2024-01-01\n")).concat();
    let customers = format!("customer_id,created_at\n{customers}f,2024-04-01\n");
    let (_folder, tenure) = store_of(&[("labels", labels), ("customers", &customers)]);
    let spec = spec("kind = \"given\", label = \"churn\"", "kind = \"folds\", n = 2");
    let found = |as_of| {
        let found = outcomes(&tenure, spec.clone(), Moment::known_at(as_of)).unwrap();
        let found = found.into_iter().map(|((_, id), churned)| (id, churned));
        (found.collect::<BTreeMap<_, _>>(), scored(&tenure, &spec, as_of))
    };
    let of = |ids: &[(&str, bool)]| ids.iter().map(|(id, it)| ((*id).to_owned(), *it)).collect();
    let (learnt, asked) = found(instant("2024-03-01"));
    assert_eq!(learnt, of(&[("a", true), ("b", false), ("c", true)]));
    assert_eq!(asked, ["b", "d", "e", "g"]);
    let (learnt, asked) = found(instant("2024-05-01"));
    assert_eq!(learnt, of(&[("a", true), ("b", false), ("c", true), ("f", false), ("g", true)]));
    assert_eq!(asked, ["b", "d", "e", "f"]);
}

#[test]
fn a_label_that_can_teach_nothing_is_refused_with_a_way_out() {
    let refused = |files: &[(&str, &str)], label: &str, cutoffs: &str| {
        let (_folder, tenure) = store_of(files);
        let error = outcomes(&tenure, spec(label, cutoffs), today()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Insufficient, "{error}");
        (error.to_string(), error.hints().concat())
    };
    let says = |(error, hint): (String, String), words: &str, way_out: &str| {
        assert!(error.contains(words) && hint.contains(way_out), "{error}: {hint}");
    };
    let head = "subscription_id,customer_id,mrr,started_at,ends_at,ended_at\n";
    let contracts = |rows: &str| format!("{head}{rows}");
    let with = |text: &str, cutoffs: &str| refused(&[("subscriptions", text)], CONTRACT, cutoffs);
    let agreed = contracts("1,a,9,2024-06-01,2025-02-01,\n2,b,9,2025-05-20,2026-05-20,\n");
    says(with(&agreed, DATES), "of 2 rows to train on, none churned", "`ended_at`");
    let ended = contracts(
        "1,a,9,2024-06-01,,2025-01-20\n2,b,9,2025-02-01,,2025-05-01\n3,c,9,2025-05-20,,\n",
    );
    says(with(&ended, DATES), "of 2 rows to train on, all churned", "label.grace_days");
    let gone = contracts("1,a,9,2024-06-01,,2024-07-20\n2,b,9,2025-05-20,,\n");
    says(with(&gone, DATES), "nobody was eligible at any cutoff", "running contract");
    says(refused(&[("activity", ACTIVITY)], CONTRACT, DATES), "no contracts", "subscriptions");

    let late = "kind = \"dates\", train = [\"2025-01-01\"], test = [\"2025-06-01\"]";
    says(
        with(&ended, late),
        "2025-06-01 has not matured",
        "newest cutoff that has matured is 2025-04-06",
    );
    let early = "kind = \"dates\", train = [\"2024-06-01\"], test = [\"2025-04-01\"]";
    says(with(&ended, early), "2024-06-01 lies before all data", "load older data");
    let beyond = CONTRACT.replace("30", "900");
    let calendar = "kind = \"calendar\", every = \"month\", count = 9, holdout = 2";
    let files = [("subscriptions", ended.as_str())];
    says(refused(&files, &beyond, calendar), "no cutoff has matured", "one label takes 915 days");
    says(refused(&files, &beyond, DATES), "has not matured", "one label takes 915 days");

    let files = [("activity", ACTIVITY)];
    let misspelt = SILENCE.replace("\"login\"", "\"logon\"");
    says(refused(&files, &misspelt, DATES), "no activity \"logon\"", "label.activities");
    says(refused(&[("subscriptions", &ended)], SILENCE, DATES), "no activity", "tenure ingest");
    let short = "kind = \"inactivity\", horizon_days = 1, eligible_days = 1";
    let dates = "kind = \"dates\", train = [\"2024-12-21\"], test = [\"2025-01-06\"]";
    says(refused(&files, short, dates), "all churned", "lengthen label.horizon_days");
    let long = "kind = \"inactivity\", horizon_days = 200, eligible_days = 30";
    let days = ["2024-01-01", "2024-06-01", "2024-12-31", "2025-05-01", "2025-12-01"];
    let stays = days.map(|day| format!("a,login,{day}\n")).concat();
    let stays = format!("customer_id,name,occurred_at\n{stays}");
    let dates = "kind = \"dates\", train = [\"2024-06-20\"], test = [\"2025-01-11\"]";
    let found = refused(&[("activity", &stays)], long, dates);
    says(found, "of 2 rows to train on, none churned", "shorten label.horizon_days");
    let labels = "customer_id,name,value\na,churn,false\nb,churn,false\n";
    let given = "kind = \"given\", label = \"churn\"";
    let folds = "kind = \"folds\", n = 2";
    says(refused(&[("labels", labels)], given, folds), "none churned", "reads as true");
    let gone = labels.replace("false", "true");
    says(refused(&[("labels", &gone)], given, folds), "all churned", "those who stayed");
}
