//! Who is in the data, and what is known of each at the cutoff?
//!
//! A [`Frame`] is customers × features as plain arrays. One row is one
//! customer at one cutoff, so a customer may have several rows. It sorts its
//! rows by (period, customer) and its columns by name, so that neither the
//! order of files nor of threads can change a bit of what is fitted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::departure::Departure;
use super::text::Value;
use crate::error::{Error, ErrorKind, Result};
use crate::text::Text;

/// The values of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Finite numbers; NaN means missing.
    Numeric(Vec<f64>),
    /// Codes into sorted, distinct levels; `None` means missing.
    Categorical {
        /// The distinct levels, ascending.
        levels: Vec<String>,
        /// One index into `levels` per row.
        codes: Vec<Option<u32>>,
    },
}

impl Values {
    /// Codes categorical values; blank ones count as missing.
    pub fn categorical<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let values: Vec<Option<&str>> =
            values.into_iter().map(|value| value.filter(|text| !text.trim().is_empty())).collect();
        let levels: Vec<&str> =
            BTreeSet::from_iter(values.iter().flatten().copied()).into_iter().collect();
        let code = |value: &str| {
            let index = levels.binary_search(&value).ok()?;
            u32::try_from(index).ok()
        };
        let codes = values.iter().map(|value| value.and_then(code)).collect();
        let levels = levels.into_iter().map(str::to_owned).collect();
        Self::Categorical { levels, codes }
    }

    fn len(&self) -> usize {
        match self {
            Self::Numeric(values) => values.len(),
            Self::Categorical { codes, .. } => codes.len(),
        }
    }

    fn permuted(self, order: &[usize]) -> Self {
        match self {
            Self::Numeric(values) => Self::Numeric(order.iter().map(|&row| values[row]).collect()),
            Self::Categorical { levels, codes } => {
                Self::Categorical { levels, codes: order.iter().map(|&row| codes[row]).collect() }
            }
        }
    }

    /// What one row shows.
    #[must_use]
    pub fn value(&self, row: usize) -> Value {
        match self {
            Self::Numeric(values) if values[row].is_nan() => Value::Missing,
            Self::Numeric(values) => Value::Number(values[row]),
            Self::Categorical { levels, codes } => codes[row]
                .map_or(Value::Missing, |code| Value::Level(levels[code as usize].clone())),
        }
    }
}

/// One feature of all rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Name, unique in the frame.
    pub name: String,
    /// What people call it.
    pub title: Text,
    /// Unit of a number, such as days.
    pub unit: Option<Text>,
    /// Which others it belongs to.
    pub about: About,
    /// One value per row.
    pub values: Values,
}

/// How a feature belongs to others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct About {
    /// The query that it comes from, which is called like what it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What it is about; features of one theme overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<Text>,
    /// Whether nobody can change it any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fixed: bool,
    /// The count whose relation to the customer's own average before it is:
    /// (count + 1) / (average + 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// Which customer each row is, when, and what became of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Customer identifiers.
    pub ids: Vec<String>,
    /// Index of the cutoff (or of the fold) each row belongs to.
    pub periods: Vec<usize>,
    /// Whether the customer churned; empty when the frame is only to be scored.
    pub churned: Vec<bool>,
}

/// Customers × features, in canonical order.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    rows: Rows,
    columns: Vec<Column>,
    departures: Vec<Departure>,
}

impl Frame {
    /// Checks the arrays against each other and puts them in canonical order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] for lengths that differ, infinite numbers, a
    /// column name used twice, and a customer who appears twice in a period.
    pub fn new(rows: Rows, mut columns: Vec<Column>) -> Result<Self> {
        let n_rows = rows.ids.len();
        let unlabelled = rows.churned.is_empty();
        if rows.periods.len() != n_rows || !(unlabelled || rows.churned.len() == n_rows) {
            return Err(Error::new(
                ErrorKind::Input,
                format!(
                    "{n_rows} customers, {} periods and {} labels do not fit together",
                    rows.periods.len(),
                    rows.churned.len()
                ),
            ));
        }
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        check_columns(&columns, &rows.ids)?;

        let mut order: Vec<usize> = (0..n_rows).collect();
        order.sort_by(|&a, &b| row_key(&rows, a).cmp(&row_key(&rows, b)));
        for pair in order.windows(2) {
            if row_key(&rows, pair[0]) == row_key(&rows, pair[1]) {
                return Err(Error::new(
                    ErrorKind::Input,
                    format!("customer \"{}\" appears twice at one cutoff", rows.ids[pair[0]]),
                )
                .hint("features must have one row per customer"));
            }
        }
        for column in &mut columns {
            let values = std::mem::replace(&mut column.values, Values::Numeric(Vec::new()));
            column.values = values.permuted(&order);
        }
        let churned = if unlabelled {
            Vec::new()
        } else {
            order.iter().map(|&row| rows.churned[row]).collect()
        };
        let rows = Rows {
            periods: order.iter().map(|&row| rows.periods[row]).collect(),
            churned,
            ids: {
                let mut ids = rows.ids;
                order.iter().map(|&row| std::mem::take(&mut ids[row])).collect()
            },
        };
        Ok(Self { rows, columns, departures: Vec::new() })
    }

    /// Says of every row, given its period and customer, when the customer left.
    #[must_use]
    pub fn with_departures(mut self, departure: impl Fn(usize, &str) -> Departure) -> Self {
        let rows = self.rows.periods.iter().zip(&self.rows.ids);
        self.departures = rows.map(|(&period, id)| departure(period, id)).collect();
        self
    }

    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.rows.ids.len()
    }

    /// Customer identifier of each row.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.rows.ids
    }

    /// Cutoff or fold index of each row, ascending.
    #[must_use]
    pub fn periods(&self) -> &[usize] {
        &self.rows.periods
    }

    /// Whether each row churned; empty when the frame has no labels.
    #[must_use]
    pub fn churned(&self) -> &[bool] {
        &self.rows.churned
    }

    /// When the customer of each row left; empty when that is not known.
    #[must_use]
    pub fn departures(&self) -> &[Departure] {
        &self.departures
    }

    /// The features, by name.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The feature of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        let index = self.columns.binary_search_by(|column| column.name.as_str().cmp(name));
        index.ok().map(|index| &self.columns[index])
    }

    /// The rows whose period passes `keep`, ascending.
    pub(super) fn rows_where(&self, keep: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.n_rows()).filter(|&row| keep(self.rows.periods[row])).collect()
    }
}

/// The numbers of `rows` that are known, ascending.
pub(super) fn known(numbers: &[f64], rows: &[usize]) -> Vec<f64> {
    let mut known: Vec<f64> =
        rows.iter().map(|&row| numbers[row]).filter(|number| !number.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    known
}

/// How many of `rows` have each of `n_levels` levels, and how many have none.
pub(super) fn level_counts(
    n_levels: usize,
    codes: &[Option<u32>],
    rows: &[usize],
) -> (Vec<usize>, usize) {
    let (mut counts, mut n_missing) = (vec![0; n_levels], 0);
    for &row in rows {
        match codes[row] {
            Some(code) => counts[code as usize] += 1,
            None => n_missing += 1,
        }
    }
    (counts, n_missing)
}

fn row_key(rows: &Rows, row: usize) -> (usize, &str) {
    (rows.periods[row], rows.ids[row].as_str())
}

fn check_columns(columns: &[Column], ids: &[String]) -> Result<()> {
    for pair in columns.windows(2) {
        if pair[0].name == pair[1].name {
            return Err(Error::new(
                ErrorKind::Input,
                format!("feature \"{}\" is defined twice", pair[0].name),
            ));
        }
    }
    for Column { name, values, .. } in columns {
        if values.len() != ids.len() {
            return Err(Error::new(
                ErrorKind::Input,
                format!(
                    "feature \"{name}\" has {} values for {} customers",
                    values.len(),
                    ids.len()
                ),
            ));
        }
        if let Values::Numeric(numbers) = values
            && let Some(row) = numbers.iter().position(|number| number.is_infinite())
        {
            return Err(Error::new(
                ErrorKind::Input,
                format!("feature \"{name}\" of customer \"{}\" is infinite", ids[row]),
            )
            .hint("a division by zero in the feature's SQL; give NULL for \"not known\""));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn column(name: &str, values: Values) -> Column {
        Column {
            name: name.to_owned(),
            title: Text::same(name),
            unit: None,
            about: About::default(),
            values,
        }
    }

    /// As many customers as the columns have values, at one cutoff and without
    /// labels.
    pub fn unlabelled(columns: Vec<(&str, Values)>) -> Frame {
        let n_rows = columns[0].1.len();
        let rows = Rows {
            ids: (0..n_rows).map(|row| format!("{row:05}")).collect(),
            periods: vec![0; n_rows],
            churned: Vec::new(),
        };
        let columns = columns.into_iter().map(|(name, values)| column(name, values));
        Frame::new(rows, columns.collect()).unwrap()
    }

    fn numeric(name: &str, values: &[f64]) -> Column {
        column(name, Values::Numeric(values.to_vec()))
    }

    fn rows(ids: &[&str]) -> Rows {
        Rows {
            ids: ids.iter().map(|&id| id.to_owned()).collect(),
            periods: vec![0; ids.len()],
            churned: Vec::new(),
        }
    }

    #[test]
    fn input_order_does_not_show() {
        let a = Frame::new(
            rows(&["x", "y"]),
            vec![numeric("n", &[1.0, 2.0]), numeric("a", &[3.0, 4.0])],
        );
        let b = Frame::new(
            rows(&["y", "x"]),
            vec![numeric("a", &[4.0, 3.0]), numeric("n", &[2.0, 1.0])],
        );
        assert_eq!(a.unwrap(), b.unwrap());
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused_by_name() {
        let says = |rows, columns| Frame::new(rows, columns).unwrap_err().to_string();
        assert!(says(rows(&["x", "x"]), vec![]).contains("\"x\" appears twice"));
        assert!(says(rows(&["x"]), vec![numeric("n", &[])]).contains("\"n\" has 0 values"));
        assert!(says(rows(&["x"]), vec![numeric("n", &[f64::INFINITY])]).contains("infinite"));
        let twice = vec![numeric("n", &[1.0]), numeric("n", &[1.0])];
        assert!(says(rows(&["x"]), twice).contains("defined twice"));
    }

    #[test]
    fn blank_levels_are_missing() {
        let values = Values::categorical([Some("b"), Some(" "), None, Some("a")]);
        let codes = vec![Some(1), None, None, Some(0)];
        let levels = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(values, Values::Categorical { levels, codes });
    }
}
