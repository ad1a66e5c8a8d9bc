//! How are values spread about their mean, and to which side?
//!
//! ```sql
//! SELECT moments(amount) AS m  -- m['n'], m['mean'], m['variance'], m['skewness'], m['least'], m['greatest']
//! ```
//!
//! `moments(x)` is what an interval of the mean needs to know of a sample:
//! how many values, their mean, the variance (n − 1), the skewness and both
//! ends. Rows with a null do not count; all but `n` are null without a value.
//! The variance is 0 of one value; the skewness is m₃ / m₂^{3/2} of the sample's
//! own central moments (divided by n), and 0 of equal values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::AggregateUDF;

use super::sample::{Estimate, Sampled};

pub(super) fn function() -> AggregateUDF {
    Sampled::<Moments, 1>::new().into()
}

/// What is known of a sample's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Moments;

/// The moments of a sample that is not empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub n: f64,
    pub mean: f64,
    pub variance: f64,
    pub skewness: f64,
    pub least: f64,
    pub greatest: f64,
}

const NAMES: [&str; 6] = ["n", "mean", "variance", "skewness", "least", "greatest"];

impl Estimate<1> for Moments {
    const NAME: &'static str = "moments";

    fn answer_type() -> DataType {
        moments_type()
    }

    fn answer(samples: &[Vec<[f64; 1]>]) -> Result<ArrayRef> {
        let found: Vec<Option<Sample>> =
            samples.iter().map(|rows| Sample::of(rows.as_flattened())).collect();
        let column = |value: fn(&Sample) -> f64| -> ArrayRef {
            Arc::new(found.iter().map(|found| found.as_ref().map(value)).collect::<Float64Array>())
        };
        let counts = samples.iter().map(|rows| rows.len() as f64);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from_iter_values(counts)),
            column(|sample| sample.mean),
            column(|sample| sample.variance),
            column(|sample| sample.skewness),
            column(|sample| sample.least),
            column(|sample| sample.greatest),
        ];
        Ok(Arc::new(StructArray::try_new(fields(), columns, None)?))
    }
}

/// The type of a sample's moments.
pub(super) fn moments_type() -> DataType {
    DataType::Struct(fields())
}

fn fields() -> Fields {
    NAMES.map(|name| Field::new(name, DataType::Float64, true)).to_vec().into()
}

/// The moments in row `row`, if there is a value.
pub(super) fn read_moments(moments: &StructArray, row: usize) -> Option<Sample> {
    let number = |place: usize| {
        let column = moments.column(place).as_primitive::<Float64Type>();
        (moments.is_valid(row) && column.is_valid(row)).then(|| column.value(row))
    };
    Some(Sample {
        n: number(0)?,
        mean: number(1)?,
        variance: number(2)?,
        skewness: number(3)?,
        least: number(4)?,
        greatest: number(5)?,
    })
}

impl Sample {
    /// Of sorted values; nothing if there is none.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let (least, greatest) = (*values.first()?, *values.last()?);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let sum = |power| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>();
        // Equal values differ from their mean in its last digit.
        let (squares, cubes) = if least == greatest { (0.0, 0.0) } else { (sum(2), sum(3)) };
        Some(Self::from_sums(n, mean, squares, cubes, least, greatest))
    }

    fn from_sums(n: f64, mean: f64, squares: f64, cubes: f64, least: f64, greatest: f64) -> Self {
        let variance = if n > 1.0 { squares / (n - 1.0) } else { 0.0 };
        let skewness = if squares > 0.0 { (cubes / n) / (squares / n).powf(1.5) } else { 0.0 };
        Self { n, mean, variance, skewness, least, greatest }
    }

    /// The sums of squares and cubes about the mean.
    fn sums(&self) -> (f64, f64) {
        let squares = self.variance * (self.n - 1.0);
        let cubes = self.skewness * (squares / self.n).powf(1.5) * self.n;
        (squares, cubes)
    }

    /// The same sample with zeros for those of `n` that have no value.
    pub(super) fn among(self, n: f64) -> Self {
        let zeros = n - self.n;
        if zeros <= 0.0 {
            return self;
        }
        let (squares, cubes) = self.sums();
        let mean = self.mean * self.n / n;
        let (here, there) = (self.mean - mean, -mean);
        Self::from_sums(
            n,
            mean,
            squares + self.n * here.powi(2) + zeros * there.powi(2),
            cubes + 3.0 * here * squares + self.n * here.powi(3) + zeros * there.powi(3),
            self.least.min(0.0),
            self.greatest.max(0.0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mut values: Vec<f64>) -> Option<Sample> {
        values.sort_by(f64::total_cmp);
        Sample::of(&values)
    }

    #[test]
    fn published_skewness() {
        // By scipy.stats.skew.
        let sample = of(vec![1.0, 2.0, 3.0, 10.0]).unwrap();
        assert_eq!((sample.n, sample.mean, sample.least, sample.greatest), (4.0, 4.0, 1.0, 10.0));
        assert!((sample.variance - 50.0 / 3.0).abs() < 1e-12);
        assert!((sample.skewness - 1.018_233_764_908_628).abs() < 1e-12, "{}", sample.skewness);
    }

    #[test]
    fn two_or_equal_values_are_not_skewed() {
        assert_eq!(of(vec![]), None);
        for values in [vec![7.0], vec![1.0, 3.0], vec![0.1; 9]] {
            assert_eq!(of(values).unwrap().skewness, 0.0);
        }
        assert_eq!(of(vec![0.1; 9]).unwrap().variance, 0.0);
    }

    #[test]
    fn zeros_can_be_added_later() {
        let values = vec![3.0, 1.0, 40.0, 2.5];
        let with_zeros = of([values.clone(), vec![0.0; 5]].concat()).unwrap();
        let added = of(values.clone()).unwrap().among(9.0);
        for (one, other) in [
            (added.n, with_zeros.n),
            (added.mean, with_zeros.mean),
            (added.variance, with_zeros.variance),
            (added.skewness, with_zeros.skewness),
            (added.least, with_zeros.least),
            (added.greatest, with_zeros.greatest),
        ] {
            assert!((one - other).abs() < 1e-9, "{one} {other}");
        }
        assert_eq!(of(values.clone()).unwrap().among(4.0), of(values).unwrap());
    }
}
