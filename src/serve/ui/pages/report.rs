//! What does a report say, how was it counted, and where can it be taken?

use maud::{Markup, html};

use super::error::{Failure, panel};
use super::form::{self, Parameter};
use crate::serve::ui::charts::{self, ChartKind, ChartSpec, Room};
use crate::serve::ui::context::Context;
use crate::serve::ui::lang::Lang;
use crate::serve::ui::layout::{self, Downloads};
use crate::serve::ui::table::{self, DataTable, grouped};
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
                @let figure = charts::figure(
                    "chart", &page.title, &page.chart, &table.columns, &table.rows, Room::Page, lang,
                );
                @if !figure.0.is_empty() {
                    section.panel {
                        (figure)
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

/// What a chart that does not draw all rows must say; bars say it themselves.
fn cut(kind: ChartKind, table: &DataTable, lang: Lang) -> Option<String> {
    let drawn = table.rows.len();
    (kind != ChartKind::Bar && drawn < table.total).then(|| {
        let (drawn, total) = (grouped(drawn), grouped(table.total));
        Text::DrawnFirst.fill(lang, &[("shown", &drawn), ("total", &total)])
    })
}
