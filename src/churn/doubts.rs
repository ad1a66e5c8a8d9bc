//! How far is a model to be believed?
//!
//! What whoever reads its scores has to be told: whether it says more than one rate
//! for everybody, and of whom it says too much or too little.

use super::drift::holm;
use super::excess::ALPHA;
use super::segments::{Overall, Segment};
use super::survival::Checked;
use super::text::grouped;
use super::train::Validation;
use crate::text::Text;

impl Validation {
    /// Reasons not to rely on the model as it is, each in a sentence; none is good news.
    #[must_use]
    pub fn doubts(&self) -> Vec<Text> {
        let overall = self.overall.as_ref().filter(|it| it.off).map(of_everybody);
        let kinds = self.segments.iter().filter(|it| it.off).map(of_kind);
        let by_when = self.off_by_when().map(of_horizon);
        self.skill().into_iter().chain(overall).chain(by_when).chain(kinds).collect()
    }

    /// Horizons by which more or fewer left than chance explains.
    fn off_by_when(&self) -> impl Iterator<Item = &Checked> {
        let p_values: Vec<f64> = self.horizons.iter().map(Checked::p_value).collect();
        self.horizons.iter().zip(holm(&p_values)).filter(|(_, p)| *p <= ALPHA).map(|(it, _)| it)
    }

    /// Whether it may be no better than one rate for everybody.
    fn skill(&self) -> Option<Text> {
        let skill = self.metrics.brier_skill;
        let low = self.intervals?.brier_skill[0];
        if low > 0.0 {
            return None;
        }
        if skill <= 0.0 {
            return Some(Text::new(
                "no better than one rate for everybody",
                "不优于全体统一流失率",
            ));
        }
        // An interval is as wide as one over the root of the churners in it.
        let times = ((skill - low) / skill).powi(2);
        let needed = (self.metrics.churners as f64 * (times - 1.0)).round();
        let needed = grouped(&needed.to_string());
        Some(Text::new(
            format!(
                "better than one rate for everybody only by chance; about {needed} more churners \
                 to test on would tell"
            ),
            format!("与全体统一流失率相比的优势可能出于偶然；约需再有 {needed} 个流失样本才能判断"),
        ))
    }
}

fn of_everybody(overall: &Overall) -> Text {
    let (predicted, observed) = (100.0 * overall.predicted, 100.0 * overall.observed);
    Text::new(
        format!("off for everybody: {predicted:.1} % predicted, {observed:.1} % left"),
        format!("整体预测有偏差：预测 {predicted:.1}%，实际流失 {observed:.1}%"),
    )
}

fn of_horizon(checked: &Checked) -> Text {
    let (predicted, observed) = (100.0 * checked.predicted, 100.0 * checked.observed);
    let days = checked.days;
    Text::new(
        format!("off by {days} days: {predicted:.1} % predicted, {observed:.1} % left"),
        format!("{days} 天内的流失预测有偏差：预测 {predicted:.1}%，实际流失 {observed:.1}%"),
    )
}

fn of_kind(segment: &Segment) -> Text {
    let Segment { feature, level, .. } = segment;
    let rows = grouped(&segment.rows.to_string());
    let (predicted, observed) = (100.0 * segment.predicted, 100.0 * segment.observed);
    Text::new(
        format!(
            "off for {feature} {level} in particular: {predicted:.1} % predicted, {observed:.1} % \
             left ({rows} rows)"
        ),
        format!(
            "{feature} 为 {level} 的客户预测尤其有偏差：预测 {predicted:.1}%，实际流失 \
             {observed:.1}%（{rows} 行）"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::train::tests::small_artifact;
    use super::*;

    #[test]
    fn a_doubt_says_what_is_off_and_what_would_tell() {
        let mut validation = small_artifact().content().validation.clone();
        let said = |validation: &Validation| -> Vec<String> {
            validation.doubts().into_iter().map(|doubt| doubt.en).collect()
        };
        validation.metrics.brier_skill = 0.2;
        validation.metrics.churners = 4_000;
        let intervals = validation.intervals.as_mut().unwrap();
        intervals.brier_skill = [0.1, 0.3];
        let overall = Overall { predicted: 0.094, observed: 0.082, error: 0.003, off: false };
        validation.overall = Some(overall);
        let kind = Segment {
            feature: "region".to_owned(),
            level: "north".to_owned(),
            rows: 12_345,
            predicted: 0.2,
            observed: 0.1,
            error: 0.01,
            off: false,
        };
        validation.segments = vec![kind.clone(), Segment { off: true, ..kind }];
        let north =
            "off for region north in particular: 20.0 % predicted, 10.0 % left (12,345 rows)";
        assert_eq!(said(&validation), [north]);

        validation.segments.clear();
        validation.overall = Some(Overall { off: true, ..overall });
        assert_eq!(said(&validation), ["off for everybody: 9.4 % predicted, 8.2 % left"]);

        validation.overall = None;
        let band = [0.08, 0.12];
        let horizon = |days, observed| {
            let predicted = 0.1;
            Checked { days, cutoffs: 3, first: None, rows: 900, predicted, observed, band }
        };
        validation.horizons = vec![horizon(30, 0.15), horizon(60, 0.11)];
        assert_eq!(said(&validation), ["off by 30 days: 10.0 % predicted, 15.0 % left"]);
        validation.horizons.clear();

        // An interval of .3 below .2 has to shrink to two thirds: 2.25 times as many.
        validation.intervals.as_mut().unwrap().brier_skill = [-0.1, 0.5];
        assert!(said(&validation)[0].contains("about 5,000 more churners"));
        validation.metrics.brier_skill = -0.01;
        assert_eq!(said(&validation), ["no better than one rate for everybody"]);
    }
}
