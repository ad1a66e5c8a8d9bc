//! How much history is to be made, and from which seed?

use chrono::{Datelike, NaiveDate};

use crate::error::{Error, ErrorKind, Result};

/// Bounds of a plan: the truth needs a quarter before and after a cutoff.
const CUSTOMERS: (u64, u64) = (1, 10_000_000);
const MONTHS: (u32, u32) = (7, 120);
/// First years that leave room for the label windows of the longest plan.
const YEARS: (i32, i32) = (1970, 2080);

/// A checked request: its values can be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    customers: u64,
    seed: u64,
    months: u32,
    start: NaiveDate,
}

impl Default for Plan {
    /// 2,000 customers, seed 42, two years from January 2024.
    fn default() -> Self {
        let start = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default();
        Self { customers: 2_000, seed: 42, months: 24, start }
    }
}

impl Plan {
    /// Checks a request for `customers` over `months` calendar months from `start`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] that names the value out of bounds: customers 1 to
    /// 10,000,000, months 7 to 120, `start` the first of a month, 1970 to 2080.
    pub fn new(customers: u64, seed: u64, months: u32, start: NaiveDate) -> Result<Self> {
        let within = |name: &str, value: u64, low: u64, high: u64| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            let message = format!("{name}: {value} is not between {low} and {high}");
            Err(Error::new(ErrorKind::Usage, message))
        };
        within("customers", customers, CUSTOMERS.0, CUSTOMERS.1)?;
        within("months", months.into(), MONTHS.0.into(), MONTHS.1.into())?;
        if start.day() != 1 || !(YEARS.0..=YEARS.1).contains(&start.year()) {
            let message = format!("start: {start} is not the first of a month from 1970 to 2080");
            let first = start.with_day(1).unwrap_or(start);
            return Err(
                Error::new(ErrorKind::Usage, message).hint(format!("did you mean {first}?"))
            );
        }
        Ok(Self { customers, seed, months, start })
    }

    /// Customers who sign up over the whole time.
    #[must_use]
    pub fn customers(&self) -> u64 {
        self.customers
    }

    /// Seed of all chance.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Calendar months of history.
    #[must_use]
    pub fn months(&self) -> u32 {
        self.months
    }

    /// First day of the history, in UTC.
    #[must_use]
    pub fn start(&self) -> NaiveDate {
        self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_bounds_are_named() {
        let start = Plan::default().start();
        let message = |plan: Result<Plan>| plan.unwrap_err().to_string();
        assert!(message(Plan::new(0, 1, 24, start)).starts_with("customers: 0"));
        assert!(message(Plan::new(9, 1, 6, start)).starts_with("months: 6"));
        let late = NaiveDate::from_ymd_opt(2024, 1, 9).unwrap();
        let error = Plan::new(9, 1, 24, late).unwrap_err();
        assert_eq!(error.hints(), ["did you mean 2024-01-01?"]);
        assert!(Plan::new(9, 1, 7, start).is_ok());
    }
}
