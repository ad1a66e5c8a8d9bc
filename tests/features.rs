//! Do the features of a handful of customers come out as one gets them with
//! pencil and paper?

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tenure::Tenure;
use tenure::engine::Moment;
use tenure::reports::render::rows;
use tenure::reports::{self, Purpose, params};

use crate::common::{block_on, store_of};

const AS_OF: &str = "2024-06-30";

/// What all groups say of each customer known at the end of June 2024.
fn features(tenure: &Tenure) -> BTreeMap<String, Map<String, Value>> {
    let table = block_on(async {
        let engine = tenure.engine().await.unwrap();
        tenure.features(&engine, None, Some(AS_OF)).await.unwrap().table
    });
    let rows = rows(&table.batches).unwrap().into_iter();
    rows.map(|row| (row["customer_id"].as_str().unwrap().to_owned(), row)).collect()
}

/// The rows of a query at the end of June 2024.
fn answer(tenure: &Tenure, purpose: Purpose, name: &str) -> Vec<Map<String, Value>> {
    block_on(async {
        let engine = tenure.engine().await.unwrap();
        let cutoff = params::as_of(AS_OF, params::time_zone("UTC").unwrap()).unwrap();
        let bound = [
            ("as_of".to_owned(), reports::Value::Instant(cutoff)),
            ("tz".to_owned(), reports::Value::Text("UTC".to_owned())),
            ("horizon".to_owned(), reports::Value::Integer(1461)),
        ];
        let view = engine.at(Moment::known_at(cutoff));
        let query = tenure.catalogue().get(purpose, name).unwrap();
        rows(&reports::collect(&view, query, &bound.into()).await.unwrap().1).unwrap()
    })
}

/// Numbers of a customer, to a billionth, or nothing.
fn numbers<const N: usize>(
    features: &BTreeMap<String, Map<String, Value>>,
    customer: &str,
    names: [&str; N],
) -> [Option<f64>; N] {
    names.map(|name| features[customer][name].as_f64().map(|value| (value * 1e9).round() / 1e9))
}

#[test]
fn amounts_are_in_the_main_currency_and_refunds_are_no_orders() {
    // The end of June is the start of 1 July less a microsecond, so an age of
    // whole days is one of midnights.
    let (_folder, tenure) = store_of(&[(
        "orders",
        "order_id,line_id,customer_id,amount,currency,occurred_at
A1,1,C1,100,USD,2024-06-21T00:00:00Z
A1,2,C1,50,USD,2024-06-21T00:00:00Z
A1,3,C1,-30,USD,2024-06-28T00:00:00Z
A2,1,C1,50,USD,2024-06-11T00:00:00Z
A3,1,C1,9000,JPY,2024-06-11T00:00:00Z
B1,1,C2,70,EUR,2023-01-01T00:00:00Z
B2,1,C2,70,EUR,2023-01-02T00:00:00Z
B3,1,C2,5,USD,2024-06-02T00:00:00Z
B4,1,C2,-80,USD,2024-06-30T00:00:00Z
",
    )]);
    let found = features(&tenure);
    let counts = ["orders_count", "orders_count_30", "orders_count_365", "orders_refunds_365"];
    let amounts = ["orders_value", "orders_value_7", "orders_value_30", "orders_basket"];
    // Three orders; in dollars two of them, less a refund of three days ago.
    assert_eq!(numbers(&found, "C1", counts), [3.0, 3.0, 3.0, 1.0].map(Some));
    assert_eq!(numbers(&found, "C1", amounts), [170.0, -30.0, 170.0, 100.0].map(Some));
    // Ten days between two days with orders, and ten since.
    let rhythm = ["orders_recency", "orders_rhythm", "orders_refund_share"];
    assert_eq!(numbers(&found, "C1", rhythm), [10.0, 1.0, 0.15].map(Some));
    // More euros ever, but dollars are what this customer pays with now.
    assert_eq!(numbers(&found, "C2", counts), [3.0, 1.0, 1.0, 1.0].map(Some));
    assert_eq!(numbers(&found, "C2", amounts), [-75.0, -80.0, -75.0, 5.0].map(Some));
    assert_eq!(numbers(&found, "C2", rhythm)[2], Some(16.0));
}

#[test]
fn who_did_nothing_of_a_kind_did_it_no_times() {
    let (_folder, tenure) =
        store_of(&[("customers", "customer_id,name,created_at\nC1,Ada,2024-01-01T00:00:00Z\n")]);
    let found = features(&tenure);
    let zero = [
        "activity_count_30",
        "activity_days_30",
        "logins_30",
        "orders_value_90",
        "contract_mrr",
        "contract_count",
        "tickets_open",
        "surveys_365",
        "touches_90",
        "contacts_90",
        "deals_open",
    ];
    assert_eq!(numbers(&found, "C1", zero), [Some(0.0); 11]);
    let nothing = [
        "activity_recency",
        "activity_trend",
        "logins_trend",
        "orders_basket",
        "contract_mrr_90",
        "contract_days_left",
        "tickets_response_365",
        "nps_last",
        "touches_answered",
    ];
    assert_eq!(numbers(&found, "C1", nothing), [None; 9]);
}

#[test]
fn what_is_filled_in_after_the_cutoff_is_not_seen() {
    let (_folder, tenure) = store_of(&[
        (
            "subscriptions",
            "subscription_id,customer_id,plan,mrr,currency,started_at,ends_at,ended_at
S1,C1,team,100,USD,2023-07-01T00:00:00Z,2024-05-22T00:00:00Z,2024-05-22T00:00:00Z
S2,C1,team,80,USD,2024-05-22T00:00:00Z,2024-07-11T00:00:00Z,2024-07-02T00:00:00Z
",
        ),
        (
            "tickets",
            "ticket_id,customer_id,category,opened_at,first_response_at,closed_at,satisfaction
T1,C1,bug,2024-06-30T14:00:00Z,2024-07-01T20:00:00Z,2024-07-02T00:00:00Z,1
T2,C1,complaint,2024-05-01T00:00:00Z,2024-05-01T02:00:00Z,2024-05-02T00:00:00Z,4
T3,C1,bug,2024-05-01T00:00:00Z,2024-05-01T03:00:00Z,,2
",
        ),
        (
            "touches",
            "touch_id,customer_id,owner_id,channel,kind,occurred_at,responded_at
X1,C1,,email,sent,2024-06-21T00:00:00Z,2024-06-22T00:00:00Z
X2,C1,,email,opened,2024-06-22T00:00:00Z,
X3,C1,,email,sent,2024-06-29T00:00:00Z,2024-07-03T00:00:00Z
X4,C1,U1,phone,call,2024-06-26T00:00:00Z,
",
        ),
        (
            "opportunities",
            "opportunity_id,customer_id,status,amount,currency,created_at,closed_at
D1,C1,won,500,USD,2024-06-01T00:00:00Z,2024-07-04T00:00:00Z
D2,C1,lost,500,USD,2024-03-01T00:00:00Z,2024-04-04T00:00:00Z
",
        ),
    ]);
    let found = features(&tenure);
    let numbers = |names| numbers::<6>(&found, "C1", names);
    // The second term still runs, ten days and a microsecond to its agreed end,
    // and brings four fifths of what the first one brought, which began 366 days ago.
    let contract = [
        "contract_count",
        "contract_ended",
        "contract_mrr",
        "contract_mrr_90",
        "contract_falls",
        "contract_rises",
    ];
    assert_eq!(numbers(contract), [1.0, 1.0, 80.0, 0.8, 1.0, 0.0].map(Some));
    let left = found["C1"]["contract_days_left"].as_f64().unwrap();
    assert!((left - 10.0).abs() < 1e-9, "{left}");
    // One waits, one is rated, one is rated but nobody knows since when.
    let service = [
        "tickets_open",
        "tickets_90",
        "complaints_365",
        "tickets_response_90",
        "tickets_satisfaction",
        "tickets_satisfaction_last",
    ];
    assert_eq!(numbers(service), [2.0, 3.0, 1.0, 5.0, 4.0, 4.0].map(Some));
    // An opened message is no touch; of three touches one was answered by then.
    let touched = [
        "touches_90",
        "touches_opens_180",
        "touches_answered",
        "touches_answer_recency",
        "contacts_90",
        "contacts_recency",
    ];
    assert_eq!(numbers(touched), [3.0, 1.0, 0.333_333_333, 9.0, 1.0, 5.0].map(Some));
    let deals = ["deals_open", "deals_won_365", "deals_lost_365"];
    assert_eq!(self::numbers(&found, "C1", deals), [1.0, 0.0, 1.0].map(Some));
}

/// A customer may be entered in the CRM after the first thing they did.
#[test]
fn who_was_active_before_being_a_customer_has_features_then() {
    let (_folder, tenure) = store_of(&[
        ("customers", "customer_id,name,created_at\nC1,Ada,2024-08-01T00:00:00Z\n"),
        (
            "activity",
            "customer_id,name,occurred_at\nC1,login,2024-06-01T00:00:00Z\nC1,login,2024-06-11T00:00:00Z\n",
        ),
    ]);
    let rows = answer(&tenure, Purpose::Feature, "activity");
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["customer_id"], &rows[0]["logins_30"]), (&"C1".into(), &2.into()));
    assert_eq!(rows[0]["activity_rhythm"].as_f64().map(|gaps| gaps.round()), Some(2.0));
}

#[test]
fn expected_value_is_in_one_currency_and_says_which() {
    let (_folder, tenure) = store_of(&[
        (
            "subscriptions",
            "subscription_id,customer_id,plan,mrr,currency,started_at,ends_at,ended_at
S1,C1,team,100,EUR,2024-01-01T00:00:00Z,2025-01-01T00:00:00Z,
S2,C2,team,100,EUR,2023-01-01T00:00:00Z,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z
",
        ),
        (
            "orders",
            "order_id,line_id,customer_id,amount,currency,occurred_at
A1,1,C1,1000,USD,2024-06-01T00:00:00Z
A2,1,C1,3650,EUR,2024-06-01T00:00:00Z
B1,1,C2,730,USD,2024-06-01T00:00:00Z
B2,1,C2,730,USD,2024-06-02T00:00:00Z
B3,1,C2,99999,JPY,2024-06-02T00:00:00Z
C1,1,C3,-20,USD,2024-06-02T00:00:00Z
",
        ),
    ]);
    let said = |row: &Map<String, Value>| {
        let value = row["expected_value"].as_f64().map(f64::round);
        (value, row["currency"].as_str().map(str::to_owned))
    };
    let found: Vec<_> = answer(&tenure, Purpose::Churn, "value").iter().map(said).collect();
    // Four years are 48 months of contract, and 1461 days at ten a day.
    let of = |value: f64, currency: &str| (Some(value), Some(currency.to_owned()));
    assert_eq!(found, [of(4800.0 + 14610.0, "EUR"), of(4.0 * 1461.0, "USD"), of(0.0, "USD")]);
}
