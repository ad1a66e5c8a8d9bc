//! Which rows of data is each reason of a score made from?

use maud::{Markup, html};

use crate::serve::ui::context::Context;
use crate::serve::ui::layout;
use crate::serve::ui::table::{self, DataTable};
use crate::serve::ui::text::Text;

/// The reasons of one customer's score with their rows.
#[derive(Debug, Clone)]
pub struct BehindPage {
    /// The external id.
    pub customer_id: String,
    /// Features use rows up to this day.
    pub cutoff: String,
    /// The reasons, in the order of the customer's page.
    pub reasons: Vec<Behind>,
}

/// One reason.
#[derive(Debug, Clone)]
pub struct Behind {
    /// The reason in words.
    pub text: String,
    /// What the rows are called, what they are, and the newest of them; or why
    /// none are listed.
    pub rows: Result<(String, String, DataTable), Text>,
}

/// Where on the page the rows of the reason at `place` stand.
#[must_use]
pub fn anchor(place: usize) -> String {
    format!("reason-{}", place + 1)
}

/// Renders the page.
#[must_use]
pub fn render(cx: &Context, page: &BehindPage) -> Markup {
    let lang = cx.lang;
    let title = lang.t(Text::RowsBehind);
    let body = html! {
        (layout::heading(cx, title, Some(lang.t(Text::RowsBehindLead)), Some(&page.cutoff)))
        p { a href=(cx.customer(&page.customer_id)) { (page.customer_id) } }
        @for (place, reason) in page.reasons.iter().enumerate() {
            section.panel id=(anchor(place)) {
                h2 { (reason.text) }
                @match &reason.rows {
                    Ok((title, about, rows)) => {
                        p.note { (layout::prose(about)) }
                        @if rows.rows.is_empty() {
                            p.note { (lang.t(Text::NothingBehind)) }
                        } @else {
                            (table::render(cx, title, rows))
                        }
                    },
                    Err(why) => { p.note { (lang.t(*why)) } },
                }
            }
        }
    };
    layout::page(cx, title, &body)
}
