//! Are two computations of the same scores equal in every bit?
//!
//! Every column of `scores` is compared, whichever there are: floats by their
//! bits, so that 0 and -0 differ and a NaN equals itself.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::take;
use arrow::util::display::array_value_to_string;

use super::{Difference, ReplaySummary};
use crate::error::Result;
use crate::tenure::score_rows::{Prepared, Stamp};

/// A run's scores, computed once more.
pub(super) struct Again<'a> {
    prepared: &'a Prepared,
    stamp: Stamp,
    places: HashMap<&'a str, usize>,
}

impl<'a> Again<'a> {
    pub(super) fn new(prepared: &'a Prepared, stamp: Stamp) -> Self {
        let ids = prepared.frame.ids().iter().enumerate();
        let places = ids.map(|(row, id)| (id.as_str(), row)).collect();
        Self { prepared, stamp, places }
    }

    /// Compares the rows of the customers that are wanted.
    pub(super) fn compare(
        &self,
        recorded: &RecordBatch,
        wanted: &BTreeSet<&str>,
        summary: &mut ReplaySummary,
    ) -> Result<()> {
        let named = || recorded.column_by_name("customer_id").map(|ids| ids.as_string::<i32>());
        let Some(ids) = named() else { return Ok(()) };
        let (mut theirs, mut ours, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for row in 0..ids.len() {
            let id = ids.value(row);
            if !wanted.contains(id) {
                continue;
            }
            // A customer has one row in a run; another was put beside it.
            let whole = |recorded: &str, recomputed: Option<&str>| Difference {
                run_id: self.stamp.run_id,
                customer_id: id.to_owned(),
                column: None,
                recorded: Some(recorded.to_owned()),
                recomputed: recomputed.map(str::to_owned),
            };
            match self.places.get(id) {
                _ if !seen.insert(id) => summary.differ(whole("a second row", Some("one row"))),
                None => summary.differ(whole("a row", None)),
                Some(place) => {
                    theirs.push(u32::try_from(row).unwrap_or(u32::MAX));
                    ours.push(*place);
                }
            }
        }
        let again = self.prepared.rows(&ours, self.stamp)?;
        let theirs = UInt32Array::from(theirs);
        let mut differs = vec![false; ours.len()];
        for (column, field) in recorded.schema().fields().iter().enumerate() {
            let before = take(recorded.column(column), &theirs, None)?;
            let after: &ArrayRef = again.column(column);
            let distinct = distinct(&before, after)?;
            for row in (0..ours.len()).filter(|row| distinct.value(*row)) {
                differs[row] = true;
                let shown = |values: &ArrayRef| -> Result<Option<String>> {
                    let text = || array_value_to_string(values, row);
                    Ok(values.is_valid(row).then(text).transpose()?)
                };
                summary.differ(Difference {
                    run_id: self.stamp.run_id,
                    customer_id: self.prepared.frame.ids()[ours[row]].clone(),
                    column: Some(field.name().clone()),
                    recorded: shown(&before)?,
                    recomputed: shown(after)?,
                });
            }
        }
        summary.equal += differs.iter().filter(|differs| !**differs).count();
        Ok(())
    }

    /// Finds customers that come out of the replay of a whole run and have no
    /// row in it.
    pub(super) fn compare_whom(&self, recorded: &[String], summary: &mut ReplaySummary) {
        for id in self.prepared.frame.ids() {
            if recorded.binary_search(id).is_err() {
                summary.differ(Difference {
                    run_id: self.stamp.run_id,
                    customer_id: id.clone(),
                    column: None,
                    recorded: None,
                    recomputed: Some("a row".to_owned()),
                });
            }
        }
    }
}
