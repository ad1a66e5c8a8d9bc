//! What do reports say of data that is less tidy than our own: deals of another
//! owner than the customer's, several currencies, amounts without one?

use serde_json::Value;
use tempfile::TempDir;
use tenure::Tenure;

use crate::common::{answer, store_of};

const CUSTOMERS: &str = "customer_id,name,owner_id,created_at
C1,a,u2,2024-01-01
C2,b,u2,2024-01-01
";
const DEALS: &str =
    "opportunity_id,customer_id,owner_id,stage,status,amount,currency,created_at,closed_at
D1,C1,u1,Offer,won,1000,USD,2024-01-01,2024-02-10
D2,C2,u1,Offer,lost,900,EUR,2024-01-01,2024-02-11
D3,C2,u1,Offer,open,500,USD,2024-01-05,
";
const STAGES: &str = "opportunity_id,stage,occurred_at
D1,Offer,2024-01-01
D2,Offer,2024-01-02
D3,Offer,2024-01-05
";
const TICKETS: &str = "ticket_id,customer_id,owner_id,category,occurred_at,closed_at
T1,C1,u3,bug,2024-01-01T10:00:00Z,2024-01-02T10:00:00Z
";

/// One column of an answer.
fn column(tenure: &Tenure, report: &str, set: &[(&str, &str)], name: &str) -> Vec<Value> {
    answer(tenure, report, set).into_iter().map(|row| row[name].clone()).collect()
}

fn orders(rows: &str) -> (TempDir, Tenure) {
    store_of(&[("orders", &format!("customer_id,order_id,amount,currency,occurred_at\n{rows}"))])
}

#[test]
fn deals_and_tickets_are_broken_down_by_their_own_owner() {
    let files = [
        ("customers", CUSTOMERS),
        ("opportunities", DEALS),
        ("stages", STAGES),
        ("tickets", TICKETS),
    ];
    let (_folder, tenure) = store_of(&files);
    for (report, owner) in [
        ("pipeline", "u1"),
        ("stages", "u1"),
        ("velocity", "u1"),
        ("lead_sources", "u1"),
        ("service", "u3"),
        ("backlog", "u3"),
    ] {
        let found = column(&tenure, report, &[("breakdown", "owner")], "breakdown");
        assert!(
            !found.is_empty() && found.iter().all(|found| found == owner),
            "{report}: {found:?}"
        );
    }
}

#[test]
fn a_win_rate_is_of_deals_in_all_currencies_wherever_it_is_shown() {
    let (_folder, tenure) = store_of(&[("customers", CUSTOMERS), ("opportunities", DEALS)]);
    let as_of = ("as_of", "2024-02-29");
    let sellers = column(&tenure, "leaders", &[as_of], "win_rate");
    assert_eq!(sellers, [0.5, 0.5]);
    assert_eq!(column(&tenure, "leaders", &[as_of], "won_value"), [1000.0, 1000.0]);
    let rates = answer(&tenure, "overview", &[as_of]);
    let rate = rates.iter().find(|row| row["metric"] == "win_rate").unwrap();
    assert_eq!(rate["value"], 0.5);
}

#[test]
fn amounts_without_a_currency_are_not_added_to_those_with_one() {
    let (_folder, tenure) = orders(
        "C1,O1,100,USD,2024-01-05T10:00:00Z\nC1,O2,7,,2024-01-06T10:00:00Z\nC1,O3,8,,2024-01-06T11:00:00Z\n",
    );
    assert_eq!(column(&tenure, "revenue", &[], "revenue"), [100.0]);
    // Where none has one, they are of one unit, whatever it is.
    let (_folder, tenure) =
        orders("C1,O2,7,,2024-01-06T10:00:00Z\nC1,O3,8,,2024-01-06T11:00:00Z\n");
    assert_eq!(column(&tenure, "revenue", &[], "revenue"), [15.0]);
}

#[test]
fn the_currency_taken_unasked_is_that_of_the_amounts_there_were() {
    let (_folder, tenure) = orders(
        "C1,O1,50,EUR,2024-01-05T10:00:00Z\nC1,O2,100,USD,2024-02-05T10:00:00Z\nC1,O3,100,USD,2024-02-06T10:00:00Z\n",
    );
    let january = column(&tenure, "revenue", &[("as_of", "2024-01-31")], "revenue");
    assert_eq!(january, [50.0]);
    assert_eq!(column(&tenure, "revenue", &[], "revenue"), [200.0]);
}

#[test]
fn the_currency_of_the_company_is_taken_before_that_of_most_amounts() {
    let (folder, tenure) = orders(
        "C1,O1,50,EUR,2024-01-05T10:00:00Z\nC1,O2,100,USD,2024-01-06T10:00:00Z\nC1,O3,100,USD,2024-01-07T10:00:00Z\n",
    );
    assert_eq!(column(&tenure, "revenue", &[], "revenue"), [200.0]);
    let mut config = tenure::config::Config::defaults().unwrap();
    config.store = folder.path().join("store").display().to_string();
    config.params = "currency = \"EUR\"".parse().unwrap();
    let tenure = Tenure::with_config(config).unwrap();
    assert_eq!(column(&tenure, "revenue", &[], "revenue"), [50.0]);
    assert_eq!(column(&tenure, "revenue", &[("currency", "USD")], "revenue"), [200.0]);
}

#[test]
fn a_period_that_from_or_to_cuts_is_not_complete() {
    let (_folder, tenure) = orders(
        "C1,O1,1,USD,2024-01-20T10:00:00Z\nC1,O2,2,USD,2024-02-05T10:00:00Z\nC1,O3,4,USD,2024-03-06T10:00:00Z\n",
    );
    let set = |from, to| [("as_of", "2024-04-30"), ("from", from), ("to", to)];
    let whole = column(&tenure, "revenue", &set("2024-01-01", "2024-03-31"), "complete");
    assert_eq!(whole, [true, true, true]);
    let cut = column(&tenure, "revenue", &set("2024-01-15", "2024-03-30"), "complete");
    assert_eq!(cut, [false, true, false]);
}
