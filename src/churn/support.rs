//! Has the model seen customers like this one?
//!
//! A model answers for anybody, also for a customer ten times as large as all it has
//! learnt from. A score is called unsure where a feature that matters for it shows
//! what training never did: a number far beyond the range of the training rows, a
//! level that did not occur, or nothing where something was always known.

use serde::{Deserialize, Serialize};

use super::frame::{Column, Frame, Values, known, level_counts};
use super::model::{ChurnModel, Scored};
use super::text::Value;
use crate::config::Language;

/// How far beyond the training range is far, as a part of it: time goes on between
/// training and scoring, so that tenure, for one, is always a little beyond.
const MARGIN: f64 = 0.25;
/// Most levels that are remembered; more are identifiers, of which any is new.
const MOST_LEVELS: usize = 200;
/// Log-odds below which a feature does not matter for a score.
const MATTERS: f64 = 0.1;

/// What training showed of a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Whether it was ever missing.
    pub missing: bool,
    /// The least and the greatest number, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// The levels, by name; none where there were too many to tell a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<Vec<String>>,
}

impl Seen {
    /// What `rows` show of a column.
    pub(super) fn of(column: &Column, rows: &[usize]) -> Self {
        match &column.values {
            Values::Numeric(numbers) => {
                let known = known(numbers, rows);
                let range = known.first().zip(known.last()).map(|(low, high)| [*low, *high]);
                Self { missing: known.len() < rows.len(), range, levels: None }
            }
            Values::Categorical { levels, codes } => {
                let (counts, n_missing) = level_counts(levels.len(), codes, rows);
                let seen = levels.iter().zip(counts).filter(|(_, count)| *count > 0);
                let seen: Vec<String> = seen.map(|(level, _)| level.clone()).collect();
                let levels = (seen.len() <= MOST_LEVELS).then_some(seen);
                Self { missing: n_missing > 0, range: None, levels }
            }
        }
    }

    fn has(&self, value: &Value) -> bool {
        match (value, self.range, &self.levels) {
            (Value::Missing, _, _) => self.missing,
            (Value::Number(number), Some([low, high]), _) => {
                let margin = MARGIN * (high - low);
                (low - margin..=high + margin).contains(number)
            }
            (Value::Level(level), _, Some(levels)) => levels.binary_search(level).is_ok(),
            _ => true,
        }
    }
}

/// Why a score is unsure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unsure {
    /// The feature that shows what training never did.
    pub feature: String,
    /// What it shows.
    pub value: Value,
    /// The same in words.
    pub text: String,
    /// In Chinese.
    pub text_zh: String,
}

impl ChurnModel {
    /// Why the score of a row is unsure, by the feature that matters most of those
    /// that training never saw like this; nothing where it saw the like of them all.
    #[must_use]
    pub fn unsure(&self, frame: &Frame, row: usize, scored: &Scored) -> Option<Unsure> {
        let strange = |(place, contribution): (usize, &f64)| {
            let feature = &self.features()[place];
            let seen = feature.seen.as_ref().filter(|_| contribution.abs() >= MATTERS)?;
            let value = frame.column(&feature.name)?.values.value(row);
            (!seen.has(&value)).then_some((contribution.abs(), place, value))
        };
        let strange = scored.contributions.iter().enumerate().filter_map(strange);
        let (_, place, value) = strange.max_by(|a, b| a.0.total_cmp(&b.0))?;
        let feature = &self.features()[place];
        let range = feature.seen.as_ref().and_then(|seen| seen.range);
        let say = |language: Language| {
            let unit = feature.unit.as_ref();
            let (title, shown) = (feature.title.get(language), value.display(unit, language));
            let ends = range.map(|ends| ends.map(|end| Value::Number(end).display(unit, language)));
            match (language, ends) {
                (Language::En, Some([low, high])) if value != Value::Missing => {
                    format!("{title}: {shown}, the model has learnt from {low} to {high}")
                }
                (Language::Zh, Some([low, high])) if value != Value::Missing => {
                    format!("{title}：{shown}，模型只学习过 {low} 至 {high}")
                }
                (Language::En, _) => format!("{title}: {shown}, which the model has never seen"),
                (Language::Zh, _) => format!("{title}：{shown}，模型从未见过"),
            }
        };
        let (text, text_zh) = (say(Language::En), say(Language::Zh));
        Some(Unsure { feature: feature.name.clone(), value, text, text_zh })
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::column;
    use super::*;

    #[test]
    fn what_was_seen_is_a_range_with_a_margin_the_levels_and_whether_any_was_missing() {
        let numbers = column("x", Values::Numeric(vec![10.0, 30.0, 20.0, 1e9]));
        let seen = Seen::of(&numbers, &[0, 1, 2]);
        for (value, expected) in
            [(10.0, true), (35.0, true), (5.0, true), (35.1, false), (4.9, false)]
        {
            assert_eq!(seen.has(&Value::Number(value)), expected, "{value}");
        }
        assert!(!seen.has(&Value::Missing));
        let holes = column("x", Values::Numeric(vec![f64::NAN, 1.0]));
        assert!(Seen::of(&holes, &[0, 1]).has(&Value::Missing));

        let level = |name: &str| Value::Level(name.to_owned());
        let values = Values::categorical([Some("b"), Some("a"), Some("c")]);
        let seen = Seen::of(&column("x", values), &[0, 1]);
        assert!(seen.has(&level("a")) && seen.has(&level("b")));
        assert!(!seen.has(&level("c")) && !seen.has(&level("d")) && !seen.has(&Value::Missing));
        let names: Vec<String> = (0..300).map(|name| format!("{name:03}")).collect();
        let values = Values::categorical(names.iter().map(|name| Some(name.as_str())));
        let all: Vec<usize> = (0..300).collect();
        assert!(Seen::of(&column("x", values), &all).has(&level("new")), "an identifier");
    }
}
