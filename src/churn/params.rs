//! Do the values of a spec make sense together?
//!
//! linfa's way: unchecked parameters are another type than checked ones, and
//! only [`ParamGuard::check`] leads from one to the other. Everything that
//! trains takes [`ChurnValidParams`], so nothing has to be checked twice.

use linfa::ParamGuard;

use super::boost::Boosting;
use super::shapley::MOST_LEAVES;
use super::spec::{Candidate, ChurnSpec, Cutoffs, Delay, Label};
use crate::error::{Error, ErrorKind, Result};

/// Ten years; a number beyond it is a slip.
const MOST_DAYS: u32 = 3_650;
/// Each fold is a model of its own.
const MOST_FOLDS: usize = 100;

/// A spec whose values have not been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ChurnParams(ChurnValidParams);

/// A spec whose values have been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ChurnValidParams {
    spec: ChurnSpec,
}

impl ChurnParams {
    /// Takes a spec as it was read.
    #[must_use]
    pub const fn new(spec: ChurnSpec) -> Self {
        Self(ChurnValidParams { spec })
    }
}

impl ChurnValidParams {
    /// The checked spec.
    #[must_use]
    pub const fn spec(&self) -> &ChurnSpec {
        &self.spec
    }
}

impl ParamGuard for ChurnParams {
    type Checked = ChurnValidParams;
    type Error = Error;

    fn check_ref(&self) -> Result<&ChurnValidParams> {
        let spec = &self.0.spec;
        check_label(spec)?;
        check_cutoffs(spec)?;
        check_candidates(spec)?;
        let bands = spec.bands;
        rule(
            0.0 < bands.medium && bands.medium < bands.high && bands.high < 1.0,
            spec,
            "bands",
            "0 < medium < high < 1",
        )?;
        rule(spec.value.horizon_days > 0, spec, "value.horizon_days", "at least 1")?;
        rule(spec.min_churners >= 1, spec, "min_churners", "at least 1")?;
        rule(spec.max_rows >= spec.min_churners, spec, "max_rows", "at least min_churners")?;
        Ok(&self.0)
    }

    fn check(self) -> Result<ChurnValidParams> {
        self.check_ref()?;
        Ok(self.0)
    }
}

fn check_label(spec: &ChurnSpec) -> Result<()> {
    let Some(Delay { gap, horizon, grace, .. }) = spec.label.delay() else {
        return rule(
            matches!(spec.cutoffs, Cutoffs::Folds { .. }),
            spec,
            "cutoffs.kind",
            "folds, because a given label has no dates to validate by",
        );
    };
    let (some, any) = (1..=MOST_DAYS, 0..=MOST_DAYS);
    rule(some.contains(&horizon), spec, "label.horizon_days", "1 to 3650")?;
    rule(any.contains(&gap), spec, "label.gap_days", "0 to 3650")?;
    rule(any.contains(&grace), spec, "label.grace_days", "0 to 3650")?;
    if let Label::Inactivity { eligible_days, .. } = &spec.label {
        rule(some.contains(eligible_days), spec, "label.eligible_days", "1 to 3650")?;
    }
    rule(
        !matches!(spec.cutoffs, Cutoffs::Folds { .. }),
        spec,
        "cutoffs.kind",
        "calendar or dates, because a label with a horizon is validated by time",
    )
}

fn check_cutoffs(spec: &ChurnSpec) -> Result<()> {
    match &spec.cutoffs {
        Cutoffs::Folds { n } => rule((2..=MOST_FOLDS).contains(n), spec, "cutoffs.n", "2 to 100"),
        Cutoffs::Calendar { count, holdout, .. } => {
            rule(*holdout >= 1, spec, "cutoffs.holdout", "at least 1")?;
            rule(count > holdout, spec, "cutoffs.count", "more than holdout")
        }
        Cutoffs::Dates { train, test } => {
            let ascending = |dates: &[_]| !dates.is_empty() && dates.is_sorted_by(|a, b| a < b);
            rule(ascending(train), spec, "cutoffs.train", "ascending dates, at least one")?;
            rule(ascending(test), spec, "cutoffs.test", "ascending dates, at least one")
        }
    }
}

fn check_candidates(spec: &ChurnSpec) -> Result<()> {
    rule(!spec.candidates.is_empty(), spec, "candidates", "at least one")?;
    let are_stumps = spec.candidates.iter().all(|it| matches!(it, Candidate::Stumps { .. }));
    rule(
        spec.features.monotone.is_empty() || are_stumps,
        spec,
        "candidates",
        "stumps and no others, because features.monotone is asked for",
    )?;
    for candidate in &spec.candidates {
        match candidate {
            Candidate::Logistic { ridge, knots } => {
                // Ridge 0 is refused: on perfectly separated data, and on the full
                // set of levels of a category, the optimum would not exist or not
                // be unique.
                rule(
                    !ridge.is_empty() && ridge.iter().all(|&it| it.is_finite() && it > 0.0),
                    spec,
                    "candidates.ridge",
                    "finite numbers above 0, at least one",
                )?;
                rule(*knots <= 20, spec, "candidates.knots", "at most 20")?;
            }
            Candidate::Stumps { rate, trees } => check_boosting(spec, 2, *rate, *trees)?,
            Candidate::Trees { leaves, rate, trees } => {
                rule(!leaves.is_empty(), spec, "candidates.leaves", "at least one")?;
                for &leaves in leaves {
                    let range = 3..=MOST_LEAVES;
                    rule(
                        range.contains(&leaves),
                        spec,
                        "candidates.leaves",
                        "3 to 8, so that reasons stay exact",
                    )?;
                    check_boosting(spec, leaves, *rate, *trees)?;
                }
            }
        }
    }
    Ok(())
}

fn check_boosting(spec: &ChurnSpec, leaves: usize, rate: f64, trees: usize) -> Result<()> {
    Boosting::new(leaves, rate, trees)
        .check()
        .map(|_| ())
        .map_err(|error| error.context(format!("model \"{}\": candidates", spec.name)))
}

/// Refuses a value that breaks a rule, naming spec, key and rule.
fn rule(holds: bool, spec: &ChurnSpec, key: &str, rule: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, format!("model \"{}\": {key} must be {rule}", spec.name)))
}

/// linfa's blanket `Fit` for unchecked parameters asks for this.
impl From<linfa::Error> for Error {
    fn from(error: linfa::Error) -> Self {
        Self::new(ErrorKind::Internal, error.to_string())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::spec::Every;
    use super::*;

    pub const GIVEN: &str = r#"
name = "small"
title = { en = "Small", zh = "小" }
[label]
kind = "given"
label = "churn"
[cutoffs]
kind = "folds"
n = 5
[[candidates]]
estimator = "logistic"
"#;

    pub fn given() -> ChurnSpec {
        ChurnSpec::parse(GIVEN, "small.toml").unwrap()
    }

    #[test]
    fn each_rule_names_its_key() {
        assert!(ChurnParams::new(given()).check().is_ok());
        let refused = |change: fn(&mut ChurnSpec)| {
            let mut spec = given();
            change(&mut spec);
            ChurnParams::new(spec).check().unwrap_err().to_string()
        };
        assert!(refused(|spec| spec.bands.high = 0.2).contains("bands must be"));
        assert!(refused(|spec| spec.cutoffs = Cutoffs::Folds { n: 1 }).contains("cutoffs.n"));
        assert!(refused(|spec| spec.candidates.clear()).contains("candidates"));
        assert!(refused(|spec| spec.min_churners = 0).contains("min_churners"));
        let by_time = |spec: &mut ChurnSpec| {
            spec.label = Label::Inactivity {
                horizon_days: 90,
                gap_days: 0,
                eligible_days: 90,
                activities: Vec::new(),
            };
        };
        assert!(refused(by_time).contains("cutoffs.kind"));
        assert!(refused(|spec| spec.cutoffs = Cutoffs::Folds { n: 101 }).contains("cutoffs.n"));
        let calendar = |count, holdout| Cutoffs::Calendar { every: Every::Month, count, holdout };
        let rules: [(&str, u32, u32, u32, Cutoffs); 7] = [
            ("label.horizon_days must be 1", 0, 0, 30, calendar(12, 3)),
            ("label.horizon_days must be 1", 3_651, 0, 30, calendar(12, 3)),
            ("label.gap_days", 90, u32::MAX, 30, calendar(12, 3)),
            ("label.grace_days", 90, 0, u32::MAX, calendar(12, 3)),
            ("cutoffs.holdout must be at least 1", 90, 0, 30, calendar(12, 0)),
            ("cutoffs.count must be more than holdout", 90, 0, 30, calendar(3, 3)),
            ("cutoffs.train", 90, 0, 30, Cutoffs::Dates { train: vec![], test: vec![] }),
        ];
        for (key, horizon_days, gap_days, grace_days, cutoffs) in rules {
            let label = Label::Contract { horizon_days, gap_days, grace_days };
            let error = ChurnParams::new(ChurnSpec { label, cutoffs, ..given() }).check();
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}
