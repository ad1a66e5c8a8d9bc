//! How is a row that broke a rule kept, so that it can be repaired?
//!
//! With the file, the line, the column, a stable reason code, words for
//! people, and the row verbatim: enough to fix the source, and enough to prove
//! that no row vanished.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};

use super::read::RawBatch;
use super::rows::Breach;
use crate::error::Result;
use crate::schema::Table;

/// The load whose rows are quarantined.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp<'a> {
    pub file: &'a str,
    pub load_id: i64,
    pub load_time: i64,
}

/// The quarantined rows of a batch, by line; none if all is well.
pub(super) fn quarantined(
    stamp: Stamp<'_>,
    raw: &RawBatch,
    breaches: &BTreeMap<usize, Breach>,
) -> Result<Option<RecordBatch>> {
    struct Row<'a> {
        line: u64,
        column: Option<&'a str>,
        reason: &'a str,
        detail: &'a str,
        raw: String,
    }
    let unread = raw.bad.iter().map(|bad| Row {
        line: bad.line,
        column: bad.column.as_deref(),
        reason: bad.reason,
        detail: &bad.detail,
        raw: bad.raw.clone(),
    });
    let broken = breaches.iter().map(|(&row, breach)| Row {
        line: raw.lines[row],
        column: Some(&breach.column),
        reason: breach.reason.code(),
        detail: &breach.detail,
        raw: raw.raw(row),
    });
    let mut rows: Vec<Row<'_>> = unread.chain(broken).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    rows.sort_by_key(|row| row.line);
    let known =
        TimestampMicrosecondArray::from(vec![stamp.load_time; rows.len()]).with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![stamp.file; rows.len()])),
        Arc::new(rows.iter().map(|row| i64::try_from(row.line).ok()).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.column).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.reason)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.detail)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.raw.as_str())).collect::<StringArray>()),
        Arc::new(known),
        Arc::new(Int64Array::from(vec![stamp.load_id; rows.len()])),
    ];
    Ok(Some(RecordBatch::try_new(Table::Quarantine.spec().schema(), columns)?))
}
