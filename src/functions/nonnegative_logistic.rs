//! Which weights would tell best who stays, if none may point the wrong way?
//!
//! ```sql
//! SELECT nonnegative_logistic(stayed, signals) AS fit FROM judged
//! -- fit['intercept'] = -1.2, fit['weights'] = [2.1, 0.0, 0.4], fit['rows'] = 5120
//! ```
//!
//! `nonnegative_logistic(event, signals)` fits P(event) = 1/(1 + e^−z) with z =
//! intercept + Σ weight · signal and no weight below 0: such a score can be
//! explained, since more of a signal never lowers it. A signal that helps nobody,
//! or points the other way once the others are known, gets the weight 0.
//! `signals` is a list of numbers, as long in every row; `event` is true or not 0.
//!
//! The most likely weights are found by Newton steps, each solved under the
//! bounds by coordinate descent. Weights have a normal prior with standard
//! deviation 5: it is nothing beside data that know anything, and keeps a signal
//! that happens to separate all rows from growing without end. Signals should
//! lie between 0 and 1 for that to be so. Rows with a null do not count; without
//! an event, or with nothing but events, the answer is null.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{AggregateUDF, EmitTo, GroupsAccumulator};

use super::args::misuse;
use super::groups::{Function, Grouped, each_list, keeps, list, lists, range, states_by_row};
use super::sample::by_numbers;

pub(super) fn function() -> AggregateUDF {
    Function::<Judged>::new().into()
}

/// Variance of the prior of a weight.
const PRIOR: f64 = 25.0;
/// A weight below this is 0: no signal between 0 and 1 shows it.
const NOTHING: f64 = 1e-7;
const MOST_STEPS: usize = 100;
const MOST_ROUNDS: usize = 1_000;

/// The rows of each group: signals and, at the end, the event. The length of a
/// row stands before them all.
#[derive(Debug, Clone, Default)]
struct Judged {
    groups: Vec<Vec<f64>>,
}

impl Judged {
    fn push(&mut self, group: usize, row: impl Iterator<Item = f64>) -> Result<()> {
        let rows = &mut self.groups[group];
        if rows.is_empty() {
            rows.push(0.0);
        }
        let before = rows.len();
        rows.extend(row);
        let width = (rows.len() - before) as f64;
        if before == 1 {
            rows[0] = width;
        }
        match rows[0] == width {
            true => Ok(()),
            false => Err(misuse(format!("{}: lists of signals differ in length", Self::NAME))),
        }
    }
}

impl Grouped for Judged {
    const NAME: &'static str = "nonnegative_logistic";

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [event, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)]
                if event.is_numeric() || matches!(event, DataType::Boolean) =>
            {
                Ok(vec![DataType::Float64, DataType::new_list(DataType::Float64, true)])
            }
            _ => Err(misuse(format!("{} takes an event and a list of signals", Self::NAME))),
        }
    }

    fn answer_type() -> DataType {
        DataType::Struct(fields())
    }

    fn state_columns() -> Vec<(&'static str, DataType)> {
        vec![("rows", DataType::new_list(DataType::Float64, true))]
    }

    fn plan(_args: &AccumulatorArgs<'_>) -> Result<Self> {
        Ok(Self::default())
    }

    fn ensure(&mut self, n: usize) {
        if self.groups.len() < n {
            self.groups.resize_with(n, Vec::new);
        }
    }
}

impl GroupsAccumulator for Judged {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        let events = values[0].as_primitive::<Float64Type>();
        let signals = values[1].as_list::<i32>();
        let numbers = signals.values().as_primitive::<Float64Type>();
        for (row, group) in group_indices.iter().enumerate() {
            let given = keeps(opt_filter, row) && events.is_valid(row) && signals.is_valid(row);
            let place = range(signals, row);
            if given && place.clone().all(|place| numbers.is_valid(place)) {
                let signals = numbers.values()[place].iter().copied();
                let event = f64::from(u8::from(events.value(row) != 0.0));
                self.push(*group, signals.chain([event]))?;
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.ensure(total_num_groups);
        each_list::<Float64Type>(&values[0], group_indices, |_, group, numbers| {
            if let Some((width, rows)) = numbers.split_first() {
                for row in rows.chunks_exact(*width as usize) {
                    self.push(group, row.iter().copied())?;
                }
            }
            Ok(())
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = emit_to.take_needed(&mut self.groups);
        let fits: Vec<Option<Fit>> = groups
            .iter()
            .map(|rows| {
                let (width, rows) = rows.split_first()?;
                let mut rows: Vec<&[f64]> = rows.chunks_exact(*width as usize).collect();
                rows.sort_unstable_by(|a, b| by_numbers(a, b));
                fit(&rows)
            })
            .collect();
        answers(&fits)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = emit_to.take_needed(&mut self.groups);
        Ok(vec![lists::<Float64Type>(groups.iter().map(Vec::as_slice))?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        states_by_row(Self::default(), values, opt_filter)
    }

    fn size(&self) -> usize {
        let numbers: usize = self.groups.iter().map(Vec::capacity).sum();
        size_of_val(self)
            + self.groups.capacity() * size_of::<Vec<f64>>()
            + numbers * size_of::<f64>()
    }
}

fn fields() -> Fields {
    Fields::from(vec![
        Field::new("intercept", DataType::Float64, true),
        Field::new("weights", DataType::new_list(DataType::Float64, true), true),
        Field::new("rows", DataType::Int64, true),
    ])
}

fn answers(fits: &[Option<Fit>]) -> Result<ArrayRef> {
    let lengths = fits.iter().map(|fit| fit.as_ref().map_or(0, |fit| fit.weights.len()));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let weights = fits.iter().flatten().flat_map(|fit| &fit.weights).copied();
    let weights = list(Arc::new(Float64Array::from_iter_values(weights)), offsets)?;
    let intercepts = fits.iter().map(|fit| fit.as_ref().map(|fit| fit.intercept));
    let rows = fits.iter().map(|fit| fit.as_ref().and_then(|fit| i64::try_from(fit.rows).ok()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(intercepts.collect::<Float64Array>()),
        weights,
        Arc::new(rows.collect::<Int64Array>()),
    ];
    let known: NullBuffer = fits.iter().map(Option::is_some).collect();
    Ok(Arc::new(StructArray::try_new(fields(), columns, Some(known))?))
}

#[derive(Debug, Clone, PartialEq)]
struct Fit {
    intercept: f64,
    weights: Vec<f64>,
    rows: usize,
}

/// The likeliest weights that are not negative; rows end with the event.
fn fit(rows: &[&[f64]]) -> Option<Fit> {
    let n_signals = rows.first()?.len() - 1;
    let events = rows.iter().filter(|row| row[n_signals] != 0.0).count();
    if events == 0 || events == rows.len() {
        return None;
    }
    // The last place is the intercept's, whose signal is always 1.
    let share = events as f64 / rows.len() as f64;
    let mut at = vec![0.0; n_signals + 1];
    at[n_signals] = (share / (1.0 - share)).ln();
    let mut loss = loss(rows, &at);
    for _ in 0..MOST_STEPS {
        let (gradient, curvature) = derivatives(rows, &at);
        let step = bounded_step(&at, &gradient, &curvature);
        let along = |length: f64| -> Vec<f64> {
            at.iter().zip(&step).map(|(at, by)| at + length * by).collect()
        };
        // So close to the end rounding hides whether the loss still falls; a
        // Newton step is right there.
        let longest = step.iter().map(|by| by.abs()).fold(0.0, f64::max);
        if longest < 1e-6 {
            at = along(1.0);
            loss = self::loss(rows, &at);
            if longest < 1e-12 {
                break;
            }
            continue;
        }
        let lower = (0..30).find_map(|halvings| {
            let next = along(0.5_f64.powi(halvings));
            let lower = self::loss(rows, &next);
            (lower < loss).then_some((next, lower))
        });
        let Some(lower) = lower else { break };
        (at, loss) = lower;
    }
    let intercept = at.pop()?;
    // Where a signal hardly matters, coordinates creep towards the bound.
    let weights = at.into_iter().map(|weight| if weight < NOTHING { 0.0 } else { weight });
    Some(Fit { intercept, weights: weights.collect(), rows: rows.len() })
}

fn logit(row: &[f64], at: &[f64]) -> f64 {
    let (intercept, weights) = (at[at.len() - 1], &at[..at.len() - 1]);
    intercept + weights.iter().zip(row).map(|(weight, signal)| weight * signal).sum::<f64>()
}

/// Minus the log-likelihood, and minus the logarithm of the prior.
fn loss(rows: &[&[f64]], at: &[f64]) -> f64 {
    let of_row = |row: &&[f64]| {
        let logit = logit(row, at);
        let against = if row[row.len() - 1] == 0.0 { logit } else { -logit };
        // ln(1 + e^against) without overflow.
        against.max(0.0) + (-against.abs()).exp().ln_1p()
    };
    let prior = at[..at.len() - 1].iter().map(|weight| weight * weight).sum::<f64>();
    rows.iter().map(of_row).sum::<f64>() + prior / (2.0 * PRIOR)
}

/// The gradient of the loss and its second derivatives, line by line.
fn derivatives(rows: &[&[f64]], at: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let n = at.len();
    let (mut gradient, mut curvature) = (vec![0.0; n], vec![0.0; n * n]);
    for row in rows {
        let probability = 1.0 / (1.0 + (-logit(row, at)).exp());
        let (error, weight) = (probability - row[n - 1], probability * (1.0 - probability));
        let signal = |place: usize| if place + 1 < n { row[place] } else { 1.0 };
        for line in 0..n {
            gradient[line] += error * signal(line);
            let scaled = weight * signal(line);
            for cell in 0..=line {
                curvature[line * n + cell] += scaled * signal(cell);
            }
        }
    }
    for line in 0..n {
        if line + 1 < n {
            gradient[line] += at[line] / PRIOR;
            curvature[line * n + line] += 1.0 / PRIOR;
        }
        for cell in 0..line {
            curvature[cell * n + line] = curvature[line * n + cell];
        }
    }
    (gradient, curvature)
}

/// The step that makes gradient · step + step · curvature · step / 2 least while
/// no weight falls below 0: each coordinate in turn, until none moves.
fn bounded_step(at: &[f64], gradient: &[f64], curvature: &[f64]) -> Vec<f64> {
    let n = at.len();
    let mut step = vec![0.0; n];
    let mut slope = gradient.to_vec();
    for _ in 0..MOST_ROUNDS {
        let mut largest: f64 = 0.0;
        for place in 0..n {
            let bend = curvature[place * n + place];
            if bend <= 0.0 {
                continue;
            }
            let free = step[place] - slope[place] / bend;
            let bounded = if place + 1 < n { free.max(-at[place]) } else { free };
            let moved = bounded - step[place];
            if moved != 0.0 {
                step[place] = bounded;
                let line = &curvature[place * n..(place + 1) * n];
                slope.iter_mut().zip(line).for_each(|(slope, cell)| *slope += cell * moved);
                largest = largest.max(moved.abs());
            }
        }
        if largest < 1e-13 {
            break;
        }
    }
    step
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Rows whose event follows the law with these weights, negative ones among
    /// them; the second signal leans on the first.
    fn rows(seed: u64, n: usize, weights: [f64; 3], intercept: f64) -> Vec<[f64; 4]> {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..n)
            .map(|_| {
                let [a, b, c] = [0; 3].map(|_: i32| chance.random::<f64>());
                let signals = [a, (a + b) / 2.0, (c * 4.0).round() / 4.0];
                let logit: f64 =
                    intercept + signals.iter().zip(weights).map(|(s, w)| s * w).sum::<f64>();
                let event = chance.random::<f64>() < 1.0 / (1.0 + (-logit).exp());
                [signals[0], signals[1], signals[2], f64::from(u8::from(event))]
            })
            .collect()
    }

    fn fitted(rows: &[[f64; 4]]) -> Fit {
        fit(&rows.iter().map(<[f64; 4]>::as_slice).collect::<Vec<_>>()).unwrap()
    }

    /// The loss is convex, so these conditions hold at its least point under the
    /// bounds, and nowhere else.
    #[test]
    fn no_weight_could_be_moved_and_be_likelier() {
        let laws = [[2.0, 1.0, 0.5], [2.0, -1.0, 0.5], [-1.0, -2.0, -0.1], [0.0, 0.0, 3.0]];
        for (seed, law) in (0..).zip(laws.iter().cycle().take(40)) {
            let rows = rows(seed, 40 + 20 * seed as usize, *law, -0.5);
            let fit = fitted(&rows);
            let mut at = fit.weights.clone();
            at.push(fit.intercept);
            let rows: Vec<&[f64]> = rows.iter().map(<[f64; 4]>::as_slice).collect();
            let (gradient, _) = derivatives(&rows, &at);
            assert!(gradient[3].abs() < 1e-6, "{gradient:?}");
            for (weight, slope) in fit.weights.iter().zip(gradient) {
                let is_least = if *weight > 0.0 { slope.abs() < 1e-6 } else { slope > -1e-6 };
                assert!(*weight >= 0.0 && is_least, "{fit:?} {slope}");
            }
        }
    }

    #[test]
    fn finds_the_law_and_leaves_out_what_points_the_wrong_way() {
        let fit = fitted(&rows(7, 60_000, [2.0, 0.0, -1.5], -0.5));
        assert!((fit.weights[0] - 2.0).abs() < 0.15, "{fit:?}");
        assert!(fit.weights[1] < 0.15 && fit.weights[2] == 0.0, "{fit:?}");
    }

    #[test]
    fn one_signal_of_two_values_has_the_odds_in_closed_form() {
        // 30 of 100 without it, 60 of 100 with it; so many that the prior is nothing.
        let table =
            [(0.0, 1.0, 30_000), (0.0, 0.0, 70_000), (1.0, 1.0, 60_000), (1.0, 0.0, 40_000)];
        let rows: Vec<[f64; 2]> =
            table.iter().flat_map(|(s, e, n)| std::iter::repeat_n([*s, *e], *n)).collect();
        let fit = fit(&rows.iter().map(<[f64; 2]>::as_slice).collect::<Vec<_>>()).unwrap();
        let odds = |share: f64| (share / (1.0 - share)).ln();
        assert!((fit.intercept - odds(0.3)).abs() < 1e-4, "{fit:?}");
        assert!((fit.weights[0] - (odds(0.6) - odds(0.3))).abs() < 1e-4, "{fit:?}");
    }

    #[test]
    fn what_is_not_wanted_is_exactly_0() {
        for seed in 0..200 {
            let fit = fitted(&rows(seed, 60, [1.0, 0.3, 0.1], 0.0));
            assert!(
                fit.weights.iter().all(|weight| *weight == 0.0 || *weight >= NOTHING),
                "{fit:?}"
            );
        }
    }

    #[test]
    fn separated_rows_have_finite_weights_and_one_kind_alone_none() {
        let separated = [[0.0, 0.0], [0.1, 0.0], [0.9, 1.0], [1.0, 1.0]];
        let found = fit(&separated.iter().map(<[f64; 2]>::as_slice).collect::<Vec<_>>()).unwrap();
        assert!(found.weights[0] > 1.0 && found.weights[0] < 50.0, "{found:?}");
        assert_eq!(fit(&[&[0.5, 1.0]]), None);
        assert_eq!(fit(&[]), None);
    }
}
