//! Do the parts of a breakdown add up to the whole?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tenure::reports::Purpose;

use crate::agreement::{At, Rows, close, measured};
use crate::common::{scored_sample, two_currencies};

/// What adds up over a breakdown: the report and what it is asked with, which
/// columns name a row beside the breakdown, and which measures add up.
const ADDITIVE: [[&str; 3]; 33] = [
    ["backlog", "period", "open_start opened closed open_end old"],
    ["campaigns", "campaign_id currency", "touches reach responded converted matured revenue"],
    // Rows of a channel without amounts have no currency unless it is named.
    ["channels currency=USD", "channel", "customers buyers matured revenue mrr"],
    ["clv_backtest", "repeats", "customers predicted*customers actual*customers"],
    ["comments", "theme", "answers customers detractors"],
    ["complaints", "category", "tickets customers tickets_before"],
    ["csat source=tickets", "period", "answers satisfied score*answers"],
    [
        "experiment attribute=language control=en starts=2024-04-15",
        "arm",
        "customers matured converted",
    ],
    ["followup", "owner", "new_customers contacted decided in_time open_deals overdue_deals"],
    ["forecast", "kind date currency", "deals value won_since still_open still_open_value"],
    ["funnel steps=signup,trial,purchase", "step name", "customers matured"],
    ["health_audit", "cutoff weights", "customers left"],
    ["health_calibration", "weights", "customers left"],
    ["lead_sources", "source currency", "deals won lost open won_value"],
    ["leaders", "owner team", "won lost open won_value"],
    [
        "lifecycle",
        "period",
        "active new returning resurrected dormant still_dormant churned customers newly_churned",
    ],
    ["ltv", "cohort age", "revenue cumulative_revenue cohort_size"],
    [
        "mrr",
        "period currency",
        "start_mrr new_mrr expansion reactivation contraction churn end_mrr new_customers \
         churned_customers customers",
    ],
    ["nps", "period", "responses promoters passives detractors"],
    ["nps_outcome", "answer", "customers gone"],
    ["nrr base=start", "period currency", "start_mrr customers start_mrr*nrr start_mrr*grr"],
    ["paths", "path", "customers"],
    ["pipeline", "stage currency", "deals value mean_age_days*deals mean_days_in_stage*deals"],
    ["repurchase", "cohort", "buyers matured bought_again purchases_per_buyer*buyers"],
    ["retention", "cohort age", "customers cohort_size"],
    ["revenue", "period", "orders customers revenue"],
    ["service", "period", "tickets closed reopened rated"],
    ["sla", "period", "tickets response_decided response_met resolution_decided resolution_met"],
    ["stages", "stage", "deals moved lost open"],
    ["stickiness", "period", "customers dau wau"],
    ["success_plan", "plan", "customers stayed week_1 week_2 week_3 week_4 week_6 week_9"],
    ["survival", "age", "at_risk ended"],
    ["velocity", "period currency", "closed won won_value"],
];

/// Lists of customers: a breakdown stands beside each and changes nothing else.
const BESIDE: [&str; 10] = [
    "abc",
    "calls",
    "clv",
    "health",
    "overdue",
    "potential",
    "renewals",
    "rfm",
    "silent",
    "suppression",
];

/// Where nothing adds up: laws and finds are of each value's own customers, and
/// these always have a breakdown.
const OWN: [&str; 4] = ["clv_model", "drivers", "nps_change", "tags"];

fn parts_add_up(at: &mut At, breakdowns: &[&str]) {
    let added = |rows: Rows, keys: &str, measures: &str| {
        let mut sums: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        let measures: Vec<&str> = measures.split_whitespace().collect();
        for row in &rows {
            let key: Vec<String> = keys.split(' ').map(|key| row[key].to_string()).collect();
            let sum = sums.entry(key.join(" ")).or_insert_with(|| vec![0.0; measures.len()]);
            for (sum, measure) in sum.iter_mut().zip(&measures) {
                *sum += measured(row, measure);
            }
        }
        // A row of nothing may be there or not.
        sums.retain(|_, sum| sum.iter().any(|sum| *sum != 0.0));
        sums
    };
    for [asked, keys, measures] in ADDITIVE {
        let whole = added(at.report(asked, None), keys, measures);
        for breakdown in breakdowns {
            let asked = format!("{asked} breakdown={breakdown}");
            let parts = added(at.report(&asked, None), keys, measures);
            let whose = format!("{asked} on {}", at.date);
            let rows = |sums: &BTreeMap<String, Vec<f64>>| sums.keys().cloned().collect::<Vec<_>>();
            assert_eq!(rows(&whole), rows(&parts), "{whose}");
            for ((row, whole), part) in whole.iter().zip(parts.values()) {
                let agree = whole.iter().zip(part).all(|(whole, part)| close(*whole, *part));
                assert!(agree, "{whose}, {row}, {measures}: {whole:?} and {part:?}");
            }
        }
    }
    for report in BESIDE {
        let whole = at.report(report, None);
        for breakdown in breakdowns {
            let mut rows = at.report(&format!("{report} breakdown={breakdown}"), None);
            rows.iter_mut().for_each(|row| row["breakdown"] = Value::Null);
            assert_eq!(whole, rows, "{report} by {breakdown} on {}", at.date);
        }
    }
}

#[test]
fn the_parts_of_a_breakdown_add_up_to_the_whole() {
    let [mut end, mut past] = At::sample();
    parts_add_up(&mut end, &["owner"]);
    parts_add_up(&mut past, &["segment"]);
}

#[test]
fn parts_add_up_in_two_currencies_and_with_other_owners() {
    parts_add_up(&mut At::new(two_currencies(), "2024-06-17"), &["owner", "channel"]);
}

#[test]
fn it_is_known_of_every_breakdown_whether_it_adds_up() {
    let queries = scored_sample().catalogue().all(Purpose::Report);
    let broken = queries.filter(|query| query.header.params.contains_key("breakdown"));
    let broken: BTreeSet<&str> = broken.map(|query| query.name.as_str()).collect();
    let known = ADDITIVE
        .iter()
        .map(|[asked, ..]| asked.split(' ').next().unwrap())
        .chain(BESIDE)
        .chain(OWN);
    assert_eq!(broken, known.collect());
}
