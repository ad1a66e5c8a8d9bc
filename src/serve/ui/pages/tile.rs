//! Which number matters, did it change, and is the change more than chance?
//!
//! A manager who sees "−5" asks who is to blame; the tile says first whether
//! there is anything to explain. Only a change beyond chance takes a colour.

use maud::{Markup, html};
use serde_json::Value;

use crate::serve::ui::charts::spark::spark;
use crate::serve::ui::context::Context;
use crate::serve::ui::format::{self, date};
use crate::serve::ui::lang::Lang;
use crate::serve::ui::table::{Column, ColumnKind};
use crate::serve::ui::text::Text;

/// What a change is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A fraction of the earlier value: .12 is +12 %.
    Relative,
    /// The difference of two shares: .031 is +3.1 percentage points.
    Points,
    /// The difference of two scores, such as NPS.
    Score,
}

/// Which direction is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// Whether a change says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its interval excludes zero.
    Real,
    /// Its interval includes zero.
    Chance,
    /// There is too little data for an interval.
    TooFew,
}

/// How a number moved since an earlier period.
#[derive(Debug, Clone)]
pub struct Change {
    /// By how much, in `measure`.
    pub by: f64,
    /// What `by` and `interval` are counted in.
    pub measure: Measure,
    /// The earlier period: an ISO month or date, or words.
    pub since: String,
    /// Which direction is good.
    pub better: Better,
    /// Whether the change is more than chance.
    pub verdict: Verdict,
    /// The 95 % interval of the change.
    pub interval: Option<(f64, f64)>,
}

/// One number of the overview.
#[derive(Debug, Clone)]
pub struct Tile {
    /// What it is, in the reader's language.
    pub title: String,
    /// The number; null if there is none.
    pub value: Value,
    /// What the number means.
    pub kind: ColumnKind,
    /// Its currency or unit.
    pub unit: Option<String>,
    /// How it moved, if there is an earlier period to compare with.
    pub change: Option<Change>,
    /// The number in the last periods, oldest first.
    pub trend: Vec<Option<f64>>,
    /// A short remark, such as how many answers an NPS rests on.
    pub note: Option<String>,
    /// The address of the report behind the number.
    pub href: Option<String>,
}

/// Renders a tile; the whole tile leads to its report.
#[must_use]
pub fn render(cx: &Context, tile: &Tile) -> Markup {
    let column = Column { unit: tile.unit.clone(), ..Column::new("", &tile.title, tile.kind) };
    html! {
        article.tile {
            h3 {
                @match &tile.href {
                    Some(href) => a href=(href) { (tile.title) },
                    None => (tile.title),
                }
            }
            p.big { (column.brief(&tile.value, cx.lang)) }
            (spark(&tile.trend))
            @if let Some(note) = &tile.note { p.note { (note) } }
            @match &tile.change {
                Some(change) => (moved(change, cx.lang)),
                None if tile.note.is_some() => {},
                None => p.change.none { (cx.lang.t(Text::ChangeNone)) },
            }
        }
    }
}

fn moved(change: &Change, lang: Lang) -> Markup {
    let (code, said) = match change.verdict {
        Verdict::Real => ("real", Text::ChangeReal),
        Verdict::Chance => ("chance", Text::ChangeChance),
        Verdict::TooFew => ("few", Text::ChangeTooFew),
    };
    let good = (change.by > 0.0) == (change.better == Better::Up);
    let real = change.verdict == Verdict::Real && change.by != 0.0;
    let arrow = match change.by {
        by if by > 0.0 => "▲",
        by if by < 0.0 => "▼",
        _ => "■",
    };
    let explained = change.interval.map(|(low, high)| {
        let (low, high) = (amount(low, change.measure, lang), amount(high, change.measure, lang));
        Text::ChangeExplained.fill(lang, &[("low", &low), ("high", &high)])
    });
    let since = Text::Since.fill(lang, &[("period", &date::long(&change.since, lang))]);
    html! {
        p.change.good[real && good].bad[real && !good] title=[explained] data-verdict=(code) {
            span.by { span.arrow aria-hidden="true" { (arrow) } " " (amount(change.by, change.measure, lang)) }
            " " span.since { (since) }
            br;
            span.verdict { (lang.t(said)) }
        }
    }
}

fn amount(by: f64, measure: Measure, lang: Lang) -> String {
    let points = format::signed(by * 100.0, 1);
    match measure {
        Measure::Relative => format!("{points}%"),
        Measure::Points => Text::Points.fill(lang, &[("n", &points)]),
        Measure::Score => Text::ScorePoints.fill(lang, &[("n", &format::signed(by, 1))]),
    }
}
