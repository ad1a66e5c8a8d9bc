//! The overview: the report of that name, one picture, and whom to call.

use axum::extract::State;
use axum::response::Response;
use maud::Markup;
use serde_json::Value;

use super::risk;
use super::rows::{self, text};
use crate::engine::Engine;
use crate::error::{ErrorKind, Result};
use crate::reports::header::Header;
use crate::reports::{Purpose, ReportRequest, ReportTable};
use crate::serve::problem::Problem;
use crate::serve::ui::charts::{self, Room};
use crate::serve::ui::context::{Context, Section};
use crate::serve::ui::lang::Lang;
use crate::serve::ui::pages::overview::{self, Overview, Picture, TopItem, TopList};
use crate::serve::ui::pages::{Better, Change, Measure, Tile, Verdict};
use crate::serve::ui::table::{Column, ColumnKind, DataTable, Row};
use crate::serve::ui::text::Text;
use crate::serve::visit::Visit;
use crate::serve::{AppState, answer};
use crate::tenure::ScoreRequest;

/// Periods of the picture and of a tile's trend.
const PERIODS: usize = 24;

/// Customers to call that the overview names.
const CALLS: usize = 5;

/// Answers `/`.
pub async fn page(State(state): State<AppState>, visit: Visit) -> Response {
    let work = async |engine: Engine| build(&state, &visit, &engine).await;
    let page = answer::in_turn(&state, work).await.map(super::found);
    super::respond(&visit, page.map_err(Problem::from), |cx, _| cx.link(Context::OVERVIEW, &[]))
}

async fn build(state: &AppState, visit: &Visit, engine: &Engine) -> Result<Markup> {
    let cx = visit.context(Section::Overview);
    let manifest = engine.snapshot().manifest();
    if manifest.data_end().or(manifest.known_end()).is_none() {
        return Ok(overview::render(&cx, &nothing(cx.lang)));
    }
    let currency = state.currency(engine).await?;
    let (report, header) = run(state, engine, "overview").await?;
    let all = crate::reports::render::rows(&report.batches)?;
    let sold = sold(state, engine, currency.as_deref(), cx.lang).await?;
    let trend = |metric: &str| match (metric, &sold) {
        ("revenue", Some((table, _))) => {
            let amount = |row: &Row| charts_number(row.get("revenue"));
            table.rows.iter().map(amount).collect()
        }
        _ => Vec::new(),
    };
    let scale = Scale { header: &header, currency: currency.as_deref(), day: rows::day(&report) };
    let tiles = all
        .iter()
        .filter(|row| row.get("rank").is_none_or(Value::is_null))
        .filter_map(|row| scale.tile(&cx, row, trend(row.get("metric")?.as_str()?)))
        .collect();
    let (at_risk, n_at_risk) = calls(state, engine, cx.lang).await?;
    let page = Overview {
        period: scale.day.get(..7).unwrap_or(&scale.day).to_owned(),
        tiles,
        picture: sold.map(|(table, header)| picture(&cx, &table, &header)),
        at_risk,
        n_at_risk,
        lists: scale.lists(&cx, &all),
        currency: currency.clone().unwrap_or_default(),
        as_of: scale.day,
        hint: None,
    };
    Ok(overview::render(&cx, &page))
}

/// An empty store's overview: what to do first.
fn nothing(lang: Lang) -> Overview {
    Overview {
        period: String::new(),
        as_of: String::new(),
        tiles: Vec::new(),
        picture: None,
        at_risk: Vec::new(),
        n_at_risk: None,
        currency: String::new(),
        lists: Vec::new(),
        hint: Some(lang.t(Text::LoadFirst).to_owned()),
    }
}

async fn run(state: &AppState, engine: &Engine, name: &str) -> Result<(ReportTable, Header)> {
    let header = state.tenure().catalogue().get(Purpose::Report, name)?.header.clone();
    let report = state.tenure().report_on(engine, name, &ReportRequest::default()).await?;
    Ok((report, header))
}

/// The last periods of the revenue report, if anything was sold.
async fn sold(
    state: &AppState,
    engine: &Engine,
    currency: Option<&str>,
    lang: Lang,
) -> Result<Option<(DataTable, Header)>> {
    let (report, header) = run(state, engine, "revenue").await?;
    let mut table = rows::table(&report, &header, currency, usize::MAX, lang)?;
    table.rows = table.rows.split_off(table.rows.len().saturating_sub(PERIODS));
    Ok((!table.rows.is_empty()).then_some((table, header)))
}

fn charts_number(value: Option<&Value>) -> Option<f64> {
    crate::serve::ui::format::number(value?)
}

fn picture(cx: &Context, table: &DataTable, header: &Header) -> Picture {
    let title = header.title.get(cx.lang).to_owned();
    let figure = header.chart.as_ref().map(|chart| {
        charts::figure("sold", &title, chart, &table.columns, &table.rows, Room::Column, cx.lang)
    });
    Picture { title, href: cx.report("revenue"), figure: figure.unwrap_or_default() }
}

/// The customers to call first, and how many there are, if anybody was scored.
async fn calls(
    state: &AppState,
    engine: &Engine,
    lang: Lang,
) -> Result<(Vec<crate::serve::ui::pages::at_risk::RiskRow>, Option<usize>)> {
    let request =
        ScoreRequest { band: Some("high".to_owned()), limit: CALLS, ..ScoreRequest::default() };
    let page = match state.tenure().scores(engine, &request, lang).await {
        Ok(page) => page,
        Err(error) if error.kind() == ErrorKind::Insufficient => return Ok((Vec::new(), None)),
        Err(error) => return Err(error),
    };
    let owners = risk::owners(state, engine, page.run_id).await?;
    let bands = super::at_risk::bands(state, engine, page.run_id, &request).await?;
    let n_high = bands.counts.first().map_or(0, |high| high.customers);
    Ok((risk::lines(state, engine, &page, &owners).await?, Some(n_high)))
}

/// What it takes to read the overview's rows, each in a unit of its own.
struct Scale<'a> {
    header: &'a Header,
    currency: Option<&'a str>,
    day: String,
}

impl Scale<'_> {
    fn label(&self, code: &str, lang: Lang) -> String {
        self.header.labels.get(code).map_or(code, |words| words.get(lang)).to_owned()
    }

    fn column(&self, row: &Row) -> Column {
        let unit = row.get("unit").and_then(Value::as_str).unwrap_or_default();
        let kind = ColumnKind::of_unit(unit);
        Column {
            unit: self.currency.filter(|_| kind == ColumnKind::Money).map(str::to_owned),
            ..Column::new("value", "", kind)
        }
    }

    fn tile(&self, cx: &Context, row: &Row, trend: Vec<Option<f64>>) -> Option<Tile> {
        let metric = row.get("metric")?.as_str()?;
        let column = self.column(row);
        let previous = row.get("previous").filter(|previous| !previous.is_null());
        // While a month runs, what adds up over it is beside as much of the last.
        let running = row.get("complete") == Some(&Value::Bool(false));
        let adds_up = matches!(metric, "new_customers" | "revenue" | "active_customers" | "nrr");
        let note = previous.filter(|_| running && adds_up).map(|previous| {
            let then = column.brief(previous, cx.lang).text;
            Text::SoFarLastMonth.fill(cx.lang, &[("value", &then)])
        });
        Some(Tile {
            title: self.label(metric, cx.lang),
            value: row.get("value")?.clone(),
            kind: column.kind,
            unit: column.unit,
            change: self.change(row, metric, column.kind),
            trend,
            note,
            href: leads_to(cx, metric),
        })
    }

    /// How a number moved since last month, and whether that says anything.
    fn change(&self, row: &Row, metric: &str, kind: ColumnKind) -> Option<Change> {
        let by = charts_number(row.get("change"))?;
        let previous = charts_number(row.get("previous"))?;
        let (measure, unit) = match kind {
            ColumnKind::Share => (Measure::Points, 1.0),
            ColumnKind::Score => (Measure::Score, 1.0),
            // Nothing is a multiple of nothing, and no rise of a loss a fall.
            _ if previous <= 0.0 => return None,
            _ => (Measure::Relative, previous),
        };
        let end = |name: &str| Some(charts_number(row.get(name))? / unit);
        let better = match metric {
            "open_tickets" | "revenue_at_risk" | "customers_at_risk" => Better::Down,
            _ => Better::Up,
        };
        let verdict = match row.get("note").and_then(Value::as_str) {
            Some("beyond_chance") => Verdict::Real,
            Some("within_chance") => Verdict::Chance,
            _ => Verdict::TooFew,
        };
        Some(Change {
            by: by / unit,
            measure,
            since: month_before(&self.day),
            better,
            verdict,
            interval: end("change_low").zip(end("change_high")),
        })
    }

    /// The rankings, in the order in which the report has them.
    fn lists(&self, cx: &Context, all: &[Row]) -> Vec<TopList> {
        let mut lists: Vec<(String, TopList)> = Vec::new();
        for row in all.iter().filter(|row| row.get("rank").is_some_and(Value::is_number)) {
            let Some(metric) = text(row, "metric") else { continue };
            let item = TopItem {
                name: text(row, "name").unwrap_or_default(),
                href: None,
                value: row.get("value").cloned().unwrap_or_default(),
                note: None,
            };
            match lists.iter_mut().find(|(of, _)| *of == metric) {
                Some((_, list)) => list.items.push(item),
                None => {
                    let list = TopList {
                        title: self.label(&metric, cx.lang),
                        href: leads_to(cx, &metric),
                        column: self.column(row),
                        items: vec![item],
                    };
                    lists.push((metric, list));
                }
            }
        }
        lists.into_iter().map(|(_, list)| list).collect()
    }
}

/// The page behind a number.
fn leads_to(cx: &Context, metric: &str) -> Option<String> {
    match metric {
        "win_rate" | "top_seller" => Some(cx.report("leaders")),
        "top_potential" => Some(cx.report("potential")),
        "revenue" | "nps" | "nrr" | "mrr" => Some(cx.report(metric)),
        "active_customers" => Some(cx.report("lifecycle")),
        "open_tickets" => Some(cx.report("backlog")),
        "revenue_at_risk" | "customers_at_risk" => Some(cx.link(Context::AT_RISK, &[])),
        _ => None,
    }
}

/// The month before that of an ISO day, as ISO.
fn month_before(day: &str) -> String {
    day.parse::<chrono::NaiveDate>()
        .ok()
        .and_then(|day| day.checked_sub_months(chrono::Months::new(1)))
        .map_or_else(String::new, |day| day.format("%Y-%m").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_before_january_is_in_the_year_before() {
        assert_eq!(month_before("2025-01-31"), "2024-12");
        assert_eq!(month_before("2025-03-31"), "2025-02");
        assert_eq!(month_before(""), "");
    }
}
