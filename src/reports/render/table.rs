//! How does a person read a report in a terminal?

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, TableComponent};

use super::{ReportTable, is_null, is_numeric};
use crate::config::Language;
use crate::reports::header::Header;

/// An aligned table with headings and units in `language`. Its width is what
/// the content needs: a terminal wraps, a file keeps whole rows.
#[must_use]
pub fn table(report: &ReportTable, header: &Header, language: Language) -> String {
    let mut table = ruled();
    let fields = report.schema.fields();
    table.set_header(fields.iter().map(|field| {
        let note = header.columns.get(field.name());
        let title = note.map_or(field.name().as_str(), |note| note.title.get(language));
        Cell::new(title).set_alignment(alignment(field.data_type()))
    }));
    let mut without_value = without_value(report, header).into_iter();
    for batch in &report.batches {
        for row in 0..batch.num_rows() {
            let has_no_value = without_value.next().unwrap_or_default();
            table.add_row(batch.columns().iter().zip(fields).map(|(column, field)| {
                let unit = unit(header, field.name(), batch, row);
                let text = cell_text(column.as_ref(), row, unit);
                let absent = header.columns.get(field.name()).and_then(|note| note.absent.as_ref());
                let words = match is_null(column.as_ref(), row) {
                    true if has_no_value && field.name() == "breakdown" => {
                        Some(language.pick("(none)", "（未填）"))
                    }
                    true => absent.map(|absent| absent.get(language)),
                    false => report.called(header, field.name(), &text, language),
                };
                Cell::new(words.unwrap_or(&text)).set_alignment(alignment(field.data_type()))
            }));
        }
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// An empty table with a rule below its headings and none between its rows.
#[must_use]
pub fn ruled() -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    table
}

/// Which rows are of the customers without a value of the breakdown.
fn without_value(report: &ReportTable, header: &Header) -> Vec<bool> {
    if !report.has_values("breakdown") {
        return vec![false; report.rows()];
    }
    let of = |batch| (0..RecordBatch::num_rows(batch)).map(move |row| (batch, row));
    let rows: Vec<(&RecordBatch, usize)> = report.batches.iter().flat_map(of).collect();
    header.without_value(&rows, |(batch, row), name| {
        batch.column_by_name(name).is_some_and(|column| is_null(column.as_ref(), *row))
    })
}

/// What a cell is measured in: as its column says, or the row.
pub(super) fn unit<'a>(
    header: &'a Header,
    column: &str,
    batch: &'a RecordBatch,
    row: usize,
) -> &'a str {
    let unit = header.columns.get(column).map_or("", |note| note.unit.as_str());
    match (unit, own_unit(batch, row)) {
        ("change_by_row", "share") => "points",
        ("by_row" | "change_by_row", own) => own,
        (unit, _) => unit,
    }
}

/// What the row's column `unit` says.
fn own_unit(batch: &RecordBatch, row: usize) -> &str {
    let units = batch.column_by_name("unit").and_then(|units| units.as_string_opt::<i32>());
    units.filter(|units| units.is_valid(row)).map_or("", |units| units.value(row))
}

fn alignment(data_type: &DataType) -> CellAlignment {
    if is_numeric(data_type) { CellAlignment::Right } else { CellAlignment::Left }
}

/// One cell as a person reads it: shares as percentages, their differences in
/// percentage points (pp), money to the cent with thousands apart, a missing value as a dash.
#[must_use]
pub fn cell_text(column: &dyn Array, row: usize, unit: &str) -> String {
    if is_null(column, row) {
        return "–".to_owned();
    }
    match (column.data_type(), unit) {
        (DataType::Float64, "share") => {
            format!("{:.1} %", 100.0 * column.as_primitive::<Float64Type>().value(row))
        }
        (DataType::Float64, "points") => {
            format!("{:+.1} pp", 100.0 * column.as_primitive::<Float64Type>().value(row))
        }
        (DataType::Float64, "count") => {
            grouped(&format!("{:.0}", column.as_primitive::<Float64Type>().value(row)))
        }
        (DataType::Float64, _) => {
            grouped(&format!("{:.2}", column.as_primitive::<Float64Type>().value(row)))
        }
        (DataType::Decimal128(_, _), _) => grouped(&to_cents(&exact(column, row))),
        (data_type, _) if data_type.is_integer() => grouped(&exact(column, row)),
        (DataType::Boolean, _) => if column.as_boolean().value(row) { "✓" } else { "…" }.to_owned(),
        (DataType::Timestamp(TimeUnit::Microsecond, _), _) => {
            exact(column, row).trim_end_matches('Z').replace('T', " ")
        }
        _ => exact(column, row),
    }
}

fn exact(column: &dyn Array, row: usize) -> String {
    ArrayFormatter::try_new(column, &FormatOptions::default())
        .map(|formatter| formatter.value(row).to_string())
        .unwrap_or_default()
}

/// Rounds an exact decimal text to two places, half to even.
fn to_cents(text: &str) -> String {
    let Some((whole, places)) = text.split_once('.') else { return format!("{text}.00") };
    if places.len() <= 2 {
        return format!("{whole}.{places:0<2}");
    }
    let (kept, rest) = places.split_at(2);
    let digits: i128 = format!("{whole}{kept}").parse().unwrap_or_default();
    let half = format!("5{}", "0".repeat(rest.len() - 1));
    let up = rest > half.as_str() || (rest == half && digits % 2 != 0);
    let rounded = digits.unsigned_abs() + u128::from(up);
    let sign = if text.starts_with('-') && rounded > 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", rounded / 100, rounded % 100)
}

/// A number with its thousands apart: `-1234567.5` as `-1,234,567.5`. What is
/// not a number stays as it is.
#[must_use]
pub fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, places) = rest.split_once('.').map_or((rest, None), |(w, p)| (w, Some(p)));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(places) = places {
        out.push('.');
        out.push_str(places);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_half_to_even_and_grouped() {
        assert_eq!(grouped(&to_cents("9747747.9340")), "9,747,747.93");
        assert_eq!(to_cents("0.0050"), "0.00");
        assert_eq!(to_cents("0.0150"), "0.02");
        assert_eq!(to_cents("0.0051"), "0.01");
        assert_eq!(to_cents("-0.0150"), "-0.02");
        assert_eq!(to_cents("-0.0010"), "0.00");
        assert_eq!(to_cents("12"), "12.00");
        assert_eq!(grouped("-1234567"), "-1,234,567");
        assert_eq!(grouped("NaN"), "NaN");
    }
}
