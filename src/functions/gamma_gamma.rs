//! How much does a purchase of a customer bring, when we have seen few?
//!
//! ```sql
//! SELECT gamma_gamma(repeats, mean_amount) AS spending FROM customers_in_numbers
//! -- spending['law']['p'], 'q', 'v'; ['log_likelihood'], ['customers'], ['draws']
//! ```
//!
//! `gamma_gamma(x, mean)` fits the Gamma-Gamma law to customers with `x`
//! purchases of `mean` on average. Each purchase of a customer varies around the
//! customer's own mean, gamma-distributed with shape `p`; those means vary over
//! customers with shape `q` and scale `v`. What is expected of a customer lies
//! between their own mean and everybody's, the closer to their own the more was
//! seen. Rows with x = 0, a mean that is not above 0, or a null do not count:
//! they say nothing about amounts. Null if the law can not be fitted.
//!
//! Source: P. S. Fader & B. G. S. Hardie, "The Gamma-Gamma model of monetary
//! value", 2013.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::AggregateUDF;
use statrs::function::gamma::{digamma, ln_gamma};

use super::fit::{Law, fit};
use super::sample::{Estimate, Sampled, fit_array, fit_type};

pub(super) fn function() -> AggregateUDF {
    Sampled::<GammaGamma, 2>::new().into()
}

/// The names of the parameters, in order.
pub(super) const PARAMETERS: [&str; 3] = ["p", "q", "v"];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct GammaGamma;

struct Spending;

impl Law<3> for Spending {
    type Row = [f64; 2];
    type Prepared = ([f64; 3], f64, f64);

    fn prepare(&self, parameters: [f64; 3]) -> Self::Prepared {
        (parameters, ln_gamma(parameters[1]), digamma(parameters[1]))
    }

    fn score(&self, prepared: &Self::Prepared, [x, mean]: &[f64; 2]) -> (f64, [f64; 3]) {
        let ([p, q, v], ln_gamma_q, digamma_q) = *prepared;
        let (shape, sum) = (p * x + q, v + mean * x);
        let value = ln_gamma(shape) - ln_gamma(p * x) - ln_gamma_q
            + q * v.ln()
            + (p * x - 1.0) * mean.ln()
            + p * x * x.ln()
            - shape * sum.ln();
        let digamma_shape = digamma(shape);
        let by_p = x * (digamma_shape - digamma(p * x) + mean.ln() + x.ln() - sum.ln());
        let by_q = digamma_shape - digamma_q + v.ln() - sum.ln();
        let by_v = q / v - shape / sum;
        (value, [by_p, by_q, by_v])
    }
}

impl Estimate<2> for GammaGamma {
    const NAME: &'static str = "gamma_gamma";

    fn answer_type() -> DataType {
        fit_type(&PARAMETERS)
    }

    fn answer(samples: &[Vec<[f64; 2]>]) -> Result<ArrayRef> {
        let fitted = samples.iter().map(|rows| {
            let telling = |row: &&[f64; 2]| row[0] > 0.0 && row[1] > 0.0;
            let rows: Vec<[f64; 2]> = rows.iter().filter(telling).copied().collect();
            // With one scale for all amounts the search starts near its end.
            let total: f64 = rows.iter().map(|row| row[1]).sum();
            let scale = total / rows.len() as f64;
            let scaled: Vec<[f64; 2]> = rows.iter().map(|[x, mean]| [*x, mean / scale]).collect();
            let mut law = fit(&Spending, &scaled);
            if let Some(law) = &mut law {
                law.parameters[2] *= scale;
                law.draws.iter_mut().for_each(|draw| draw[2] *= scale);
                law.log_likelihood -= rows.len() as f64 * scale.ln();
            }
            (rows.len(), law)
        });
        fit_array(&PARAMETERS, &fitted.collect::<Vec<_>>())
    }
}

/// The mean amount to expect of a customer with `x` purchases of `mean`; the
/// mean of all customers if `x` is 0. Nothing if amounts vary too wildly to have
/// a mean, q ≤ 1.
pub(super) fn expected([p, q, v]: [f64; 3], x: f64, mean: f64) -> Option<f64> {
    let seen = if x > 0.0 { mean * x } else { 0.0 };
    let shape = p * x + q - 1.0;
    (shape > 0.0).then(|| p * (v + seen) / shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_likelihood() {
        let published = [6.25, 3.74, 15.44];
        for row in [[1.0, 20.0], [7.0, 3.5], [40.0, 90.0]] {
            let (_, by) = Spending.score(&Spending.prepare(published), &row);
            for place in 0..3 {
                let beside = |step: f64| {
                    let mut parameters = published;
                    parameters[place] += step;
                    Spending.score(&Spending.prepare(parameters), &row).0
                };
                let slope = (beside(1e-5) - beside(-1e-5)) / 2e-5;
                assert!((slope - by[place]).abs() < 1e-4, "{row:?} {place}: {slope} {}", by[place]);
            }
        }
    }

    #[test]
    fn expectation_lies_between_the_customers_mean_and_everybodys() {
        let law = [6.25, 3.74, 15.44];
        let everybody = expected(law, 0.0, 0.0).unwrap();
        assert!((everybody - 6.25 * 15.44 / 2.74).abs() < 1e-9);
        let few = expected(law, 1.0, 100.0).unwrap();
        let many = expected(law, 50.0, 100.0).unwrap();
        assert!(everybody < few && few < many && many < 100.0);
        assert_eq!(expected([1.0, 0.5, 3.0], 0.0, 0.0), None);
    }
}
