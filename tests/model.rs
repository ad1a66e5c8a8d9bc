//! Can a score be repeated, and do its reasons add up to it?

use std::collections::BTreeMap;

use tempfile::TempDir;
use tenure::generate::{Oracle, Plan, write};
use tenure::ingest::IngestOptions;
use tenure::reports::render::rows;
use tenure::{ChurnSpec, ErrorKind, Tenure};

use crate::common::{block_on, sample};

pub fn generated() -> (TempDir, Tenure) {
    let folder = TempDir::new().unwrap();
    let plan = Plan::new(250, 11, 14, Plan::default().start()).unwrap();
    write(&plan, folder.path(), &mut |_, _| {}).unwrap();
    let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
    let exports = [folder.path().join("exports")];
    block_on(tenure.ingest(&exports, &IngestOptions::default(), &mut ())).unwrap();
    (folder, tenure)
}

#[test]
fn a_model_is_repeated_to_the_bit_and_its_reasons_add_up() {
    let (folder, tenure) = generated();
    let spec = || ChurnSpec::built_in("churn").unwrap();
    let trained = block_on(tenure.train(spec(), None, &mut |_, _| {})).unwrap();
    // The rows the model was tested on are those the generator knows the truth of.
    let truth = Oracle::load(folder.path()).unwrap().metrics(&trained.test_cutoffs()).unwrap();
    let metrics = &trained.validation.metrics;
    assert_eq!((metrics.rows, metrics.churners), (truth.rows, truth.churners));
    assert!(metrics.log_loss > 0.8 * truth.log_loss, "better than the truth is a leak");

    // A score is no news about customers: it does not move the data's end.
    let end = || block_on(tenure.store().snapshot()).unwrap().manifest().data_end;
    let data_end = end();
    let error = block_on(tenure.score(Some("2025-04-20"))).unwrap_err();
    assert!(error.to_string().contains("2025-04-20 is after the end of the data"), "{error}");
    assert_eq!(end(), data_end);
    let scored = block_on(tenure.score(None)).unwrap();
    let before = all_scores(&tenure);
    assert_eq!(before.len(), scored.customers);

    // Scores are no input of a model, so training again gives the same one.
    let again = block_on(tenure.train(spec(), None, &mut |_, _| {})).unwrap();
    assert_eq!(again.model, trained.model, "the id is a digest of the artifact");
    block_on(tenure.score(None)).unwrap();
    assert_eq!(all_scores(&tenure), before);

    for score in &before {
        let number = |name: &str| score[name].as_f64().unwrap();
        let reasons = score["reasons"].as_array().unwrap();
        let sum: f64 = reasons.iter().map(|reason| reason["contribution"].as_f64().unwrap()).sum();
        assert!((number("base") + sum - number("logit")).abs() < 1e-9, "{score:?}");
        let probability = 1.0 / (1.0 + (-number("logit")).exp());
        assert!((number("probability") - probability).abs() < 1e-12, "{score:?}");
    }
}

/// Of the generated contracts, each term is a row and a renewal the next one.
#[test]
fn contracts_that_will_end_are_told_from_those_that_go_on() {
    let folder = TempDir::new().unwrap();
    let plan = Plan::new(900, 7, 24, Plan::default().start()).unwrap();
    write(&plan, folder.path(), &mut |_, _| {}).unwrap();
    let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
    let exports = [folder.path().join("exports")];
    block_on(tenure.ingest(&exports, &IngestOptions::default(), &mut ())).unwrap();
    let spec = ChurnSpec::built_in("contract").unwrap();
    let trained = block_on(tenure.train(spec, None, &mut |_, _| {})).unwrap();
    // 2024-01 to 2025-12: the label of 2025-09-01 is known on 12-30.
    let newest = trained.test_cutoffs().into_iter().max().unwrap();
    assert_eq!(newest.to_string(), "2025-09-01");
    assert!(trained.validation.metrics.auc > 0.6, "{}", trained.validation.metrics.auc);

    // Nobody comes back: who has churned is the customer whose last term has ended.
    let path = folder.path().join("exports/subscriptions.csv");
    let terms: Vec<BTreeMap<String, String>> =
        csv::Reader::from_path(path).unwrap().into_deserialize().map(Result::unwrap).collect();
    let mut customers: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for term in &terms {
        let dates = (term["started_at"].as_str(), term["ended_at"].as_str());
        customers.entry(&term["customer_id"]).or_default().push(dates);
    }
    let (mut rows, mut churners) = (0, 0);
    for cutoff in trained.test_cutoffs() {
        let until = (cutoff + chrono::Days::new(90)).to_string();
        let cutoff = cutoff.to_string();
        let cutoff = cutoff.as_str();
        for terms in customers.values() {
            let runs =
                |(start, end): &(&str, &str)| *start < cutoff && (end.is_empty() || *end >= cutoff);
            if terms.iter().any(runs) {
                let has_ended = terms.iter().all(|(_, end)| !end.is_empty());
                let last = terms.iter().map(|(_, end)| *end).max().unwrap();
                rows += 1;
                churners += usize::from(has_ended && last < until.as_str());
            }
        }
    }
    assert_eq!(
        (trained.validation.metrics.rows, trained.validation.metrics.churners),
        (rows, churners)
    );

    block_on(tenure.score(None)).unwrap();
    let scores = all_scores(&tenure);
    let mut asked: Vec<&str> =
        scores.iter().map(|score| score["customer_id"].as_str().unwrap()).collect();
    asked.sort_unstable();
    let running = |terms: &[(&str, &str)]| terms.iter().any(|(_, end)| end.is_empty());
    let expected: Vec<&str> =
        customers.iter().filter(|(_, terms)| running(terms)).map(|(id, _)| *id).collect();
    assert_eq!(asked, expected, "those under contract, and nobody else, are scored");
}

pub fn all_scores(tenure: &Tenure) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let engine = block_on(tenure.engine()).unwrap();
    let request = tenure::tenure::ScoreRequest { limit: 10_000, ..Default::default() };
    block_on(tenure.scores(&engine, &request, tenure.language())).unwrap().scores
}

#[test]
fn data_that_can_not_carry_a_model_is_refused_saying_what_is_missing() {
    let spec = ChurnSpec::built_in("ibm_telco").unwrap();
    let error = block_on(sample().train(spec, None, &mut |_, _| {})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Insufficient);
    assert!(error.to_string().contains("no customer has the label \"churn\""), "{error}");
}

/// Every report can be written in every format.
#[test]
fn every_report_is_rendered_in_every_format() {
    use tenure::config::Language;
    use tenure::reports::render::{Format, render};
    let tenure = sample();
    for query in tenure.catalogue().all(tenure::reports::Purpose::Report) {
        let report = block_on(tenure.report(&query.name, &Default::default())).unwrap();
        for format in Format::ALL {
            for language in [Language::En, Language::Zh] {
                let bytes = render(&report, &query.header, format, language);
                // Nothing at all is what no row is, line by line.
                let shown = report.rows() > 0 || format != Format::Ndjson;
                assert!(
                    !bytes.unwrap().is_empty() || !shown,
                    "{} as {}",
                    query.name,
                    format.name()
                );
            }
        }
    }
}

/// Reports of the sample give the totals that the generator wrote beside it.
#[test]
fn reports_agree_with_what_was_generated() {
    let tenure = sample();
    let path = crate::common::root().join("datasets/sample/truth/summary.json");
    let made: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let report = |name: &str, period: &str| {
        let params = match period {
            "" => Default::default(),
            period => [("period".to_owned(), period.to_owned())].into(),
        };
        let request = tenure::ReportRequest { params, ..Default::default() };
        rows(&block_on(tenure.report(name, &request)).unwrap().batches).unwrap()
    };
    let cents = report("revenue", "all")[0]["revenue"].as_f64().unwrap() * 100.0;
    assert_eq!(cents.round() as i64, made["orders"]["cents"].as_i64().unwrap());
    let sellers = report("leaders", "");
    let total = sellers.last().unwrap();
    for state in ["won", "lost", "open"] {
        assert_eq!(total[state], made["deals"][state], "{state}");
    }
}
