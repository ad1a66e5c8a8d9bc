//! How does a table of numbers and words become the few classes that trees split?
//!
//! A split asks "at most 30 days?", and of all the places where a number can be
//! cut, some two hundred tell leavers apart as well as all of them. So each
//! feature becomes a byte: 0 where the value is missing, which is information of
//! its own; for a number, which of up to 255 ranges between training quantiles it
//! lies in; for a category, which level it has, rare and unknown ones sharing the
//! last. Edges lie halfway between neighbouring training values, and nothing is
//! learnt from other rows than the training ones.

use linfa::dataset::Records;
use serde::{Deserialize, Serialize};

use super::frame::{Column, Frame, Values, known, level_counts};
use crate::error::{Error, ErrorKind, Result};

/// The byte of a missing value.
pub(super) const MISSING: u8 = 0;
/// Most classes a byte has room for beside the missing one.
pub(super) const MOST: usize = 255;
/// A level needs this many training rows to stand for itself.
const LEVEL_ROWS: usize = 10;

/// How one feature becomes a byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Classes {
    /// Upper ends of all ranges but the last, ascending.
    Ranges(Vec<f64>),
    /// Levels with a class of their own, by name; all others share the next.
    Levels(Vec<String>),
}

/// What a class holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Class<'a> {
    /// No value.
    Missing,
    /// Numbers above the first and up to the second.
    Range(Option<f64>, Option<f64>),
    /// One level.
    Level(&'a str),
    /// Rare levels, and those not seen in training.
    Others,
}

/// How a frame becomes bytes, learnt from training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binning {
    features: Vec<(String, Classes)>,
}

/// Rows × features as bytes, feature by feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Binned {
    pub(super) columns: Vec<Vec<u8>>,
    /// Classes of each feature, the missing one among them.
    pub(super) n_classes: Vec<usize>,
    /// Whether the classes of each feature have an order.
    pub(super) is_ordered: Vec<bool>,
    n_rows: usize,
}

impl Records for Binned {
    type Elem = u8;

    fn nsamples(&self) -> usize {
        self.n_rows
    }

    fn nfeatures(&self) -> usize {
        self.columns.len()
    }
}

impl Classes {
    pub(super) fn fit(values: &Values, rows: &[usize], most: usize) -> Self {
        match values {
            Values::Numeric(numbers) => Self::Ranges(edges(numbers, rows, most)),
            Values::Categorical { levels, codes } => {
                let (counts, _) = level_counts(levels.len(), codes, rows);
                let mut own: Vec<usize> =
                    (0..levels.len()).filter(|&code| counts[code] >= LEVEL_ROWS).collect();
                // The most frequent ones, should there be too many.
                own.sort_by_key(|&code| (std::cmp::Reverse(counts[code]), code));
                own.truncate(most - 1);
                own.sort_unstable();
                Self::Levels(own.into_iter().map(|code| levels[code].clone()).collect())
            }
        }
    }

    pub(super) fn n_classes(&self) -> usize {
        match self {
            Self::Ranges(edges) => edges.len() + 2,
            Self::Levels(levels) => levels.len() + 2,
        }
    }

    /// Gives a number that is the same in all `rows` a class of its own, so that
    /// smaller and larger ones stand apart.
    pub(super) fn open_a_constant(&mut self, values: &Values, rows: &[usize]) {
        if let (Self::Ranges(edges), Values::Numeric(numbers)) = (self, values)
            && edges.is_empty()
            && let Some(&constant) = known(numbers, rows).first()
        {
            *edges = vec![constant.next_down(), constant];
        }
    }

    /// Makes neighbouring ranges one where nothing tells them apart, and levels one
    /// with the rare ones: what each of the classes that remain was before.
    fn merge(&mut self, is_same: impl Fn(u8, u8) -> bool) -> Vec<u8> {
        let mut kept = vec![MISSING];
        let mut number = MISSING;
        match self {
            Self::Ranges(edges) => {
                number += 1;
                kept.push(number);
                edges.retain(|_| {
                    number += 1;
                    let differs = !is_same(number - 1, number);
                    kept.extend(differs.then_some(number));
                    differs
                });
            }
            Self::Levels(levels) => {
                let others = class(levels.len());
                levels.retain(|_| {
                    number += 1;
                    let differs = !is_same(number, others);
                    kept.extend(differs.then_some(number));
                    differs
                });
                kept.push(others);
            }
        }
        kept
    }

    /// What the class at `index` holds.
    pub(super) fn class(&self, index: usize) -> Class<'_> {
        let Some(index) = index.checked_sub(1) else { return Class::Missing };
        match self {
            Self::Ranges(edges) => {
                let low = index.checked_sub(1).and_then(|below| edges.get(below));
                Class::Range(low.copied(), edges.get(index).copied())
            }
            Self::Levels(levels) => {
                levels.get(index).map_or(Class::Others, |level| Class::Level(level))
            }
        }
    }

    /// The bytes of `rows`.
    pub(super) fn apply(&self, column: &Column, rows: &[usize]) -> Result<Vec<u8>> {
        match (self, &column.values) {
            (Self::Ranges(edges), Values::Numeric(numbers)) => {
                Ok(rows.iter().map(|&row| range(edges, numbers[row])).collect())
            }
            (Self::Levels(own), Values::Categorical { levels, codes }) => {
                let other = class(own.len());
                let known = |level: &String| own.binary_search(level).map_or(other, class);
                let of_code: Vec<u8> = levels.iter().map(known).collect();
                let byte = |&row: &usize| codes[row].map_or(MISSING, |code| of_code[code as usize]);
                Ok(rows.iter().map(byte).collect())
            }
            _ => Err(Error::new(
                ErrorKind::Input,
                format!("feature \"{}\" is of another type than in training", column.name),
            )),
        }
    }
}

/// The class at `index` of those that are not missing.
fn class(index: usize) -> u8 {
    // Never more than MOST.
    u8::try_from(index + 1).unwrap_or(u8::MAX)
}

fn range(edges: &[f64], number: f64) -> u8 {
    if number.is_nan() { MISSING } else { class(edges.partition_point(|edge| *edge < number)) }
}

/// Where to cut a number so that each of at most `most` ranges has about as many
/// training rows.
fn edges(numbers: &[f64], rows: &[usize], most: usize) -> Vec<f64> {
    let known = known(numbers, rows);
    let mut values: Vec<(f64, usize)> = Vec::new();
    for number in &known {
        match values.last_mut() {
            Some((value, count)) if value == number => *count += 1,
            _ => values.push((*number, 1)),
        }
    }
    let between = |a: f64, b: f64| {
        let middle = f64::midpoint(a, b);
        // Neighbours without a number between them.
        if middle < b { middle } else { a }
    };
    if values.len() <= most {
        return values.windows(2).map(|pair| between(pair[0].0, pair[1].0)).collect();
    }
    let mut edges = Vec::new();
    let (mut passed, mut since) = (0, 0);
    for pair in values.windows(2) {
        passed += pair[0].1;
        since += pair[0].1;
        let ranges_left = most - edges.len();
        let share = (known.len() - passed + since) as f64 / ranges_left as f64;
        if since as f64 >= share && edges.len() + 1 < most {
            edges.push(between(pair[0].0, pair[1].0));
            since = 0;
        }
    }
    edges
}

impl Binning {
    /// Learns at most `most` classes (2 to 255) of every column of `frame`, beside
    /// the missing one, from the training `rows`.
    #[must_use]
    pub fn fit(frame: &Frame, rows: &[usize], most: usize) -> Self {
        let most = most.clamp(2, MOST);
        let fit = |column: &Column| (column.name.clone(), Classes::fit(&column.values, rows, most));
        Self { features: frame.columns().iter().map(fit).collect() }
    }

    /// The names of the features, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|(name, _)| name.as_str())
    }

    /// Makes classes of a feature one that nothing tells apart: what each of those
    /// that remain was before, by feature.
    pub(super) fn merge(&mut self, is_same: impl Fn(usize, u8, u8) -> bool) -> Vec<Vec<u8>> {
        let features = self.features.iter_mut().enumerate();
        features.map(|(feature, (_, it))| it.merge(|a, b| is_same(feature, a, b))).collect()
    }

    /// Classes of each feature, the missing one among them.
    pub(super) fn n_classes(&self) -> Vec<usize> {
        self.features.iter().map(|(_, classes)| classes.n_classes()).collect()
    }

    /// Leaves out the features that are not `kept`.
    pub(super) fn retain(&mut self, kept: &[bool]) {
        let mut kept = kept.iter();
        self.features.retain(|_| kept.next().copied().unwrap_or(false));
    }

    /// `rows` of `frame` as bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] if the frame lacks a feature or has it as the other type.
    pub fn transform(&self, frame: &Frame, rows: &[usize]) -> Result<Binned> {
        let column = |(name, classes): &(String, Classes)| {
            let column = frame.column(name).ok_or_else(|| {
                Error::new(
                    ErrorKind::Input,
                    format!("the model needs feature \"{name}\", which is not there"),
                )
            })?;
            classes.apply(column, rows)
        };
        Ok(Binned {
            columns: self.features.iter().map(column).collect::<Result<_>>()?,
            n_classes: self.n_classes(),
            is_ordered: self
                .features
                .iter()
                .map(|(_, classes)| matches!(classes, Classes::Ranges(_)))
                .collect(),
            n_rows: rows.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::churn::frame::tests::unlabelled as frame;

    #[test]
    fn few_values_have_a_class_each_and_missing_its_own() {
        let frame = frame(vec![("x", Values::Numeric(vec![3.0, f64::NAN, 1.0, 3.0, 2.0, 9.0]))]);
        let binning = Binning::fit(&frame, &[0, 1, 2, 3, 4], MOST);
        let binned = binning.transform(&frame, &[0, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!(binned.columns[0], [3, 0, 1, 3, 2, 3]);
        assert_eq!(binned.n_classes, [4]);
    }

    #[test]
    fn many_values_are_cut_into_equal_shares() {
        let numbers: Vec<f64> = (0..10_000).map(|row| f64::from(row * 7919 % 10_000)).collect();
        let frame = frame(vec![("x", Values::Numeric(numbers))]);
        let rows: Vec<usize> = (0..10_000).collect();
        let binned = Binning::fit(&frame, &rows, MOST).transform(&frame, &rows).unwrap();
        let mut counts = [0; 256];
        binned.columns[0].iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        assert_eq!(counts[0], 0);
        assert!(counts[1..].iter().all(|count| (38..=41).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_value_that_most_rows_share_leaves_the_ranges_to_the_others() {
        let numbers: Vec<f64> =
            (0..10_000).map(|row| if row < 9_000 { 0.0 } else { f64::from(row) }).collect();
        let frame = frame(vec![("x", Values::Numeric(numbers))]);
        let rows: Vec<usize> = (0..10_000).collect();
        let binning = Binning::fit(&frame, &rows, MOST);
        assert!(binning.features[0].1.n_classes() > 200);
    }

    #[test]
    fn rare_and_unknown_levels_share_a_class() {
        let names: Vec<Option<&str>> = (0..40)
            .map(|row| match row {
                0..15 => Some("a"),
                15..30 => Some("c"),
                30..35 => Some("b"),
                _ => None,
            })
            .collect();
        let train = frame(vec![("x", Values::categorical(names))]);
        let rows: Vec<usize> = (0..40).collect();
        let binning = Binning::fit(&train, &rows, MOST);
        let later =
            frame(vec![("x", Values::categorical([Some("c"), Some("new"), None, Some("b")]))]);
        let binned = binning.transform(&later, &[0, 1, 2, 3]).unwrap();
        assert_eq!(binned.columns[0], [2, 3, 0, 3]);
        let other = frame(vec![("x", Values::Numeric(vec![1.0]))]);
        assert!(binning.transform(&other, &[0]).is_err());
    }
}
