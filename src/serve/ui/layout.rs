//! What stands around every page?
//!
//! One frame: the navigation, the language switch, the page, the footer. It
//! loads one style sheet and one small script from this very server and
//! nothing else, so [`assets::CONTENT_SECURITY_POLICY`] can forbid the rest.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::assets;
use super::context::{Context, Section};
use super::format::date;
use super::lang::Lang;
use super::text::Text;

/// A whole document with `title` around `body`.
#[must_use]
pub fn page(cx: &Context, title: &str, body: &Markup) -> Markup {
    let files = html! {
        link rel="stylesheet" href=(assets::STYLE.path);
        link rel="icon" type="image/svg+xml" href=(assets::ICON.path);
        script defer src=(assets::SCRIPT.path) {}
    };
    let body = html! {
        a.skip href="#main" { (cx.lang.t(Text::SkipToContent)) }
        (header(cx))
        main id="main" { (body) }
        footer {
            p { (cx.lang.t(Text::Footer)) }
            p { a href="/openapi.json" { (cx.lang.t(Text::ApiDescription)) } }
        }
    };
    document(cx, title, &files, &body)
}

/// A document that needs no other file: with its style, without the navigation.
#[must_use]
pub fn standalone(cx: &Context, title: &str, body: &Markup) -> Markup {
    // The sheet is our own and holds nothing that ends the element.
    let style = html! { style { (PreEscaped(assets::STYLE.body)) } };
    document(cx, title, &style, &html! { main id="main" { (body) } })
}

fn document(cx: &Context, title: &str, style: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(cx.lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Tenure" }
                (style)
            }
            body { (body) }
        }
    }
}

fn header(cx: &Context) -> Markup {
    let sections = [
        (Section::Overview, Context::OVERVIEW, Text::Overview),
        (Section::Reports, Context::REPORTS, Text::Reports),
        (Section::AtRisk, Context::AT_RISK, Text::AtRisk),
    ];
    html! {
        header.top {
            div.inner {
                a.brand href=(cx.link(Context::OVERVIEW, &[])) { (mark()) "Tenure" }
                nav aria-label=(cx.lang.t(Text::Navigation)) {
                    @for (section, path, text) in sections {
                        a href=(cx.link(path, &[])) aria-current=[(cx.section == section).then_some("page")] {
                            (cx.lang.t(text))
                        }
                    }
                }
                div.langs role="group" aria-label=(cx.lang.t(Text::Language)) {
                    @for lang in Lang::ALL {
                        a href=(cx.in_lang(lang)) lang=(lang.tag()) hreflang=(lang.tag())
                            aria-current=[(cx.lang == lang).then_some("true")] { (lang.own_name()) }
                    }
                }
            }
        }
    }
}

/// The mark: three bars that stay, the last one growing.
fn mark() -> Markup {
    html! {
        svg viewBox="0 0 20 20" aria-hidden="true" {
            rect x="2" y="11" width="4" height="7" rx="1" {}
            rect x="8" y="7" width="4" height="11" rx="1" {}
            rect x="14" y="2" width="4" height="16" rx="1" {}
        }
    }
}

/// A page's heading: title, an optional lead, and the moment the data stands for.
#[must_use]
pub fn heading(cx: &Context, title: &str, lead: Option<&str>, as_of: Option<&str>) -> Markup {
    html! {
        div.heading {
            div {
                h1 { (title) }
                @if let Some(lead) = lead { p.lead { (prose(lead)) } }
            }
            @if let Some(as_of) = as_of {
                p.asof {
                    time datetime=(as_of) {
                        (Text::AsOf.fill(cx.lang, &[("date", &date::long(as_of, cx.lang))]))
                    }
                }
            }
        }
    }
}

/// Words whose `code` stands between backticks, as query files write it.
#[must_use]
pub fn prose(words: &str) -> Markup {
    html! {
        @for (index, part) in words.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// Downloads of the very rows a page shows.
#[derive(Debug, Clone, Default)]
pub struct Downloads {
    /// Address of the rows as CSV.
    pub csv: String,
    /// Address of the rows as JSON.
    pub json: String,
    /// Address of the rows as an Excel workbook.
    pub xlsx: String,
}

/// Links to the same data in other forms.
#[must_use]
pub fn downloads(cx: &Context, links: &Downloads) -> Markup {
    html! {
        p.downloads {
            span { (cx.lang.t(Text::SameData)) }
            @for (name, href) in [("CSV", &links.csv), ("Excel", &links.xlsx), ("JSON", &links.json)] {
                @if !href.is_empty() { a href=(href) { (name) } }
            }
        }
    }
}

/// A calm panel that says what is missing and what to do.
#[must_use]
pub fn empty(title: &str, hint: &str) -> Markup {
    html! { div.panel.empty { p.strong { (title) } p { (hint) } } }
}
