//! Does a report say what one gets with pencil and paper?

use serde_json::{Map, Value};
use tenure::Tenure;

use crate::common::{answer, store_of};

/// The row of an answer in which a column has this value.
fn row(
    tenure: &Tenure,
    report: &str,
    set: &[(&str, &str)],
    column: &str,
    value: &Value,
) -> Map<String, Value> {
    let rows = answer(tenure, report, set);
    let found = rows.into_iter().find(|row| row[column] == *value);
    found.unwrap_or_else(|| panic!("{report} has no row with {column} = {value}"))
}

/// Numbers of a row, to a billionth, or nothing.
fn numbers<const N: usize>(row: &Map<String, Value>, columns: [&str; N]) -> [Option<f64>; N] {
    columns.map(|column| row[column].as_f64().map(|value| (value * 1e9).round() / 1e9))
}

const PAYBACK: [&str; 6] =
    ["customers", "revenue", "cost", "cost_per_customer", "payback_ratio", "payback_months"];

/// A month of payback is a twelfth of 365.25 days, 30 days and 10½ hours: on 1 July
/// C1 is a customer for four of them, C2 for two and C3 for three.
#[test]
fn a_channel_has_paid_back_when_its_revenue_reaches_its_cost() {
    let (_folder, tenure) = store_of(&[
        (
            "customers",
            "customer_id,channel,segment,created_at
C1,ads,A,2024-03-01T06:00:00Z
C2,ads,B,2024-05-01T03:00:00Z
C3,web,A,2024-03-31T16:30:00Z
",
        ),
        (
            "orders",
            "order_id,customer_id,amount,currency,occurred_at
O1,C1,50,USD,2024-03-02T10:00:00Z
O2,C1,-10,USD,2024-03-09T10:00:00Z
O3,C2,50,USD,2024-06-01T10:00:00Z
O4,C3,90,USD,2024-06-02T10:00:00Z
",
        ),
        // Nobody came from television.
        (
            "campaigns",
            "campaign_id,name,channel,started_at,cost,currency
K1,Spring,ads,2024-03-01,80,USD
K2,May,ads,2024-05-01,40,USD
K3,Mai,ads,2024-05-01,10,EUR
K4,Spot,tv,2024-05-01,500,USD
",
        ),
    ]);
    let channels = |channel: Option<&str>, set: &[(&str, &str)]| {
        let set = [&[("as_of", "2024-07-01T00:00:00Z"), ("currency", "USD")], set].concat();
        numbers(&row(&tenure, "channels", &set, "channel", &channel.into()), PAYBACK)
    };
    // 90 in six customer-months are 15 a month; 120 for two customers are 60 each.
    let ads = [2.0, 90.0, 120.0, 60.0, 0.75, 4.0].map(Some);
    assert_eq!(channels(Some("ads"), &[]), ads);
    assert_eq!(channels(Some("web"), &[]), [Some(1.0), Some(90.0), None, None, None, None]);
    // 180 in nine are 20 a month; 120 for three customers are 40 each.
    assert_eq!(channels(None, &[]), [3.0, 180.0, 120.0, 40.0, 1.5, 2.0].map(Some));
    // C2 alone and the campaign of May: 50 in two months.
    let may = [("from", "2024-05-01")];
    assert_eq!(channels(Some("ads"), &may), [1.0, 50.0, 40.0, 40.0, 1.25, 1.6].map(Some));
    // What was paid in euros has brought no euros.
    let all = answer(&tenure, "channels", &[("as_of", "2024-07-01T00:00:00Z")]);
    let euros = all.iter().find(|row| row["channel"] == "ads" && row["currency"] == "EUR").unwrap();
    let expected = [Some(2.0), Some(0.0), Some(10.0), Some(5.0), Some(0.0), None];
    assert_eq!(numbers(euros, PAYBACK), expected);
    // Nobody knows what a segment cost.
    let segment = [("breakdown", "segment")];
    assert_eq!(channels(Some("ads"), &segment)[2..], [None; 4]);
}

const CHANGE: [&str; 5] = ["value", "previous", "change", "change_low", "change_high"];

/// A month with its change, and what it is in squares of changes of customers.
fn month(value: f64, previous: f64, squares: f64) -> [Option<f64>; 5] {
    let (change, reach) = (value - previous, 1.959_963_984_540_054 * f64::sqrt(squares));
    [value, previous, change, change - reach, change + reach]
        .map(|value| Some((value * 1e9).round() / 1e9))
}

#[test]
fn a_running_month_is_compared_with_the_last_up_to_the_same_day_and_time() {
    let created = "customer_id,created_at
C1,2024-01-20T10:00:00Z
C2,2024-02-03T10:00:00Z
C3,2024-02-15T12:00:00Z
C4,2024-02-15T12:00:01Z
C5,2024-02-29T18:00:00Z
C6,2024-03-15T12:00:00Z
C7,2024-03-15T12:00:01Z
C8,2024-03-31T09:00:00Z
";
    // Up to noon of the 15th C1 and C2 are there in both months, C3 in February
    // and C5 and C6 in March only, and C4 came too late in both.
    let activity = "customer_id,name,occurred_at
C1,login,2024-02-01T00:00:00Z
C1,login,2024-03-01T00:00:00Z
C2,login,2024-02-15T12:00:00Z
C2,login,2024-03-15T12:00:00Z
C3,login,2024-02-15T11:00:00Z
C4,login,2024-02-15T12:00:01Z
C4,login,2024-03-15T12:00:01Z
C5,login,2024-02-29T18:00:00Z
C5,login,2024-03-02T18:00:00Z
C6,login,2024-03-15T12:00:00Z
C8,login,2024-03-31T09:00:00Z
";
    // C1 moves by 30 - 20 and C3 by 0 - 50; a sale to nobody by 7.
    let orders = "order_id,customer_id,amount,currency,occurred_at
O1,C1,20,USD,2024-02-10T10:00:00Z
O2,C1,30,USD,2024-03-10T10:00:00Z
O3,C3,60,USD,2024-02-15T12:00:00Z
O4,C3,-10,USD,2024-02-15T12:00:00Z
O5,C3,99,USD,2024-02-15T12:00:01Z
O6,,7,USD,2024-03-15T12:00:00Z
O7,C3,99,USD,2024-03-15T12:00:01Z
";
    let files = [("customers", created), ("activity", activity), ("orders", orders)];
    let (_folder, tenure) = store_of(&files);
    let overview = |as_of: &str, metric: &str| {
        let row = row(&tenure, "overview", &[("as_of", as_of)], "metric", &metric.into());
        (numbers(&row, CHANGE), row["complete"] == true)
    };
    let noon = "2024-03-15T12:00:00Z";
    assert_eq!(overview(noon, "new_customers"), (month(1.0, 2.0, 3.0), false));
    assert_eq!(overview(noon, "active_customers"), (month(4.0, 3.0, 3.0), false));
    let squares = 10.0 * 10.0 + 50.0 * 50.0 + 7.0 * 7.0;
    assert_eq!(overview(noon, "revenue"), (month(37.0, 70.0, squares), false));
    // March is longer than February: from its 30th on it is beside all of it.
    for (as_of, new, before, complete) in [
        ("2024-03-14", 0.0, 1.0, false),
        ("2024-03-29T17:59:59Z", 2.0, 3.0, false),
        ("2024-03-29T18:00:00Z", 2.0, 4.0, false),
        ("2024-03-30", 2.0, 4.0, false),
        ("2024-03-31T12:00:00Z", 3.0, 4.0, false),
        ("2024-03-31T18:00:00Z", 3.0, 4.0, false),
        ("2024-03-31", 3.0, 4.0, true),
    ] {
        let expected = (month(new, before, new + before), complete);
        assert_eq!(overview(as_of, "new_customers"), expected, "{as_of}");
    }
}
