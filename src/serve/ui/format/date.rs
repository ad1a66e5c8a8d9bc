//! How is a day, a month or an instant written, and how far apart are two?
//!
//! Dates arrive as ISO 8601 text. Tables keep that form, because it sorts and
//! reads the same in every language; sentences and axes use the reader's own.

use crate::serve::ui::lang::Lang;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A calendar day, or a whole month if the text named no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    year: i32,
    month: u8,
    day: Option<u8>,
}

impl Date {
    /// Reads the date at the start of `2025-11`, `2025-11-30` or an instant.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let date = text.split(['T', ' ']).next()?;
        let mut parts = date.split('-');
        let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
        let month = two_digits(parts.next()?, 12)?;
        let day = match parts.next() {
            Some(day) => Some(two_digits(day, 31)?),
            None => None,
        };
        parts.next().is_none().then_some(Self { year, month, day })
    }

    /// Days since 1970-01-01 (Hinnant's `days_from_civil`); a month counts as
    /// its first day.
    #[must_use]
    pub fn days(self) -> i32 {
        let month = i32::from(self.month);
        let year = if month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i32::from(self.day.unwrap_or(1)) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
            - 719_468
    }

    /// For sentences: `30 Nov 2025`, `Nov 2025`; `2025年11月30日`, `2025年11月`.
    #[must_use]
    pub fn long(self, lang: Lang) -> String {
        let Self { year, month, day } = self;
        match (lang, day) {
            (Lang::En, Some(day)) => format!("{day} {} {year}", self.month_name()),
            (Lang::En, None) => format!("{} {year}", self.month_name()),
            (Lang::Zh, Some(day)) => format!("{year}年{month}月{day}日"),
            (Lang::Zh, None) => format!("{year}年{month}月"),
        }
    }

    /// For an axis: the year is said only where `before` was in another one,
    /// and the day only if the axis counts in days.
    #[must_use]
    pub fn tick(
        self,
        before: Option<Self>,
        in_months: bool,
        lang: Lang,
    ) -> (String, Option<String>) {
        let year = before.is_none_or(|before| before.year != self.year);
        let label = match (lang, self.day.filter(|_| !in_months)) {
            (Lang::En, Some(day)) => format!("{day} {}", self.month_name()),
            (Lang::En, None) => self.month_name().to_owned(),
            (Lang::Zh, Some(day)) => format!("{}/{day}", self.month),
            (Lang::Zh, None) => format!("{}月", self.month),
        };
        (label, year.then(|| self.year.to_string()))
    }

    /// Whether the date can stand for its whole month.
    #[must_use]
    pub fn starts_month(self) -> bool {
        self.day.unwrap_or(1) == 1
    }

    /// The month the date lies in, without its day.
    #[must_use]
    pub fn month(self) -> Self {
        Self { day: None, ..self }
    }

    fn month_name(self) -> &'static str {
        MONTHS.get(usize::from(self.month) - 1).copied().unwrap_or("")
    }
}

/// `text` in the reader's long form; text that is no date stays as it is.
#[must_use]
pub fn long(text: &str, lang: Lang) -> String {
    Date::parse(text).map_or_else(|| text.to_owned(), |date| date.long(lang))
}

/// An ISO instant as `2025-11-30 14:05`, a plain date or month unchanged; a
/// midnight is a date, because that is how sources without times arrive.
#[must_use]
pub fn iso_minutes(text: &str) -> String {
    let Some((day, time)) = text.split_once(['T', ' ']) else {
        return text.to_owned();
    };
    match time.get(..5) {
        Some("00:00") | None => day.to_owned(),
        Some(minutes) => format!("{day} {minutes}"),
    }
}

fn two_digits(text: &str, most: u8) -> Option<u8> {
    let number = text.parse().ok().filter(|_| text.len() == 2)?;
    (1..=most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_agree_with_known_dates() {
        let days = |text| Date::parse(text).unwrap().days();
        assert_eq!(days("1970-01-01"), 0);
        assert_eq!(days("2000-03-01"), 11_017);
        assert_eq!(days("2025-11-30T23:59:59Z"), 20_422);
        assert_eq!(days("2024-03-01") - days("2024-02"), 29);
    }

    #[test]
    fn dates_are_written_in_the_readers_language() {
        assert_eq!(long("2025-11-30", Lang::En), "30 Nov 2025");
        assert_eq!(long("2025-11", Lang::Zh), "2025年11月");
        assert_eq!(long("age 3", Lang::En), "age 3");
        assert_eq!(iso_minutes("2025-11-30T14:05:09.123Z"), "2025-11-30 14:05");
        assert_eq!(iso_minutes("2025-11-30T00:00:00Z"), "2025-11-30");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in
            ["2025-13", "2025-1-1", "25-01-01", "2025", "2025-01-00", "中文", "2025-01-01-01"]
        {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }
}
