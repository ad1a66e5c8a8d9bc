//! What happened with this customer lately?

use maud::{Markup, html};

use crate::serve::ui::context::Context;
use crate::serve::ui::format::date;
use crate::serve::ui::text::Text;

/// The colour group of an event, so that money, trouble and use stand apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The product was used.
    Use,
    /// Money: an order, a renewal, a payment.
    Money,
    /// Trouble: a ticket, a complaint, a refund.
    Trouble,
    /// A contact by us or with us.
    Contact,
    /// Anything else.
    Other,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// When, as an ISO date or instant.
    pub at: String,
    /// Its colour group.
    pub kind: EventKind,
    /// What, in the reader's language where it is known.
    pub what: String,
    /// Details, such as an amount or a subject.
    pub detail: Option<String>,
}

impl EventKind {
    const fn class(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Money => "money",
            Self::Trouble => "trouble",
            Self::Contact => "contact",
            Self::Other => "other",
        }
    }
}

/// Renders events in their order, newest first by custom; the day is said once.
#[must_use]
pub fn render(cx: &Context, events: &[Event]) -> Markup {
    let days = || events.iter().map(|event| event.at.get(..10).unwrap_or(&event.at));
    let news = std::iter::once(true).chain(days().zip(days().skip(1)).map(|(a, b)| a != b));
    html! {
        @if events.is_empty() { p.note { (cx.lang.t(Text::NoActivity)) } }
        ol.timeline {
            @for (event, new_day) in events.iter().zip(news) {
                li.(event.kind.class()) {
                    time datetime=(event.at) {
                        @if new_day { (event.at.get(..10).unwrap_or(&event.at)) }
                        @if let Some((_, minutes)) = date::iso_minutes(&event.at).split_once(' ') {
                            span { (minutes) }
                        }
                    }
                    div {
                        p { (event.what) }
                        @if let Some(detail) = &event.detail { p.note { (detail) } }
                    }
                }
            }
        }
    }
}
