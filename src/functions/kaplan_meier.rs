//! How many are still there after so long, when for some we have not waited
//! that long yet?
//!
//! ```sql
//! SELECT kaplan_meier(days, has_left) AS curve  -- a list of steps
//! FROM customers_with_days
//! ```
//!
//! A customer who came last week and has not left yet is neither kept for a
//! year nor lost: counting them as either makes the share wrong. Kaplan and
//! Meier count each customer as at risk for as long as they were watched, and
//! no longer.
//!
//! `kaplan_meier(duration, ended)` takes how long each was watched, a whole
//! number not below 0 in any unit, and whether it ended then (true) or was still
//! going on when we stopped watching (false). Null in either: the row does not
//! count. The answer is a list of steps `{time, at_risk, ended, share, low,
//! high}` in order of time: one at 0, one at each time at which some ended, and
//! one at the last time anybody was watched. `share` are those still there just
//! after `time`, from 1 down to 0. Read it with `survival_at` and
//! `survival_time`.
//!
//! The band is Wilson's 95 % interval with the number that would be as
//! informative had all been watched to the end, S(1−S)/Var(S) by Greenwood. With
//! nobody cut off it is exactly `wilson(survivors, n)`.
//!
//! Sources: E. L. Kaplan & P. Meier, "Nonparametric estimation from incomplete
//! observations", 1958; K. J. Rothman, "Estimation of confidence limits for the
//! cumulative probability of survival in life table analysis", 1978.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Builder, Int64Builder, ListArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::AggregateUDF;
use datafusion::logical_expr::function::AccumulatorArgs;

use super::args::{external, misuse};
use super::history::{Aggregate, Event, Histories, Measure};
use super::wilson::wilson;
use crate::error;

pub(super) fn function() -> AggregateUDF {
    Aggregate::<KaplanMeier>::new().into()
}

/// The code of a duration that ended; sorts before one that was cut off at the
/// same time, who is then still at risk.
pub(super) const ENDED: u32 = 0;
/// The code of one that was cut off.
pub(super) const CUT_OFF: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct KaplanMeier;

/// The curve just after one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    pub time: i64,
    /// Those watched up to this time.
    pub at_risk: i64,
    /// Those of them who ended at it.
    pub ended: i64,
    pub share: f64,
    pub low: f64,
    pub high: f64,
}

/// The curve of durations in order of time, those that ended first.
pub(super) fn curve(history: &[Event]) -> error::Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut at_risk = i64::try_from(history.len()).unwrap_or(i64::MAX);
    let (mut share, mut greenwood) = (1.0, 0.0);
    // Everybody is as good as watched to the end while nobody has ended.
    let mut worth = at_risk as f64;
    let mut rest = history;
    while let Some(first) = rest.first() {
        let same = rest.partition_point(|event| event.at == first.at);
        let (now, later) = rest.split_at(same);
        let ended = now.partition_point(|event| event.code == ENDED);
        let ended = i64::try_from(ended).unwrap_or(i64::MAX);
        if steps.is_empty() && first.at > 0 {
            let (low, high) = band(1.0, worth)?;
            steps.push(Step { time: 0, at_risk, ended: 0, share: 1.0, low, high });
        }
        if ended > 0 {
            let (d, n) = (ended as f64, at_risk as f64);
            share *= (n - d) / n;
            greenwood += d / (n * (n - d));
            // At 0 the variance is gone; what was known before still is.
            if share > 0.0 {
                worth = (1.0 - share) / (share * greenwood);
            }
        } else if share == 1.0 {
            worth = at_risk as f64;
        }
        if ended > 0 || later.is_empty() || first.at == 0 {
            let (low, high) = band(share, worth)?;
            steps.push(Step { time: first.at, at_risk, ended, share, low, high });
        }
        at_risk -= i64::try_from(same).unwrap_or(i64::MAX);
        rest = later;
    }
    Ok(steps)
}

fn band(share: f64, worth: f64) -> error::Result<(f64, f64)> {
    Ok(wilson((share * worth).clamp(0.0, worth), worth)?.unwrap_or((0.0, 1.0)))
}

impl Measure for KaplanMeier {
    const NAME: &'static str = "kaplan_meier";
    const DISTINCT: bool = false;

    fn coerce(given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, _] => Ok(vec![DataType::Int64, DataType::Boolean]),
            _ => Err(misuse("kaplan_meier takes two arguments: duration, ended".to_owned())),
        }
    }

    fn answer_type() -> DataType {
        DataType::List(step_field())
    }

    fn plan(_args: &AccumulatorArgs<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn read(
        &self,
        columns: &[ArrayRef],
        mut keep: impl FnMut(usize, Event) -> Result<()>,
    ) -> Result<()> {
        let durations = columns[0].as_primitive::<Int64Type>();
        let ended = columns[1].as_boolean();
        for row in 0..durations.len() {
            if durations.is_valid(row) && ended.is_valid(row) {
                let at = durations.value(row);
                if at < 0 {
                    return Err(misuse(format!("kaplan_meier: the duration {at} is negative")));
                }
                let code = if ended.value(row) { ENDED } else { CUT_OFF };
                keep(row, Event { at, code })?;
            }
        }
        Ok(())
    }

    fn answer(&self, histories: &Histories) -> Result<ArrayRef> {
        let mut counts = [Int64Builder::new(), Int64Builder::new(), Int64Builder::new()];
        let mut shares = [Float64Builder::new(), Float64Builder::new(), Float64Builder::new()];
        let mut lengths = Vec::with_capacity(histories.len());
        for history in histories.iter() {
            let steps = curve(history).map_err(external)?;
            lengths.push(steps.len());
            for step in steps {
                for (builder, value) in counts.iter_mut().zip([step.time, step.at_risk, step.ended])
                {
                    builder.append_value(value);
                }
                for (builder, value) in shares.iter_mut().zip([step.share, step.low, step.high]) {
                    builder.append_value(value);
                }
            }
        }
        let counts = counts.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let shares = shares.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let steps = StructArray::try_new(step_fields(), counts.chain(shares).collect(), None)?;
        let lists = ListArray::try_new(
            step_field(),
            OffsetBuffer::from_lengths(lengths),
            Arc::new(steps),
            None,
        )?;
        Ok(Arc::new(lists))
    }
}

fn step_fields() -> Fields {
    let count = |name| Field::new(name, DataType::Int64, true);
    let share = |name| Field::new(name, DataType::Float64, true);
    Fields::from(vec![
        count("time"),
        count("at_risk"),
        count("ended"),
        share("share"),
        share("low"),
        share("high"),
    ])
}

fn step_field() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Struct(step_fields()), true))
}

/// The type of a curve: what `survival_at` and `survival_time` take.
pub(super) fn curve_type() -> DataType {
    KaplanMeier::answer_type()
}

/// The curve in row `row` of a list array of steps; nothing if it is null.
pub(super) fn read_curve(curves: &ListArray, row: usize) -> Option<Vec<Step>> {
    if curves.is_null(row) {
        return None;
    }
    let steps = curves.value(row);
    let steps = steps.as_struct();
    let count = |place: usize| steps.column(place).as_primitive::<Int64Type>();
    let share = |place: usize| steps.column(place).as_primitive::<arrow::datatypes::Float64Type>();
    let step = |at| Step {
        time: count(0).value(at),
        at_risk: count(1).value(at),
        ended: count(2).value(at),
        share: share(3).value(at),
        low: share(4).value(at),
        high: share(5).value(at),
    };
    Some((0..steps.len()).map(step).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use arrow::array::{BooleanArray, Int64Array, RecordBatch};
    use datafusion::common::ScalarValue;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::super::history::laws::{obeys_the_laws, whole};
    use super::*;

    fn rows(durations: &[(i64, bool)]) -> RecordBatch {
        let time: Int64Array = durations.iter().map(|(time, _)| Some(*time)).collect();
        let ended: BooleanArray = durations.iter().map(|(_, ended)| Some(*ended)).collect();
        RecordBatch::try_from_iter([
            ("duration", Arc::new(time) as ArrayRef),
            ("ended", Arc::new(ended)),
        ])
        .unwrap()
    }

    fn read_answer(answer: &ScalarValue) -> Vec<Step> {
        read_curve(answer.to_array().unwrap().as_list::<i32>(), 0).unwrap()
    }

    /// The remission times in weeks of 21 patients given 6-mercaptopurine;
    /// `false` where they were still in remission.
    pub(in crate::functions) const FREIREICH: [(i64, bool); 21] = [
        (6, true),
        (6, true),
        (6, true),
        (6, false),
        (7, true),
        (9, false),
        (10, true),
        (10, false),
        (11, false),
        (13, true),
        (16, true),
        (17, false),
        (19, false),
        (20, false),
        (22, true),
        (23, true),
        (25, false),
        (32, false),
        (32, false),
        (34, false),
        (35, false),
    ];

    #[test]
    fn published_curve() {
        // Freireich et al., 1963, as printed in Cox & Oakes, 1984.
        let steps = read_answer(&whole(&KaplanMeier, &rows(&FREIREICH)));
        let published = [
            (0, 21, 0, 1.0),
            (6, 21, 3, 0.857),
            (7, 17, 1, 0.807),
            (10, 15, 1, 0.753),
            (13, 12, 1, 0.690),
            (16, 11, 1, 0.627),
            (22, 7, 1, 0.538),
            (23, 6, 1, 0.448),
            (35, 1, 0, 0.448),
        ];
        assert_eq!(steps.len(), published.len());
        for (step, (time, at_risk, ended, share)) in steps.iter().zip(published) {
            assert_eq!((step.time, step.at_risk, step.ended), (time, at_risk, ended));
            assert!((step.share - share).abs() < 5e-4, "{step:?}");
            assert!(step.low <= step.share && step.share <= step.high, "{step:?}");
        }
    }

    #[test]
    fn with_nobody_cut_off_it_is_the_share_and_its_wilson_interval() {
        let durations: Vec<(i64, bool)> = (1..=40).map(|time| (time, true)).collect();
        let steps = read_answer(&whole(&KaplanMeier, &rows(&durations)));
        for (left, step) in (0..=40).rev().zip(&steps) {
            let left = f64::from(left);
            let (low, high) = wilson(left, 40.0).unwrap().unwrap();
            assert!((step.share - left / 40.0).abs() < 1e-12, "{step:?}");
            assert!((step.low - low).abs() < 1e-9 && (step.high - high).abs() < 1e-9, "{step:?}");
        }
    }

    #[test]
    fn partial_states_merge_in_any_order() {
        for from in 0..FREIREICH.len() - 6 {
            obeys_the_laws(&KaplanMeier, &rows(&FREIREICH[from..from + 6]));
        }
        assert_eq!(read_answer(&whole(&KaplanMeier, &rows(&[]))), []);
        assert_eq!(read_answer(&whole(&KaplanMeier, &rows(&[(0, false)]))).len(), 1);
    }

    /// Customers who come over a year and leave by a known law, watched up to a
    /// day: the band holds the truth 93 to 97 times in a hundred, while the
    /// share of those not seen to leave does not.
    #[test]
    fn the_band_covers_the_truth_of_a_known_law() {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(1958);
        let (mean, window, n_customers, n_trials) = (40.0_f64, 30, 200, 2_000);
        let truth = (-f64::from(window) / mean).exp();
        let (mut covered, mut naive_covered) = (0, 0);
        for _ in 0..n_trials {
            let durations: Vec<(i64, bool)> = (0..n_customers)
                .map(|_| {
                    let watched: i64 = chance.random_range(1..=60);
                    // Whole days: one who leaves within day d is gone after d.
                    let left = (-mean * chance.random::<f64>().ln()).ceil() as i64;
                    (left.min(watched), left <= watched)
                })
                .collect();
            let steps = read_answer(&whole(&KaplanMeier, &rows(&durations)));
            let step = steps.iter().rfind(|step| step.time <= i64::from(window)).unwrap();
            covered += i32::from(step.low <= truth && truth <= step.high);
            let still = durations.iter().filter(|(time, ended)| !ended || *time > 30).count();
            let (low, high) = wilson(still as f64, 200.0).unwrap().unwrap();
            naive_covered += i32::from(low <= truth && truth <= high);
        }
        let share = f64::from(covered) / f64::from(n_trials);
        assert!((0.93..=0.97).contains(&share), "{share}");
        assert!(naive_covered < n_trials / 4, "{naive_covered}");
    }
}
