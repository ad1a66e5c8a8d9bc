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

/// Letters from which words get more room, so that a sentence is no tower of lines.
const LONG: usize = 60;

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
    /// A difference of two shares, shown in percentage points.
    Points,
    /// A score on its own scale, such as NPS.
    Score,
    /// A length of time in days.
    Days,
    /// A number in the unit that the row names, under [`UNIT`].
    ByRow,
    /// A difference of two such numbers.
    ChangeByRow,
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
            "points" => Self::Points,
            "money" => Self::Money,
            "days" => Self::Days,
            "score" => Self::Score,
            "by_row" => Self::ByRow,
            "change_by_row" => Self::ChangeByRow,
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
                | Self::Points
                | Self::Score
                | Self::Days
                | Self::ByRow
                | Self::ChangeByRow
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
    /// Whether every amount is whole, so that cents say nothing.
    pub whole: bool,
    /// The columns that hold the ends of the interval around a value.
    pub interval: Option<[String; 2]>,
}

impl Column {
    /// A column whose values stand for themselves.
    #[must_use]
    pub fn new(name: impl Into<String>, title: impl Into<String>, kind: ColumnKind) -> Self {
        let (name, title) = (name.into(), title.into());
        Self { name, title, unit: None, kind, absent: None, whole: false, interval: None }
    }

    /// The heading with its unit, `Revenue, £`, unless the title says it.
    #[must_use]
    pub fn heading(&self, lang: Lang) -> String {
        let unit = match (self.kind, self.unit.as_deref()) {
            (ColumnKind::Money, Some(code)) => format::currency_sign(code).trim().to_owned(),
            (ColumnKind::Days, None) => lang.t(Text::DaysUnit).to_owned(),
            (ColumnKind::Points, None) => lang.t(Text::PointsUnit).to_owned(),
            (_, unit) => unit.unwrap_or_default().to_owned(),
        };
        // "pp" may be part of any word.
        let is_said = self.kind != ColumnKind::Points && self.title.to_lowercase().contains(&unit);
        if unit.is_empty() || is_said {
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
            ColumnKind::Number | ColumnKind::ByRow | ColumnKind::ChangeByRow => {
                number(&format::some)
            }
            ColumnKind::Money => {
                let places = if self.whole { 0 } else { 2 };
                number(&|decimal| format::fixed(decimal, places, places))
            }
            ColumnKind::Share => number(&format::percent),
            ColumnKind::Points => number(&format::points),
            // Whole days and whole scores are integers in the rows, and stay so.
            ColumnKind::Score | ColumnKind::Days => {
                number(&|decimal| format::tenths(decimal, usize::from(value.is_f64())))
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
            (ColumnKind::Points, Some(decimal)) => {
                let Formatted { text, exact } = format::points(&decimal);
                Formatted { text: Text::Points.fill(lang, &[("n", &text)]), exact }
            }
            (ColumnKind::Period, _) if value.is_string() => {
                words(value, |text| date::long(text, lang))
            }
            _ => self.format(value, lang),
        }
    }

    /// The interval around this column's value in `row`, if the row has both ends.
    fn interval(&self, row: &Row, lang: Lang) -> Option<String> {
        let end = |name: &String| row.get(name).filter(|end| !end.is_null());
        let [low, high] = self.interval.as_ref()?;
        let [low, high] = [end(low)?, end(high)?].map(|end| self.format(end, lang).text);
        let low = low.trim_end_matches('%');
        Some(Text::Interval.fill(lang, &[("low", low), ("high", &high)]))
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
    /// Whether rows are by calendar period, the earliest first.
    #[must_use]
    pub fn is_by_period(&self) -> bool {
        self.columns.first().is_some_and(|first| first.kind == ColumnKind::Period)
    }

    /// The first `most` rows of as many as there are, the newest period first.
    #[must_use]
    pub fn first(&self, most: usize) -> Self {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        if let Some(period) = self.columns.first().filter(|_| self.is_by_period()) {
            let of = |row: &Row| row.get(&period.name).and_then(Value::as_str).map(str::to_owned);
            rows.sort_by_key(|row| std::cmp::Reverse(of(row)));
        }
        let rows = rows.into_iter().take(most).cloned().collect();
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
                                (cell(cx, &of_row(column, row), row))
                            }
                        }
                    }
                }
            }
        }
        p.note {
            (row_count(cx.lang, table))
            @if table.columns.iter().any(|column| column.interval.is_some()) {
                " · " (cx.lang.t(Text::IntervalNote))
            }
        }
    }
}

/// The column as it is in this row.
fn of_row<'a>(column: &'a Column, row: &Row) -> Cow<'a, Column> {
    match row.get(UNIT).and_then(Value::as_str) {
        Some("share") if column.kind == ColumnKind::ChangeByRow => {
            Cow::Owned(Column { kind: ColumnKind::Points, ..column.clone() })
        }
        Some(unit) if matches!(column.kind, ColumnKind::ByRow | ColumnKind::ChangeByRow) => {
            Cow::Owned(Column { kind: ColumnKind::of_unit(unit), ..column.clone() })
        }
        _ => Cow::Borrowed(column),
    }
}

fn cell(cx: &Context, column: &Column, row: &Row) -> Markup {
    let value = row.get(&column.name).unwrap_or(&Value::Null);
    // A heading of several units can not say that these are points.
    let says_unit = column.kind == ColumnKind::Points && row.contains_key(UNIT);
    let shown =
        if says_unit { column.brief(value, cx.lang) } else { column.format(value, cx.lang) };
    let id = value.as_str().filter(|_| column.kind == ColumnKind::Customer);
    html! {
        @if column.kind.is_numeric() {
            td.num {
                (shown)
                @if let Some(interval) = column.interval(row, cx.lang) {
                    span.interval { (interval) }
                }
            }
        } @else if let Some(id) = id {
            td { a href=(cx.customer(id)) { (shown) } }
        } @else if column.kind == ColumnKind::Text {
            td.words.long[shown.text.chars().count() > LONG] { (shown) }
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
