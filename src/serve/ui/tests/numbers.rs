//! Does a table say what each number is, and which rows come first?

use serde_json::{Value, json};

use super::super::lang::Lang;
use super::super::table::{self, Column, ColumnKind, DataTable};
use super::markup::words;
use super::{column, context, rows};

fn listed(columns: Vec<Column>, data: &Value) -> String {
    let data = rows(data);
    let table = DataTable { total: data.len(), columns, rows: data };
    table::render(&context(Lang::En), "t", &table.first(500)).into_string()
}

#[test]
fn an_interval_stands_in_the_cell_of_its_measure() {
    let interval = |kind| Column {
        interval: Some(["low".to_owned(), "high".to_owned()]),
        ..column("y", kind)
    };
    let html = listed(
        vec![interval(ColumnKind::Share)],
        &json!([{"y": 0.5, "low": 0.233, "high": 0.613}, {"y": 0.1, "low": null, "high": null}]),
    );
    assert!(html.contains("50.0%<span class=\"interval\">23.3 to 61.3%</span>"), "{html}");
    assert_eq!(html.matches("class=\"interval\"").count(), 1);
    assert!(words(&html).contains("its 95 % interval"));
    let html = listed(
        vec![interval(ColumnKind::Points)],
        &json!([{"y": -0.012, "low": -0.032, "high": 0.014}]),
    );
    assert!(
        html.contains("−3.2 to +1.4")
            && html.contains("<th scope=\"col\" class=\"num\">y &lt;i&gt;, pp"),
        "{html}"
    );
}

#[test]
fn a_change_is_in_points_only_where_its_row_is_a_share() {
    let html = listed(
        vec![column("by", ColumnKind::ChangeByRow)],
        &json!([{"by": 0.032, "unit code": "share"}, {"by": 1234.5, "unit code": "money"}]),
    );
    assert!(html.contains("+3.2 pp") && html.contains("1,234.50"), "{html}");
}

#[test]
fn cents_are_shown_if_any_amount_has_them() {
    let money = |whole| Column { whole, ..column("m", ColumnKind::Money) };
    let text = |whole, value: Value| money(whole).format(&value, Lang::En).text;
    assert_eq!(text(true, json!("1234.0000")), "1,234");
    assert_eq!(text(false, json!("1234.0000")), "1,234.00");
}

#[test]
fn a_small_score_is_no_false_0() {
    let text = |value: Value| column("s", ColumnKind::Score).format(&value, Lang::En).text;
    assert_eq!(text(json!(-0.041)), "−0.04");
    assert_eq!(text(json!(-1e-15)), "0.0");
    assert_eq!(text(json!(0.0)), "0.0");
    assert_eq!(text(json!(2.04)), "2.0");
}

#[test]
fn the_newest_period_comes_first_and_keeps_its_rows_in_order() {
    let columns = |x| vec![column("x", x), column("by", ColumnKind::Text)];
    let data = json!([
        {"x": "2025-01", "by": "first"}, {"x": "2025-02", "by": "second"},
        {"x": "2025-02", "by": "third"}, {"x": null, "by": "last"},
    ]);
    let order = |html: &str| {
        let mut at: Vec<(usize, &str)> = ["first", "second", "third", "last"]
            .into_iter()
            .map(|word| (html.find(&format!(">{word}<")).unwrap(), word))
            .collect();
        at.sort_unstable();
        at.into_iter().map(|(_, word)| word).collect::<Vec<_>>()
    };
    let periods = listed(columns(ColumnKind::Period), &data);
    assert_eq!(order(&periods), ["second", "third", "first", "last"]);
    let names = listed(columns(ColumnKind::Text), &data);
    assert_eq!(order(&names), ["first", "second", "third", "last"]);
}
