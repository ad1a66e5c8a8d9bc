//! Why does this customer have this probability?
//!
//! A waterfall in log-odds: it starts at the average customer, every reason
//! moves it right (more risk) or left (less), and it ends at this customer's
//! score. What the eye adds up is what the model adds up, exactly.

use maud::{Markup, html};

use super::label;
use super::scale::Scale;
use super::svg::{Frame, Room, px};
use crate::serve::ui::format;
use crate::serve::ui::lang::Lang;
use crate::serve::ui::text::Text;

/// One step of the waterfall.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The reason in words.
    pub name: String,
    /// What it adds to the log-odds.
    pub contribution: f64,
}

/// The most room that names take beside the bars; a reason is a sentence.
const NAMES: f64 = 500.0;

/// Probabilities that the upper axis names, where they are in range.
const LANDMARKS: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// Draws the way from `base` over `steps` to the customer's log-odds.
///
/// `id` must be unique on the page. `probability` is the score's own; if
/// it is the logistic of the log-odds, an upper axis reads in probabilities.
#[must_use]
pub fn figure(id: &str, base: f64, steps: &[Step], probability: f64, lang: Lang) -> Markup {
    let logit = base + steps.iter().map(|step| step.contribution).sum::<f64>();
    let describe = Text::AddsUp.fill(
        lang,
        &[
            ("base", &format::signed(base, 2)),
            ("logit", &format::signed(logit, 2)),
            ("probability", &format::probability(probability).text),
        ],
    );
    let title = lang.t(Text::WhyThisScore);
    let frame = |room| Frame::new(id, room, title, &describe, lang);
    html! {
        figure.chart.(Room::Page.class()) {
            div.wide { (draw(&frame(Some(Room::Page)), base, steps, probability)) }
            div.narrow { (draw(&frame(None), base, steps, probability)) }
        }
    }
}

fn draw(frame: &Frame, base: f64, steps: &[Step], probability: f64) -> Markup {
    let lang = frame.lang;
    let mut at = base;
    let ways: Vec<(&Step, f64, f64)> = steps
        .iter()
        .map(|step| {
            let from = at;
            at += step.contribution;
            (step, from, at)
        })
        .collect();
    let logit = at;
    let names = steps
        .iter()
        .map(|step| label::width(&step.name))
        .chain([label::width(lang.t(Text::Base)), label::width(lang.t(Text::ThisCustomer))])
        .fold(0.0, f64::max);
    // On a phone a reason stands above its bar, otherwise left of it.
    let left = if frame.narrow { 0.0 } else { names.min(NAMES) + 16.0 };
    let (row, drop) = if frame.narrow { (44.0, 18.0) } else { (30.0, 0.0) };
    let turns = ways.iter().flat_map(|(_, from, to)| [*from, *to]).chain([base]);
    let round = Scale::nice(turns.clone(), false, 5, (0.0, 1.0));
    let ends = turns.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), turn| {
        (low.min(turn), high.max(turn))
    });
    // Beyond the outermost turns stand their words.
    let xs = Scale::exact(ends, (left + 52.0, frame.width - 108.0));
    let top = 40.0;
    #[expect(clippy::cast_precision_loss, reason = "a score has a few dozen reasons")]
    let row_top = |index: usize| top + row * index as f64;
    let bottom = row_top(ways.len() + 2);
    let logistic = 1.0 / (1.0 + (-logit).exp());
    let calibrated = (logistic - probability).abs() < 5e-4;
    let chance = |log_odds: f64, p: f64| {
        format!("{} · {}", format::probability(p).text, format::signed(log_odds, 2))
    };
    let average = if calibrated {
        chance(base, 1.0 / (1.0 + (-base).exp()))
    } else {
        format::signed(base, 2)
    };
    let pins = [
        (0, Text::Base, base, average),
        (ways.len() + 1, Text::ThisCustomer, logit, chance(logit, probability)),
    ];
    let body = html! {
        (upper_axis(frame, &xs, (!calibrated).then_some(&round.ticks), top, bottom))
        @for (index, text, value, words) in &pins {
            @let y = row_top(*index);
            @let x = xs.at(*value);
            text.label.strong.end[!frame.narrow] x=(px(if frame.narrow { 0.0 } else { left - 16.0 })) y=(px(y + if frame.narrow { 13.0 } else { 19.0 })) {
                (label::fit(lang.t(*text), if frame.narrow { frame.width } else { left - 16.0 }))
            }
            path.pin d=(format!("M{} {}V{}", px(x), px(y + drop + 3.0), px(y + drop + 25.0))) {}
            text.value.strong x=(px(x + 7.0)) y=(px(y + drop + 19.0)) { (words) }
        }
        @for (index, (step, from, to)) in ways.iter().enumerate() {
            (bar(frame, step, (xs.at(*from), xs.at(*to)), (left, row_top(index + 1), drop)))
        }
        @for index in 0..=ways.len() {
            @let value = ways.get(index).map_or(logit, |(_, from, _)| *from);
            @let y = row_top(index) + drop + 25.0;
            line.link x1=(px(xs.at(value))) x2=(px(xs.at(value))) y1=(px(y)) y2=(px(row_top(index + 1) + drop + 5.0)) {}
        }
    };
    frame.svg(frame.width, bottom + 6.0, &body)
}

/// The axis over the bars: chances of leaving, or the log-odds themselves.
fn upper_axis(
    frame: &Frame,
    xs: &Scale,
    log_odds: Option<&Vec<f64>>,
    top: f64,
    bottom: f64,
) -> Markup {
    let (low, high) = xs.ends();
    let (title, marks): (_, Vec<(f64, String)>) = match log_odds {
        Some(ticks) => {
            (Text::LogOdds, ticks.iter().map(|value| (*value, format::signed(*value, 1))).collect())
        }
        None => (
            Text::ChanceOfLeaving,
            LANDMARKS.map(|p| ((p / (1.0 - p)).ln(), format::probability(p).text)).to_vec(),
        ),
    };
    let mut last = f64::NEG_INFINITY;
    let mut marks: Vec<(f64, String)> = marks
        .into_iter()
        .filter(|(value, _)| (low..=high).contains(value))
        .map(|(value, words)| (xs.at(value), words))
        .collect();
    // A mark too close to the one before it would print over it.
    marks.retain(|(x, _)| {
        let fits = x - last > 34.0;
        if fits {
            last = *x;
        }
        fits
    });
    html! {
        text.tick x="0" y="12" { (frame.lang.t(title)) }
        @for (x, words) in marks {
            line.grid x1=(px(x)) x2=(px(x)) y1=(px(top - 4.0)) y2=(px(bottom)) {}
            text.tick.middle x=(px(x)) y=(px(top - 10.0)) { (words) }
        }
    }
}

fn bar(
    frame: &Frame,
    step: &Step,
    (from, to): (f64, f64),
    (left, y, drop): (f64, f64, f64),
) -> Markup {
    let raises = step.contribution > 0.0;
    let words = format::signed(step.contribution, 2);
    let side = frame.lang.t(if raises { Text::RaisesRisk } else { Text::LowersRisk });
    let (x, room) = if frame.narrow { (0.0, frame.width) } else { (left - 16.0, left - 16.0) };
    html! {
        g {
            title { (step.name) ": " (words) ", " (side) }
            text.label.end[!frame.narrow] x=(px(x)) y=(px(y + if frame.narrow { 13.0 } else { 19.0 })) { (label::fit(&step.name, room)) }
            rect.up[raises].down[!raises] x=(px(from.min(to))) y=(px(y + drop + 5.0)) width=(px((to - from).abs().max(1.0))) height="20" rx="2" {}
        }
        @if raises {
            text.value x=(px(to + 6.0)) y=(px(y + drop + 19.0)) { (words) }
        } @else {
            text.value.end x=(px(to - 6.0)) y=(px(y + drop + 19.0)) { (words) }
        }
    }
}
