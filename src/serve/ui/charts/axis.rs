//! The axes: grid lines with short numbers, and labels that leave each other
//! room.

use maud::{Markup, html};
use serde_json::Value;

use super::data::{Along, Point, Series};
use super::label;
use super::scale::Scale;
use super::svg::px;
use crate::serve::ui::format::date::Date;
use crate::serve::ui::format::decimal::Decimal;
use crate::serve::ui::lang::Lang;
use crate::serve::ui::table::{Column, ColumnKind};

/// The heading of the measured column, or nothing where each series has its own.
pub fn title(series: &[Series], lang: Lang) -> String {
    let mut columns = series.iter().map(|own| own.column);
    let first = columns.next();
    match first {
        Some(first) if columns.all(|column| column.name == first.name) => first.heading(lang),
        _ => String::new(),
    }
}

/// A tick's label: short, with as many digits as the step needs.
pub fn tick(column: &Column, value: f64, step: f64, lang: Lang) -> String {
    let percents = step * 100.0;
    let places = usize::from((percents - percents.round()).abs() > 1e-9);
    let words = match (column.kind, Decimal::of_f64(value)) {
        (ColumnKind::Share, Some(share)) => {
            format!("{}%", share.shift(-2).round(places).grouped(places))
        }
        // The heading says that these are points.
        (ColumnKind::Points, Some(points)) => points.shift(-2).round(places).grouped(places),
        _ => column.brief(&Value::from(value), lang).text,
    };
    // An absurd value must not push the plot off its own frame.
    label::fit(words.trim_end_matches(".0"), 90.0)
}

/// The widest label of `scale`.
pub fn tick_width(column: &Column, scale: &Scale, lang: Lang) -> f64 {
    scale
        .ticks
        .iter()
        .map(|value| label::width(&tick(column, *value, scale.step, lang)))
        .fold(0.0, f64::max)
}

/// Horizontal grid lines from `left` to `right` with labels left of them.
pub fn horizontal(column: &Column, scale: &Scale, left: f64, right: f64, lang: Lang) -> Markup {
    html! {
        @for value in &scale.ticks {
            @let y = px(scale.at(*value));
            line.grid.zero[*value == 0.0] x1=(px(left)) x2=(px(right)) y1=(y) y2=(y) {}
            text.tick.end x=(px(left - 8.0)) y=(px(scale.at(*value) + 4.0)) {
                (tick(column, *value, scale.step, lang))
            }
        }
    }
}

/// Labels under the marks at `at`, thinned so that none touches the next.
///
/// Dates say month or day on the first line and the year, where it changes, on
/// the second.
pub fn below(
    along: Along,
    positions: &[(f64, &Point)],
    at: impl Fn(f64) -> f64,
    y: f64,
    lang: Lang,
) -> Markup {
    let dates: Vec<Option<Date>> = positions
        .iter()
        .map(|(_, point)| point.x.as_str().filter(|_| along == Along::Time).and_then(Date::parse))
        .collect();
    let in_months = dates.iter().flatten().all(|date| date.starts_month());
    let widest = positions
        .iter()
        .zip(&dates)
        .map(|((_, point), date)| match date {
            Some(date) => {
                label::width(&date.tick(None, in_months, lang).0).max(label::width("2025"))
            }
            None => label::width(&point.at).min(110.0),
        })
        .fold(0.0, f64::max);
    // Every mark, every second, …: gaps of one width can be read, others mislead.
    let xs: Vec<f64> = positions.iter().map(|(position, _)| at(*position)).collect();
    let fits = |step: usize| {
        let each: Vec<f64> = xs.iter().copied().step_by(step).collect();
        each.windows(2).all(|pair| pair[1] - pair[0] >= widest + 6.0)
    };
    let step = (1..=xs.len()).find(|step| fits(*step)).unwrap_or(1);
    let mut shown: Vec<(f64, String, Option<String>)> = Vec::new();
    let mut before: Option<Date> = None;
    for (((_, point), date), x) in positions.iter().zip(&dates).zip(xs).step_by(step) {
        let (words, year) = date.map_or_else(
            || (label::fit(&point.at, 110.0), None),
            |date| date.tick(before, in_months, lang),
        );
        before = date.or(before);
        shown.push((x, words, year));
    }
    html! {
        @for (x, words, year) in shown {
            text.tick.middle x=(px(x)) y=(px(y + 16.0)) { (words) }
            @if let Some(year) = year {
                text.tick.middle.strong x=(px(x)) y=(px(y + 31.0)) { (year) }
            }
        }
    }
}
