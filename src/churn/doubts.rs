//! How far is a model to be believed?
//!
//! What whoever reads its scores has to be told: whether it says more than one rate
//! for everybody, and of whom it says too much or too little.

use super::segments::{Overall, Segment};
use super::text::grouped;
use super::train::Validation;
use crate::text::Text;

impl Validation {
    /// Reasons not to rely on the model as it is, each in a sentence; none is good news.
    #[must_use]
    pub fn doubts(&self) -> Vec<Text> {
        let overall = self.overall.as_ref().filter(|it| it.off).map(of_everybody);
        let kinds = self.segments.iter().filter(|it| it.off).map(of_kind);
        self.skill().into_iter().chain(overall).chain(kinds).collect()
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
        let needed = (self.metrics.churners as f64 * (times - 1.0)).ceil();
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
