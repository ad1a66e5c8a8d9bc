//! Which questions can be asked here?

use maud::{Markup, html};

use crate::serve::ui::charts::ChartKind;
use crate::serve::ui::context::Context;
use crate::serve::ui::layout;
use crate::serve::ui::text::Text;

/// One report of the catalogue.
#[derive(Debug, Clone)]
pub struct ReportCard {
    /// The name in addresses and on the command line.
    pub name: String,
    /// The title, in the reader's language.
    pub title: String,
    /// The question it answers, in a sentence or two.
    pub description: String,
    /// How it is drawn.
    pub chart: ChartKind,
    /// The heading it stands under, in the reader's language.
    pub group: String,
}

/// Renders the catalogue, groups in the order in which each first appears.
#[must_use]
pub fn render(cx: &Context, reports: &[ReportCard], as_of: Option<&str>) -> Markup {
    let mut groups: Vec<&str> = Vec::new();
    for report in reports {
        if !groups.contains(&report.group.as_str()) {
            groups.push(&report.group);
        }
    }
    let title = cx.lang.t(Text::Reports);
    let body = html! {
        (layout::heading(cx, title, Some(cx.lang.t(Text::ReportsLead)), as_of))
        @for group in groups {
            section {
                h2 { (group) }
                ul.cards {
                    @for report in reports.iter().filter(|report| report.group == group) {
                        li.card {
                            (glyph(report.chart))
                            div {
                                h3 { a href=(cx.report(&report.name)) { (report.title) } }
                                p { (layout::prose(&report.description)) }
                                code { (report.name) }
                            }
                        }
                    }
                }
            }
        }
    };
    layout::page(cx, title, &body)
}

/// A picture of the kind of chart.
fn glyph(kind: ChartKind) -> Markup {
    html! {
        svg.glyph viewBox="0 0 32 32" aria-hidden="true" {
            @match kind {
                ChartKind::Line => path.stroke d="M4 24L11 16L18 20L28 7" {},
                ChartKind::Bar => path d="M4 6h20v5H4zM4 14h13v5H4zM4 22h8v5H4z" {},
                ChartKind::Heatmap => path d="M4 4h7v7H4zM4 13h7v7H4zM4 22h7v7H4zM13 4h7v7h-7zM13 13h7v7h-7zM22 4h7v7h-7z" {},
                ChartKind::Funnel => path d="M4 5h24v6H4zM4 13h16v6H4zM4 21h9v6H4z" {},
                ChartKind::Table => path.stroke d="M4 8h24M4 16h24M4 24h24" {},
            }
        }
    }
}
