//! Does an attribute name days that had not come?
//!
//! A row that was known before a cutoff and names a day after it is either a
//! plan, such as the end of a term, or was rewritten. Plans go beyond the end of
//! the data; the day a customer cancelled, or was last seen, never does.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use crate::churn::{Frame, Period, Values};
use crate::error::{Error, ErrorKind, Result};

/// Fewest customers with such a day: fewer may be slips of the pen.
const FEWEST: usize = 20;
/// Of so many days after the cutoff one may lie beyond the end of the data.
const ONE_IN: usize = 10;

/// Looks at the undated texts of `frame`, whose data ends at `as_of`.
///
/// # Errors
///
/// [`ErrorKind::Insufficient`] that names the first attribute that knows days
/// after a cutoff and none after the end.
pub fn check(
    frame: &Frame,
    periods: &[Period],
    as_of: DateTime<Utc>,
    is_undated: &dyn Fn(&str) -> bool,
    trusted: &[String],
) -> Result<()> {
    for column in frame.columns() {
        let Values::Categorical { levels, codes } = &column.values else { continue };
        if !is_undated(&column.name) || trusted.contains(&column.name) {
            continue;
        }
        let days: Vec<Option<NaiveDate>> = levels.iter().map(|level| day(level)).collect();
        // A column of dates may hold a few words, such as "unknown".
        if days.iter().flatten().count() * 2 <= days.len() {
            continue;
        }
        let (mut within, mut beyond) = (BTreeSet::new(), BTreeSet::new());
        let mut example = None;
        for (row, code) in codes.iter().enumerate() {
            let day = code.and_then(|code| days[code as usize]);
            let (Some(day), Some(period)) = (day, periods.get(frame.periods()[row])) else {
                continue;
            };
            let customer = frame.ids()[row].as_str();
            if day > as_of.date_naive() {
                beyond.insert(customer);
            } else if day > period.cutoff {
                within.insert(customer);
                example.get_or_insert((customer, day, period.cutoff));
            }
        }
        if let Some((customer, day, cutoff)) = example
            && within.len() >= FEWEST
            && beyond.len() * ONE_IN <= within.len()
        {
            let name = &column.name;
            return Err(Error::new(
                ErrorKind::Insufficient,
                format!(
                    "the feature \"{name}\" names days that had not come: at the cutoff {cutoff} \
                     it is {day} of customer \"{customer}\", and of {} customers it is later than \
                     a cutoff, but hardly ever later than the data",
                    within.len()
                ),
            )
            .hint(format!(
                "it was filled in afterwards; add \"{name}\" to features.exclude in the spec"
            ))
            .hint(format!("or, if it is a plan, add \"{name}\" to features.trusted")));
        }
    }
    Ok(())
}

/// The day that a text names, year first.
fn day(text: &str) -> Option<NaiveDate> {
    let date = text.trim().split(['T', ' ']).next()?.replace('/', "-");
    NaiveDate::parse_from_str(&date, "%Y-%m-%d").ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::churn::{About, Column, Role, Rows};
    use crate::text::Text;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// 60 customers at one cutoff, the first of June, of data to 31 August.
    fn judged(of: impl Fn(usize) -> Option<String>) -> Result<()> {
        let texts: Vec<Option<String>> = (0..60).map(of).collect();
        let column = Column {
            name: "x".to_owned(),
            title: Text::same("x"),
            unit: None,
            about: About::default(),
            values: Values::categorical(texts.iter().map(Option::as_deref)),
        };
        let rows = Rows {
            ids: (0..60).map(|row| format!("c{row:02}")).collect(),
            periods: vec![0; 60],
            churned: (0..60).map(|row| row % 5 == 0).collect(),
        };
        let frame = Frame::new(rows, vec![column]).unwrap();
        let periods = [Period {
            cutoff: date("2025-06-01"),
            start: date("2025-06-01"),
            end: date("2025-08-30"),
            role: Role::Train,
        }];
        check(&frame, &periods, "2025-08-31T23:59:59Z".parse().unwrap(), &|_| true, &[])
    }

    #[test]
    fn days_of_leaving_are_found_and_plans_and_birthdays_are_not() {
        let left = |row: usize| row.is_multiple_of(2).then(|| format!("2025/7/{}", 1 + row / 2));
        let words = judged(left).unwrap_err().to_string();
        assert!(words.contains("\"x\" names days that had not come"), "{words}");
        assert!(words.contains("it is 2025-07-01 of customer \"c00\""), "{words}");
        let plan = |row: usize| Some(format!("2025-{:02}-01T00:00:00Z", 6 + row % 7));
        judged(plan).unwrap();
        judged(|row| Some(format!("19{}-07-01", 60 + row % 40))).unwrap();
        judged(|row| Some(format!("2025-07 plan {row}"))).unwrap();
        // A few may be mistakes.
        judged(|row| (row < 19).then(|| "2025-07-02".to_owned())).unwrap();
    }
}
