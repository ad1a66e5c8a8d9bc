//! How does a value look to a person?
//!
//! A value is shown short enough to read and kept exact enough to check: when
//! the shown form drops digits, the exact one is in the `title` attribute.
//! Chinese readers get 万 and 亿 where English readers get K and M, under the
//! same rule.

pub mod date;
pub mod decimal;

use maud::{Markup, Render, html};
use serde_json::Value;

use super::lang::Lang;
use super::text::Text;
use decimal::Decimal;

/// A value made readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatted {
    /// What is shown.
    pub text: String,
    /// Every digit, if `text` shows fewer.
    pub exact: Option<String>,
}

impl Formatted {
    /// A text that is already exact.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), exact: None }
    }

    /// What a cell without a value shows.
    #[must_use]
    pub fn missing() -> Self {
        Self::plain("–")
    }

    fn rounded(text: String, exact: String) -> Self {
        let exact = (exact != text).then_some(exact);
        Self { text, exact }
    }
}

impl Render for Formatted {
    fn render(&self) -> Markup {
        html! {
            @match &self.exact {
                Some(exact) => span title=(exact) { (self.text) },
                None => (self.text),
            }
        }
    }
}

/// A JSON value as a finite float, for drawing only.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// A number with at most `most` and at least `least` digits after the point.
#[must_use]
pub fn fixed(decimal: &Decimal, least: usize, most: usize) -> Formatted {
    Formatted::rounded(decimal.round(most).grouped(least), decimal.grouped(least))
}

/// Any number with up to two digits after the point, and never a false 0: .0001 is
/// `<0.001`, .0024 is `0.0024`.
#[must_use]
pub fn some(decimal: &Decimal) -> Formatted {
    let exact = decimal.grouped(0);
    let is_0 = |places| decimal.round(places).grouped(0) == "0";
    match (exact == "0" || !is_0(2), is_0(3)) {
        (true, _) => fixed(decimal, 0, 2),
        (false, true) => Formatted::rounded("<0.001".to_owned(), exact),
        (false, false) => fixed(decimal, 0, 4),
    }
}

/// A share as a percentage with one digit after the point: .6315 is `63.2%`.
#[must_use]
pub fn percent(share: &Decimal) -> Formatted {
    let points = share.shift(-2);
    let text = points.round(1).grouped(1);
    Formatted::rounded(format!("{text}%"), format!("{}%", points.grouped(1)))
}

/// A difference of shares in percentage points, with its sign: .0315 is `+3.2`.
#[must_use]
pub fn points(difference: &Decimal) -> Formatted {
    let points = difference.shift(-2);
    let signed = |points: &Decimal| {
        let text = points.grouped(1);
        let sign = if points.is_negative() || text == "0.0" { "" } else { "+" };
        format!("{sign}{text}")
    };
    Formatted::rounded(signed(&points.round(1)), signed(&points))
}

/// A number with at most one digit after the point, or with what it takes not to
/// be a false 0: −.041 is `−0.04`.
#[must_use]
pub fn tenths(decimal: &Decimal, least: usize) -> Formatted {
    // Beyond nine places is the dust of float sums.
    let is_0 = |places| decimal.round(places).grouped(0) == "0";
    if is_0(1) && !is_0(9) { some(decimal) } else { fixed(decimal, least, 1) }
}

/// A probability for people: whole percents, and never a false 0 % or 100 %.
#[must_use]
pub fn probability(share: f64) -> Formatted {
    let Some(exact) = Decimal::of_f64(share).map(|share| share.shift(-2)) else {
        return Formatted::missing();
    };
    let text = match share {
        p if p > 0.0 && p < 0.01 => "<1%".to_owned(),
        p if p > 0.99 && p < 1.0 => ">99%".to_owned(),
        _ => format!("{}%", exact.round(0).grouped(0)),
    };
    Formatted::rounded(text, format!("{}%", exact.grouped(0)))
}

/// A change with its sign, so that +0 and −0 can not be mixed up with a value.
#[must_use]
pub fn signed(change: f64, places: usize) -> String {
    Decimal::of_f64(change).map_or_else(
        || "–".to_owned(),
        |decimal| {
            let rounded = decimal.round(places);
            let sign = if change > 0.0 && !rounded.is_negative() { "+" } else { "" };
            format!("{sign}{}", rounded.grouped(places))
        },
    )
}

/// The sign of a currency, or its code and a space.
#[must_use]
pub fn currency_sign(code: &str) -> String {
    match code {
        "CNY" => "¥".to_owned(),
        "JPY" => "JP¥".to_owned(),
        "USD" => "$".to_owned(),
        "EUR" => "€".to_owned(),
        "GBP" => "£".to_owned(),
        "" => String::new(),
        other => format!("{other} "),
    }
}

/// A number short enough for a tile or an axis: three digits and a unit.
#[must_use]
pub fn compact(decimal: &Decimal, lang: Lang) -> Formatted {
    const EN: &[(usize, &str)] = &[(12, "T"), (9, "B"), (6, "M"), (3, "K")];
    const ZH: &[(usize, &str)] = &[(12, "万亿"), (8, "亿"), (4, "万")];
    let units = match lang {
        Lang::En => EN,
        Lang::Zh => ZH,
    };
    let exact = decimal.grouped(0);
    // Below ten thousand the number itself is as short as any unit makes it.
    let Some((zeros, unit)) = units.iter().find(|(zeros, _)| decimal.magnitude() > (*zeros).max(4))
    else {
        let places = 3_usize.saturating_sub(decimal.magnitude()).min(2);
        return Formatted::rounded(decimal.round(places).grouped(0), exact);
    };
    let scaled = decimal.shift(i32::try_from(*zeros).unwrap_or(0));
    let places = 3_usize.saturating_sub(scaled.magnitude());
    Formatted::rounded(format!("{}{unit}", scaled.round(places).grouped(0)), exact)
}

/// [`compact`] with a currency sign before the digits, the minus before both.
#[must_use]
pub fn compact_money(decimal: &Decimal, currency: &str, lang: Lang) -> Formatted {
    let sign = currency_sign(currency);
    let Formatted { text, .. } = compact(decimal, lang);
    Formatted::rounded(prefixed(&sign, &text), prefixed(&sign, &decimal.grouped(2)))
}

/// An exact amount of money with two digits after the point and its sign.
#[must_use]
pub fn money(decimal: &Decimal, currency: &str) -> Formatted {
    let sign = currency_sign(currency);
    let Formatted { text, exact } = fixed(decimal, 2, 2);
    Formatted { text: prefixed(&sign, &text), exact: exact.map(|exact| prefixed(&sign, &exact)) }
}

fn prefixed(sign: &str, digits: &str) -> String {
    match digits.strip_prefix('−') {
        Some(digits) => format!("−{sign}{digits}"),
        None => format!("{sign}{digits}"),
    }
}

/// Yes or no in the reader's language.
#[must_use]
pub fn flag(yes: bool, lang: Lang) -> &'static str {
    lang.t(if yes { Text::Yes } else { Text::No })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decimal(value: &Value) -> Decimal {
        Decimal::of(value).unwrap()
    }

    #[test]
    fn what_is_shown_short_is_exact_in_the_title() {
        let shown = compact_money(&decimal(&json!("9747747.93")), "GBP", Lang::Zh);
        assert_eq!(shown.text, "£975万");
        assert_eq!(shown.render().into_string(), "<span title=\"£9,747,747.93\">£975万</span>");
        assert_eq!(compact_money(&decimal(&json!("-1234567")), "CNY", Lang::En).text, "−¥1.23M");
        assert_eq!(money(&decimal(&json!("12.5000")), "USD").exact, None);
        assert_eq!(money(&decimal(&json!("12.5001")), "USD").exact.unwrap(), "$12.5001");
    }

    #[test]
    fn units_change_where_the_language_changes_them() {
        let compact = |value: Value, lang| super::compact(&decimal(&value), lang).text;
        assert_eq!(compact(json!(9999), Lang::En), "9,999");
        assert_eq!(compact(json!(12345), Lang::En), "12.3K");
        assert_eq!(compact(json!(12345), Lang::Zh), "1.23万");
        assert_eq!(compact(json!(123_456_789), Lang::Zh), "1.23亿");
        assert_eq!(compact(json!(0.12345), Lang::En), "0.12");
        assert_eq!(compact(json!(41.48), Lang::En), "41.5");
        assert_eq!(compact(json!(0), Lang::En), "0");
        assert_eq!(compact(json!(1e15), Lang::Zh), "1,000万亿");
    }

    #[test]
    fn shares_and_probabilities_do_not_overstate() {
        assert_eq!(percent(&decimal(&json!(0.63148))).text, "63.1%");
        assert_eq!(percent(&decimal(&json!(0.5))).exact, None);
        assert_eq!(probability(0.9999).text, ">99%");
        assert_eq!(probability(0.0004).text, "<1%");
        assert_eq!(probability(0.0).text, "0%");
        assert_eq!(probability(f64::NAN).text, "–");
    }

    #[test]
    fn changes_carry_their_sign() {
        assert_eq!(signed(4.25, 1), "+4.3");
        assert_eq!(signed(-4.0, 1), "−4.0");
        assert_eq!(signed(0.0, 1), "0.0");
        assert_eq!(signed(-0.01, 1), "0.0");
    }
}
