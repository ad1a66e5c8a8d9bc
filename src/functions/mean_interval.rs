//! How sure is a mean?
//!
//! ```sql
//! SELECT mean_interval(avg(amount), stddev(amount), count(amount)) AS i  -- i['low'], i['high']
//! ```
//!
//! Ten orders of 40 on average say little about the next ten. `mean_interval(
//! mean, stddev, n)` is Student's 95 % interval mean ± t · s/√n, `{low, high}`
//! in the mean's unit, `stddev` being the sample's (n − 1). Null when n is
//! below 2, since one value says nothing about the spread, or an argument is
//! null.
//!
//! It holds its level when values are near normal or n is large; a mean that
//! hangs on a few giants needs a bootstrap instead.
//!
//! Source: Student, "The probable error of a mean", 1908.

use datafusion::logical_expr::ScalarUDF;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::interval::{self, Interval, Z};
use crate::error::{Error, ErrorKind, Result};

pub(super) fn function() -> ScalarUDF {
    interval::function("mean_interval", |[mean, stddev, n]| mean_interval(mean, stddev, n))
}

/// Student's 95 % interval; nothing below two values.
///
/// # Errors
/// If the standard deviation is negative or an argument is not a number.
pub(super) fn mean_interval(mean: f64, stddev: f64, n: f64) -> Result<Interval> {
    if mean.is_nan() || n.is_nan() || stddev.is_nan() || stddev < 0.0 {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("mean_interval: mean {mean}, standard deviation {stddev}, {n} values"),
        ));
    }
    if n < 2.0 {
        return Ok(None);
    }
    let half = quantile(n - 1.0)? * stddev / n.sqrt();
    Ok(Some((mean - half, mean + half)))
}

/// Student's t at 97.5 %.
fn quantile(freedom: f64) -> Result<f64> {
    // statrs searches for it, and loses digits where the law is nearly normal;
    // there the expansion of Abramowitz & Stegun, 26.7.5, is exact to the last.
    if freedom > 300.0 {
        let z2 = Z * Z;
        let g1 = Z * (z2 + 1.0) / 4.0;
        let g2 = Z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
        let g3 = Z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
        let g4 =
            Z * ((((79.0 * z2 + 776.0) * z2 + 1_482.0) * z2 - 1_920.0) * z2 - 945.0) / 92_160.0;
        return Ok(Z + (g1 + (g2 + (g3 + g4 / freedom) / freedom) / freedom) / freedom);
    }
    let law = StudentsT::new(0.0, 1.0, freedom).map_err(|error| {
        let words = format!("mean_interval: {freedom} degrees of freedom");
        Error::new(ErrorKind::Usage, words).caused_by(error)
    })?;
    Ok(law.inverse_cdf(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_quantiles() {
        // Student's t at 97.5 % for 1, 2, 10, 30 and 1000 degrees of freedom.
        for (freedom, t) in
            [(1.0, 12.7062), (2.0, 4.3027), (10.0, 2.2281), (30.0, 2.0423), (1000.0, 1.9623)]
        {
            let n: f64 = freedom + 1.0;
            let (low, high) = mean_interval(5.0, n.sqrt(), n).unwrap().unwrap();
            assert!((high - 5.0 - t).abs() < 5e-5, "{freedom}: {high}");
            assert!((low + high - 10.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_expansion_meets_the_search() {
        let law = StudentsT::new(0.0, 1.0, 300.5).unwrap();
        assert!((quantile(300.5).unwrap() - law.inverse_cdf(0.975)).abs() < 1e-9);
        // By scipy.
        for (freedom, t) in [(36_000.0, 1.960_029_883_141_026_3), (1e6, 1.959_966_356_814_107)] {
            assert!((quantile(freedom).unwrap() - t).abs() < 1e-13, "{freedom}");
        }
    }

    #[test]
    fn one_value_says_nothing_and_nonsense_is_an_error() {
        assert_eq!(mean_interval(5.0, 0.0, 1.0).unwrap(), None);
        assert_eq!(mean_interval(5.0, 0.0, 0.0).unwrap(), None);
        assert_eq!(mean_interval(5.0, 0.0, 9.0).unwrap(), Some((5.0, 5.0)));
        for (mean, stddev, n) in [(5.0, -1.0, 9.0), (f64::NAN, 1.0, 9.0), (5.0, f64::NAN, 9.0)] {
            assert!(mean_interval(mean, stddev, n).is_err());
        }
    }
}
