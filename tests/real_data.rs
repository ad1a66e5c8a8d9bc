//! Do real data sets give the figures that were published for them?
//!
//! The sets are not in the repository; a machine that does not have them says
//! so for every test it skips.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};
use tempfile::TempDir;
use tenure::churn::metrics::Metrics;
use tenure::ingest::{IngestOptions, Summary};
use tenure::reports::render::rows;
use tenure::{ChurnSpec, Tenure};

use crate::common::{answer, block_on, empty_store, real_data};

fn load(path: PathBuf, mapping: Option<&str>) -> (TempDir, Tenure, Summary) {
    let (folder, tenure) = empty_store();
    let options = IngestOptions { mapping: mapping.map(str::to_owned), ..IngestOptions::default() };
    let summary = block_on(tenure.ingest(&[path], &options, &mut ())).unwrap();
    let all = summary.rows;
    assert_eq!(all.read, all.kept + all.quarantined + all.filtered);
    (folder, tenure, summary)
}

/// How well a built-in spec predicts of rows it was not fitted on, printed under the
/// name of the set.
fn held_out(tenure: &Tenure, spec: &str, set: &str) -> Metrics {
    let spec = ChurnSpec::built_in(spec).unwrap();
    let metrics = block_on(tenure.train(spec, None, &mut |_, _| {})).unwrap().validation.metrics;
    println!("{set}: AUC {} log-loss {}", metrics.auc, metrics.log_loss);
    metrics
}

fn number(row: &Map<String, Value>, column: &str) -> f64 {
    row[column].as_f64().unwrap_or_else(|| panic!("{column} of {row:?}"))
}

/// The two triangles of `cohorts_computed.txt`: cells by cohort and age.
fn triangles() -> Option<[BTreeMap<(String, i64), i64>; 2]> {
    let text = std::fs::read_to_string(real_data("online_retail_uci/cohorts_computed.txt")?);
    let mut found: Vec<BTreeMap<(String, i64), i64>> = Vec::new();
    for line in text.unwrap().lines() {
        if line.starts_with(",0") {
            found.push(BTreeMap::new());
        } else if let (Some((cohort, cells)), Some(triangle)) =
            (line.split_once(',').filter(|_| line.starts_with("201")), found.last_mut())
        {
            for (age, customers) in cells.split(',').enumerate() {
                let key = (format!("{cohort}-01"), age as i64);
                triangle.insert(key, customers.parse().unwrap());
            }
        }
    }
    Some(found.try_into().unwrap())
}

fn assert_triangle(tenure: &Tenure, set: &[(&str, &str)], expected: &BTreeMap<(String, i64), i64>) {
    let cells = answer(tenure, "retention", set);
    let mut seen = 0;
    for cell in &cells {
        let key = (cell["cohort"].as_str().unwrap().to_owned(), cell["age"].as_i64().unwrap());
        assert_eq!(cell["customers"].as_i64(), expected.get(&key).copied(), "{key:?}");
        seen += 1;
    }
    // 13 cohorts from December to December: 13 + 12 + … + 1 cells.
    assert_eq!(seen, 91);
    let beyond = expected.iter().filter(|((cohort, age), _)| {
        !cells.iter().any(|cell| cell["cohort"] == cohort.as_str() && cell["age"] == *age)
    });
    for (key, customers) in beyond {
        assert_eq!(*customers, 0, "{key:?} lies beyond the data");
    }
}

#[test]
fn online_retail_triangles_and_revenue() {
    let (Some(path), Some([all, positive])) =
        (real_data("online_retail_uci/online_retail.csv.gz"), triangles())
    else {
        return;
    };
    let (_folder, tenure, summary) = load(path.clone(), Some("online_retail"));
    assert_eq!(summary.rows.read, 541_909);
    assert_triangle(&tenure, &[], &all);
    assert_triangle(&tenure, &[("start", "order")], &positive);
    let total = answer(&tenure, "revenue", &[("period", "all")]);
    assert_eq!(total[0]["revenue"].to_string(), "9747747.934");
    assert_eq!(total[0]["orders"].as_i64(), Some(25_900));
    assert_eq!(total[0]["customers"].as_i64(), Some(4_372));

    // The same file again adds nothing.
    let options =
        IngestOptions { mapping: Some("online_retail".to_owned()), ..IngestOptions::default() };
    let runs = block_on(tenure.store().snapshot()).unwrap().runs().len();
    let again = block_on(tenure.ingest(std::slice::from_ref(&path), &options, &mut ())).unwrap();
    assert_eq!((again.rows.read, again.tables.len()), (0, 0));
    assert_eq!(block_on(tenure.store().snapshot()).unwrap().runs().len(), runs);

    let (_folder, sales, summary) = load(path, Some("online_retail_sales"));
    assert_eq!((summary.rows.kept, summary.rows.filtered), (397_884, 144_025));
    assert_triangle(&sales, &[], &positive);
    let total = answer(&sales, "revenue", &[("period", "all")]);
    assert_eq!(total[0]["revenue"].to_string(), "8911407.904");
    let by_value = answer(&sales, "rfm", &[]);
    for (customer, value) in [("14646", 280_206.02), ("18102", 259_657.30), ("17450", 194_550.79)] {
        let row = by_value.iter().find(|row| row["customer_id"] == customer).unwrap();
        assert!((number(row, "monetary") - value).abs() < 0.005, "{row:?}");
    }
}

#[test]
fn online_retail_churn_out_of_time() {
    let Some(path) = real_data("online_retail_uci/online_retail.csv.gz") else { return };
    let (_folder, tenure, _) = load(path, Some("online_retail_sales"));
    let metrics = held_out(&tenure, "online_retail", "online retail");
    // By scikit-learn's logistic regression: AUC .7329, log-loss .5855,
    // and by LightGBM with 4 leaves: AUC .7430, log-loss .5788.
    assert!(metrics.auc >= 0.745, "{}", metrics.auc);
    assert!(metrics.log_loss <= 0.579, "{}", metrics.log_loss);
}

#[test]
fn cdnow_totals() {
    let Some(path) = real_data("cdnow/CDNOW_master.txt") else { return };
    let (_folder, tenure, summary) = load(path, Some("cdnow"));
    assert_eq!(summary.rows.kept, 69_659);
    let total = answer(&tenure, "revenue", &[("period", "all")]);
    assert_eq!(total[0]["orders"].as_i64(), Some(69_659));
    assert_eq!(total[0]["customers"].as_i64(), Some(23_570));
    assert_eq!(number(&total[0], "revenue"), 2_500_315.63);
}

/// Fader, Hardie & Lee 2005 and Fader & Hardie 2013, calibrated on 39 weeks.
#[test]
fn cdnow_laws_of_buying_and_spending_and_churn() {
    let Some(path) = real_data("cdnow/CDNOW_sample.txt") else { return };
    let (_folder, tenure, _) = load(path, Some("cdnow"));
    let laws = answer(&tenure, "clv_model", &[("as_of", "1997-09-30")]);
    let published = [0.243, 4.414, 0.793, 2.426, 6.25, 3.74, 15.44];
    let off = [0.001, 0.001, 0.001, 0.001, 0.01, 0.01, 0.01];
    assert_eq!(laws.len(), published.len());
    for ((law, value), off) in laws.iter().zip(published).zip(off) {
        assert!((number(law, "value") - value).abs() <= off, "{law:?}");
        assert!(number(law, "low") < value && value < number(law, "high"), "{law:?}");
    }
    assert!((number(&laws[0], "log_likelihood") + 9_582.4).abs() < 0.05, "{:?}", laws[0]);
    assert_eq!(laws[0]["customers"].as_i64(), Some(2_357));
    assert_eq!(laws[4]["customers"].as_i64(), Some(946));

    // A customer who bought twice again, the last time after 30.43 weeks.
    let set = [("as_of", "1997-09-30"), ("horizon", "273"), ("discount", "0"), ("limit", "9999")];
    let customers = answer(&tenure, "clv", &set);
    assert_eq!(customers.len(), 2_357);
    let known = customers.iter().find(|row| {
        row["purchases"].as_i64() == Some(3)
            && (number(row, "p_alive") - 0.7266).abs() < 1e-3
            && (number(row, "expected_purchases") - 1.2260).abs() < 1e-3
    });
    assert!(known.is_some());
    let once = customers.iter().filter(|row| row["note"] == "bought_once");
    assert!(once.inspect(|row| assert_eq!(row["p_alive"], Value::Null)).count() > 1_000);

    // Who will not buy for 90 days, of those who did in the last 90: LightGBM's best
    // has AUC .7089 and log-loss .6305 on the same features.
    let metrics = held_out(&tenure, "churn", "cdnow");
    assert_eq!((metrics.rows, metrics.churners), (1_140, 615));
    assert!(metrics.auc >= 0.709 && metrics.log_loss <= 0.6305, "{metrics:?}");
}

#[test]
fn maven_pipeline_and_the_product_spelt_two_ways() {
    let Some(path) = real_data("maven_crm_sales") else { return };
    let (_folder, tenure, _) = load(path, Some("maven_crm"));
    let sellers = answer(&tenure, "leaders", &[]);
    let total = sellers.last().unwrap();
    assert_eq!(total["owner"], Value::Null);
    assert_eq!((total["won"].as_i64(), total["lost"].as_i64()), (Some(4_238), Some(2_473)));
    assert_eq!(number(total, "won_value"), 10_005_534.0);
    for (column, value, within) in [
        ("win_rate", 0.6315, 0.00005),
        ("mean_cycle_won_days", 51.78, 0.005),
        ("mean_cycle_lost_days", 41.48, 0.005),
    ] {
        assert!((number(total, column) - value).abs() < within, "{column}: {total:?}");
    }
    let months: Vec<f64> =
        answer(&tenure, "velocity", &[]).iter().map(|row| number(row, "won_value")).collect();
    let published = [
        1_134_672.0,
        721_932.0,
        1_025_713.0,
        1_338_466.0,
        696_932.0,
        1_050_059.0,
        1_235_264.0,
        731_980.0,
        938_943.0,
        1_131_573.0,
    ];
    assert_eq!(months, published);
    let checks = block_on(tenure.check()).unwrap();
    let spelling = checks.iter().find(|check| check.name == "product_spelling").unwrap();
    let finding = rows(&spelling.table.batches).unwrap();
    assert!(finding[0]["detail"].as_str().unwrap().contains("GTXPro"), "{finding:?}");
}

/// MineThatData's e-mail test: 64,000 customers in three random arms.
#[test]
fn hillstrom_experiment() {
    let Some(path) = real_data("hillstrom_email/hillstrom.csv") else { return };
    let (_folder, tenure, summary) = load(path, Some("hillstrom"));
    assert_eq!(summary.rows.read, 64_000);
    let arms = answer(
        &tenure,
        "experiment",
        &[
            ("attribute", "segment"),
            ("control", "No E-Mail"),
            ("starts", "2008-03-01"),
            ("window", "14d"),
            ("outcome", "activity"),
            ("activity", "visit"),
        ],
    );
    for (name, customers, rate, lift, spend) in [
        ("No E-Mail", 21_306, 0.10617, None, None),
        ("Mens E-Mail", 21_307, 0.18276, Some(0.0766), Some(0.770)),
        ("Womens E-Mail", 21_387, 0.15140, Some(0.0452), Some(0.424)),
    ] {
        let arm = arms.iter().find(|row| row["arm"] == name).unwrap();
        assert_eq!(arm["customers"].as_i64(), Some(customers));
        assert!((number(arm, "rate") - rate).abs() < 0.000_006, "{arm:?}");
        if let (Some(lift), Some(spend)) = (lift, spend) {
            assert!((number(arm, "lift") - lift).abs() < 0.000_06, "{arm:?}");
            assert!(number(arm, "lift_low") > 0.0 && number(arm, "lift_high") < lift + 0.01);
            assert!((number(arm, "difference") - spend).abs() < 0.0006, "{arm:?}");
        }
    }
}

/// A grocer's coupon campaigns: 1,559 households targeted, 410 redeeming.
#[test]
fn complete_journey_campaigns_and_churn() {
    let Some(path) = real_data("completejourney") else { return };
    let (_folder, tenure, _) = load(path, Some("complete_journey"));
    let campaigns = answer(&tenure, "campaigns", &[]);
    let total = campaigns.iter().find(|row| row["campaign_id"].is_null()).unwrap();
    assert_eq!(total["reach"].as_i64(), Some(1_559));
    assert_eq!(total["responded"].as_i64(), Some(410));

    // Who will not shop for 90 days: LightGBM's best has AUC .8270, log-loss .2752.
    let metrics = held_out(&tenure, "churn", "complete journey");
    assert_eq!((metrics.rows, metrics.churners), (6_075, 621));
    assert!(metrics.auc >= 0.827 && metrics.log_loss <= 0.2752, "{metrics:?}");
}

#[test]
fn telco_given_label_by_fold() {
    let Some(path) = real_data("ibm_telco_churn/Telco-Customer-Churn.csv") else { return };
    let (_folder, tenure, summary) = load(path, Some("ibm_telco"));
    assert_eq!(summary.rows.kept, 7_043);
    assert_eq!(summary.files[0].nulls["TotalCharges"], 11);
    let metrics = held_out(&tenure, "ibm_telco", "telco");
    assert_eq!((metrics.rows, metrics.churners), (7_043, 1_869));
    // By 600 stumps of LightGBM: AUC .8501, log-loss .4101.
    assert!(metrics.auc >= 0.85, "{}", metrics.auc);
    assert!(metrics.log_loss <= 0.4101, "{}", metrics.log_loss);
    assert!(metrics.ece <= 0.02, "{}", metrics.ece);
    let scored = block_on(tenure.score(None)).unwrap();
    // Those who left are learnt from; nobody is to call them any more.
    assert_eq!(scored.customers, 7_043 - 1_869);
}

/// Rules of several columns together, made by hand.
#[test]
fn mlc_given_label_by_fold() {
    let Some(path) = real_data("mlc_churn/mlc_churn.csv") else { return };
    let (_folder, tenure, summary) = load(path, Some("mlc_churn"));
    assert_eq!(summary.rows.kept, 5_000);
    let metrics = held_out(&tenure, "mlc_churn", "mlc");
    assert_eq!((metrics.rows, metrics.churners), (5_000, 707));
    // By LightGBM with 4 leaves: AUC .9208, log-loss .1771; with 15: .9159, .1548.
    assert!(metrics.auc >= 0.918, "{}", metrics.auc);
    assert!(metrics.log_loss <= 0.155, "{}", metrics.log_loss);
}

#[test]
fn git_activity_out_of_time() {
    let Some(path) = real_data("git_contributor_activity/events.csv.gz") else { return };
    let (_folder, tenure, summary) = load(path, Some("git_activity"));
    assert_eq!((summary.rows.read, summary.rows.filtered), (120_154, 19_112));
    let metrics = held_out(&tenure, "git_activity", "git");
    // By 300 stumps of LightGBM: AUC .8900, log-loss .4073.
    assert!(metrics.auc >= 0.89, "{}", metrics.auc);
    assert!(metrics.log_loss <= 0.407, "{}", metrics.log_loss);
}

#[test]
fn salesforce_data_loader_files_are_known_by_their_headers() {
    let Some(path) = real_data("crm_exports/salesforce_dataloader") else { return };
    let (_folder, tenure, summary) = load(path, None);
    assert_eq!(summary.files.len(), 10);
    assert_eq!(summary.rows.quarantined, 0);
    assert!(summary.files.iter().all(|file| file.mapping == "salesforce"));
    let won: i64 = answer(&tenure, "leaders", &[]).last().unwrap()["won"].as_i64().unwrap();
    assert!(won > 0);
}
