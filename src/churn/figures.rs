//! What does each number of a validation say, in words?

use super::train::Validation;
use crate::text::Text;

/// A metric as people read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name in the files.
    pub name: &'static str,
    /// What it is.
    pub value: f64,
    /// Its 95 % interval, customers drawn anew.
    pub interval: Option<[f64; 2]>,
    /// What it says.
    pub meaning: Text,
}

impl Validation {
    /// The metrics on the held-out rows, in the order of their use.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let (metrics, intervals) = (&self.metrics, self.intervals.as_ref());
        let figure = |name, value, interval, en: &str, zh: &str| Figure {
            name,
            value,
            interval,
            meaning: Text::new(en, zh),
        };
        vec![
            figure(
                "auc",
                metrics.auc,
                intervals.map(|it| it.auc),
                "a churner ranks above a stayer this often",
                "流失者排在留存者之前的比例",
            ),
            figure(
                "pr_auc",
                metrics.pr_auc,
                intervals.map(|it| it.pr_auc),
                "average precision",
                "平均精确率",
            ),
            figure(
                "log_loss",
                metrics.log_loss,
                intervals.map(|it| it.log_loss),
                "lower is better",
                "越低越好",
            ),
            figure(
                "brier",
                metrics.brier,
                intervals.map(|it| it.brier),
                "mean squared error of the probability",
                "概率的均方误差",
            ),
            figure(
                "ece",
                metrics.ece,
                intervals.map(|it| it.ece),
                "mean gap between predicted and observed share",
                "预测比例与实际比例的平均差距",
            ),
            figure(
                "lift_decile",
                metrics.lift_decile,
                intervals.map(|it| it.lift_decile),
                "churners in the riskiest tenth, against chance",
                "风险最高十分之一中的流失者，与随机挑选相比的倍数",
            ),
        ]
    }
}
