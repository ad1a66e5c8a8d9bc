use super::super::frame::tests::unlabelled as frame;
use super::*;

fn all(frame: &Frame) -> Vec<usize> {
    (0..frame.n_rows()).collect()
}

#[test]
fn training_columns_have_mean_zero_and_known_spread() {
    let numbers = (0..100).map(f64::from).collect();
    let frame = frame(vec![("n", Values::Numeric(numbers))]);
    let encoder = Encoder::fit(&frame, &all(&frame), 3).unwrap();
    let matrix = encoder.transform(&frame, &all(&frame)).unwrap();
    // The line and hinges at the quartiles 24.75, 49.5 and 74.25.
    assert_eq!(matrix.ncols(), 4);
    let terms: Vec<&Term> = encoder.features[0].basis.iter().map(|basis| &basis.term).collect();
    assert_eq!(terms[2], &Term::Hinge(49.5));
    for (index, column) in matrix.columns().into_iter().enumerate() {
        let spread = if index == 0 { 1.0 } else { HINGE_WEIGHT };
        assert!(column.mean().unwrap().abs() < 1e-12);
        assert!((column.std(0.0) - spread).abs() < 1e-12);
    }
}

#[test]
fn a_missing_number_moves_only_its_own_column() {
    let frame = frame(vec![("n", Values::Numeric(vec![1.0, 2.0, 3.0, f64::NAN]))]);
    let encoder = Encoder::fit(&frame, &all(&frame), 0).unwrap();
    let matrix = encoder.transform(&frame, &all(&frame)).unwrap();
    assert_eq!(matrix.row(3).to_vec(), [0.0, (1.0 - 0.25) / INDICATOR_SCALE]);
}

#[test]
fn only_training_rows_teach_and_later_numbers_are_clamped() {
    let frame = frame(vec![("n", Values::Numeric(vec![1.0, 2.0, 3.0, 1e9]))]);
    let encoder = Encoder::fit(&frame, &[0, 1, 2], 0).unwrap();
    let matrix = encoder.transform(&frame, &all(&frame)).unwrap();
    assert_eq!(matrix[[3, 0]].to_bits(), matrix[[2, 0]].to_bits());
}

#[test]
fn long_tails_are_taken_in_logarithms_and_signed_ones_are_not() {
    let tail: Vec<f64> = (0..20).map(|power| 2f64.powi(power)).collect();
    let signed: Vec<f64> = tail.iter().map(|value| value - 5.0).collect();
    let frame = frame(vec![("signed", Values::Numeric(signed)), ("tail", Values::Numeric(tail))]);
    let encoder = Encoder::fit(&frame, &all(&frame), 0).unwrap();
    let logs: Vec<bool> =
        encoder.features.iter().map(|feature| feature.prepare.unwrap().log).collect();
    assert_eq!(logs, [false, true]);
}

#[test]
fn rare_levels_share_a_column_and_take_in_new_ones() {
    let level = |row: usize| match row {
        0..40 => Some("gold"),
        40..80 => Some("blue"),
        80..84 => Some("red"),
        84..88 => Some("green"),
        _ => None,
    };
    let trained = frame(vec![("tier", Values::categorical((0..100).map(level)))]);
    let encoder = Encoder::fit(&trained, &all(&trained), 0).unwrap();
    // Two own levels, the rare ones, missing.
    assert_eq!(encoder.widths().sum::<usize>(), 4);

    let new = frame(vec![("tier", Values::categorical([Some("violet"), Some("red"), None]))]);
    let matrix = encoder.transform(&new, &[0, 1, 2]).unwrap();
    assert_eq!(matrix.row(0), matrix.row(1));
    assert!(matrix[[2, 3]] > 0.0 && matrix[[2, 2]] < 0.0);
}

#[test]
fn a_new_level_without_evidence_moves_nothing() {
    let half = |row: usize| Some(if row < 50 { "a" } else { "b" });
    let trained = frame(vec![("tier", Values::categorical((0..100).map(half)))]);
    let encoder = Encoder::fit(&trained, &all(&trained), 0).unwrap();
    let new = frame(vec![("tier", Values::categorical([Some("c")]))]);
    let matrix = encoder.transform(&new, &[0]).unwrap();
    assert!(matrix.iter().all(|&value| value == 0.0));
}

#[test]
fn constants_are_dropped_and_nothing_left_is_refused() {
    let constant = Values::Numeric(vec![7.0; 5]);
    let empty = Values::Numeric(vec![f64::NAN; 5]);
    let frame = frame(vec![("constant", constant), ("empty", empty)]);
    let error = Encoder::fit(&frame, &all(&frame), 3).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Insufficient);
    assert!(error.to_string().contains("none of 2 varies"), "{error}");
}

#[test]
fn a_frame_that_does_not_match_is_refused_by_name() {
    let trained = frame(vec![("tenure", Values::Numeric(vec![1.0, 2.0, 3.0]))]);
    let encoder = Encoder::fit(&trained, &all(&trained), 0).unwrap();
    let renamed = frame(vec![("tenures", Values::Numeric(vec![1.0]))]);
    let error = encoder.transform(&renamed, &[0]).unwrap_err();
    assert!(error.hints()[0].contains("\"tenures\""));
    let retyped = frame(vec![("tenure", Values::categorical([Some("1")]))]);
    let error = encoder.transform(&retyped, &[0]).unwrap_err();
    assert!(error.to_string().contains("trained as numbers"), "{error}");
}
