//! Why is a row not kept?
//!
//! The codes are stable: they stand in the `quarantine` table and in what
//! people script against.

/// The rule a row breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A required value is not there.
    MissingValue,
    /// Not a date or time, or one that can be read two ways.
    BadTime,
    /// Not a number, or not one this column can hold exactly.
    BadNumber,
    /// Neither yes nor no.
    BadFlag,
    /// A value beyond what the column allows.
    OutOfRange,
    /// Not one of the values the column allows.
    BadChoice,
    /// A fact from more than a day after the load.
    FutureTime,
    /// An expression of the mapping failed on the row.
    BadExpression,
}

impl Reason {
    /// The code, as written to the `quarantine` table.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingValue => "missing_value",
            Self::BadTime => "bad_time",
            Self::BadNumber => "bad_number",
            Self::BadFlag => "bad_flag",
            Self::OutOfRange => "out_of_range",
            Self::BadChoice => "bad_choice",
            Self::FutureTime => "future_time",
            Self::BadExpression => "bad_expression",
        }
    }
}
