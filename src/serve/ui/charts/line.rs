//! How does a measure move over time or age?
//!
//! Lines are labelled at their ends rather than in a legend. A period that is
//! not over is dashed with a hollow dot, so that an unfinished month is never
//! read as a fall. Many series, such as cohorts, share one colour from light
//! (earliest) to dark (latest), because eight colours do not name thirteen.

use maud::{Markup, html};
use serde_json::Value;

use super::axis;
use super::data::{Along, Point, Series, from_zero, positions};
use super::label;
use super::scale::Scale;
use super::svg::{Frame, colour, px};

/// More series than this are drawn as a ramp of one colour.
const PALETTE: usize = 6;
/// More marks than this have no dots of their own.
const DOTS: usize = 150;

/// Whether `series` are too many to tell apart by colour.
#[must_use]
pub fn is_ramp(series: &[Series]) -> bool {
    series.len() > PALETTE
}

/// A mark at its place, in pixels.
struct Mark<'a> {
    x: f64,
    y: f64,
    /// The pixels of the interval's lower and upper end.
    interval: Option<(f64, f64)>,
    point: &'a Point<'a>,
}

/// Draws the series over their common axis.
#[must_use]
pub fn draw(frame: &Frame, series: &[Series]) -> Markup {
    let Some(first) = series.first() else {
        return html! {};
    };
    let column = first.column;
    let (along, positions) = positions(series);
    let height = if frame.narrow { 250.0 } else { 340.0 };
    let (top, bottom) = (30.0, height - 42.0);
    let values = series
        .iter()
        .flat_map(|series| &series.points)
        .flat_map(|point| [point.y, point.y.and(point.low), point.y.and(point.high)])
        .flatten();
    let steps = if frame.narrow { 4 } else { 5 };
    let zero = from_zero(series);
    let ys = Scale::nice(values, zero, steps, (bottom, top));
    let left = axis::tick_width(column, &ys, frame.lang) + 14.0;
    let right = frame.width - end_room(frame, series);
    let ends = positions.first().zip(positions.last()).map_or((0.0, 1.0), |(a, b)| (a.0, b.0));
    // Marks keep a little off the axis, so that the first dot is whole.
    let xs = Scale::exact(ends, (left + 14.0, right - 6.0));
    let place =
        |x: &Value| positions.iter().find(|(_, known)| known.x == x).map(|(at, _)| xs.at(*at));
    let lines: Vec<Vec<Vec<Mark>>> =
        series.iter().map(|series| runs(series, &place, &ys)).collect();
    let dots = series.iter().map(|series| series.points.len()).sum::<usize>() <= DOTS;
    // Without a zero there is nothing to fill down to.
    let floor = (zero || ys.ends().0 <= 0.0).then(|| ys.at(ys.ends().0.max(0.0)));
    let body = html! {
        (axis::horizontal(column, &ys, left, right, frame.lang))
        (axis::below(along, &positions, |x| xs.at(x), bottom, frame.lang))
        @if let Some(age) = first.along.filter(|_| along == Along::Number) {
            text.tick.end x=(px(right)) y=(px(bottom + 33.0)) { (label::fit(&age.heading(frame.lang), right - left)) }
        }
        text.tick x="0" y="12" { (label::fit(&axis::title(series, frame.lang), frame.width)) }
        @for (index, runs) in lines.iter().enumerate() {
            @let ramp = is_ramp(series);
            g.(colour(if ramp { 0 } else { index })) opacity=[ramp.then(|| shade(index, series.len()))] {
                @if let Some(own) = series.get(index).filter(|_| ramp) { title { (own.name) } }
                @for run in runs {
                    (band(run))
                    @if let Some(floor) = floor.filter(|_| series.len() == 1 && run.iter().all(|mark| mark.interval.is_none())) {
                        (area(run, floor))
                    }
                    (stroke(run, true)) (stroke(run, false))
                    @if dots { @for mark in run { (dot(mark)) } }
                }
            }
        }
        (labels(frame, series, &lines, left, (top, bottom)))
    };
    frame.svg(frame.width, height, &body)
}

/// The opacity of the `index`-th of `n` series in a ramp.
#[expect(clippy::cast_precision_loss, reason = "a chart has far fewer series than 2^52")]
fn shade(index: usize, n: usize) -> String {
    format!("{:.2}", 0.25 + 0.75 * index as f64 / (n.max(2) - 1) as f64)
}

/// The marks of a series from left to right, cut where a value is missing.
fn runs<'a>(
    series: &'a Series<'a>,
    place: &impl Fn(&Value) -> Option<f64>,
    ys: &Scale,
) -> Vec<Vec<Mark<'a>>> {
    let mut marks: Vec<(f64, &Point)> =
        series.points.iter().filter_map(|point| Some((place(point.x)?, point))).collect();
    marks.sort_by(|a, b| a.0.total_cmp(&b.0));
    marks
        .split(|(_, point)| point.y.is_none())
        .filter(|run| !run.is_empty())
        .map(|run| {
            run.iter()
                .filter_map(|(x, point)| {
                    let interval = point.interval().map(|(low, high)| (ys.at(low), ys.at(high)));
                    Some(Mark { x: *x, y: ys.at(point.y?), interval, point })
                })
                .collect()
        })
        .collect()
}

/// The part of the line between complete periods, or into incomplete ones.
fn stroke(run: &[Mark], complete: bool) -> Markup {
    let mut path = String::new();
    let mut open = false;
    for pair in run.windows(2) {
        let [from, to] = pair else { continue };
        let wanted = (from.point.complete && to.point.complete) == complete;
        if wanted && !open {
            path.push_str(&["M", &px(from.x), " ", &px(from.y)].concat());
        }
        if wanted {
            path.push_str(&["L", &px(to.x), " ", &px(to.y)].concat());
        }
        open = wanted;
    }
    html! { @if !path.is_empty() { path.line.dashed[!complete] d=(path) {} } }
}

/// The interval around a run: a filled band, or a whisker around a lone mark.
fn band(run: &[Mark]) -> Markup {
    let ends: Vec<(f64, f64, f64)> = run
        .iter()
        .filter_map(|mark| mark.interval.map(|(low, high)| (mark.x, low, high)))
        .collect();
    let upper = ends.iter().map(|(x, _, high)| (x, high));
    let lower = ends.iter().rev().map(|(x, low, _)| (x, low));
    let outline: Vec<String> =
        upper.chain(lower).map(|(x, y)| format!("{} {}", px(*x), px(*y))).collect();
    html! {
        @match ends.as_slice() {
            [] => {},
            [(x, low, high)] => line.whisker x1=(px(*x)) x2=(px(*x)) y1=(px(*low)) y2=(px(*high)) {},
            _ => path.band d=(format!("M{}Z", outline.join("L"))) {},
        }
    }
}

/// A light fill down to zero under a single line.
fn area(run: &[Mark], zero: f64) -> Markup {
    let ends = run.first().zip(run.last()).filter(|_| run.len() > 1);
    let line: Vec<String> =
        run.iter().map(|mark| format!("L{} {}", px(mark.x), px(mark.y))).collect();
    html! {
        @if let Some((first, last)) = ends {
            path.area d=(format!("M{} {}{}L{} {}Z", px(first.x), px(zero), line.concat(), px(last.x), px(zero))) {}
        }
    }
}

fn dot(mark: &Mark) -> Markup {
    html! {
        g.dot {
            title { (mark.point.tip) }
            circle.hit cx=(px(mark.x)) cy=(px(mark.y)) r="10" {}
            circle.mark.hollow[!mark.point.complete] cx=(px(mark.x)) cy=(px(mark.y)) r="3" {}
        }
    }
}

/// Whether no other line passes where the label right of `end` would stand.
fn stands_free(own: usize, end: &Mark, lines: &[Vec<Vec<Mark>>]) -> bool {
    let others = lines.iter().enumerate().filter(|(index, _)| *index != own);
    let mut marks = others.flat_map(|(_, runs)| runs.iter().flatten());
    !marks.any(|mark| (0.0..70.0).contains(&(mark.x - end.x)) && (mark.y - end.y).abs() < 60.0)
}

/// What stands at the end of a series: its name, or its value if it is alone.
fn end_words<'a>(series: &[Series], own: &'a Series, last: &'a Point) -> &'a str {
    if series.len() == 1 { &last.brief } else { &own.name }
}

/// The room right of the lines that the longest end label needs.
fn end_room(frame: &Frame, series: &[Series]) -> f64 {
    let most = if frame.narrow { 96.0 } else { 200.0 };
    series
        .iter()
        .filter_map(|own| {
            Some(label::BOLD * label::width(end_words(series, own, own.points.last()?)) + 16.0)
        })
        .fold(20.0, f64::max)
        .min(most)
}

/// Labels at the ends of the lines; of a ramp only the first and the last, and
/// of a line alone also its highest mark.
fn labels(
    frame: &Frame,
    series: &[Series],
    lines: &[Vec<Vec<Mark>>],
    left: f64,
    span: (f64, f64),
) -> Markup {
    let ramp = is_ramp(series);
    let ends: Vec<(usize, &Mark)> = lines
        .iter()
        .enumerate()
        .filter(|(index, _)| !ramp || *index == 0 || *index + 1 == series.len())
        .filter_map(|(index, runs)| Some((index, runs.last()?.last()?)))
        .filter(|(index, end)| !ramp || stands_free(*index, end, lines))
        .collect();
    let wanted: Vec<f64> = ends.iter().map(|(_, mark)| mark.y).collect();
    let placed = label::spread(&wanted, 15.0, span.0, span.1);
    let alone = lines.iter().flatten().flatten();
    let peak = alone
        .filter(|_| series.len() == 1)
        .min_by(|a, b| a.y.total_cmp(&b.y))
        // Beside the end label the peak's own would only be in its way.
        .filter(|peak| {
            let room = label::BOLD * label::width(&peak.point.brief);
            ends.iter()
                .all(|(_, end)| end.x - peak.x > room || (end.x > peak.x && end.y - peak.y > 24.0))
        });
    html! {
        @for ((index, mark), y) in ends.iter().zip(placed) {
            @if let Some(own) = series.get(*index) {
                @let x = mark.x + 8.0;
                text.name.(colour(if ramp { 0 } else { *index })) x=(px(x)) y=(px(y + 4.0)) {
                    (label::fit(end_words(series, own, mark.point), (frame.width - x) / label::BOLD))
                }
            }
        }
        @if let Some(peak) = peak {
            // Clear of the numbers of the axis.
            @let half = label::BOLD * label::width(&peak.point.brief) / 2.0;
            text.value.middle x=(px(peak.x.max(left + half))) y=(px(peak.y - 9.0)) { (peak.point.brief) }
        }
    }
}
