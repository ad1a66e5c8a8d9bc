//! When is a change of a customer's risk worth telling?
//!
//! When the probability rises into a higher band than the one last told; and
//! when it falls again, but only once it is below the threshold by a margin.
//! Without the margin, a customer who hovers around a threshold would be news
//! every night, and people stop reading.
//!
//! ```text
//! probability  .58  .61  .59  .61  .56  .54  .60        high from .60, margin 20 %
//! standing     low  high high high high low  high       falls below .545 only
//! told              risen               recovered risen
//! ```
//!
//! The margin is a share of the *odds* of the threshold: where few customers
//! leave, thresholds are small, and a fixed distance would reach below zero.

use crate::churn::Band;
use crate::churn::spec::Bands;

/// What decides on alerts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Where the bands begin.
    pub bands: Bands,
    /// The share of a threshold's odds by which the odds must fall below it.
    pub margin: f64,
}

/// What a customer was last said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// The band.
    pub band: Band,
    /// Whether anybody was told, or only the baseline was written down.
    pub told: bool,
}

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// The band before; none for a customer who was not scored before.
    pub from: Option<Band>,
    /// The band now.
    pub to: Band,
    /// Whether it is only written down, so that later changes have something
    /// to be compared with.
    pub is_baseline: bool,
}

impl Change {
    /// Whether the risk rose.
    pub(super) fn is_rise(&self) -> bool {
        self.from.is_none_or(|from| self.to > from)
    }
}

impl Rules {
    /// What a probability in `band` says of a customer who stands as given;
    /// none was not scored before.
    pub(super) fn change(
        &self,
        standing: Option<Standing>,
        probability: f64,
        band: Band,
    ) -> Option<Change> {
        let Some(Standing { band: from, told }) = standing else {
            let new = |is_baseline| Some(Change { from: None, to: band, is_baseline });
            return match band {
                Band::High => new(false),
                // Somebody's first list would otherwise be everybody at once.
                Band::Medium => new(true),
                Band::Low => None,
            };
        };
        let to = self.settled(from, probability, band);
        // Of a fall from where nobody knew the customer to be, nobody is told.
        (to != from).then_some(Change { from: Some(from), to, is_baseline: to < from && !told })
    }

    /// The band a customer is in who came from `from`.
    fn settled(&self, from: Band, probability: f64, band: Band) -> Band {
        let steps = [
            (Band::High, self.bands.high, Band::Medium),
            (Band::Medium, self.bands.medium, Band::Low),
        ];
        let mut settled = from.max(band);
        for (above, threshold, below) in steps {
            if settled == above && band < above && probability < self.release(threshold) {
                settled = below;
            }
        }
        settled
    }

    /// The probability below which a customer has left the band above `threshold`.
    fn release(&self, threshold: f64) -> f64 {
        let odds = threshold / (1.0 - threshold) * (1.0 - self.margin);
        // A threshold of 1 has infinite odds, and nobody is above it.
        if odds.is_finite() { odds / (1.0 + odds) } else { threshold }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { bands: Bands { high: 0.6, medium: 0.3 }, margin: 0.2 };

    fn band(probability: f64) -> Band {
        match probability {
            p if p >= RULES.bands.high => Band::High,
            p if p >= RULES.bands.medium => Band::Medium,
            _ => Band::Low,
        }
    }

    /// What is told of a customer night after night, `+` and `-` for rises and
    /// falls, in brackets what is only written down.
    fn told(probabilities: &[f64]) -> String {
        let mut standing = None;
        let mut told = Vec::new();
        for &probability in probabilities {
            let change = RULES.change(standing, probability, band(probability));
            let Some(change) = change else {
                standing = standing.or(Some(Standing { band: Band::Low, told: true }));
                told.push(".".to_owned());
                continue;
            };
            let sign = if change.is_rise() { '+' } else { '-' };
            let words = format!("{sign}{}", change.to.slug());
            told.push(if change.is_baseline { format!("({words})") } else { words });
            standing = Some(Standing { band: change.to, told: !change.is_baseline });
        }
        told.join(" ")
    }

    #[test]
    fn a_customer_at_the_threshold_is_told_once() {
        assert_eq!(told(&[0.2, 0.61, 0.59, 0.61, 0.56, 0.60]), ". +high . . . .");
        assert_eq!(told(&[0.2, 0.61, 0.54, 0.60]), ". +high -medium +high");
        // .6 / .4 × .8 = 1.2, and 1.2 / 2.2 = .5454…
        assert_eq!(told(&[0.2, 0.61, 0.5455, 0.5454]), ". +high . -medium");
        // .3 / .7 × .8 = .342857, of 1.342857 it is .2553…
        assert_eq!(told(&[0.2, 0.31, 0.2554, 0.2553, 0.3]), ". +medium . -low +medium");
    }

    #[test]
    fn a_fall_stops_at_the_band_whose_margin_is_not_left() {
        assert_eq!(told(&[0.2, 0.7, 0.26, 0.2]), ". +high -medium -low");
        assert_eq!(told(&[0.2, 0.7, 0.25]), ". +high -low");
        assert_eq!(told(&[0.2, 0.4, 0.7]), ". +medium +high");
    }

    #[test]
    fn who_is_scored_first_is_told_of_only_if_high() {
        assert_eq!(told(&[0.7, 0.65]), "+high .");
        assert_eq!(told(&[0.4, 0.28, 0.2, 0.4]), "(+medium) . (-low) +medium");
        assert_eq!(told(&[0.4, 0.7, 0.2]), "(+medium) +high -low");
    }

    #[test]
    fn thresholds_near_the_ends_have_a_margin_too() {
        let rules = Rules { bands: Bands { high: 0.02, medium: 0.01 }, margin: 0.2 };
        assert!((rules.release(0.02) - 0.016_064).abs() < 1e-6, "{}", rules.release(0.02));
        assert_eq!(rules.release(1.0), 1.0);
        let none = Rules { margin: 0.0, ..rules };
        assert!((none.release(0.02) - 0.02).abs() < 1e-15);
    }
}
