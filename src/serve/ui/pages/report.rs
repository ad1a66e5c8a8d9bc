//! What does a report say, how was it counted, and where can it be taken?

use maud::{Markup, html};

use super::error::{Failure, panel};
use super::form::{self, Parameter};
use crate::serve::ui::charts::{self, ChartKind, ChartSpec, Room};
use crate::serve::ui::context::Context;
use crate::serve::ui::lang::Lang;
use crate::serve::ui::layout::{self, Downloads};
use crate::serve::ui::table::{self, DataTable, Row, grouped};
use crate::serve::ui::text::Text;

/// Rows the table lists; the chart draws more, and the downloads hold all.
const LISTED: usize = 500;

/// A report and what came of it.
#[derive(Debug, Clone)]
pub struct ReportPage {
    /// The title, in the reader's language.
    pub title: String,
    /// The question it answers.
    pub description: String,
    /// What can be set, with the values in force.
    pub parameters: Vec<Parameter>,
    /// The day or instant the data stands for.
    pub as_of: Option<String>,
    /// How the numbers are defined, one paragraph each.
    pub definition: Vec<String>,
    /// Why the result must not be relied on, if so.
    pub voided: Option<String>,
    /// How the rows are drawn.
    pub chart: ChartSpec,
    /// The rows, or why there are none.
    pub outcome: Outcome,
}

/// What running a report gave.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Rows, possibly none.
    Rows {
        /// The rows that are drawn; the table lists the first of them.
        table: DataTable,
        /// The same rows in other forms.
        links: Downloads,
        /// What to do if there are no rows.
        hint: Option<String>,
    },
    /// The report did not run.
    Failed(Failure),
}

/// Renders a report.
#[must_use]
pub fn render(cx: &Context, page: &ReportPage) -> Markup {
    let lang = cx.lang;
    let body = html! {
        (layout::heading(cx, &page.title, Some(&page.description), page.as_of.as_deref()))
        (form::render(cx, &page.parameters))
        @match &page.outcome {
            Outcome::Failed(failure) => (panel(cx, failure)),
            Outcome::Rows { table, hint, .. } if table.rows.is_empty() => {
                (layout::empty(
                    lang.t(Text::NoRows),
                    hint.as_deref().unwrap_or(lang.t(Text::NoRowsHint)),
                ))
            },
            Outcome::Rows { table, links, .. } => {
                @if let Some(why) = &page.voided {
                    p.panel.voided role="alert" { (Text::Voided.fill(lang, &[("why", why)])) }
                }
                @let figures = figures(page, table, lang);
                @if !figures.0.is_empty() {
                    section.panel {
                        (figures)
                        @if let Some(cut) = cut(page.chart.kind, table, lang) { p.note { (cut) } }
                    }
                }
                @let listed = table.first(LISTED);
                section.panel {
                    div.panelhead {
                        h2 { (lang.t(Text::TheNumbers)) }
                        (layout::downloads(cx, links))
                    }
                    (table::render(cx, &page.title, &listed))
                    @if listed.rows.len() < listed.total { p.note { (lang.t(Text::DownloadsHoldAll)) } }
                }
            },
        }
        @if !page.definition.is_empty() {
            section.definition {
                h2 { (lang.t(Text::HowCounted)) }
                @for paragraph in &page.definition { p { (layout::prose(paragraph)) } }
            }
        }
    };
    layout::page(cx, &page.title, &body)
}

/// Pictures beyond so many say no more; the table has all.
const MOST_FACETS: usize = 12;

/// The picture of the rows, or one for each value of the column that the chart
/// is split by.
fn figures(page: &ReportPage, table: &DataTable, lang: Lang) -> Markup {
    let draw = |id: &str, title: &str, rows: &[Row]| {
        charts::figure(id, title, &page.chart, &table.columns, rows, Room::Page, lang)
    };
    let column = page.chart.facet.as_deref();
    let column = table.columns.iter().find(|known| Some(known.name.as_str()) == column);
    let Some(column) = column else { return draw("chart", &page.title, &table.rows) };
    let value = |row: &Row| row.get(&column.name).and_then(|cell| cell.as_str()).map(str::to_owned);
    let mut values: Vec<Option<String>> = table.rows.iter().map(value).collect();
    values.sort();
    values.dedup();
    if values.len() < 2 {
        return draw("chart", &page.title, &table.rows);
    }
    html! {
        @for (place, of) in values.iter().take(MOST_FACETS).enumerate() {
            @let rows: Vec<Row> =
                table.rows.iter().filter(|row| value(row) == *of).cloned().collect();
            @let name = of.as_deref().or(column.absent.as_deref()).unwrap_or(lang.t(Text::NoValue));
            h3 { (name) }
            (draw(&format!("chart-{place}"), &format!("{}: {name}", page.title), &rows))
        }
        @if values.len() > MOST_FACETS {
            @let (shown, total) = (grouped(MOST_FACETS), grouped(values.len()));
            p.note { (Text::DrawnFirst.fill(lang, &[("shown", &shown), ("total", &total)])) }
        }
    }
}

/// What a chart that does not draw all rows must say; bars say it themselves.
fn cut(kind: ChartKind, table: &DataTable, lang: Lang) -> Option<String> {
    let drawn = table.rows.len();
    (kind != ChartKind::Bar && drawn < table.total).then(|| {
        let (drawn, total) = (grouped(drawn), grouped(table.total));
        let words = if table.is_by_period() { Text::DrawnNewest } else { Text::DrawnFirst };
        words.fill(lang, &[("shown", &drawn), ("total", &total)])
    })
}
