//! How far could the metrics have come out differently by chance?
//!
//! The bootstrap scores the same predictions on samples drawn with replacement
//! and reports the middle 95 %. Customers are drawn, not rows: the rows of one
//! customer at several cutoffs resemble each other, and drawing them apart
//! would make the interval too narrow.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::metrics::{Metrics, Ranking};

const N_SAMPLES: usize = 200;

/// 95 % intervals, `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intervals {
    /// Of the ROC AUC.
    pub auc: [f64; 2],
    /// Of the average precision.
    pub pr_auc: [f64; 2],
    /// Of the log-loss.
    pub log_loss: [f64; 2],
    /// Of the Brier score.
    pub brier: [f64; 2],
    /// Of the Brier skill.
    pub brier_skill: [f64; 2],
    /// Of the expected calibration error.
    pub ece: [f64; 2],
    /// Of the lift at the top decile.
    pub lift_decile: [f64; 2],
    /// Of the capture at the top decile.
    pub capture_decile: [f64; 2],
}

/// Draws customers with replacement and takes percentiles of the metrics.
///
/// `customers` names the customer of each row of the ranking. `None` when no
/// sample holds both classes.
#[must_use]
pub fn intervals(ranking: &Ranking, customers: &[&str], seed: u64) -> Option<Intervals> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let number = |customer| {
        let next = numbers.len();
        *numbers.entry(customer).or_insert(next)
    };
    let customer_of: Vec<usize> = customers.iter().copied().map(number).collect();
    let n_customers = numbers.len();

    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut samples: Vec<Metrics> = Vec::with_capacity(N_SAMPLES);
    for _ in 0..N_SAMPLES {
        let mut times = vec![0.0; n_customers];
        for _ in 0..n_customers {
            times[rng.random_range(0..n_customers)] += 1.0;
        }
        samples.extend(ranking.weighted(|row| times[customer_of[row]]).ok());
    }
    let middle = |figure: fn(&Metrics) -> f64| {
        let mut figures: Vec<f64> = samples.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        let at = |share: f64| figures[(share * (figures.len() - 1) as f64).round() as usize];
        [at(0.025), at(0.975)]
    };
    (!samples.is_empty()).then(|| Intervals {
        auc: middle(|it| it.auc),
        pr_auc: middle(|it| it.pr_auc),
        log_loss: middle(|it| it.log_loss),
        brier: middle(|it| it.brier),
        brier_skill: middle(|it| it.brier_skill),
        ece: middle(|it| it.ece),
        lift_decile: middle(|it| it.lift_decile),
        capture_decile: middle(|it| it.capture_decile),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of risk .7 and .3 that churn about as often as they should.
    fn ranking(n_rows: usize) -> Ranking {
        let risk = |row: usize| if row.is_multiple_of(2) { 0.7 } else { 0.3 };
        let probabilities: Vec<f64> = (0..n_rows).map(risk).collect();
        let churned: Vec<bool> =
            (0..n_rows).map(|row| (row * 7919 % 1000) as f64 / 1000.0 < risk(row)).collect();
        Ranking::new(&probabilities, &churned)
    }

    #[test]
    fn the_interval_holds_the_estimate_and_narrows_as_one_over_root_n() {
        let width = |n_rows: usize| {
            let ids: Vec<String> = (0..n_rows).map(|row| row.to_string()).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let ranking = ranking(n_rows);
            let [low, high] = intervals(&ranking, &ids, 1).unwrap().auc;
            let auc = ranking.metrics().unwrap().auc;
            assert!(low < auc && auc < high);
            high - low
        };
        let ratio = width(400) / width(6_400);
        assert!((3.0..5.0).contains(&ratio), "16 times the rows, {ratio} times narrower");
    }

    #[test]
    fn repeated_rows_of_a_customer_are_no_new_evidence() {
        let ids: Vec<String> = (0..1000).map(|row| (row % 100).to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let ranking = Ranking::new(
            &(0..1000).map(|row| if row % 2 == 0 { 0.7 } else { 0.3 }).collect::<Vec<_>>(),
            &(0..1000).map(|row| row % 100 < 50).collect::<Vec<_>>(),
        );
        let all: Vec<String> = (0..1000).map(|row| row.to_string()).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let width = |ids: &[&str]| {
            let [low, high] = intervals(&ranking, ids, 1).unwrap().brier_skill;
            high - low
        };
        assert!(width(&ids) > 2.0 * width(&all));
    }
}
