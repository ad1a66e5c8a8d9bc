//! What is a feature called, and what is usual for it?

use serde::{Deserialize, Serialize};

use super::frame::{About, Column, Frame, Values, known, level_counts};
use super::support::Seen;
use super::text::Value;
use crate::text::Text;

/// One feature as people know it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Column name.
    pub name: String,
    /// What people call it.
    pub title: Text,
    /// Unit of a number.
    pub unit: Option<Text>,
    /// Training median, or the most frequent level.
    pub typical: Value,
    /// Whether its values are numbers, not categories.
    pub is_numeric: bool,
    /// Which others it belongs to.
    #[serde(default)]
    pub about: About,
    /// How it compares with the customer's own past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Own>,
    /// What training showed of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// A count, and how it compares with the customer's own past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// The column of the count.
    pub count: String,
    /// What people call it.
    pub title: Text,
    /// The column that compares it: (count + 1) / (average before + 1).
    pub trend: String,
}

impl Own {
    /// The columns it takes.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        [self.count.as_str(), self.trend.as_str()].into_iter()
    }

    /// What a row counts, and the customer's own average before.
    pub(super) fn read(&self, frame: &Frame, row: usize) -> Option<(f64, f64)> {
        let number = |name: &str| match frame.column(name)?.values.value(row) {
            Value::Number(number) => Some(number),
            _ => None,
        };
        let (count, trend) = (number(&self.count)?, number(&self.trend)?);
        let average = (count + 1.0) / trend - 1.0;
        // Divided and multiplied again, nothing comes back as almost nothing.
        (trend > 0.0).then_some((count, if average < 1e-9 { 0.0 } else { average }))
    }
}

impl Feature {
    /// Describes a column of a frame by its training rows, with all that its reasons
    /// will speak of.
    #[must_use]
    pub fn learnt(frame: &Frame, column: &Column, rows: &[usize]) -> Self {
        let (own, seen) = (own(frame, column), Some(Seen::of(column, rows)));
        Self { own, seen, ..Self::describe(column, rows) }
    }

    /// The name of its theme, or its own where it stands alone.
    #[must_use]
    pub fn theme(&self) -> &str {
        self.about.theme.as_ref().map_or(&self.name, |theme| &theme.en)
    }

    /// Describes a column by some rows.
    #[must_use]
    pub fn describe(column: &Column, rows: &[usize]) -> Self {
        let (typical, is_numeric) = match &column.values {
            Values::Numeric(numbers) => (median(numbers, rows), true),
            Values::Categorical { levels, codes } => (most_frequent(levels, codes, rows), false),
        };
        let Column { name, title, unit, about, .. } = column.clone();
        Self { name, title, unit, typical, is_numeric, about, own: None, seen: None }
    }
}

/// What compares a column with the customer's own past: its own relation to a
/// count, or that of another column to it.
fn own(frame: &Frame, column: &Column) -> Option<Own> {
    let compares = |trend: &&Column| trend.about.of.as_ref() == Some(&column.name);
    let trend = match column.about.of {
        Some(_) => column,
        None => frame.columns().iter().find(compares)?,
    };
    let count = frame.column(trend.about.of.as_ref()?)?;
    let (title, trend) = (count.title.clone(), trend.name.clone());
    Some(Own { count: count.name.clone(), title, trend })
}

fn median(numbers: &[f64], rows: &[usize]) -> Value {
    let present = known(numbers, rows);
    if present.is_empty() { Value::Missing } else { Value::Number(quantile(&present, 0.5)) }
}

fn most_frequent(levels: &[String], codes: &[Option<u32>], rows: &[usize]) -> Value {
    let (counts, n_missing) = level_counts(levels.len(), codes, rows);
    // The first by name of equals, which is the order of the codes.
    let most = (0..levels.len()).max_by_key(|&code| (counts[code], std::cmp::Reverse(code)));
    match most.filter(|&code| counts[code] > 0 && counts[code] >= n_missing) {
        Some(code) => Value::Level(levels[code].clone()),
        None => Value::Missing,
    }
}

/// Quantile of ascending values, linear between order statistics.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = position.ceil() as usize;
    sorted[below] + (sorted[above] - sorted[below]) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::column;
    use super::*;

    #[test]
    fn what_is_usual_is_the_median_or_the_most_frequent_level() {
        let typical = |values| Feature::describe(&column("x", values), &[0, 1, 2, 3]).typical;
        let numbers = vec![1.0, 2.0, f64::NAN, 3.0, 1e9];
        assert_eq!(typical(Values::Numeric(numbers)), Value::Number(2.0));
        assert_eq!(typical(Values::Numeric(vec![f64::NAN; 5])), Value::Missing);
        let level = |text: &str| Value::Level(text.to_owned());
        let values = [Some("b"), Some("a"), Some("a"), Some("b"), Some("b")];
        assert_eq!(typical(Values::categorical(values)), level("a"));
        let values = [None, None, None, Some("b"), Some("b")];
        assert_eq!(typical(Values::categorical(values)), Value::Missing);
    }
}
