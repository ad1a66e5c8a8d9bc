//! Which share of those who entered reaches each step, and where do they stop?
//!
//! Bars on a common track from 0 to 100 %: the eye compares lengths, which the
//! tapering drawing the chart is named after does not allow. Each step also says
//! its share of the step before, since that is where a process is mended.

use maud::{Markup, html};

use super::axis;
use super::bar::whisker;
use super::data::{Point, Series};
use super::label;
use super::scale::Scale;
use super::svg::{Frame, colour, px};
use crate::serve::ui::format::{self, decimal::Decimal};
use crate::serve::ui::text::Text;

const BAR: f64 = 20.0;

/// Draws the steps from top to bottom, in each one bar per series.
#[must_use]
pub fn draw(frame: &Frame, series: &[Series]) -> Markup {
    let steps = series.iter().map(|own| own.points.len()).max().unwrap_or(0);
    let names: Vec<&str> = (0..steps).map(|step| step_name(series, step)).collect();
    let split = series.len() > 1;
    let words = if split {
        series.iter().map(|own| label::width(&own.name)).fold(0.0, f64::max)
    } else {
        names.iter().map(|name| label::width(name)).fold(0.0, f64::max)
    };
    // Alone, a step's name stands beside its bar; on a phone, or above the bars
    // of several series, it has a line of its own.
    let header = split || frame.narrow;
    let left = match (split, frame.narrow) {
        (false, true) => 0.0,
        (true, true) => words.min(90.0) + 8.0,
        (_, false) => words.min(260.0) + 14.0,
    };
    let right = frame.width - values_width(series);
    let xs = Scale::exact((0.0, 1.0), (left, right));
    let head = if header { 20.0 } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "a funnel has a handful of series")]
    let pitch = head + (BAR + 4.0) * series.len() as f64 + if split { 14.0 } else { 24.0 };
    let tops: Vec<f64> = lanes(26.0, pitch).take(steps + 1).collect();
    let counted = series.first().and_then(|own| own.counted);
    let counted = counted.map_or_else(String::new, |counted| counted.heading(frame.lang));
    let body = html! {
        // The bars may be an estimate where the counts are what was seen so far.
        text.tick x=(px(left)) y="12" { (label::fit(&axis::title(series, frame.lang), right - left)) }
        text.tick.end x=(px(frame.width)) y="12" { (label::fit(&counted, frame.width / 2.0)) }
        @for ((step, name), top) in names.iter().enumerate().zip(&tops) {
            @if header {
                text.label.strong x="0" y=(px(top + 13.0)) { (label::fit(name, frame.width)) }
            }
            @for ((index, own), y) in series.iter().enumerate().zip(lanes(top + head, BAR + 4.0)) {
                @if let Some(point) = own.points.get(step) {
                    @let beside = if split { own.name.as_str() } else { name };
                    @if split || !frame.narrow {
                        text.label.end x=(px(left - 10.0)) y=(px(y + 15.0)) {
                            title { (beside) } (label::fit(beside, left - 10.0))
                        }
                    }
                    (bar(point, index, &xs, y, frame.width))
                    @let before = step.checked_sub(1).and_then(|before| own.points.get(before));
                    @if let Some(words) = before.and_then(|before| of_previous(frame, before, point)).filter(|_| !split) {
                        text.tick x=(px(left)) y=(px(y + BAR + 14.0)) { (words) }
                    }
                }
            }
        }
    };
    frame.svg(frame.width, tops.last().copied().unwrap_or(pitch), &body)
}

fn step_name<'a>(series: &'a [Series], step: usize) -> &'a str {
    series.iter().find_map(|own| own.points.get(step)).map_or("", |point| point.at.as_str())
}

fn lanes(start: f64, pitch: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(start), move |y| Some(y + pitch))
}

/// What stands right of a bar: the share, and how many they are.
fn values<'a>(point: &'a Point) -> (&'a str, &'a str) {
    (&point.brief, point.count.as_deref().unwrap_or_default())
}

fn values_width(series: &[Series]) -> f64 {
    let points = || series.iter().flat_map(|own| &own.points).map(values);
    let shares = points().map(|(share, _)| label::width(share)).fold(0.0, f64::max);
    let counts = points().map(|(_, count)| label::width(count)).fold(0.0, f64::max);
    label::BOLD * shares + counts + 24.0
}

fn bar(point: &Point, index: usize, xs: &Scale, y: f64, edge: f64) -> Markup {
    let (left, right) = (xs.at(0.0), xs.at(1.0));
    let end = xs.at(point.y.unwrap_or(0.0).clamp(0.0, 1.0));
    let (share, count) = values(point);
    html! {
        g.(colour(index)) {
            title { (point.tip) }
            rect.track x=(px(left)) y=(px(y)) width=(px(right - left)) height=(px(BAR)) rx="3" {}
            @if point.y.is_some() {
                rect.bar.hatched[!point.complete] x=(px(left)) y=(px(y)) width=(px((end - left).max(1.0))) height=(px(BAR)) rx="3" {}
            }
            @if let Some((low, high)) = point.interval() {
                (whisker(xs.at(low.clamp(0.0, 1.0)), xs.at(high.clamp(0.0, 1.0)), y + BAR / 2.0))
            }
        }
        text.value x=(px(right + 10.0)) y=(px(y + 15.0)) { (share) }
        text.tick.end x=(px(edge)) y=(px(y + 15.0)) { (count) }
    }
}

/// The share of the step before, from the counts the row itself gives.
fn of_previous(frame: &Frame, before: &Point, point: &Point) -> Option<String> {
    let (before, now) = (before.y?, point.y?);
    let share = Decimal::of_f64(now / before).filter(|_| before > 0.0)?;
    Some(Text::OfPrevious.fill(frame.lang, &[("share", &format::percent(&share).text)]))
}
