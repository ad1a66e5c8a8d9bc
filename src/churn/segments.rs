//! Do the probabilities mean the same for every kind of customer?
//!
//! A model can be right on average and wrong for one region. For each level of each
//! category the held-out rows' mean probability is set beside the share that left.
//! Where the model says too much or too little of everybody, that is said once: a
//! kind of customer is off when it still differs after the log-odds of all were moved
//! alike until as many leave as left, by what matters and what chance does not explain
//! ([`p_value`]). Of many kinds looked at some differ by chance: only what Holm's
//! correction leaves at 5 % is called off.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::drift::holm;
use super::excess::{ALPHA, Excess, p_value};
use super::frame::{Frame, Values};

/// Fewest held-out rows of a kind that is looked at.
const LEAST_ROWS: usize = 50;
/// Most levels of a category; more are identifiers.
const MOST_LEVELS: usize = 50;
/// Furthest that the log-odds of all are moved, and how often that is halved.
const MOST_SHIFT: f64 = 10.0;
const HALVINGS: usize = 40;

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
    /// Standard error of the difference, the rows of a customer counting as one.
    pub error: f64,
    /// Whether they differ by more than chance and than for everybody, and it matters.
    pub off: bool,
}

/// Predicted against observed for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overall {
    /// Mean probability.
    pub predicted: f64,
    /// Share that left.
    pub observed: f64,
    /// Standard error of the difference, as of a [`Segment`].
    pub error: f64,
    /// Whether they differ by more than chance, and it matters.
    pub off: bool,
}

/// Rows with the probability each was given, taken together.
pub(super) fn overall(frame: &Frame, rows: &[(usize, f64)]) -> Overall {
    let mut excess = Excess::default();
    for &(row, probability) in rows {
        excess.add(&frame.ids()[row], probability, frame.churned()[row]);
    }
    let (predicted, observed, error) = (excess.predicted(), excess.observed(), excess.error());
    Overall { predicted, observed, error, off: p_value(predicted, observed, error) <= ALPHA }
}

/// Every kind of customer among held-out rows with the probability each was given,
/// by category and level.
pub(super) fn segments(frame: &Frame, held_out: &[(usize, f64)]) -> Vec<Segment> {
    let mut found: Vec<Segment> = Vec::new();
    let mut p_values = Vec::new();
    let times = times(frame, held_out);
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
            let Overall { predicted, observed, error, .. } = overall(frame, &rows);
            let moved = |&(row, probability): &(usize, f64)| (row, moved(probability, times));
            let levelled = overall(frame, &rows.iter().map(moved).collect::<Vec<_>>());
            // The larger: one kind that is far off moves the level of the others.
            let of_level = p_value(levelled.predicted, levelled.observed, levelled.error);
            p_values.push(p_value(predicted, observed, error).max(of_level));
            found.push(Segment {
                feature: column.name.clone(),
                level: levels[code].clone(),
                rows: rows.len(),
                predicted,
                observed,
                error,
                off: false,
            });
        }
    }
    for (segment, p_value) in found.iter_mut().zip(holm(&p_values)) {
        segment.off = p_value <= ALPHA;
    }
    found
}

/// What the odds of all have to be multiplied by for the probabilities to add up to
/// those who left. There is one answer, since the sum grows with it; a probability
/// of 0 or 1 stays.
fn times(frame: &Frame, held_out: &[(usize, f64)]) -> f64 {
    let left = held_out.iter().filter(|&&(row, _)| frame.churned()[row]).count() as f64;
    let sum = |times| held_out.iter().map(|&(_, it)| moved(it, times)).sum::<f64>();
    let (mut low, mut high) = (-MOST_SHIFT, MOST_SHIFT);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if sum(middle.exp()) < left { low = middle } else { high = middle }
    }
    f64::midpoint(low, high).exp()
}

/// A probability whose odds are so many times as large.
fn moved(probability: f64, times: f64) -> f64 {
    times * probability / (1.0 - probability + times * probability)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::super::frame::Rows;
    use super::super::frame::tests::column;
    use super::*;

    /// Customers of eight regions with two rows each, of whom `all` times as many leave
    /// as the probability says; of region `r0` `more` times as many again, and of `r1`
    /// at `few` of the probability of the others.
    fn drawn(seed: u64, more: f64, all: f64, few: f64) -> (Overall, Vec<Segment>) {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
        let n_customers = 1_600;
        let mut rows = Rows::default();
        let (mut regions, mut held_out) = (Vec::new(), Vec::new());
        for customer in 0..n_customers {
            let region = customer % 8;
            let usual: f64 = chance.random_range(0.05..0.4);
            let probability = if region == 1 { few * usual } else { usual };
            let rate = all * if region == 0 { more * probability } else { probability };
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
        (overall(&frame, &held_out), segments(&frame, &held_out))
    }

    #[test]
    fn a_region_that_is_off_is_found_and_the_others_are_left_alone() {
        let mut others = 0;
        for seed in 0..20 {
            let (_, found) = drawn(seed, 2.0, 1.0, 1.0);
            assert_eq!(found.len(), 8);
            assert!(found[0].off && found[0].observed > 1.5 * found[0].predicted, "{found:?}");
            others += usize::from(found[1..].iter().any(|it| it.off));
        }
        assert!(others <= 4, "{others} of 20 at 5 %");
    }

    #[test]
    fn where_nothing_is_off_one_in_twenty_is_called_so_at_most() {
        let alarms = |all: f64, few: f64| {
            let (mut overall, mut kinds) = (0, 0);
            for seed in 0..200 {
                let (whole, found) = drawn(seed, 1.0, all, few);
                overall += usize::from(whole.off);
                kinds += usize::from(found.iter().any(|it| it.off));
            }
            (overall, kinds)
        };
        let (overall, kinds) = alarms(1.0, 1.0);
        assert!(overall <= 18 && kinds <= 18, "{overall} and {kinds} of 200 at 5 %");
        // Off for everybody is no news of any kind of customer.
        let (overall, kinds) = alarms(0.6, 1.0);
        assert!(overall == 200 && kinds <= 18, "{overall} and {kinds} of 200");
        // Nor is a kind of which too few are to leave to tell, and mostly none does.
        for few in [0.03, 0.003] {
            let (_, kinds) = alarms(1.0, few);
            assert!(kinds <= 18, "{kinds} of 200 at {few} of the usual probability");
        }
    }
}
