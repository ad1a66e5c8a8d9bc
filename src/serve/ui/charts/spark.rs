//! What shape does a number's history have, and how large is a probability?
//!
//! Small drawings inside tiles and rows. They repeat what stands beside them in
//! words, so they are hidden from screen readers.

use maud::{Markup, html};

use super::scale::Scale;
use super::svg::px;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 34.0;

/// The shape of `values`, oldest first, its last value marked; nothing for
/// fewer than two values.
#[must_use]
pub fn spark(values: &[Option<f64>]) -> Markup {
    let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
    if known().count() < 2 {
        return html! {};
    }
    let ends = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let ys = Scale::exact(ends, (HEIGHT - 4.0, 4.0));
    #[expect(clippy::cast_precision_loss, reason = "a tile shows a few dozen periods")]
    let xs = Scale::exact((0.0, (values.len() - 1) as f64), (3.0, WIDTH - 4.0));
    let mut path = String::new();
    let mut pen = "M";
    let mut last = None;
    for (index, value) in (0_u32..).map(f64::from).zip(values) {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            pen = "M";
            continue;
        };
        let (x, y) = (px(xs.at(index)), px(ys.at(value)));
        path.push_str(&[pen, &x, " ", &y].concat());
        pen = "L";
        last = Some((x, y));
    }
    html! {
        svg.spark viewBox=(format!("0 0 {} {}", px(WIDTH), px(HEIGHT))) aria-hidden="true" {
            path.line d=(path) {}
            @if let Some((x, y)) = last { circle cx=(x) cy=(y) r="3" {} }
        }
    }
}

/// A probability as the filled part of a track; `class` gives its colour.
#[must_use]
pub fn meter(probability: f64, class: &str) -> Markup {
    let filled = if probability.is_finite() { probability.clamp(0.0, 1.0) } else { 0.0 };
    html! {
        svg.meter.(class) viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="8" {}
            rect.fill width=(px(filled * 100.0)) height="8" {}
        }
    }
}
