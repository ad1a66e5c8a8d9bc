//! Who is this customer, will they stay, and what happened so far?

use maud::{Markup, html};
use serde_json::Value;

use super::behind;
use super::timeline::{self, Event};
use crate::serve::ui::band::{self, Band};
use crate::serve::ui::charts::contributions::{self, Step};
use crate::serve::ui::context::Context;
use crate::serve::ui::format::decimal::Decimal;
use crate::serve::ui::format::{self, Formatted, date};
use crate::serve::ui::lang::Lang;
use crate::serve::ui::layout;
use crate::serve::ui::table::{self, Column, DataTable};
use crate::serve::ui::text::Text;

/// Reasons drawn one by one, all that a score is stored with; were there more,
/// the rest would be drawn as one bar.
const DRAWN: usize = 10;

/// One customer.
#[derive(Debug, Clone)]
pub struct CustomerPage {
    /// The external id.
    pub customer_id: String,
    /// The name, if the source gave one.
    pub name: Option<String>,
    /// The account manager.
    pub owner: Option<String>,
    /// What is known: how to write it, and the value.
    pub facts: Vec<(Column, Value)>,
    /// The day or instant the page stands for.
    pub as_of: Option<String>,
    /// The newest score, or why there is none.
    pub score: Result<Score, Text>,
    /// What happened, newest first.
    pub events: Vec<Event>,
    /// The newest orders.
    pub orders: DataTable,
    /// The newest tickets.
    pub tickets: DataTable,
    /// The newest survey answers.
    pub surveys: DataTable,
}

/// A score with everything that explains it.
#[derive(Debug, Clone)]
pub struct Score {
    /// The calibrated probability.
    pub probability: f64,
    /// Its band.
    pub band: Band,
    /// The log-odds: `base` plus all contributions.
    pub logit: f64,
    /// The log-odds of the average training customer.
    pub base: f64,
    /// Every reason, largest magnitude first.
    pub reasons: Vec<Reason>,
    /// What the model has never seen, in words.
    pub unsure: Option<String>,
    /// The smallest change that would lower the band, in words.
    pub what_if: Option<String>,
    /// Probability times expected value, exact.
    pub value_at_risk: Value,
    /// The currency of the value at risk.
    pub currency: String,
    /// The model version.
    pub model: String,
    /// Features use rows up to this instant.
    pub cutoff: String,
}

/// One feature's part in a score.
#[derive(Debug, Clone)]
pub struct Reason {
    /// The feature's name.
    pub feature: String,
    /// Its value for this customer.
    pub value: Value,
    /// What it adds to the log-odds.
    pub contribution: f64,
    /// The reason in words, in the reader's language.
    pub text: String,
}

/// Renders a customer's page.
#[must_use]
pub fn render(cx: &Context, page: &CustomerPage) -> Markup {
    let lang = cx.lang;
    let name = page.name.as_deref().unwrap_or(&page.customer_id);
    let owner = page.owner.as_deref().unwrap_or(lang.t(Text::NoOwner));
    let lead = format!("{} · {} {owner}", page.customer_id, lang.t(Text::Owner));
    let body = html! {
        (layout::heading(cx, name, Some(&lead), page.as_of.as_deref()))
        @match &page.score {
            Ok(score) => { (summary(cx, score)) (reasons(cx, &page.customer_id, score)) },
            Err(why) => (layout::empty(lang.t(Text::NotScored), lang.t(*why))),
        }
        div.columns {
            div {
                (records(cx, Text::Orders, &page.orders))
                (records(cx, Text::Tickets, &page.tickets))
                (records(cx, Text::Surveys, &page.surveys))
            }
            div {
                (profile(cx, &page.facts))
                section.panel { h2 { (lang.t(Text::RecentActivity)) } (timeline::render(cx, &page.events)) }
            }
        }
    };
    layout::page(cx, name, &body)
}

fn summary(cx: &Context, score: &Score) -> Markup {
    let lang = cx.lang;
    let value = Decimal::of(&score.value_at_risk)
        .map_or_else(Formatted::missing, |value| format::money(&value, &score.currency));
    html! {
        section.tiles.score {
            article.tile {
                h3 { (lang.t(Text::Probability)) }
                p.big { (format::probability(score.probability)) " " (band::chip(score.band, lang)) }
            }
            article.tile { h3 { (lang.t(Text::ValueAtRisk)) } p.big { (value) } }
            article.tile {
                h3 { (lang.t(Text::Cutoff)) }
                p.mid { (date::long(&score.cutoff, lang)) }
                p.note { (lang.t(Text::Model)) " " a href=(cx.model(&score.model)) { (score.model) } }
            }
        }
    }
}

/// The waterfall and, below it, the same steps as numbers.
fn reasons(cx: &Context, customer: &str, score: &Score) -> Markup {
    let lang = cx.lang;
    // One reason too many is worth its own bar more than a bar for "the rest".
    let drawn = if score.reasons.len() <= DRAWN + 1 { score.reasons.len() } else { DRAWN };
    let (large, small) = score.reasons.split_at(drawn);
    let mut steps: Vec<Step> = large
        .iter()
        .map(|reason| Step { name: reason.text.clone(), contribution: reason.contribution })
        .collect();
    let rest = (!small.is_empty()).then(|| Step {
        name: Text::SmallerReasons.fill(lang, &[("n", &small.len().to_string())]),
        contribution: small.iter().map(|reason| reason.contribution).sum(),
    });
    steps.extend(rest.clone());
    let sum = [
        ("base", format::signed(score.base, 2)),
        ("logit", format::signed(score.logit, 2)),
        ("probability", format::probability(score.probability).text),
    ];
    let sum = sum.each_ref().map(|(name, value)| (*name, value.as_str()));
    html! {
        section.panel {
            h2 { (lang.t(Text::WhyThisScore)) }
            p.lead { (lang.t(Text::WhyLead)) }
            (contributions::figure("why", score.base, &steps, score.probability, lang))
            p.sum { (Text::AddsUp.fill(lang, &sum)) }
            @if let Some(unsure) = &score.unsure {
                h3 { (lang.t(Text::Unsure)) }
                p { (unsure) }
            }
            @if let Some(what_if) = &score.what_if {
                h3 { (lang.t(Text::SmallestChange)) }
                p { (what_if) }
                p.note { (lang.t(Text::SmallestChangeNote)) }
            }
            details {
                summary { (lang.t(Text::TheNumbers)) }
                (reason_table(cx, customer, score, large, small, rest.as_ref()))
            }
        }
    }
}

fn reason_table(
    cx: &Context,
    customer: &str,
    score: &Score,
    large: &[Reason],
    small: &[Reason],
    rest: Option<&Step>,
) -> Markup {
    let lang = cx.lang;
    let rows = cx.rows_behind(customer);
    let line = |place: usize, reason, inner| {
        reason_line(reason, inner, &format!("{rows}#{}", behind::anchor(place)), lang)
    };
    html! {
        div.scroll tabindex="0" role="group" aria-label=(lang.t(Text::WhyThisScore)) {
            table.reasons {
                thead {
                    tr {
                        th scope="col" { (lang.t(Text::Reason)) }
                        th scope="col" { (lang.t(Text::ItsValue)) }
                        th.num scope="col" { (lang.t(Text::Contribution)) }
                    }
                }
                tbody {
                    tr { td { (lang.t(Text::Base)) } td {} td.num { (exact(score.base)) } }
                    @for (place, reason) in large.iter().enumerate() { (line(place, reason, false)) }
                    @if let Some(rest) = rest {
                        tr { td { (rest.name) } td {} td.num { (exact(rest.contribution)) } }
                        @for (place, reason) in small.iter().enumerate() {
                            (line(large.len() + place, reason, true))
                        }
                    }
                }
                tfoot {
                    tr {
                        td { (lang.t(Text::ThisCustomer)) " (" (lang.t(Text::LogOdds)) ")" }
                        td {}
                        td.num { (exact(score.logit)) }
                    }
                }
            }
        }
    }
}

fn reason_line(reason: &Reason, inner: bool, rows: &str, lang: Lang) -> Markup {
    let value = match (&reason.value, Decimal::of(&reason.value)) {
        (Value::Bool(yes), _) => Formatted::plain(format::flag(*yes, lang)),
        (_, Some(decimal)) => format::fixed(&decimal, 0, 2),
        (Value::String(text), None) => Formatted::plain(text),
        _ => Formatted::missing(),
    };
    html! {
        tr.inner[inner] {
            td {
                (reason.text)
                p.note { code { (reason.feature) } " · " a href=(rows) { (lang.t(Text::SeeRows)) } }
            }
            td { (value) }
            td.num { (exact(reason.contribution)) }
        }
    }
}

/// Two digits, all of them in the title, so that the sum can be checked.
fn exact(log_odds: f64) -> Formatted {
    let text = format::signed(log_odds, 2);
    Formatted { exact: Some(log_odds.to_string()).filter(|exact| *exact != text), text }
}

fn records(cx: &Context, title: Text, table: &DataTable) -> Markup {
    html! {
        section.panel {
            h2 { (cx.lang.t(title)) }
            @if table.rows.is_empty() {
                p.note { (cx.lang.t(Text::NoActivity)) }
            } @else {
                (table::render(cx, cx.lang.t(title), table))
            }
        }
    }
}

fn profile(cx: &Context, facts: &[(Column, Value)]) -> Markup {
    html! {
        section.panel {
            h2 { (cx.lang.t(Text::Profile)) }
            dl.facts {
                @for (column, value) in facts {
                    div { dt { (column.heading(cx.lang)) } dd { (column.format(value, cx.lang)) } }
                }
            }
        }
    }
}
