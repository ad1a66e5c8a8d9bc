//! Does a mapping mean something, before any file is opened?
//!
//! Everything that can be wrong without data is found here: names of tables
//! and columns, required columns nobody feeds, formats, zones, and the syntax
//! of expressions.

use std::collections::BTreeSet;
use std::str::FromStr;

use toml::Spanned;

use super::raw;
use super::{Attributes, Feed, Mapping, Origin, Rule, Source, TypeRule, at};
use crate::error::{Error, Result};
use crate::ingest::convert::{Parsing, TimeFormat, Zone};
use crate::ingest::expression::Sql;
use crate::schema::{Column, Kind, Table, TableSpec};

/// What a column may be declared as under `types`.
const TYPES: [(&str, Kind); 6] = [
    ("decimal", Kind::Money),
    ("flag", Kind::Flag),
    ("integer", Kind::Integer),
    ("number", Kind::Number),
    ("text", Kind::Text),
    ("time", Kind::Time),
];

/// Parses and checks a whole mapping.
pub(super) fn mapping(name: &str, origin: &str, text: &str) -> Result<Mapping> {
    let raw = raw::parse(origin, text)?;
    let checker = Checker { origin, text };
    let mut names = BTreeSet::new();
    let mut sources = Vec::with_capacity(raw.source.len());
    for source in raw.source {
        let line = checker.line(&source);
        let source = checker.source(line, source.into_inner())?;
        if !names.insert(source.name.clone()) {
            return Err(at(origin, line, format!("a second source is called {:?}", source.name)));
        }
        sources.push(source);
    }
    Ok(Mapping {
        name: name.to_owned(),
        title: raw.title,
        detect: raw.detect,
        origin: origin.to_owned(),
        sources,
    })
}

struct Checker<'a> {
    origin: &'a str,
    text: &'a str,
}

impl Checker<'_> {
    fn line<T>(&self, spanned: &Spanned<T>) -> usize {
        raw::line_of(self.text, spanned.span())
    }

    fn error<T>(&self, spanned: &Spanned<T>, message: impl std::fmt::Display) -> Error {
        at(self.origin, self.line(spanned), message)
    }

    fn source(&self, line: usize, raw: raw::Source) -> Result<Source> {
        if raw.ignore.is_some() != raw.feed.is_empty() {
            let message = format!(
                "source {:?} needs either a [[source.feed]] or `ignore = \"why\"`",
                raw.name
            );
            return Err(at(self.origin, line, message));
        }
        if raw.matching.headers.is_empty() && raw.matching.files.is_empty() {
            let message = format!("source {:?} matches every file", raw.name);
            return Err(at(self.origin, line, message)
                .hint("say `match = { headers = [\"…\"] }` or `match = { files = [\"*.csv\"] }`"));
        }
        let parsing = Parsing {
            formats: raw.dates.iter().map(|date| self.format(date)).collect::<Result<_>>()?,
            zone: raw.tz.as_ref().map_or(Ok(Zone::default()), |tz| self.zone(tz))?,
            decimal_comma: raw.decimal.as_ref().map_or(Ok(false), |mark| self.decimal(mark))?,
            nan_is_null: raw.null.iter().any(|word| word.eq_ignore_ascii_case("nan")),
        };
        let types = raw.types.iter().map(|(name, kind)| self.type_rule(name, kind));
        let feeds = raw.feed.into_iter().map(|feed| self.feed(self.line(&feed), feed.into_inner()));
        Ok(Source {
            name: raw.name,
            headers: raw.matching.headers.into_iter().map(raw::Names::list).collect(),
            files: raw.matching.files,
            read: raw.format,
            null: raw.null,
            parsing,
            types: types.collect::<Result<_>>()?,
            aliases: raw.aliases.into_iter().collect(),
            filter: self.sql(raw.filter.as_ref())?,
            ignore: raw.ignore,
            feeds: feeds.collect::<Result<_>>()?,
            line,
        })
    }

    fn format(&self, format: &Spanned<String>) -> Result<TimeFormat> {
        TimeFormat::parse(format.get_ref()).map_err(|words| self.error(format, words))
    }

    fn zone(&self, zone: &Spanned<String>) -> Result<Zone> {
        Zone::from_str(zone.get_ref()).map_err(|words| self.error(zone, words))
    }

    fn decimal(&self, mark: &Spanned<String>) -> Result<bool> {
        match mark.get_ref().as_str() {
            "," => Ok(true),
            "." => Ok(false),
            other => Err(self.error(mark, format!("`decimal` is \",\" or \".\", not {other:?}"))),
        }
    }

    fn sql(&self, text: Option<&Spanned<String>>) -> Result<Option<Sql>> {
        text.map(|text| {
            Sql::parse(text.get_ref(), self.line(text)).map_err(|words| self.error(text, words))
        })
        .transpose()
    }

    fn type_rule(&self, name: &str, kind: &Spanned<String>) -> Result<TypeRule> {
        let known = TYPES.iter().find(|(word, _)| word == kind.get_ref());
        let Some(&(_, known)) = known else {
            let words: Vec<&str> = TYPES.iter().map(|(word, _)| *word).collect();
            return Err(self
                .error(kind, format!("{name:?} has the unknown type {:?}", kind.get_ref()))
                .hint(format!("types are {}", words.join(", "))));
        };
        Ok(TypeRule { name: name.to_owned(), kind: known, line: self.line(kind) })
    }

    fn feed(&self, line: usize, raw: raw::Feed) -> Result<Feed> {
        let wanted = raw.table.get_ref();
        let table = Table::mappable().find(|table| table.name() == wanted).ok_or_else(|| {
            let message = format!("no table that can be fed is called {wanted:?}");
            let wrong = self.error(&raw.table, message);
            wrong.hint_nearest(wanted, Table::mappable().map(Table::name))
        })?;
        let spec = table.spec();
        let mut columns = Vec::with_capacity(raw.columns.len());
        for (name, rule) in raw.columns {
            columns.push(self.rule(spec, &name, rule)?);
        }
        let fed = |column: &Column| columns.iter().any(|rule| rule.column.name == column.name);
        let missing =
            spec.columns.iter().find(|column| column.required && !column.internal && !fed(column));
        if let Some(missing) = missing {
            let message = format!(
                "a feed of {} must say where `{}` comes from: {}",
                spec.name, missing.name, missing.doc
            );
            return Err(at(self.origin, line, message));
        }
        Ok(Feed {
            table,
            filter: self.sql(raw.filter.as_ref())?,
            attributes: self.attributes(spec, raw.attributes)?,
            columns,
            optional: raw.optional,
            line,
        })
    }

    fn attributes(
        &self,
        spec: &TableSpec,
        given: Option<Spanned<raw::Names>>,
    ) -> Result<Attributes> {
        let Some(given) = given else {
            return Ok(Attributes::None);
        };
        let attributes = match given.get_ref() {
            raw::Names::One(word) if word == "none" => Attributes::None,
            raw::Names::One(word) if word == "rest" => Attributes::Rest,
            raw::Names::One(word) => {
                let message = format!(
                    "`attributes` is \"rest\", \"none\" or a list of source columns, not {word:?}"
                );
                return Err(self.error(&given, message));
            }
            raw::Names::Many(names) => Attributes::Named(names.clone()),
        };
        if attributes != Attributes::None && !spec.has("attributes") {
            return Err(self.error(&given, format!("{} has no attributes", spec.name)));
        }
        Ok(attributes)
    }

    fn rule(&self, spec: &TableSpec, name: &str, rule: Spanned<raw::Rule>) -> Result<Rule> {
        let feedable = |column: &&Column| !column.internal && column.kind != Kind::Attributes;
        let Some(column) = spec.column(name).filter(feedable) else {
            let wrong =
                self.error(&rule, format!("{} has no column `{name}` that can be fed", spec.name));
            let known = spec.columns.iter().filter(feedable).map(|column| column.name);
            return Err(wrong.hint_nearest(name, known));
        };
        let line = self.line(&rule);
        let error = |message: String| at(self.origin, line, message);
        let (origin, round) = match rule.into_inner() {
            raw::Rule::Names(names) => (Origin::Column { names: names.list(), format: None }, None),
            raw::Rule::Form(form) => {
                let format =
                    form.format.as_deref().map(TimeFormat::parse).transpose().map_err(error)?;
                let origin = match (form.column, form.value, form.sql) {
                    (Some(names), None, None) => Origin::Column { names: names.list(), format },
                    (None, Some(value), None) if format.is_none() => Origin::Value(value),
                    (None, None, Some(sql)) if format.is_none() => {
                        Origin::Sql(Sql::parse(&sql, line).map_err(error)?)
                    }
                    _ => {
                        let message = format!(
                            "`{name}` needs exactly one of `column`, `value` and `sql`; `format` goes with `column`"
                        );
                        return Err(error(message));
                    }
                };
                (origin, form.round)
            }
        };
        if round.is_some_and(|places| column.kind != Kind::Money || places > 4) {
            return Err(error(format!(
                "`round` takes 0 to 4 places of a money column; `{name}` holds {}",
                column.kind.noun()
            )));
        }
        if matches!(&origin, Origin::Column { names, .. } if names.is_empty()) {
            return Err(error(format!("`{name}` names no source column")));
        }
        Ok(Rule { column, origin, round, line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
title = "Invoices"
[[source]]
name = "lines"
match = { headers = ["Invoice"] }
types = { Price = "decimal" }
[[source.feed]]
table = "orders"
columns.order_id = "Invoice"
columns.amount = { sql = "Quantity * Price" }
columns.occurred_at = { column = ["Date", "Day"], format = "dd/MM/yyyy" }
"#;

    fn failure(from: &str, to: &str) -> (String, Vec<String>) {
        assert!(GOOD.contains(from), "{from}");
        let error = Mapping::parse("shop", "shop.toml", &GOOD.replace(from, to)).unwrap_err();
        (error.to_string(), error.hints().to_vec())
    }

    #[test]
    fn a_good_mapping_is_read() {
        let mapping = Mapping::parse("shop", "shop.toml", GOOD).unwrap();
        let feed = &mapping.sources[0].feeds[0];
        assert_eq!(feed.table, Table::Orders);
        assert_eq!((feed.line, feed.columns.len()), (7, 3));
    }

    #[test]
    fn every_mistake_names_its_line_and_the_nearest_name() {
        for (from, to, message, hint) in [
            ("types =", "tpyes =", "line 6: unknown field `tpyes`", "did you mean \"types\"?"),
            (
                "\"orders\"",
                "\"ordres\"",
                "line 8: no table that can be fed is called \"ordres\"",
                "did you mean \"orders\"?",
            ),
            (
                "columns.order_id",
                "columns.ordr_id",
                "line 9: orders has no column `ordr_id`",
                "did you mean \"order_id\"?",
            ),
            (
                "\"decimal\"",
                "\"money\"",
                "line 6: \"Price\" has the unknown type \"money\"",
                "types are",
            ),
        ] {
            let (words, hints) = failure(from, to);
            assert!(words.contains(message), "{words}");
            assert!(hints.iter().any(|words| words.contains(hint)), "{hints:?}");
        }
    }

    #[test]
    fn what_can_not_work_is_refused() {
        for (from, to, message) in [
            (
                "columns.order_id = \"Invoice\"\n",
                "",
                "line 7: a feed of orders must say where `order_id` comes from",
            ),
            ("\"Quantity * Price\"", "\"Quantity * (SELECT 1)\"", "line 10: a subquery"),
            ("\"Quantity * Price\"", "\"Quantity *\"", "line 10:"),
            ("\"dd/MM/yyyy\"", "\"dd/MM/QQQ\"", "line 11:"),
            ("{ headers = [\"Invoice\"] }", "{}", "line 3: source \"lines\" matches every file"),
            (
                "sql = \"Quantity * Price\"",
                "sql = \"1\", value = \"2\"",
                "line 10: `amount` needs exactly one",
            ),
            ("table = \"orders\"", "table = \"quarantine\"", "line 8: no table that can be fed"),
            (
                "columns.order_id",
                "columns.load_id",
                "line 9: orders has no column `load_id` that can be fed",
            ),
        ] {
            let (words, _) = failure(from, to);
            assert!(words.contains(message), "{words} should contain {message}");
        }
    }
}
