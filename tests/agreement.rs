//! Do two reports that show the same quantity show the same number?
//!
//! Asked of the committed sample, at the end of its data and at a date in the
//! past, and of a store with two currencies whose deals and tickets have owners
//! of their own.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde_json::{Map, Value};
use tenure::reports::Purpose;
use tenure::reports::render::rows;
use tenure::{ReportRequest, Tenure};

use crate::common::{answer, block_on, scored_sample, two_currencies};
use crate::model::all_scores;

type Row = Map<String, Value>;
pub type Rows = Vec<Row>;

/// Reports asked of a store at one date. What was asked once is remembered.
pub struct At {
    tenure: &'static Tenure,
    pub date: &'static str,
    said: BTreeMap<String, Rows>,
}

impl At {
    pub fn new(tenure: &'static Tenure, date: &'static str) -> Self {
        Self { tenure, date, said: BTreeMap::new() }
    }

    /// The sample at both dates.
    pub fn sample() -> [Self; 2] {
        DATES.map(|date| Self::new(scored_sample(), date))
    }

    /// A report and what it is asked with, such as `revenue from={month}`; in
    /// `currency` if it has that parameter, and all rows if it has a limit.
    pub fn report(&mut self, asked: &str, currency: Option<&str>) -> Rows {
        let asked = self.filled(asked);
        let said = self.said.entry(format!("{asked} {currency:?}"));
        let tenure = self.tenure;
        let ask = || {
            let mut words = asked.split(' ');
            let report = words.next().unwrap();
            let query = tenure.catalogue().get(Purpose::Report, report).unwrap();
            let standard = [("currency", currency), ("limit", Some("100000"))];
            let known =
                standard.into_iter().filter(|(name, _)| query.header.params.contains_key(*name));
            let mut set = BTreeMap::from([("as_of", self.date)]);
            set.extend(known.filter_map(|(name, value)| Some((name, value?))));
            set.extend(words.map(|word| word.split_once('=').unwrap()));
            answer(tenure, report, &set.into_iter().collect::<Vec<_>>())
        };
        said.or_insert_with(ask).clone()
    }

    /// Dates in a text: `{month}` began the month, `{before}` the last, `{year}` the
    /// year; `{ago}` is the day up to which last month is compared, `{91}` that 91
    /// days ago.
    fn filled(&self, text: &str) -> String {
        let today: NaiveDate = self.date.parse().unwrap();
        let (day, month) = (Days::new(1), Months::new(1));
        let date = |name: &str| match name {
            "month" => format!("{}-01", &self.date[..7]),
            "year" => format!("{}-01-01", &self.date[..4]),
            "day" => self.date.to_owned(),
            "before" => format!("{}-01", &(today - month).to_string()[..7]),
            // All of last month is compared with all of this one.
            "ago" if (today + day).day() == 1 => {
                (today - Days::new(today.day().into())).to_string()
            }
            "ago" => (today - month).to_string(),
            days => (today - Days::new(days.parse().unwrap())).to_string(),
        };
        let mut parts = text.split(['{', '}']);
        let mut filled = parts.next().unwrap().to_owned();
        while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
            filled = filled + &date(name) + rest;
        }
        filled
    }

    /// What a measure of some rows of a report adds up to, nothing being 0.
    fn sum(&mut self, [asked, of, measure]: [&str; 3], currency: Option<&str>) -> f64 {
        let of = self.filled(of);
        let is_of = |row: &&Row| {
            of.split_whitespace().all(|condition| {
                let (column, wanted) = condition.split_once('=').unwrap();
                match (wanted, &row[column]) {
                    ("", found) => found.is_null(),
                    ("*", found) => !found.is_null(),
                    (wanted, Value::String(found)) => found == wanted,
                    (wanted, found) => found.as_f64().is_some_and(|n| wanted.parse() == Ok(n)),
                }
            })
        };
        let rows = self.report(asked, currency);
        rows.iter().filter(is_of).map(|row| measured(row, measure)).sum()
    }
}

const DATES: [&str; 2] = ["2024-12-31", "2024-09-17"];

/// Columns of a row added, subtracted and multiplied; `1` counts the row, and a
/// column with a question mark the rows that have a value there.
pub fn measured(row: &Row, measure: &str) -> f64 {
    let both = |(a, b)| (measured(row, a), measured(row, b));
    if let Some((a, b)) = measure.rsplit_once('-').map(both) {
        a - b
    } else if let Some((a, b)) = measure.rsplit_once('+').map(both) {
        a + b
    } else if let Some((a, b)) = measure.split_once('*').map(both) {
        a * b
    } else if let Some(column) = measure.strip_suffix('?') {
        f64::from(u8::from(!row[column].is_null()))
    } else {
        measure.parse().unwrap_or_else(|_| row[measure].as_f64().unwrap_or(0.0))
    }
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].as_f64().unwrap_or_else(|| panic!("{column} of {row:?}"))
}

fn sum(rows: &Rows, column: &str) -> f64 {
    rows.iter().map(|row| measured(row, column)).sum()
}

fn by_period(rows: &Rows, column: &str) -> BTreeMap<String, f64> {
    let cell = |row: &Row| Some((row["period"].as_str()?.to_owned(), row[column].as_f64()?));
    rows.iter().filter_map(cell).collect()
}

pub fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9 * a.abs().max(1.0)
}

/// What several reports show, each with how it is asked and where it is shown.
fn quantities() -> Vec<(&'static str, &'static str, Vec<[&'static str; 3]>)> {
    let mut all: Vec<(_, _, Vec<_>)> = Vec::new();
    for line in include_str!("agreement/quantities.txt").lines() {
        if let Some(shown) = line.strip_prefix("  ") {
            let parts: Vec<&str> = shown.split('|').map(str::trim).collect();
            all.last_mut().unwrap().2.push(parts.try_into().unwrap());
        } else if !line.starts_with('#') && !line.is_empty() {
            let (kind, name) = line.split_once(' ').unwrap();
            all.push((kind, name, Vec::new()));
        }
    }
    all
}

fn quantities_agree(at: &mut At, currencies: &[&str]) {
    for (kind, quantity, shown) in quantities() {
        assert!(shown.len() > 1, "{quantity}");
        // A store of one currency is asked without naming it.
        let asked = match kind {
            _ if currencies.is_empty() => vec![None],
            "count" => vec![None],
            "amount" => currencies.iter().copied().map(Some).collect(),
            "sample" => continue,
            _ => panic!("{kind} {quantity}"),
        };
        for currency in asked {
            let said: Vec<f64> = shown.iter().map(|shown| at.sum(*shown, currency)).collect();
            let agree = said.iter().all(|value| close(said[0], *value));
            let places: Vec<_> = shown.iter().map(|[asked, ..]| asked).zip(&said).collect();
            assert!(agree, "{quantity} on {}, {currency:?}: {places:?}", at.date);
            // What is 0 everywhere proves nothing; scores have no past.
            assert!(at.date != DATES[0] || said[0] != 0.0, "{quantity} is 0 on {}", at.date);
        }
    }
}

#[test]
fn a_quantity_is_the_same_number_in_every_report() {
    for mut at in At::sample() {
        quantities_agree(&mut at, &[]);
    }
}

#[test]
fn a_quantity_is_the_same_number_in_two_currencies_and_with_other_owners() {
    quantities_agree(&mut At::new(two_currencies(), "2024-06-17"), &["USD", "EUR"]);
}

/// What reports say of one customer, under the name of the fact where the column
/// is called otherwise.
const OF_CUSTOMERS: [(&str, &str); 10] = [
    ("clv", "customer owner breakdown revenue"),
    ("abc", "customer owner breakdown revenue"),
    ("rfm", "customer owner breakdown monetary:revenue"),
    ("health", "customer owner breakdown band mrr"),
    ("silent gone_days=10000", "customer owner breakdown band mrr days_silent"),
    ("renewals within=10000d", "customer owner breakdown band days_since_activity:days_silent"),
    ("potential", "customer owner breakdown band mrr last_contact open_value open_deals"),
    // The owner of an overdue deal is the deal's.
    ("overdue gap_days=0", "customer breakdown last_contact open_value deals:open_deals"),
    ("suppression", "customer owner breakdown"),
    ("calls capacity=10000 rest_days=0", "customer owner breakdown band last_contact"),
];

#[test]
fn a_fact_of_a_customer_is_the_same_in_every_list() {
    let stores = At::sample().into_iter().chain([At::new(two_currencies(), "2024-06-17")]);
    for mut at in stores {
        let mut facts: BTreeMap<(String, &str), (Value, &str)> = BTreeMap::new();
        let mut repeated = 0;
        for (report, columns) in OF_CUSTOMERS {
            for row in at.report(&format!("{report} breakdown=segment"), Some("USD")) {
                for column in columns.split(' ') {
                    let (column, fact) = column.split_once(':').unwrap_or((column, column));
                    // Nothing open or paid is 0 in one list and empty in another.
                    let value = match row[column].as_f64() {
                        Some(number) => number.into(),
                        None if fact == "mrr" => 0.0.into(),
                        None => row[column].clone(),
                    };
                    let customer = row["customer_id"].as_str().unwrap().to_owned();
                    let said = facts.entry((customer, fact)).or_insert((value.clone(), report));
                    repeated += u32::from(said.1 != report);
                    assert_eq!(said.0, value, "{fact} in {} and {report}: {row:?}", said.1);
                }
            }
        }
        assert!(repeated > 50, "{repeated} facts are in two lists on {}", at.date);
    }
}

#[test]
fn risk_in_the_reports_is_that_of_the_scores() {
    let [mut end, _] = At::sample();
    let scores = all_scores(scored_sample());
    let mut shown =
        |metric: &str| end.sum(["overview", &format!("metric={metric}"), "value"], None);
    assert!(close(shown("revenue_at_risk"), sum(&scores, "value_at_risk")));
    let n_high = scores.iter().filter(|score| score["band"] == "high").count();
    assert_eq!(shown("customers_at_risk"), n_high as f64);
    let of: BTreeMap<&str, &Row> =
        scores.iter().map(|score| (score["customer_id"].as_str().unwrap(), score)).collect();
    for (report, column) in [
        ("health", "band"),
        ("silent gone_days=10000 min_days=2 quantile=0", "band"),
        ("potential", "band"),
        ("renewals within=10000d", "band"),
        ("renewals within=10000d", "probability"),
    ] {
        let rows = end.report(report, None);
        assert!(rows.iter().any(|row| !row[column].is_null()), "{report}");
        for row in rows {
            let score = of.get(row["customer_id"].as_str().unwrap());
            let expected = score.map_or(&Value::Null, |score| &score[column]);
            assert_eq!(&row[column], expected, "{report}: {row:?}");
        }
    }
}

/// What a back-test says of a day is what was forecast on it.
#[test]
fn a_back_test_repeats_the_forecast_of_its_day() {
    let [mut end, _] = At::sample();
    let back = end.report("forecast", None);
    for date in ["2024-11-30", "2024-09-30", "2024-06-30"] {
        let then = back.iter().find(|row| row["date"] == date).unwrap();
        let forecast = &At::new(scored_sample(), date).report("forecast", None)[0];
        for column in ["deals", "value"] {
            assert_eq!(number(then, column), number(forecast, column), "{column} of {date}");
        }
    }
}

#[test]
fn active_customers_are_one_number_in_every_month() {
    for mut at in At::sample() {
        let cells = at.report("retention", None);
        let lifecycle = at.report("lifecycle", None);
        let new = by_period(&lifecycle, "new");
        for cell in cells.iter().filter(|cell| number(cell, "age") == 0.0) {
            let cohort = cell["cohort"].as_str().unwrap();
            assert!(close(number(cell, "cohort_size"), new[cohort]), "{cohort}");
        }
        // A diagonal of the triangle is a month.
        let mut active: BTreeMap<String, f64> = BTreeMap::new();
        for cell in &cells {
            let cohort: NaiveDate = cell["cohort"].as_str().unwrap().parse().unwrap();
            let age = Months::new(number(cell, "age") as u32);
            *active.entry((cohort + age).to_string()).or_default() += number(cell, "customers");
        }
        assert_eq!(active, by_period(&lifecycle, "active"), "{}", at.date);
        let monthly = by_period(&at.report("stickiness", None), "customers");
        assert_eq!(active, monthly, "{}", at.date);
    }
}

#[test]
fn the_audit_of_health_judges_what_health_said_that_day() {
    let [mut end, _] = At::sample();
    let of = |rows: Rows, weights: &str| -> Rows {
        rows.into_iter().filter(|row| row["weights"] == weights).collect()
    };
    let audit = of(end.report("health_audit", None), "configured");
    let tenths = of(end.report("health_calibration", None), "configured");
    let weights = end.report("health_weights", None);
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
    let said =
        rows(&block_on(scored_sample().report("health", &request)).unwrap().batches).unwrap();
    let active = |row: &&Row| row["days_silent"].as_f64().is_some_and(|days| days < 90.0);
    let said: Rows = said.iter().filter(active).cloned().collect();
    assert_eq!(said.len() as f64, number(newest, "customers"));
    let total: f64 =
        tenths.iter().map(|row| number(row, "customers") * number(row, "health")).sum();
    assert!(close(total, sum(&said, "health")), "{total}");
}
