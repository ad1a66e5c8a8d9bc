//! Does a chart show every category, and tell final from unfinished marks?

use serde_json::json;

use super::super::charts::{self, ChartKind, ChartSpec, Room};
use super::super::lang::Lang;
use super::super::table::{Column, ColumnKind, Row};
use super::markup::words;
use super::{column, context, report_page, rows, spec};

fn plain(kind: ChartKind) -> ChartSpec {
    ChartSpec { series: None, count: None, low: None, high: None, total: false, ..spec(kind) }
}

fn drawn(spec: &ChartSpec, columns: &[Column], rows: &[Row]) -> String {
    charts::figure("c", "t", spec, columns, rows, Room::Page, Lang::En).into_string()
}

#[test]
fn a_row_without_a_category_is_a_bar_only_where_it_is_no_total() {
    let mut columns = vec![column("x", ColumnKind::Text), column("y", ColumnKind::Count)];
    columns[0].absent = Some("Not known".to_owned());
    let data = rows(&json!([{"x": "web", "y": 5}, {"x": null, "y": 7777}]));
    let total = drawn(&plain(ChartKind::Bar), &columns, &data);
    assert!(!total.contains("7,777"));
    let none = ChartSpec { none: true, ..plain(ChartKind::Bar) };
    let none = words(&drawn(&none, &columns, &data));
    assert!(none.contains("Not known") && none.contains("7,777"), "{none}");
}

#[test]
fn what_deals_still_open_can_change_is_hollow() {
    let columns = vec![
        column("x", ColumnKind::Period),
        column("expected", ColumnKind::Money),
        column("won", ColumnKind::Money),
    ];
    let spec = ChartSpec {
        y: vec!["expected".to_owned(), "won".to_owned()],
        open: Some("open".to_owned()),
        ..plain(ChartKind::Line)
    };
    let data = rows(&json!([
        {"x": "2025-01", "expected": 5, "won": 4, "open": 0},
        {"x": "2025-02", "expected": 6, "won": 2, "open": 3},
    ]));
    let html = drawn(&spec, &columns, &data);
    // One mark in each of both drawings.
    assert_eq!(html.matches("mark hollow").count(), 2, "{html}");
}

#[test]
fn paths_are_told_apart_by_what_they_do_not_share() {
    let columns = vec![column("x", ColumnKind::Text), column("y", ColumnKind::Count)];
    let data = |names: [&str; 2]| rows(&json!(names.map(|name| json!({"x": name, "y": 1}))));
    let shown = |names| words(&drawn(&plain(ChartKind::Bar), &columns, &data(names)));
    let after = shown(["[signup] → login → order", "[signup] → quote"]);
    assert!(after.contains("· [signup] → …|") && after.contains("|login → order|"), "{after}");
    let before = shown(["login → order → [signup]", "quote → [signup]"]);
    assert!(before.contains("· … → [signup]|") && before.contains("|quote|"), "{before}");
    let apart = shown(["login → order", "quote"]);
    assert!(apart.contains("|login → order|") && !apart.contains('…'), "{apart}");
}

#[test]
fn lines_of_shares_near_one_leave_zero_out_and_say_so() {
    let columns = vec![column("x", ColumnKind::Period), column("y", ColumnKind::Share)];
    let data = |low: f64| rows(&json!([{"x": "2025-01", "y": low}, {"x": "2025-02", "y": 1.01}]));
    let shown = |kind, low| words(&drawn(&plain(kind), &columns, &data(low)));
    let near = shown(ChartKind::Line, 0.97);
    assert!(!near.contains("|0%|") && near.contains("does not start at 0"), "{near}");
    for far in [shown(ChartKind::Line, 0.4), shown(ChartKind::Bar, 0.97)] {
        assert!(far.contains("|0%|") && !far.contains("does not start at 0"), "{far}");
    }
}

#[test]
fn many_lines_say_which_is_the_first_and_which_the_last() {
    let columns = vec![
        column("x", ColumnKind::Number),
        column("y", ColumnKind::Number),
        column("series", ColumnKind::Text),
    ];
    let row = |n: usize| json!({"x": n, "y": n, "series": format!("cohort {n}")});
    let data = rows(&(0..9).map(row).collect());
    let spec = ChartSpec { series: Some("series".to_owned()), ..plain(ChartKind::Line) };
    let html = words(&drawn(&spec, &columns, &data));
    assert!(html.contains("light (cohort 0) to dark (cohort 8)"), "{html}");
}

#[test]
fn a_void_result_says_so_before_its_numbers() {
    let columns = vec![column("x", ColumnKind::Text), column("y", ColumnKind::Count)];
    let data = rows(&json!([{"x": "a", "y": 1}]));
    let mut page = report_page(ChartKind::Bar, columns, data);
    page.voided = Some("sizes do not fit".to_owned());
    let render = |page: &_| super::report::render(&context(Lang::En), page).into_string();
    let html = render(&page);
    let (before, _) = html.split_once("<figure").unwrap();
    assert!(before.contains("role=\"alert\"") && before.contains("sizes do not fit"));
    page.voided = None;
    assert!(!render(&page).contains("role=\"alert\""));
}
