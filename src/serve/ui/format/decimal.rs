//! How is a number written without changing its digits?
//!
//! Money reaches the dashboard as decimal text, and a float may only be looked
//! at, never trusted with cents. So rounding and grouping work on digits: what
//! is shown is the exact value, or the exact value is one hover away.

use serde_json::Value;

/// A finite decimal number as its digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Digits before the point, no leading zero but a lone one.
    whole: String,
    /// Digits after the point, no trailing zero.
    fraction: String,
}

impl Decimal {
    /// Reads a JSON number, or a string that is a number; anything else,
    /// `null` and `"NaN"` included, is no value.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::parse(&number.to_string()),
            Value::String(text) => Self::parse(text.trim()),
            _ => None,
        }
    }

    /// Reads a finite float by its shortest decimal form.
    #[must_use]
    pub fn of_f64(value: f64) -> Option<Self> {
        // Display of f64 never uses an exponent, so this can not recurse twice.
        value.is_finite().then(|| value.to_string()).and_then(|text| Self::parse(&text))
    }

    fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(fraction) {
            // Exponents are floats by nature; words such as NaN are not finite.
            let scientific = text.contains(['e', 'E']) && !text.contains(['n', 'N']);
            return if scientific { Self::of_f64(text.parse().ok()?) } else { None };
        }
        Some(Self::normal(negative, whole, fraction))
    }

    fn normal(negative: bool, whole: &str, fraction: &str) -> Self {
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        Self {
            negative: negative && !zero,
            whole: if whole.is_empty() { "0" } else { whole }.to_owned(),
            fraction: fraction.to_owned(),
        }
    }

    /// The nearest decimal with at most `places` digits after the point,
    /// halves away from zero as in bookkeeping.
    #[must_use]
    pub fn round(&self, places: usize) -> Self {
        let Some(next) = self.fraction.as_bytes().get(places) else {
            return self.clone();
        };
        let mut digits: Vec<u8> =
            self.whole.bytes().chain(self.fraction.bytes().take(places)).collect();
        if *next >= b'5' {
            let mut carried = true;
            for digit in digits.iter_mut().rev() {
                if *digit != b'9' {
                    *digit += 1;
                    carried = false;
                    break;
                }
                *digit = b'0';
            }
            if carried {
                digits.insert(0, b'1');
            }
        }
        let text: String = digits.into_iter().map(char::from).collect();
        let (whole, fraction) = text.split_at(text.len() - places);
        Self::normal(self.negative, whole, fraction)
    }

    /// The number with its point moved `digits` to the left (right if negative).
    #[must_use]
    pub fn shift(&self, digits: i32) -> Self {
        let by = usize::try_from(digits.unsigned_abs()).unwrap_or(0);
        let pad = "0".repeat(by);
        if digits >= 0 {
            let padded = format!("{pad}{}", self.whole);
            let (whole, moved) = padded.split_at(padded.len() - by);
            Self::normal(self.negative, whole, &format!("{moved}{}", self.fraction))
        } else {
            let padded = format!("{}{pad}", self.fraction);
            let (moved, fraction) = padded.split_at(by);
            Self::normal(self.negative, &format!("{}{moved}", self.whole), fraction)
        }
    }

    /// How many digits stand before the point; 0 for numbers below one.
    #[must_use]
    pub fn magnitude(&self) -> usize {
        if self.whole == "0" { 0 } else { self.whole.len() }
    }

    /// Whether the number is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Thousands separated by commas, at least `places` digits after the point,
    /// a true minus sign.
    #[must_use]
    pub fn grouped(&self, places: usize) -> String {
        let mut text = String::from(if self.negative { "−" } else { "" });
        for (index, digit) in self.whole.chars().enumerate() {
            if index > 0 && (self.whole.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        let missing = places.saturating_sub(self.fraction.len());
        if !self.fraction.is_empty() || missing > 0 {
            text.push('.');
            text.push_str(&self.fraction);
            text.extend(std::iter::repeat_n('0', missing));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn huge_money_keeps_every_digit() {
        let text = "-12345678901234567890.4550";
        assert_eq!(decimal(text).grouped(2), "−12,345,678,901,234,567,890.455");
        assert_eq!(decimal(text).round(2).grouped(2), "−12,345,678,901,234,567,890.46");
    }

    #[test]
    fn rounding_carries_and_never_shows_minus_zero() {
        assert_eq!(decimal("999.995").round(2).grouped(2), "1,000.00");
        assert_eq!(decimal("-0.004").round(2).grouped(2), "0.00");
        assert_eq!(decimal("0.5").round(0).grouped(0), "1");
        assert_eq!(decimal("1.25").round(5).grouped(2), "1.25");
    }

    #[test]
    fn shifting_moves_the_point_exactly() {
        assert_eq!(decimal("0.6315").shift(-2).grouped(1), "63.15");
        assert_eq!(decimal("9747747.93").shift(4).grouped(0), "974.774793");
        assert_eq!(decimal("5").shift(3).grouped(0), "0.005");
    }

    #[test]
    fn only_finite_numbers_are_numbers() {
        for value in [
            json!(null),
            json!("NaN"),
            json!("inf"),
            json!("-"),
            json!(""),
            json!(true),
            json!("1,5"),
        ] {
            assert_eq!(Decimal::of(&value), None, "{value}");
        }
        assert_eq!(Decimal::of(&json!(1e21)).unwrap().grouped(0), "1,000,000,000,000,000,000,000");
        assert_eq!(Decimal::of_f64(f64::NAN), None);
    }
}
