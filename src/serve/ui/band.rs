//! How loud is a risk?
//!
//! A band is named in words and by its colour, never by colour alone.

use maud::{Markup, html};
use serde::Deserialize;

use super::charts::spark;
use super::format;
use super::lang::Lang;
use super::text::Text;

/// A band of churn probability, as the `scores` table names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Past the threshold at which somebody is told to act.
    High,
    /// Worth watching.
    Medium,
    /// No reason to act.
    Low,
}

impl Band {
    /// Every band, loudest first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// The value in the `scores` table and in addresses.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// The band of a code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|band| band.code() == code)
    }

    /// The band's name for people.
    #[must_use]
    pub const fn name(self, lang: Lang) -> &'static str {
        lang.t(match self {
            Self::High => Text::BandHigh,
            Self::Medium => Text::BandMedium,
            Self::Low => Text::BandLow,
        })
    }
}

/// The band as a small coloured word.
#[must_use]
pub fn chip(band: Band, lang: Lang) -> Markup {
    html! { span.chip.(band.code()) { (band.name(lang)) } }
}

/// A probability in words with its length beside it.
#[must_use]
pub fn gauge(probability: f64, band: Band) -> Markup {
    html! {
        span.gauge { (format::probability(probability)) (spark::meter(probability, band.code())) }
    }
}
