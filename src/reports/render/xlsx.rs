//! How does a report become a workbook whose cells can be calculated with?

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};
use chrono::NaiveDate;
use rust_xlsxwriter::{Format as CellFormat, Workbook, Worksheet, XlsxError};

use super::table::{cell_text, unit};
use super::{ReportTable, is_null};
use crate::config::Language;
use crate::error::{Error, ErrorKind, Result};
use crate::reports::header::Header;

/// One sheet: headings in `language`, typed cells, frozen head, filter.
pub(super) fn xlsx(report: &ReportTable, header: &Header, language: Language) -> Result<Vec<u8>> {
    let mut workbook = Workbook::new();
    // The file's bytes must depend on the data alone, not on when it was made.
    let made = rust_xlsxwriter::ExcelDateTime::from_timestamp(report.as_of.timestamp())
        .map_err(refused)?;
    workbook.set_properties(
        &rust_xlsxwriter::DocProperties::new()
            .set_title(header.title.get(language))
            .set_creation_datetime(&made),
    );
    fill(workbook.add_worksheet(), report, header, language).map_err(refused)?;
    workbook.save_to_buffer().map_err(refused)
}

fn refused(error: XlsxError) -> Error {
    Error::new(ErrorKind::Limit, format!("the report does not fit a workbook: {error}"))
        .hint("a sheet holds 1,048,576 rows and 32,767 characters a cell; use --format csv")
}

fn fill(
    sheet: &mut Worksheet,
    report: &ReportTable,
    header: &Header,
    language: Language,
) -> Result<(), XlsxError> {
    let head = CellFormat::new().set_bold();
    for (index, field) in report.schema.fields().iter().enumerate() {
        let note = header.columns.get(field.name());
        let title = note.map_or(field.name().as_str(), |note| note.title.get(language));
        sheet.write_with_format(0, column_no(index)?, title, &head)?;
    }
    let mut line = 0_u32;
    for batch in &report.batches {
        for row in 0..batch.num_rows() {
            line += 1;
            for (index, (column, field)) in
                batch.columns().iter().zip(report.schema.fields()).enumerate()
            {
                let unit = unit(header, field.name(), batch, row);
                write(sheet, line, column_no(index)?, column.as_ref(), row, unit)?;
            }
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    if let Some(last) = report.schema.fields().len().checked_sub(1) {
        sheet.autofilter(0, 0, line, column_no(last)?)?;
    }
    sheet.autofit();
    Ok(())
}

fn column_no(index: usize) -> Result<u16, XlsxError> {
    u16::try_from(index).map_err(|_| XlsxError::RowColumnLimitError)
}

fn write(
    sheet: &mut Worksheet,
    line: u32,
    at: u16,
    column: &dyn Array,
    row: usize,
    unit: &str,
) -> Result<(), XlsxError> {
    if is_null(column, row) {
        return Ok(());
    }
    let pattern = |pattern: &str| CellFormat::new().set_num_format(pattern);
    match column.data_type() {
        DataType::Float64 => {
            let number = column.as_primitive::<Float64Type>().value(row);
            let format = match unit {
                "share" => "0.0%",
                // A difference of shares shows its sign.
                "points" => "+0.0%;-0.0%;0.0%",
                _ => "#,##0.00",
            };
            sheet.write_number_with_format(line, at, number, &pattern(format))?;
        }
        DataType::Int64 => {
            // A workbook's numbers are doubles: exact up to 2^53.
            let number = column.as_primitive::<Int64Type>().value(row) as f64;
            sheet.write_number_with_format(line, at, number, &pattern("#,##0"))?;
        }
        DataType::Decimal128(_, _) => {
            let exact = cell_text(column, row, unit).replace(',', "");
            let number = exact.parse::<f64>().unwrap_or(f64::NAN);
            sheet.write_number_with_format(line, at, number, &pattern("#,##0.00"))?;
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row);
            let date = NaiveDate::from_epoch_days(days).unwrap_or_default().to_string();
            let date = rust_xlsxwriter::ExcelDateTime::parse_from_str(&date)?;
            sheet.write_datetime_with_format(line, at, &date, &pattern("yyyy-mm-dd"))?;
        }
        DataType::Boolean => {
            sheet.write_boolean(line, at, column.as_boolean().value(row))?;
        }
        _ => {
            sheet.write_string(line, at, cell_text(column, row, unit))?;
        }
    }
    Ok(())
}
