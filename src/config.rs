//! Which settings apply, and where did each come from?
//!
//! `defaults.toml`, compiled in and shown to users as it is, lists every key.
//! A file, the environment and flags are laid over it in that order. Unknown
//! keys are errors: a misspelt limit must not be a limit that is not there.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use crate::error::{Error, ErrorKind, Result};

/// The compiled-in defaults, with a comment on every key.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// Keys that have no default value, so that `DEFAULTS` shows them commented.
const OPTIONAL: &[&str] = &["queries", "mappings", "engine.partitions"];

/// Which parameters there are is known to the catalogue, not here.
const PARAMS: &str = "params.";

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder or object-store URL of the tables.
    pub store: String,
    /// Folder laid over the built-in queries.
    pub queries: Option<PathBuf>,
    /// Folder of mappings tried before the built-in ones.
    pub mappings: Option<PathBuf>,
    /// Language of what people read.
    pub language: Language,
    /// IANA name of the time zone of calendar days and months.
    pub tz: String,
    /// Limits of queries.
    pub engine: EngineConfig,
    /// The HTTP service.
    pub serve: ServeConfig,
    /// Whom the nightly run tells of.
    pub alerts: AlertsConfig,
    /// What parameters of reports are if nobody says, by name.
    pub params: Table,
}

/// Languages people read reports in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

/// Limits of queries.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    memory_limit: String,
    /// Threads that queries, training and scoring are spread over; all cores if
    /// absent. They change the time only.
    pub partitions: Option<usize>,
    /// Seconds after which a query is ended.
    pub query_seconds: u64,
}

impl EngineConfig {
    /// Most memory a query may use, in bytes.
    #[must_use]
    pub fn memory_limit_bytes(&self) -> usize {
        // `Config::check` has refused what does not parse.
        parse_size(&self.memory_limit).unwrap_or(usize::MAX)
    }
}

/// The HTTP service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServeConfig {
    /// Address and port.
    pub listen: String,
    /// SHA-256 of each accepted API key, hexadecimal.
    pub api_keys: Vec<String>,
    /// Reports that may run at the same time.
    pub concurrency: usize,
    /// Seconds that requests under way get at shutdown.
    pub shutdown_seconds: u64,
}

/// Whom the nightly run tells of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertsConfig {
    /// Days after a contact with a customer in which nobody is told of them.
    pub quiet_days: u32,
    /// How far the odds of leaving must fall below those of a threshold, in
    /// percent of these, before the customer counts as recovered.
    pub margin_percent: u32,
}

impl Config {
    /// The compiled-in defaults.
    ///
    /// # Errors
    ///
    /// None in a released build: a test reads them.
    pub fn defaults() -> Result<Self> {
        Self::resolve(None, std::iter::empty())
    }

    /// Lays `file` and then `environment` over the defaults.
    ///
    /// Environment variables named `TENURE_` and a key set that key, e.g.
    /// `TENURE_ENGINE_MEMORY_LIMIT`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] that names file and key for an unknown key or a
    /// value of the wrong type.
    pub fn resolve(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self> {
        let mut settings = parse(DEFAULTS, "defaults.toml")?;
        let known = known_keys(&settings);
        if let Some(path) = file {
            let shown = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| {
                Error::new(ErrorKind::Usage, format!("can not read {shown}")).caused_by(error)
            })?;
            let over = parse(&text, &shown)?;
            for key in flatten(&over) {
                if !known.contains(&key) && !key.starts_with(PARAMS) {
                    return Err(Error::new(
                        ErrorKind::Usage,
                        format!("{shown}: unknown key \"{key}\""),
                    )
                    .hint_nearest(&key, known.iter().map(String::as_str)));
                }
            }
            overlay(&mut settings, over);
        }
        for (name, value) in environment {
            if let Some(key) = known.iter().find(|key| variable(key) == name) {
                set(&mut settings, key, value);
            }
        }
        let config: Self = settings
            .try_into()
            .map_err(|error: toml::de::Error| Error::new(ErrorKind::Usage, error.message()))?;
        config.check()
    }

    fn check(self) -> Result<Self> {
        if parse_size(&self.engine.memory_limit).is_none() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("engine.memory_limit: \"{}\" is not a size", self.engine.memory_limit),
            )
            .hint("write it as \"512MiB\" or \"2GiB\""));
        }
        if self.tz.parse::<chrono_tz::Tz>().is_err() {
            let near = chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name());
            return Err(Error::new(
                ErrorKind::Usage,
                format!("tz: \"{}\" is not an IANA time zone", self.tz),
            )
            .hint_nearest(&self.tz, near));
        }
        if self.alerts.margin_percent >= 100 {
            let words = format!(
                "alerts.margin_percent: nobody could recover by {} %",
                self.alerts.margin_percent
            );
            return Err(Error::new(ErrorKind::Usage, words).hint("name less than 100"));
        }
        Ok(self)
    }
}

/// Bytes of `"2GiB"`, `"512MiB"`, `"64KiB"` or a plain number of bytes.
fn parse_size(words: &str) -> Option<usize> {
    let words = words.trim();
    let digits = words.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim();
    let unit: usize = match words.get(digits.len()..)?.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(unit).filter(|bytes| *bytes > 0)
}

fn parse(text: &str, shown: &str) -> Result<Table> {
    text.parse::<Table>().map_err(|error| {
        Error::new(ErrorKind::Usage, format!("{shown}: {}", error.to_string().trim_end()))
    })
}

fn known_keys(defaults: &Table) -> Vec<String> {
    flatten(defaults).into_iter().chain(OPTIONAL.iter().map(|key| (*key).to_owned())).collect()
}

/// Dotted names of all leaves.
fn flatten(table: &Table) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                keys.extend(flatten(inner).into_iter().map(|leaf| format!("{key}.{leaf}")));
            }
            _ => keys.push(key.clone()),
        }
    }
    keys
}

fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(more)) => overlay(inner, more),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn variable(key: &str) -> String {
    format!("TENURE_{}", key.replace('.', "_").to_uppercase())
}

/// Sets a dotted key from text, in the type the default has.
fn set(table: &mut Table, key: &str, text: String) {
    match key.split_once('.') {
        Some((head, rest)) => {
            if let Some(Value::Table(inner)) = table.get_mut(head) {
                set(inner, rest, text);
            }
        }
        None => {
            let value = match table.get(key) {
                Some(Value::Array(_)) => {
                    Value::Array(text.split(',').map(|item| item.trim().into()).collect())
                }
                Some(Value::String(_)) => Value::String(text),
                _ => text.parse::<i64>().map_or(Value::String(text), Value::Integer),
            };
            table.insert(key.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_complete_and_every_optional_key_is_shown() {
        let config = Config::defaults().unwrap();
        assert_eq!(config.engine.memory_limit_bytes(), 2 << 30);
        for key in OPTIONAL {
            let leaf = key.rsplit('.').next().unwrap();
            assert!(DEFAULTS.contains(&format!("# {leaf} = ")), "{key}");
        }
    }

    #[test]
    fn environment_overrides_and_keeps_the_type() {
        let set = [("TENURE_ENGINE_QUERY_SECONDS", "7"), ("TENURE_SERVE_API_KEYS", "a, b")];
        let set = set.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
        let config = Config::resolve(None, set).unwrap();
        assert_eq!(config.engine.query_seconds, 7);
        assert_eq!(config.serve.api_keys, ["a", "b"]);
    }

    #[test]
    fn a_misspelt_key_is_an_error_that_offers_the_right_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[engine]\nmemory_limits = \"1GiB\"\n").unwrap();
        let error = Config::resolve(Some(file.path()), std::iter::empty()).unwrap_err();
        assert!(error.to_string().contains("unknown key \"engine.memory_limits\""), "{error}");
        let hint = &error.hints()[0];
        assert!(hint.starts_with("did you mean \"engine.memory_limit\""), "{hint}");
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("512MiB"), Some(512 << 20));
        assert_eq!(parse_size("0"), None);
        assert_eq!(parse_size("2 GB"), None);
    }
}
