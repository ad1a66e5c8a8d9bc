//! Does what we say beforehand tell apart those to whom it then happens?
//!
//! ```sql
//! SELECT concordance(health, stayed, customer_key) AS c FROM judged
//! -- c['value'] = 0.71, c['low'] = 0.69, c['high'] = 0.73
//! ```
//!
//! `concordance(score, event, cluster)` is the share of pairs, one with the event
//! and one without, in which the one with it has the higher score; equal scores
//! count half. It is the area under the ROC curve: .5 is what guessing does, and
//! below it the score points the wrong way. `event` is true or not 0.
//!
//! `low` and `high` are the 95 % interval, on the logit scale. A customer who is
//! judged on several days is one `cluster`, since their rows are alike: the
//! variance is Obuchowski's ("Nonparametric analysis of clustered ROC curve
//! data", Biometrics 1997). With a cluster per row it is DeLong's. `low` and
//! `high` are null where all pairs agree, or where all rows of a kind are of one
//! cluster: no variance was seen, which is not to say that there is none. Rows with
//! a null do not count; without an event, or with nothing but events, the answer
//! is null.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::AggregateUDF;

use super::interval::Z;
use super::sample::{Estimate, Sampled};

pub(super) fn function() -> AggregateUDF {
    Sampled::<Concordance, 3>::new().into()
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Concordance;

impl Estimate<3> for Concordance {
    const NAME: &'static str = "concordance";

    fn answer_type() -> DataType {
        DataType::Struct(fields())
    }

    fn answer(samples: &[Vec<[f64; 3]>]) -> Result<ArrayRef> {
        let found: Vec<Option<Found>> = samples.iter().map(|rows| concordance(rows)).collect();
        let number = |value: fn(&Found) -> Option<f64>| -> ArrayRef {
            let values = found.iter().map(|found| found.as_ref().and_then(value));
            Arc::new(values.collect::<Float64Array>())
        };
        let events = found.iter().map(|found| found.as_ref().map(|found| found.events));
        let columns = vec![
            number(|found| Some(found.value)),
            number(|found| found.interval.map(|(low, _)| low)),
            number(|found| found.interval.map(|(_, high)| high)),
            Arc::new(events.collect::<Int64Array>()),
        ];
        let known: NullBuffer = found.iter().map(Option::is_some).collect();
        Ok(Arc::new(StructArray::try_new(fields(), columns, Some(known))?))
    }
}

fn fields() -> Fields {
    let number = |name: &str| Field::new(name, DataType::Float64, true);
    let events = Field::new("events", DataType::Int64, true);
    Fields::from(vec![number("value"), number("low"), number("high"), events])
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Found {
    value: f64,
    interval: Option<(f64, f64)>,
    events: i64,
}

/// The concordance of rows of score, event and cluster, sorted by score.
fn concordance(rows: &[[f64; 3]]) -> Option<Found> {
    let all = rows.iter().filter(|row| row[1] != 0.0).count();
    let (with, without) = (all as f64, (rows.len() - all) as f64);
    if with == 0.0 || without == 0.0 {
        return None;
    }
    // Of each row, the share of rows of the other kind that it is placed rightly
    // against, from how many of each kind have a lower score.
    let mut right = Vec::with_capacity(rows.len());
    let (mut lower_with, mut lower_without) = (0.0, 0.0);
    for equal in rows.chunk_by(|a, b| a[0] == b[0]) {
        let equal_with = equal.iter().filter(|row| row[1] != 0.0).count() as f64;
        let equal_without = equal.len() as f64 - equal_with;
        let of_event = (lower_without + equal_without / 2.0) / without;
        let of_none = (with - lower_with - equal_with / 2.0) / with;
        right.extend(equal.iter().map(|row| if row[1] == 0.0 { of_none } else { of_event }));
        lower_with += equal_with;
        lower_without += equal_without;
    }
    let events = rows.iter().zip(&right).filter(|(row, _)| row[1] != 0.0);
    let value = events.map(|(_, right)| right).sum::<f64>() / with;

    // How far each cluster's rows, of either kind, are placed from the mean.
    let distance = |(row, right): (&[f64; 3], &f64)| match row[1] == 0.0 {
        false => (row[2], [1.0, right - value, 0.0, 0.0]),
        true => (row[2], [0.0, 0.0, 1.0, right - value]),
    };
    let mut distances: Vec<(f64, [f64; 4])> = rows.iter().zip(&right).map(distance).collect();
    distances.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut clusters, mut clusters_with, mut clusters_without) = (0.0, 0.0, 0.0);
    let (mut of_events, mut of_nones, mut of_both) = (0.0, 0.0, 0.0);
    for cluster in distances.chunk_by(|a, b| a.0 == b.0) {
        let sum = |place: usize| cluster.iter().map(|(_, numbers)| numbers[place]).sum::<f64>();
        let [n_with, of_event, n_without, of_none] = [0, 1, 2, 3].map(sum);
        clusters += 1.0;
        clusters_with += f64::from(u8::from(n_with > 0.0));
        clusters_without += f64::from(u8::from(n_without > 0.0));
        of_events += of_event * of_event;
        of_nones += of_none * of_none;
        of_both += of_event * of_none;
    }
    let unbiased = |clusters: f64| clusters / (clusters - 1.0);
    let variance = unbiased(clusters_with) * of_events / with.powi(2)
        + unbiased(clusters_without) * of_nones / without.powi(2)
        + 2.0 * unbiased(clusters) * of_both / (with * without);
    let odds = value * (1.0 - value);
    let several = clusters_with > 1.0 && clusters_without > 1.0;
    let interval = (several && variance > 0.0 && odds > 0.0).then(|| {
        let (logit, reach) = ((value / (1.0 - value)).ln(), Z * variance.sqrt() / odds);
        let share = |logit: f64| 1.0 / (1.0 + (-logit).exp());
        (share(logit - reach), share(logit + reach))
    });
    Some(Found { value, interval, events: i64::try_from(all).ok()? })
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn sorted(mut rows: Vec<[f64; 3]>) -> Vec<[f64; 3]> {
        rows.sort_by(|a, b| a[0].total_cmp(&b[0]));
        rows
    }

    /// Customers judged `times` each; their score leans on a level of their own,
    /// and so does the event.
    fn judged(seed: u64, customers: u32, times: u32, grid: f64) -> Vec<[f64; 3]> {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut rows = Vec::new();
        for customer in 0..customers {
            let level: f64 = chance.random();
            for _ in 0..times {
                let score = (grid * (4.0 * level + chance.random::<f64>())).round();
                let event = f64::from(u8::from(chance.random::<f64>() < 0.1 + 0.8 * level * level));
                rows.push([score, event, f64::from(customer)]);
            }
        }
        sorted(rows)
    }

    #[test]
    fn is_the_share_of_pairs_in_the_right_order() {
        for seed in 0..50 {
            let rows = judged(seed, 20, 2, 4.0);
            let (mut pairs, mut right) = (0.0, 0.0);
            for with in rows.iter().filter(|row| row[1] != 0.0) {
                for without in rows.iter().filter(|row| row[1] == 0.0) {
                    pairs += 1.0;
                    right += match with[0].total_cmp(&without[0]) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            let found = concordance(&rows).unwrap();
            assert!((found.value - right / pairs).abs() < 1e-12, "{found:?}");
            let mirrored = rows.iter().map(|[score, event, cluster]| [-score, *event, *cluster]);
            let mirrored = concordance(&sorted(mirrored.collect())).unwrap();
            assert!((found.value + mirrored.value - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn of_a_single_event_nobody_knows_how_it_varies() {
        let rows = [[1.0, 0.0, 1.0], [2.0, 1.0, 2.0], [3.0, 0.0, 3.0]];
        let found = concordance(&rows).unwrap();
        assert_eq!(found, Found { value: 0.5, interval: None, events: 1 });
    }

    #[test]
    fn one_kind_alone_is_null_and_perfect_order_has_no_interval() {
        assert_eq!(concordance(&[]), None);
        assert_eq!(concordance(&[[1.0, 1.0, 1.0], [2.0, 1.0, 2.0]]), None);
        let perfect = [[1.0, 0.0, 1.0], [2.0, 1.0, 2.0], [3.0, 1.0, 3.0]];
        let found = concordance(&perfect).unwrap();
        assert_eq!(found, Found { value: 1.0, interval: None, events: 2 });
    }

    /// DeLong's variance of six rows, by hand: events place .75, 1, 1; the others
    /// .5 + 1/3, 1 against 2.75 / 3.
    #[test]
    fn without_clusters_the_interval_is_delongs() {
        let rows = [[1.0, 0.0], [2.0, 1.0], [2.0, 0.0], [3.0, 1.0], [4.0, 1.0]];
        let rows: Vec<[f64; 3]> =
            rows.iter().enumerate().map(|(at, row)| [row[0], row[1], at as f64]).collect();
        let found = concordance(&rows).unwrap();
        let value = 2.75 / 3.0;
        assert!((found.value - value).abs() < 1e-12);
        let with = [0.75_f64, 1.0, 1.0].map(|place| ((place - value) / 3.0).powi(2));
        let without = [1.0, 2.5 / 3.0].map(|place: f64| ((place - value) / 2.0).powi(2));
        let variance = with.iter().sum::<f64>() * 3.0 / 2.0 + without.iter().sum::<f64>() * 2.0;
        let reach = Z * variance.sqrt() / (value * (1.0 - value));
        let low = 1.0 / (1.0 + (reach - (value / (1.0 - value)).ln()).exp());
        assert!((found.interval.unwrap().0 - low).abs() < 1e-12);
    }

    #[test]
    fn the_interval_covers_the_truth_also_where_customers_come_again() {
        let truth = concordance(&judged(1, 400_000, 1, 50.0)).unwrap().value;
        let naive = |rows: &[[f64; 3]]| {
            let alone = rows.iter().enumerate().map(|(at, row)| [row[0], row[1], at as f64]);
            concordance(&alone.collect::<Vec<_>>()).unwrap().interval.unwrap()
        };
        let (mut held, mut held_naive) = (0, 0);
        for seed in 0..2_000 {
            let rows = judged(10_000 + seed, 60, 6, 50.0);
            let holds = |(low, high): (f64, f64)| low <= truth && truth <= high;
            held += u32::from(holds(concordance(&rows).unwrap().interval.unwrap()));
            held_naive += u32::from(holds(naive(&rows)));
        }
        assert!((1_860..=1_940).contains(&held), "{held} of 2000");
        assert!(held_naive < 1_860, "{held_naive} of 2000 without clusters");
    }
}
