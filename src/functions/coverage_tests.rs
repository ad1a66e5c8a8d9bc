//! Do the intervals keep their promise? Each is asked thousands of times about
//! samples from a known law, small ones among them, and has to hold the truth 93
//! to 97 times in a hundred.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::difference_interval::difference_interval;
use super::mean_interval::mean_interval;
use super::moments::Sample;
use super::newcombe::newcombe;
use super::nps_interval::nps_interval;
use super::wilson::wilson;

const TRIALS: u32 = 20_000;

/// The share of trials in which the interval of a sample holds the truth.
fn covered(mut trial: impl FnMut(&mut Xoshiro256PlusPlus) -> (f64, (f64, f64))) -> f64 {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(95);
    let held = (0..TRIALS).filter(|_| {
        let (truth, (low, high)) = trial(&mut chance);
        low <= truth && truth <= high
    });
    held.count() as f64 / f64::from(TRIALS)
}

fn assert_promise(name: &str, share: f64) {
    assert!((0.93..=0.97).contains(&share), "{name} covers {share}");
}

/// A share that is not at the very end, and a sample's size and successes.
fn binomial(chance: &mut Xoshiro256PlusPlus, least: u32) -> (f64, f64, f64) {
    let p = 0.03 + 0.94 * chance.random::<f64>();
    let n = chance.random_range(least..200);
    let x = (0..n).filter(|_| chance.random::<f64>() < p).count();
    (p, x as f64, f64::from(n))
}

#[test]
fn wilson_covers_the_share() {
    let share = covered(|chance| {
        let (p, x, n) = binomial(chance, 5);
        (p, wilson(x, n).unwrap().unwrap())
    });
    assert_promise("wilson", share);
}

#[test]
fn newcombe_covers_the_difference() {
    let share = covered(|chance| {
        let ((p1, x1, n1), (p2, x2, n2)) = (binomial(chance, 5), binomial(chance, 5));
        (p1 - p2, newcombe(x1, n1, x2, n2).unwrap().unwrap())
    });
    assert_promise("newcombe", share);
}

#[test]
fn nps_interval_covers_the_score() {
    let share = covered(|chance| {
        let promoters = 0.1 + 0.6 * chance.random::<f64>();
        let detractors = (1.0 - promoters) * (0.1 + 0.8 * chance.random::<f64>());
        let n = chance.random_range(10..300_u32);
        let (mut p, mut d) = (0.0, 0.0);
        for _ in 0..n {
            let answer = chance.random::<f64>();
            if answer < promoters {
                p += 1.0;
            } else if answer < promoters + detractors {
                d += 1.0;
            }
        }
        (100.0 * (promoters - detractors), nps_interval(p, d, f64::from(n)).unwrap().unwrap())
    });
    assert_promise("nps_interval", share);
}

/// Laws of what customers spend, wait and answer: the name, the mean, a value.
type Law = (&'static str, f64, fn(&mut Xoshiro256PlusPlus) -> f64);

/// Box and Muller: a normal value from two even ones.
fn normal(chance: &mut Xoshiro256PlusPlus) -> f64 {
    let (u, v) = (1.0 - chance.random::<f64>(), chance.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

const LAWS: [Law; 6] = [
    ("normal", 7.0, |chance| 7.0 + 3.0 * normal(chance)),
    ("exponential", 1.0, |chance| -(1.0 - chance.random::<f64>()).ln()),
    ("gamma of shape one half", 0.5, |chance| normal(chance).powi(2) / 2.0),
    ("lognormal", 1.377_127_764_335_957, |chance| (0.8 * normal(chance)).exp()),
    ("scores from 1 to 5", 4.15, |chance| match chance.random::<f64>() {
        ..0.05 => 1.0,
        ..0.1 => 2.0,
        ..0.2 => 3.0,
        ..0.5 => 4.0,
        _ => 5.0,
    }),
    ("half of the customers buy", 0.5, |chance| match chance.random() {
        true => -(1.0 - chance.random::<f64>()).ln(),
        false => 0.0,
    }),
];

/// A sample of a law whose values are not all equal: of these nothing is promised.
fn sample(
    chance: &mut Xoshiro256PlusPlus,
    n: usize,
    law: fn(&mut Xoshiro256PlusPlus) -> f64,
) -> Sample {
    loop {
        let mut values: Vec<f64> = (0..n).map(|_| law(chance)).collect();
        values.sort_by(f64::total_cmp);
        match Sample::of(&values) {
            Some(sample) if sample.variance > 0.0 => return sample,
            _ => (),
        }
    }
}

#[test]
fn mean_interval_covers_the_mean() {
    for (name, mean, law) in LAWS {
        let share = covered(|chance| {
            let n = chance.random_range(5..60);
            (mean, mean_interval(sample(chance, n, law)).unwrap().unwrap())
        });
        assert_promise(name, share);
    }
}

#[test]
fn difference_interval_covers_the_difference() {
    for (name, mean, law) in LAWS {
        let share = covered(|chance| {
            // A control group may be far smaller than the other.
            let (n, m) = (chance.random_range(20..100), chance.random_range(50..400));
            let (a, b) = (sample(chance, n, law), sample(chance, m, LAWS[1].2));
            (mean - LAWS[1].1, difference_interval(a, b).unwrap().unwrap())
        });
        assert_promise(name, share);
    }
}

#[test]
fn difference_interval_does_not_take_an_arm_without_buyers_for_known() {
    let few = |chance: &mut Xoshiro256PlusPlus| match chance.random::<f64>() {
        ..0.05 => (0.8 * normal(chance)).exp(),
        _ => 0.0,
    };
    for (n, m) in [(500, 500), (900, 100), (1_000, 50)] {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(5);
        let held = (0..2_000).filter(|_| {
            let (a, b) = (sample(&mut chance, n, few), sample(&mut chance, m, few));
            let (low, high) = difference_interval(a, b).unwrap().unwrap();
            low <= 0.0 && 0.0 <= high
        });
        let share = held.count() as f64 / 2_000.0;
        assert!((0.93..=0.99).contains(&share), "{n} and {m}: {share}");
    }
}
