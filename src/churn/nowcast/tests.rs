//! Customers whose scores and days of return are known, watched for some weeks.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::super::params::tests::given;
use super::super::spec::{ChurnSpec, Label};
use super::*;

const HORIZON: u32 = 90;

/// Score, and the day of return; none for those who leave.
type Watched = (f64, Option<u32>);

/// Customers of whom `odds` times as many leave as their scores say; stayers
/// come back after exponential times, the slower the riskier, all of them
/// slower by the month's `delay`.
fn cohort(chance: &mut Xoshiro256PlusPlus, n: usize, odds: f64, delay: f64) -> Vec<Watched> {
    let mut uniform = || chance.random::<f64>();
    let customer = |_| {
        let p = 0.01 + 0.9 * uniform().powi(4);
        let left = odds * p / (1.0 - p) / (1.0 + odds * p / (1.0 - p));
        if uniform() < left {
            return (p, None);
        }
        let mean = delay * (2.0 + 60.0 * p);
        loop {
            // Who stays comes within the horizon.
            let day = -mean * uniform().ln();
            if day < f64::from(HORIZON) {
                return (p, Some(day as u32 + 1));
            }
        }
    };
    (0..n).map(customer).collect()
}

fn law(cohorts: &[Vec<Watched>]) -> ReturnLaw {
    let label = Label::Inactivity {
        horizon_days: HORIZON,
        gap_days: 0,
        eligible_days: 90,
        activities: Vec::new(),
    };
    let rows: Vec<Watched> = cohorts.iter().flatten().copied().collect();
    let (mut by_cutoff, mut from) = (Vec::new(), 0);
    for cohort in cohorts {
        by_cutoff.push((from..from + cohort.len()).collect());
        from += cohort.len();
    }
    let probabilities: Vec<f64> = rows.iter().map(|(p, _)| *p).collect();
    let watched: Vec<(bool, Option<u32>)> =
        rows.iter().map(|(_, day)| (day.is_none(), *day)).collect();
    let spec = ChurnSpec { label, ..given() };
    ReturnLaw::learn(&probabilities, &watched, &by_cutoff, &spec).unwrap()
}

fn nowcast(cohort: &[Watched], law: &ReturnLaw, day: u32) -> Nowcast {
    let scores: Vec<(f64, bool)> =
        cohort.iter().map(|(p, seen)| (*p, seen.is_some_and(|seen| seen <= day))).collect();
    Nowcast::of(&scores, law, f64::from(day)).unwrap()
}

/// Of 100 companies the shares in which the interval held the final number, and
/// in which an alarm was raised.
fn rates(odds: f64, day: u32, jitter: f64) -> (f64, f64) {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(u64::from(day) + 7);
    let (mut held, mut alarms) = (0_u32, 0_u32);
    for _ in 0..100 {
        // Months differ in how late everybody comes.
        let month = |chance: &mut Xoshiro256PlusPlus, n, odds| {
            let delay = 1.0 + jitter * (2.0 * chance.random::<f64>() - 1.0);
            cohort(chance, n, odds, delay)
        };
        let past: Vec<Vec<Watched>> = (0..6).map(|_| month(&mut chance, 500, 1.0)).collect();
        let today = month(&mut chance, 1_000, odds);
        let found = nowcast(&today, &law(&past), day);
        let left = today.iter().filter(|(_, day)| day.is_none()).count() as f64;
        held += u32::from(found.interval[0] <= left && left <= found.interval[1]);
        alarms += u32::from(found.is_off());
    }
    (f64::from(held) / 100.0, f64::from(alarms) / 100.0)
}

#[test]
fn the_final_number_is_in_the_interval_weeks_before_it_is_known() {
    for (day, jitter) in [(15, 0.15), (30, 0.0), (30, 0.15), (60, 0.15)] {
        let (held, alarms) = rates(1.0, day, jitter);
        assert!(held >= 0.9, "day {day}, jitter {jitter}: {held}");
        assert!(alarms <= 0.04, "day {day}, jitter {jitter}: {alarms}");
    }
}

#[test]
fn scores_that_no_longer_hold_are_told_before_the_label_is_known() {
    for (day, least) in [(30, 0.9), (60, 0.95)] {
        let (held, alarms) = rates(2.0, day, 0.15);
        assert!(held >= 0.9 && alarms >= least, "day {day}: {held} {alarms}");
    }
}

#[test]
fn at_the_end_of_the_horizon_it_is_the_count_itself() {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(3);
    let past = [cohort(&mut chance, 500, 1.0, 1.0)];
    let today = cohort(&mut chance, 500, 1.5, 1.0);
    let found = nowcast(&today, &law(&past), HORIZON);
    let left = today.iter().filter(|(_, day)| day.is_none()).count();
    assert!((found.expected - left as f64).abs() < 1e-6);
    assert_eq!(found.seen + left, 500);
    assert!(found.interval[1] - found.interval[0] < 1e-6);
    assert_eq!(Nowcast::of(&[], &law(&past), 30.0), None);
    assert_eq!(Nowcast::of(&[(0.1, false)], &law(&past), 0.0), None);
}

/// One group, so S is the same for all: (π + (1−π)S) by hand.
#[test]
fn silence_raises_a_probability_by_bayes_rule() {
    let past: Vec<Watched> = (0..1_000)
        .map(|row| if row < 200 { (0.2, None) } else { (0.2, Some(row % 80 + 1)) })
        .collect();
    let law = law(&[past]);
    // As many silent on day 40 as scores and law say: 0.2 + 0.8 × about a half.
    let silent = 0.2 + 0.8 * law.silent(0.2, 40.0);
    let scores: Vec<(f64, bool)> =
        (0..10_000).map(|row| (0.2, f64::from(row) >= 10_000.0 * silent)).collect();
    let found = Nowcast::of(&scores, &law, 40.0).unwrap();
    assert!((found.factor - 1.0).abs() < 0.01 && found.z.abs() < 0.1, "{found:?}");
    assert!((found.expected - 2_000.0).abs() < 10.0, "{found:?}");
}
