//! Which value do so many stay below?
//!
//! ```sql
//! SELECT quantile(hours, 0.9) FROM tickets
//! ```
//!
//! `quantile(value, share)` is the value at `share` of the way through the
//! values in order, from 0 (the least) to 1 (the greatest), between two of them
//! in proportion: what SQL calls `percentile_cont`, computed exactly. `share` is
//! the same in all rows; a null value does not count. Null without a value.
//!
//! DataFusion 55 rounds the place between two values to a millionth, which is
//! seen in an answer: the median of 38 and 39 may be 38.49997.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::AggregateUDF;

use super::args::misuse;
use super::sample::{Estimate, Sampled};

pub(super) fn function() -> AggregateUDF {
    Sampled::<Quantile, 2>::new().into()
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Quantile;

impl Estimate<2> for Quantile {
    const NAME: &'static str = "quantile";

    fn answer_type() -> DataType {
        DataType::Float64
    }

    fn answer(samples: &[Vec<[f64; 2]>]) -> Result<ArrayRef> {
        let answer = |rows: &Vec<[f64; 2]>| {
            let Some([_, share]) = rows.first().copied() else { return Ok(None) };
            if !(0.0..=1.0).contains(&share) || rows.iter().any(|[_, other]| *other != share) {
                return Err(misuse(format!("quantile: {share} is not one share from 0 to 1")));
            }
            let values: Vec<f64> = rows.iter().map(|[value, _]| *value).collect();
            Ok(quantile(&values, share))
        };
        let answers = samples.iter().map(answer).collect::<Result<Float64Array>>()?;
        Ok(Arc::new(answers))
    }
}

/// The value at `share` of the way through sorted values.
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * share;
    let at = |place: f64| sorted.get(place as usize).copied();
    let value = at(place.floor())?;
    Some(at(place.floor() + 1.0).map_or(value, |next| value + place.fract() * (next - value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lies_between_two_values_in_proportion() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 0.5), Some(4.0));
        assert_eq!(quantile(&values, 0.625), Some(6.0));
        assert_eq!(quantile(&values, 1.0), Some(16.0));
        assert_eq!(quantile(&values[..2], 0.9), Some(1.9));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn the_share_is_one_and_a_share() {
        assert!(Quantile::answer(&[vec![[1.0, 0.5], [2.0, 0.4]]]).is_err());
        assert!(Quantile::answer(&[vec![[1.0, 1.5]]]).is_err());
        assert!(Quantile::answer(&[vec![[1.0, f64::NAN]]]).is_err());
    }
}
