//! How often do customers buy, and when do they stop for good, if nobody tells?
//!
//! ```sql
//! SELECT bg_nbd(repeats, last_at, age) AS buying FROM customers_in_numbers
//! -- buying['law']['r'], 'alpha', 'a', 'b'; ['log_likelihood'], ['customers'], ['draws']
//! ```
//!
//! `bg_nbd(x, t_x, t)` fits the BG/NBD law to customers of whom `x` repeat
//! purchases are known, the last at `t_x` after the first purchase, watched for
//! `t` since then, both in any one unit of time. Each buys at a rate of their
//! own, gamma-distributed over customers with shape `r` and rate `alpha` (in that
//! unit), and after each purchase leaves for good with a chance of their own,
//! beta-distributed with `a` and `b`. `draws` are the parameters of samples drawn
//! anew, four numbers each, for intervals; see `fit.rs`. Rows with a null do not
//! count. Null if the law can not be fitted: too few customers, or none who
//! bought again.
//!
//! Source: P. S. Fader, B. G. S. Hardie & K. L. Lee, "'Counting your customers'
//! the easy way", Marketing Science 24, 2005.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::AggregateUDF;

use super::args::misuse;
use super::fit::{Fitted, Law, fit};
use super::sample::{Estimate, Sampled, fit_array, fit_type};

pub(super) fn function() -> AggregateUDF {
    Sampled::<BgNbd, 3>::new().into()
}

/// The names of the parameters, in order.
pub(super) const PARAMETERS: [&str; 4] = ["r", "alpha", "a", "b"];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct BgNbd;

/// A customer as the law sees one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buyer {
    /// Repeat purchases, a whole number.
    pub x: f64,
    /// When the last was, after the first purchase.
    pub t_x: f64,
    /// How long they have been watched since the first purchase.
    pub t: f64,
}

impl Buyer {
    /// # Errors
    /// If these can not be the numbers of a customer.
    pub(super) fn new([x, t_x, t]: [f64; 3]) -> Result<Self> {
        let is_count = x >= 0.0 && x.fract() == 0.0;
        if is_count && (0.0..=t).contains(&t_x) && t.is_finite() {
            return Ok(Self { x, t_x, t });
        }
        Err(misuse(format!(
            "bg_nbd: {x} repeat purchases, the last at {t_x} of {t}: x is a whole number from 0, \
             and t_x lies between 0 and t"
        )))
    }
}

/// Sums over the repeat purchases up to each number of them, in place of gamma
/// functions: ln Γ(c + x) − ln Γ(c) is the sum of ln(c + i) for i below x, and
/// its derivative that of 1/(c + i).
#[derive(Debug)]
struct Prepared {
    parameters: [f64; 4],
    r: Vec<(f64, f64)>,
    b: Vec<(f64, f64)>,
    a_b: Vec<(f64, f64)>,
}

fn sums(from: f64, upto: usize) -> Vec<(f64, f64)> {
    let mut sums = Vec::with_capacity(upto + 1);
    let mut sum = (0.0, 0.0);
    sums.push(sum);
    for i in 0..upto {
        let term = from + i as f64;
        sum = (sum.0 + term.ln(), sum.1 + 1.0 / term);
        sums.push(sum);
    }
    sums
}

/// The law, told how many repeat purchases anybody has.
struct Buying {
    most: usize,
}

impl Law<4> for Buying {
    type Row = Buyer;
    type Prepared = Prepared;

    fn prepare(&self, parameters: [f64; 4]) -> Prepared {
        let [r, _, a, b] = parameters;
        Prepared {
            parameters,
            r: sums(r, self.most),
            b: sums(b, self.most),
            a_b: sums(a + b, self.most),
        }
    }

    fn score(&self, prepared: &Prepared, row: &Buyer) -> (f64, [f64; 4]) {
        let [r, alpha, a, b] = prepared.parameters;
        let Buyer { x, t_x, t } = *row;
        let place = x as usize;
        let (r_sum, r_by) = prepared.r[place];
        let (b_sum, b_by) = prepared.b[place];
        let (a_b_sum, a_b_by) = prepared.a_b[place];
        // Still a customer, and then not; the names are those of the paper.
        let a3 = -(r + x) * (alpha + t).ln();
        let a4 = match x > 0.0 {
            true => a.ln() - (b + x - 1.0).ln() - (r + x) * (alpha + t_x).ln(),
            false => f64::NEG_INFINITY,
        };
        let top = a3.max(a4);
        let both = (a3 - top).exp() + (a4 - top).exp();
        let left = (a4 - top).exp() / both;
        let stays = 1.0 - left;
        let value = r_sum + r * alpha.ln() + b_sum - a_b_sum + top + both.ln();
        let by_r = r_by + alpha.ln() - stays * (alpha + t).ln() - left * (alpha + t_x).ln();
        let by_alpha = r / alpha - (r + x) * (stays / (alpha + t) + left / (alpha + t_x));
        let by_a = -a_b_by + left / a;
        let by_b = b_by - a_b_by - if x > 0.0 { left / (b + x - 1.0) } else { 0.0 };
        (value, [by_r, by_alpha, by_a, by_b])
    }
}

/// Fits the law to sorted rows.
fn fitted(rows: &[[f64; 3]]) -> Result<Option<Fitted<4>>> {
    let buyers = rows.iter().copied().map(Buyer::new).collect::<Result<Vec<_>>>()?;
    let most = buyers.iter().map(|buyer| buyer.x as usize).max().unwrap_or(0);
    // Nobody came back: every rate of leaving fits.
    Ok(if most == 0 { None } else { fit(&Buying { most }, &buyers) })
}

impl Estimate<3> for BgNbd {
    const NAME: &'static str = "bg_nbd";

    fn answer_type() -> DataType {
        fit_type(&PARAMETERS)
    }

    fn answer(samples: &[Vec<[f64; 3]>]) -> Result<ArrayRef> {
        let fitted = samples.iter().map(|rows| Ok((rows.len(), fitted(rows)?)));
        fit_array(&PARAMETERS, &fitted.collect::<Result<Vec<_>>>()?)
    }
}

/// The chance that a customer has not left for good. Who never bought again had
/// no chance to leave: 1 by construction, which is not the same as safe.
pub(super) fn alive([r, alpha, a, b]: [f64; 4], Buyer { x, t_x, t }: Buyer) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let odds = (a.ln() - (b + x - 1.0).ln() + (r + x) * ((alpha + t) / (alpha + t_x)).ln()).exp();
    1.0 / (1.0 + odds)
}

/// The purchases to expect within `ahead` from now.
///
/// The formula of the paper. Where `a` is small its hypergeometric function is
/// turned by Euler's transformation, ₂F₁(A, B; C; z) = (1 − z)^(C−A−B)
/// ₂F₁(C−A, C−B; C; z), after which its powers cancel and its terms hardly
/// alternate; where `a` is large those powers would be the trouble.
pub(super) fn expected(parameters: [f64; 4], buyer: Buyer, ahead: f64) -> f64 {
    let [r, alpha, mut a, b] = parameters;
    let Buyer { x, t, .. } = buyer;
    // At a = 1 the formula is 0/0; beside it, it is smooth.
    if (a - 1.0).abs() < 1e-6 {
        a = 1.0 + 1e-6;
    }
    let z = ahead / (alpha + t + ahead);
    let c = a + b + x - 1.0;
    let rest = match a < 20.0 {
        true => (1.0 - z).powf(a - 1.0) * hypergeometric(c - r - x, a - 1.0, c, z),
        false => (1.0 - z).powf(r + x) * hypergeometric(r + x, b + x, c, z),
    };
    c / (a - 1.0) * (1.0 - rest) * alive(parameters, buyer)
}

/// Gauss's series for |z| < 1.
fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 0..100_000 {
        let n = f64::from(n);
        term *= (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        sum += term;
        if term.abs() <= 1e-15 * f64::abs(sum) {
            return sum;
        }
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: [f64; 4] = [0.243, 4.414, 0.793, 2.426];

    fn buyer(x: f64, t_x: f64, t: f64) -> Buyer {
        Buyer::new([x, t_x, t]).unwrap()
    }

    #[test]
    fn published_customer() {
        // Fader, Hardie & Lee 2005, as in the definitions.
        let buyer = buyer(2.0, 30.43, 38.86);
        assert!((alive(PUBLISHED, buyer) - 0.7266).abs() < 1e-4);
        assert!((expected(PUBLISHED, buyer, 39.0) - 1.2260).abs() < 1e-4);
    }

    /// The same expectation by the paper's own form of the series.
    #[test]
    fn expectation_agrees_with_the_papers_form() {
        for parameters in
            [PUBLISHED, [1.2, 10.0, 1.1, 3.0], [0.5, 2.0, 2.5, 0.7], [0.5, 2.0, 19.9, 60.0]]
        {
            let [r, alpha, a, b] = parameters;
            for (x, t_x, t) in [(0.0, 0.0, 10.0), (3.0, 8.0, 10.0), (20.0, 9.0, 30.0)] {
                for ahead in [0.5, 5.0, 40.0] {
                    let z = ahead / (alpha + t + ahead);
                    let series = hypergeometric(r + x, b + x, a + b + x - 1.0, z);
                    let paper = (a + b + x - 1.0) / (a - 1.0)
                        * (1.0 - ((alpha + t) / (alpha + t + ahead)).powf(r + x) * series)
                        * alive([r, alpha, a, b], buyer(x, t_x, t));
                    let ours = expected(parameters, buyer(x, t_x, t), ahead);
                    assert!((ours / paper - 1.0).abs() < 1e-6, "{parameters:?} {x} {ahead}");
                }
            }
        }
    }

    #[test]
    fn expectation_is_smooth_where_the_formula_is_not() {
        let at = |a| expected([1.2, 10.0, a, 3.0], buyer(3.0, 8.0, 10.0), 20.0);
        assert!((at(1.0) - f64::midpoint(at(0.999), at(1.001))).abs() < 1e-5);
    }

    #[test]
    fn derivatives_are_those_of_the_likelihood() {
        let law = Buying { most: 30 };
        for row in [buyer(0.0, 0.0, 12.0), buyer(1.0, 3.0, 12.0), buyer(30.0, 11.0, 12.0)] {
            let (_, by) = law.score(&law.prepare(PUBLISHED), &row);
            for place in 0..4 {
                let beside = |step: f64| {
                    let mut parameters = PUBLISHED;
                    parameters[place] += step;
                    law.score(&law.prepare(parameters), &row).0
                };
                let slope = (beside(1e-6) - beside(-1e-6)) / 2e-6;
                assert!((slope - by[place]).abs() < 1e-5, "{row:?} {place}: {slope} {}", by[place]);
            }
        }
    }

    /// Everybody leaves with the same chance: `a` and `b` only matter by their
    /// ratio, and what is expected still follows.
    #[test]
    fn a_ridge_of_equal_laws_is_a_fit() {
        use rand::{Rng, SeedableRng};
        let mut chance = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(6);
        let rows: Vec<[f64; 3]> = (0..3_000)
            .map(|_| {
                let (t, mut at, mut x, mut t_x) = (50.0, 0.0, 0.0, 0.0);
                let rate = -0.1 * (chance.random::<f64>() * chance.random::<f64>()).ln();
                loop {
                    at -= chance.random::<f64>().ln() / rate;
                    if at > t {
                        break;
                    }
                    (x, t_x) = (x + 1.0, at);
                    if chance.random::<f64>() < 0.05 {
                        break;
                    }
                }
                [x, t_x, t]
            })
            .collect();
        let fit = fitted(&rows).unwrap().unwrap();
        let [r, alpha, a, b] = fit.parameters;
        assert!((r - 2.0).abs() < 0.2 && (alpha - 10.0).abs() < 1.2, "{:?}", fit.parameters);
        assert!((a / (a + b) - 0.05).abs() < 0.01, "{:?}", fit.parameters);
        assert_eq!(fit.draws.len(), 200);
        // 12/60 a week, 19 in 20 still there, leaving after each purchase as often.
        let ahead = expected(fit.parameters, buyer(10.0, 49.0, 50.0), 10.0);
        assert!((1.7..1.9).contains(&ahead), "{ahead}");
    }

    #[test]
    fn what_no_law_fits_is_no_fit_and_nonsense_an_error() {
        assert_eq!(fitted(&[]).unwrap(), None);
        assert_eq!(fitted(&vec![[0.0, 0.0, 9.0]; 50]).unwrap(), None);
        for row in [[1.5, 1.0, 2.0], [-1.0, 0.0, 2.0], [1.0, 3.0, 2.0], [1.0, f64::NAN, 2.0]] {
            assert!(fitted(&[row]).is_err());
        }
    }
}
