//! Does recurring revenue balance, whatever contracts look like?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Map, Value};
use tempfile::TempDir;
use tenure::Tenure;
use tenure::ingest::IngestOptions;

use crate::common::{answer, block_on, empty_store};

const MAPPING: &str = r#"
title = "Contracts"

[[source]]
name = "contracts"
match = { headers = ["contract", "who", "mrr", "currency", "from", "to"] }

[[source.feed]]
table = "subscriptions"
columns.subscription_id = "contract"
columns.customer_id = "who"
columns.mrr = "mrr"
columns.currency = "currency"
columns.started_at = "from"
columns.ended_at = "to"
"#;

#[derive(Debug, Clone)]
struct Contract {
    customer: usize,
    cents: i64,
    currency: &'static str,
    /// Days after 2024-01-01.
    from: i64,
    to: Option<i64>,
}

fn date(day: i64) -> String {
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
    (start + chrono::TimeDelta::days(day)).to_string()
}

fn load(folder: &TempDir, tenure: &Tenure, file: &str, contracts: &[(usize, Contract)]) {
    let mapping = folder.path().join("contracts.toml");
    fs::write(&mapping, MAPPING).unwrap();
    let mut csv = "contract,who,mrr,currency,from,to\n".to_owned();
    for (id, it) in contracts {
        let to = it.to.map(date).unwrap_or_default();
        let mrr = format!("{}.{:02}", it.cents / 100, it.cents % 100);
        csv.push_str(&format!(
            "S{id},C{},{mrr},{},{},{to}\n",
            it.customer,
            it.currency,
            date(it.from)
        ));
    }
    let path = folder.path().join(file);
    fs::write(&path, csv).unwrap();
    let options =
        IngestOptions { mapping: Some(mapping.display().to_string()), ..IngestOptions::default() };
    block_on(tenure.ingest(&[path], &options, &mut ())).unwrap();
}

fn report(tenure: &Tenure, name: &str, set: &[(&str, &str)]) -> Vec<Map<String, Value>> {
    answer(tenure, name, &[&[("as_of", "2025-12-31")], set].concat())
}

fn cents(row: &Map<String, Value>, column: &str) -> i64 {
    let amount = row[column].as_f64().unwrap() * 100.0;
    assert!((amount - amount.round()).abs() < 1e-6, "{column}: {amount}");
    amount.round() as i64
}

const PARTS: [&str; 5] = ["new_mrr", "expansion", "reactivation", "contraction", "churn"];

/// Movements by period and currency, day by day and customer by customer.
fn twin(
    contracts: &[Contract],
    period_of: impl Fn(i64) -> String,
) -> BTreeMap<(String, String), [i64; 5]> {
    let mut moved: BTreeMap<(String, String), [i64; 5]> = BTreeMap::new();
    let mut by_customer: BTreeMap<usize, Vec<&Contract>> = BTreeMap::new();
    for contract in contracts {
        by_customer.entry(contract.customer).or_default().push(contract);
    }
    for contracts in by_customer.values() {
        let mut has_paid = false;
        let turns: BTreeSet<i64> =
            contracts.iter().flat_map(|it| [Some(it.from), it.to]).flatten().collect();
        let mut before: BTreeMap<&str, i64> = BTreeMap::new();
        for day in turns {
            let mut after: BTreeMap<&str, i64> = BTreeMap::new();
            for it in contracts {
                if it.from <= day && it.to.is_none_or(|to| to > day) {
                    *after.entry(it.currency).or_default() += it.cents;
                }
            }
            let paid = |book: &BTreeMap<&str, i64>| book.values().any(|cents| *cents > 0);
            let (paid_before, paid_after) = (paid(&before), paid(&after));
            let currencies: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
            for currency in currencies {
                let amount = |book: &BTreeMap<&str, i64>| book.get(currency).copied().unwrap_or(0);
                let change = amount(&after) - amount(&before);
                let part = match (paid_before, paid_after, change > 0) {
                    (false, _, _) if has_paid => 2,
                    (false, _, _) => 0,
                    (true, false, _) => 4,
                    (true, true, true) => 1,
                    (true, true, false) => 3,
                };
                if change != 0 {
                    let key = (period_of(day), currency.to_owned());
                    moved.entry(key).or_default()[part] += change.abs();
                }
            }
            has_paid |= paid_after;
            before = after;
        }
    }
    moved
}

#[test]
fn movements_balance_and_agree_with_the_twin_on_ten_thousand_histories() {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(4);
    let mut contracts: Vec<Contract> = Vec::new();
    for customer in 0..10_000 {
        for _ in 0..chance.random_range(1..=5) {
            let from = chance.random_range(0..700);
            // Some end before they began, some on the day, some never.
            let to = (chance.random_range(0..10) < 7).then(|| from + chance.random_range(-3..200));
            let currency = if chance.random_range(0..10) < 8 { "EUR" } else { "USD" };
            let cents = [0, 1, 999, 10_000, 12_345][chance.random_range(0..5_usize)];
            contracts.push(Contract { customer, cents, currency, from, to });
        }
    }
    let (folder, tenure) = empty_store();
    let numbered: Vec<(usize, Contract)> = contracts.iter().cloned().enumerate().collect();
    load(&folder, &tenure, "contracts.csv", &numbered);
    let check = |contracts: &[Contract]| {
        // What ends after the report's date has not ended yet.
        let known: Vec<Contract> = contracts
            .iter()
            .map(|it| Contract { to: it.to.filter(|to| *to < 731), ..it.clone() })
            .collect();
        let month = |day: i64| format!("{}-01", &date(day)[..7]);
        let expected = twin(&known, month);
        let rows = report(&tenure, "mrr", &[]);
        let mut ends: BTreeMap<String, i64> = BTreeMap::new();
        let mut seen = 0;
        for row in &rows {
            let currency = row["currency"].as_str().unwrap().to_owned();
            let parts = PARTS.map(|part| cents(row, part));
            let [new, expansion, reactivation, contraction, churn] = parts;
            let (start, end) = (cents(row, "start_mrr"), cents(row, "end_mrr"));
            assert_eq!(end, start + new + expansion + reactivation - contraction - churn);
            assert_eq!(start, ends.insert(currency.clone(), end).unwrap_or(0), "{row:?}");
            let key = (row["period"].as_str().unwrap().to_owned(), currency);
            assert_eq!(parts, expected.get(&key).copied().unwrap_or_default(), "{key:?}");
            seen += usize::from(expected.contains_key(&key));
        }
        assert_eq!(seen, expected.len());
        // What the months end with is what runs on the last day.
        for (currency, end) in ends {
            let runs = |it: &&Contract| it.currency == currency && it.from <= 730;
            let running = known.iter().filter(runs).filter(|it| it.to.is_none_or(|to| to > 730));
            assert_eq!(end, running.map(|it| it.cents).sum::<i64>(), "{currency}");
        }
        // Months add up to quarters and years.
        for (period, length) in [("quarter", 3), ("year", 12)] {
            let longer = report(&tenure, "mrr", &[("period", period), ("currency", "EUR")]);
            let months = report(&tenure, "mrr", &[("currency", "EUR")]);
            assert_eq!(months.len(), longer.len() * length);
            for (months, longer) in months.chunks(length).zip(&longer) {
                for part in PARTS {
                    let sum: i64 = months.iter().map(|month| cents(month, part)).sum();
                    assert_eq!(sum, cents(longer, part), "{period} {part}");
                }
            }
        }
    };
    check(&contracts);

    // A thousand contracts turn out to have ended long ago.
    let mut changed = Vec::new();
    for (id, contract) in contracts.iter_mut().enumerate().step_by(29).take(1_000) {
        contract.to = Some(contract.from + 1);
        changed.push((id, contract.clone()));
    }
    load(&folder, &tenure, "corrections.csv", &changed);
    check(&contracts);
}

/// A contract that a later export of all contracts leaves out goes on as it was
/// last known: only an end ends it, and the rows still balance.
#[test]
fn a_contract_that_vanishes_from_the_export_goes_on_until_it_ends() {
    let it = |customer, cents, to| Contract { customer, cents, currency: "EUR", from: 5, to };
    let (stays, gone) = (it(1, 10_000, None), it(2, 4_000, None));
    let (folder, tenure) = empty_store();
    // What March begins with, loses, and ends with: customers and euros.
    let march = || {
        let rows = report(&tenure, "mrr", &[("to", "2024-03-31")]);
        let mut before = 0;
        for row in &rows {
            let [new, expansion, reactivation, contraction, churn] =
                PARTS.map(|part| cents(row, part));
            let (start, end) = (cents(row, "start_mrr"), cents(row, "end_mrr"));
            assert_eq!(end, start + new + expansion + reactivation - contraction - churn);
            assert_eq!(start, before, "{row:?}");
            before = end;
        }
        let row = rows.last().unwrap();
        assert_eq!(row["period"], "2024-03-01");
        (
            ["start_mrr", "churn", "end_mrr"].map(|column| cents(row, column)),
            row["customers"].as_i64(),
        )
    };
    load(&folder, &tenure, "january.csv", &[(1, stays.clone()), (2, gone)]);
    assert_eq!(march(), ([14_000, 0, 14_000], Some(2)));
    load(&folder, &tenure, "march.csv", &[(1, stays)]);
    assert_eq!(march(), ([14_000, 0, 14_000], Some(2)));
    load(&folder, &tenure, "april.csv", &[(2, it(2, 4_000, Some(70)))]);
    assert_eq!(march(), ([14_000, 4_000, 10_000], Some(1)));
}

/// The gold vector of the definitions.
#[test]
fn retention_of_revenue_is_as_defined() {
    let (folder, tenure) = empty_store();
    let it = |customer, cents, from, to| Contract { customer, cents, currency: "EUR", from, to };
    let contracts = [
        // At the end of January: 100. In February: 20 new, 10 more, 5 won
        // back, 12 less, 8 gone.
        it(1, 5_000, 0, None),
        it(2, 4_200, 0, Some(35)),
        it(2, 3_000, 35, None),
        it(3, 800, 0, Some(40)),
        it(4, 500, 0, Some(20)),
        it(4, 500, 50, None),
        it(5, 2_000, 40, None),
        it(1, 1_000, 45, None),
    ];
    load(&folder, &tenure, "gold.csv", &contracts.into_iter().enumerate().collect::<Vec<_>>());
    let february = |name, set: &[(&str, &str)]| {
        let rows = report(&tenure, name, set);
        rows.into_iter().find(|row| row["period"] == "2024-02-01").unwrap()
    };
    let mrr = february("mrr", &[]);
    assert_eq!((cents(&mrr, "start_mrr"), cents(&mrr, "end_mrr")), (10_000, 11_500));
    assert_eq!(PARTS.map(|part| cents(&mrr, part)), [2_000, 1_000, 500, 1_200, 800]);
    assert_eq!(
        (mrr["new_customers"].as_i64(), mrr["churned_customers"].as_i64()),
        (Some(1), Some(1))
    );
    for base in ["movements", "start"] {
        let nrr = february("nrr", &[("base", base)]);
        for (column, value) in [
            ("grr", 0.8),
            ("nrr", 0.9),
            ("quick_ratio", 1.5),
            ("quick_ratio_with_reactivation", 1.75),
        ] {
            assert!((nrr[column].as_f64().unwrap() - value).abs() < 1e-12, "{base} {column}");
        }
        // Who came back in February did not pay when it began.
        let won_back = if base == "start" { 0.9 } else { 0.95 };
        assert!((nrr["nrr_with_reactivation"].as_f64().unwrap() - won_back).abs() < 1e-12);
    }
}
