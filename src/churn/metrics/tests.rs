use super::*;

fn metrics(probabilities: &[f64], churned: &[u8]) -> Metrics {
    let churned: Vec<bool> = churned.iter().map(|&label| label == 1).collect();
    Ranking::new(probabilities, &churned).metrics().unwrap()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} is not {b}");
}

#[test]
fn four_rows_by_hand() {
    let found = metrics(&[0.9, 0.6, 0.4, 0.2], &[1, 0, 1, 0]);
    // Of the four pairs of a leaver and a stayer only (.4, .6) is wrong.
    close(found.auc, 0.75);
    // Precision 1 at the first leaver and 2/3 at the second.
    close(found.pr_auc, 0.5 * 1.0 + 0.5 * 2.0 / 3.0);
    close(found.brier, (0.01 + 0.36 + 0.36 + 0.04) / 4.0);
    close(found.brier_skill, 1.0 - found.brier / 0.25);
    close(found.log_loss, -(0.9f64 * 0.4 * 0.4 * 0.8).ln() / 4.0);
    // The top tenth is .4 of the first row, a leaver.
    close(found.capture_decile, 0.2);
    close(found.lift_decile, 2.0);
    // Bins of .4 rows: eight within one row with gaps .1, .6, .6 and .2 (two
    // each), and two astride: .75 against .5 and .3 against .5.
    close(found.ece, (0.8 * (0.1 + 0.6 + 0.6 + 0.2) + 0.4 * (0.25 + 0.2)) / 4.0);
    assert_eq!((found.rows, found.churners), (4, 2));
}

#[test]
fn ties_count_half_and_by_expectation() {
    let found = metrics(&[0.5; 20], &[1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    close(found.auc, 0.5);
    close(found.pr_auc, 0.25);
    close(found.lift_decile, 1.0);
    close(found.capture_decile, 0.1);
    close(found.ece, 0.25);
}

/// Forty rows drawn once; the expected figures are scikit-learn 1.9's
/// `roc_auc_score`, `average_precision_score`, `log_loss`, `brier_score_loss`.
#[test]
fn forty_rows_as_scikit_learn() {
    #[rustfmt::skip]
    let probabilities = [
        0.33, 0.18, 0.14, 0.31, 0.22, 0.06, 0.58, 0.46, 0.08, 0.25, 0.61, 0.13, 0.05, 0.34, 0.2,
        0.08, 0.67, 0.19, 0.1, 0.24, 0.11, 0.33, 0.42, 0.78, 0.04, 0.12, 0.19, 0.45, 0.1, 0.54,
        0.25, 0.34, 0.02, 0.38, 0.27, 0.07, 0.34, 0.33, 0.19, 0.65,
    ];
    #[rustfmt::skip]
    let churned = [
        1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1,
        0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0,
    ];
    let found = metrics(&probabilities, &churned);
    close(found.auc, 0.581_333_333_333_333_4);
    close(found.pr_auc, 0.496_573_515_883_860_67);
    close(found.log_loss, 0.733_114_019_537_099_9);
    close(found.brier, 0.251_445_000_000_000_03);
    // The top four are .78, .67, .65 and .61: one leaver of fifteen.
    close(found.capture_decile, 1.0 / 15.0);
    // Equal mass: four rows in each bin, and the bins return all rows.
    assert!(found.reliability.iter().all(|bin| (bin.rows - 4.0).abs() < 1e-9));
    let observed: f64 = found.reliability.iter().map(|bin| bin.observed * bin.rows).sum();
    close(observed, 15.0);
}

#[test]
fn a_weight_of_two_is_the_row_twice() {
    let once = Ranking::new(&[0.9, 0.6, 0.6, 0.2], &[true, false, true, false]);
    let weighted = once.weighted(|row| if row == 2 { 2.0 } else { 1.0 }).unwrap();
    let twice = metrics(&[0.9, 0.6, 0.6, 0.6, 0.2], &[1, 0, 1, 1, 0]);
    close(weighted.auc, twice.auc);
    close(weighted.pr_auc, twice.pr_auc);
    close(weighted.log_loss, twice.log_loss);
    close(weighted.ece, twice.ece);
}

#[test]
fn one_class_has_nothing_to_tell_apart() {
    let error = Ranking::new(&[0.1, 0.2], &[false, false]).metrics().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Insufficient);
    assert!(error.to_string().contains("none churned"));
}

#[test]
fn probabilities_never_reach_zero_or_one() {
    for logit in [-1e9, -40.0, 0.0, 40.0, 1e9] {
        let probability = sigmoid(logit);
        assert!(0.0 < probability && probability < 1.0, "{logit} gave {probability}");
    }
}
