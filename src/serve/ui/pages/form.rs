//! What can be set, what is it set to, and what does it mean?
//!
//! The form is an ordinary GET form: the address holds every setting, so a
//! report that was set up can be bookmarked, sent and printed. It is folded,
//! its summary says the current values, and opens when one of them is refused.

use maud::{Markup, html};

use crate::serve::ui::context::Context;
use crate::serve::ui::format;
use crate::serve::ui::layout;
use crate::serve::ui::text::Text;

/// What values a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterKind {
    /// Any words.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// A day, as `2025-11-30`.
    Date,
    /// Yes or no, sent as `true` or `false`.
    Flag,
    /// One of the given values.
    Choice(Vec<Choice>),
}

/// One value a parameter may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the address holds.
    pub value: String,
    /// What the reader sees.
    pub title: String,
}

/// One parameter of a report.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The name in addresses and in the query.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// What values it takes.
    pub kind: ParameterKind,
    /// The value used when none is given.
    pub default: Option<String>,
    /// What it means, in a sentence.
    pub doc: String,
    /// The value in force.
    pub current: Option<String>,
    /// Why the value was refused.
    pub error: Option<String>,
}

/// Renders the form that sets `parameters` of the page at `cx.path`.
#[must_use]
pub fn render(cx: &Context, parameters: &[Parameter]) -> Markup {
    let lang = cx.lang;
    let refused = parameters.iter().any(|parameter| parameter.error.is_some());
    html! {
        @if !parameters.is_empty() {
            details.params open[refused] {
                summary {
                    span.strong { (lang.t(Text::Parameters)) }
                    @for parameter in parameters {
                        @if let Some(value) = shown_value(cx, parameter) {
                            span.setting.changed[is_changed(parameter)] {
                                (parameter.title) " " b { (value) }
                            }
                        }
                    }
                }
                form method="get" action=(cx.path) {
                    @if let Some(lang) = cx.explicit_lang() {
                        input type="hidden" name="lang" value=(lang.code());
                    }
                    div.fields { @for parameter in parameters { (field(cx, parameter)) } }
                    div.buttons {
                        button type="submit" { (lang.t(Text::Apply)) }
                        a href=(cx.link(&cx.path, &[])) { (lang.t(Text::Reset)) }
                    }
                }
            }
        }
    }
}

/// Whether the value in force is another than the default.
fn is_changed(parameter: &Parameter) -> bool {
    parameter.current.is_some() && parameter.current != parameter.default
}

/// The value in force, as the reader knows it.
fn shown_value(cx: &Context, parameter: &Parameter) -> Option<String> {
    let value = parameter.current.as_ref().or(parameter.default.as_ref())?;
    Some(titled(cx, &parameter.kind, value))
}

fn titled(cx: &Context, kind: &ParameterKind, value: &str) -> String {
    match kind {
        ParameterKind::Flag => format::flag(value == "true", cx.lang).to_owned(),
        ParameterKind::Choice(choices) => choices
            .iter()
            .find(|choice| choice.value == value)
            .map_or_else(|| value.to_owned(), |choice| choice.title.clone()),
        _ => value.to_owned(),
    }
}

fn field(cx: &Context, parameter: &Parameter) -> Markup {
    let id = format!("p-{}", parameter.name);
    let help = format!("{id}-doc");
    let default = parameter.default.as_deref().map_or_else(
        || cx.lang.t(Text::DefaultNone).to_owned(),
        |value| Text::DefaultIs.fill(cx.lang, &[("value", &titled(cx, &parameter.kind, value))]),
    );
    html! {
        div.field.refused[parameter.error.is_some()] {
            label for=(id) { (parameter.title) " " code { (parameter.name) } }
            (input(cx, parameter, &id, &help))
            @if let Some(error) = &parameter.error { p.wrong { (error) } }
            p.note id=(help) { (layout::prose(&parameter.doc)) br; (default) }
        }
    }
}

fn input(cx: &Context, parameter: &Parameter, id: &str, help: &str) -> Markup {
    let value = parameter.current.as_deref().or(parameter.default.as_deref()).unwrap_or("");
    let is_offered =
        |choices: &[Choice], value: &str| choices.iter().any(|choice| choice.value == value);
    let options = |choices: &[Choice]| {
        // A select can not show a refused value; the default is what it was.
        let default = parameter.default.as_deref().unwrap_or("");
        let value = if is_offered(choices, value) { value } else { default };
        html! {
            select id=(id) name=(parameter.name) aria-describedby=(help) {
                @for choice in choices {
                    option value=(choice.value) selected[choice.value == value] { (choice.title) }
                }
            }
        }
    };
    let plain = |kind: &str, step: Option<&str>| {
        html! {
            input id=(id) name=(parameter.name) type=(kind) step=[step] value=(value)
                aria-describedby=(help) aria-invalid=[parameter.error.as_ref().map(|_| "true")];
        }
    };
    match &parameter.kind {
        ParameterKind::Choice(choices) => options(choices),
        ParameterKind::Flag => options(&[true, false].map(|yes| Choice {
            value: yes.to_string(),
            title: format::flag(yes, cx.lang).to_owned(),
        })),
        // A refused value must stay visible, and browsers empty typed inputs
        // whose value they can not read.
        _ if parameter.error.is_some() => plain("text", None),
        ParameterKind::Integer => plain("number", Some("1")),
        ParameterKind::Number => plain("number", Some("any")),
        ParameterKind::Date => plain("date", None),
        ParameterKind::Text => plain("text", None),
    }
}
