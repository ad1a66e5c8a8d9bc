//! What do reports say alike?
//!
//! `queries/vocabulary.toml` describes the parameters, columns and codes that
//! many reports share. A report that uses one without describing it takes the
//! description from there: a word then means the same in every report, and a
//! report's head holds only what is its own.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Query as SelectQuery, SelectItem, SetExpr, Statement as Ast,
};
use serde::Deserialize;

use super::header::{ColumnNote, Header, Param};
use crate::error::{Error, ErrorKind, Result};
use crate::text::Text;

/// Descriptions that any report may use.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// What groups of reports are called, in the order of lists.
    pub groups: Vec<Group>,
    params: BTreeMap<String, Param>,
    columns: BTreeMap<String, ColumnNote>,
    labels: BTreeMap<String, Text>,
}

/// A group of reports.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// How a report's head names it.
    pub code: String,
    /// What people call it.
    pub title: Text,
}

impl Vocabulary {
    /// Reads `queries/vocabulary.toml`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Query`] if it is not right.
    pub fn parse(toml: &str) -> Result<Self> {
        toml::from_str(toml).map_err(|error| {
            Error::new(ErrorKind::Query, format!("queries/vocabulary.toml: {}", error.message()))
        })
    }

    /// Adds to `header` what its query uses and does not describe itself.
    pub fn complete(&self, header: &mut Header, used: &BTreeSet<String>, columns: &[String]) {
        add(&mut header.params, &self.params, used);
        add(&mut header.columns, &self.columns, columns);
        add(&mut header.labels, &self.labels, self.labels.keys());
    }

    /// Where lists put a group: ours in their order, then an analyst's own.
    #[must_use]
    pub fn place(&self, code: &str) -> usize {
        self.groups.iter().position(|group| group.code == code).unwrap_or(self.groups.len())
    }

    /// What a group is called; one of an analyst's own is called by its code.
    #[must_use]
    pub fn group(&self, code: &str) -> Text {
        let known = self.groups.iter().find(|group| group.code == code);
        known.map_or_else(|| Text::same(code), |group| group.title.clone())
    }
}

fn add<'a, T: Clone>(
    own: &mut BTreeMap<String, T>,
    shared: &BTreeMap<String, T>,
    names: impl IntoIterator<Item = &'a String>,
) {
    for name in names {
        if let (false, Some(known)) = (own.contains_key(name), shared.get(name)) {
            own.insert(name.clone(), known.clone());
        }
    }
}

/// The names of the columns a statement returns, in order. A column without a
/// name of its own is left out, and so is what `*` stands for.
#[must_use]
pub fn columns(statement: &Statement) -> Vec<String> {
    match statement {
        Statement::Statement(statement) => match statement.as_ref() {
            Ast::Query(query) => columns_of(query),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn columns_of(query: &SelectQuery) -> Vec<String> {
    let mut body = query.body.as_ref();
    loop {
        match body {
            SetExpr::Select(select) => {
                return select.projection.iter().filter_map(name).collect();
            }
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) => return columns_of(query),
            _ => return Vec::new(),
        }
    }
}

fn name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.value.clone()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(path)) => {
            path.last().map(|name| name.value.clone())
        }
        _ => None,
    }
}
