//! Does one feature alone predict better than a feature can?
//!
//! What people do predicts what they will do only so well. A column that tells
//! leavers from stayers all by itself was most likely filled in afterwards.
//! Each feature is ranked by its value, by whether it has one, and, if it has
//! few values, by the churn rate of its value among other customers. It is
//! refused if its AUC is at least .98 with an interval above .95. Where a value is
//! undated, that is, a source may have rewritten it, .9 and .85 are enough: no
//! column of customers that we know of comes near it honestly.
//!
//! A column that says who has left *by now* tells less of the cutoffs of years
//! ago than of the newest: a customer who left in between is marked, and had
//! stayed then. So the newest cutoff is also looked at by itself. And most who
//! leave do so silently, so that a mark of those who say it ranks badly: an
//! undated value that nearly everybody who has it left with is refused, too.

use std::collections::{BTreeMap, BTreeSet};

use crate::churn::bootstrap::intervals;
use crate::churn::metrics::Ranking;
use crate::churn::{Column, Frame, Value, Values};
use crate::error::{Error, ErrorKind, Result};

/// The AUC from which on one feature is too good, and what the lower end of its
/// 95 % interval has to exceed.
const MOST: (f64, f64) = (0.98, 0.95);
/// The same where a source may have rewritten the value.
const MOST_UNDATED: (f64, f64) = (0.9, 0.85);
/// Fewest customers of either kind that say anything.
const FEWEST: usize = 20;
/// Fewest customers of a value of whom nearly all may not have left.
const MARKED: usize = 50;
/// What nearly all are.
const NEARLY_ALL: f64 = 0.99;
/// A number with no more values than these is ranked by them, too.
const MOST_LEVELS: usize = 100;
/// Rows looked at; more would not change the third digit.
const MOST_ROWS: usize = 20_000;

/// Looks at each column of `frame`, which has `n_periods` cutoffs, or folds if 0.
///
/// # Errors
///
/// [`ErrorKind::Insufficient`] that names the first feature that is too good,
/// and neither `trusted` nor what the others leave open.
pub fn check(
    frame: &Frame,
    n_periods: usize,
    is_undated: &dyn Fn(&str) -> bool,
    trusted: &[String],
) -> Result<()> {
    if frame.churned().len() != frame.n_rows() {
        return Ok(());
    }
    let all = Rows::of(frame, |_| true);
    let newest = n_periods.checked_sub(1).filter(|last| *last > 0);
    let newest = newest.map(|last| Rows::of(frame, |period| period == last));
    for column in frame.columns().iter().filter(|column| !trusted.contains(&column.name)) {
        let most = if is_undated(&column.name) { MOST_UNDATED } else { MOST };
        for rows in std::iter::once(&all).chain(&newest) {
            if let Some(words) = rows.too_good(column, most) {
                return Err(refusal(&column.name, &words));
            }
        }
        // At one cutoff, a row is a customer.
        let at_one = newest.as_ref().unwrap_or(&all);
        if let Some(words) = at_one.marked(column).filter(|_| is_undated(&column.name)) {
            return Err(refusal(&column.name, &words));
        }
    }
    Ok(())
}

fn refusal(feature: &str, words: &str) -> Error {
    Error::new(ErrorKind::Insufficient, format!("the feature \"{feature}\" {words}"))
        .hint(format!(
            "it was most likely filled in when customers left; add \"{feature}\" to \
             features.exclude in the spec"
        ))
        .hint(format!("or, if it was known at the cutoff, add \"{feature}\" to features.trusted"))
}

/// Some rows of a frame.
struct Rows<'a> {
    rows: Vec<usize>,
    churned: Vec<bool>,
    customers: Vec<&'a str>,
    /// The half of the customers each row belongs to.
    second: Vec<bool>,
}

impl<'a> Rows<'a> {
    /// The rows of the periods that `keep` accepts, of no more customers than
    /// needed.
    fn of(frame: &'a Frame, keep: impl Fn(usize) -> bool) -> Self {
        let mut rows: Vec<usize> =
            (0..frame.n_rows()).filter(|&row| keep(frame.periods()[row])).collect();
        let customers: BTreeSet<&str> = rows.iter().map(|&row| frame.ids()[row].as_str()).collect();
        let number: BTreeMap<&str, usize> = customers.into_iter().zip(0..).collect();
        let number = |row: usize| number[frame.ids()[row].as_str()];
        let every = rows.len().div_ceil(MOST_ROWS).max(1);
        rows.retain(|&row| number(row).is_multiple_of(every));
        Self {
            churned: rows.iter().map(|&row| frame.churned()[row]).collect(),
            customers: rows.iter().map(|&row| frame.ids()[row].as_str()).collect(),
            second: rows.iter().map(|&row| number(row) / every % 2 == 1).collect(),
            rows,
        }
    }

    /// What makes a column too good, if it is.
    fn too_good(&self, column: &Column, most: (f64, f64)) -> Option<String> {
        let all: Vec<usize> = (0..self.rows.len()).collect();
        let levels = self.levels(&column.values);
        let presence: Vec<usize> = levels.iter().map(|level| *level.min(&1)).collect();
        let by = |levels: &[usize]| self.ranked(&all, &self.rates(levels), most);
        let by_level = by(&levels).or_else(|| by(&presence));
        let Values::Numeric(numbers) = &column.values else { return by_level };
        let value = |at: usize| numbers[self.rows[at]];
        let known: Vec<usize> = all.iter().copied().filter(|&at| !value(at).is_nan()).collect();
        let up: Vec<f64> = known.iter().map(|&at| value(at)).collect();
        let down: Vec<f64> = up.iter().map(|value| -value).collect();
        let up = by_level.or_else(|| self.ranked(&known, &up, most));
        up.or_else(|| self.ranked(&known, &down, most))
    }

    /// Whether `scores` of the rows at some places tell leavers too well.
    fn ranked(&self, places: &[usize], scores: &[f64], most: (f64, f64)) -> Option<String> {
        let churned: Vec<bool> = places.iter().map(|&at| self.churned[at]).collect();
        let ranking = Ranking::new(scores, &churned);
        // Rows of one kind only are not there to be told apart.
        let auc = ranking.metrics().ok()?.auc;
        if auc < most.0 {
            return None;
        }
        let of = |kind: bool| {
            let rows = places.iter().filter(|&&at| self.churned[at] == kind);
            rows.map(|&at| self.customers[at]).collect::<BTreeSet<_>>().len()
        };
        let customers: Vec<&str> = places.iter().map(|&at| self.customers[at]).collect();
        let low = intervals(&ranking, &customers, 0)?.auc[0];
        let sure = of(true) >= FEWEST && of(false) >= FEWEST && low > most.1;
        sure.then(|| {
            format!("alone ranks leavers above stayers with an AUC of {auc:.3} (at least {low:.3})")
        })
    }

    /// The level of each row's value, 0 if missing. All numbers of a column that
    /// has many are of one level.
    fn levels(&self, values: &Values) -> Vec<usize> {
        let numbers = match values {
            Values::Categorical { codes, .. } => {
                let level = |row: &usize| codes[*row].map_or(0, |code| code as usize + 1);
                return self.rows.iter().map(level).collect();
            }
            Values::Numeric(numbers) => self.rows.iter().map(|&row| numbers[row]),
        };
        // Negative zero is zero.
        let bits = |number: f64| (number + 0.0).to_bits();
        let mut distinct = BTreeMap::new();
        for number in numbers.clone().filter(|number| !number.is_nan()) {
            let next = distinct.len() + 1;
            distinct.entry(bits(number)).or_insert(next);
            if next > MOST_LEVELS {
                return numbers.map(|number| usize::from(!number.is_nan())).collect();
            }
        }
        numbers.map(|number| distinct.get(&bits(number)).copied().unwrap_or_default()).collect()
    }

    /// The churn rate of each row's level among the other half of the customers.
    fn rates(&self, levels: &[usize]) -> Vec<f64> {
        let mut counts: BTreeMap<(usize, bool), (f64, f64)> = BTreeMap::new();
        for (at, &level) in levels.iter().enumerate() {
            let (rows, churned) = counts.entry((level, self.second[at])).or_default();
            *rows += 1.0;
            *churned += f64::from(self.churned[at]);
        }
        let rate = self.rate();
        let of = |at: usize| {
            let others = counts.get(&(levels[at], !self.second[at]));
            let (rows, churned) = others.copied().unwrap_or_default();
            (churned + rate) / (rows + 1.0)
        };
        (0..levels.len()).map(of).collect()
    }

    fn rate(&self) -> f64 {
        self.churned.iter().filter(|churned| **churned).count() as f64
            / self.churned.len().max(1) as f64
    }

    /// A value with which nearly everybody left, if there is one.
    fn marked(&self, column: &Column) -> Option<String> {
        if self.rate() > 0.5 {
            return None;
        }
        // What the customers have: nothing, something, or which value.
        let levels = self.levels(&column.values);
        let something = levels.iter().map(|level| (*level > 0, None)).enumerate();
        let which = levels.iter().filter(|level| **level > 0).map(|level| (true, Some(*level)));
        let mut counts: BTreeMap<(bool, Option<usize>), (usize, usize, usize)> = BTreeMap::new();
        let places = (0..levels.len()).filter(|&at| levels[at] > 0);
        for (at, what) in something.chain(places.zip(which)) {
            let (rows, churned, _) = counts.entry(what).or_insert((0, 0, at));
            *rows += 1;
            *churned += usize::from(self.churned[at]);
        }
        let is_mark = |(_, (rows, churned, _)): &(_, &(usize, usize, usize))| {
            *rows >= MARKED && *churned as f64 >= NEARLY_ALL * *rows as f64
        };
        let ((any, which), (rows, churned, at)) = counts.iter().find(is_mark)?;
        let of = match (any, which, column.values.value(self.rows[*at])) {
            (true, Some(_), Value::Number(number)) => format!("with {number}"),
            (true, Some(_), Value::Level(level)) => format!("with \"{level}\""),
            (true, ..) => "with any value".to_owned(),
            (false, ..) => "without a value".to_owned(),
        };
        Some(format!("has no date and marks leavers: {churned} of the {rows} customers {of} left"))
    }
}

#[cfg(test)]
mod tests;
