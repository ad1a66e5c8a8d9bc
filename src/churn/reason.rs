//! Why does a customer have the score they have, in words?
//!
//! Features overlap: activity of 30, 90 and 180 days says one thing three times, and
//! which of the three a model asked is chance. So features about one thing, a theme,
//! are one reason: what they add is added up, and the one that adds most in the
//! direction of the sum tells it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::feature::Feature;
use super::frame::Frame;
use super::model::{ChurnModel, Scored};
use super::text::{Value, sentence};
use crate::config::Language;

/// Why a score is what it is, one theme of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The feature that tells it best.
    pub feature: String,
    /// What the customer shows.
    pub value: Value,
    /// What the theme adds to the log-odds.
    pub contribution: f64,
    /// The reason as a sentence.
    pub text: String,
    /// The same in Chinese.
    pub text_zh: String,
    /// What each feature adds, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// A feature's part in a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub feature: String,
    /// What it adds to the log-odds.
    pub contribution: f64,
}

impl ChurnModel {
    /// The `most` strongest reasons of one row, the strongest first, and one for all
    /// others together, called `others`. With `scored.base` they sum to
    /// `scored.logit`.
    #[must_use]
    pub fn reasons(&self, frame: &Frame, row: usize, scored: &Scored, most: usize) -> Vec<Reason> {
        let mut themes = self.themes(scored);
        let others = themes.split_off(most.min(themes.len()));
        let mut reasons: Vec<Reason> = themes.iter().map(|theme| theme.tell(frame, row)).collect();
        if !others.is_empty() {
            let count = others.len();
            reasons.push(Reason {
                feature: "others".to_owned(),
                value: Value::Missing,
                contribution: others.iter().map(|theme| theme.sum).sum(),
                text: format!("{count} smaller reasons together"),
                text_zh: format!("其余 {count} 项原因合计"),
                parts: Vec::new(),
            });
        }
        reasons
    }

    /// The themes of the features, the strongest first.
    fn themes(&self, scored: &Scored) -> Vec<Theme<'_>> {
        let mut members: BTreeMap<&str, Vec<(&Feature, f64)>> = BTreeMap::new();
        for (feature, &contribution) in self.features().iter().zip(&scored.contributions) {
            members.entry(feature.theme()).or_default().push((feature, contribution));
        }
        let mut themes: Vec<Theme> = members.into_values().filter_map(Theme::of).collect();
        themes.sort_by(|a, b| {
            b.sum.abs().total_cmp(&a.sum.abs()).then_with(|| a.best.name.cmp(&b.best.name))
        });
        themes
    }
}

/// Features about one thing with what they add.
struct Theme<'a> {
    best: &'a Feature,
    sum: f64,
    members: Vec<(&'a Feature, f64)>,
}

impl<'a> Theme<'a> {
    fn of(members: Vec<(&'a Feature, f64)>) -> Option<Self> {
        let sum: f64 = members.iter().map(|(_, contribution)| contribution).sum();
        // The first by name of equals: features are in the order of their names.
        let best = members.iter().rev().max_by(|a, b| (a.1 * sum).total_cmp(&(b.1 * sum)));
        best.copied().map(|(best, _)| Self { best, sum, members })
    }

    fn tell(&self, frame: &Frame, row: usize) -> Reason {
        let Self { best, sum, members } = self;
        let column = frame.column(&best.name);
        let value = column.map_or(Value::Missing, |column| column.values.value(row));
        let own = best.own.as_ref().and_then(|own| Some((&own.title, own.read(frame, row)?)));
        let say = |language| sentence(best, &value, own, *sum, language);
        let (text, text_zh) = (say(Language::En), say(Language::Zh));
        let part = |(feature, contribution): &(&Feature, f64)| Part {
            feature: feature.name.clone(),
            contribution: *contribution,
        };
        let parts = if members.len() > 1 { members.iter().map(part).collect() } else { Vec::new() };
        Reason { feature: best.name.clone(), value, contribution: *sum, text, text_zh, parts }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Values;
    use super::super::frame::tests::column;
    use super::super::frame::{About, Rows};
    use super::*;
    use crate::text::Text;

    fn feature(name: &str, theme: Option<&str>) -> Feature {
        let about = About { theme: theme.map(Text::same), ..About::default() };
        let column = column(name, Values::Numeric(vec![1.0]));
        Feature { about, ..Feature::describe(&column, &[0]) }
    }

    #[test]
    fn a_theme_is_told_by_the_feature_that_moves_it_most() {
        let features = [feature("a", Some("use")), feature("b", Some("use")), feature("c", None)];
        let theme = |contributions: [f64; 2]| {
            Theme::of(features[..2].iter().zip(contributions).collect()).unwrap()
        };
        // The larger one lowers the risk, the theme raises it.
        let raised = theme([0.9, -0.4]);
        assert_eq!((raised.best.name.as_str(), raised.sum), ("a", 0.5));
        let lowered = theme([0.4, -0.9]);
        assert_eq!((lowered.best.name.as_str(), lowered.sum), ("b", -0.5));
        assert_eq!(theme([0.3, 0.3]).best.name, "a", "the first of equals");

        let rows = Rows { ids: vec!["c1".to_owned()], periods: vec![0], churned: Vec::new() };
        let columns = ["a", "b"].map(|name| column(name, Values::Numeric(vec![4.0])));
        let frame = Frame::new(rows, columns.to_vec()).unwrap();
        let told = raised.tell(&frame, 0);
        assert_eq!(told.text, "a: 4 (typical: 1), raises the risk");
        assert_eq!(told.parts.iter().map(|part| part.contribution).sum::<f64>(), 0.5);
        let alone = Theme::of(vec![(&features[2], 0.1)]).unwrap().tell(&frame, 0);
        assert_eq!((alone.value, alone.parts), (Value::Missing, Vec::new()));
    }
}
