//! What may stand in a mapping file?
//!
//! The unchecked form, exactly as TOML gives it. Spans are kept so that the
//! checks can name lines.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::at;
use crate::error::Result;
use crate::ingest::read::ReadOptions;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    #[serde(default)]
    pub title: String,
    #[serde(default = "yes")]
    pub detect: bool,
    pub source: Vec<Spanned<Source>>,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub name: String,
    #[serde(default, rename = "match")]
    pub matching: Match,
    #[serde(default)]
    pub format: ReadOptions,
    #[serde(default)]
    pub null: Vec<String>,
    #[serde(default)]
    pub dates: Vec<Spanned<String>>,
    pub tz: Option<Spanned<String>>,
    pub decimal: Option<Spanned<String>>,
    #[serde(default)]
    pub types: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub aliases: BTreeMap<String, Vec<String>>,
    #[serde(rename = "where")]
    pub filter: Option<Spanned<String>>,
    pub ignore: Option<String>,
    #[serde(default)]
    pub feed: Vec<Spanned<Feed>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Match {
    pub headers: Vec<Names>,
    pub files: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Feed {
    pub table: Spanned<String>,
    #[serde(rename = "where")]
    pub filter: Option<Spanned<String>>,
    #[serde(default)]
    pub columns: BTreeMap<String, Spanned<Rule>>,
    #[serde(default)]
    pub attributes: Option<Spanned<Names>>,
    #[serde(default)]
    pub optional: bool,
}

/// One name, or alternatives.
#[derive(Debug, Clone)]
pub(super) enum Names {
    One(String),
    Many(Vec<String>),
}

impl Names {
    pub(super) fn list(self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name],
            Self::Many(names) => names,
        }
    }
}

/// Where a column comes from: names, or a table of one of the forms.
#[derive(Debug)]
pub(super) enum Rule {
    Names(Names),
    Form(Form),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    pub column: Option<Names>,
    pub value: Option<String>,
    pub sql: Option<String>,
    pub format: Option<String>,
    pub round: Option<u8>,
}

// Serde's untagged enums would lose the reason ("data did not match any
// variant"), so the choice by shape is made by hand.
impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl<'de> Visitor<'de> for Shape {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a list of names")
            }

            fn visit_str<E>(self, name: &str) -> Result<Names, E> {
                Ok(Names::One(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Names, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(names)).map(Names::Many)
            }
        }
        deserializer.deserialize_any(Shape)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl<'de> Visitor<'de> for Shape {
            type Value = Rule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a source column, a list of them, or a table with `column`, `value` or `sql`",
                )
            }

            fn visit_str<E>(self, name: &str) -> Result<Rule, E> {
                Ok(Rule::Names(Names::One(name.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Rule, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(names))
                    .map(|names| Rule::Names(Names::Many(names)))
            }

            fn visit_map<A: MapAccess<'de>>(self, form: A) -> Result<Rule, A::Error> {
                Form::deserialize(MapAccessDeserializer::new(form)).map(Rule::Form)
            }
        }
        deserializer.deserialize_any(Shape)
    }
}

/// Parses the text of a mapping.
pub(super) fn parse(origin: &str, text: &str) -> Result<Mapping> {
    document(origin, text)
}

/// Parses the text, turning TOML's errors into ours.
pub(crate) fn document<T: DeserializeOwned>(origin: &str, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let line = line_of(text, error.span().unwrap_or(0..0));
        let message = error.message();
        let wrong = at(origin, line, message);
        // Serde says: unknown field `colums`, expected one of `name`, …
        let mut quoted = message.split('`').skip(1).step_by(2);
        match quoted.next() {
            Some(given) if message.starts_with("unknown field") => {
                let known: Vec<&str> = quoted.collect();
                wrong.hint_nearest(given, known)
            }
            _ => wrong,
        }
    })
}

/// The one-based line at which a span starts.
pub(crate) fn line_of(text: &str, span: Range<usize>) -> usize {
    let before = text.as_bytes().iter().take(span.start);
    1 + before.filter(|&&byte| byte == b'\n').count()
}
