//! Who is likely to leave, why, what are they worth, and who acts?

use maud::{Markup, html};
use serde_json::Value;

use crate::serve::ui::band::{self, Band};
use crate::serve::ui::context::Context;
use crate::serve::ui::format::date;
use crate::serve::ui::format::decimal::Decimal;
use crate::serve::ui::format::{self, Formatted};
use crate::serve::ui::lang::Lang;
use crate::serve::ui::layout::{self, Downloads};
use crate::serve::ui::table::grouped;
use crate::serve::ui::text::Text;

/// A scored customer.
#[derive(Debug, Clone)]
pub struct RiskRow {
    /// The external id.
    pub customer_id: String,
    /// The name, if the source gave one.
    pub name: Option<String>,
    /// The calibrated probability of leaving.
    pub probability: f64,
    /// Its band.
    pub band: Band,
    /// Probability times expected value, exact.
    pub value_at_risk: Value,
    /// Its currency.
    pub currency: String,
    /// What the model has never seen, in words.
    pub unsure: Option<String>,
    /// The account manager.
    pub owner: Option<String>,
    /// The strongest reasons in words, strongest first; three are shown.
    pub reasons: Vec<String>,
    /// Whether the run before did not have the customer at risk.
    pub newly: bool,
}

impl RiskRow {
    /// The name, or the id where there is none.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.customer_id)
    }

    /// The value at risk, short.
    #[must_use]
    pub fn value_brief(&self, lang: Lang) -> Formatted {
        let brief = |value| format::compact_money(&value, &self.currency, lang);
        Decimal::of(&self.value_at_risk).map_or_else(Formatted::missing, brief)
    }
}

/// What the list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct RiskFilter {
    /// Only this band.
    pub band: Option<Band>,
    /// Only this owner's customers, by the owner's id.
    pub owner: Option<String>,
    /// Only at least this probability, as a fraction of one.
    pub min_probability: Option<f64>,
}

/// How many customers a band holds and what they are worth together.
#[derive(Debug, Clone)]
pub struct BandCount {
    /// The band.
    pub band: Band,
    /// How many customers.
    pub customers: usize,
    /// Their value at risk, exact, per currency.
    pub value_at_risk: Vec<(String, Value)>,
}

/// The at-risk list.
#[derive(Debug, Clone)]
pub struct AtRiskPage {
    /// The cutoff of the scores.
    pub as_of: Option<String>,
    /// The last day of the data, if that is later.
    pub data_end: Option<String>,
    /// The model that scored.
    pub model: Option<String>,
    /// The bands before the filter, loudest first.
    pub bands: Vec<BandCount>,
    /// What the list is narrowed to.
    pub filter: RiskFilter,
    /// The owners to choose from, as (id, name).
    pub owners: Vec<(String, String)>,
    /// This page of the list.
    pub rows: Vec<RiskRow>,
    /// How many customers the filter leaves, on all pages.
    pub total: usize,
    /// Whether this is the first page.
    pub first: bool,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// The same list in other forms.
    pub links: Downloads,
    /// What to do if there are no scores at all.
    pub hint: Option<String>,
}

/// Renders the at-risk list.
#[must_use]
pub fn render(cx: &Context, page: &AtRiskPage) -> Markup {
    let lang = cx.lang;
    let title = lang.t(Text::AtRisk);
    let body = html! {
        (layout::heading(cx, title, Some(lang.t(Text::AtRiskLead)), page.as_of.as_deref()))
        @if let Some(hint) = &page.hint {
            (layout::empty(lang.t(Text::NotScored), hint))
        } @else {
            @if let Some(end) = &page.data_end {
                p.note { (Text::ScoresOlder.fill(lang, &[("date", &date::long(end, lang))])) }
            }
            (bands(cx, page))
            (filter(cx, page))
            section.panel {
                div.panelhead {
                    h2 { (customers(page.total, lang)) }
                    (layout::downloads(cx, &page.links))
                }
                @if page.rows.is_empty() {
                    p.note { (lang.t(Text::NoMatch)) }
                } @else {
                    (list(cx, page))
                }
                (pager(cx, page))
            }
            @if let Some(model) = &page.model {
                p.note { a href=(cx.model(model)) { (Text::ScoredBy.fill(lang, &[("model", model)])) } }
            }
        }
    };
    layout::page(cx, title, &body)
}

fn customers(n: usize, lang: Lang) -> String {
    match n {
        1 => lang.t(Text::OneCustomer).to_owned(),
        n => Text::CustomersCount.fill(lang, &[("n", &grouped(n))]),
    }
}

/// The bands with their size and worth; each narrows the list to itself.
fn bands(cx: &Context, page: &AtRiskPage) -> Markup {
    html! {
        section.bands {
            @for count in &page.bands {
                @let chosen = page.filter.band == Some(count.band);
                a.bandtile href=(cx.link(Context::AT_RISK, &[("band", count.band.code())]))
                    aria-current=[chosen.then_some("true")] {
                    (band::chip(count.band, cx.lang))
                    b { (customers(count.customers, cx.lang)) }
                    @for (currency, value) in &count.value_at_risk {
                        @if let Some(value) = Decimal::of(value) {
                            span.note {
                                (cx.lang.t(Text::ValueAtRisk)) " "
                                (format::compact_money(&value, currency, cx.lang))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn filter(cx: &Context, page: &AtRiskPage) -> Markup {
    let lang = cx.lang;
    let percent = page
        .filter
        .min_probability
        .and_then(Decimal::of_f64)
        .map(|share| share.shift(-2).grouped(0));
    html! {
        form.filter method="get" action=(Context::AT_RISK) {
            @if let Some(lang) = cx.explicit_lang() {
                input type="hidden" name="lang" value=(lang.code());
            }
            label {
                span { (lang.t(Text::Band)) }
                select name="band" {
                    option value="" { (lang.t(Text::AnyBand)) }
                    @for band in Band::ALL {
                        option value=(band.code()) selected[page.filter.band == Some(band)] { (band.name(lang)) }
                    }
                }
            }
            label {
                span { (lang.t(Text::Owner)) }
                select name="owner" {
                    option value="" { (lang.t(Text::AnyOwner)) }
                    @for (id, name) in &page.owners {
                        option value=(id) selected[page.filter.owner.as_ref() == Some(id)] { (name) }
                    }
                }
            }
            label {
                span { (lang.t(Text::MinProbability)) }
                input type="number" name="min_percent" min="0" max="100" step="any" value=[percent];
            }
            div.buttons {
                button type="submit" { (lang.t(Text::Filter)) }
                a href=(cx.link(Context::AT_RISK, &[])) { (lang.t(Text::ClearFilter)) }
            }
        }
    }
}

fn list(cx: &Context, page: &AtRiskPage) -> Markup {
    let lang = cx.lang;
    let heads = [
        (Text::Customer, false),
        (Text::Probability, false),
        (Text::ValueAtRisk, true),
        (Text::Owner, false),
        (Text::Reasons, false),
    ];
    html! {
        table.stack.risks {
            thead { tr { @for (text, num) in heads { th.num[num] scope="col" { (lang.t(text)) } } } }
            tbody { @for row in &page.rows { (line(cx, row)) } }
        }
    }
}

fn line(cx: &Context, row: &RiskRow) -> Markup {
    let lang = cx.lang;
    let value = Decimal::of(&row.value_at_risk)
        .map_or_else(Formatted::missing, |value| format::money(&value, &row.currency));
    html! {
        tr {
            td.customer {
                a href=(cx.customer(&row.customer_id)) { (row.shown_name()) }
                @if row.newly { " " span.chip.fresh title=(lang.t(Text::NewlyAtRisk)) { (lang.t(Text::New)) } }
                @if row.name.is_some() { p.note { (row.customer_id) } }
            }
            td.prob {
                (band::gauge(row.probability, row.band)) (band::chip(row.band, lang))
                @if let Some(unsure) = &row.unsure {
                    p.note title=(unsure) { (lang.t(Text::UnsureNote)) }
                }
            }
            td.num data-label=(lang.t(Text::ValueAtRisk)) { (value) }
            td data-label=(lang.t(Text::Owner)) {
                @match &row.owner {
                    Some(owner) => (owner),
                    None => span.note { (lang.t(Text::NoOwner)) },
                }
            }
            td.why { ul { @for reason in row.reasons.iter().take(3) { li { (reason) } } } }
        }
    }
}

fn pager(cx: &Context, page: &AtRiskPage) -> Markup {
    // The other parameters stay; only the place in the list moves.
    let kept: Vec<(&str, &str)> = cx
        .query
        .iter()
        .filter(|(name, _)| name != "cursor" && name != "lang")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    html! {
        @if !page.first || page.next.is_some() {
            nav.pager {
                @if !page.first { a href=(cx.link(Context::AT_RISK, &kept)) { (cx.lang.t(Text::FirstPage)) } }
                @if let Some(cursor) = &page.next {
                    @let pairs: Vec<_> = kept.iter().copied().chain([("cursor", cursor.as_str())]).collect();
                    a.next rel="next" href=(cx.link(Context::AT_RISK, &pairs)) { (cx.lang.t(Text::NextPage)) " →" }
                }
            }
        }
    }
}
