//! The laws every [`Measure`] obeys, as functions a test hands its rows to.

use arrow::array::{Array, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::{Collector, Measure};
use crate::functions::groups::Ungrouped;

/// The answer for one customer whose rows are `rows`, in one piece.
pub(crate) fn whole<M: Measure>(measure: &M, rows: &RecordBatch) -> ScalarValue {
    let mut single = Ungrouped::new(Collector::new(measure.clone()));
    single.update_batch(rows.columns()).unwrap();
    let answer = single.evaluate().unwrap();
    assert_eq!(single.evaluate().unwrap(), answer, "evaluate took something out");
    answer
}

/// Rows in any order, split anywhere, merged in any order, through either kind
/// of accumulator, give the answer of the whole.
pub(crate) fn obeys_the_laws<M: Measure>(measure: &M, rows: &RecordBatch) {
    let expected = whole(measure, rows);
    let n = rows.num_rows() as u64;
    let backwards = take_record_batch(rows, &(0..n).rev().collect::<UInt64Array>()).unwrap();
    assert_eq!(whole(measure, &backwards), expected, "row order matters");

    for cut in 0..=rows.num_rows() {
        let parts = [rows.slice(0, cut), rows.slice(cut, rows.num_rows() - cut)];
        for order in [[0, 1], [1, 0]] {
            let mut merged = Ungrouped::new(Collector::new(measure.clone()));
            for part in order.map(|index| &parts[index]) {
                let mut partial = Ungrouped::new(Collector::new(measure.clone()));
                partial.update_batch(part.columns()).unwrap();
                let state = partial.state().unwrap()[0].to_array().unwrap();
                merged.merge_batch(&[state]).unwrap();
            }
            assert_eq!(merged.evaluate().unwrap(), expected, "cut {cut}, {order:?}");
        }
    }
    grouped(measure, rows, &expected);
}

/// Three interleaved customers with the same rows, emitted one by one and all
/// at once, after partial states row by row.
fn grouped<M: Measure>(measure: &M, rows: &RecordBatch, expected: &ScalarValue) {
    let n = rows.num_rows();
    let tripled = concat_batches(&rows.schema(), [rows, rows, rows]).unwrap();
    let groups: Vec<usize> = (0..3 * n).map(|row| row / n.max(1)).collect();
    // A row the filter drops must not count; give group 1 extra dropped rows.
    let noisy = concat_batches(&rows.schema(), [&tripled, rows]).unwrap();
    let noisy_groups: Vec<usize> = groups.iter().copied().chain(vec![1; n]).collect();
    let filter: BooleanArray = (0..4 * n).map(|row| Some(row < 3 * n)).collect();

    let mut direct = Collector::new(measure.clone());
    direct.update_batch(noisy.columns(), &noisy_groups, Some(&filter), 3).unwrap();
    for left in [2, 1] {
        let first = direct.evaluate(EmitTo::First(1)).unwrap();
        assert_eq!(&ScalarValue::try_from_array(&first, 0).unwrap(), expected);
        // Rows that come after an emission are numbered from the new start.
        assert_eq!(direct.n_groups, left);
    }
    let mut by_row = Collector::new(measure.clone());
    let states = by_row.convert_to_state(noisy.columns(), Some(&filter)).unwrap();
    by_row.merge_batch(&states, &noisy_groups, 3).unwrap();
    let half = by_row.state(EmitTo::First(2)).unwrap();
    let mut last = Collector::new(measure.clone());
    last.merge_batch(&half, &[0, 1], 2).unwrap();
    last.merge_batch(&by_row.state(EmitTo::All).unwrap(), &[2], 3).unwrap();
    let answers = last.evaluate(EmitTo::All).unwrap();
    assert_eq!(answers.len(), 3);
    for group in 0..3 {
        assert_eq!(&ScalarValue::try_from_array(&answers, group).unwrap(), expected);
    }
}
