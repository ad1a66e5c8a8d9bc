//! What moves the scores most?
//!
//! Of each theme, how far it moves the log-odds of a customer on average, up or down:
//! the mean size of what its features add together. Not what makes customers leave:
//! a feature that goes with the cause takes its place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::feature::Feature;
use super::model::Scored;
use crate::text::Text;

/// How far a theme moves scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// What the theme, or the feature that stands alone, is called.
    pub title: Text,
    /// Mean size of what it adds to the log-odds of a held-out row.
    pub log_odds: f64,
    /// Its features, those that move scores most first.
    pub features: Vec<Text>,
}

/// Adds up over rows and models.
#[derive(Debug, Default)]
pub(super) struct Drivers {
    themes: BTreeMap<String, Theme>,
    rows: usize,
}

#[derive(Debug, Default)]
struct Theme {
    title: Text,
    moved: f64,
    features: BTreeMap<String, (Text, f64)>,
}

impl Drivers {
    /// Counts rows that a model of these features has scored.
    pub(super) fn add(&mut self, features: &[Feature], scored: &[Scored]) {
        self.rows += scored.len();
        let mut members: BTreeMap<&str, Vec<(usize, &Feature)>> = BTreeMap::new();
        for (place, feature) in features.iter().enumerate() {
            members.entry(feature.theme()).or_default().push((place, feature));
        }
        for (name, members) in members {
            let theme = self.themes.entry(name.to_owned()).or_default();
            for &(place, feature) in &members {
                theme.title = feature.about.theme.as_ref().unwrap_or(&feature.title).clone();
                let size = scored.iter().map(|row| row.contributions[place].abs()).sum::<f64>();
                let own = theme.features.entry(feature.name.clone());
                own.or_insert_with(|| (feature.title.clone(), 0.0)).1 += size;
            }
            let sum = |row: &Scored| {
                members.iter().map(|(place, _)| row.contributions[*place]).sum::<f64>().abs()
            };
            theme.moved += scored.iter().map(sum).sum::<f64>();
        }
    }

    /// The themes, the one that moves scores most first.
    pub(super) fn ranked(self) -> Vec<Driver> {
        let rows = self.rows.max(1) as f64;
        let driver = |theme: Theme| {
            let mut features: Vec<(Text, f64)> = theme.features.into_values().collect();
            features.sort_by(|a, b| b.1.total_cmp(&a.1));
            let features = features.into_iter().map(|(title, _)| title).collect();
            Driver { title: theme.title, log_odds: theme.moved / rows, features }
        };
        let mut drivers: Vec<Driver> = self.themes.into_values().map(driver).collect();
        drivers.sort_by(|a, b| b.log_odds.total_cmp(&a.log_odds));
        drivers
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::column;
    use super::super::frame::{About, Values};
    use super::super::model::Band;
    use super::*;

    #[test]
    fn what_two_features_of_a_theme_add_against_each_other_moves_no_score() {
        let feature = |name: &str, theme: Option<&str>| {
            let about = About { theme: theme.map(Text::same), ..About::default() };
            Feature { about, ..Feature::describe(&column(name, Values::Numeric(vec![1.0])), &[0]) }
        };
        let features = [feature("a", Some("use")), feature("b", Some("use")), feature("c", None)];
        let scored = |contributions: [f64; 3]| Scored {
            probability: 0.5,
            logit: 0.0,
            base: 0.0,
            band: Band::Medium,
            contributions: contributions.to_vec(),
        };
        let mut drivers = Drivers::default();
        drivers.add(&features, &[scored([0.5, -0.5, 0.1]), scored([-0.6, 0.2, -0.1])]);
        let ranked = drivers.ranked();
        let found: Vec<(&str, f64)> =
            ranked.iter().map(|it| (it.title.en.as_str(), it.log_odds)).collect();
        assert_eq!(found[0].0, "use");
        // (|0.5 − 0.5| + |−0.6 + 0.2|) / 2, and (0.1 + 0.1) / 2.
        assert!((found[0].1 - 0.2).abs() < 1e-12 && (found[1].1 - 0.1).abs() < 1e-12, "{found:?}");
        assert_eq!(ranked[0].features, [Text::same("a"), Text::same("b")]);
    }
}
