//! How is the business doing, on one page that a boss reads standing?
//!
//! A few numbers with their change, one picture, and the short lists that say
//! whom to thank, whom to visit and whom to call. Everything else is one click
//! away, on purpose.

use maud::{Markup, html};
use serde_json::Value;

use super::at_risk::RiskRow;
use super::tile::{self, Tile};
use crate::serve::ui::band::{self, Band};
use crate::serve::ui::context::Context;
use crate::serve::ui::format::date;
use crate::serve::ui::layout;
use crate::serve::ui::table::{Column, grouped};
use crate::serve::ui::text::Text;

/// The overview's content.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The period the numbers are about: an ISO month.
    pub period: String,
    /// The day or instant the data stands for.
    pub as_of: String,
    /// The numbers, most important first; eight fill two lines.
    pub tiles: Vec<Tile>,
    /// The one picture, made by [`charts::figure`](crate::serve::ui::charts::figure).
    pub picture: Option<Picture>,
    /// The customers to call first.
    pub at_risk: Vec<RiskRow>,
    /// How many are at risk in all; nothing if nobody was ever scored.
    pub n_at_risk: Option<usize>,
    /// The currency of values at risk.
    pub currency: String,
    /// Top sellers, top potential customers, and the like.
    pub lists: Vec<TopList>,
    /// What to do if the store holds no data; then nothing else is shown.
    pub hint: Option<String>,
}

/// A titled chart that leads to its report.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Its title.
    pub title: String,
    /// The address of the report behind it.
    pub href: String,
    /// The drawing.
    pub figure: Markup,
}

/// A short ranking.
#[derive(Debug, Clone)]
pub struct TopList {
    /// What is ranked.
    pub title: String,
    /// The address of the whole ranking.
    pub href: Option<String>,
    /// How values are written.
    pub column: Column,
    /// The first of the ranking, best first.
    pub items: Vec<TopItem>,
}

/// One line of a ranking.
#[derive(Debug, Clone)]
pub struct TopItem {
    /// Who.
    pub name: String,
    /// The address of their page.
    pub href: Option<String>,
    /// The number ranked by.
    pub value: Value,
    /// A short remark, such as the stage of the deal.
    pub note: Option<String>,
}

/// Renders the overview.
#[must_use]
pub fn render(cx: &Context, overview: &Overview) -> Markup {
    let lang = cx.lang;
    let lead = Text::OverviewLead.fill(lang, &[("period", &date::long(&overview.period, lang))]);
    let body = html! {
        @if let Some(hint) = &overview.hint {
            (layout::heading(cx, lang.t(Text::Overview), None, None))
            (layout::empty(lang.t(Text::NothingLoaded), hint))
        } @else {
            (layout::heading(cx, lang.t(Text::Overview), Some(&lead), Some(&overview.as_of)))
            section.tiles { @for one in &overview.tiles { (tile::render(cx, one)) } }
            div.columns {
                div {
                    @if let Some(picture) = &overview.picture {
                        section.panel {
                            h2 { a href=(picture.href) { (picture.title) } }
                            (picture.figure)
                        }
                    }
                    (at_risk(cx, overview))
                }
                div { @for list in &overview.lists { (top_list(cx, list)) } }
            }
        }
    };
    layout::page(cx, lang.t(Text::Overview), &body)
}

fn at_risk(cx: &Context, overview: &Overview) -> Markup {
    let all = |n| Text::SeeAll.fill(cx.lang, &[("n", &grouped(n))]);
    html! {
        section.panel {
            div.panelhead {
                h2 { (cx.lang.t(Text::WhoIsAtRisk)) }
                @if let Some(n) = overview.n_at_risk {
                    a href=(cx.link(Context::AT_RISK, &[("band", Band::High.code())])) { (all(n)) }
                }
            }
            @if overview.at_risk.is_empty() {
                p.note { (cx.lang.t(if overview.n_at_risk.is_some() { Text::NobodyAtRisk } else { Text::NotScored })) }
            }
            ul.calls {
                @for row in &overview.at_risk {
                    li {
                        div.who {
                            a href=(cx.customer(&row.customer_id)) { (row.shown_name()) }
                            @if let Some(first) = row.reasons.first() { p.note { (first) } }
                        }
                        div.what {
                            (band::gauge(row.probability, row.band))
                            p.note {
                                (row.value_brief(cx.lang))
                                @if let Some(owner) = &row.owner { " · " (owner) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn top_list(cx: &Context, list: &TopList) -> Markup {
    html! {
        section.panel {
            h2 {
                @match &list.href {
                    Some(href) => a href=(href) { (list.title) },
                    None => (list.title),
                }
            }
            @if list.items.is_empty() { p.note { (cx.lang.t(Text::NothingToList)) } }
            ol.ranking {
                @for item in &list.items {
                    li {
                        div.who {
                            @match &item.href {
                                Some(href) => a href=(href) { (item.name) },
                                None => span { (item.name) },
                            }
                            @if let Some(note) = &item.note { p.note { (note) } }
                        }
                        span.num { (list.column.brief(&item.value, cx.lang)) }
                    }
                }
            }
        }
    }
}
