//! How does a number read in a sentence, in English and in Chinese?
//!
//! Reasons are read by account managers, not by statisticians: 61 days, not
//! 61.4183 days; a share of 0.37, not 0.3702913.

use serde::{Deserialize, Serialize};

use crate::config::Language;
use crate::text::Text;

/// The unit of shares: 0.37 reads 37 %.
pub const PERCENT: &str = "%";

/// What one customer shows for one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// A level of a categorical feature.
    Level(String),
    /// Nothing is known; `null` in JSON.
    Missing,
}

impl Value {
    /// The value as people write it, with its unit.
    #[must_use]
    pub fn display(&self, unit: Option<&Text>, language: Language) -> String {
        match (self, language) {
            (Self::Missing, Language::En) => "unknown".to_owned(),
            (Self::Missing, Language::Zh) => "未知".to_owned(),
            (Self::Level(level), _) => level.clone(),
            (Self::Number(number), _) => match unit {
                Some(unit) if unit.en == PERCENT => {
                    format!("{}{}", rounded(100.0 * number), language.pick(" %", "%"))
                }
                Some(unit) => format!("{} {}", rounded(*number), unit.get(language)),
                None => rounded(*number),
            },
        }
    }
}

/// Three significant digits for small numbers, whole ones from a hundred up, in
/// groups of three from ten thousand.
fn rounded(number: f64) -> String {
    let magnitude = number.abs();
    let decimals = if magnitude >= 100.0 || number.fract() == 0.0 {
        0
    } else if magnitude >= 10.0 {
        1
    } else if magnitude >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{number:.decimals$}");
    // `61.0` came from 60.98: the zero would pretend to a precision.
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    match text {
        "-0" => "0".to_owned(),
        text if magnitude >= 1e4 => grouped(text),
        text => text.to_owned(),
    }
}

/// `1234567` as `1,234,567`.
fn grouped(whole: &str) -> String {
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && digit.is_ascii_digit() && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.replace("-,", "-")
}

/// One sentence: what the customer shows, what is usual, which way it pushes.
#[must_use]
pub fn sentence(
    title: &Text,
    unit: Option<&Text>,
    value: &Value,
    typical: &Value,
    contribution: f64,
    language: Language,
) -> String {
    let title = title.get(language);
    let shown = value.display(unit, language);
    // Said once a unit need not be said again, but 12 is not 12 %.
    let usual = typical.display(unit.filter(|unit| unit.en == PERCENT), language);
    let raises = contribution > 0.0;
    match language {
        Language::En => {
            let verb = if raises { "raises" } else { "lowers" };
            format!("{title}: {shown} (typical: {usual}), {verb} the risk")
        }
        Language::Zh => {
            let verb = if raises { "推高" } else { "降低" };
            format!("{title}：{shown}（通常：{usual}），{verb}流失风险")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_what_a_reader_needs() {
        for (number, text) in [
            (61.0, "61"),
            (60.98, "61"),
            (1234.56, "1235"),
            (12_345.6, "12,346"),
            (-123_456.0, "-123,456"),
            (9999.9, "10000"),
            (1_234_567.0, "1,234,567"),
            (3.268_41, "3.27"),
            (0.370_29, "0.37"),
            (-0.000_1, "0"),
            (0.0, "0"),
            (10.0, "10"),
        ] {
            assert_eq!(rounded(number), text);
        }
    }

    #[test]
    fn a_reason_reads_as_a_sentence_in_both_languages() {
        let title = Text::new("Days since the last activity", "距上次活动");
        let unit = Text::new("days", "天");
        let say = |language| {
            let (value, typical) = (Value::Number(61.2), Value::Number(12.0));
            sentence(&title, Some(&unit), &value, &typical, 0.4, language)
        };
        assert_eq!(
            say(Language::En),
            "Days since the last activity: 61.2 days (typical: 12), raises the risk"
        );
        assert_eq!(say(Language::Zh), "距上次活动：61.2 天（通常：12），推高流失风险");
    }

    #[test]
    fn shares_read_as_percentages() {
        let title = Text::new("Logins against before", "登录与此前之比");
        let unit = Text::same(PERCENT);
        let say = |language| {
            let (value, typical) = (Value::Number(0.4), Value::Number(1.0));
            sentence(&title, Some(&unit), &value, &typical, 0.4, language)
        };
        assert_eq!(
            say(Language::En),
            "Logins against before: 40 % (typical: 100 %), raises the risk"
        );
        assert_eq!(say(Language::Zh), "登录与此前之比：40%（通常：100%），推高流失风险");
    }
}
