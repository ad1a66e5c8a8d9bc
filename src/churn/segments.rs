//! Do the probabilities mean the same for every kind of customer?
//!
//! A model can be right on average and wrong for one region. For each level of each
//! category the held-out rows' mean probability is set beside the share that left.
//! Rows of one customer count as one in the error of the difference, and of many
//! kinds looked at some differ by chance: only what Holm's correction leaves at 5 %
//! is called off.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;

use super::drift::holm;
use super::frame::{Frame, Values};

/// Fewest held-out rows of a kind that is looked at.
const LEAST_ROWS: usize = 50;
/// Most levels of a category; more are identifiers.
const MOST_LEVELS: usize = 50;
/// How often any kind may be called off where none is.
const ALPHA: f64 = 0.05;

/// Predicted against observed for one kind of customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The category.
    pub feature: String,
    /// Its level.
    pub level: String,
    /// Held-out rows.
    pub rows: usize,
    /// Mean probability.
    pub predicted: f64,
    /// Share that left.
    pub observed: f64,
    /// Standard error of the difference, customers drawn anew.
    pub error: f64,
    /// Whether they differ by more than chance.
    pub off: bool,
}

/// Every kind of customer among held-out rows with the probability each was given,
/// by category and level.
pub(super) fn segments(frame: &Frame, held_out: &[(usize, f64)]) -> Vec<Segment> {
    let mut found: Vec<Segment> = Vec::new();
    for column in frame.columns() {
        let Values::Categorical { levels, codes } = &column.values else { continue };
        if levels.len() > MOST_LEVELS {
            continue;
        }
        let mut rows_of: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
        for &(row, probability) in held_out {
            if let Some(code) = codes[row] {
                rows_of.entry(code as usize).or_default().push((row, probability));
            }
        }
        for (code, rows) in rows_of.into_iter().filter(|(_, rows)| rows.len() >= LEAST_ROWS) {
            found.push(segment(frame, &column.name, &levels[code], &rows));
        }
    }
    call_off(&mut found);
    found
}

fn segment(frame: &Frame, feature: &str, level: &str, rows: &[(usize, f64)]) -> Segment {
    let n_rows = rows.len() as f64;
    let mut excess_of: BTreeMap<&str, f64> = BTreeMap::new();
    let (mut predicted, mut observed) = (0.0, 0.0);
    for &(row, probability) in rows {
        let churned = f64::from(frame.churned()[row]);
        predicted += probability;
        observed += churned;
        *excess_of.entry(frame.ids()[row].as_str()).or_default() += churned - probability;
    }
    let error = excess_of.values().map(|excess| excess * excess).sum::<f64>().sqrt() / n_rows;
    Segment {
        feature: feature.to_owned(),
        level: level.to_owned(),
        rows: rows.len(),
        predicted: predicted / n_rows,
        observed: observed / n_rows,
        error,
        off: false,
    }
}

/// Calls off what Holm's adjustment for all kinds looked at leaves significant.
fn call_off(segments: &mut [Segment]) {
    let p_value = |segment: &Segment| {
        let z = (segment.observed - segment.predicted).abs() / segment.error.max(1e-12);
        erfc(z / std::f64::consts::SQRT_2)
    };
    let p_values: Vec<f64> = segments.iter().map(p_value).collect();
    for (segment, p_value) in segments.iter_mut().zip(holm(&p_values)) {
        segment.off = p_value <= ALPHA;
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::super::frame::Rows;
    use super::super::frame::tests::column;
    use super::*;

    /// Customers of eight regions with two rows each, of whom as many leave as the
    /// probability says; of region `r0` `more` times as many.
    fn drawn(seed: u64, more: f64) -> Vec<Segment> {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
        let n_customers = 1_600;
        let mut rows = Rows::default();
        let (mut regions, mut held_out) = (Vec::new(), Vec::new());
        for customer in 0..n_customers {
            let region = customer % 8;
            let probability = chance.random_range(0.05..0.4);
            let rate = if region == 0 { more * probability } else { probability };
            let leaves = chance.random_bool(rate);
            for period in 0..2 {
                rows.ids.push(format!("c{customer:04}"));
                rows.periods.push(period);
                // What a customer does at one cutoff they do at the other.
                rows.churned.push(leaves);
                regions.push(format!("r{region}"));
                held_out.push(probability);
            }
        }
        let values = Values::categorical(regions.iter().map(|region| Some(region.as_str())));
        let order: Vec<(usize, String)> =
            rows.periods.iter().copied().zip(rows.ids.clone()).collect();
        let frame = Frame::new(rows, vec![column("region", values)]).unwrap();
        let of: BTreeMap<(usize, String), f64> = order.into_iter().zip(held_out).collect();
        let held_out: Vec<(usize, f64)> = (0..frame.n_rows())
            .map(|row| (row, of[&(frame.periods()[row], frame.ids()[row].clone())]))
            .collect();
        segments(&frame, &held_out)
    }

    #[test]
    fn a_region_that_is_off_is_found_and_the_others_are_left_alone() {
        let mut others = 0;
        for seed in 0..20 {
            let found = drawn(seed, 2.0);
            assert_eq!(found.len(), 8);
            assert!(found[0].off && found[0].observed > 1.5 * found[0].predicted, "{found:?}");
            others += usize::from(found[1..].iter().any(|it| it.off));
        }
        assert!(others <= 4, "{others} of 20 at 5 %");
    }

    #[test]
    fn where_nothing_is_off_one_in_twenty_is_called_so_at_most() {
        let alarms = (0..200).filter(|&seed| drawn(seed, 1.0).iter().any(|it| it.off)).count();
        assert!(alarms <= 18, "{alarms} of 200 at 5 %");
    }
}
