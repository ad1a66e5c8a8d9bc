//! Is this row new, or the same thing told again?
//!
//! Rows of a table with a key are versions of one thing, and an export often
//! repeats the thing on every line: each of half a million invoice lines says
//! the customer's country. Within one load a row is written only if it differs
//! from the version of the same key written before it.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef};
use datafusion::common::hash_utils::{RandomState, create_hashes};

use crate::error::Result;

/// The versions of one table written in one load.
///
/// Keys and contents are remembered as hashes of 128 bits, so that two
/// different rows pass for equal about once in 10^24 loads of a million rows.
#[derive(Debug, Default)]
pub(super) struct Versions {
    written: HashMap<u128, u128>,
}

impl Versions {
    /// Whether each row says something new; a row with a null in its key
    /// always does.
    pub(super) fn changed(
        &mut self,
        key: &[ArrayRef],
        content: &[ArrayRef],
        rows: usize,
    ) -> Result<Vec<bool>> {
        let keys = fingerprints(key, rows)?;
        let contents = fingerprints(content, rows)?;
        let complete = |row: usize| key.iter().all(|column| column.is_valid(row));
        Ok((0..rows)
            .map(|row| {
                !complete(row)
                    || self.written.insert(keys[row], contents[row]) != Some(contents[row])
            })
            .collect())
    }
}

fn fingerprints(columns: &[ArrayRef], rows: usize) -> Result<Vec<u128>> {
    let mut low = vec![0; rows];
    let mut high = vec![0; rows];
    create_hashes(columns, &RandomState::with_seed(1), &mut low)?;
    create_hashes(columns, &RandomState::with_seed(2), &mut high)?;
    Ok(low
        .into_iter()
        .zip(high)
        .map(|(low, high)| u128::from(high) << 64 | u128::from(low))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;

    use super::*;

    fn text(cells: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(cells.to_vec()))
    }

    #[test]
    fn only_changes_and_rows_without_a_key_are_new() {
        let mut versions = Versions::default();
        let key = text(&[Some("a"), Some("a"), Some("b"), Some("a"), None, None]);
        let country = text(&[Some("UK"), Some("UK"), Some("UK"), None, Some("UK"), Some("UK")]);
        let changed = versions
            .changed(std::slice::from_ref(&key), &[key.clone(), country.clone()], 6)
            .unwrap();
        assert_eq!(changed, [true, false, true, true, true, true]);
        // A second batch of the load goes on where the first ended.
        let again = versions
            .changed(&[key.slice(0, 1)], &[key.slice(0, 1), country.slice(0, 1)], 1)
            .unwrap();
        assert_eq!(again, [true]);
    }
}
