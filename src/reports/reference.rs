//! What can be asked, and what does each answer mean? As a document for people.
//!
//! `docs/reports.md` is made from the heads of the query files, so it can not
//! say anything else than they do; a test keeps it so.

use std::fmt::Write;

use super::header::{Header, ParamKind};
use super::params::{bounds, default_text};
use super::{Catalogue, Purpose, Query};

const OPENING: &str = "# Reports\n\n\
    Made from the heads of `queries/reports/*.sql`; change them, then run \
    `TENURE_BLESS=1 cargo test --test it reference`.\n\n\
    Every report also takes `as_of` (the day or instant to stand at; what came later does not \
    exist) and `tz` (an IANA time zone for days and months). Ask with \
    `tenure report NAME --set PARAMETER=VALUE`, over HTTP with \
    `/v1/reports/NAME?PARAMETER=VALUE`, or in the dashboard.\n";

/// The reference of all reports, in Markdown.
#[must_use]
pub fn markdown(catalogue: &Catalogue) -> String {
    let words = catalogue.vocabulary();
    let mut reports: Vec<&Query> = catalogue.all(Purpose::Report).collect();
    reports.sort_by_key(|query| words.place(&query.header.group));
    let mut text = OPENING.to_owned();
    for group in reports.chunk_by(|a, b| a.header.group == b.header.group) {
        let title = group.first().map(|query| words.group(&query.header.group));
        let title = title.unwrap_or_default();
        push(&mut text, format_args!("\n**{} · {}**\n\n", title.en, title.zh));
        for Query { name, header, .. } in group {
            let title = &header.title;
            push(&mut text, format_args!("- [`{name}`](#{name}) {} · {}\n", title.en, title.zh));
        }
    }
    for query in reports {
        report(&mut text, query);
    }
    text
}

fn report(text: &mut String, query: &Query) {
    let header = &query.header;
    push(text, format_args!("\n## {}\n\n", query.name));
    push(text, format_args!("**{}** · **{}**\n\n", header.title.en, header.title.zh));
    push(text, format_args!("{}\n\n{}\n\n", header.description.en, header.description.zh));
    push(text, format_args!("Rows: {}.\n", header.grain));
    if !header.params.is_empty() {
        text.push_str("\n| parameter | takes | default | |\n|---|---|---|---|\n");
    }
    for (name, param) in &header.params {
        let takes = match (param.kind, bounds(param)) {
            (ParamKind::Choice, _) => param.choices.join(", "),
            (kind, Some((least, Some(most)))) => format!("{}, {least} to {most}", kind.noun()),
            (kind, Some((least, None))) => format!("{}, {least} or more", kind.noun()),
            (kind, None) => kind.noun().to_owned(),
        };
        let default = default_text(param).filter(|text| !text.is_empty());
        let default = default.map_or_else(String::new, |text| format!("`{text}`"));
        let (en, zh) = (cell(&param.doc.en), cell(&param.doc.zh));
        push(text, format_args!("| `{name}` | {takes} | {default} | {en} · {zh} |\n"));
    }
    text.push_str("\n| column | unit | |\n|---|---|---|\n");
    for name in &query.columns {
        push(text, format_args!("| `{name}` | {} |\n", column(header, name)));
    }
}

fn column(header: &Header, name: &str) -> String {
    let Some(note) = header.columns.get(name) else { return " | ".to_owned() };
    let doc = note.doc.clone().unwrap_or_else(|| note.title.clone());
    format!("{} | {} · {}", note.unit, cell(&doc.en), cell(&doc.zh))
}

/// A bar would end the cell.
fn cell(words: &str) -> String {
    words.replace('|', "\\|")
}

fn push(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a String can not fail.
    let _ = text.write_fmt(words);
}
