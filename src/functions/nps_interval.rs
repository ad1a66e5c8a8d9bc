//! How sure is a Net Promoter Score?
//!
//! ```sql
//! SELECT nps_interval(promoters, detractors, responses) AS i  -- i['low'], i['high']
//! ```
//!
//! NPS is a difference of two shares, 100 (P − D)/n, and jumps by ten points
//! when ten people answer. `nps_interval(promoters, detractors, n)` is the
//! adjusted-Wald 95 % interval, `{low, high}` in points from −100 to 100: add
//! three answers, a quarter of each of four kinds, so that n′ = n + 3,
//! P′ = P + ¾, D′ = D + ¾, and take the standard error
//! √((p′ + d′ − (p′ − d′)²)/n′). Null when n is 0 or an argument is null.
//!
//! Source: adjusted Wald for a difference of paired shares (Agresti & Min,
//! 2005), shown to hold its level for NPS by Sauro & Lewis.

use datafusion::logical_expr::ScalarUDF;

use super::interval::{self, Interval, Z};
use crate::error::{Error, ErrorKind, Result};

pub(super) fn function() -> ScalarUDF {
    interval::function("nps_interval", |[promoters, detractors, n]| {
        nps_interval(promoters, detractors, n)
    })
}

/// The adjusted-Wald 95 % interval of an NPS; nothing when `n` is 0.
///
/// # Errors
/// If promoters and detractors are more than the answers, or fewer than none.
pub(super) fn nps_interval(promoters: f64, detractors: f64, n: f64) -> Result<Interval> {
    if !(promoters >= 0.0 && detractors >= 0.0 && promoters + detractors <= n) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("nps_interval: {promoters} promoters and {detractors} detractors of {n}"),
        ));
    }
    if n == 0.0 {
        return Ok(None);
    }
    let n = n + 3.0;
    let p = (promoters + 0.75) / n;
    let d = (detractors + 0.75) / n;
    let score = p - d;
    let error = ((p + d - score * score) / n).sqrt();
    let low = 100.0 * (score - Z * error);
    let high = 100.0 * (score + Z * error);
    Ok(Some((low.max(-100.0), high.min(100.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(promoters: f64, detractors: f64, n: f64) -> (f64, f64) {
        let (low, high) = nps_interval(promoters, detractors, n).unwrap().unwrap();
        ((low * 100.0).round() / 100.0, (high * 100.0).round() / 100.0)
    }

    #[test]
    fn gold_vectors() {
        assert_eq!(rounded(50.0, 20.0, 100.0), (14.05, 44.2));
        let (low, high) = rounded(10.0, 0.0, 10.0);
        assert_eq!((low * 10.0).round() / 10.0, 47.5);
        assert_eq!(high, 100.0);
    }

    #[test]
    fn swapping_promoters_and_detractors_mirrors_the_interval() {
        for n in 1..30 {
            for p in 0..=n {
                for d in 0..=n - p {
                    let (p, d, n) = (f64::from(p), f64::from(d), f64::from(n));
                    let (low, high) = nps_interval(p, d, n).unwrap().unwrap();
                    let (other_low, other_high) = nps_interval(d, p, n).unwrap().unwrap();
                    assert!((low + other_high).abs() < 1e-9);
                    assert!((high + other_low).abs() < 1e-9);
                    assert!((-100.0..=100.0).contains(&low) && low < high && high <= 100.0);
                }
            }
        }
    }

    #[test]
    fn nothing_of_nothing_is_null_and_nonsense_an_error() {
        assert_eq!(nps_interval(0.0, 0.0, 0.0).unwrap(), None);
        for (p, d, n) in [(2.0, 2.0, 3.0), (-1.0, 0.0, 3.0), (f64::NAN, 0.0, 3.0)] {
            assert!(nps_interval(p, d, n).is_err());
        }
    }
}
