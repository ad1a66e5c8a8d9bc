//! Which curve has these hazards and passes through the score?

use super::super::departure::HORIZONS;
use super::days;

/// Days over which remaining life is counted: three years. What lies beyond is
/// nothing that the intervals know of.
pub const LIMIT_DAYS: u32 = 1_095;

/// When one customer will have left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    /// Probability of having left by each of [`HORIZONS`], after the cutoff and the
    /// gap; none where the data was too short to learn it. It never falls.
    pub left_by: [Option<f64>; HORIZONS.len()],
    /// Expected days until the customer leaves, those beyond [`LIMIT_DAYS`] not
    /// counted; 0 for one who has left.
    pub remaining_days: f64,
}

impl Curve {
    /// The curve of the cumulative hazards that the intervals add, one or more,
    /// through `probability` on day `score_days`.
    pub(super) fn through(probability: f64, score_days: u32, hazards: &[f64]) -> Self {
        let raw = Cumulative { hazards };
        let stayed = -(-probability).ln_1p();
        let (begin, factor) = match score_days {
            0 => (stayed, 1.0),
            days => (0.0, stayed / raw.at(days).max(f64::MIN_POSITIVE)),
        };
        let mut left_by = [None; HORIZONS.len()];
        let mut lowest: f64 = if score_days == 0 { probability } else { 0.0 };
        for (number, _) in hazards.iter().enumerate() {
            let day = HORIZONS[number];
            let left = left(begin + factor * raw.at(day));
            // What rounding would move past the score is the score.
            let left = match day.cmp(&score_days) {
                std::cmp::Ordering::Less => left.min(probability),
                std::cmp::Ordering::Equal => probability,
                std::cmp::Ordering::Greater => left.max(probability),
            };
            lowest = lowest.max(left);
            left_by[number] = Some(lowest);
        }
        Self { left_by, remaining_days: raw.remaining(begin, factor) }
    }
}

/// The share that has left under a cumulative hazard.
fn left(hazard: f64) -> f64 {
    -(-hazard).exp_m1()
}

struct Cumulative<'a> {
    hazards: &'a [f64],
}

impl Cumulative<'_> {
    /// The pieces of constant hazard up to the limit: length and hazard per day.
    fn pieces(&self) -> impl Iterator<Item = (f64, f64)> {
        let of = |number: usize| {
            let length = f64::from(days(number).1);
            (length, self.hazards[number] / length)
        };
        let known = self.hazards.len();
        let last = known
            .checked_sub(1)
            .map(|number| (f64::from(LIMIT_DAYS.saturating_sub(days(number).0)), of(number).1));
        (0..known).map(of).chain(last)
    }

    /// The cumulative hazard at the end of a day.
    fn at(&self, day: u32) -> f64 {
        let (mut left, mut sum, mut rate) = (f64::from(day), 0.0, 0.0);
        for (length, per_day) in self.pieces() {
            sum += per_day * left.min(length);
            left -= left.min(length);
            rate = per_day;
        }
        sum + rate * left
    }

    /// The mean of the days stayed, none counted beyond the limit: the area under
    /// the share that has not left.
    fn remaining(&self, begin: f64, factor: f64) -> f64 {
        let (mut hazard, mut area) = (begin, 0.0);
        for (length, per_day) in self.pieces() {
            let own = factor * per_day * length;
            // ∫ e^−(hazard + rate·t) dt over the piece.
            let mean = if own > 1e-12 { left(own) / own } else { 1.0 };
            area += (-hazard).exp() * mean * length;
            hazard += own;
        }
        area
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn the_score_of_silence_is_where_the_curve_begins() {
        let hazards = [0.1_f64, 0.2, 0.3, 0.4].map(|hazard| -(-hazard).ln_1p());
        let curve = Curve::through(0.25, 0, &hazards);
        let stays = [0.9, 0.9 * 0.8, 0.9 * 0.8 * 0.7, 0.9 * 0.8 * 0.7 * 0.6];
        for (found, stays) in curve.left_by.into_iter().zip(stays) {
            assert!(close(found.unwrap(), 1.0 - 0.75 * stays), "{found:?} {stays}");
        }
    }

    #[test]
    fn the_score_of_contracts_is_on_the_curve_at_the_horizon() {
        let hazards = [0.1, 0.2, 0.3, 0.4];
        for (days, number) in [(30, 0), (60, 1), (90, 2), (180, 3)] {
            let curve = Curve::through(0.37, days, &hazards);
            assert_eq!(curve.left_by[number], Some(0.37));
        }
        // Half way through the second interval: .1 + .1 of hazard are bent to
        // −ln .63, and so are .3 at its end.
        let curve = Curve::through(0.37, 45, &hazards);
        let bend = -0.63_f64.ln() / 0.2;
        assert!(close(curve.left_by[1].unwrap(), 1.0 - (-0.3 * bend).exp()));
        // Ninety days beyond the last interval, its hazard goes on.
        let curve = Curve::through(0.37, 270, &hazards);
        let bend = -0.63_f64.ln() / 1.4;
        assert!(close(curve.left_by[3].unwrap(), 1.0 - (-bend).exp()));
    }

    #[test]
    fn remaining_life_is_the_area_under_the_curve() {
        // A constant hazard of .002 a day: (1 − e^(−.002 · 1095)) / .002.
        let hazards = [0.06, 0.06, 0.06, 0.18];
        let forever = (1.0 - (-0.002_f64 * 1_095.0).exp()) / 0.002;
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(Curve::through(0.0, 0, &hazards).remaining_days, forever));
        assert!(close(Curve::through(0.4, 0, &hazards).remaining_days, 0.6 * forever));
        assert!(close(Curve::through(0.4, 0, &hazards[..1]).remaining_days, 0.6 * forever));
        // Nobody leaves: all days up to the limit.
        assert!(close(Curve::through(0.0, 0, &[0.0; 4]).remaining_days, 1_095.0));
    }

    #[test]
    fn a_curve_never_falls_and_knows_no_more_than_its_intervals() {
        for probability in [1e-300, 1e-12, 0.3, 0.999_999, 1.0 - f64::EPSILON] {
            for score_days in [0, 30, 45, 90, 365] {
                for hazards in [[1e-300, 1e-17, 1e-9, 1e-18], [1e-3, 5.0, 40.0, 700.0]] {
                    let curve = Curve::through(probability, score_days, &hazards);
                    let known: Vec<f64> = curve.left_by.into_iter().flatten().collect();
                    assert_eq!(known.len(), 4);
                    assert!(known.is_sorted(), "{known:?}");
                    assert!(known.iter().all(|left| (0.0..=1.0).contains(left)), "{known:?}");
                    assert!((0.0..=1_095.0).contains(&curve.remaining_days), "{curve:?}");
                    if score_days == 0 {
                        assert!(known[0] >= probability);
                    }
                }
            }
        }
        let curve = Curve::through(0.3, 0, &[0.1, 0.1]);
        assert!(curve.left_by[1].is_some() && curve.left_by[2].is_none());
    }
}
