//! Do two reports that show the same quantity show the same number?
//!
//! Each pair is asked at the end of the data and at a date in the past, of the
//! committed sample.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tenure::ReportRequest;
use tenure::reports::render::rows;

use crate::common::{answer, block_on, sample};

type Rows = Vec<Map<String, Value>>;

/// Reports asked at one date.
struct At(&'static str);

impl At {
    fn report(&self, name: &str, set: &[(&str, &str)]) -> Rows {
        answer(sample(), name, &[&[("as_of", self.0)], set].concat())
    }

    /// A metric of the overview: this month's and last month's.
    fn overview(&self, metric: &str) -> [Option<f64>; 2] {
        let page = self.report("overview", &[]);
        let row = page.iter().find(|row| row["metric"] == metric && row["rank"].is_null());
        let row = row.unwrap_or_else(|| panic!("no {metric} on {}", self.0));
        ["value", "previous"].map(|column| row[column].as_f64())
    }

    /// This month and the one before, as reports name them.
    fn months(&self) -> [&'static str; 2] {
        match self.0 {
            "2024-12-31" => ["2024-12-01", "2024-11-01"],
            _ => ["2024-09-01", "2024-08-01"],
        }
    }

    /// The day of last month up to which a sum is compared: its last, or the same.
    fn a_month_ago(&self) -> At {
        match self.0 {
            "2024-12-31" => At("2024-11-30"),
            _ => At("2024-08-17"),
        }
    }
}

const DATES: [At; 2] = [At("2024-12-31"), At("2024-09-17")];

fn number(row: &Map<String, Value>, column: &str) -> f64 {
    row[column].as_f64().unwrap_or_else(|| panic!("{column} of {row:?}"))
}

fn sum(rows: &Rows, column: &str) -> f64 {
    rows.iter().map(|row| row[column].as_f64().unwrap_or(0.0)).sum()
}

fn by_period(rows: &Rows, column: &str) -> BTreeMap<String, f64> {
    let cell = |row: &Map<String, Value>| {
        Some((row["period"].as_str()?.to_owned(), row[column].as_f64()?))
    };
    rows.iter().filter_map(cell).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9 * a.abs().max(1.0)
}

/// What the overview compares a month with.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// Last month up to the same day.
    SoFar,
    /// All of last month, or its end.
    All,
}

/// The overview's months beside a report's months.
fn months_agree(metric: &str, report: &str, column: &str, before: Before) {
    for at in &DATES {
        let months = by_period(&at.report(report, &[]), column);
        let so_far = by_period(&at.a_month_ago().report(report, &[]), column);
        let earlier = if before == Before::SoFar { &so_far } else { &months };
        let both = at.months().into_iter().zip([&months, earlier]);
        for ((month, of), shown) in both.zip(at.overview(metric)) {
            // No row is nothing for a sum, and no rate for a rate.
            let expected = of.get(month).copied();
            let agree = match (expected, shown) {
                (Some(expected), Some(shown)) => close(expected, shown),
                (None, shown) => shown.is_none_or(|shown| shown == 0.0),
                (Some(_), None) => false,
            };
            assert!(agree, "{metric} and {report}, {month}: {shown:?} and {expected:?}");
        }
    }
}

#[test]
fn the_overview_shows_what_the_reports_behind_it_show() {
    months_agree("revenue", "revenue", "revenue", Before::SoFar);
    months_agree("nps", "nps", "nps", Before::All);
    months_agree("mrr", "mrr", "end_mrr", Before::All);
    months_agree("nrr", "nrr", "nrr", Before::SoFar);
    months_agree("active_customers", "lifecycle", "active", Before::SoFar);
    months_agree("win_rate", "velocity", "win_rate", Before::All);
    months_agree("open_tickets", "backlog", "open_end", Before::All);
}

#[test]
fn new_customers_are_those_the_channels_brought() {
    for at in &DATES {
        let [month, before] = at.months();
        let spans = [(month, at.0), (before, at.a_month_ago().0)];
        for ((from, to), shown) in spans.into_iter().zip(at.overview("new_customers")) {
            let channels = at.report("channels", &[("from", from), ("to", to)]);
            let total = channels.iter().find(|row| row["channel"].is_null()).unwrap();
            assert_eq!(Some(number(total, "customers")), shown, "{from} to {to}");
        }
    }
}

#[test]
fn revenue_of_customers_is_one_number() {
    for at in &DATES {
        let by_age = sum(&at.report("ltv", &[]), "revenue");
        let all = number(&at.report("revenue", &[("period", "all")])[0], "revenue");
        let tiers = sum(&at.report("abc", &[]), "revenue");
        let buyers = sum(&at.report("clv", &[("limit", "100000")]), "revenue");
        let scored = sum(&at.report("rfm", &[]), "monetary");
        // The sample has no anonymous sales and no customer with refunds only.
        for (name, value) in [("ltv", by_age), ("abc", tiers), ("clv", buyers), ("rfm", scored)] {
            assert!(close(all, value), "revenue and {name}, {}: {all} and {value}", at.0);
        }
    }
}

#[test]
fn recurring_revenue_is_one_number() {
    for at in &DATES {
        let mrr = by_period(&at.report("mrr", &[]), "start_mrr");
        assert!(!mrr.is_empty());
        assert_eq!(mrr, by_period(&at.report("nrr", &[]), "start_mrr"));
        let broken = at.report("mrr", &[("breakdown", "channel")]);
        let ends = by_period(&at.report("mrr", &[]), "end_mrr");
        for (period, end) in ends {
            let parts = broken.iter().filter(|row| row["period"] == period.as_str());
            let total: f64 = parts.map(|row| number(row, "end_mrr")).sum();
            assert!(close(end, total), "{period}: {end} and {total}");
        }
    }
}

#[test]
fn deals_are_one_number() {
    for at in &DATES {
        let sellers = at.report("leaders", &[]);
        let (sellers, total) = sellers.split_at(sellers.len() - 1);
        let sources = at.report("lead_sources", &[]);
        let closed = at.report("velocity", &[("period", "year")]);
        for (column, name) in [("won", "won"), ("won_value", "won_value")] {
            let won = number(&total[0], column);
            let by_source = sum(&sources, name);
            let by_year = sum(&closed, name);
            let by_seller = sum(&sellers.to_vec(), column);
            assert_eq!([by_source, by_year, by_seller], [won; 3], "{column}, {}", at.0);
        }
        let open = number(&total[0], "open");
        assert_eq!(sum(&sources, "open"), open);
        assert_eq!(sum(&at.report("pipeline", &[]), "deals"), open);
        let forecast = at.report("forecast", &[]);
        assert_eq!(number(&forecast[0], "deals"), open, "every deal of the sample has a history");
        let potential = at.report("potential", &[("limit", "1000")]);
        assert_eq!(sum(&potential, "open_deals"), open);
        assert_eq!(number(&forecast[0], "value"), sum(&potential, "open_value"));
    }
    // What a back-test says of a day is what was forecast on it.
    let back = At("2024-12-31").report("forecast", &[]);
    for date in ["2024-11-30", "2024-09-30", "2024-06-30"] {
        let then = back.iter().find(|row| row["date"] == date).unwrap();
        let forecast = &At(date).report("forecast", &[])[0];
        for column in ["deals", "value"] {
            assert_eq!(number(then, column), number(forecast, column), "{column} of {date}");
        }
    }
}

#[test]
fn active_customers_are_one_number() {
    for at in &DATES {
        let cells = at.report("retention", &[]);
        let lifecycle = at.report("lifecycle", &[]);
        let new = by_period(&lifecycle, "new");
        for cell in cells.iter().filter(|cell| number(cell, "age") == 0.0) {
            let cohort = cell["cohort"].as_str().unwrap();
            assert!(close(number(cell, "cohort_size"), new[cohort]), "{cohort}");
        }
        // A diagonal of the triangle is a month.
        let mut active: BTreeMap<String, f64> = BTreeMap::new();
        for cell in &cells {
            let cohort: chrono::NaiveDate = cell["cohort"].as_str().unwrap().parse().unwrap();
            let age = chrono::Months::new(number(cell, "age") as u32);
            *active.entry((cohort + age).to_string()).or_default() += number(cell, "customers");
        }
        assert_eq!(active, by_period(&lifecycle, "active"), "{}", at.0);
        let monthly = by_period(&at.report("stickiness", &[("period", "month")]), "customers");
        assert_eq!(active, monthly, "{}", at.0);
    }
}

#[test]
fn the_audit_of_health_judges_what_health_said_that_day() {
    let end = At("2024-12-31");
    let of = |rows: Rows, weights: &str| -> Rows {
        rows.into_iter().filter(|row| row["weights"] == weights).collect()
    };
    let audit = of(end.report("health_audit", &[]), "configured");
    let tenths = of(end.report("health_calibration", &[]), "configured");
    let weights = end.report("health_weights", &[]);
    let newest = audit.last().unwrap();
    assert_eq!(newest["cutoff"], "2024-10-01");
    for column in ["customers", "left"] {
        assert_eq!(sum(&tenths, column), number(newest, column), "{column}");
    }
    for row in &weights {
        assert_eq!(number(row, "judged"), sum(&audit, "customers"));
        assert_eq!(number(row, "left"), sum(&audit, "left"));
    }
    assert!(close(sum(&weights, "weight"), 100.0) && close(sum(&weights, "proposed"), 100.0));

    // The day before the cutoff, as it was known then.
    let day = Some("2024-09-30".to_owned());
    let params = BTreeMap::from([("limit".to_owned(), "1000".to_owned())]);
    let request = ReportRequest { params, as_of: day.clone(), known_as_of: day, tz: None };
    let said = rows(&block_on(sample().report("health", &request)).unwrap().batches).unwrap();
    let active =
        |row: &&Map<String, Value>| row["days_silent"].as_f64().is_some_and(|days| days < 90.0);
    let said: Rows = said.iter().filter(active).cloned().collect();
    assert_eq!(said.len() as f64, number(newest, "customers"));
    let total: f64 =
        tenths.iter().map(|row| number(row, "customers") * number(row, "health")).sum();
    assert!(close(total, sum(&said, "health")), "{total}");
}
