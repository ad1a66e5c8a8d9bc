//! How sure is the difference between two shares?
//!
//! ```sql
//! SELECT newcombe(treated_yes, treated, control_yes, control) AS i  -- i['low'], i['high']
//! ```
//!
//! 18.3 % of those we wrote to came back, 10.6 % of the others: is the play
//! worth 7.7 points, or could it be nothing? `newcombe(x1, n1, x2, n2)` is the
//! 95 % interval of x1/n1 − x2/n2, `{low, high}` from −1 to 1; null when a
//! group is empty or an argument is null. An interval that holds 0 is
//! compatible with no difference.
//!
//! It joins the Wilson intervals of the two shares, and so keeps its promise in
//! small groups and at shares near 0 and 1, where the textbook interval does
//! not.
//!
//! Source: R. G. Newcombe, "Interval estimation for the difference between
//! independent proportions", 1998, method 10.

use datafusion::logical_expr::ScalarUDF;

use super::interval::{self, Interval};
use super::wilson::wilson;
use crate::error::Result;

pub(super) fn function() -> ScalarUDF {
    interval::function("newcombe", |[x1, n1, x2, n2]| newcombe(x1, n1, x2, n2))
}

/// The 95 % interval of `x1/n1 − x2/n2`; nothing when a group is empty.
///
/// # Errors
/// If there are more successes than trials, or fewer than none.
pub(super) fn newcombe(x1: f64, n1: f64, x2: f64, n2: f64) -> Result<Interval> {
    let (Some((low1, high1)), Some((low2, high2))) = (wilson(x1, n1)?, wilson(x2, n2)?) else {
        return Ok(None);
    };
    let (p1, p2) = (x1 / n1, x2 / n2);
    let low = p1 - p2 - (p1 - low1).hypot(high2 - p2);
    let high = p1 - p2 + (high1 - p1).hypot(p2 - low2);
    Ok(Some((low.max(-1.0), high.min(1.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(x1: f64, n1: f64, x2: f64, n2: f64) -> (f64, f64) {
        let (low, high) = newcombe(x1, n1, x2, n2).unwrap().unwrap();
        ((low * 1e4).round() / 1e4, (high * 1e4).round() / 1e4)
    }

    #[test]
    fn published_values() {
        // Newcombe (1998), table II, method 10, contrasts (a) to (h).
        assert_eq!(rounded(56.0, 70.0, 48.0, 80.0), (0.0524, 0.3339));
        assert_eq!(rounded(9.0, 10.0, 3.0, 10.0), (0.1705, 0.8090));
        assert_eq!(rounded(6.0, 7.0, 2.0, 7.0), (0.0582, 0.8062));
        assert_eq!(rounded(5.0, 56.0, 0.0, 29.0), (-0.0381, 0.1926));
        assert_eq!(rounded(0.0, 10.0, 0.0, 20.0), (-0.1611, 0.2775));
        assert_eq!(rounded(0.0, 10.0, 0.0, 10.0), (-0.2775, 0.2775));
        assert_eq!(rounded(10.0, 10.0, 0.0, 20.0), (0.6791, 1.0));
        assert_eq!(rounded(10.0, 10.0, 0.0, 10.0), (0.6075, 1.0));
    }

    #[test]
    fn mirrors_when_the_groups_are_swapped() {
        for (x1, n1, x2, n2) in [(3.0, 9.0, 4.0, 7.0), (0.0, 5.0, 5.0, 5.0), (1.0, 2.0, 1.0, 2.0)] {
            let (low, high) = newcombe(x1, n1, x2, n2).unwrap().unwrap();
            let (other_low, other_high) = newcombe(x2, n2, x1, n1).unwrap().unwrap();
            assert!((low + other_high).abs() < 1e-12 && (high + other_low).abs() < 1e-12);
            assert!(low <= x1 / n1 - x2 / n2 && x1 / n1 - x2 / n2 <= high);
        }
    }

    #[test]
    fn an_empty_group_has_no_difference_and_nonsense_is_an_error() {
        assert_eq!(newcombe(0.0, 0.0, 1.0, 2.0).unwrap(), None);
        assert_eq!(newcombe(1.0, 2.0, 0.0, 0.0).unwrap(), None);
        assert!(newcombe(3.0, 2.0, 1.0, 2.0).is_err());
        assert!(newcombe(1.0, 2.0, f64::NAN, 2.0).is_err());
    }
}
