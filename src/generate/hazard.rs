//! How likely is an alive customer to churn at a month start?
//!
//! The hazard is a logistic function of nine things that the export shows to
//! anyone who looks before that midnight. Nothing hidden enters it, so a model
//! that builds the same features can, with enough data, find these coefficients.

use libm::{exp, log};
use serde::Serialize;

use super::engagement::Segment;

/// One term of the hazard's linear function.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Term {
    /// What the term is about.
    pub name: &'static str,
    /// Weight of the term's value, on the logit scale.
    pub coefficient: f64,
    /// How the value is computed from the export.
    pub value: &'static str,
}

const fn term(name: &'static str, coefficient: f64, value: &'static str) -> Term {
    Term { name, coefficient, value }
}

/// The terms, in the order of [`Observed::values`].
pub(super) static TERMS: [Term; 10] = [
    term("intercept", -4.5, "1"),
    term(
        "usage_trend",
        -0.9,
        "ln((rows in the last 30 days + 4) / (a third of the rows in the 90 days before + 4)), held within ±2",
    ),
    term("active_days", -0.12, "days with activity among the last 30"),
    term("complaints", 0.9, "complaint tickets opened in the last 60 days, 3 at most"),
    term("nps_gap", 0.4, "(8 − last NPS answer) / 2; 0 before the first answer"),
    term(
        "contract_ending",
        1.2,
        "1 − days to the end of the current term / 60, not below 0; 0 without a contract",
    ),
    term("no_contract", 1.1, "1 before the purchase, else 0"),
    term("tenure", -0.25, "ln(1 + days since signing up / 30)"),
    term("segment_b", 0.25, "1 in segment B, else 0"),
    term("segment_c", 0.55, "1 in segment C, else 0"),
];

/// What the export shows about a customer at a midnight, counts unprocessed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Observed {
    /// Activity rows in the last 30 days.
    pub(super) rows_recent: u32,
    /// Activity rows in the 90 days before those.
    pub(super) rows_before: u32,
    /// Days with activity among the last 30.
    pub(super) active_days: u32,
    /// Complaints in the last 60 days.
    pub(super) complaints: u32,
    /// The last NPS answer.
    pub(super) nps: Option<u8>,
    /// Days to the end of the current term; none without a contract.
    pub(super) days_to_end: Option<u32>,
    /// Days since signing up.
    pub(super) tenure_days: u32,
    /// Value segment.
    pub(super) segment: Segment,
}

impl Observed {
    /// How usage moved: see the documentation of the term.
    pub(super) fn usage_trend(&self) -> f64 {
        let recent = f64::from(self.rows_recent) + 4.0;
        let before = f64::from(self.rows_before) / 3.0 + 4.0;
        log(recent / before).clamp(-2.0, 2.0)
    }

    /// The values the coefficients multiply, in the order of [`TERMS`].
    fn values(&self) -> [f64; TERMS.len()] {
        let flag = |holds: bool| f64::from(u8::from(holds));
        [
            1.0,
            self.usage_trend(),
            f64::from(self.active_days),
            f64::from(self.complaints.min(3)),
            self.nps.map_or(0.0, |score| (8.0 - f64::from(score)) / 2.0),
            self.days_to_end.map_or(0.0, |days| (1.0 - f64::from(days) / 60.0).max(0.0)),
            flag(self.days_to_end.is_none()),
            log(1.0 + f64::from(self.tenure_days) / 30.0),
            flag(self.segment == Segment::B),
            flag(self.segment == Segment::C),
        ]
    }

    /// The probability that the customer, alive until now, churns now.
    pub(super) fn hazard(&self) -> f64 {
        let terms = TERMS.iter().zip(self.values());
        let logit: f64 = terms.map(|(term, value)| term.coefficient * value).sum();
        1.0 / (1.0 + exp(-logit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPICAL: Observed = Observed {
        rows_recent: 12,
        rows_before: 36,
        active_days: 3,
        complaints: 0,
        nps: Some(8),
        days_to_end: Some(200),
        tenure_days: 210,
        segment: Segment::A,
    };

    #[test]
    fn a_typical_customer_has_the_hazard_of_its_few_terms() {
        // Trend, complaints, NPS gap, contract and segment terms are all zero.
        // The numbers are written out again so that no change goes unnoticed.
        let logit = -4.5 - 0.12 * 3.0 - 0.25 * log(8.0);
        assert!((TYPICAL.hazard() - 1.0 / (1.0 + exp(-logit))).abs() < 1e-12);
    }

    #[test]
    fn each_trouble_raises_the_hazard() {
        let troubled = [
            Observed { rows_recent: 2, ..TYPICAL },
            Observed { active_days: 1, ..TYPICAL },
            Observed { complaints: 1, ..TYPICAL },
            Observed { nps: Some(3), ..TYPICAL },
            Observed { days_to_end: Some(10), ..TYPICAL },
            Observed { days_to_end: None, ..TYPICAL },
            Observed { tenure_days: 30, ..TYPICAL },
            Observed { segment: Segment::B, ..TYPICAL },
            Observed { segment: Segment::C, ..TYPICAL },
        ];
        for observed in troubled {
            assert!(observed.hazard() > TYPICAL.hazard(), "{observed:?}");
        }
        // A fourth complaint adds nothing.
        let with = |complaints| Observed { complaints, ..TYPICAL }.hazard();
        assert!((with(3) - with(4)).abs() < 1e-15);
    }

    #[test]
    fn the_readme_shows_these_coefficients() {
        let readme = include_str!("../../datasets/README.md");
        for Term { name, coefficient, value } in TERMS {
            let line = format!("| `{name}` | {coefficient} | {value} |");
            assert!(readme.contains(&line), "datasets/README.md lacks: {line}");
        }
    }
}
