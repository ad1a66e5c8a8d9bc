//! How sure is the difference of two means?
//!
//! ```sql
//! SELECT difference_interval(treated, control) AS i FROM (
//!   SELECT moments(revenue) FILTER (WHERE is_treated) AS treated,
//!     moments(revenue) FILTER (WHERE NOT is_treated) AS control FROM members)
//! ```
//!
//! `difference_interval(a, b)` is the 95 % interval of the mean of `a` minus that
//! of `b`, `{low, high}`, from the `moments` of two samples of different customers.
//! It is Welch's, which lets them differ in spread, freed of its skew as
//! `mean_interval` is: with arms of one size and shape the skew cancels and it is
//! Welch's, with a small control group beside a large treated one it does not.
//! Null if a sample has fewer than five values, or neither has any spread.
//!
//! Sources: Welch, "The generalization of 'Student's' problem when several
//! different population variances are involved", 1947; Hall, "On the removal of
//! skewness by transformation", 1992.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::{external, vectorised};
use super::interval::{Interval, interval_array, interval_type};
use super::mean_interval::{FEWEST, quantile, skewed};
use super::moments::{Sample, moments_type, read_moments};
use crate::error::Result;

pub(super) fn function() -> ScalarUDF {
    create_udf(
        "difference_interval",
        vec![moments_type(); 2],
        interval_type(),
        Volatility::Immutable,
        Arc::new(invoke),
    )
}

fn invoke(arguments: &[ColumnarValue]) -> DataFusionResult<ColumnarValue> {
    vectorised(arguments, |arrays| {
        let [a, b] = [arrays[0].as_struct(), arrays[1].as_struct()];
        let intervals = (0..a.len()).map(|row| {
            let both = read_moments(a, row).zip(read_moments(b, row));
            both.map_or(Ok(None), |(a, b)| difference_interval(a, b))
        });
        interval_array(&intervals.collect::<Result<Vec<_>>>().map_err(external)?)
    })
}

/// The 95 % interval of the mean of `a` minus that of `b`.
///
/// # Errors
/// If there is no Student's law for so many values.
pub(super) fn difference_interval(a: Sample, b: Sample) -> Result<Interval> {
    let (of_a, of_b) = (a.variance / a.n, b.variance / b.n);
    let variance = of_a + of_b;
    if a.n < FEWEST || b.n < FEWEST || variance <= 0.0 {
        return Ok(None);
    }
    let freedom = variance.powi(2) / (of_a.powi(2) / (a.n - 1.0) + of_b.powi(2) / (b.n - 1.0));
    // The third cumulant of a mean is that of a value, divided by n².
    let cube = |of: Sample| of.skewness * of.variance.powf(1.5) / of.n.powi(2);
    let skewness = (cube(a) - cube(b)) / variance.powf(1.5);
    let (error, reach, by) = (variance.sqrt(), quantile(freedom)?, a.mean - b.mean);
    Ok(Some((by - error * skewed(reach, skewness), by - error * skewed(-reach, skewness))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::mean_interval::mean_interval;

    #[test]
    fn symmetric_values_have_welchs_interval() {
        let a = Sample::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let b = Sample::of(&[10.0, 20.0, 30.0, 40.0, 50.0, 60.0]).unwrap();
        let (low, high) = difference_interval(b, a).unwrap().unwrap();
        // scipy.stats.ttest_ind(b, a, equal_var=False).confidence_interval()
        assert!((low - 12.382_314_592_430_188).abs() < 1e-8, "{low}");
        assert!((high - 51.617_685_407_569_81).abs() < 1e-8, "{high}");
        let (other_low, other_high) = difference_interval(a, b).unwrap().unwrap();
        assert!((other_low + high).abs() < 1e-12 && (other_high + low).abs() < 1e-12);
    }

    #[test]
    fn beside_a_mean_that_is_known_it_is_the_interval_of_the_other() {
        let a = Sample::of(&[1.0, 1.0, 2.0, 3.0, 9.0]).unwrap();
        let b = Sample::of(&[2.0; 5]).unwrap();
        let (low, high) = difference_interval(a, b).unwrap().unwrap();
        let (own_low, own_high) = mean_interval(a).unwrap().unwrap();
        // That one does not cross 0.
        assert!((high - (own_high - 2.0)).abs() < 1e-12 && low <= own_low - 2.0);
    }

    #[test]
    fn too_few_or_equal_values_say_nothing() {
        let few = Sample::of(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        let some = Sample::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let equal = Sample::of(&[7.0; 9]).unwrap();
        for (a, b) in [(few, some), (some, few), (equal, equal)] {
            assert_eq!(difference_interval(a, b).unwrap(), None);
        }
    }
}
