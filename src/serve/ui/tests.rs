//! Laws of every page and chart: nothing a customer is called becomes markup,
//! nothing breaks the content security policy, and chart and table agree.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::band::Band;
use super::charts::{self, ChartKind, ChartSpec, Room};
use super::context::{Context, Section};
use super::lang::Lang;
use super::layout::Downloads;
use super::pages::at_risk::{self, AtRiskPage, BandCount, RiskFilter, RiskRow};
use super::pages::customer::{self, CustomerPage, Reason, Score};
use super::pages::error::{self, Failure};
use super::pages::report::{self, Outcome, ReportPage};
use super::pages::{Parameter, ParameterKind};
use super::table::{self, Column, ColumnKind, DataTable, Row};
use markup::{tags, words};

mod behind;
mod marks;
mod markup;
mod numbers;

const EVIL: &str =
    "<script>alert(\"1\")</script>' & 北京市海淀区中关村科技园区发展有限责任公司第二分公司";

fn context(lang: Lang) -> Context {
    Context {
        lang,
        path: "/reports/x\"><b>".to_owned(),
        query: vec![("owner".to_owned(), EVIL.to_owned())],
        section: Section::Reports,
    }
}

fn column(name: &str, kind: ColumnKind) -> Column {
    Column {
        unit: Some("CNY".to_owned()).filter(|_| kind == ColumnKind::Money),
        ..Column::new(name, format!("{name} <i>"), kind)
    }
}

fn columns(x: ColumnKind, y: ColumnKind) -> Vec<Column> {
    vec![
        column("series", ColumnKind::Text),
        column("x", x),
        column("y", y),
        column("low", y),
        column("high", y),
        column("complete", ColumnKind::Flag),
        column("count", ColumnKind::Count),
    ]
}

fn spec(kind: ChartKind) -> ChartSpec {
    let named = |name: &str| Some(name.to_owned());
    ChartSpec {
        kind,
        x: "x".to_owned(),
        y: vec!["y".to_owned()],
        series: named("series"),
        facet: None,
        low: named("low"),
        high: named("high"),
        complete: named("complete"),
        count: named("count"),
        open: None,
        total: true,
        none: false,
    }
}

fn rows(value: &Value) -> Vec<Row> {
    value.as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect()
}

const DRAWN: [ChartKind; 4] =
    [ChartKind::Line, ChartKind::Bar, ChartKind::Heatmap, ChartKind::Funnel];

fn draw(kind: ChartKind, columns: &[Column], rows: &[Row]) -> String {
    charts::figure("c", EVIL, &spec(kind), columns, rows, Room::Page, Lang::En).into_string()
}

fn report_page(kind: ChartKind, columns: Vec<Column>, rows: Vec<Row>) -> ReportPage {
    ReportPage {
        title: EVIL.to_owned(),
        description: EVIL.to_owned(),
        parameters: vec![Parameter {
            name: "p".to_owned(),
            title: EVIL.to_owned(),
            kind: ParameterKind::Integer,
            default: Some(EVIL.to_owned()),
            doc: EVIL.to_owned(),
            current: Some(EVIL.to_owned()),
            error: Some(EVIL.to_owned()),
        }],
        as_of: Some("2025-11-30".to_owned()),
        definition: vec![EVIL.to_owned()],
        voided: Some(EVIL.to_owned()),
        chart: spec(kind),
        outcome: Outcome::Rows {
            table: DataTable { total: rows.len(), columns, rows },
            links: Downloads { csv: EVIL.to_owned(), ..Downloads::default() },
            hint: None,
        },
    }
}

#[test]
fn each_value_of_the_facet_gets_a_picture_of_its_own_rows() {
    let row = |facet: Option<&str>, y: i64| json!({ "x": "a", "y": y, "facet": facet });
    let rows = rows(&json!([row(Some("EUR"), 11), row(Some("USD"), 22), row(None, 33)]));
    let columns = vec![
        column("x", ColumnKind::Text),
        column("y", ColumnKind::Number),
        column("facet", ColumnKind::Text),
    ];
    let mut page = report_page(ChartKind::Bar, columns, rows);
    let whole = report::render(&context(Lang::En), &page).into_string();
    assert!(!whole.contains("<h3>EUR</h3>"));
    page.chart.facet = Some("facet".to_owned());
    let split = report::render(&context(Lang::En), &page).into_string();
    for heading in ["EUR", "USD"] {
        assert_eq!(split.matches(&format!("<h3>{heading}</h3>")).count(), 1);
    }
    assert_eq!(split.matches("<figure").count(), 3);
}

fn customer_page() -> CustomerPage {
    let empty = DataTable { columns: Vec::new(), rows: Vec::new(), total: 0 };
    let reasons: Vec<Reason> = (0..12)
        .map(|index| Reason {
            feature: format!("feature_{index} <b>"),
            value: if index == 3 { Value::Null } else { json!(EVIL) },
            contribution: if index % 2 == 0 { 0.5 } else { -0.3 },
            text: format!("{EVIL} {index}"),
        })
        .collect();
    let logit = -1.0 + reasons.iter().map(|reason| reason.contribution).sum::<f64>();
    CustomerPage {
        customer_id: EVIL.to_owned(),
        name: Some(EVIL.to_owned()),
        owner: Some(EVIL.to_owned()),
        facts: vec![(column("fact", ColumnKind::Text), json!(EVIL))],
        as_of: None,
        score: Ok(Score {
            probability: 1.0 / (1.0 + (-logit).exp()),
            band: Band::High,
            logit,
            base: -1.0,
            reasons,
            unsure: Some(EVIL.to_owned()),
            what_if: Some(EVIL.to_owned()),
            value_at_risk: json!("12345678901234.5678"),
            currency: "CNY".to_owned(),
            model: EVIL.to_owned(),
            cutoff: "2025-11-30".to_owned(),
        }),
        events: Vec::new(),
        orders: empty.clone(),
        tickets: empty.clone(),
        surveys: empty,
    }
}

fn at_risk_page() -> AtRiskPage {
    AtRiskPage {
        as_of: None,
        data_end: Some(EVIL.to_owned()),
        model: Some(EVIL.to_owned()),
        bands: vec![BandCount {
            band: Band::High,
            customers: 1,
            value_at_risk: vec![(EVIL.to_owned(), json!(1)), (EVIL.to_owned(), json!(null))],
        }],
        filter: RiskFilter { owner: Some(EVIL.to_owned()), ..RiskFilter::default() },
        owners: vec![(EVIL.to_owned(), EVIL.to_owned())],
        rows: vec![RiskRow {
            customer_id: EVIL.to_owned(),
            name: None,
            probability: f64::NAN,
            band: Band::High,
            value_at_risk: json!("not a number"),
            currency: EVIL.to_owned(),
            unsure: Some(EVIL.to_owned()),
            owner: None,
            reasons: vec![EVIL.to_owned()],
            newly: true,
        }],
        total: 1,
        first: false,
        next: Some(EVIL.to_owned()),
        links: Downloads::default(),
        hint: None,
    }
}

/// Every page, full of hostile names, in every language.
fn pages() -> Vec<String> {
    let evil = rows(&json!([
        {"series": EVIL, "x": EVIL, "y": 0.5, "low": 0.4, "high": 0.6, "complete": false, "count": 7},
        {"series": null, "x": null, "y": 0.25, "low": 0.2, "high": 0.3, "complete": true, "count": null},
    ]));
    let failure = Failure {
        status: 404,
        message: EVIL.to_owned(),
        hints: vec![EVIL.to_owned()],
        nearest: vec![(EVIL.to_owned(), EVIL.to_owned())],
    };
    let mut pages = Vec::new();
    for lang in Lang::ALL {
        let cx = context(lang);
        for kind in DRAWN {
            let columns = columns(ColumnKind::Text, ColumnKind::Share);
            pages.push(report::render(&cx, &report_page(kind, columns, evil.clone())));
        }
        pages.push(customer::render(&cx, &customer_page()));
        pages.push(super::pages::behind::render(&cx, &behind::page()));
        pages.push(at_risk::render(&cx, &at_risk_page()));
        pages.push(error::render(&cx, &failure));
    }
    pages.into_iter().map(maud::PreEscaped::into_string).collect()
}

#[test]
fn no_name_becomes_markup_and_no_page_breaks_the_policy() {
    for page in pages() {
        let tags = tags(&page);
        let mut ids = BTreeSet::new();
        for (name, attributes) in &tags {
            assert!(!["b", "i"].contains(&name.as_str()) || attributes.is_empty(), "{name}");
            assert_ne!(name, "style", "no inline style sheet");
            let mut names = BTreeSet::new();
            for (attribute, value) in attributes {
                assert!(names.insert(attribute), "{name} has {attribute} twice");
                assert_ne!(attribute, "style", "no inline style");
                assert!(!attribute.starts_with("on"), "no inline handler: {attribute}");
                if attribute == "id" {
                    assert!(ids.insert(value.clone()), "id {value} twice");
                }
            }
        }
        let scripts: Vec<_> = tags.iter().filter(|(name, _)| name == "script").collect();
        assert_eq!(scripts.len(), 1, "only our own script");
        assert!(scripts[0].1.contains(&("src".to_owned(), "/assets/sort.js".to_owned())));
        assert!(!tags.iter().any(|(name, _)| name == "i"), "a column's title stays words");
        assert!(words(&page).contains("<script>alert"), "the name itself is shown");
        assert!(!page.contains("NaN"), "no coordinate is NaN");
    }
}

#[test]
fn every_number_of_the_table_is_in_the_chart() {
    let columns = columns(ColumnKind::Period, ColumnKind::Share);
    let data: Vec<Row> = rows(&json!([
        {"series": "A", "x": "2025-01", "y": 0.111, "low": 0.101, "high": 0.121, "complete": true, "count": 1001},
        {"series": "A", "x": "2025-02", "y": 0.222, "low": 0.202, "high": 0.242, "complete": true, "count": 2002},
        {"series": "B", "x": "2025-01", "y": 0.333, "low": 0.303, "high": 0.363, "complete": true, "count": 3003},
        {"series": "B", "x": "2025-02", "y": 0.444, "low": 0.404, "high": 0.484, "complete": false, "count": 4004},
    ]));
    for kind in DRAWN {
        let chart = words(&draw(kind, &columns, &data));
        let cx = context(Lang::En);
        let page = words(
            &report::render(&cx, &report_page(kind, columns.clone(), data.clone())).into_string(),
        );
        let (_, table) = page.split_once("complete <i>").unwrap();
        for row in &data {
            for column in columns.iter().filter(|column| column.kind.is_numeric()) {
                let number = column.format(&row[&column.name], Lang::En).text;
                assert!(chart.contains(&number), "{kind:?} lacks {} {number}", column.name);
                assert!(table.contains(&format!("|{number}|")), "the table lacks {number}");
            }
        }
    }
}

#[test]
fn odd_data_is_drawn_without_breaking() {
    let cases = [
        json!([{"series": "A", "x": 1, "y": 0.5}]),
        json!([{"series": "A", "x": 1, "y": null}, {"series": "A", "x": 2, "y": 3.0}]),
        json!([{"series": "A", "x": 1, "y": "NaN"}, {"series": "A", "x": 2, "y": "12.50"}]),
        json!([{"series": "A", "x": 1, "y": 1e300}, {"series": "A", "x": 2, "y": -1e300}]),
        json!([{"series": "A", "x": 1, "y": -5}, {"series": "A", "x": 2, "y": -7}]),
        json!([{"series": "A", "x": 1, "y": 0}, {"series": "A", "x": 2, "y": 0}]),
        json!([{"series": "A", "x": 1, "y": 1, "low": null, "high": 2}, {"series": "A", "x": 1, "y": 2}]),
        json!([{"x": "2025-01-01", "y": 1}, {"x": "no date", "y": 2}]),
        json!(
            (0..40).map(|i| json!({"series": format!("s{i}"), "x": i, "y": i})).collect::<Vec<_>>()
        ),
    ];
    for case in cases {
        for kind in DRAWN {
            for y in [ColumnKind::Number, ColumnKind::Money, ColumnKind::Share, ColumnKind::Score] {
                let svg = draw(kind, &columns(ColumnKind::Count, y), &rows(&case));
                assert_eq!(svg.matches("role=\"img\"").count(), 2, "{kind:?} of {case}");
                assert!(
                    !svg.contains("NaN") && !svg.contains("inf\""),
                    "{kind:?} of {case}: {svg}"
                );
                for (name, attributes) in tags(&svg) {
                    for (attribute, value) in attributes {
                        if ["width", "height", "r"].contains(&attribute.as_str()) {
                            let size: f64 = value.parse().unwrap();
                            assert!(
                                size >= 0.0,
                                "{name} has {attribute} {size} in {kind:?} of {case}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn nothing_to_draw_says_so_and_no_rows_draw_nothing() {
    let columns = columns(ColumnKind::Count, ColumnKind::Number);
    for kind in DRAWN {
        assert_eq!(draw(kind, &columns, &[]), "");
        let words = words(&draw(kind, &columns, &rows(&json!([{"x": 1, "y": null}]))));
        assert!(words.contains("no value is a number"), "{kind:?}: {words}");
    }
}

#[test]
fn an_unfinished_period_looks_unfinished() {
    let columns = columns(ColumnKind::Period, ColumnKind::Count);
    let data = |complete: bool| {
        rows(&json!([
            {"series": "A", "x": "2025-01", "y": 5, "complete": true},
            {"series": "A", "x": "2025-02", "y": 1, "complete": complete},
        ]))
    };
    let marks = |kind| match kind {
        ChartKind::Line => ["dashed", "hollow"],
        ChartKind::Heatmap => ["url(#", "<pattern"],
        _ => ["hatched", "not complete yet"],
    };
    for kind in DRAWN {
        let (done, open) = (draw(kind, &columns, &data(true)), draw(kind, &columns, &data(false)));
        assert!(marks(kind).iter().all(|mark| open.contains(mark)), "{kind:?}");
        assert!(!done.contains(marks(kind)[0]), "{kind:?}");
    }
}

#[test]
fn bars_are_as_long_as_their_values_on_either_side_of_zero() {
    let columns = columns(ColumnKind::Text, ColumnKind::Number);
    let data = rows(&json!([
        {"series": "A", "x": "gain", "y": 40},
        {"series": "A", "x": "loss", "y": -20},
    ]));
    let widths: Vec<f64> = tags(&draw(ChartKind::Bar, &columns, &data))
        .into_iter()
        .filter(|(_, attributes)| attributes.contains(&("class".to_owned(), "bar".to_owned())))
        .filter_map(|(_, attributes)| attributes.into_iter().find(|(name, _)| name == "width"))
        .map(|(_, width)| width.parse().unwrap())
        .collect();
    let [gain, loss, ..] = widths[..] else { panic!("two bars, not {widths:?}") };
    assert!((gain - 2.0 * loss).abs() < 0.3, "{gain} for 40, {loss} for -20");
}

#[test]
fn the_reasons_of_a_score_add_up_on_the_page() {
    let page = customer_page();
    let html = customer::render(&context(Lang::En), &page).into_string();
    let score = page.score.unwrap();
    // Ten reasons are drawn, two are one bar; all twelve are in the table.
    assert!(words(&html).contains("2 smaller reasons together"));
    let (_, table) = html.split_once("class=\"reasons\"").unwrap();
    let (body, foot) = table.split_once("<tfoot>").unwrap();
    assert_eq!(body.matches("feature_").count(), score.reasons.len());
    assert!(words(foot).contains(&super::format::signed(score.logit, 2)));
    assert!(words(&html).contains("55%"), "the logistic of {}", score.logit);
}

#[test]
fn a_part_of_a_list_says_so_and_can_not_be_sorted() {
    let cx = context(Lang::Zh);
    let columns = vec![column("n", ColumnKind::Count)];
    let data = rows(&json!([{"n": 1_234_567}, {"n": -5}, {"n": null}]));
    let all = DataTable { columns, rows: data, total: 3 };
    let part = DataTable { total: 12_000, ..all.clone() };
    let all = super::table::render(&cx, "t", &all).into_string();
    let part = super::table::render(&cx, "t", &part).into_string();
    assert!(all.contains("data-sort") && all.contains("1,234,567") && all.contains("−5"));
    assert!(!part.contains("data-sort") && part.contains("12,000"));
}

#[test]
fn a_chart_draws_more_rows_than_the_table_lists() {
    let columns = columns(ColumnKind::Count, ColumnKind::Number);
    let cell = |n: usize| json!({"series": format!("s{}", n % 10), "x": n / 10, "y": 1000 + n});
    let data = rows(&(0..600).map(cell).collect());
    let mut page = report_page(ChartKind::Heatmap, columns, data);
    let html = report::render(&context(Lang::En), &page).into_string();
    let (chart, table) = html.split_once("<table").unwrap();
    assert!(chart.contains(">1,599<") && !table.contains(">1,599<"));
    assert!(table.contains(">1,499<") && table.contains("First 500 of 600 rows."));
    assert!(!html.contains("shown in the chart"), "all of them are");
    let Outcome::Rows { table, .. } = &mut page.outcome else { panic!("no rows") };
    table.total = 700;
    let html = report::render(&context(Lang::En), &page).into_string();
    assert!(html.contains("First 600 of 700 shown in the chart."));
}

#[test]
fn a_total_of_many_words_stays_within_its_drawing() {
    let mut columns = columns(ColumnKind::Text, ColumnKind::Share);
    columns[1].absent = Some("全部客户".repeat(20));
    let data =
        rows(&json!([{"series": "A", "x": "a", "y": 0.5}, {"series": "A", "x": null, "y": 0.4}]));
    assert!(draw(ChartKind::Bar, &columns, &data).contains('…'));
}

#[test]
fn a_heading_says_its_unit_once() {
    let heading = |title: &str, kind, lang| {
        Column { title: title.to_owned(), ..column("c", kind) }.heading(lang)
    };
    assert_eq!(heading("Mean age, days", ColumnKind::Days, Lang::En), "Mean age, days");
    assert_eq!(heading("Age", ColumnKind::Days, Lang::En), "Age, days");
    assert_eq!(heading("平均时长（天）", ColumnKind::Days, Lang::Zh), "平均时长（天）");
    assert_eq!(heading("营收", ColumnKind::Money, Lang::Zh), "营收（¥）");
    assert_eq!(heading("Share", ColumnKind::Share, Lang::En), "Share");
}

#[test]
fn whole_days_stay_whole_and_small_numbers_are_not_0() {
    let text = |kind, value: Value| column("c", kind).format(&value, Lang::En).text;
    assert_eq!(text(ColumnKind::Days, json!(51)), "51");
    assert_eq!(text(ColumnKind::Days, json!(51.0)), "51.0");
    for (value, shown) in [
        (json!(0), "0"),
        (json!(1e-40), "<0.001"),
        (json!(0.0024), "0.0024"),
        (json!(0.85), "0.85"),
        (json!(-0.001_2), "−0.0012"),
    ] {
        assert_eq!(text(ColumnKind::Number, value.clone()), shown, "{value}");
    }
}

#[test]
fn a_row_of_its_own_unit_is_written_in_it() {
    let columns = vec![column("v", ColumnKind::ByRow)];
    let data = rows(&json!([
        {"v": 0.382, "unit code": "share"}, {"v": 1234.5, "unit code": "money"}, {"v": 7, "unit code": "count"},
    ]));
    let table = DataTable { total: 3, columns, rows: data };
    let html = table::render(&context(Lang::En), "t", &table).into_string();
    for shown in [">38.2%<", ">1,234.50<", ">7<"] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
}

#[test]
fn only_the_first_measure_has_the_interval_and_a_total_is_no_point_of_a_line() {
    let columns = vec![
        column("x", ColumnKind::Number),
        column("y", ColumnKind::Number),
        column("z", ColumnKind::Number),
        column("low", ColumnKind::Number),
        column("high", ColumnKind::Number),
    ];
    let data = rows(&json!([
        {"x": 1, "y": 5, "z": 6, "low": 4, "high": 6},
        {"x": 2, "y": 5, "z": 7, "low": 4, "high": 6},
        {"x": null, "y": 777, "z": 888, "low": null, "high": null},
    ]));
    let spec = ChartSpec {
        y: vec!["y".to_owned(), "z".to_owned()],
        series: None,
        complete: None,
        count: None,
        total: false,
        ..spec(ChartKind::Line)
    };
    let html = charts::figure("c", "t", &spec, &columns, &data, Room::Page, Lang::En).into_string();
    // One for the page, one for a phone.
    assert_eq!(html.matches("class=\"band\"").count(), html.matches("<svg").count(), "{html}");
    assert!(!html.contains("777") && !html.contains("888"));
}

#[test]
fn a_narrowed_list_keeps_its_filter_across_pages() {
    let html = at_risk::render(&context(Lang::En), &at_risk_page()).into_string();
    let next = tags(&html)
        .into_iter()
        .find(|(_, attributes)| attributes.contains(&("rel".to_owned(), "next".to_owned())))
        .and_then(|(_, attributes)| attributes.into_iter().find(|(name, _)| name == "href"));
    let href = next.unwrap().1;
    assert!(href.contains("owner=%3Cscript%3E") && href.contains("cursor="), "{href}");
}
