//! Does a night tell of every customer once, and end in the same state wherever it
//! was killed before?

mod kills;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value as Json};
use tempfile::TempDir;
use tenure::config::Config;
use tenure::generate::{Plan, write};
use tenure::ingest::IngestOptions;
use tenure::reports::render::rows;
use tenure::tenure::{Night, NightSummary};
use tenure::{ChurnSpec, ErrorKind, Tenure};

use crate::common::{answer, block_on};

/// The last instant of the first night.
const FIRST_END: &str = "2025-02-10T23:59:59Z";
/// The last instant of the second.
const SECOND_END: &str = "2025-02-14T23:59:59Z";

/// What says when a row of an export happened.
const STAMPS: [&str; 7] = [
    "occurred_at",
    "created_at",
    "started_at",
    "opened_at",
    "entered_at",
    "ordered_at",
    "responded_at",
];

/// What a CRM would export after `after` and up to `until`: rows that happened
/// or were filled in then, with what was filled in later still empty.
pub fn export(from: &Path, to: &Path, after: &str, until: &str) {
    fs::create_dir_all(to).unwrap();
    let is_stamp = |cell: &str| cell.len() == FIRST_END.len() && cell.ends_with('Z');
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let file = to.join(path.file_name().unwrap());
        if path.extension().unwrap() != "csv" {
            let text = fs::read_to_string(&path).unwrap();
            let is_due = |line: &&str| {
                // A line that is broken goes to quarantine on the first night.
                let Ok(row) = serde_json::from_str::<Json>(line) else { return after.is_empty() };
                row["occurred_at"].as_str().is_some_and(|at| at > after && at <= until)
            };
            let kept: Vec<&str> = text.lines().filter(is_due).collect();
            if !kept.is_empty() {
                fs::write(file, kept.join("\n") + "\n").unwrap();
            }
            continue;
        }
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(&path).unwrap();
        let head = reader.headers().unwrap().clone();
        let mut kept = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        let stamp = head.iter().position(|name| STAMPS.contains(&name));
        let mut n_kept = 0;
        for row in reader.records().map(Result::unwrap) {
            let known = |cell: &&str| is_stamp(cell) && *cell > after && *cell <= until;
            let happened = stamp.and_then(|at| row.get(at)).unwrap_or_default();
            // What has no time is exported whole, and once.
            let is_due = if is_stamp(happened) {
                row.iter().any(|cell| known(&cell))
            } else {
                after.is_empty()
            };
            if !is_due || (is_stamp(happened) && happened > until) {
                continue;
            }
            let early = |cell| if is_stamp(cell) && cell > until { "" } else { cell };
            let agreed = |at: usize| head.get(at).is_some_and(|name| name == "ends_at");
            let cells =
                row.iter().enumerate().map(|(at, it)| if agreed(at) { it } else { early(it) });
            if n_kept == 0 {
                kept.write_record(&head).unwrap();
            }
            kept.write_record(cells).unwrap();
            n_kept += 1;
        }
        if n_kept > 0 {
            fs::write(file, kept.into_inner().unwrap()).unwrap();
        }
    }
}

/// A generated company, and what it would have exported on two nights.
pub fn company(folder: &Path, customers: u64) {
    let plan = Plan::new(customers, 11, 14, Plan::default().start()).unwrap();
    write(&plan, folder, &mut |_, _| {}).unwrap();
    let exports = folder.join("exports");
    export(&exports, &folder.join("nights/1"), "", FIRST_END);
    export(&exports, &folder.join("later/2"), FIRST_END, SECOND_END);
    export(&exports, &folder.join("later/3"), SECOND_END, "9");
}

/// Lets the files of a night arrive.
pub fn arrive(folder: &Path, night: u8) {
    let name = night.to_string();
    fs::rename(folder.join("later").join(&name), folder.join("nights").join(&name)).unwrap();
}

/// The built-in spec with bands that some customers of a small company reach.
pub fn spec() -> ChurnSpec {
    let mut spec = ChurnSpec::built_in("churn").unwrap();
    spec.min_churners = 5;
    spec.bands.medium = 0.1;
    spec.bands.high = 0.25;
    spec
}

struct Company {
    folder: TempDir,
    tenure: Tenure,
}

impl Company {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        company(folder.path(), 250);
        let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
        Self { folder, tenure }
    }

    fn night(&self, train: bool) -> tenure::Result<NightSummary> {
        let from = vec![self.folder.path().join("nights")];
        let night = Night { from, options: IngestOptions::now(), spec: spec(), train };
        block_on(self.tenure.nightly(&night, &mut |_| {}))
    }

    fn table(&self, name: &str) -> Vec<Map<String, Json>> {
        block_on(async {
            let view = self.tenure.engine().await.unwrap().whole();
            let all = ["SELECT * FROM ", name, " ORDER BY run_id, customer_id"].concat();
            let frame = view.sql(&all).await.unwrap();
            rows(&view.collect(frame).await.unwrap().1).unwrap()
        })
    }
}

fn text<'a>(row: &'a Map<String, Json>, name: &str) -> &'a str {
    row[name].as_str().unwrap_or("")
}

/// What each customer was told, told again from the scores alone: the rules in
/// words of their own. Who is held back is taken as given; `contacts_of` tells that.
fn expected<'a>(
    scores: &'a [Map<String, Json>],
    alerts: &'a [Map<String, Json>],
) -> BTreeSet<String> {
    let release = |threshold: f64| {
        let odds = threshold / (1.0 - threshold) * 0.8;
        odds / (1.0 + odds)
    };
    let (high, medium) = (spec().bands.high, spec().bands.medium);
    let level = |p: f64| usize::from(p >= medium) + usize::from(p >= high);
    let held: BTreeMap<(i64, &str), &Map<String, Json>> = alerts
        .iter()
        .filter(|row| !matches!(text(row, "suppressed"), "" | "baseline"))
        .map(|row| ((run_of(row), text(row, "customer_id")), row))
        .collect();
    let mut runs: Vec<i64> = scores.iter().map(run_of).collect();
    runs.dedup();
    let cutoff = |row: &'a Map<String, Json>| (run_of(row), text(row, "cutoff"));
    let cutoffs: BTreeMap<i64, &str> = scores.iter().map(cutoff).collect();
    let mut standing: BTreeMap<String, usize> = BTreeMap::new();
    let mut waiting: BTreeMap<String, (usize, &str)> = BTreeMap::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut told = BTreeSet::new();
    for run in runs {
        let tonight: BTreeMap<&str, f64> = scores
            .iter()
            .filter(|row| run_of(row) == run)
            .map(|row| (text(row, "customer_id"), row["probability"].as_f64().unwrap()))
            .collect();
        let mut say = |id: &str, what: &str| told.insert(format!("{run} {id} {what}"));
        for (&id, &p) in &tonight {
            let (was, is) = (standing.get(id).copied().unwrap_or(0), level(p));
            let is_new = !seen.contains(id) && !standing.contains_key(id);
            if is > was && !(is_new && is == 1) {
                // Once written down, a rise is held back in silence until its day.
                let waits = |(to, until): &(usize, &str)| {
                    *to == is && (until.is_empty() || *until > cutoffs[&run])
                };
                if let Some(row) = held.get(&(run, id)) {
                    say(id, text(row, "suppressed"));
                    waiting.insert(id.to_owned(), (is, text(row, "quiet_until")));
                } else if !waiting.get(id).is_some_and(waits) {
                    say(id, "risen");
                    waiting.remove(id);
                    standing.insert(id.to_owned(), is);
                }
            } else if is > was {
                say(id, "baseline");
                standing.insert(id.to_owned(), is);
            } else {
                let limit = if was == 2 { release(high) } else { release(medium) };
                let mut falls_to = was;
                if is < was && p < limit {
                    falls_to = if was == 2 && p >= release(medium) { 1 } else { 0 };
                }
                if falls_to < was {
                    say(id, "fallen");
                    standing.insert(id.to_owned(), falls_to);
                }
            }
        }
        let gone =
            |(id, at): &(&String, &mut usize)| **at > 0 && !tonight.contains_key(id.as_str());
        for (id, at) in standing.iter_mut().filter(gone) {
            say(id, "ended");
            *at = 0;
        }
        standing.retain(|id, _| tonight.contains_key(id.as_str()));
        seen = tonight.keys().map(|id| (*id).to_owned()).collect();
    }
    told
}

fn run_of(row: &Map<String, Json>) -> i64 {
    row["run_id"].as_i64().unwrap()
}

/// When a person was in contact with each customer, from the tables as they are.
fn contacts_of(company: &Company) -> BTreeMap<String, Vec<DateTime<Utc>>> {
    let sql = "SELECT customer_id, occurred_at AS at FROM touches
               WHERE kind IN ('call', 'meeting', 'visit', 'demo', 'task')
               UNION ALL SELECT customer_id, first_response_at FROM tickets
               UNION ALL SELECT customer_id, occurred_at FROM activity
               WHERE name IN ('call', 'meeting', 'visit', 'demo')";
    let found = block_on(async {
        let view = company.tenure.engine().await.unwrap().whole();
        let frame = view.sql(sql).await.unwrap();
        rows(&view.collect(frame).await.unwrap().1).unwrap()
    });
    let mut contacts: BTreeMap<String, Vec<DateTime<Utc>>> = BTreeMap::new();
    for row in found.iter().filter(|row| row["at"].is_string()) {
        contacts.entry(text(row, "customer_id").to_owned()).or_default().push(instant(row, "at"));
    }
    contacts
}

fn instant(row: &Map<String, Json>, name: &str) -> DateTime<Utc> {
    text(row, name).parse().unwrap()
}

fn said(alerts: &[Map<String, Json>]) -> BTreeSet<String> {
    let what = |row: &Map<String, Json>| match (text(row, "suppressed"), text(row, "kind")) {
        ("baseline", "risen") => "baseline".to_owned(),
        ("" | "baseline", "recovered") => "fallen".to_owned(),
        ("" | "baseline", kind) => kind.to_owned(),
        (why, _) => why.to_owned(),
    };
    let line = |row: &Map<String, Json>| {
        format!("{} {} {}", row["run_id"], text(row, "customer_id"), what(row))
    };
    alerts.iter().map(line).collect()
}

#[test]
fn three_nights_tell_of_every_customer_what_the_scores_say_and_once() {
    let company = Company::new();
    let first = company.night(false).unwrap();
    let (scored, alerts) = (first.scored.unwrap(), first.alerts.unwrap());
    assert!(first.trained.is_some(), "no model served");
    assert_eq!((alerts.before, alerts.recovered, alerts.ended), (None, 0, 0));
    let held: usize = alerts.suppressed.values().sum();
    assert_eq!(alerts.risen + held, scored.bands["high"] + scored.bands["medium"]);
    assert_eq!(alerts.suppressed["baseline"], scored.bands["medium"]);
    assert!(alerts.risen > 0 && alerts.suppressed.contains_key("contacted"), "{alerts:?}");

    // Nothing new: nothing is done, however often.
    let runs = || block_on(company.tenure.store().snapshot()).unwrap().run_id();
    let before = runs();
    let again = company.night(false).unwrap();
    assert_eq!((again.unchanged_since, again.scored.is_some()), (Some(scored.run_id), false));
    assert_eq!(runs(), before);

    for night in [2, 3] {
        arrive(company.folder.path(), night);
        let summary = company.night(false).unwrap();
        assert!(summary.trained.is_none() && summary.alerts.is_some());
        let last = summary.scored.unwrap().run_id;
        let listed = answer(&company.tenure, "alerts", &[]);
        let stored = company.table("alerts");
        let tonight = stored.iter().filter(|row| row["run_id"] == last).count();
        assert_eq!(listed.len(), tonight, "the report shows the newest night");
        let owned = listed.iter().filter(|row| row["owner_id"] == "U001").count();
        assert_eq!(answer(&company.tenure, "alerts", &[("owner", "U001")]).len(), owned);
        let nobodys = listed.iter().filter(|row| row["owner_id"].is_null()).count();
        assert_eq!(answer(&company.tenure, "alerts", &[("owner", "(no owner)")]).len(), nobodys);
    }
    let (scores, alerts) = (company.table("scores"), company.table("alerts"));
    assert_eq!(said(&alerts), expected(&scores, &alerts));
    let kinds: BTreeSet<&str> = alerts.iter().map(|row| text(row, "kind")).collect();
    assert_eq!(kinds, ["ended", "recovered", "risen"].into(), "each happened");
    let contacts = contacts_of(&company);
    for row in alerts.iter().filter(|row| text(row, "kind") == "risen") {
        let cutoff = instant(row, "cutoff");
        let of = contacts.get(text(row, "customer_id")).into_iter().flatten();
        let newest = of.filter(|at| **at <= cutoff).max().map(|at| *at + TimeDelta::days(7));
        match text(row, "suppressed") {
            "contacted" => assert_eq!(newest, Some(instant(row, "quiet_until")), "{row:?}"),
            "" => assert!(newest.is_none_or(|until| until <= cutoff), "{row:?} {newest:?}"),
            _ => {}
        }
    }
    for row in &alerts {
        assert_eq!(row["reason"].is_null(), text(row, "kind") == "ended", "{row:?}");
        assert_eq!(row["quiet_until"].is_null(), text(row, "suppressed") != "contacted");
        if text(row, "suppressed") == "contacted" {
            assert!(text(row, "quiet_until") > text(row, "cutoff"), "{row:?}");
        }
        let same = |score: &&Map<String, Json>| {
            ["run_id", "customer_id", "probability", "value_at_risk", "owner_id", "model"]
                .iter()
                .all(|name| score[*name] == row[*name])
        };
        assert!(text(row, "kind") == "ended" || scores.iter().any(|score| same(&score)), "{row:?}");
    }
}

#[test]
fn a_quiet_time_of_no_days_holds_nobody_back_and_other_settings_are_news() {
    let mut company = Company::new();
    company.night(false).unwrap();
    let held = |company: &Company| {
        let alerts = company.table("alerts");
        let contacted = alerts.iter().filter(|row| text(row, "suppressed") == "contacted");
        contacted.map(|row| text(row, "customer_id").to_owned()).collect::<BTreeSet<_>>()
    };
    let waiting = held(&company);
    assert!(!waiting.is_empty());
    let mut config = Config::defaults().unwrap();
    config.store.clone_from(&company.tenure.config().store);
    config.alerts.quiet_days = 0;
    company.tenure = Tenure::with_config(config).unwrap();
    let summary = company.night(false).unwrap();
    let alerts = summary.alerts.unwrap();
    // Who was held back is still at high risk, and told of now; the others were.
    assert_eq!((alerts.risen, alerts.suppressed.len()), (waiting.len(), 0));
    let told = company
        .table("alerts")
        .into_iter()
        .filter(|row| row["run_id"] == summary.scored.as_ref().unwrap().run_id);
    let told: BTreeSet<String> = told.map(|row| text(&row, "customer_id").to_owned()).collect();
    assert_eq!(told, waiting);
}

#[test]
fn another_model_is_marked_and_a_training_that_fails_lets_the_served_one_score() {
    let company = Company::new();
    let first = company.night(false).unwrap();
    let model = first.trained.unwrap().model;
    let mut other = spec();
    other.bands.high = 0.2;
    let trained = block_on(company.tenure.train_as(
        other,
        None,
        tenure::tenure::Promotion::Always,
        &mut |_, _| {},
    ));
    assert_ne!(trained.unwrap().model, model);
    let second = company.night(false).unwrap();
    assert!(second.alerts.unwrap().model_changed);
    let alerts = company.table("alerts");
    let marks = |run: i64| -> BTreeSet<bool> {
        let of = alerts.iter().filter(|row| row["run_id"] == run);
        of.map(|row| row["model_changed"].as_bool().unwrap()).collect()
    };
    assert_eq!(marks(first.scored.unwrap().run_id), [false].into());
    assert_eq!(marks(second.scored.unwrap().run_id), [true].into());

    arrive(company.folder.path(), 2);
    let from = vec![company.folder.path().join("nights")];
    let mut greedy = spec();
    greedy.min_churners = 1_000_000;
    let night = Night { from, options: IngestOptions::now(), spec: greedy, train: true };
    let third = block_on(company.tenure.nightly(&night, &mut |_| {})).unwrap();
    assert!(third.train_refused.unwrap().contains("churn"));
    assert!(third.scored.is_some() && third.trained.is_none());
}

#[test]
fn only_one_night_at_a_time_and_the_other_is_told_whose() {
    let company = Company::new();
    let held = block_on(company.tenure.store().hold("tenure nightly")).unwrap();
    let refused = company.night(false).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let holder = format!("tenure nightly, process {}, since", std::process::id());
    assert!(refused.to_string().contains(&holder), "{refused}");
    // Nobody else writes either, from the first step to the last.
    let exports = [PathBuf::from(company.folder.path()).join("nights")];
    let load = || block_on(company.tenure.ingest(&exports, &IngestOptions::now(), &mut ()));
    assert_eq!(load().unwrap_err().kind(), ErrorKind::Conflict);
    block_on(held.release());
    load().unwrap();
}

#[test]
fn an_empty_store_and_a_broken_file_are_refused() {
    let company = Company::new();
    let night = Night { from: vec![], options: IngestOptions::now(), spec: spec(), train: false };
    let refused = block_on(company.tenure.nightly(&night, &mut |_| {})).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unknown);
    assert!(refused.hints()[0].contains("--from"), "{refused:?}");
    let cut = company.folder.path().join("nights/1/orders.csv");
    let whole = fs::read(&cut).unwrap();
    fs::write(&cut, &whole[..whole.len() - 5]).unwrap();
    let refused = company.night(false).unwrap_err();
    assert!(refused.to_string().contains("orders.csv"), "{refused}");
    assert!(block_on(company.tenure.store().snapshot()).unwrap().runs().is_empty());
    // The lock was given back.
    fs::write(&cut, &whole).unwrap();
    assert!(block_on(company.tenure.ingest(&[cut], &IngestOptions::now(), &mut ())).is_ok());
}
