//! How much better than chance does a score find whom a treatment moves?
//!
//! ```sql
//! SELECT qini(tenth, is_treated, has_converted) AS q FROM ranked
//! -- q['value'] = 0.0021, q['low'] = 0.0004, q['high'] = 0.0039
//! ```
//!
//! `qini(place, treated, converted)` is the Qini coefficient of customers of an
//! experiment that a score has cut into places, whole numbers from 1, the best. The curve is of the
//! incremental conversions if the places so far are treated: treated conversions
//! − control conversions × treated / control, cumulative. The coefficient is the
//! area between it and the straight line to its end, by the trapezoid rule, with
//! the share of customers along and incremental conversions per treated customer
//! up: the normalisation of Radcliffe ("Using control groups to target on
//! predicted lift", 2007) without division by the best possible curve.
//!
//! Places without a control customer so far count as 0: there is nothing to compare
//! with. `low` and `high` are the 95 % interval of a bootstrap: every customer is drawn
//! anew some number of times, on average once, and keeps their place; chance has a
//! fixed seed. All are null while an arm is missing. Rows with a null do not count.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::AggregateUDF;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::fit::interval;
use super::sample::{Estimate, Sampled};

pub(super) fn function() -> AggregateUDF {
    Sampled::<Qini, 3>::new().into()
}

/// Samples drawn: the ends of a 95 % interval then have ten beyond each.
const DRAWS: usize = 400;
/// From this mean on a Poisson number is drawn as a normal one, whose skewness of
/// 3 % no interval of 400 draws can show.
const MANY: f64 = 1_000.0;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Qini;

/// Customers of one place: treated, of these converted; control, converted.
type Cell = [f64; 4];

impl Estimate<3> for Qini {
    const NAME: &'static str = "qini";

    fn answer_type() -> DataType {
        DataType::Struct(fields())
    }

    fn answer(samples: &[Vec<[f64; 3]>]) -> Result<ArrayRef> {
        let found: Vec<Option<[f64; 3]>> = samples.iter().map(|rows| qini(rows)).collect();
        let column = |place: usize| -> ArrayRef {
            let values = found.iter().map(|found| found.map(|found| found[place]));
            Arc::new(values.collect::<Float64Array>())
        };
        let known: NullBuffer = found.iter().map(Option::is_some).collect();
        let columns = (0..3).map(column).collect();
        Ok(Arc::new(StructArray::try_new(fields(), columns, Some(known))?))
    }
}

fn fields() -> Fields {
    ["value", "low", "high"].map(|name| Field::new(name, DataType::Float64, true)).to_vec().into()
}

/// The coefficient of rows of place, treated and converted, sorted, and the ends
/// of its interval.
fn qini(rows: &[[f64; 3]]) -> Option<[f64; 3]> {
    let mut places = BTreeMap::<u64, Cell>::new();
    for [place, treated, converted] in rows {
        let cell = places.entry(*place as u64).or_default();
        let arm = if *treated == 0.0 { 2 } else { 0 };
        cell[arm] += 1.0;
        cell[arm + 1] += f64::from(u8::from(*converted != 0.0));
    }
    let cells: Vec<Cell> = places.into_values().collect();
    let value = coefficient(&cells)?;
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(0);
    let draws = (0..DRAWS).filter_map(|_| {
        let drawn: Vec<Cell> = cells.iter().map(|cell| redrawn(cell, &mut chance)).collect();
        coefficient(&drawn)
    });
    let (low, high) = interval(draws.collect())?;
    Some([value, low, high])
}

/// A place in which each customer stands a Poisson number of times.
fn redrawn(cell: &Cell, chance: &mut Xoshiro256PlusPlus) -> Cell {
    let [treated, treated_yes, control, control_yes] = *cell;
    let counts = [treated_yes, treated - treated_yes, control_yes, control - control_yes];
    let [yes, no, control_yes, control_no] = counts.map(|count| poisson(count, chance));
    [yes + no, yes, control_yes + control_no, control_yes]
}

/// The area between the curve and the line to its end.
fn coefficient(cells: &[Cell]) -> Option<f64> {
    let [all_treated, .., all_control, _] = cells.iter().fold([0.0; 4], add);
    if all_treated == 0.0 || all_control == 0.0 {
        return None;
    }
    let (mut upto, mut area, mut before) = ([0.0; 4], 0.0, (0.0, 0.0));
    for cell in cells {
        upto = add(upto, cell);
        let [treated, treated_yes, control, control_yes] = upto;
        let share = (treated + control) / (all_treated + all_control);
        // Without a control customer so far there is nothing to compare with.
        let moved =
            if control == 0.0 { 0.0 } else { treated_yes - control_yes * treated / control };
        area += (share - before.0) * (moved + before.1) / 2.0;
        before = (share, moved);
    }
    Some((area - before.1 / 2.0) / all_treated)
}

fn add(sum: Cell, cell: &Cell) -> Cell {
    std::array::from_fn(|place| sum[place] + cell[place])
}

/// A Poisson number: the events in an interval as long as its mean, or, where
/// they are many, a normal number.
fn poisson(mean: f64, chance: &mut Xoshiro256PlusPlus) -> f64 {
    let mut exponential = || -(1.0 - chance.random::<f64>()).ln();
    if mean >= MANY {
        // Box and Muller: one exponential number is half of a squared radius.
        let radius = (2.0 * exponential()).sqrt();
        let angle = std::f64::consts::TAU * chance.random::<f64>();
        return (mean + mean.sqrt() * radius * angle.cos()).round().max(0.0);
    }
    let (mut events, mut passed) = (0.0, exponential());
    while passed < mean {
        events += 1.0;
        passed += exponential();
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut rows: Vec<[f64; 3]>) -> Vec<[f64; 3]> {
        rows.sort_by(|a, b| a[0].total_cmp(&b[0]));
        rows
    }

    /// An experiment where the effect falls from place to place.
    fn experiment(seed: u64, n: usize, effect: f64) -> Vec<[f64; 3]> {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
        let person = |_| {
            let place = chance.random_range(1..=10);
            let treated = chance.random::<f64>() < 0.5;
            let more = if treated { effect * f64::from(11 - place) / 10.0 } else { 0.0 };
            let converted = chance.random::<f64>() < 0.1 + more;
            [f64::from(place), f64::from(u8::from(treated)), f64::from(u8::from(converted))]
        };
        sorted((0..n).map(person).collect())
    }

    #[test]
    fn two_places_by_hand() {
        // Place 1: 2 of 4 treated, 0 of 4 control; place 2: 1 of 4 and 1 of 4.
        let cells = [[4.0, 2.0, 4.0, 0.0], [4.0, 1.0, 4.0, 1.0]];
        // Curve (0, 0), (.5, 2), (1, 2); line to (1, 2): area 1.5 − 1, per 8 treated.
        assert_eq!(coefficient(&cells), Some(0.0625));
        assert_eq!(coefficient(&[[4.0, 1.0, 0.0, 0.0]]), None);
        assert_eq!(qini(&[]), None);
    }

    #[test]
    fn one_place_is_no_better_than_chance() {
        let rows = experiment(1, 500, 0.2).into_iter().map(|[_, t, c]| [1.0, t, c]);
        assert_eq!(qini(&sorted(rows.collect())).unwrap()[0], 0.0);
    }

    #[test]
    fn the_interval_holds_the_truth_about_95_times_in_a_hundred() {
        let truth = qini(&experiment(1, 2_000_000, 0.2)).unwrap()[0];
        let held = (0..500).filter(|seed| {
            let [_, low, high] = qini(&experiment(100 + seed, 2_000, 0.2)).unwrap();
            low <= truth && truth <= high
        });
        let share = held.count() as f64 / 500.0;
        assert!((0.93..=0.97).contains(&share), "{share}");
    }

    #[test]
    fn poisson_numbers_have_their_mean_and_variance_on_both_sides_of_many() {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(3);
        for (mean, n) in [(0.0, 100), (2.5, 40_000), (999.0, 2_000), (1_001.0, 40_000)] {
            let numbers: Vec<f64> = (0..n).map(|_| poisson(mean, &mut chance)).collect();
            let average = numbers.iter().sum::<f64>() / f64::from(n);
            let spread = numbers.iter().map(|number| (number - average).powi(2)).sum::<f64>();
            assert!((average - mean).abs() <= 0.03 * mean, "{mean}: {average}");
            assert!((spread / f64::from(n) - mean).abs() <= 0.1 * mean, "{mean}: {spread}");
        }
    }
}
