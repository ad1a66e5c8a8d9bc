//! Does each target take what is exported for it, and does it read the scores?
//!
//! Readers in `export/readers.rs` know the targets' rules and nothing of the code
//! that writes; what they read is compared with the scores the library returns.

mod readers;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tenure::config::Language;
use tenure::export::{ExportRequest, ExportSummary, Target};
use tenure::{ErrorKind, Tenure};

use crate::common::{block_on, sample};
use crate::model::all_scores;
use readers::Record;
use world::{Customer, awkward, customers, scored, store};

fn export(tenure: &Tenure, request: &ExportRequest) -> tenure::Result<ExportSummary> {
    block_on(tenure.export_scores(request, Language::En))
}

fn request(target: Target, out: &Path) -> ExportRequest {
    ExportRequest { out: Some(out.to_owned()), ..ExportRequest::to(target) }
}

/// What a target is to read of a customer's score in a field.
fn expected(target: Target, customer: &Customer, scored_at: i64, field: &str) -> Option<String> {
    let field = field.to_lowercase();
    if field.contains("scored_at") {
        // Zoho keeps whole seconds.
        let kept = if target == Target::Zoho { scored_at / 1000 * 1000 } else { scored_at };
        return Some(kept.to_string());
    }
    if field.contains("score") {
        let probability = customer.probability;
        // Where the mapping rounds it.
        let rounded: f64 = format!("{probability:.9}").parse().unwrap();
        let is_rounded = matches!(target, Target::Zoho | Target::Fxiaoke);
        return Some(if is_rounded { rounded } else { probability }.to_string());
    }
    if field.contains("band") {
        let place = ["high", "medium", "low"].iter().position(|band| *band == customer.band());
        let words = match target {
            Target::Fxiaoke => ["高", "中", "低"],
            Target::Hubspot => ["high", "medium", "low"],
            _ => ["High", "Medium", "Low"],
        };
        return Some(words[place.unwrap()].to_owned());
    }
    if field.contains("reason") {
        let words = if target == Target::Fxiaoke { "text_zh" } else { "text" };
        let reasons: Vec<Value> = serde_json::from_str(&customer.reasons).unwrap();
        let raises = |reason: &&Value| {
            reason["contribution"].as_f64() > Some(0.0) && reason["feature"] != "others"
        };
        return reasons
            .iter()
            .find(raises)
            .map(|reason| reason[words].as_str().unwrap().to_owned());
    }
    if field.contains("value_at_risk") {
        return customer.value.map(|value| format!("{:.2}", value as f64 / 1e4));
    }
    assert!(field.contains("model"), "a field nobody expected: {field}");
    Some("m-42".to_owned())
}

/// Compares what a reader read with the scores, riskiest first.
fn compare(target: Target, read: &[Record], customers: &[Customer], tenure: &Tenure) {
    let engine = block_on(tenure.engine()).unwrap();
    let scored_at = engine.snapshot().runs().last().unwrap().finished_at.timestamp_millis();
    let mut customers: Vec<_> = customers.iter().collect();
    customers.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.id.cmp(&b.id)));
    assert_eq!(read.len(), customers.len(), "{target:?}");
    for (record, customer) in read.iter().zip(customers) {
        assert_eq!(record.id, customer.id);
        for (field, value) in &record.values {
            let expected = expected(target, customer, scored_at, field);
            assert_eq!(value, &expected, "{target:?}: {field} of {}", record.id);
        }
    }
}

#[test]
fn every_target_reads_the_scores_at_every_size() {
    for count in [0, 1, 100, 101, 201] {
        let (folder, tenure) = store(&customers(count));
        scored(&tenure, &customers(count), 10);
        for target in [Target::Salesforce, Target::Hubspot, Target::Zoho, Target::Fxiaoke] {
            let out = folder.path().join(target.name());
            let summary = export(&tenure, &request(target, &out)).unwrap();
            readers::manifest(&out, &summary.manifest);
            assert_eq!(summary.manifest.rows, count as u64);
            let read = match target {
                Target::Salesforce => readers::salesforce(&out, "Churn_Key__c", 100_000_000),
                Target::Hubspot => readers::hubspot(&out, Some("churn_key")),
                Target::Zoho => readers::zoho(&out, "Churn_Key"),
                _ => readers::fxiaoke(&out, "AccountObj"),
            };
            compare(target, &read, &customers(count), &tenure);
            let per_call =
                if matches!(target, Target::Hubspot | Target::Zoho) { 100 } else { 1000 };
            assert_eq!(
                summary.manifest.files.len(),
                count.div_ceil(per_call),
                "{target:?} {count}"
            );
        }
    }
}

#[test]
fn names_and_ids_of_every_kind_arrive_as_they_are() {
    let (folder, tenure) = store(&awkward());
    scored(&tenure, &awkward(), 10);
    let field =
        |name: &str, column: &str| format!("[[field]]\nname = \"{name}\"\ncolumn = \"{column}\"\n");
    let names: BTreeMap<String, Option<String>> = all_scores(&tenure)
        .iter()
        .map(|score| {
            let name = score["name"].as_str().map(str::to_owned);
            (score["customer_id"].as_str().unwrap().to_owned(), name)
        })
        .collect();
    assert!(names.values().flatten().any(|name| name.contains('\n')), "the store keeps them");
    for (target, head, name) in [
        (
            Target::Salesforce,
            "object = \"Account\"\nkey = \"Key__c\"\nbytes_per_file = 100\n",
            "Name",
        ),
        (Target::Hubspot, "object = \"companies\"\nkey = \"key\"\nrows_per_file = 2\n", "name"),
        (Target::Zoho, "object = \"Accounts\"\nkey = \"Key\"\n", "Account_Name"),
        (Target::Fxiaoke, "object = \"AccountObj\"\nkey = \"_id\"\nbody = \"data\"\n", "name"),
        (Target::Csv, "key = \"Customer\"\nbom = true\n", "Name"),
    ] {
        let map = folder.path().join("map.toml");
        let text = format!("target = \"{}\"\n{head}{}", target.name(), field(name, "name"));
        fs::write(&map, text).unwrap();
        let out = folder.path().join(target.name());
        let asked = ExportRequest { mapping: Some(map), ..request(target, &out) };
        let summary = export(&tenure, &asked).unwrap();
        readers::manifest(&out, &summary.manifest);
        let read = match target {
            Target::Salesforce => readers::salesforce(&out, "Key__c", 100),
            Target::Hubspot => readers::hubspot(&out, Some("key")),
            Target::Zoho => readers::zoho(&out, "Key"),
            Target::Fxiaoke => readers::fxiaoke(&out, "AccountObj"),
            Target::Csv => readers::table(&out, "Customer"),
        };
        if matches!(target, Target::Salesforce | Target::Hubspot) {
            assert!(summary.manifest.files.len() > 2, "{target:?}: the limit of the mapping holds");
        }
        let unguarded = |text: &String| match target {
            Target::Csv => text.strip_prefix('\'').unwrap_or(text).to_owned(),
            _ => text.clone(),
        };
        let read: BTreeMap<_, _> = read
            .iter()
            .map(|record| (unguarded(&record.id), record.values[name].as_ref().map(unguarded)))
            .collect();
        assert_eq!(read, names, "{target:?}");
    }
}

#[test]
fn ids_of_the_target_itself_are_taken_as_keys() {
    let mut all = customers(3);
    let (folder, tenure) = store(&all);
    scored(&tenure, &all, 10);
    let read = |target: Target, head: &str, reader: &dyn Fn(&Path) -> Vec<Record>| {
        let map = folder.path().join("map.toml");
        fs::write(&map, format!("target = \"{}\"\n{head}field = []\n", target.name())).unwrap();
        let out = folder.path().join(target.name());
        let asked = ExportRequest { mapping: Some(map), ..request(target, &out) };
        let sent = export(&tenure, &asked).map(|summary| summary.manifest.send);
        sent.map(|sent| {
            (reader(&out).into_iter().map(|record| record.id).collect::<Vec<_>>(), sent)
        })
    };
    all.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let ids: Vec<_> = all.iter().map(|customer| customer.id.clone()).collect();

    // HubSpot's own ids name no property.
    let head = "object = \"companies\"\nkey = \"hs_object_id\"\n";
    let (found, sent) = read(Target::Hubspot, head, &|out| readers::hubspot(out, None)).unwrap();
    assert_eq!(found, ids);
    assert_eq!(sent["path"], "/crm/v3/objects/companies/batch/update");

    // An object of the company's own has another address, and the documented body.
    let head = "object = \"risk__c\"\nkey = \"_id\"\nbody = \"object_data\"\n";
    let (found, sent) =
        read(Target::Fxiaoke, head, &|out| readers::fxiaoke_documented(out, "risk__c")).unwrap();
    assert_eq!(found, ids);
    assert_eq!(sent["path"], "/cgi/crm/custom/v2/data/update");
    for secret in ["corpAccessToken", "corpId", "currentOpenUserId"] {
        assert_eq!(sent["body"][secret], "filled in by the sender");
    }

    // Seven digits are no record of Salesforce.
    let head = "object = \"Account\"\nkey = \"Id\"\n";
    let error = read(Target::Salesforce, head, &|_| Vec::new()).unwrap_err();
    assert!(error.to_string().contains("15 or 18"), "{error}");
}

#[test]
fn a_table_for_people_is_in_their_language_and_runs_no_formula() {
    let (folder, tenure) = store(&awkward());
    scored(&tenure, &awkward(), 10);
    let out = folder.path().join("csv");
    let asked = ExportRequest { band: Some("high".to_owned()), ..request(Target::Csv, &out) };
    block_on(tenure.export_scores(&asked, Language::Zh)).unwrap();
    let read = readers::table(&out, "客户编号");
    let high = all_scores(&tenure).into_iter().filter(|score| score["band"] == "high");
    let ids: Vec<_> = high.map(|score| score["customer_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(read.iter().map(|record| record.id.clone()).collect::<Vec<_>>(), ids);
    for record in &read {
        assert_eq!(record.values["风险等级"].as_deref(), Some("高"));
        let cells = record.values.values().flatten().chain([&record.id]);
        assert!(cells.clone().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{record:?}");
    }
    assert!(read.iter().any(|record| record.values["客户名称"].as_deref() == Some("'=1+1")));

    let nobody = folder.path().join("nobody");
    scored(&tenure, &[], 11);
    export(&tenure, &request(Target::Csv, &nobody)).unwrap();
    assert!(readers::table(&nobody, "Customer").is_empty(), "headings without a row");
}

#[test]
fn who_has_no_score_any_more_is_cleared_and_what_is_unchanged_is_left_alone() {
    let all = customers(5);
    let (folder, tenure) = store(&all);
    scored(&tenure, &all, 10);
    let read = |name: &str, since: Option<&str>| {
        let out = folder.path().join(name);
        let changed_since = since.map(|since| since.parse().unwrap());
        let asked = ExportRequest { changed_since, ..request(Target::Salesforce, &out) };
        let summary = export(&tenure, &asked).unwrap();
        readers::manifest(&out, &summary.manifest);
        let read = readers::salesforce(&out, "Churn_Key__c", 100_000_000);
        let state = |record: &Record| {
            let values: Vec<_> = record.values.values().map(Option::is_some).collect();
            (record.id.clone(), values.contains(&true))
        };
        let states: BTreeMap<String, bool> = read.iter().map(state).collect();
        assert_eq!(states.len(), read.len(), "nobody twice");
        (states, summary.manifest.scored_at)
    };
    let ids = |places: &[(usize, bool)]| -> BTreeMap<String, bool> {
        places.iter().map(|(place, has)| (all[*place].id.clone(), *has)).collect()
    };
    let everybody = [(0, true), (1, true), (2, true), (3, true), (4, true)];
    let (states, first) = read("first", None);
    assert_eq!(states, ids(&everybody));

    // Three leave; of those who stay one is worth more, with the same probability.
    let mut second_run = all[..2].to_vec();
    second_run[1].value = Some(77_777);
    scored(&tenure, &second_run, 11);
    let (states, _) = read("second whole", None);
    assert_eq!(states, ids(&[(0, true), (1, true), (2, false), (3, false), (4, false)]));
    let (states, second) = read("second", Some(&first));
    assert_eq!(states, ids(&[(1, true), (2, false), (3, false), (4, false)]));
    assert_eq!(read("second again", Some(&second)).0, ids(&[]));

    // One comes back with the very score they had: their fields are empty by now.
    let mut third_run = second_run.clone();
    third_run.push(all[2].clone());
    scored(&tenure, &third_run, 12);
    assert_eq!(read("third", Some(&second)).0, ids(&[(2, true)]));
    assert_eq!(
        read("third from the first", Some(&first)).0,
        ids(&[(1, true), (3, false), (4, false)])
    );

    // A band is a part of the scores, so nobody is cleared.
    let out = folder.path().join("band");
    let asked = ExportRequest { band: Some("low".to_owned()), ..request(Target::Salesforce, &out) };
    assert_eq!(export(&tenure, &asked).unwrap().manifest.cleared, 0);

    // Scores of a past date are no news, though they were made last.
    let (whole, third) = read("third whole", None);
    scored(&tenure, &all, 9);
    assert_eq!(read("past whole", None), (whole, third.clone()));
    assert_eq!(read("past", Some(&third)).0, ids(&[]));
}

#[test]
fn the_same_scores_give_the_same_bytes_and_no_export_is_mixed_with_another() {
    let (folder, tenure) = store(&customers(150));
    scored(&tenure, &customers(150), 10);
    for target in Target::ALL {
        let [first, second] = ["a", "b"].map(|name| folder.path().join(name).join(target.name()));
        export(&tenure, &request(target, &first)).unwrap();
        export(&tenure, &request(target, &second)).unwrap();
        assert_eq!(readers::contents(&first), readers::contents(&second));
        let before = readers::contents(&first);
        let error = export(&tenure, &request(target, &first)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert_eq!(readers::contents(&first), before);
    }
    let beside = fs::read_dir(folder.path().join("a")).unwrap().count();
    assert_eq!(beside, Target::ALL.len(), "nothing is left beside the exports");
}

#[test]
fn what_can_not_be_exported_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let error = export(sample(), &request(Target::Csv, &out)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Insufficient, "{error}");

    let (_guard, tenure) = store(&awkward());
    scored(&tenure, &awkward(), 10);
    let refusal = |target: Target, text: &str| {
        let map = folder.path().join("map.toml");
        fs::write(&map, text).unwrap();
        let asked = ExportRequest { mapping: Some(map), ..request(target, &out) };
        let error = export(&tenure, &asked).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        assert!(!out.exists(), "{error}");
        format!("{error} {:?}", error.hints())
    };
    let head = "target = \"salesforce\"\nobject = \"Account\"\n";
    let field = "[[field]]\nname = \"Score__c\"\n";
    let probability = "column = \"probability\"\n";
    let key = "key = \"Key__c\"\n";
    for (text, words) in [
        (
            format!("{head}{key}{field}column = \"probabilty\"\n"),
            "line 6: scores have no column \"probabilty\" [\"did you mean \\\"probability\\\"?",
        ),
        (
            format!("{head}{key}gones = \"clear\"\n{field}{probability}"),
            "line 4: unknown field `gones`",
        ),
        (
            format!("{head}{key}{field}{probability}{field}{probability}"),
            "line 8: a second field is called \"Score__c\"",
        ),
        (
            format!("{head}{key}bytes_per_file = 100000001\n{field}{probability}"),
            "line 4: salesforce takes at most 100000000 bytes",
        ),
        (format!("{head}{key}bom = true\n{field}{probability}"), "line 4: only a plain table"),
        (
            format!("{head}{key}{field}{probability}length = 3\n"),
            "line 7: only texts have a length",
        ),
        (
            format!("{head}{key}{field}{probability}decimals = 19\n"),
            "line 7: it must be from 0 to 18",
        ),
        (
            format!("{head}{key}{}{probability}", field.replace("Score__c", "Churn Score")),
            "line 5: the name \"Churn Score\" is refused",
        ),
        (
            format!("{head}key = \"Id\"\n{field}{probability}"),
            "can not take this id as Id: record ids are 15 or 18",
        ),
        (format!("{head}{key}bytes_per_file = 20\n{field}{probability}"), "one customer needs"),
        (
            "target = \"hubspot\"\nobject = \"x\"\nkey = \"k\"\nfield = []\n".to_owned(),
            "line 1: it is for hubspot, not for salesforce",
        ),
        (format!("{key}target = \"salesforce\"\nfield = []\n"), "line 2: `object` is missing"),
    ] {
        let refused = refusal(Target::Salesforce, &text);
        assert!(refused.contains(words), "{refused}\n  lacks {words}");
    }
    let text = "target = \"fxiaoke\"\nobject = \"AccountObj\"\nkey = \"id\"\nfield = []\n";
    assert!(refusal(Target::Fxiaoke, text).contains("line 3: fxiaoke finds a record by its"));

    let asked = ExportRequest { band: Some("hihg".to_owned()), ..request(Target::Csv, &out) };
    let error = export(&tenure, &asked).unwrap_err();
    assert_eq!((error.kind(), error.nearest()), (ErrorKind::Usage, &["high".to_owned()][..]));
}
