//! What becomes of each row of a batch?
//!
//! Exactly one of three things. *Quarantined*: some feed that the row belongs
//! to found it in breach of a rule, and then nothing of it is kept anywhere,
//! since half a row is a wrong number in the other half's reports. *Filtered*:
//! the mapping says that the row is not wanted. *Kept*: it reached at least
//! one table.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    new_null_array,
};
use arrow::datatypes::TimestampMicrosecondType;

use super::convert::{Bounds, Fault, attributes, convert, missing, null_words, out_of_bounds};
use super::expression::Expression;
use super::plan::{ColumnPlan, FeedPlan, From, Plan, Seen};
use super::read::RawBatch;
use super::reason::Reason;
use crate::error::Result;
use crate::schema::{Kind, Table, TableSpec, attributes_type};

/// Why a row is quarantined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breach {
    /// The source column at fault, or the table's.
    pub column: String,
    pub reason: Reason,
    pub detail: String,
}

/// What a feed gives for a batch: all rows, and which of them it wants.
pub(super) struct FeedRows {
    pub spec: &'static TableSpec,
    /// One per column of the table, null where nothing feeds it; internal
    /// columns are filled in later.
    pub columns: Vec<ArrayRef>,
    /// The rows it wants.
    pub wanted: Vec<bool>,
}

/// A batch after the mapping.
pub(super) struct Rows {
    pub feeds: Vec<FeedRows>,
    /// The breach of every quarantined row; the first found counts.
    pub breaches: BTreeMap<usize, Breach>,
    /// Whether the source's own filter let the row pass.
    pub passed: Vec<bool>,
    /// Cells that a declared word made null, by source column.
    pub nulls: Vec<(usize, u64)>,
}

/// What holds for every row of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// Cells that mean "missing".
    pub null: &'a [String],
    /// The mapping's way to read text in `types`.
    pub parsing: &'a super::convert::Parsing,
    /// When the load happens, microseconds.
    pub load_time: i64,
}

/// Applies a plan to a batch; `row_no` has the data row of each row.
pub(super) fn apply(
    plan: &Plan,
    setting: Setting<'_>,
    raw: &RawBatch,
    row_no: &[i64],
) -> Result<Rows> {
    let n = raw.batch.num_rows();
    let mut work = Work { plan, setting, rows: n, breaches: BTreeMap::new(), nulls: Vec::new() };
    let columns = work.source_columns(raw)?;
    let scope = work.scope(&columns, raw, row_no)?;
    let passed = match &plan.filter {
        Some(filter) => work.truth(filter, &scope, &vec![true; n], "where")?,
        None => vec![true; n],
    };
    let mut feeds = Vec::with_capacity(plan.feeds.len());
    for feed in &plan.feeds {
        feeds.push(work.feed(feed, &columns, &scope, &passed)?);
    }
    Ok(Rows { feeds, breaches: work.breaches, passed, nulls: work.nulls })
}

struct Work<'a> {
    plan: &'a Plan,
    setting: Setting<'a>,
    rows: usize,
    breaches: BTreeMap<usize, Breach>,
    nulls: Vec<(usize, u64)>,
}

impl Work<'_> {
    fn breach(&mut self, column: &str, fault: Fault) {
        self.breaches.entry(fault.row).or_insert_with(|| Breach {
            column: column.to_owned(),
            reason: fault.reason,
            detail: fault.detail,
        });
    }

    /// The columns of the source with null words and declared types applied.
    fn source_columns(&mut self, raw: &RawBatch) -> Result<Vec<ArrayRef>> {
        let mut columns = raw.batch.columns().to_vec();
        if !self.setting.null.is_empty() {
            for (at, column) in columns.iter_mut().enumerate() {
                let text = column.as_string_opt::<i32>();
                if let Some((text, count)) =
                    text.and_then(|text| null_words(text, self.setting.null))
                {
                    *column = Arc::new(text);
                    self.nulls.push((at, count));
                }
            }
        }
        for &(at, kind) in &self.plan.types {
            let converted = convert(&columns[at], kind, self.setting.parsing, None)?;
            for fault in converted.faults {
                self.breach(self.plan.schema.field(at).name(), fault);
            }
            columns[at] = converted.values;
        }
        Ok(columns)
    }

    /// The batch that expressions see.
    fn scope(&self, columns: &[ArrayRef], raw: &RawBatch, row_no: &[i64]) -> Result<RecordBatch> {
        let fields = self.plan.scope_schema.fields();
        let arrays = self.plan.scope.iter().zip(fields).map(|(seen, field)| -> ArrayRef {
            match seen {
                Seen::Column(at) => Arc::clone(&columns[*at]),
                Seen::Absent => new_null_array(field.data_type(), self.rows),
                Seen::Row => Arc::new(Int64Array::from(row_no.to_vec())),
                Seen::Line => Arc::new(
                    raw.lines.iter().map(|&line| i64::try_from(line).ok()).collect::<Int64Array>(),
                ),
                Seen::File => Arc::new(StringArray::from(vec![self.setting.file; self.rows])),
            }
        });
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.plan.scope_schema),
            arrays.collect(),
            &options,
        )?)
    }

    /// For which rows a condition is true; null is not true.
    fn truth(
        &mut self,
        filter: &Expression,
        scope: &RecordBatch,
        among: &[bool],
        label: &str,
    ) -> Result<Vec<bool>> {
        let (values, faults) = filter.evaluate(scope)?;
        for (row, detail) in faults.into_iter().filter(|(row, _)| among[*row]) {
            self.breach(label, Fault { row, reason: Reason::BadExpression, detail });
        }
        let Some(values) = values.as_boolean_opt() else {
            // A condition such as `IsDeleted` on a text column that holds a flag.
            let flags = convert(&values, Kind::Flag, self.setting.parsing, None)?;
            for fault in flags.faults.into_iter().filter(|fault| among[fault.row]) {
                self.breach(label, fault);
            }
            let flags = flags.values.as_boolean().clone();
            return Ok(among
                .iter()
                .zip(&flags)
                .map(|(&among, flag)| among && flag == Some(true))
                .collect());
        };
        Ok(among.iter().zip(values).map(|(&among, value)| among && value == Some(true)).collect())
    }

    fn feed(
        &mut self,
        feed: &FeedPlan,
        columns: &[ArrayRef],
        scope: &RecordBatch,
        passed: &[bool],
    ) -> Result<FeedRows> {
        let spec = feed.spec;
        let wanted = match &feed.filter {
            Some(filter) => self.truth(filter, scope, passed, &format!("{}.where", spec.name))?,
            None => passed.to_vec(),
        };
        let mut out: Vec<ArrayRef> = Vec::with_capacity(spec.columns.len());
        for column in spec.columns {
            let plan = feed.columns.iter().find(|plan| plan.column.name == column.name);
            let array = match plan {
                Some(plan) => self.column(spec, plan, columns, scope, &wanted)?,
                None if column.kind == Kind::Attributes => self.attributes(feed, columns)?,
                None => new_null_array(&column.kind.data_type(), self.rows),
            };
            out.push(array);
        }
        Ok(FeedRows { spec, columns: out, wanted })
    }

    fn column(
        &mut self,
        spec: &TableSpec,
        plan: &ColumnPlan,
        columns: &[ArrayRef],
        scope: &RecordBatch,
        wanted: &[bool],
    ) -> Result<ArrayRef> {
        let values = match &plan.from {
            From::Value(value) => return Ok(value.to_array_of_size(self.rows)?),
            From::Column(at) => Arc::clone(&columns[*at]),
            From::Expression(expression) => {
                let (values, faults) = expression.evaluate(scope)?;
                for (row, detail) in faults.into_iter().filter(|(row, _)| wanted[*row]) {
                    self.breach(&plan.label, Fault { row, reason: Reason::BadExpression, detail });
                }
                values
            }
        };
        let converted = convert(&values, plan.column.kind, &plan.parsing, plan.round)?;
        let is_fact_time = spec.time == Some(plan.column.name) && lies_in_the_past(spec.table);
        let past = is_fact_time.then_some(self.setting.load_time);
        let checked = out_of_bounds(converted, Bounds { column: plan.column, past });
        for fault in checked.faults.into_iter().filter(|fault| wanted[fault.row]) {
            self.breach(&plan.label, fault);
        }
        if plan.column.required {
            // A cell at fault is null as well, but its own breach came first.
            for row in missing(&checked.values).filter(|&row| wanted[row]) {
                let detail = format!("{}.{} must not be empty", spec.name, plan.column.name);
                self.breach(&plan.label, Fault { row, reason: Reason::MissingValue, detail });
            }
        }
        Ok(checked.values)
    }

    fn attributes(&self, feed: &FeedPlan, columns: &[ArrayRef]) -> Result<ArrayRef> {
        if feed.attributes.is_empty() {
            return Ok(new_null_array(&attributes_type(), self.rows));
        }
        let cells = feed.attributes.iter().map(|(name, at)| {
            let text = convert(&columns[*at], Kind::Text, self.setting.parsing, None)?;
            Ok((name.as_str(), text.values))
        });
        attributes(&cells.collect::<Result<Vec<_>>>()?, self.rows)
    }
}

/// Whether rows of a table are facts: a campaign or a contract may well start
/// next month.
fn lies_in_the_past(table: Table) -> bool {
    !matches!(table, Table::Campaigns | Table::Subscriptions)
}

/// When each row could first be known: as mapped, else when it happened, else
/// `otherwise`.
pub(super) fn known_at(feed: &FeedRows, otherwise: Option<i64>) -> Option<ArrayRef> {
    let at = |name: &str| feed.spec.columns.iter().position(|column| column.name == name);
    let times =
        |name: &str| at(name).map(|at| feed.columns[at].as_primitive::<TimestampMicrosecondType>());
    let mapped = times("known_at")?;
    let happened = feed.spec.time.and_then(times);
    if let Some(happened) = happened
        .filter(|happened| mapped.null_count() == mapped.len() && happened.null_count() == 0)
    {
        return Some(Arc::new(happened.clone()));
    }
    let values = (0..mapped.len()).map(|row| {
        let value = |times: &arrow::array::TimestampMicrosecondArray| {
            times.is_valid(row).then(|| times.value(row))
        };
        value(mapped).or_else(|| happened.and_then(value)).or(otherwise)
    });
    let values: arrow::array::TimestampMicrosecondArray = values.collect();
    Some(Arc::new(values.with_timezone("UTC")))
}
