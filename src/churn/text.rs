//! How does a number read in a sentence, in English and in Chinese?
//!
//! Reasons are read by account managers, not by statisticians: 61 days, not
//! 61.4183 days; a share of 0.37, not 0.3702913.

use serde::{Deserialize, Serialize};

use super::feature::Feature;
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
pub(super) fn grouped(whole: &str) -> String {
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && digit.is_ascii_digit() && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.replace("-,", "-")
}

/// One sentence: what the customer shows, what is usual for them, what is usual for
/// others, and which way it pushes. `own` is a count with its name and the
/// customer's own average before.
#[must_use]
pub(super) fn sentence(
    feature: &Feature,
    value: &Value,
    own: Option<(&Text, (f64, f64))>,
    contribution: f64,
    language: Language,
) -> String {
    let Feature { title, unit, typical, .. } = feature;
    let raises = contribution > 0.0;
    let verb = match language {
        Language::En if raises => "raises the risk",
        Language::En => "lowers the risk",
        Language::Zh if raises => "推高流失风险",
        Language::Zh => "降低流失风险",
    };
    if let Some((title, (count, average))) = own.filter(|(_, (_, average))| *average > 0.0) {
        let (title, now, before) = (title.get(language), rounded(count), rounded(average));
        let change = (100.0 * (count / average - 1.0)).round();
        let (percent, fewer) = (rounded(change.abs()), change < 0.0);
        let compared = match language {
            _ if percent == "0" => {
                language.pick("as usual for the customer", "与该客户平时持平").to_owned()
            }
            Language::En => {
                let way = if fewer { "below" } else { "above" };
                format!("{percent} % {way} the customer's own average of {before}")
            }
            Language::Zh => {
                let way = if fewer { "低" } else { "高" };
                format!("比该客户自身平均水平 {before} {way} {percent}%")
            }
        };
        return match language {
            Language::En => format!("{title}: {now}, {compared}, {verb}"),
            Language::Zh => format!("{title}：{now}，{compared}，{verb}"),
        };
    }
    let title = title.get(language);
    let shown = value.display(unit.as_ref(), language);
    // Said once a unit need not be said again, but 12 is not 12 %.
    let usual = typical.display(unit.as_ref().filter(|unit| unit.en == PERCENT), language);
    match language {
        Language::En => format!("{title}: {shown} (typical: {usual}), {verb}"),
        Language::Zh => format!("{title}：{shown}（通常：{usual}），{verb}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Values;
    use super::super::frame::tests::column;
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

    fn feature(title: Text, unit: Text, typical: f64) -> Feature {
        let column = column("x", Values::Numeric(vec![typical]));
        Feature { title, unit: Some(unit), ..Feature::describe(&column, &[0]) }
    }

    #[test]
    fn a_reason_reads_as_a_sentence_in_both_languages() {
        let title = Text::new("Days since the last activity", "距上次活动");
        let feature = feature(title, Text::new("days", "天"), 12.0);
        let say = |language| sentence(&feature, &Value::Number(61.2), None, 0.4, language);
        assert_eq!(
            say(Language::En),
            "Days since the last activity: 61.2 days (typical: 12), raises the risk"
        );
        assert_eq!(say(Language::Zh), "距上次活动：61.2 天（通常：12），推高流失风险");
    }

    #[test]
    fn shares_read_as_percentages() {
        let title = Text::new("Logins against before", "登录与此前之比");
        let feature = feature(title, Text::same(PERCENT), 1.0);
        let say = |language| sentence(&feature, &Value::Number(0.4), None, 0.4, language);
        assert_eq!(
            say(Language::En),
            "Logins against before: 40 % (typical: 100 %), raises the risk"
        );
        assert_eq!(say(Language::Zh), "登录与此前之比：40%（通常：100%），推高流失风险");
    }

    #[test]
    fn a_count_is_compared_with_the_customers_own_average() {
        let trend = feature(Text::same("trend"), Text::same(PERCENT), 1.0);
        let count = Text::new("Logins in 30 days", "近 30 天登录次数");
        let say = |now, average, language| {
            let own = Some((&count, (now, average)));
            sentence(
                &trend,
                &Value::Number(0.4),
                own,
                if now < average { 0.4 } else { -0.4 },
                language,
            )
        };
        assert_eq!(
            say(4.0, 10.0, Language::En),
            "Logins in 30 days: 4, 60 % below the customer's own average of 10, raises the risk"
        );
        assert_eq!(
            say(4.0, 10.0, Language::Zh),
            "近 30 天登录次数：4，比该客户自身平均水平 10 低 60%，推高流失风险"
        );
        let more = say(12.0, 9.5, Language::En);
        assert!(
            more.contains("12, 26 % above the customer's own average of 9.5, lowers"),
            "{more}"
        );
        let same = say(3.0, 3.0, Language::En);
        assert_eq!(same, "Logins in 30 days: 3, as usual for the customer, lowers the risk");
        // Nothing before is no average to compare with.
        assert!(say(3.0, 0.0, Language::En).starts_with("trend: 40 %"));
    }
}
