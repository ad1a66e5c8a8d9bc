//! Which columns does a score have, and how is one read?

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch, StringArray};
use arrow::datatypes::{Decimal128Type, Float64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};

use super::cell::{Cell, decimal, number};
use super::mapping::Field;
use crate::config::Language;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::MONEY_SCALE;

/// The bands, as they are stored.
pub const BANDS: [&str; 3] = ["high", "medium", "low"];

/// A column that a field can be filled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described in docs/exports.md, which a test compares")]
pub enum Column {
    CustomerId,
    Name,
    OwnerId,
    OwnerName,
    Probability,
    Percent,
    Band,
    Churn30,
    Churn60,
    Churn90,
    Churn180,
    RemainingDays,
    ValueAtRisk,
    Currency,
    TopReason,
    TopReasonEn,
    TopReasonZh,
    Reasons,
    ReasonsEn,
    ReasonsZh,
    Logit,
    Base,
    Cutoff,
    ScoredAt,
    Model,
    RunId,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// An instant.
    Time,
}

impl Column {
    /// All columns.
    pub const ALL: [Self; 26] = [
        Self::CustomerId,
        Self::Name,
        Self::OwnerId,
        Self::OwnerName,
        Self::Probability,
        Self::Percent,
        Self::Band,
        Self::Churn30,
        Self::Churn60,
        Self::Churn90,
        Self::Churn180,
        Self::RemainingDays,
        Self::ValueAtRisk,
        Self::Currency,
        Self::TopReason,
        Self::TopReasonEn,
        Self::TopReasonZh,
        Self::Reasons,
        Self::ReasonsEn,
        Self::ReasonsZh,
        Self::Logit,
        Self::Base,
        Self::Cutoff,
        Self::ScoredAt,
        Self::Model,
        Self::RunId,
    ];

    /// What mappings call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CustomerId => "customer_id",
            Self::Name => "name",
            Self::OwnerId => "owner_id",
            Self::OwnerName => "owner_name",
            Self::Probability => "probability",
            Self::Percent => "percent",
            Self::Band => "band",
            Self::Churn30 => "churn_30",
            Self::Churn60 => "churn_60",
            Self::Churn90 => "churn_90",
            Self::Churn180 => "churn_180",
            Self::RemainingDays => "remaining_days",
            Self::ValueAtRisk => "value_at_risk",
            Self::Currency => "currency",
            Self::TopReason => "top_reason",
            Self::TopReasonEn => "top_reason_en",
            Self::TopReasonZh => "top_reason_zh",
            Self::Reasons => "reasons",
            Self::ReasonsEn => "reasons_en",
            Self::ReasonsZh => "reasons_zh",
            Self::Logit => "logit",
            Self::Base => "base",
            Self::Cutoff => "cutoff",
            Self::ScoredAt => "scored_at",
            Self::Model => "model",
            Self::RunId => "run_id",
        }
    }

    /// The column called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// What it holds.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Probability
            | Self::Percent
            | Self::Churn30
            | Self::Churn60
            | Self::Churn90
            | Self::Churn180
            | Self::RemainingDays
            | Self::ValueAtRisk
            | Self::Logit
            | Self::Base
            | Self::RunId => Kind::Number,
            Self::Cutoff | Self::ScoredAt => Kind::Time,
            _ => Kind::Text,
        }
    }

    /// The column of the query that it is read from; none if it is the same for
    /// the whole run.
    #[must_use]
    pub(crate) const fn stored(self, language: Language) -> Option<&'static str> {
        match (self, language) {
            (Self::OwnerName, _) => Some("owner_id"),
            (Self::Percent, _) => Some("probability"),
            (Self::TopReason, Language::En) => Some("top_reason_en"),
            (Self::TopReason, Language::Zh) => Some("top_reason_zh"),
            (Self::Reasons, Language::En) => Some("reasons_en"),
            (Self::Reasons, Language::Zh) => Some("reasons_zh"),
            (Self::ScoredAt | Self::RunId, _) => None,
            (other, _) => Some(other.name()),
        }
    }
}

/// What is the same for all scores of a run.
#[derive(Debug)]
pub struct Run {
    /// The run that scored.
    pub id: i64,
    /// When it was published.
    pub scored_at: DateTime<Utc>,
    /// What owners are called, by id.
    pub owners: BTreeMap<String, String>,
    /// The language of texts that do not name one.
    pub language: Language,
}

/// The values of one field in a batch of scores.
pub(super) struct Reader<'a> {
    field: &'a Field,
    run: &'a Run,
    /// Absent where the field stays empty.
    values: Option<Values<'a>>,
}

enum Values<'a> {
    Text(&'a StringArray),
    Number(&'a PrimitiveArray<Float64Type>),
    Money(&'a PrimitiveArray<Decimal128Type>),
    Time(&'a PrimitiveArray<TimestampMicrosecondType>),
    Run,
}

impl<'a> Reader<'a> {
    /// Finds the field's column in a batch. In one of customers who have no score
    /// any more, what the batch does not say is empty.
    pub(super) fn new(
        field: &'a Field,
        batch: &'a RecordBatch,
        run: &'a Run,
        gone: bool,
    ) -> Result<Self> {
        let values = match field.column.stored(run.language) {
            None => (!gone).then_some(Values::Run),
            Some(name) => match batch.column_by_name(name) {
                None if gone => None,
                None => return Err(unreadable(name)),
                Some(column) => Some(Values::of(column).ok_or_else(|| unreadable(name))?),
            },
        };
        Ok(Self { field, run, values })
    }

    /// The value of a row.
    pub(super) fn cell(&self, row: usize) -> Cell<'a> {
        let decimals = self.field.decimals;
        let cell = match &self.values {
            None => Cell::Null,
            Some(Values::Run) if self.field.column == Column::RunId => {
                Cell::Number(self.run.id.to_string())
            }
            Some(Values::Run) => Cell::Time(self.run.scored_at),
            Some(Values::Number(values)) if values.is_valid(row) => {
                let value = values.value(row);
                let value =
                    if self.field.column == Column::Percent { hundred(value) } else { value };
                Cell::Number(number(value, decimals))
            }
            Some(Values::Money(values)) if values.is_valid(row) => Cell::Number(decimal(
                values.value(row),
                MONEY_SCALE.unsigned_abs().into(),
                decimals,
            )),
            Some(Values::Time(values)) if values.is_valid(row) => {
                DateTime::from_timestamp_micros(values.value(row)).map_or(Cell::Null, Cell::Time)
            }
            Some(Values::Text(values)) if values.is_valid(row) => self.text(values.value(row)),
            Some(_) => Cell::Null,
        };
        cell.cut(self.field.length)
    }

    fn text(&self, stored: &'a str) -> Cell<'a> {
        let text = match self.field.column {
            Column::OwnerName => self.run.owners.get(stored).cloned(),
            Column::Band => {
                let place = BANDS.iter().position(|band| *band == stored);
                let words = self.field.words.as_ref().zip(place);
                words.map(|(words, place)| words[place].clone())
            }
            _ => None,
        };
        Cell::Text(text.map_or(Cow::Borrowed(stored), Cow::Owned))
    }
}

impl<'a> Values<'a> {
    fn of(column: &'a ArrayRef) -> Option<Self> {
        let text = column.as_string_opt::<i32>().map(Self::Text);
        text.or_else(|| column.as_primitive_opt().map(Self::Number))
            .or_else(|| column.as_primitive_opt().map(Self::Money))
            .or_else(|| column.as_primitive_opt().map(Self::Time))
    }
}

/// A probability in percent: the digits move, nothing is rounded.
fn hundred(probability: f64) -> f64 {
    format!("{probability}e2").parse().unwrap_or(f64::NAN)
}

fn unreadable(name: &str) -> Error {
    let message = format!("the query export does not return {name} as it is stored");
    Error::new(ErrorKind::Query, message).hint("take your own export.sql back out of --queries")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_has_the_digits_of_the_probability() {
        for (probability, percent) in [(0.07, "7"), (0.3702913, "37.02913"), (1e-9, "0.0000001")] {
            assert_eq!(number(hundred(probability), None), percent);
        }
    }

    #[test]
    fn the_page_about_exports_describes_every_column_and_target() {
        let page = include_str!("../../docs/exports.md");
        for column in Column::ALL {
            assert!(page.contains(&format!("| `{}` |", column.name())), "{}", column.name());
        }
        for target in super::super::Target::ALL {
            assert!(page.contains(&format!("## `{}`", target.name())), "{}", target.name());
        }
    }
}
