//! How sure is a mean?
//!
//! ```sql
//! SELECT mean_interval(moments(amount)) AS i          -- i['low'], i['high']
//! SELECT mean_interval(moments(amount), n_customers)  -- those without an amount bought for 0
//! ```
//!
//! Ten orders of 40 on average say little about the next ten. What customers
//! spend or wait is skewed, and Student's interval of few such values misses
//! the mean on one side far more often than 5 % of the time: the few large values
//! that make up the mean are not in most samples. So his statistic
//! T = (mean − μ) / (s/√n) is first freed of its skew by Hall's cubic
//! transformation, g(T) = T + λT²/3 + λ²T³/27 + λ/6 with λ = skewness / √n, and
//! g(T) is taken to follow Student's law. The interval reaches further to the
//! side of the long tail; of symmetric values it is Student's.
//!
//! `mean_interval(moments [, n])` takes the `moments` of a sample and, if not all
//! of n customers have a value and none counts as 0, their number. It is
//! `{low, high}` in the mean's unit, and does not cross 0 where no value does.
//! Null below five values, where the skewness is not to be seen, and if all are
//! equal: both say nothing about the spread.
//!
//! How often it holds the mean, by simulation (Student's in brackets):
//!
//! | values | n = 5 | 10 | 20 | 50 |
//! |---|---|---|---|---|
//! | normal | 96 (96) | 95 (95) | 95 (95) | 95 (95) |
//! | exponential | 93 (89) | 94 (90) | 95 (92) | 94 (93) |
//! | gamma, shape ½ | 90 (82) | 93 (86) | 95 (90) | 95 (93) |
//! | lognormal, σ = 0.8 | 90 (86) | 93 (88) | 93 (90) | 94 (92) |
//! | lognormal, σ = 1.2 | 86 (77) | 90 (80) | 90 (82) | 92 (87) |
//! | scores 1 to 5, half of them 5 | 96 (87) | 93 (91) | 95 (93) | 96 (94) |
//!
//! The last but one shows the limit: where one customer in a hundred brings as much as
//! all others, no sample without that customer can know.
//!
//! Sources: Hall, "On the removal of skewness by transformation", 1992; Student,
//! "The probable error of a mean", 1908.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result as DataFusionResult;

use datafusion::logical_expr::{
    ColumnarValue, ScalarUDF, Signature, SimpleScalarUDF, TypeSignature, Volatility,
};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::args::{external, vectorised};
use super::interval::{Interval, Z, interval_array, interval_type};
use super::moments::{Sample, moments_type, read_moments};
use crate::error::{Error, ErrorKind, Result};

/// Fewer values do not show to which side they are spread.
const FEWEST: f64 = 5.0;

pub(super) fn function() -> ScalarUDF {
    let signature = Signature::one_of(
        vec![
            TypeSignature::Exact(vec![moments_type()]),
            TypeSignature::Exact(vec![moments_type(), DataType::Float64]),
        ],
        Volatility::Immutable,
    );
    SimpleScalarUDF::new_with_signature(
        "mean_interval",
        signature,
        interval_type(),
        Arc::new(invoke),
    )
    .into()
}

fn invoke(arguments: &[ColumnarValue]) -> DataFusionResult<ColumnarValue> {
    vectorised(arguments, |arrays| {
        let moments = arrays[0].as_struct();
        let all = arrays.get(1).map(|column| column.as_primitive::<Float64Type>());
        let intervals = (0..moments.len()).map(|row| {
            let n = match all {
                Some(all) if all.is_null(row) => return Ok(None),
                Some(all) => all.value(row),
                None => 0.0,
            };
            read_moments(moments, row).map_or(Ok(None), |sample| mean_interval(sample.among(n)))
        });
        interval_array(&intervals.collect::<Result<Vec<_>>>().map_err(external)?)
    })
}

/// Hall's 95 % interval of the mean, not beyond 0 if no value is; nothing below
/// [`FEWEST`] values or of equal ones.
///
/// # Errors
/// If there is no Student's law of so many values.
pub(super) fn mean_interval(sample: Sample) -> Result<Interval> {
    Ok(ends(sample)?.map(|(low, high)| {
        let low = if sample.least >= 0.0 { low.max(0.0) } else { low };
        let high = if sample.greatest <= 0.0 { high.min(0.0) } else { high };
        (low, high)
    }))
}

/// Hall's 95 % interval of the mean.
///
/// # Errors
/// If there is no Student's law of so many values.
pub(super) fn ends(sample: Sample) -> Result<Interval> {
    if sample.n < FEWEST || sample.variance <= 0.0 {
        return Ok(None);
    }
    let error = (sample.variance / sample.n).sqrt();
    let reach = quantile(sample.n - 1.0)?;
    let skewness = sample.skewness / sample.n.sqrt();
    let low = sample.mean - error * skewed(reach, skewness);
    let high = sample.mean - error * skewed(-reach, skewness);
    Ok(Some((low, high)))
}

/// Which T is taken to `x` by Hall's transformation for a mean whose law has this
/// skewness: 3 (∛(1 + λ(x − λ/6)) − 1) / λ, in a form that is exact at λ = 0.
fn skewed(x: f64, skewness: f64) -> f64 {
    let shifted = x - skewness / 6.0;
    let root = (1.0 + skewness * shifted).cbrt();
    3.0 * shifted / (root * root + root + 1.0)
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

    fn of(mut values: Vec<f64>) -> Interval {
        values.sort_by(f64::total_cmp);
        Sample::of(&values).and_then(|sample| mean_interval(sample).unwrap())
    }

    #[test]
    fn published_quantiles() {
        // Student's t at 97.5 % for 1, 2, 10, 30 and 1000 degrees of freedom.
        for (freedom, t) in
            [(1.0, 12.7062), (2.0, 4.3027), (10.0, 2.2281), (30.0, 2.0423), (1000.0, 1.9623)]
        {
            assert!((quantile(freedom).unwrap() - t).abs() < 5e-5, "{freedom}");
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
    fn symmetric_values_have_students_interval() {
        let (low, high) = of(vec![3.0, 4.0, 5.0, 6.0, 7.0]).unwrap();
        let half = quantile(4.0).unwrap() * (2.5_f64 / 5.0).sqrt();
        assert!((low - (5.0 - half)).abs() < 1e-12 && (high - (5.0 + half)).abs() < 1e-12);
    }

    #[test]
    fn the_transformation_is_taken_back() {
        for (x, skewness) in [(2.1, 0.3), (-2.1, 0.3), (1.9, -0.8), (-3.0, 1.0), (2.0, 1e-9)] {
            let t: f64 = skewed(x, skewness);
            let back = t + skewness * t * t / 3.0 + (skewness * t).powi(2) * t / 27.0;
            assert!((back + skewness / 6.0 - x).abs() < 1e-12, "{x} {skewness}");
        }
    }

    #[test]
    fn the_interval_reaches_to_the_long_tail_and_not_beyond_0() {
        let (low, high) = of(vec![0.0, 0.0, 0.0, 0.0, 1.0, 90.0]).unwrap();
        let mean = 91.0 / 6.0;
        assert!(low >= 0.0 && high - mean > 3.0 * (mean - low), "{low} {high}");
        let (low, high) = of(vec![0.0, 0.0, 0.0, 0.0, -1.0, -90.0]).unwrap();
        assert!(high <= 0.0 && low < -mean);
    }

    #[test]
    fn few_or_equal_values_say_nothing() {
        assert_eq!(of(vec![]), None);
        assert_eq!(of(vec![1.0, 2.0, 3.0, 4.0]), None);
        assert_eq!(of(vec![0.1; 9]), None);
        // What counts as 0 counts.
        let sample = Sample::of(&[3.0, 4.0]).unwrap();
        assert!(mean_interval(sample.among(5.0)).unwrap().is_some());
    }
}
