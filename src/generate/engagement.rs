//! How often does an alive customer come, and how does that drift?
//!
//! A customer who has not churned opens *sessions* as a Poisson process. Its
//! rate sits on one of a few levels, and every month the level may move one
//! step: a random walk in engagement. The level is hidden; only the sessions it
//! causes are exported. That makes a customer a hidden Markov chain, small
//! enough that `truth` can compute exact probabilities from it.

use super::draw::Draw;

/// Number of levels of engagement.
pub(super) const LEVELS: usize = 6;
/// Sessions in 30 average days, by level. A session leaves about five rows.
pub(super) const SESSIONS: [f64; LEVELS] = [0.6, 1.2, 2.2, 3.4, 5.0, 7.0];
/// Chance per month of one step down, and of one step up.
const DOWN: f64 = 0.17;
const UP: f64 = 0.15;

/// Value segments, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment {
    A,
    B,
    C,
}

impl Segment {
    /// The name in the export.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        }
    }

    /// How likely each level is in the month of signing up.
    pub(super) const fn first_levels(self) -> [f64; LEVELS] {
        match self {
            Self::A => [0.02, 0.05, 0.13, 0.30, 0.32, 0.18],
            Self::B => [0.05, 0.13, 0.26, 0.30, 0.19, 0.07],
            Self::C => [0.10, 0.23, 0.32, 0.23, 0.09, 0.03],
        }
    }
}

/// Sessions expected on an average day at `level`.
pub(super) fn daily_rate(level: usize) -> f64 {
    SESSIONS[level] / 30.0
}

/// The level after one more month.
pub(super) fn drift(level: usize, draw: &mut Draw) -> usize {
    let u = draw.unit();
    if u < DOWN {
        level.saturating_sub(1)
    } else if u < DOWN + UP {
        (level + 1).min(LEVELS - 1)
    } else {
        level
    }
}

/// The distribution over levels after one more month.
pub(super) fn drift_all(masses: [f64; LEVELS]) -> [f64; LEVELS] {
    let mut next = [0.0; LEVELS];
    for (level, mass) in masses.iter().enumerate() {
        next[level.saturating_sub(1)] += mass * DOWN;
        next[(level + 1).min(LEVELS - 1)] += mass * UP;
        next[level] += mass * (1.0 - DOWN - UP);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customer_drifts_as_the_distribution_says() {
        let mut draw = Draw::new(3, 3);
        let n = 100_000;
        for level in 0..LEVELS {
            let mut expected = [0.0; LEVELS];
            expected[level] = 1.0;
            let expected = drift_all(expected);
            let mut seen = [0.0; LEVELS];
            for _ in 0..n {
                seen[drift(level, &mut draw)] += 1.0 / f64::from(n);
            }
            for (seen, expected) in seen.iter().zip(expected) {
                assert!((seen - expected).abs() < 0.008, "{seen} {expected}");
            }
        }
    }

    #[test]
    fn first_levels_are_distributions() {
        for segment in [Segment::A, Segment::B, Segment::C] {
            let total: f64 = segment.first_levels().iter().sum();
            assert!((total - 1.0).abs() < 1e-12, "{}", segment.name());
        }
    }

    #[test]
    fn the_readme_shows_these_rates() {
        let readme = include_str!("../../datasets/README.md");
        let sessions = SESSIONS.map(|rate| format!("{rate:?}")).join(", ");
        for words in [sessions, format!("(probability {DOWN})"), format!("(probability {UP})")] {
            assert!(readme.contains(&words), "datasets/README.md lacks: {words}");
        }
    }
}
