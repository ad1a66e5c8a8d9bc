//! What will a customer bring from now on?
//!
//! ```sql
//! SELECT clv(buying['law'], spending['law'], repeats, last_at, age, mean, 365, rate) AS v,
//!        clv_interval(buying['draws'], spending['draws'], repeats, last_at, age, mean, 365, rate)
//! -- v['alive'], ['purchases'], ['mean'], ['value']; ['low'], ['high']
//! ```
//!
//! `clv(buying, spending, x, t_x, t, mean, ahead, discount)` joins a law of
//! `bg_nbd` with one of `gamma_gamma`: the chance that the customer has not left
//! for good, the purchases to expect within `ahead` (in the unit of time of
//! `t`), the mean amount to expect of each, and the value of them all. A later
//! purchase is worth less by the rate `discount` per unit of time: purchases of
//! each twelfth of `ahead` are discounted to its middle.
//!
//! `clv_interval`, with the draws of both fits in place of the laws, is the 95 %
//! interval of the value as far as the *laws* are uncertain; what a single
//! customer will really do varies more. It costs some hundred times as much:
//! ask it for the customers shown.
//!
//! `expected_purchases(buying, x, t_x, t, ahead)` needs no amounts.
//!
//! `alive` is null where x = 0: who bought once had no chance to leave by this
//! law, and 1 would read like safe. Null if a law or another argument is null;
//! `mean` may be null where x = 0.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::args::vectorised;
use super::bg_nbd::{self, Buyer};
use super::fit::interval;
use super::gamma_gamma;
use super::interval::{interval_array, interval_type};
use super::sample::{draws_type, law_type, read_draws, read_law};

/// The functions of this file.
pub(super) fn functions() -> [ScalarUDF; 3] {
    let numbers = || vec![DataType::Float64; 6];
    let laws = vec![law_type(&bg_nbd::PARAMETERS), law_type(&gamma_gamma::PARAMETERS)];
    let draws = vec![draws_type(), draws_type()];
    let answer = DataType::Struct(answer_fields());
    [
        create_udf("clv", [laws, numbers()].concat(), answer, Volatility::Immutable, Arc::new(clv)),
        create_udf(
            "clv_interval",
            [draws, numbers()].concat(),
            interval_type(),
            Volatility::Immutable,
            Arc::new(clv_interval),
        ),
        create_udf(
            "expected_purchases",
            [vec![law_type(&bg_nbd::PARAMETERS)], vec![DataType::Float64; 4]].concat(),
            DataType::Float64,
            Volatility::Immutable,
            Arc::new(expected_purchases),
        ),
    ]
}

const FIELDS: [&str; 4] = ["alive", "purchases", "mean", "value"];

fn answer_fields() -> Fields {
    FIELDS.map(|name| Field::new(name, DataType::Float64, true)).to_vec().into()
}

/// What is asked about one customer.
#[derive(Debug, Clone, Copy)]
struct Question {
    buyer: Buyer,
    mean: f64,
    ahead: f64,
    discount: f64,
}

impl Question {
    /// Reads arguments 2 to 7 of a row.
    fn read(arrays: &[ArrayRef], row: usize) -> Result<Option<Self>> {
        let number = |place: usize| {
            let column = arrays[place].as_primitive::<Float64Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        let known = [2, 3, 4, 6, 7].map(number);
        let [Some(x), Some(t_x), Some(t), Some(ahead), Some(discount)] = known else {
            return Ok(None);
        };
        let buyer = Buyer::new([x, t_x, t])?;
        let mean = number(5).or((x == 0.0).then_some(0.0));
        Ok(mean.map(|mean| Self { buyer, mean, ahead, discount }))
    }

    /// The value by given laws.
    fn value(&self, buying: [f64; 4], spending: [f64; 3]) -> Option<f64> {
        let spent = gamma_gamma::expected(spending, self.buyer.x, self.mean)?;
        Some(spent * self.discounted(buying))
    }

    /// The purchases to expect, later ones worth less.
    fn discounted(&self, buying: [f64; 4]) -> f64 {
        const PARTS: u8 = 12;
        if self.discount == 0.0 {
            return bg_nbd::expected(buying, self.buyer, self.ahead);
        }
        let length = self.ahead / f64::from(PARTS);
        let (mut sum, mut before) = (0.0, 0.0);
        for part in 1..=PARTS {
            let upto = bg_nbd::expected(buying, self.buyer, length * f64::from(part));
            let middle = length * (f64::from(part) - 0.5);
            sum += (upto - before) * (1.0 + self.discount).powf(-middle);
            before = upto;
        }
        sum
    }

    fn answer(&self, buying: [f64; 4], spending: [f64; 3]) -> [Option<f64>; 4] {
        let Self { buyer, mean, ahead, .. } = *self;
        [
            (buyer.x > 0.0).then(|| bg_nbd::alive(buying, buyer)),
            Some(bg_nbd::expected(buying, buyer, ahead)),
            gamma_gamma::expected(spending, buyer.x, mean),
            self.value(buying, spending),
        ]
    }
}

fn clv(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    vectorised(arguments, |arrays| {
        let (buying, spending) = (arrays[0].as_struct(), arrays[1].as_struct());
        let answers = (0..buying.len()).map(|row| {
            let (Some(buying), Some(spending), Some(question)) =
                (read_law(buying, row), read_law(spending, row), Question::read(arrays, row)?)
            else {
                return Ok(None);
            };
            Ok(Some(question.answer(buying, spending)))
        });
        let answers = answers.collect::<Result<Vec<_>>>()?;
        let column = |place: usize| -> ArrayRef {
            let values = answers.iter().map(|answer| answer.and_then(|answer| answer[place]));
            Arc::new(values.collect::<Float64Array>())
        };
        let columns = (0..FIELDS.len()).map(column).collect();
        let known: NullBuffer = answers.iter().map(Option::is_some).collect();
        Ok(Arc::new(StructArray::try_new(answer_fields(), columns, Some(known))?))
    })
}

fn expected_purchases(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    vectorised(arguments, |arrays| {
        let buying = arrays[0].as_struct();
        let number = |place: usize, row: usize| {
            let column = arrays[place].as_primitive::<Float64Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        let answers = (0..buying.len()).map(|row| {
            let known = [1, 2, 3, 4].map(|place| number(place, row));
            let (Some(law), [Some(x), Some(t_x), Some(t), Some(ahead)]) =
                (read_law(buying, row), known)
            else {
                return Ok(None);
            };
            Ok(Some(bg_nbd::expected(law, Buyer::new([x, t_x, t])?, ahead)))
        });
        Ok(Arc::new(answers.collect::<Result<Float64Array>>()?))
    })
}

fn clv_interval(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    vectorised(arguments, |arrays| {
        let (buying, spending) = (arrays[0].as_list::<i32>(), arrays[1].as_list::<i32>());
        let intervals = (0..buying.len()).map(|row| {
            let Some(question) = Question::read(arrays, row)? else { return Ok(None) };
            let draws = read_draws(buying, row).into_iter().zip(read_draws(spending, row));
            let values = draws.filter_map(|(buying, spending)| question.value(buying, spending));
            Ok(interval(values.collect()))
        });
        interval_array(&intervals.collect::<Result<Vec<_>>>()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAWS: ([f64; 4], [f64; 3]) = ([0.243, 4.414, 0.793, 2.426], [6.25, 3.74, 15.44]);

    fn question(numbers: [f64; 3], discount: f64) -> Question {
        Question { buyer: Buyer::new(numbers).unwrap(), mean: 40.0, ahead: 39.0, discount }
    }

    #[test]
    fn value_is_purchases_times_their_mean_and_later_ones_are_worth_less() {
        let now = question([2.0, 30.43, 38.86], 0.0);
        let [alive, purchases, mean, value] = now.answer(LAWS.0, LAWS.1).map(Option::unwrap);
        assert!((alive - 0.7266).abs() < 1e-4 && (purchases - 1.2260).abs() < 1e-4);
        assert!((value - purchases * mean).abs() < 1e-9);
        let later = question([2.0, 30.43, 38.86], 0.002).value(LAWS.0, LAWS.1).unwrap();
        assert!(later < value && later > value * 0.92, "{later} {value}");
    }

    #[test]
    fn who_bought_once_is_not_shown_as_alive() {
        let [alive, purchases, mean, value] =
            question([0.0, 0.0, 20.0], 0.0).answer(LAWS.0, LAWS.1);
        assert_eq!(alive, None);
        assert!(purchases > Some(0.0) && mean > Some(0.0) && value > Some(0.0));
    }
}
