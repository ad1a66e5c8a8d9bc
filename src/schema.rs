//! Which tables does a CRM's history become, and what does each column mean?
//!
//! Every source, whatever its own vocabulary, is mapped onto these canonical
//! tables. Reports and features are written against them once. Each table is
//! described by a [`TableSpec`]: its columns, the instant its rows happened,
//! the key that makes two rows versions of one thing, and the order rows are
//! stored in.
//!
//! # Stamps
//!
//! A fact carries when it happened (the table's *time* column) and `known_at`,
//! when it could first be known. Columns that are filled in later than the row
//! itself, such as the closing of a ticket, are listed in
//! [`TableSpec::later`]: a reader who stands before that moment sees them empty.
//!
//! # Money
//!
//! Amounts are `Decimal(18, 4)` in the row's own `currency`, never a float.
//!
//! # Provenance
//!
//! Every row keeps `load_id` (which file load brought it) and `row_no` (its
//! zero-based data row in that file), so any number can be traced to its rows.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

mod said;
mod spec;

pub use spec::SPECS;

/// The canonical tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Who the business deals with.
    Customers,
    /// Everything that happened, one row per event.
    Activity,
    /// Order lines; refunds and cancellations are negative.
    Orders,
    /// Contracts that recur.
    Subscriptions,
    /// Deals, open and closed.
    Opportunities,
    /// When each deal entered each stage.
    OpportunityStages,
    /// Requests for service and complaints.
    Tickets,
    /// Marketing campaigns.
    Campaigns,
    /// Contacts of a campaign or seller with a customer.
    Touches,
    /// Answers to NPS and satisfaction surveys.
    Surveys,
    /// Account managers and sellers.
    Owners,
    /// The price list.
    Products,
    /// Outcomes given by the source, e.g. a churn flag.
    Labels,
    /// Rows that broke a rule, verbatim.
    Quarantine,
    /// Churn scores, with history.
    Scores,
    /// Churn scores of a model that is on trial.
    ShadowScores,
    /// Whose churn risk crossed a threshold, with history.
    Alerts,
    /// The manifest: one row per complete run.
    Runs,
}

/// What a column holds; decides its Arrow type and how text is parsed into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// 64-bit signed integer.
    Integer,
    /// 64-bit float; never used for money.
    Number,
    /// Decimal(18, 4) in the row's currency.
    Money,
    /// True or false.
    Flag,
    /// Instant, microseconds, UTC.
    Time,
    /// Text-to-text map of columns the canonical schema does not name.
    Attributes,
}

impl Kind {
    /// The Arrow type of a column of this kind.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Money => DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE),
            Self::Flag => DataType::Boolean,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Attributes => attributes_type(),
        }
    }

    /// What people call a value of this kind, for error messages.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Money => "an amount of money",
            Self::Flag => "yes or no",
            Self::Time => "a date or time",
            Self::Attributes => "attributes",
        }
    }
}

/// Decimal digits of a money column.
pub const MONEY_PRECISION: u8 = 18;
/// Decimal places of a money column: a hundredth of a cent.
pub const MONEY_SCALE: i8 = 4;

/// The Arrow type of an attribute map, with the field names Delta expects.
#[must_use]
pub fn attributes_type() -> DataType {
    let entries = Field::new(
        "key_value",
        DataType::Struct(
            vec![
                Field::new("key", DataType::Utf8, false),
                Field::new("value", DataType::Utf8, true),
            ]
            .into(),
        ),
        false,
    );
    DataType::Map(Arc::new(entries), false)
}

/// One column of a canonical table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name in the table.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a row without it is quarantined.
    pub required: bool,
    /// One line for people.
    pub doc: &'static str,
    /// The only values allowed; empty means any.
    pub choices: &'static [&'static str],
    /// The closed range a number must lie in.
    pub range: Option<(f64, f64)>,
    /// Whether the engine fills it, so that no mapping may.
    pub internal: bool,
    /// Whether it is text with few different values, which readers get
    /// dictionary-coded.
    pub coded: bool,
}

/// One canonical table.
#[derive(Debug, Clone, Copy)]
pub struct TableSpec {
    /// Which table.
    pub table: Table,
    /// Its name in SQL and in the store.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// The column that says when a row happened, if rows happen.
    pub time: Option<&'static str>,
    /// Rows equal in all of these are versions of one thing, the newest wins;
    /// empty means every row counts. A row with a null key column counts too.
    pub key: &'static [&'static str],
    /// Columns unknown before the instant in the first: `(instant, hidden)`.
    pub later: &'static [(&'static str, &'static [&'static str])],
    /// The order rows are stored in within a file.
    pub sort: &'static [&'static str],
    /// All columns, in order.
    pub columns: &'static [Column],
}

impl TableSpec {
    /// The Arrow schema of the table.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            // Every column is nullable in storage: requirement is a rule of
            // ingest, and a later version of Tenure must be able to relax it.
            .map(|column| Field::new(column.name, column.kind.data_type(), true))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// The schema in which rows are read: columns with few different texts are
    /// dictionary-coded. Files do not know of it; any reader sees plain text.
    #[must_use]
    pub fn read_schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| {
                let plain = column.kind.data_type();
                let data_type = match column.coded {
                    true => DataType::Dictionary(Box::new(DataType::Int32), Box::new(plain)),
                    false => plain,
                };
                Field::new(column.name, data_type, true)
            })
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// Whether all rows of a customer stand together.
    #[must_use]
    pub fn is_clustered(&self) -> bool {
        self.sort.first() == Some(&"customer_key")
    }

    /// Whether its rows are what a run of Tenure said, and are asked for by that run.
    #[must_use]
    pub fn is_read_by_run(&self) -> bool {
        self.is_clustered() && self.has("run_id")
    }

    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether the table has a column called `name`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.column(name).is_some()
    }
}

impl Table {
    /// The description of this table.
    #[must_use]
    pub fn spec(self) -> &'static TableSpec {
        &SPECS[self as usize]
    }

    /// The name of this table in SQL and in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// All tables, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        SPECS.iter().map(|spec| spec.table)
    }

    /// The tables a mapping may feed.
    pub fn mappable() -> impl Iterator<Item = Self> {
        let own = [Self::Quarantine, Self::Runs];
        Self::all().filter(move |table| !own.contains(table) && !table.is_said())
    }

    /// Whether the table holds what Tenure says of customers: that is no news
    /// about them, and no input of a model.
    #[must_use]
    pub const fn is_said(self) -> bool {
        matches!(self, Self::Scores | Self::ShadowScores | Self::Alerts)
    }

    /// The table called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|table| table.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_stand_in_the_order_of_the_enum() {
        for (index, spec) in SPECS.iter().enumerate() {
            assert_eq!(spec.table as usize, index, "{}", spec.name);
        }
    }

    #[test]
    fn every_column_a_spec_names_exists_once() {
        for spec in SPECS {
            let named = spec
                .time
                .iter()
                .chain(spec.key)
                .chain(spec.sort)
                .chain(spec.later.iter().map(|(at, _)| at))
                .chain(spec.later.iter().flat_map(|(_, hidden)| hidden.iter()));
            for name in named {
                assert!(spec.has(name), "{}.{name}", spec.name);
            }
            let mut names: Vec<_> = spec.columns.iter().map(|column| column.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), spec.columns.len(), "{}", spec.name);
        }
    }
}
