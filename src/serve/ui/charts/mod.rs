//! Which picture answers a report's question at a glance?
//!
//! A report names a kind of chart and which of its columns play which part
//! ([`ChartSpec`]); the rows are the very rows of the table below it, so chart
//! and table can not disagree. Charts are SVG made here, one kind per file:
//! no script draws them, no font or palette is fetched, and they print.
//!
//! * [`mod@line`]: a measure over time or age, with band and incomplete periods;
//! * [`bar`]: a measure by category, with intervals;
//! * [`heatmap`]: a measure by two dimensions, such as a cohort triangle;
//! * [`funnel`]: the share that reaches each step;
//! * [`contributions`]: reasons that add up to a score;
//! * [`square`]: a curve against the diagonal;
//! * [`spark`]: the shape of a series inside a tile, and a probability's meter.
//!
//! Each chart is drawn twice, for wide and for narrow boxes, and the style sheet
//! shows the one that fits: scaling one drawing down to a phone would make its
//! words unreadable. Colours are classes, since the content security policy
//! allows no style attributes.

pub mod bar;
pub mod contributions;
pub mod funnel;
pub mod heatmap;
pub mod line;
pub mod spark;
pub mod square;

mod axis;
mod data;
mod label;
mod scale;
mod svg;

use maud::{Markup, html};

use self::data::{Series, series};
pub use self::svg::Room;

use self::svg::Frame;
use super::lang::Lang;
use super::table::{Column, ColumnKind, Row};
use super::text::Text;

pub use crate::reports::header::{Chart as ChartSpec, ChartKind};

/// Draws `rows` as `spec` says, or nothing if it asks for a table only.
///
/// `id` must be unique on the page: it names the drawings' titles and patterns.
#[must_use]
pub fn figure(
    id: &str,
    title: &str,
    spec: &ChartSpec,
    columns: &[Column],
    rows: &[Row],
    room: Room,
    lang: Lang,
) -> Markup {
    if spec.kind == ChartKind::Table || rows.is_empty() {
        return html! {};
    }
    let series = series(spec, columns, rows, lang);
    let points = || series.iter().flat_map(|series| &series.points);
    if !points().any(|point| point.y.is_some()) {
        return html! { p.note { (lang.t(Text::NothingToDraw)) } };
    }
    let describe = data::describe(spec, columns, &series, lang);
    let draw = |frame: &Frame| match spec.kind {
        ChartKind::Line => line::draw(frame, &series),
        ChartKind::Bar => bar::draw(frame, &series),
        ChartKind::Heatmap => heatmap::draw(frame, &series),
        ChartKind::Funnel => funnel::draw(frame, &series),
        ChartKind::Table => html! {},
    };
    html! {
        figure.chart.(room.class()) {
            div.wide { (draw(&Frame::new(id, Some(room), title, &describe, lang))) }
            div.narrow { (draw(&Frame::new(id, None, title, &describe, lang))) }
            (notes(spec, &series, lang))
        }
    }
}

/// What the reader must know to read the marks, only if the marks are there.
fn notes(spec: &ChartSpec, series: &[Series], lang: Lang) -> Markup {
    let points = || series.iter().flat_map(|series| &series.points);
    let mut notes = Vec::new();
    let kind = series.first().map(|first| first.column.kind);
    if points().any(|point| !point.complete && point.y.is_some()) {
        notes.push(lang.t(Text::IncompleteNote));
    }
    if spec.kind != ChartKind::Heatmap && points().any(|point| point.interval().is_some()) {
        notes.push(lang.t(Text::WhiskerNote));
    }
    if spec.kind == ChartKind::Line && !data::from_zero(series) && kind != Some(ColumnKind::Score) {
        notes.push(lang.t(Text::CutAxis));
    }
    let ends = series.first().zip(series.last());
    let order = ends.filter(|_| spec.kind == ChartKind::Line && line::is_ramp(series));
    let order = order.map(|(first, last)| {
        Text::OrderNote.fill(lang, &[("first", &first.name), ("last", &last.name)])
    });
    notes.extend(order.as_deref());
    let bars = series.iter().map(|series| series.points.len()).max().unwrap_or(0);
    let cut = (spec.kind == ChartKind::Bar && bars > bar::MOST).then(|| {
        let (shown, total) = (bar::MOST.to_string(), bars.to_string());
        Text::DrawnFirst.fill(lang, &[("shown", &shown), ("total", &total)])
    });
    let separator = match lang {
        Lang::En => " ",
        Lang::Zh => "",
    };
    html! {
        @if !notes.is_empty() || cut.is_some() {
            figcaption.note {
                (notes.join(separator))
                @if let Some(cut) = cut { (separator) (cut) }
            }
        }
    }
}
