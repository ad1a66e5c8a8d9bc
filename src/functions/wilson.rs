//! How sure is a share that was counted in a small group?
//!
//! ```sql
//! SELECT wilson(won, won + lost) AS i  -- i['low'], i['high']
//! ```
//!
//! Three deals won of four is 75 %, and compatible with anything from 30 % to
//! 95 %. `wilson(successes, n)` is the 95 % score interval, `{low, high}` as
//! shares from 0 to 1; null when n is 0 or an argument is null. Unlike the
//! textbook interval p ± 1.96 √(p(1−p)/n) it keeps its promise at small n and
//! at shares near 0 and 1, and never leaves 0 to 1.
//!
//! Source: E. B. Wilson, "Probable inference, the law of succession, and
//! statistical inference", 1927; recommended by Brown, Cai & DasGupta, 2001.

use datafusion::logical_expr::ScalarUDF;

use super::interval::{self, Interval, Z};
use crate::error::{Error, ErrorKind, Result};

pub(super) fn function() -> ScalarUDF {
    interval::function("wilson", |[successes, n]| wilson(successes, n))
}

/// The 95 % Wilson score interval; nothing when `n` is 0.
///
/// # Errors
/// If there are more successes than trials, or fewer than none.
pub(super) fn wilson(successes: f64, n: f64) -> Result<Interval> {
    // Also catches NaN, which is in no range.
    if !(0.0..=n).contains(&successes) {
        return Err(Error::new(ErrorKind::Usage, format!("wilson: {successes} successes of {n}")));
    }
    if n == 0.0 {
        return Ok(None);
    }
    let p = successes / n;
    let shrink = 1.0 + Z * Z / n;
    let centre = (p + Z * Z / (2.0 * n)) / shrink;
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / shrink;
    // At the ends the formula gives exactly 0 or 1; rounding may not.
    let low = if successes == 0.0 { 0.0 } else { centre - half };
    let high = if successes == n { 1.0 } else { centre + half };
    Ok(Some((low, high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(interval: (f64, f64), low: f64, high: f64) {
        assert!((interval.0 - low).abs() < 5e-5, "{interval:?}");
        assert!((interval.1 - high).abs() < 5e-5, "{interval:?}");
    }

    #[test]
    fn published_values() {
        // 81 of 263 is the worked example of Newcombe (1998), method 3.
        close(wilson(81.0, 263.0).unwrap().unwrap(), 0.2553, 0.3662);
        // The ends for none of n are 0 and z²/(n + z²).
        close(wilson(0.0, 10.0).unwrap().unwrap(), 0.0, Z * Z / (10.0 + Z * Z));
        close(wilson(3.0, 4.0).unwrap().unwrap(), 0.3006, 0.9544);
    }

    #[test]
    fn contains_the_share_and_mirrors_and_narrows() {
        for n in 1..60 {
            for x in 0..=n {
                let (n, x) = (f64::from(n), f64::from(x));
                let (low, high) = wilson(x, n).unwrap().unwrap();
                assert!(0.0 <= low && low <= x / n && x / n <= high && high <= 1.0);
                let (mirrored_low, mirrored_high) = wilson(n - x, n).unwrap().unwrap();
                assert!((low + mirrored_high - 1.0).abs() < 1e-12);
                assert!((high + mirrored_low - 1.0).abs() < 1e-12);
                let (more_low, more_high) = wilson(4.0 * x, 4.0 * n).unwrap().unwrap();
                assert!(more_high - more_low < high - low);
            }
        }
    }

    #[test]
    fn nothing_of_nothing_is_null_and_nonsense_an_error() {
        assert_eq!(wilson(0.0, 0.0).unwrap(), None);
        for (x, n) in [(5.0, 3.0), (-1.0, 3.0), (f64::NAN, 3.0), (1.0, f64::NAN)] {
            assert!(wilson(x, n).is_err());
        }
    }
}
