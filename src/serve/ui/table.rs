//! How does a table of rows look, so that every number can be checked?
//!
//! A table shows the values themselves: numbers right-aligned in figures of one
//! width, grouped by thousands, with the exact value in the title where digits
//! are dropped. On a phone it scrolls inside its own box, never the page.

use std::borrow::Cow;

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::context::Context;
use super::format::decimal::Decimal;
use super::format::{self, Formatted, date};
use super::lang::Lang;
use super::text::Text;

/// Where a row of several units keeps its own, whatever the column `unit` shows.
pub const UNIT: &str = "unit code";

/// One row: column name to value, as the JSON answer holds it.
pub type Row = Map<String, Value>;

/// What a column's values mean, which decides how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Words, shown as they are.
    Text,
    /// A whole number of things.
    Count,
    /// Any other number.
    Number,
    /// An amount in the currency that is the column's unit.
    Money,
    /// A fraction of one, shown in percent.
    Share,
    /// A score on its own scale, such as NPS.
    Score,
    /// A length of time in days.
    Days,
    /// A number in the unit that the row names, under [`UNIT`].
    ByRow,
    /// A date or an instant.
    Date,
    /// A calendar period by its first day or month.
    Period,
    /// Yes or no.
    Flag,
    /// A customer's id, shown as a link.
    Customer,
}

impl ColumnKind {
    /// What numbers of a unit mean, as a query file names it.
    #[must_use]
    pub fn of_unit(unit: &str) -> Self {
        match unit {
            "count" => Self::Count,
            "share" => Self::Share,
            "money" => Self::Money,
            "days" => Self::Days,
            "score" => Self::Score,
            "by_row" => Self::ByRow,
            _ => Self::Number,
        }
    }

    /// Whether values are numbers, to be right-aligned and drawn.
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Count
                | Self::Number
                | Self::Money
                | Self::Share
                | Self::Score
                | Self::Days
                | Self::ByRow
        )
    }
}

/// One column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// The name in the rows and in the downloads.
    pub name: String,
    /// The heading, in the reader's language.
    pub title: String,
    /// The unit shown in the heading: a currency code, or words.
    pub unit: Option<String>,
    /// What the values mean.
    pub kind: ColumnKind,
    /// What an absent value means, in the reader's language: `All` in a total's
    /// row. Without it, an absent value is a dash.
    pub absent: Option<String>,
}

impl Column {
    /// The heading with its unit, `Revenue, £`, unless the title says it.
    #[must_use]
    pub fn heading(&self, lang: Lang) -> String {
        let unit = match (self.kind, self.unit.as_deref()) {
            (ColumnKind::Money, Some(code)) => format::currency_sign(code).trim().to_owned(),
            (ColumnKind::Days, None) => lang.t(Text::DaysUnit).to_owned(),
            (_, unit) => unit.unwrap_or_default().to_owned(),
        };
        if unit.is_empty() || self.title.to_lowercase().contains(&unit) {
            return self.title.clone();
        }
        match lang {
            Lang::En => format!("{}, {unit}", self.title),
            Lang::Zh => format!("{}（{unit}）", self.title),
        }
    }

    /// A value of this column, exact as far as a table allows.
    #[must_use]
    pub fn format(&self, value: &Value, lang: Lang) -> Formatted {
        if let (Value::Null, Some(absent)) = (value, &self.absent) {
            return Formatted::plain(absent);
        }
        let decimal = || Decimal::of(value);
        let number = |write: &dyn Fn(&Decimal) -> Formatted| {
            decimal().map_or_else(Formatted::missing, |decimal| write(&decimal))
        };
        match self.kind {
            ColumnKind::Count => number(&|decimal| format::fixed(decimal, 0, 0)),
            ColumnKind::Number | ColumnKind::ByRow => number(&format::some),
            ColumnKind::Money => number(&|decimal| format::fixed(decimal, 2, 2)),
            ColumnKind::Share => number(&format::percent),
            // Whole days and whole scores are integers in the rows, and stay so.
            ColumnKind::Score | ColumnKind::Days => {
                number(&|decimal| format::fixed(decimal, usize::from(value.is_f64()), 1))
            }
            ColumnKind::Flag => value
                .as_bool()
                .map_or_else(Formatted::missing, |yes| Formatted::plain(format::flag(yes, lang))),
            ColumnKind::Date | ColumnKind::Period => words(value, date::iso_minutes),
            ColumnKind::Text | ColumnKind::Customer => words(value, str::to_owned),
        }
    }

    /// A value of this column short enough for an axis, a tile or a label,
    /// with its unit.
    #[must_use]
    pub fn brief(&self, value: &Value, lang: Lang) -> Formatted {
        let unit = self.unit.as_deref().unwrap_or_default();
        match (self.kind, Decimal::of(value)) {
            (ColumnKind::Money, Some(decimal)) => format::compact_money(&decimal, unit, lang),
            (ColumnKind::Count | ColumnKind::Number, Some(decimal)) => {
                format::compact(&decimal, lang)
            }
            (ColumnKind::Period, _) if value.is_string() => {
                words(value, |text| date::long(text, lang))
            }
            _ => self.format(value, lang),
        }
    }
}

fn words(value: &Value, write: impl Fn(&str) -> String) -> Formatted {
    match value {
        Value::Null => Formatted::missing(),
        Value::String(text) => Formatted::plain(write(text)),
        other => Formatted::plain(other.to_string()),
    }
}

/// A titled table, for the lists on a customer's page.
#[derive(Debug, Clone)]
pub struct DataTable {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// How many rows there are in all, of which `rows` may be the first.
    pub total: usize,
}

impl DataTable {
    /// The first `most` rows of as many as there are.
    #[must_use]
    pub fn first(&self, most: usize) -> Self {
        let rows = self.rows.iter().take(most).cloned().collect();
        Self { columns: self.columns.clone(), rows, total: self.total }
    }
}

/// Renders rows as a table that can be sorted where all rows are present.
#[must_use]
pub fn render(cx: &Context, caption: &str, table: &DataTable) -> Markup {
    let complete = table.rows.len() >= table.total;
    html! {
        div.scroll tabindex="0" role="group" aria-label=(caption) {
            table data-sort[complete && table.rows.len() > 1] {
                caption.away { (caption) }
                thead {
                    tr {
                        @for column in &table.columns {
                            th scope="col" class=[column.kind.is_numeric().then_some("num")] {
                                (column.heading(cx.lang))
                            }
                        }
                    }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for column in &table.columns {
                                (cell(cx, &of_row(column, row), row.get(&column.name).unwrap_or(&Value::Null)))
                            }
                        }
                    }
                }
            }
        }
        p.note { (row_count(cx.lang, table)) }
    }
}

/// The column as it is in this row.
fn of_row<'a>(column: &'a Column, row: &Row) -> Cow<'a, Column> {
    match row.get(UNIT).and_then(Value::as_str) {
        Some(unit) if column.kind == ColumnKind::ByRow => {
            Cow::Owned(Column { kind: ColumnKind::of_unit(unit), ..column.clone() })
        }
        _ => Cow::Borrowed(column),
    }
}

fn cell(cx: &Context, column: &Column, value: &Value) -> Markup {
    let shown = column.format(value, cx.lang);
    let id = value.as_str().filter(|_| column.kind == ColumnKind::Customer);
    html! {
        @if column.kind.is_numeric() {
            td.num { (shown) }
        } @else if let Some(id) = id {
            td { a href=(cx.customer(id)) { (shown) } }
        } @else if column.kind == ColumnKind::Text {
            td.words { (shown) }
        } @else {
            td { (shown) }
        }
    }
}

fn row_count(lang: Lang, table: &DataTable) -> String {
    let total = grouped(table.total);
    match table.rows.len() {
        shown if shown < table.total => {
            Text::RowsShown.fill(lang, &[("shown", &grouped(shown)), ("total", &total)])
        }
        1 => lang.t(Text::OneRow).to_owned(),
        _ => Text::RowCount.fill(lang, &[("n", &total)]),
    }
}

/// A count with thousands separators.
#[must_use]
pub fn grouped(count: usize) -> String {
    Decimal::of(&Value::from(count)).map_or_else(String::new, |decimal| decimal.grouped(0))
}
