//! How is this file, with these columns, turned into tables?
//!
//! A [`Plan`] is a source of a mapping bound to the columns of one file: every
//! name is resolved to a position, every expression is planned. It also knows
//! what the mapping leaves out, because a column nobody uses is worth a line
//! in the summary.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;

use super::convert::{Bounds, Parsing, convert, out_of_bounds};
use super::expression::{Expression, Planner, Sql};
use super::header::Header;
use super::mapping::{Attributes, Feed, Mapping, Origin, Rule, Source};
use crate::error::Result;
use crate::schema::{Column, Kind, TableSpec};

/// A source bound to the columns of a file.
pub(super) struct Plan {
    /// The schema it was bound to.
    pub schema: SchemaRef,
    /// Source columns to convert first.
    pub types: Vec<(usize, Kind)>,
    /// What expressions see, in order, and their types.
    pub scope: Vec<Seen>,
    /// The schema of the scope.
    pub scope_schema: SchemaRef,
    /// Rows for which this is not true are filtered.
    pub filter: Option<Expression>,
    /// The feeds, in order of the mapping.
    pub feeds: Vec<FeedPlan>,
    /// Columns of the file that nothing uses and nothing keeps.
    pub unused: Vec<String>,
    /// Names of the mapping that the file lacks.
    pub absent: BTreeSet<String>,
    /// What people should know.
    pub notes: Vec<String>,
}

/// Something an expression can name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen {
    /// A column of the source.
    Column(usize),
    /// A column this file lacks: null.
    Absent,
    /// The zero-based data row.
    Row,
    /// The line.
    Line,
    /// The name of the file.
    File,
}

/// A feed bound to the columns of a file.
pub(super) struct FeedPlan {
    pub spec: &'static TableSpec,
    pub filter: Option<Expression>,
    /// One per fed column.
    pub columns: Vec<ColumnPlan>,
    /// Names and positions of the columns kept as attributes.
    pub attributes: Vec<(String, usize)>,
    /// Which those are, as the mapping says it.
    keep: Attributes,
}

/// A column bound to the columns of a file.
pub(super) struct ColumnPlan {
    pub column: &'static Column,
    pub from: From,
    pub parsing: Parsing,
    pub round: Option<u8>,
    /// What messages call it: the source column, or the table's.
    pub label: String,
}

/// Where the values of a column come from.
pub(super) enum From {
    Column(usize),
    /// The same for all rows.
    Value(ScalarValue),
    Expression(Expression),
}

impl Plan {
    /// Binds a source to the columns of a file.
    ///
    /// # Errors
    /// A name of the mapping that the file lacks, or an expression that can
    /// not be planned, with its line.
    pub(super) fn new(
        planner: &Planner,
        mapping: &Mapping,
        source: &Source,
        schema: &SchemaRef,
    ) -> Result<Self> {
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut binder = Binder {
            planner,
            mapping,
            source,
            schema,
            header: Header::new(names),
            used: BTreeSet::new(),
            absent: BTreeSet::new(),
            scope: Vec::new(),
            fields: Vec::new(),
            types: Vec::new(),
        };
        binder.types()?;
        binder.scope()?;
        let scope_schema = Arc::new(Schema::new(std::mem::take(&mut binder.fields)));
        let filter = binder.expression(source.filter.as_ref(), &scope_schema)?;
        let mut feeds = Vec::with_capacity(source.feeds.len());
        let mut notes: Vec<String> =
            source.ignore.iter().map(|why| format!("ignored: {why}")).collect();
        for feed in &source.feeds {
            match binder.feed(feed, &scope_schema)? {
                Ok(plan) => feeds.push(plan),
                Err(lacking) => notes
                    .push(format!("nothing for {}: the file has no {lacking}", feed.table.name())),
            }
        }
        if feeds.is_empty() && source.ignore.is_none() {
            let message = format!("source {:?}: {}", source.name, notes.join("; "));
            return Err(mapping.error(source.line, message));
        }
        for feed in &mut feeds {
            binder.attributes(feed);
        }
        let kept: BTreeSet<usize> =
            feeds.iter().flat_map(|feed| feed.attributes.iter().map(|(_, at)| *at)).collect();
        let names = binder.header.names().iter().enumerate();
        let unused = names.filter(|(at, _)| {
            let goes_on = binder.used.contains(at) || kept.contains(at);
            source.ignore.is_none() && !goes_on && !binder.is_whole(*at)
        });
        Ok(Self {
            unused: unused.map(|(_, name)| name.clone()).collect(),
            schema: Arc::clone(schema),
            types: binder.types,
            scope: binder.scope,
            scope_schema,
            filter,
            feeds,
            absent: binder.absent,
            notes,
        })
    }

    /// Binds a source to a file that has exactly the columns it names.
    #[cfg(test)]
    pub(super) fn of_own_names(
        planner: &Planner,
        mapping: &Mapping,
        source: &Source,
    ) -> Result<Self> {
        let mut names: BTreeSet<String> =
            expressions(source).flat_map(|sql| sql.names.iter().cloned()).collect();
        for rule in source.feeds.iter().flat_map(|feed| &feed.columns) {
            if let Origin::Column { names: columns, .. } = &rule.origin {
                names.extend(columns.first().cloned());
            }
        }
        names.extend(source.types.iter().map(|rule| rule.name.clone()));
        for feed in &source.feeds {
            if let Attributes::Named(columns) = &feed.attributes {
                names.extend(columns.iter().cloned());
            }
        }
        let fields: Vec<Field> =
            names.into_iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
        Self::new(planner, mapping, source, &Arc::new(Schema::new(fields)))
    }
}

/// All expressions of a source.
#[cfg(test)]
fn expressions(source: &Source) -> impl Iterator<Item = &Sql> {
    let feeds = source.feeds.iter().flat_map(|feed| {
        let rules = feed.columns.iter().filter_map(|rule| match &rule.origin {
            Origin::Sql(sql) => Some(sql),
            _ => None,
        });
        feed.filter.iter().chain(rules)
    });
    source.filter.iter().chain(feeds)
}

struct Binder<'a> {
    planner: &'a Planner,
    mapping: &'a Mapping,
    source: &'a Source,
    schema: &'a SchemaRef,
    header: Header,
    used: BTreeSet<usize>,
    absent: BTreeSet<String>,
    scope: Vec<Seen>,
    fields: Vec<Field>,
    types: Vec<(usize, Kind)>,
}

impl Binder<'_> {
    /// The position of a source column, also under its aliases.
    fn find(&self, name: &str) -> Option<usize> {
        self.source.spellings(name).find_map(|name| self.header.find(name))
    }

    /// Whether the source lets columns be absent where no one feed decides.
    fn lenient(&self) -> bool {
        !self.source.feeds.is_empty() && self.source.feeds.iter().all(|feed| feed.optional)
    }

    /// The position of a column that may be absent if `optional`.
    fn position(&mut self, name: &str, line: usize, optional: bool) -> Result<Option<usize>> {
        let at = self.find(name);
        if at.is_none() && !optional {
            let message = format!("source {:?}: the file has no column {name:?}", self.source.name);
            let known = self.header.names().iter().map(String::as_str);
            let wrong = self.mapping.error(line, message).hint_nearest(name, known);
            return Err(wrong.hint("if files may lack it, say `optional = true` in the feed"));
        }
        if at.is_none() {
            self.absent.insert(name.to_owned());
        }
        Ok(at)
    }

    /// The same for a column whose values go into a canonical one or a filter.
    fn used(&mut self, name: &str, line: usize, optional: bool) -> Result<Option<usize>> {
        let at = self.position(name, line, optional)?;
        self.used.extend(at);
        Ok(at)
    }

    fn types(&mut self) -> Result<()> {
        for rule in &self.source.types {
            let lenient = self.lenient();
            if let Some(at) = self.position(&rule.name, rule.line, lenient)? {
                self.types.push((at, rule.kind));
            }
        }
        Ok(())
    }

    /// Gathers every name in an expression, with the type it will have.
    fn scope(&mut self) -> Result<()> {
        let source = self.source;
        let mut known = BTreeSet::new();
        let everywhere = source.filter.iter().map(|sql| (sql, self.lenient()));
        let of_feeds = source.feeds.iter().flat_map(|feed| {
            let rules = feed.columns.iter().filter_map(|rule| match &rule.origin {
                Origin::Sql(sql) => Some(sql),
                _ => None,
            });
            feed.filter.iter().chain(rules).map(|sql| (sql, feed.optional))
        });
        let all: Vec<(&Sql, bool)> = everywhere.chain(of_feeds).collect();
        for (sql, optional) in all {
            for name in &sql.names {
                if !known.insert(name) {
                    continue;
                }
                let (seen, data_type) = match name.as_str() {
                    "_row" => (Seen::Row, DataType::Int64),
                    "_line" => (Seen::Line, DataType::Int64),
                    "_file" => (Seen::File, DataType::Utf8),
                    _ => match self.used(name, sql.line, optional)? {
                        Some(at) => (Seen::Column(at), self.type_at(at)),
                        None => (Seen::Absent, self.type_of(name)),
                    },
                };
                self.scope.push(seen);
                self.fields.push(Field::new(name, data_type, true));
            }
        }
        Ok(())
    }

    fn type_at(&self, at: usize) -> DataType {
        let declared = self.types.iter().find(|(typed, _)| *typed == at);
        declared
            .map_or_else(|| self.schema.field(at).data_type().clone(), |(_, kind)| kind.data_type())
    }

    fn type_of(&self, absent: &str) -> DataType {
        let declared = self.source.types.iter().find(|rule| rule.name == absent);
        declared.map_or(DataType::Utf8, |rule| rule.kind.data_type())
    }

    fn expression(&self, sql: Option<&Sql>, scope: &SchemaRef) -> Result<Option<Expression>> {
        let plan = |sql: &Sql| {
            self.planner.plan(sql, scope).map_err(|error| {
                let hints: Vec<String> = error.hints().to_vec();
                hints
                    .into_iter()
                    .fold(self.mapping.error(sql.line, error), crate::error::Error::hint)
            })
        };
        sql.map(plan).transpose()
    }

    /// Binds a feed, or names the column without which it can not be.
    fn feed(&mut self, feed: &Feed, scope: &SchemaRef) -> Result<Result<FeedPlan, String>> {
        let mut columns = Vec::with_capacity(feed.columns.len());
        for rule in &feed.columns {
            match self.rule(feed, rule, scope)? {
                Some(plan) => columns.push(plan),
                None if rule.column.required => {
                    let Origin::Column { names, .. } = &rule.origin else {
                        continue;
                    };
                    return Ok(Err(names.join(" or ")));
                }
                None => {}
            }
        }
        if let Attributes::Named(names) = &feed.attributes {
            for name in names {
                self.position(name, feed.line, feed.optional)?;
            }
        }
        let filter = self.expression(feed.filter.as_ref(), scope)?;
        Ok(Ok(FeedPlan {
            spec: feed.table.spec(),
            filter,
            columns,
            attributes: Vec::new(),
            keep: feed.attributes.clone(),
        }))
    }

    fn rule(&mut self, feed: &Feed, rule: &Rule, scope: &SchemaRef) -> Result<Option<ColumnPlan>> {
        let mut parsing = self.source.parsing.clone();
        let mut label = format!("{}.{}", feed.table.name(), rule.column.name);
        let from = match &rule.origin {
            Origin::Value(text) => From::Value(self.constant(rule, text)?),
            Origin::Sql(sql) => match self.expression(Some(sql), scope)? {
                Some(expression) => From::Expression(expression),
                None => return Ok(None),
            },
            Origin::Column { names, format } => {
                let present = names.iter().find(|name| self.find(name).is_some());
                let first = names.first().map_or("", String::as_str);
                let wanted = present.map_or(first, String::as_str);
                let Some(at) = self.used(wanted, rule.line, feed.optional)? else {
                    return Ok(None);
                };
                label.clone_from(&self.header.names()[at]);
                if let Some(format) = format {
                    parsing.formats = vec![format.clone()];
                }
                From::Column(at)
            }
        };
        Ok(Some(ColumnPlan { column: rule.column, from, parsing, round: rule.round, label }))
    }

    /// The value of a constant, which has to be one of the column.
    fn constant(&self, rule: &Rule, text: &str) -> Result<ScalarValue> {
        let cell: ArrayRef = Arc::new(StringArray::from(vec![text]));
        let converted = convert(&cell, rule.column.kind, &self.source.parsing, rule.round)?;
        let checked = out_of_bounds(converted, Bounds { column: rule.column, past: None });
        if let Some(fault) = checked.faults.first() {
            let message = format!("`{}` can not be {}", rule.column.name, fault.detail);
            return Err(self.mapping.error(rule.line, message));
        }
        Ok(ScalarValue::try_from_array(&checked.values, 0)?)
    }

    /// Whether a column is an NDJSON object that stands in the file a second
    /// time by its parts, which are enough.
    fn is_whole(&self, at: usize) -> bool {
        let names = self.header.names();
        let part = |other: &String| {
            other.strip_prefix(names[at].as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        names.iter().any(part)
    }

    /// Gives a feed its attributes, once it is known what all feeds use.
    fn attributes(&self, feed: &mut FeedPlan) {
        let names = self.header.names();
        let kept: Vec<usize> = match &feed.keep {
            Attributes::None => Vec::new(),
            Attributes::Named(wanted) => wanted.iter().filter_map(|name| self.find(name)).collect(),
            Attributes::Rest => (0..names.len())
                .filter(|at| !self.used.contains(at) && !self.is_whole(*at))
                .collect(),
        };
        feed.attributes = kept.into_iter().map(|at| (names[at].clone(), at)).collect();
    }
}
