//! How does a source's vocabulary become ours?
//!
//! Labels in a CRM are localised and edited by its users, so how an export is
//! read is data, never code: a *mapping* is a TOML file. A mapping has one or
//! several *sources* (the kinds of file a system exports), and a source *feeds*
//! one or several canonical tables:
//!
//! ```toml
//! title = "A shop's invoice lines"
//!
//! [[source]]
//! name = "lines"
//! match = { headers = ["InvoiceNo", "Quantity", "UnitPrice"] }
//! types = { Quantity = "integer", UnitPrice = "decimal" }
//! null = ["NULL"]
//!
//! [[source.feed]]
//! table = "orders"
//! where = "Quantity <> 0"
//! columns.order_id = "InvoiceNo"
//! columns.customer_id = ["CustomerID", "Customer"]
//! columns.occurred_at = { column = "InvoiceDate", format = "dd.MM.yyyy HH:mm" }
//! columns.amount = { sql = "Quantity * UnitPrice" }
//! columns.currency = { value = "GBP" }
//! attributes = "rest"
//! ```
//!
//! A column comes from a source column (a list names alternatives, the first
//! one present counts), from a constant, or from an SQL expression over the
//! row. There is no language of our own: expressions are DataFusion's, over
//! the source's columns as the mapping spells them and the pseudo columns
//! `_row` (zero-based data row), `_line` and `_file`.
//!
//! Everything is checked when the mapping is read. A misspelt key, table or
//! column is an error that names the line and the nearest right name; a source
//! column that the file lacks is one when the file is opened, unless the feed
//! is `optional`.

mod check;
mod detect;
mod library;
mod raw;

use crate::error::{Error, ErrorKind, Result};
use crate::ingest::convert::{Parsing, TimeFormat};
use crate::ingest::expression::Sql;
use crate::ingest::read::ReadOptions;
use crate::schema::{Column, Kind, Table};

pub use detect::{Choice, Recognised, recognise};
pub use library::Library;
pub(crate) use raw::{document, line_of};

/// One mapping file, checked.
#[derive(Debug)]
pub struct Mapping {
    /// What it is called on the command line: the name of its file.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Whether its sources are found by header; otherwise only by name.
    pub detect: bool,
    /// Where it stands, for error messages.
    pub origin: String,
    /// The kinds of file it reads.
    pub sources: Vec<Source>,
}

/// One kind of file.
#[derive(Debug)]
pub struct Source {
    /// Its name, unique in the mapping.
    pub name: String,
    /// Column names that must all be there, each with its alternatives.
    pub headers: Vec<Vec<String>>,
    /// Patterns of file names of which one must match; empty means any.
    pub files: Vec<String>,
    /// What is known about the format beforehand.
    pub read: ReadOptions,
    /// Cells that mean "missing".
    pub null: Vec<String>,
    /// How text is understood.
    pub parsing: Parsing,
    /// Columns converted before anything else, so that expressions see types.
    pub types: Vec<TypeRule>,
    /// Other spellings of a name used in this source.
    pub aliases: Vec<(String, Vec<String>)>,
    /// Rows for which this is not true are filtered.
    pub filter: Option<Sql>,
    /// If set, the file is recognised and every row filtered, for this reason.
    pub ignore: Option<String>,
    /// The tables it feeds.
    pub feeds: Vec<Feed>,
    /// The line of the mapping it starts on.
    pub line: usize,
}

/// A column of the source converted before expressions see it.
#[derive(Debug)]
pub struct TypeRule {
    /// The source column.
    pub name: String,
    /// What it becomes.
    pub kind: Kind,
    /// The line of the mapping it stands on.
    pub line: usize,
}

/// What a source gives to one table.
#[derive(Debug)]
pub struct Feed {
    /// The table.
    pub table: Table,
    /// Rows for which this is not true do not reach the table.
    pub filter: Option<Sql>,
    /// Where each column comes from.
    pub columns: Vec<Rule>,
    /// Which source columns are kept as attributes.
    pub attributes: Attributes,
    /// Whether source columns may be absent from a file and then read as empty.
    pub optional: bool,
    /// The line of the mapping it starts on.
    pub line: usize,
}

/// Where a column of a table comes from.
#[derive(Debug)]
pub struct Rule {
    /// The column.
    pub column: &'static Column,
    /// Its origin.
    pub origin: Origin,
    /// Decimal places money is rounded to, half to even; otherwise an amount
    /// that does not fit exactly is a breach.
    pub round: Option<u8>,
    /// The line of the mapping it stands on.
    pub line: usize,
}

/// The ways a value comes about.
#[derive(Debug)]
pub enum Origin {
    /// The first of these source columns that the file has.
    Column {
        /// Names, most wanted first.
        names: Vec<String>,
        /// A date format of this column alone.
        format: Option<TimeFormat>,
    },
    /// The same for every row.
    Value(String),
    /// An expression over the row.
    Sql(Sql),
}

/// Which source columns a feed keeps beside the canonical ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attributes {
    /// None.
    None,
    /// Every column that no feed of the source uses.
    Rest,
    /// These.
    Named(Vec<String>),
}

impl Mapping {
    /// Reads and checks a mapping.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] naming `origin`, the line and what is wrong.
    pub fn parse(name: &str, origin: &str, text: &str) -> Result<Self> {
        check::mapping(name, origin, text)
    }

    /// An error at a line of this mapping.
    pub(crate) fn error(&self, line: usize, message: impl std::fmt::Display) -> Error {
        at(&self.origin, line, message)
    }
}

/// An error at a line of a mapping file.
pub(crate) fn at(origin: &str, line: usize, message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Input, format!("mapping {origin}, line {line}: {message}"))
}

impl Source {
    /// Every name by which this source may call the column `name`.
    pub(crate) fn spellings<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let others = self.aliases.iter().find(|(known, _)| known == name);
        std::iter::once(name)
            .chain(others.into_iter().flat_map(|(_, list)| list.iter().map(String::as_str)))
    }
}
