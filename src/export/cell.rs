//! How is a value written so that no target misreads it?

use std::borrow::Cow;

use chrono::{DateTime, Utc};

/// A value on its way out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    /// There is none.
    Null,
    /// A text that is not empty, without outer spaces.
    Text(Cow<'a, str>),
    /// A number in plain decimal digits.
    Number(String),
    /// An instant.
    Time(DateTime<Utc>),
}

impl Cell<'_> {
    /// The same without outer spaces, which targets keep, and with a text of at
    /// most `length` characters; a text with nothing in it is none.
    pub(super) fn cut(self, length: Option<usize>) -> Self {
        let Self::Text(text) = self else { return self };
        let kept = first(text.trim(), length.unwrap_or(usize::MAX));
        match kept.len() {
            0 => Self::Null,
            whole if whole == text.len() => Self::Text(text),
            _ => Self::Text(Cow::Owned(kept.to_owned())),
        }
    }
}

/// The beginning of a text, at most `length` UTF-16 units: whether a target
/// counts those or code points, it fits, and no character is torn.
fn first(text: &str, length: usize) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, letter)| {
        units += letter.len_utf16();
        units > length
    });
    end.map_or(text, |(end, _)| text[..end].trim_end())
}

/// A number without exponent: the shortest digits that read back as the same one,
/// or rounded to `decimals`.
pub(super) fn number(value: f64, decimals: Option<usize>) -> String {
    let text = match decimals {
        Some(decimals) => format!("{value:.decimals$}"),
        None => value.to_string(),
    };
    unsigned_zero(text)
}

/// A decimal of `scale` places, rounded half to even to `decimals`, without
/// needless zeros if none are asked for.
pub(super) fn decimal(units: i128, scale: u32, decimals: Option<usize>) -> String {
    let places = decimals.and_then(|decimals| u32::try_from(decimals).ok()).unwrap_or(scale);
    let places = places.min(scale);
    let step = 10_u128.pow(scale - places);
    let (mut kept, rest) = (units.unsigned_abs() / step, units.unsigned_abs() % step);
    if 2 * rest > step || (2 * rest == step && kept % 2 == 1) {
        kept += 1;
    }
    let one = 10_u128.pow(places);
    let sign = if units < 0 { "-" } else { "" };
    let mut text = format!("{sign}{}", kept / one);
    if places > 0 {
        text.push_str(&format!(".{:0width$}", kept % one, width = places as usize));
        if decimals.is_none() {
            text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
        }
    }
    unsigned_zero(text)
}

/// Nothing is written as less than nothing.
fn unsigned_zero(text: String) -> String {
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|byte| matches!(byte, b'0' | b'.')) => digits.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_exponent_and_read_back() {
        assert_eq!(number(1e-7, None), "0.0000001");
        assert_eq!(number(0.1 + 0.2, None), "0.30000000000000004");
        assert_eq!(number(-0.0001, Some(2)), "0.00");
        assert_eq!(number(0.125, Some(2)), "0.12");
    }

    #[test]
    fn money_is_rounded_exactly() {
        for (units, decimals, text) in [
            (12_345_678, None, "1234.5678"),
            (12_340_000, None, "1234"),
            (0, None, "0"),
            (0, Some(2), "0.00"),
            (12_345_000, Some(2), "1234.50"),
            (12_345_050, Some(2), "1234.50"),
            (12_345_150, Some(2), "1234.52"),
            (12_345_051, Some(2), "1234.51"),
            (-12_345_678, Some(0), "-1235"),
            (-49, Some(2), "0.00"),
            (5_000, Some(0), "0"),
            (15_000, Some(0), "2"),
            (12_345_678, Some(9), "1234.5678"),
        ] {
            assert_eq!(decimal(units, 4, decimals), text, "{units} {decimals:?}");
        }
    }

    #[test]
    fn texts_are_cut_between_characters_and_end_in_none_of_their_spaces() {
        let cut = |text: &'static str, length| Cell::Text(Cow::Borrowed(text)).cut(length);
        let text = |text: &'static str| Cell::Text(Cow::Borrowed(text));
        assert_eq!(cut("登录减少", Some(3)), text("登录减"));
        assert_eq!(cut("a😀b", Some(3)), text("a😀"));
        assert_eq!(cut("a😀b", Some(2)), text("a"));
        assert_eq!(cut("ab cd", Some(3)), text("ab"));
        assert_eq!(cut("  ab\n", None), text("ab"));
        assert_eq!(cut(" \u{3000}", None), Cell::Null);
    }
}
