//! What does a query file say about itself?
//!
//! The lines that start with `--!` are TOML, the lines that start with `---`
//! prose for whoever opens the file, and the rest is one SQL statement. To SQL
//! all of the head is comments, so the file runs in any client as it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::text::Text;

/// The front matter of a query file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// What the report is called.
    pub title: Text,
    /// What it answers and which definition it uses.
    pub description: Text,
    /// Where lists put it.
    #[serde(default)]
    pub group: String,
    /// What one row is.
    #[serde(default)]
    pub grain: String,
    /// For checks: `error`, `warning` or `info`.
    #[serde(default)]
    pub severity: Option<String>,
    /// How to draw it.
    #[serde(default)]
    pub chart: Option<Chart>,
    /// The parameters, by name.
    #[serde(default)]
    pub params: BTreeMap<String, Param>,
    /// Notes on the columns, by name.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnNote>,
    /// Of features: which of them are about the same thing, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub themes: BTreeMap<String, Theme>,
    /// What codes in text columns are called, by code.
    #[serde(default)]
    pub labels: BTreeMap<String, Text>,
    /// The codes of the column `note` that make the whole result void.
    #[serde(default)]
    pub voids: Vec<String>,
    /// What may help if there are no rows.
    #[serde(default)]
    pub hint: Option<Text>,
}

/// How a report is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChartKind {
    /// A measure over time or age.
    Line,
    /// A measure by category.
    Bar,
    /// A measure by two dimensions.
    Heatmap,
    /// The share that reaches each step.
    Funnel,
    /// No chart: the rows are a list.
    Table,
}

/// Which columns of a report play which part in its chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// The kind of chart.
    pub kind: ChartKind,
    /// The column along the chart: a period, an age, a category, a step's name.
    #[serde(default)]
    pub x: String,
    /// The measured columns; several become one series each.
    #[serde(default)]
    pub y: Vec<String>,
    /// The column that splits rows into series; in a heatmap, its rows.
    pub series: Option<String>,
    /// The column whose values get a picture each.
    pub facet: Option<String>,
    /// The lower end of the interval around `y`.
    pub low: Option<String>,
    /// The upper end of the interval around `y`.
    pub high: Option<String>,
    /// The flag that says whether a row's period is over.
    pub complete: Option<String>,
    /// The column that says how many a value stands for: a cohort's size, the
    /// customers at a step.
    pub count: Option<String>,
    /// The column that counts what can still change the last of `y`: deals still
    /// open.
    pub open: Option<String>,
    /// Whether the row without `x` is drawn, as the total of bars that are parts of
    /// it.
    #[serde(default)]
    pub total: bool,
    /// Whether the row without `x` is a category like others, such as deals of no
    /// known source, and no total.
    #[serde(default)]
    pub none: bool,
}

impl Chart {
    /// A chart of this kind in which no column plays a part yet.
    #[must_use]
    pub const fn of(kind: ChartKind) -> Self {
        Self {
            kind,
            x: String::new(),
            y: Vec::new(),
            series: None,
            facet: None,
            low: None,
            high: None,
            complete: None,
            count: None,
            open: None,
            total: false,
            none: false,
        }
    }
}

/// One parameter of a report.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// What people call it; its name if absent.
    #[serde(default)]
    pub title: Option<Text>,
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: ParamKind,
    /// The value if none is given; absent means NULL.
    #[serde(default)]
    pub default: Option<toml::Value>,
    /// The values allowed, for a choice.
    #[serde(default)]
    pub choices: Vec<String>,
    /// The least a number may be; 0 if absent.
    #[serde(default)]
    pub least: Option<f64>,
    /// The most a number may be; anything if absent.
    #[serde(default)]
    pub most: Option<f64>,
    /// The parameter it may not be more, or later, than.
    #[serde(default)]
    pub up_to: Option<String>,
    /// What it means.
    pub doc: Text,
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamKind {
    /// Any text.
    Text,
    /// What customers are broken down by: `none`, a column of their profile,
    /// or the name of one of their attributes.
    Breakdown,
    /// What a row of activity is about: `feature`, or an attribute of activity.
    Property,
    /// One of a few texts.
    Choice,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A calendar date, `2025-06-30`.
    Date,
    /// A length of time, `30d`, `12h`, `90min`, `4w`.
    Duration,
    /// Texts separated by commas.
    List,
    /// Names of activity separated by commas.
    Activities,
    /// Steps of a path separated by commas, as [`crate::functions::funnel::steps`]
    /// reads them. `$steps_mask` is then the mask of the steps that a row of
    /// `activity` can serve.
    Steps,
    /// `true` or `false`.
    Flag,
}

impl ParamKind {
    /// What people call a value of this kind.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Breakdown => "breakdown",
            Self::Property => "feature or attribute",
            Self::Choice => "choice",
            Self::Integer => "whole number",
            Self::Number => "number",
            Self::Date => "date",
            Self::Duration => "duration, 30d",
            Self::List => "list",
            Self::Activities => "activity names",
            Self::Steps => "steps",
            Self::Flag => "true or false",
        }
    }
}

/// What a column of the result means.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnNote {
    /// Heading.
    pub title: Text,
    /// What an absent value means, e.g. `Total`.
    #[serde(default)]
    pub absent: Option<Text>,
    /// What values are: count, share, points (a difference of shares), money,
    /// days, hours, date, text, code (a text that [`Header::labels`] has words
    /// for), flag, score, number, by_row or change_by_row (in the unit that the
    /// row's column `unit` names).
    #[serde(default)]
    pub unit: String,
    /// How it is computed.
    #[serde(default)]
    pub doc: Option<Text>,
    /// Of a feature: the count that this one compares with the customer's own
    /// average `a` of windows before, as (count + 1) / (a + 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// Features about one thing, such as the same count in several windows: people want
/// one reason of them, not six.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// What it is about.
    pub title: Text,
    /// Whether nobody can change it any more, such as how long a customer is known.
    #[serde(default)]
    pub fixed: bool,
    /// The features, by name.
    pub columns: Vec<String>,
}

impl Header {
    /// Refuses themes and comparisons of columns that are not described, and a column
    /// of two themes.
    fn check_themes(&self, file: &str) -> Result<()> {
        let themes = self.themes.iter().flat_map(|(theme, it)| {
            it.columns.iter().map(move |column| (format!("theme \"{theme}\""), column))
        });
        let compared = self
            .columns
            .iter()
            .filter_map(|(column, note)| Some((format!("column \"{column}\""), note.of.as_ref()?)));
        for (by, named) in themes.chain(compared) {
            if !self.columns.contains_key(named) {
                let words = format!("{file}: {by} names \"{named}\", which is not described");
                return Err(Error::new(ErrorKind::Query, words)
                    .hint_nearest(named, self.columns.keys().map(String::as_str)));
            }
        }
        let holding = |column: &String| {
            self.themes.values().filter(|theme| theme.columns.contains(column)).count()
        };
        match self.columns.keys().find(|column| holding(column) > 1) {
            Some(column) => {
                let words = format!("{file}: column \"{column}\" is in two themes");
                Err(Error::new(ErrorKind::Query, words))
            }
            None => Ok(()),
        }
    }

    /// The words for `code` in a column whose unit is `code`, and for a name that
    /// is missing, such as `(no owner)`, in any. Other texts are the customer's
    /// own, and stay as they are even if they look like a code.
    #[must_use]
    pub fn words(&self, column: &str, code: &str) -> Option<&Text> {
        let is_code = self.columns.get(column).is_some_and(|note| note.unit == "code");
        let is_missing = code.starts_with("(no ");
        (is_code || is_missing).then(|| self.labels.get(code)).flatten()
    }

    /// Which rows are of the customers without a value of the breakdown, and not of
    /// all: their breakdown is empty, and they are no total, or each value has one.
    /// A report about the breakdown itself says what its absence means.
    #[must_use]
    pub fn without_value<R>(&self, rows: &[R], is_null: impl Fn(&R, &str) -> bool) -> Vec<bool> {
        let Some(chart) = self.chart.as_ref().filter(|chart| chart.x != "breakdown") else {
            return vec![false; rows.len()];
        };
        let is_total = |row: &R| !chart.none && is_null(row, &chart.x);
        let totals_of_each = rows.iter().any(|row| is_total(row) && !is_null(row, "breakdown"));
        let holds = |row| is_null(row, "breakdown") && (totals_of_each || !is_total(row));
        rows.iter().map(holds).collect()
    }
}

/// Reads the head of `sql`; `file` is named in errors.
///
/// # Errors
///
/// [`ErrorKind::Query`] that names file and line if the head is not TOML, a
/// key is unknown, or something required is missing.
pub fn parse(file: &str, sql: &str) -> Result<Header> {
    // Lines that are not front matter become empty ones, so that a line number
    // in TOML's error is a line number of the file.
    let toml: String = sql
        .lines()
        .map(|line| line.strip_prefix("--!").unwrap_or_default())
        .flat_map(|line| [line, "\n"])
        .collect();
    let header: Header = toml::from_str(&toml).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + toml[..span.start].matches('\n').count());
        Error::new(ErrorKind::Query, format!("{file}:{line}: {}", error.message().trim_end()))
            .hint("the lines that start with --! are TOML: title, description, params, columns")
    })?;
    header.check_themes(file)?;
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn themes_and_comparisons_are_of_columns_that_are_described() {
        let head = |themes: &str, of: &str| {
            format!(
                "title = {{ en = \"X\", zh = \"X\" }}\ndescription = {{ en = \"X\", zh = \"X\" }}\n\
                 {themes}\n[columns.logins]\ntitle = {{ en = \"X\", zh = \"X\" }}\n\
                 [columns.trend]\ntitle = {{ en = \"X\", zh = \"X\" }}\nof = \"{of}\"\n"
            )
        };
        let says = |themes: &str, of: &str| {
            let sql: String =
                head(themes, of).lines().map(|line| format!("--! {line}\n")).collect();
            parse("x.sql", &sql).map_err(|error| error.to_string())
        };
        let theme = |name: &str, columns: &str| {
            format!("[themes.{name}]\ntitle = {{ en = \"X\", zh = \"X\" }}\ncolumns = {columns}\n")
        };
        let both = theme("use", "[\"logins\", \"trend\"]");
        assert!(says(&both, "logins").is_ok());
        let wrong = says(&theme("use", "[\"login\"]"), "logins").unwrap_err();
        assert!(wrong.contains("theme \"use\" names \"login\", which is not"), "{wrong}");
        let wrong = says(&both, "login").unwrap_err();
        assert!(wrong.contains("column \"trend\" names \"login\", which is not"), "{wrong}");
        let twice = says(&(both + &theme("more", "[\"trend\"]")), "logins").unwrap_err();
        assert!(twice.contains("column \"trend\" is in two themes"), "{twice}");
    }
}
