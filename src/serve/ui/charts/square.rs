//! How far is a curve from the diagonal?
//!
//! Two shares against each other, both axes from zero: predicted against observed
//! churn, where a model that means what it says stays on the diagonal; customers
//! called against leavers reached, where one that ranks well rises above it.

use maud::{Markup, html};

use super::axis;
use super::label;
use super::scale::Scale;
use super::svg::{Frame, Room, px};
use crate::serve::ui::lang::Lang;
use crate::serve::ui::table::{Column, ColumnKind};

/// A curve and what its axes mean.
#[derive(Debug, Clone)]
pub struct Square<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The same in a sentence, for who can not see it.
    pub describe: &'a str,
    /// The share along the chart.
    pub across: &'a str,
    /// The share that is measured.
    pub up: &'a str,
    /// What the diagonal means.
    pub diagonal: &'a str,
    /// The shares, and what to say of each mark.
    pub marks: &'a [(f64, f64, String)],
}

/// Draws the curve; `id` must be unique on the page.
#[must_use]
pub fn figure(id: &str, square: &Square, lang: Lang) -> Markup {
    let frame = |room| Frame::new(id, room, square.title, square.describe, lang);
    html! {
        figure.chart.(Room::Column.class()) {
            div.wide { (draw(&frame(Some(Room::Column)), square)) }
            div.narrow { (draw(&frame(None), square)) }
        }
    }
}

fn draw(frame: &Frame, square: &Square) -> Markup {
    let share = Column::new("share", "", ColumnKind::Share);
    let values = || square.marks.iter().flat_map(|(x, y, _)| [*x, *y]);
    let side = if frame.narrow { 250.0 } else { 440.0 };
    let (top, bottom) = (28.0, 28.0 + side);
    let ys = Scale::nice(values(), true, 5, (bottom, top));
    let left = axis::tick_width(&share, &ys, frame.lang) + 14.0;
    let right = left + side;
    let xs = Scale::nice(values(), true, 5, (left, right));
    let marks: Vec<(f64, f64, &str)> =
        square.marks.iter().map(|(x, y, tip)| (xs.at(*x), ys.at(*y), tip.as_str())).collect();
    let points: Vec<String> =
        marks.iter().map(|(x, y, _)| format!("{} {}", px(*x), px(*y))).collect();
    let body = html! {
        text.tick x="0" y="12" { (label::fit(square.up, frame.width)) }
        (axis::horizontal(&share, &ys, left, right, frame.lang))
        @for value in &xs.ticks {
            text.tick.middle x=(px(xs.at(*value))) y=(px(bottom + 16.0)) {
                (axis::tick(&share, *value, xs.step, frame.lang))
            }
        }
        text.tick.end x=(px(right)) y=(px(bottom + 33.0)) { (label::fit(square.across, right)) }
        path.line.dashed.c6 d=(format!("M{} {}L{} {}", px(left), px(bottom), px(right), px(top))) {}
        g.c0 {
            path.line d=(format!("M{}", points.join("L"))) {}
            @for (x, y, tip) in &marks {
                g.dot {
                    title { (tip) }
                    circle.hit cx=(px(*x)) cy=(px(*y)) r="10" {}
                    circle.mark cx=(px(*x)) cy=(px(*y)) r="3" {}
                }
            }
        }
        @if !frame.narrow {
            text.name.c6 x=(px(right + 8.0)) y=(px(top + 4.0)) {
                (label::fit(square.diagonal, frame.width - right - 8.0))
            }
        }
    };
    frame.svg(frame.width, bottom + 42.0, &body)
}
