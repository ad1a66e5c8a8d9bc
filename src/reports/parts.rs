//! What do several reports count alike?
//!
//! A file in `queries/parts/` is a query that others use like a table: NRR, MRR
//! movements and the overview all read `mrr_days`, so that the same quantity is
//! the same number wherever it is shown. A part is put into the query that
//! names it as one more entry of its `WITH`, before planning; parts may use
//! parts. Its parameters are those of the query it is used in.
//!
//! `NAME_past` is what the part NAME would have said on past days ([`past`]).
//!
//! [`past`]: super::past

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Cte, Query as SelectQuery, Statement as Ast, Visit, With, visit_relations,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::Query;
use crate::error::{Error, ErrorKind, Result};

/// What is added to a part's name for its past.
pub const PAST: &str = "_past";

/// Parts by name.
pub type Parts = BTreeMap<String, Query>;

/// Adds to `statement` the parts it names and those that they name.
///
/// # Errors
///
/// [`ErrorKind::Query`] if a part uses itself.
pub fn include(statement: &mut Statement, parts: &Parts) -> Result<()> {
    let Some(query) = select(statement) else { return Ok(()) };
    let mut order = Vec::new();
    for name in named(query, parts) {
        visit(&name, parts, &mut Vec::new(), &mut order)?;
    }
    if order.is_empty() {
        return Ok(());
    }
    let mut entries = Vec::with_capacity(order.len());
    for name in &order {
        entries.push(entry(name, &parts[name])?);
    }
    let with = match query.with.take() {
        Some(mut with) => {
            entries.append(&mut with.cte_tables);
            With { cte_tables: entries, ..with }
        }
        None => With { cte_tables: entries, ..template()?.1 },
    };
    query.with = Some(with);
    Ok(())
}

/// The parts whose past `statement`, its own parts included, reads.
#[must_use]
pub fn past(statement: &mut Statement, parts: &Parts) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Some(query) = select(statement) else { return found };
    let _: ControlFlow<()> = relations(query, &mut |name| {
        if let Some(part) = name.strip_suffix(PAST).filter(|part| parts.contains_key(*part)) {
            found.insert(part.to_owned());
        }
    });
    found
}

/// Appends `name` to `order`, after all it needs.
fn visit(
    name: &str,
    parts: &Parts,
    under_way: &mut Vec<String>,
    order: &mut Vec<String>,
) -> Result<()> {
    if order.iter().any(|known| known == name) {
        return Ok(());
    }
    if under_way.iter().any(|known| known == name) {
        let path = under_way.join(" uses ");
        return Err(Error::new(ErrorKind::Query, format!("parts: {path} uses {name}")));
    }
    under_way.push(name.to_owned());
    let mut statement = parts[name].statement();
    if let Some(query) = select(&mut statement) {
        for other in named(query, parts) {
            visit(&other, parts, under_way, order)?;
        }
    }
    under_way.pop();
    order.push(name.to_owned());
    Ok(())
}

fn select(statement: &mut Statement) -> Option<&mut SelectQuery> {
    match statement {
        Statement::Statement(statement) => match statement.as_mut() {
            Ast::Query(query) => Some(query),
            _ => None,
        },
        _ => None,
    }
}

/// The parts that `query` reads and does not define itself.
fn named(query: &SelectQuery, parts: &Parts) -> BTreeSet<String> {
    let own = |name: &str| {
        let entries = query.with.iter().flat_map(|with| &with.cte_tables);
        entries.into_iter().any(|entry| entry.alias.name.value == name)
    };
    let mut found = BTreeSet::new();
    let _: ControlFlow<()> = relations(query, &mut |name| {
        if parts.contains_key(name) && !own(name) {
            found.insert(name.to_owned());
        }
    });
    found
}

fn relations(node: &impl Visit, found: &mut impl FnMut(&str)) -> ControlFlow<()> {
    visit_relations(node, |name| {
        if let [part] = name.0.as_slice()
            && let Some(ident) = part.as_ident()
        {
            found(&ident.value);
        }
        ControlFlow::Continue(())
    })
}

fn entry(name: &str, part: &Query) -> Result<Cte> {
    let mut statement = part.statement();
    let (mut cte, _) = template()?;
    name.clone_into(&mut cte.alias.name.value);
    if let Some(query) = select(&mut statement) {
        cte.query = Box::new(query.clone());
    }
    Ok(cte)
}

/// An entry of a `WITH`, and the `WITH`, to be filled: their fields include
/// tokens that only the parser makes.
fn template() -> Result<(Cte, With)> {
    let parsed = Parser::new(&GenericDialect {})
        .try_with_sql("WITH part AS (SELECT 1) SELECT 1")
        .and_then(|mut parser| parser.parse_query())
        .map_err(|error| Error::new(ErrorKind::Internal, "parsing WITH").caused_by(error))?;
    let with = parsed.with.ok_or_else(|| Error::new(ErrorKind::Internal, "no WITH"))?;
    let entry = with.cte_tables.first().cloned();
    let entry = entry.ok_or_else(|| Error::new(ErrorKind::Internal, "an empty WITH"))?;
    Ok((entry, with))
}
