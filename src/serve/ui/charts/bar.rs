//! How do categories compare, and is the difference more than chance?
//!
//! Bars lie, so that long names can be read, and always start at zero. A
//! whisker shows the interval. The total of a rate becomes a reference line, of
//! an amount it stays in the table, where it does not dwarf its parts.

use maud::{Markup, html};

use super::axis;
use super::data::{Point, Series};
use super::label;
use super::scale::Scale;
use super::svg::{Frame, colour, px};
use crate::serve::ui::table::ColumnKind;

/// The most categories a chart shows; the table shows them all.
pub const MOST: usize = 30;

const BAR: f64 = 16.0;
const GAP: f64 = 12.0;

/// Between the steps of a path.
const ARROW: &str = " → ";

/// One category: its name, what of it others do not share, and, per series, its
/// mark.
struct Group<'a> {
    name: &'a str,
    own: &'a str,
    marks: Vec<Option<&'a Point<'a>>>,
}

/// Draws one bar per category and series.
#[must_use]
pub fn draw(frame: &Frame, series: &[Series]) -> Markup {
    let Some(first) = series.first() else {
        return html! {};
    };
    let column = first.column;
    let mut groups = groups(series);
    let shared = set_apart(&mut groups);
    let total = reference(series);
    let marks = || groups.iter().flat_map(|group| group.marks.iter().flatten());
    let widest = |side: fn(f64) -> bool| {
        marks()
            .filter(|mark| mark.y.is_some_and(side))
            .map(|mark| label::BOLD * label::width(&mark.brief) + 10.0)
            .fold(0.0, f64::max)
    };
    // On a phone the name stands above its bars, otherwise left of them.
    let names = groups.iter().map(|group| label::width(group.own)).fold(0.0, f64::max);
    // The first tick's label is centred on the axis and needs half its width.
    let left = if frame.narrow { 14.0 } else { names.min(0.36 * frame.width) + 12.0 };
    let start = left + widest(|y| y < 0.0);
    let end = frame.width - widest(|y| y >= 0.0) - 4.0;
    let reference = total.and_then(|total| total.y);
    let values = marks().flat_map(|mark| [mark.y, mark.low, mark.high]).flatten().chain(reference);
    let steps = if frame.narrow { 3 } else { 6 };
    let xs = Scale::nice(values, true, steps, (start, end));
    let titles = [axis::title(series, frame.lang), shared];
    let title =
        titles.into_iter().filter(|title| !title.is_empty()).collect::<Vec<_>>().join(" · ");
    let heads = [!title.is_empty(), series.len() > 1 || total.is_some()];
    let top = 4.0 + 20.0 * heads.map(f64::from).iter().sum::<f64>();
    let head = if frame.narrow { 18.0 } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "a group has a handful of bars")]
    let pitch = head + BAR * series.len() as f64 + GAP;
    #[expect(clippy::cast_precision_loss, reason = "at most `MOST` groups")]
    let bottom = top + pitch * groups.len() as f64;
    let body = html! {
        text.tick x="0" y="12" { (label::fit(&title, frame.width)) }
        @for value in &xs.ticks {
            line.grid.zero[*value == 0.0] x1=(px(xs.at(*value))) x2=(px(xs.at(*value))) y1=(px(top)) y2=(px(bottom)) {}
            text.tick.middle x=(px(xs.at(*value))) y=(px(bottom + 16.0)) {
                (axis::tick(column, *value, xs.step, frame.lang))
            }
        }
        @if series.len() > 1 { (legend(frame, series, top - 22.0)) }
        @if let Some((total, value)) = total.zip(reference) {
            @let x = xs.at(value);
            // Words wider than the drawing would have no place to be centred at.
            @let words = label::fit(&format!("{} {}", total.at, total.brief), frame.width);
            @let half = label::width(&words) / 2.0;
            line.reference x1=(px(x)) x2=(px(x)) y1=(px(top - 6.0)) y2=(px(bottom)) { title { (total.tip) } }
            text.value.middle x=(px(x.clamp(half, frame.width - half))) y=(px(top - 12.0)) { (words) }
        }
        @for (group, y) in groups.iter().zip(steps_of(top + GAP / 2.0, pitch)) {
            (category(frame, group, &xs, (left, y)))
        }
    };
    frame.svg(frame.width, bottom + 24.0, &body)
}

/// The categories in the order of the rows, the total's row left out.
fn groups<'a>(series: &'a [Series<'a>]) -> Vec<Group<'a>> {
    let mut order: Vec<&Point> = Vec::new();
    for point in series.iter().flat_map(|series| &series.points) {
        if !point.is_total && !order.iter().any(|known| known.x == point.x) {
            order.push(point);
        }
    }
    order
        .into_iter()
        .take(MOST)
        .map(|own| Group {
            name: &own.at,
            own: &own.at,
            marks: series
                .iter()
                .map(|series| series.points.iter().find(|point| point.x == own.x))
                .collect(),
        })
        .collect()
}

/// Leaves out of the names the steps that all paths begin or end with, and says
/// which these are: the names must tell bars apart.
fn set_apart(groups: &mut [Group]) -> String {
    let Some(first) = groups.first().map(|group| group.name).filter(|_| groups.len() > 1) else {
        return String::new();
    };
    let begins = first.split_inclusive(ARROW).next().filter(|step| step.ends_with(ARROW));
    let ends = first.rfind(ARROW).map(|at| &first[at..]);
    let by_all = |holds: &dyn Fn(&str) -> bool| groups.iter().all(|group| holds(group.name));
    if let Some(step) = begins.filter(|step| by_all(&|name| name.starts_with(step))) {
        groups.iter_mut().for_each(|group| group.own = &group.name[step.len()..]);
        return format!("{step}…");
    }
    if let Some(step) = ends.filter(|step| by_all(&|name| name.ends_with(step))) {
        groups
            .iter_mut()
            .for_each(|group| group.own = &group.name[..group.name.len() - step.len()]);
        return format!("…{step}");
    }
    String::new()
}

/// The total's mark, where a line at it means something: one series of a rate.
fn reference<'a>(series: &'a [Series<'a>]) -> Option<&'a Point<'a>> {
    let [only] = series else { return None };
    let rate = matches!(
        only.column.kind,
        ColumnKind::Share | ColumnKind::Points | ColumnKind::Score | ColumnKind::Days
    );
    only.points.iter().find(|point| rate && point.is_total && point.y.is_some())
}

fn steps_of(start: f64, pitch: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(start), move |y| Some(y + pitch))
}

fn category(frame: &Frame, group: &Group, xs: &Scale, (left, y): (f64, f64)) -> Markup {
    let first = if frame.narrow { y + 18.0 } else { y };
    #[expect(clippy::cast_precision_loss, reason = "a group has a handful of bars")]
    let middle = first + BAR * group.marks.len() as f64 / 2.0;
    html! {
        @if frame.narrow {
            text.label x=(px(left)) y=(px(y + 12.0)) { title { (group.name) } (label::fit(group.own, frame.width - left)) }
        } @else {
            text.label.end x=(px(left - 12.0)) y=(px(middle + 4.0)) {
                title { (group.name) } (label::fit(group.own, left - 12.0))
            }
        }
        @for ((index, mark), y) in group.marks.iter().enumerate().zip(steps_of(first, BAR)) {
            @if let Some(mark) = mark { (bar(mark, index, xs, y)) }
        }
    }
}

fn bar(mark: &Point, index: usize, xs: &Scale, y: f64) -> Markup {
    let Some(value) = mark.y else {
        return html! { text.tick x=(px(xs.at(0.0) + 6.0)) y=(px(y + 12.0)) { (mark.brief) } };
    };
    let (zero, tip) = (xs.at(0.0), xs.at(value));
    let interval = mark.interval().map(|(low, high)| (xs.at(low), xs.at(high)));
    let (from, to) = interval.unwrap_or((tip, tip));
    html! {
        g.(colour(index)) {
            title { (mark.tip) }
            rect.bar.hatched[!mark.complete] x=(px(zero.min(tip))) y=(px(y + 1.0)) rx="2"
                width=(px((tip - zero).abs().max(1.0))) height=(px(BAR - 2.0)) {}
            @if interval.is_some() { (whisker(from, to, y + BAR / 2.0)) }
        }
        @if value < 0.0 {
            text.value.end x=(px(from.min(tip) - 6.0)) y=(px(y + 12.0)) { (mark.brief) }
        } @else {
            text.value x=(px(to.max(tip) + 6.0)) y=(px(y + 12.0)) { (mark.brief) }
        }
    }
}

/// A lying interval with end caps; none if it is too short to be seen.
#[must_use]
pub fn whisker(from: f64, to: f64, y: f64) -> Markup {
    let seen = (to - from).abs() >= 1.0;
    let (from, to, up, down) = (px(from), px(to), px(y - 4.0), px(y + 4.0));
    html! {
        @if seen {
            path.whisker d=(format!("M{from} {up}V{down}M{from} {}H{to}M{to} {up}V{down}", px(y))) {}
        }
    }
}

/// Names of the series over the bars, each with its colour.
fn legend(frame: &Frame, series: &[Series], y: f64) -> Markup {
    #[expect(clippy::cast_precision_loss, reason = "a chart has a handful of series")]
    let room = frame.width / series.len() as f64;
    let mut x = 0.0;
    let entries: Vec<(f64, String)> = series
        .iter()
        .map(|own| {
            let name = label::fit(&own.name, room - 28.0);
            let start = x;
            x += label::width(&name) + 34.0;
            (start, name)
        })
        .collect();
    html! {
        @for (index, (x, name)) in entries.iter().enumerate() {
            rect.bar.(colour(index)) x=(px(*x)) y=(px(y)) width="10" height="10" rx="2" {}
            text.label x=(px(x + 15.0)) y=(px(y + 9.0)) { (name) }
        }
    }
}
