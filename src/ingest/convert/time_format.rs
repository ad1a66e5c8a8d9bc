//! Declared formats of dates, in the letters people know from spreadsheets.
//!
//! The letters are those of Unicode's date patterns (UTS 35): `yyyy` or `yy`
//! the year, `MM` or `M` the month, `MMM` its English name, `dd` or `d` the
//! day, `HH` or `H` the hour of 24, `hh` or `h` with `a` of twelve, `mm` the
//! minute, `ss` the second, `SSS` its fraction, `Z` a zone offset. Anything
//! else stands for itself; letters go in single quotes, as in `'T'`.

use super::civil::{Civil, digits, fraction, offset};

/// A declared format, ready to read cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeFormat {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Year,
    ShortYear,
    Month { least: usize },
    MonthName,
    Day { least: usize },
    Hour { least: usize },
    Minute,
    Second,
    Fraction,
    HalfDay,
    Offset,
    Literal(u8),
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl TimeFormat {
    /// Reads a pattern such as `dd.MM.yyyy HH:mm`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = pattern.as_bytes();
        while let [first, ..] = rest {
            if *first == b'\'' {
                let end = rest[1..].iter().position(|byte| *byte == b'\'');
                let end =
                    end.ok_or_else(|| format!("the date format {pattern:?} has an open quote"))?;
                parts.extend(rest[1..=end].iter().map(|byte| Part::Literal(*byte)));
                rest = &rest[end + 2..];
                continue;
            }
            let count = rest.iter().take_while(|byte| *byte == first).count();
            let least = count;
            match (first, count) {
                (b'y', 4) => parts.push(Part::Year),
                (b'y', 2) => parts.push(Part::ShortYear),
                (b'M', 1 | 2) => parts.push(Part::Month { least }),
                (b'M', 3 | 4) => parts.push(Part::MonthName),
                (b'd', 1 | 2) => parts.push(Part::Day { least }),
                (b'H' | b'h', 1 | 2) => parts.push(Part::Hour { least }),
                (b'm', 1 | 2) => parts.push(Part::Minute),
                (b's', 1 | 2) => parts.push(Part::Second),
                (b'S', _) => parts.push(Part::Fraction),
                (b'a', 1) => parts.push(Part::HalfDay),
                (b'Z' | b'X', _) => parts.push(Part::Offset),
                (letter, _) if letter.is_ascii_alphabetic() => {
                    let letters = char::from(*letter).to_string().repeat(count);
                    return Err(format!(
                        "the date format {pattern:?} has the unknown letters {letters:?}"
                    ));
                }
                _ => parts.extend(std::iter::repeat_n(Part::Literal(*first), count)),
            }
            rest = &rest[count..];
        }
        let has = |wanted: fn(&Part) -> bool| parts.iter().any(wanted);
        let year = has(|part| matches!(part, Part::Year | Part::ShortYear));
        let month = has(|part| matches!(part, Part::Month { .. } | Part::MonthName));
        if year && month && has(|part| matches!(part, Part::Day { .. })) {
            return Ok(Self { parts });
        }
        Err(format!("the date format {pattern:?} lacks year, month or day"))
    }

    /// The date and time in a cell, if the whole of it has this format.
    pub(super) fn read(&self, cell: &str) -> Option<Civil> {
        let mut civil = Civil::default();
        let mut rest = cell.as_bytes();
        let mut afternoon = None;
        for part in &self.parts {
            rest = match part {
                Part::Year => number(rest, 4, 4, &mut civil.year)?,
                Part::ShortYear => {
                    let rest = number(rest, 2, 2, &mut civil.year)?;
                    // The convention of POSIX: 69 to 99 are the last century's.
                    civil.year += if civil.year >= 69 { 1900 } else { 2000 };
                    rest
                }
                Part::Month { least } => number(rest, *least, 2, &mut civil.month)?,
                Part::MonthName => {
                    let (month, rest) = month(rest)?;
                    civil.month = month;
                    rest
                }
                Part::Day { least } => number(rest, *least, 2, &mut civil.day)?,
                Part::Hour { least } => number(rest, *least, 2, &mut civil.hour)?,
                Part::Minute => number(rest, 1, 2, &mut civil.minute)?,
                Part::Second => number(rest, 1, 2, &mut civil.second)?,
                Part::Fraction => {
                    let (micros, rest) = fraction(rest)?;
                    civil.micros = micros;
                    rest
                }
                Part::HalfDay => {
                    let (half, rest) = rest.split_at_checked(2)?;
                    afternoon = Some(half.eq_ignore_ascii_case(b"pm"));
                    (afternoon == Some(true) || half.eq_ignore_ascii_case(b"am")).then_some(rest)?
                }
                Part::Offset => {
                    let zulu = rest.strip_prefix(b"Z").map(|rest| (0, rest));
                    let (seconds, rest) = zulu.or_else(|| offset(rest))?;
                    civil.offset = Some(seconds);
                    rest
                }
                Part::Literal(byte) => rest.strip_prefix(&[*byte])?,
            };
        }
        if let Some(afternoon) = afternoon {
            if !(1..=12).contains(&civil.hour) {
                return None;
            }
            civil.hour = civil.hour % 12 + if afternoon { 12 } else { 0 };
        }
        rest.is_empty().then_some(civil)
    }
}

fn number<'a, T: TryFrom<u32>>(
    text: &'a [u8],
    least: usize,
    most: usize,
    into: &mut T,
) -> Option<&'a [u8]> {
    let (value, rest) = digits(text, least, most)?;
    *into = T::try_from(value).ok()?;
    Some(rest)
}

/// An English month, whole or by its first three letters.
fn month(text: &[u8]) -> Option<(u32, &[u8])> {
    let count = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, rest) = text.split_at(count);
    let word = std::str::from_utf8(word).ok()?.to_ascii_lowercase();
    let is = |month: &&str| **month == word || (word.len() == 3 && month.starts_with(&word));
    let at = MONTHS.iter().position(is)?;
    Some((u32::try_from(at).ok()? + 1, rest))
}
