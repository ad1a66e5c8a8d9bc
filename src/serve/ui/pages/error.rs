//! What went wrong, and what can the reader do about it?

use maud::{Markup, html};

use crate::serve::ui::context::Context;
use crate::serve::ui::layout;
use crate::serve::ui::text::Text;

/// A failure as a page or panel shows it.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The HTTP status.
    pub status: u16,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do, most useful first.
    pub hints: Vec<String>,
    /// The names closest to the one asked for, as (name, address).
    pub nearest: Vec<(String, String)>,
}

/// Renders a failure as a page of its own.
#[must_use]
pub fn render(cx: &Context, failure: &Failure) -> Markup {
    let title = cx.lang.t(headline(failure.status));
    let body = html! {
        (layout::heading(cx, title, None, None))
        (panel(cx, failure))
        p { a href=(cx.link(Context::OVERVIEW, &[])) { (cx.lang.t(Text::BackToOverview)) } }
    };
    layout::page(cx, title, &body)
}

/// Renders a failure inside a page.
#[must_use]
pub fn panel(cx: &Context, failure: &Failure) -> Markup {
    html! {
        div.panel.failure role="alert" {
            p.strong { (failure.message) }
            @if !failure.nearest.is_empty() {
                p { (cx.lang.t(Text::DidYouMean)) }
                ul.nearest {
                    @for (name, href) in &failure.nearest { li { a href=(href) { (name) } } }
                }
            }
            @if !failure.hints.is_empty() {
                p { (cx.lang.t(Text::WhatToDo)) }
                ul { @for hint in &failure.hints { li { (hint) } } }
            }
            p.note { "HTTP " (failure.status) }
        }
    }
}

const fn headline(status: u16) -> Text {
    match status {
        404 => Text::NotFound,
        401 | 403 => Text::NotAllowed,
        400 | 422 => Text::BadRequest,
        _ => Text::Trouble,
    }
}
