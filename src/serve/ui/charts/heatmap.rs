//! How does a measure spread over two dimensions, such as cohort and age?
//!
//! One colour from light to dark, the number printed in every cell, and cells
//! whose period is not over hatched. A full cell (each cohort's own period is
//! always 100 %) would wash out the rest, so it is neutral and the scale starts
//! after it.

use maud::{Markup, html};

use super::data::{Point, Series, positions};
use super::label;
use super::svg::{Frame, px};
use crate::serve::ui::table::ColumnKind;

const ROW: f64 = 26.0;

/// Draws rows by series and columns by position along the chart.
#[must_use]
pub fn draw(frame: &Frame, series: &[Series]) -> Markup {
    let Some(first) = series.first() else {
        return html! {};
    };
    let (_, columns) = positions(series);
    let most = if frame.narrow { 72.0 } else { 200.0 };
    let names = series.iter().map(|own| label::width(&own.name)).fold(0.0, f64::max).min(most);
    let sizes = if frame.narrow { 0.0 } else { size_width(series) };
    let left = names + sizes + if frame.narrow { 6.0 } else { 12.0 };
    let cells = series.iter().flat_map(|own| &own.points);
    // The style sheet sets a phone's cells in smaller type.
    let size = if frame.narrow { 10.0 / label::SIZE } else { 1.0 };
    let words =
        cells.map(|point| label::width(&cell_words(frame, first, point))).fold(0.0, f64::max)
            * size;
    let heads = columns.iter().map(|(_, point)| label::width(&point.at)).fold(0.0, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "a chart has far fewer columns than 2^52")]
    let n = columns.len().max(1) as f64;
    // Cells fill the frame, but neither shrink below their words nor grow absurd.
    let least = words.max(heads.min(60.0) * size) + 2.0;
    let cell = ((frame.width - left) / n).clamp(least, 110.0_f64.max(least));
    let width = frame.width.max(left + cell * n);
    let top = 42.0;
    let scale = strongest(series);
    let hatch = format!("{}-h", frame.id);
    #[expect(clippy::cast_precision_loss, reason = "a chart has far fewer rows than 2^52")]
    let bottom = top + ROW * series.len() as f64;
    let body = html! {
        defs {
            pattern id=(hatch) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                line.hatch x1="0" y1="0" x2="0" y2="6" {}
            }
        }
        text.tick x="0" y="12" { (label::fit(&first.column.heading(frame.lang), frame.width / 2.0)) }
        @if let Some(along) = first.along {
            text.tick.end x=(px(width)) y="12" { (label::fit(&along.heading(frame.lang), frame.width / 2.0)) " →" }
        }
        @for ((_, point), x) in columns.iter().zip(from(left, cell)) {
            text.tick.middle x=(px(x + cell / 2.0)) y=(px(top - 8.0)) { (label::fit(&point.at, cell.max(least / size))) }
        }
        @for (own, y) in series.iter().zip(from(top, ROW)) {
            text.label x="0" y=(px(y + 17.0)) { title { (own.name) } (label::fit(&own.name, names)) }
            @if let Some(count) = own.points.first().and_then(|point| point.count.as_ref()).filter(|_| sizes > 0.0) {
                text.tick.end x=(px(left - 12.0)) y=(px(y + 17.0)) { (count) }
            }
            @for point in &own.points {
                @let column = columns.iter().position(|(_, known)| known.x == point.x);
                @if let Some(x) = column.and_then(|column| from(left, cell).nth(column)) {
                    (draw_cell(frame, own, point, (x, y), cell, scale, &hatch))
                }
            }
        }
    };
    frame.svg(width, bottom + 4.0, &body)
}

fn from(start: f64, pitch: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(start), move |at| Some(at + pitch))
}

/// The room for the cohorts' sizes between name and cells.
fn size_width(series: &[Series]) -> f64 {
    series
        .iter()
        .filter_map(|own| own.points.first()?.count.as_ref())
        .map(|count| label::width(count) + 14.0)
        .fold(0.0, f64::max)
}

/// Whether a cell is a row's first and holds everything there is, as a cohort's
/// own period does. A later cell that does is an achievement and is coloured.
fn is_full(own: &Series, point: &Point) -> bool {
    let first = own.points.first().is_some_and(|first| std::ptr::eq(first, point));
    first && own.column.kind == ColumnKind::Share && point.y == Some(1.0)
}

/// The largest magnitude on the colour scale.
fn strongest(series: &[Series]) -> f64 {
    series
        .iter()
        .flat_map(|own| own.points.iter().filter(|point| !is_full(own, point)))
        .filter_map(|point| point.y.map(f64::abs))
        .fold(0.0, f64::max)
}

/// A phone has room for whole numbers only; its axis says they are percents.
fn cell_words(frame: &Frame, own: &Series, point: &Point) -> String {
    match (own.column.kind, point.y) {
        (ColumnKind::Share, Some(share)) if frame.narrow && share.abs() < 10.0 => {
            format!("{:.0}", share * 100.0)
        }
        (ColumnKind::Share, Some(share)) if share.abs() < 10.0 => format!("{:.1}", share * 100.0),
        _ => point.brief.clone(),
    }
}

fn draw_cell(
    frame: &Frame,
    own: &Series,
    point: &Point,
    (x, y): (f64, f64),
    width: f64,
    strongest: f64,
    hatch: &str,
) -> Markup {
    let full = is_full(own, point);
    let strength = point.y.map_or(0.0, |y| y.abs() / strongest);
    let strength = if strength.is_finite() { strength.min(1.0) } else { 0.0 };
    let negative = point.y.is_some_and(|y| y < 0.0);
    // Where the fill grows dark, the words turn light; dark mode turns earlier.
    let shade = match strength {
        s if full || s < 0.6 => 0,
        s if s < 0.85 => 1,
        _ => 2,
    };
    let size = (px(width - 2.0), px(ROW - 2.0));
    html! {
        g {
            title { (own.name) ", " (point.tip) }
            rect.cell.own[full].minus[negative] x=(px(x + 1.0)) y=(px(y + 1.0)) width=(size.0) height=(size.1) rx="3"
                fill-opacity=[(!full).then(|| format!("{:.2}", 0.06 + 0.86 * strength))] {}
            @if !point.complete {
                rect x=(px(x + 1.0)) y=(px(y + 1.0)) width=(size.0) height=(size.1) rx="3"
                    fill=(format!("url(#{hatch})")) {}
            }
            text.middle.cellvalue.dusk[shade == 1].deep[shade == 2] x=(px(x + width / 2.0)) y=(px(y + 17.0)) {
                (cell_words(frame, own, point))
            }
        }
    }
}
