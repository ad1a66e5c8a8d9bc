//! How do a query's rows become the table of a page?
//!
//! A page shows the first rows only, as the rows of `--format json`; instants
//! are put into the reader's time zone, months lose the day nobody meant, and
//! codes become the words the query file has for them. Values are not touched.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field};
use chrono::DateTime;
use serde_json::Value;

use crate::error::Result;
use crate::reports::header::Header;
use crate::reports::render::rows;
use crate::reports::{self, ReportTable};
use crate::serve::ui::lang::Lang;
use crate::serve::ui::table::{Column, ColumnKind, DataTable, Row, UNIT};
use crate::tenure::Tenure;

/// The table of at most `most` rows of `report`; money is in `currency`.
pub fn table(
    report: &ReportTable,
    header: &Header,
    currency: Option<&str>,
    most: usize,
    lang: Lang,
) -> Result<DataTable> {
    let mut columns = columns(report, header, currency, lang);
    let mut rows = rows(&first(&report.batches, most))?;
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
    columns.retain(|column| column.name != "breakdown" || !is_empty(report, "breakdown"));
    Ok(DataTable { columns, rows, total: report.rows() })
}

/// Whether a column has no value in any row.
fn is_empty(report: &ReportTable, name: &str) -> bool {
    let mut columns = report.batches.iter().filter_map(|batch| batch.column_by_name(name));
    columns.all(|column| column.null_count() == column.len())
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
        Column {
            name: field.name().clone(),
            title: note.map_or(field.name().as_str(), |note| note.title.get(lang)).to_owned(),
            unit: narrowed.filter(|_| kind == ColumnKind::Money).map(str::to_owned),
            kind,
            absent: note.and_then(|note| Some(note.absent.as_ref()?.get(lang).to_owned())),
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
        ColumnKind::Text => {
            if let Some(words) = header.words(field.name(), text) {
                words.get(lang).clone_into(text);
            }
        }
        _ => {}
    }
}

/// Whether the report's periods are months, so that a day says nothing.
fn is_monthly(report: &ReportTable) -> bool {
    report.values.get("period") == Some(&reports::Value::Text("month".to_owned()))
}

/// The first `most` rows.
fn first(batches: &[RecordBatch], most: usize) -> Vec<RecordBatch> {
    let mut left = most;
    let mut kept = Vec::new();
    for batch in batches {
        let rows = batch.num_rows().min(left);
        kept.push(batch.slice(0, rows));
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
    let tz = reports::params::time_zone(&tenure.config().tz).ok()?;
    Some(instant.with_timezone(&tz).date_naive().to_string())
}
