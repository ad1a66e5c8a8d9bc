//! How do a query's rows become the table of a page?
//!
//! A page shows the first rows only, as the rows of `--format json`; instants
//! are put into the reader's time zone, months lose the day nobody meant, and
//! codes become the words the query file has for them. Values are not touched.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::error::Result;
use crate::reports::header::Header;
use crate::reports::render::rows;
use crate::reports::{self, ReportTable};
use crate::serve::ui::format::decimal::Decimal;
use crate::serve::ui::lang::Lang;
use crate::serve::ui::table::{Column, ColumnKind, DataTable, Row, UNIT};
use crate::serve::ui::text::Text;
use crate::tenure::Tenure;

/// The table of at most `most` rows of `report`, the newest if they are by
/// period; money is in `currency`.
pub fn table(
    report: &ReportTable,
    header: &Header,
    currency: Option<&str>,
    most: usize,
    lang: Lang,
) -> Result<DataTable> {
    let mut columns = columns(report, header, currency, lang);
    let newest = columns.first().is_some_and(|first| first.kind == ColumnKind::Period);
    let skipped = if newest { report.rows().saturating_sub(most) } else { 0 };
    let mut rows = rows(&part(&report.batches, skipped, most))?;
    for row in &mut rows {
        if let Some(unit) = row.get("unit").cloned() {
            row.insert(UNIT.to_owned(), unit);
        }
        for (field, column) in report.schema.fields().iter().zip(&columns) {
            if let Some(cell) = row.get_mut(field.name()) {
                readable(cell, field, column, report, header, lang);
            }
        }
    }
    // Without a breakdown, its column is "All" in every row.
    let is_broken_down = report.has_values("breakdown");
    columns.retain(|column| column.name != "breakdown" || is_broken_down);
    if is_broken_down {
        name_none(&mut rows, header, lang);
    }
    let mut columns = with_intervals(columns, header);
    for column in columns.iter_mut().filter(|column| column.kind == ColumnKind::Money) {
        column.whole = is_whole(column, &rows);
    }
    Ok(DataTable { columns, rows, total: report.rows() })
}

/// Names the customers without a value of the breakdown, who are not all of them.
fn name_none(rows: &mut [Row], header: &Header, lang: Lang) {
    let is_null = |row: &Row, name: &str| row.get(name).is_some_and(Value::is_null);
    let without_value = header.without_value(rows, is_null);
    for (row, _) in rows.iter_mut().zip(without_value).filter(|(_, holds)| *holds) {
        row.insert("breakdown".to_owned(), lang.t(Text::NoValue).into());
    }
}

/// Puts an interval's ends under what it is the interval of: the chart's measure
/// if the chart draws them, else the column just before them.
fn with_intervals(columns: Vec<Column>, header: &Header) -> Vec<Column> {
    let mut kept: Vec<Column> = Vec::new();
    let mut left = columns.into_iter().peekable();
    while let Some(column) = left.next() {
        let drawn = header.chart.as_ref().filter(|chart| chart.low.as_ref() == Some(&column.name));
        let measure = match drawn.and_then(|chart| chart.y.first()) {
            Some(y) => kept.iter_mut().find(|known| known.name == *y),
            None => kept.last_mut(),
        };
        let high = column.name.strip_suffix("low").map(|stem| format!("{stem}high"));
        let high =
            left.peek().map(|next| next.name.clone()).filter(|next| Some(next) == high.as_ref());
        let alike = |known: &&mut Column| column.kind.is_numeric() && known.kind == column.kind;
        match measure.filter(alike).zip(high) {
            Some((measure, high)) => {
                measure.interval = Some([column.name, high]);
                left.next();
            }
            None => kept.push(column),
        }
    }
    kept
}

/// Whether no amount in the column, nor an end of its interval, has cents.
fn is_whole(column: &Column, rows: &[Row]) -> bool {
    let names = std::iter::once(&column.name).chain(column.interval.iter().flatten());
    let amounts = names.flat_map(|name| rows.iter().filter_map(|row| Decimal::of(row.get(name)?)));
    amounts.into_iter().all(|amount| amount == amount.round(0))
}

/// The columns of `report`, as its query file describes them.
fn columns(
    report: &ReportTable,
    header: &Header,
    currency: Option<&str>,
    lang: Lang,
) -> Vec<Column> {
    // A report narrowed to one currency has that one.
    let narrowed = match report.values.get("currency") {
        Some(reports::Value::Text(code)) => Some(code.as_str()),
        _ => currency,
    };
    let column = |field: &std::sync::Arc<Field>| {
        let note = header.columns.get(field.name());
        let kind = kind(field, note.map_or("", |note| note.unit.as_str()));
        let title = note.map_or(field.name().as_str(), |note| note.title.get(lang));
        Column {
            unit: narrowed.filter(|_| kind == ColumnKind::Money).map(str::to_owned),
            absent: note.and_then(|note| Some(note.absent.as_ref()?.get(lang).to_owned())),
            ..Column::new(field.name(), title, kind)
        }
    };
    report.schema.fields().iter().map(column).collect()
}

/// What a column's values mean, by its type, its unit, and the one name that
/// is the same everywhere.
fn kind(field: &Field, unit: &str) -> ColumnKind {
    match (field.data_type(), unit) {
        (DataType::Boolean, _) => ColumnKind::Flag,
        (DataType::Date32, _) => ColumnKind::Period,
        (DataType::Timestamp(_, _), _) => ColumnKind::Date,
        (DataType::Utf8, _) if field.name() == "customer_id" => ColumnKind::Customer,
        (data_type, "count") if data_type.is_integer() => ColumnKind::Count,
        (data_type, "count") if data_type.is_numeric() => ColumnKind::Number,
        (data_type, unit) if data_type.is_numeric() => ColumnKind::of_unit(unit),
        _ => ColumnKind::Text,
    }
}

fn readable(
    cell: &mut Value,
    field: &Field,
    column: &Column,
    report: &ReportTable,
    header: &Header,
    lang: Lang,
) {
    let Value::String(text) = cell else { return };
    match column.kind {
        ColumnKind::Period if is_monthly(report) => text.truncate("2025-01".len()),
        ColumnKind::Date if matches!(field.data_type(), DataType::Timestamp(_, _)) => {
            if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
                let local = instant.with_timezone(&report.tz);
                *text = local.format("%Y-%m-%dT%H:%M:%S").to_string();
            }
        }
        ColumnKind::Text | ColumnKind::Period => {
            if let Some(words) = report.called(header, field.name(), text, lang) {
                words.to_owned().clone_into(text);
            }
        }
        _ => {}
    }
}

/// Whether the report's periods are months, so that a day says nothing.
fn is_monthly(report: &ReportTable) -> bool {
    report.values.get("period") == Some(&reports::Value::Text("month".to_owned()))
}

/// At most `most` rows after the first `skipped`.
fn part(batches: &[RecordBatch], mut skipped: usize, most: usize) -> Vec<RecordBatch> {
    let mut left = most;
    let mut kept = Vec::new();
    for batch in batches {
        let start = skipped.min(batch.num_rows());
        skipped -= start;
        let rows = (batch.num_rows() - start).min(left);
        kept.push(batch.slice(start, rows));
        left -= rows;
        if left == 0 {
            break;
        }
    }
    kept
}

/// A text cell.
pub fn text(row: &Row, name: &str) -> Option<String> {
    row.get(name)?.as_str().map(str::to_owned)
}

/// The day a report stands at, where its reader is.
pub fn day(report: &ReportTable) -> String {
    report.as_of.with_timezone(&report.tz).date_naive().to_string()
}

/// The day of a score's cutoff, in the time zone of the settings.
pub fn cutoff(score: &Row, tenure: &Tenure) -> Option<String> {
    let instant = DateTime::parse_from_rfc3339(score.get("cutoff")?.as_str()?).ok()?;
    day_of(instant.to_utc(), tenure)
}

/// The day of an instant, in the time zone of the settings.
pub fn day_of(instant: DateTime<Utc>, tenure: &Tenure) -> Option<String> {
    let tz = reports::params::time_zone(&tenure.config().tz).ok()?;
    Some(instant.with_timezone(&tz).date_naive().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reports::catalogue::Catalogue;
    use crate::reports::{Purpose, header};

    fn column(name: &str, kind: ColumnKind) -> Column {
        Column::new(name, name, kind)
    }

    fn chart(chart: &str) -> Header {
        let head = format!(
            "--! title = {{ en = \"T\", zh = \"T\" }}\n\
             --! description = {{ en = \"D\", zh = \"D\" }}\n--! chart = {{ {chart} }}\n"
        );
        header::parse("x.sql", &head).unwrap()
    }

    #[test]
    fn every_interval_of_every_report_has_its_measure() {
        let catalogue = Catalogue::load(None, &toml::Table::new()).unwrap();
        for query in catalogue.all(Purpose::Report) {
            let unit = |name: &str| query.header.columns.get(name).map(|note| note.unit.clone());
            let kind = |name: &str| ColumnKind::of_unit(&unit(name).unwrap_or_default());
            let columns = query.columns.iter().map(|name| column(name, kind(name))).collect();
            for left in with_intervals(columns, &query.header) {
                let is_end = left.name == "low" || left.name.ends_with("_low");
                assert!(!is_end, "{}: whose interval is {}?", query.name, left.name);
            }
        }
    }

    #[test]
    fn an_interval_is_the_drawn_measures_or_that_of_the_column_before() {
        let shares = ["a", "b", "low", "high", "c", "c_low", "c_high", "d_low", "e"];
        let columns = || shares.map(|name| column(name, ColumnKind::Share)).to_vec();
        let of = |header: &Header| -> Vec<(String, Option<String>)> {
            let kept = with_intervals(columns(), header).into_iter();
            kept.map(|column| (column.name, column.interval.map(|ends| ends.concat()))).collect()
        };
        let some = |text: &str| Some(text.to_owned());
        let drawn = of(&chart("kind = \"bar\", y = [\"a\"], low = \"low\", high = \"high\""));
        assert_eq!(drawn[..2], [("a".to_owned(), some("lowhigh")), ("b".to_owned(), None)]);
        let before = of(&chart("kind = \"table\""));
        assert_eq!(before[1], ("b".to_owned(), some("lowhigh")));
        assert_eq!(before[2], ("c".to_owned(), some("c_lowc_high")));
        // What has no partner, or another unit, stays a column.
        assert_eq!(before.len(), 5);
        let other = vec![
            column("n", ColumnKind::Count),
            column("low", ColumnKind::Share),
            column("high", ColumnKind::Share),
        ];
        assert_eq!(with_intervals(other, &chart("kind = \"table\"")).len(), 3);
    }

    #[test]
    fn customers_without_a_value_are_not_all_customers() {
        let row =
            |x: Value, by: Value| json!({ "x": x, "breakdown": by }).as_object().cloned().unwrap();
        let named = |head: &str, rows: &[Row]| -> Vec<bool> {
            let mut rows = rows.to_vec();
            name_none(&mut rows, &chart(head), Lang::En);
            rows.iter().map(|row| row["breakdown"] == "(none)").collect()
        };
        let null = Value::Null;
        let one_total = [
            row(json!("x"), json!("A")),
            row(json!("x"), null.clone()),
            row(null.clone(), null.clone()),
        ];
        let bars = "kind = \"bar\", x = \"x\"";
        assert_eq!(named(bars, &one_total), [false, true, false]);
        let each = [row(null.clone(), json!("A")), row(null.clone(), null)];
        assert_eq!(named(bars, &each), [false, true]);
        assert_eq!(
            named("kind = \"bar\", x = \"x\", none = true", &one_total),
            [false, true, true]
        );
        assert_eq!(named("kind = \"bar\", x = \"breakdown\"", &one_total), [false; 3]);
    }
}
