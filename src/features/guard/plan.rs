//! Does the plan of a feature query read anything that was not known?
//!
//! The plan is looked at and not the text, so that neither a part, a view, an
//! alias nor a subquery hides what is read.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::super::bound;
use super::lineage::{Lineage, Refusal, Source};
use crate::churn::spec::Features;
use crate::engine::{Engine, Moment};
use crate::error::{Error, ErrorKind, Result};
use crate::reports::{Query, bind};
use crate::schema::Table;

/// What an honest feature group reads.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The tables.
    pub tables: BTreeSet<Table>,
    /// Features made from a column that a source may rewrite without a stamp.
    pub undated: BTreeSet<String>,
}

/// Tables that hold outcomes or what Tenure wrote, and why none is an input.
const OUTPUTS: [(Table, &str); 5] = [
    (Table::Labels, "it holds outcomes, which have no date: a feature made of them is the label"),
    (Table::Scores, "it holds what models said: a model would learn from itself"),
    (Table::Alerts, "it holds what models said: a model would learn from itself"),
    (Table::Runs, "it holds what Tenure did, and nothing a customer did"),
    (Table::Quarantine, "it holds rows that were refused, by load and not by when they were known"),
];

/// Columns that say more than was known at the cutoff, and why.
const LATER: [(Option<Table>, &str, &str); 5] = [
    (None, "load_id", "it numbers the load a row came with, which may be later than the cutoff"),
    (None, "row_no", "it is a row's place in a file that may be written after the cutoff"),
    (
        Some(Table::Customers),
        "status",
        "sources rewrite it when a customer leaves, and do not say when",
    ),
    (
        Some(Table::Customers),
        "owner_id",
        "sources rewrite it when a customer is about to leave, and do not say when",
    ),
    (
        Some(Table::Customers),
        "implied",
        "it says whether an export had the customer, however late that was",
    ),
];

/// Columns of customers that an export gives as they are when it is written.
const PROFILE: [&str; 5] = ["name", "segment", "channel", "region", "industry"];

/// Looks at the plan of `query` over tables cut at `as_of`.
///
/// # Errors
///
/// [`ErrorKind::Query`] for what is refused, naming file and line.
pub async fn check(
    engine: &Engine,
    query: &Query,
    wanted: &Features,
    as_of: DateTime<Utc>,
) -> Result<Found> {
    let view = engine.at(Moment::known_at(as_of));
    let mut statement = query.statement();
    bind::bind(&mut statement, &bound(query, as_of, [].into())?)?;
    let frame = view.plan(statement).await.map_err(|error| unplanned(query, error))?;
    let cuts = view.cuts().await?;
    let mut lineage = Lineage::new(&cuts);
    let flow = lineage.flow(frame.logical_plan()).map_err(|refusal| refused(query, refusal))?;
    for (table, why) in OUTPUTS {
        if lineage.tables().contains(&table) {
            let words = format!("reads the table {}", table.name());
            return Err(refusal(query, table.name(), &words).hint(format!("take it out: {why}")));
        }
    }
    let mut found = Found { tables: lineage.tables().clone(), undated: BTreeSet::new() };
    let names = frame.schema().fields().iter().map(|field| field.name());
    for (name, sources) in names.zip(flow.columns) {
        let is_feature = query.header.columns.contains_key(name) && !wanted.exclude.contains(name);
        if !is_feature {
            continue;
        }
        let sources: BTreeSet<Source> = sources.union(&flow.rows).copied().collect();
        if !wanted.trusted.contains(name) {
            later(query, name, &sources)?;
        }
        if sources.iter().any(is_undated) {
            found.undated.insert(name.clone());
        }
    }
    Ok(found)
}

/// Refuses a feature that depends on a column which says too much.
fn later(query: &Query, feature: &str, sources: &BTreeSet<Source>) -> Result<()> {
    for (of, column, why) in LATER {
        let from = |source: &&Source| {
            source.column == column && of.is_none_or(|table| source.table == table)
        };
        if let Some(source) = sources.iter().find(from) {
            let words =
                format!("the feature \"{feature}\" depends on {}.{column}", source.table.name());
            return Err(refusal(query, column, &words)
                .hint(format!("take {column} out: {why}"))
                .hint(format!(
                    "or, if that can not be here, add \"{feature}\" to features.trusted in the spec"
                )));
        }
    }
    Ok(())
}

fn is_undated(source: &Source) -> bool {
    let is_profile = source.table == Table::Customers && PROFILE.contains(&source.column);
    source.column == "attributes" || is_profile
}

fn refused(query: &Query, refused: Refusal) -> Error {
    match refused {
        Refusal::Function(name) => {
            refusal(query, &name, &format!("calls {name}(), which answers differently every time"))
                .hint("measure time from $as_of, the cutoff; leave chance to the seed of the spec")
        }
        Refusal::Table(name) => {
            let words = format!("reads \"{name}\", which is no table cut at the cutoff");
            refusal(query, &name, &words)
                .hint("read the tables of the store by their plain names, as other features do")
        }
        Refusal::Error(error) => error.context(&query.file),
    }
}

/// Planning fails where a query names what a view does not have.
fn unplanned(query: &Query, error: Error) -> Error {
    let is_missing = error.to_string().contains("not found");
    let error = error.context(&query.file);
    match is_missing {
        true => error.hint("a feature reads the tables of the store, no files and no other schema"),
        false => error,
    }
}

fn refusal(query: &Query, needle: &str, words: &str) -> Error {
    let place = line(&query.sql, needle).map_or_else(String::new, |line| format!(":{line}"));
    Error::new(ErrorKind::Query, format!("{}{place}: {words}", query.file))
}

/// The first line of SQL that names `needle`; it may stand in a part instead.
fn line(sql: &str, needle: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let names = |line: &str| line.split(|c| !is_word(c)).any(|word| word == needle);
    let mut lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    lines.position(|line| names(&line.to_lowercase())).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_that_of_the_sql_and_not_of_a_comment() {
        let sql = "--! title = \"labels\"\n-- labels\nSELECT relabels, labels_of\nFROM Labels";
        assert_eq!(line(sql, "labels"), Some(4));
        assert_eq!(line(sql, "scores"), None);
    }
}
