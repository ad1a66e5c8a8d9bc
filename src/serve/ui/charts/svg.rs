//! The frame every drawing shares: its size, its accessible name, its numbers.

use maud::{Markup, html};

use crate::serve::ui::lang::Lang;

/// The room a chart has on a desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// The page's whole width.
    Page,
    /// The wider of two columns.
    Column,
}

impl Room {
    /// The class that tells the style sheet at which width to change drawings.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Column => "column",
        }
    }

    /// Width of the wide drawing, in units that are pixels at the usual size.
    const fn width(self) -> f64 {
        match self {
            Self::Page => 1060.0,
            Self::Column => 640.0,
        }
    }
}

/// Width of a drawing for a phone.
const NARROW: f64 = 340.0;

/// One drawing of a chart.
#[derive(Debug)]
pub struct Frame<'a> {
    /// Unique on the page; names title, description and patterns.
    pub id: String,
    /// Total width in units, which are pixels at the usual size.
    pub width: f64,
    /// Whether this is the drawing for a phone.
    pub narrow: bool,
    /// The reader's language.
    pub lang: Lang,
    title: &'a str,
    describe: &'a str,
}

impl<'a> Frame<'a> {
    /// A frame for the wide (`room`) or the narrow (none) drawing of the chart
    /// called `id`.
    pub fn new(
        id: &str,
        room: Option<Room>,
        title: &'a str,
        describe: &'a str,
        lang: Lang,
    ) -> Self {
        let narrow = room.is_none();
        let (suffix, width) = room.map_or(("n", NARROW), |room| ("w", room.width()));
        Self { id: format!("{id}-{suffix}"), width, narrow, lang, title, describe }
    }

    /// The `svg` element around `body`, `width` × `height` units, with the name
    /// and description that screen readers say.
    pub fn svg(&self, width: f64, height: f64, body: &Markup) -> Markup {
        let title = format!("{}-t", self.id);
        let describe = format!("{}-d", self.id);
        // A drawing wider than its frame keeps its size and scrolls in its box.
        let fixed = (width > self.width).then(|| px(width));
        html! {
            svg viewBox=(format!("0 0 {} {}", px(width), px(height))) width=[fixed]
                role="img" aria-labelledby=(title) aria-describedby=(describe) {
                title id=(title) { (self.title) }
                desc id=(describe) { (self.describe) }
                (body)
            }
        }
    }
}

/// A coordinate with one digit after the point; what is not finite is 0, since
/// a drawing must not break where a number does.
pub fn px(value: f64) -> String {
    let tenths = (value * 10.0).round();
    if tenths.is_finite() && tenths != 0.0 { (tenths / 10.0).to_string() } else { "0".to_owned() }
}

/// The class of the `index`-th series: the palette has eight colours.
pub fn colour(index: usize) -> String {
    format!("c{}", index % 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_always_numbers() {
        assert_eq!(px(12.04), "12");
        assert_eq!(px(-0.01), "0");
        assert_eq!(px(0.25), "0.3");
        assert_eq!(px(f64::NAN), "0");
        assert_eq!(px(f64::INFINITY), "0");
    }
}
