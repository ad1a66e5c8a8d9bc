//! Which reports and checks are there?
//!
//! The files of `queries/` are compiled in; a folder given by the user is laid
//! over them, file by file, so that an analyst adds or changes a report with
//! no compiler. Every file is checked when it is read: its head is complete,
//! it holds one query, and declared and used parameters are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use datafusion::sql::parser::{DFParser, DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use include_dir::{Dir, include_dir};

use super::header::{self, Header};
use super::parts::{self, Parts};
use super::vocabulary::{self, Vocabulary};
use super::{bind, params, past};
use crate::error::{Error, ErrorKind, Result};

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/queries");

/// Parameters every query has without declaring them.
pub const IMPLICIT: [&str; 2] = ["as_of", "tz"];

/// Longest query file accepted; planning time grows with its length.
const MAX_BYTES: usize = 256 << 10;

/// What a query file is for; the folder it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// `queries/reports`: answers a manager's question.
    Report,
    /// `queries/checks`: each row it returns is a finding.
    Check,
    /// `queries/features`: one row per customer, columns are features.
    Feature,
    /// `queries/churn`: who is at risk of what: population, label, value.
    Churn,
    /// `queries/pages`: what a page of the dashboard shows beside reports.
    Page,
    /// `queries/rows`: what the features of a group read of one customer.
    Rows,
    /// `queries/parts`: what several of the others read like a table.
    Part,
}

impl Purpose {
    /// Parts first: the others name them.
    const ALL: [Self; 7] =
        [Self::Part, Self::Report, Self::Check, Self::Feature, Self::Churn, Self::Page, Self::Rows];

    const fn folder(self) -> &'static str {
        match self {
            Self::Report => "reports",
            Self::Check => "checks",
            Self::Feature => "features",
            Self::Churn => "churn",
            Self::Page => "pages",
            Self::Rows => "rows",
            Self::Part => "parts",
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Check => "check",
            Self::Feature => "feature group",
            Self::Churn => "churn query",
            Self::Page => "page query",
            Self::Rows => "query of rows",
            Self::Part => "part",
        }
    }
}

/// One query file.
#[derive(Debug, Clone)]
pub struct Query {
    /// File name without `.sql`.
    pub name: String,
    /// The file, as errors name it.
    pub file: String,
    /// Its front matter.
    pub header: Header,
    /// The whole file.
    pub sql: String,
    /// The columns it returns, in order, as far as they are named.
    pub columns: Vec<String>,
    /// What the statement reads of the past, each under the name it is read by.
    pub past: Vec<Query>,
    statement: Statement,
}

impl Query {
    fn new(
        purpose: Purpose,
        name: &str,
        file: String,
        sql: &str,
        vocabulary: &Vocabulary,
        parts: &Parts,
    ) -> Result<Self> {
        if sql.len() > MAX_BYTES {
            return Err(Error::new(
                ErrorKind::Query,
                format!("{file}: {} bytes are more than the {MAX_BYTES} allowed", sql.len()),
            ));
        }
        let mut header = header::parse(&file, sql)?;
        let mut statement = parse(&file, sql)?;
        let mut past = Vec::new();
        if purpose != Purpose::Part {
            parts::include(&mut statement, parts)?;
            for name in parts::past(&mut statement, parts) {
                past.push(parts[&name].past_of(parts)?);
            }
        }
        let mut placeholders = bind::placeholders(&statement);
        for query in &past {
            placeholders.extend(bind::placeholders(&query.statement));
            placeholders.extend(past::PARAMS.map(str::to_owned));
        }
        let own: BTreeSet<String> = header.params.keys().cloned().collect();
        let source =
            |name: &String| if own.contains(name) { name } else { bind::base(name) }.to_owned();
        let used = placeholders.iter().map(source).collect();
        let columns = vocabulary::columns(&statement);
        // What features and churn queries describe is what they offer.
        if !matches!(purpose, Purpose::Feature | Purpose::Churn) {
            vocabulary.complete(&mut header, &used, &columns);
        }
        let declared: BTreeSet<String> = header.params.keys().cloned().collect();
        for name in &placeholders {
            let made_from = header.params.get(bind::base(name));
            let is_made = made_from.is_some_and(|param| bind::is_made_from(name, param.kind));
            if !declared.contains(name) && !is_made && !IMPLICIT.contains(&name.as_str()) {
                return Err(Error::new(
                    ErrorKind::Query,
                    format!(
                        "{file}:{}: ${name} is not declared",
                        line_of(sql, &format!("${name}"))
                    ),
                )
                .hint(format!("add a --! [params.{name}] block, or correct the name"))
                .hint_nearest(name, declared.iter().map(String::as_str)));
            }
        }
        if let Some(unused) = declared.difference(&used).next() {
            return Err(Error::new(
                ErrorKind::Query,
                format!("{file}:{}: parameter \"{unused}\" is never used", line_of(sql, unused)),
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            file,
            header,
            sql: sql.to_owned(),
            columns,
            past,
            statement,
        })
    }

    /// A part as the query that asks for its past.
    fn past_of(&self, parts: &Parts) -> Result<Self> {
        let mut statement = self.statement();
        parts::include(&mut statement, parts)?;
        if let Some(name) = parts::past(&mut statement, parts).first() {
            return Err(Error::new(
                ErrorKind::Query,
                format!("{}: a past can not read the past of {name}", self.file),
            ));
        }
        Ok(Self { name: format!("{}{}", self.name, parts::PAST), statement, ..self.clone() })
    }

    /// The parsed statement, placeholders still in it.
    #[must_use]
    pub fn statement(&self) -> Statement {
        self.statement.clone()
    }
}

fn line_of(sql: &str, needle: &str) -> usize {
    1 + sql.lines().position(|line| line.contains(needle)).unwrap_or_default()
}

fn parse(file: &str, sql: &str) -> Result<Statement> {
    let located = |error: &dyn std::fmt::Display| {
        let words = error.to_string();
        // sqlparser writes "… at Line: 12, Column: 5".
        let line = words
            .rsplit_once("Line: ")
            .and_then(|(_, rest)| rest.split(',').next())
            .unwrap_or("1")
            .to_owned();
        Error::new(ErrorKind::Query, format!("{file}:{line}: {words}"))
    };
    let mut parser: DFParser<'_> = DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect {})
        .build()
        .map_err(|error| located(&error))?;
    let mut statements = parser.parse_statements().map_err(|error| located(&error))?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (None, _) => Err(Error::new(ErrorKind::Query, format!("{file}: no query in the file"))),
        (Some(_), false) => {
            Err(Error::new(ErrorKind::Query, format!("{file}: more than one statement")))
        }
    }
}

/// All query files, by purpose and name.
#[derive(Debug, Clone)]
pub struct Catalogue {
    queries: BTreeMap<(Purpose, String), Query>,
    vocabulary: Vocabulary,
}

impl Catalogue {
    /// The built-in queries, with those of `overlay` laid over them, and
    /// `defaults` over the defaults of the parameters of reports.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Query`] that names file and line of a file that is not
    /// right, [`ErrorKind::Usage`] if the overlay can not be read or a default
    /// is not a value, [`ErrorKind::Unknown`] for one that no report has.
    pub fn load(overlay: Option<&Path>, defaults: &toml::Table) -> Result<Self> {
        let words = BUILT_IN.get_file("vocabulary.toml").and_then(|file| file.contents_utf8());
        let vocabulary = Vocabulary::parse(words.unwrap_or_default())?;
        let mut queries = BTreeMap::new();
        let mut parts = Parts::new();
        let mut add = |purpose, name: String, file, sql: &str| {
            let query = Query::new(purpose, &name, file, sql, &vocabulary, &parts)?;
            if purpose == Purpose::Part {
                parts.insert(name.clone(), query.clone());
            }
            queries.insert((purpose, name), query);
            Ok::<_, Error>(())
        };
        for purpose in Purpose::ALL {
            for file in BUILT_IN.get_dir(purpose.folder()).into_iter().flat_map(Dir::files) {
                let path = file.path();
                let Some(name) = query_name(path) else { continue };
                let shown = format!("queries/{}", path.display());
                let sql = file.contents_utf8().unwrap_or_default();
                add(purpose, name, shown, sql)?;
            }
            if let Some(folder) = overlay {
                for (name, file, sql) in read_folder(folder, purpose)? {
                    add(purpose, name, file, &sql)?;
                }
            }
        }
        let mut catalogue = Self { queries, vocabulary };
        for (name, value) in defaults {
            catalogue.set_default(name, value).map_err(|error| error.context("params"))?;
        }
        Ok(catalogue)
    }

    /// Makes `value` the default of parameter `name` of all reports that have it.
    fn set_default(&mut self, name: &str, value: &toml::Value) -> Result<()> {
        let reports = || self.queries.iter().filter(|((of, _), _)| *of == Purpose::Report);
        if !reports().any(|(_, query)| query.header.params.contains_key(name)) {
            let known: BTreeSet<&str> = reports()
                .flat_map(|(_, query)| query.header.params.keys().map(String::as_str))
                .collect();
            let words = format!("no report has a parameter \"{name}\"");
            return Err(Error::new(ErrorKind::Unknown, words).hint_nearest(name, known));
        }
        for ((of, _), query) in &mut self.queries {
            if let (Purpose::Report, Some(param)) = (of, query.header.params.get_mut(name)) {
                param.default = Some(value.clone());
                params::value(name, param, None)
                    .map_err(|error| error.context(format!("report {}", query.name)))?;
            }
        }
        Ok(())
    }

    /// What reports say alike.
    #[must_use]
    pub const fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// All queries of a purpose, by name.
    pub fn all(&self, purpose: Purpose) -> impl Iterator<Item = &Query> {
        self.queries.iter().filter(move |((of, _), _)| *of == purpose).map(|(_, query)| query)
    }

    /// The query of a purpose called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] that offers the nearest names.
    pub fn get(&self, purpose: Purpose, name: &str) -> Result<&Query> {
        self.queries.get(&(purpose, name.to_owned())).ok_or_else(|| {
            let known: Vec<&str> = self.all(purpose).map(|query| query.name.as_str()).collect();
            Error::new(ErrorKind::Unknown, format!("there is no {} \"{name}\"", purpose.noun()))
                .hint_nearest(name, known.iter().copied())
                .hint(format!("there are: {}", known.join(", ")))
        })
    }
}

fn query_name(path: &Path) -> Option<String> {
    (path.extension()? == "sql").then(|| path.file_stem()?.to_str().map(str::to_owned)).flatten()
}

/// Name, shown path and text of every query file in an overlay's subfolder.
fn read_folder(overlay: &Path, purpose: Purpose) -> Result<Vec<(String, String, String)>> {
    let unreadable = |path: &Path, error: std::io::Error| {
        Error::new(ErrorKind::Usage, format!("can not read {}", path.display())).caused_by(error)
    };
    if !overlay.is_dir() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("the queries folder {} does not exist", overlay.display()),
        )
        .hint("it should hold the folders reports, checks, features or parts"));
    }
    let folder = overlay.join(purpose.folder());
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))? {
        let path = entry.map_err(|error| unreadable(&folder, error))?.path();
        if let Some(name) = query_name(&path) {
            let sql = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            found.push((name, path.display().to_string(), sql));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(defaults: &str) -> Result<Catalogue> {
        Catalogue::load(None, &defaults.parse().unwrap())
    }

    #[test]
    fn a_default_of_the_company_is_that_of_every_report_that_has_the_parameter() {
        let catalogue = with("weight_nps = 33\ncurrency = \"CNY\"").unwrap();
        for (report, name, value) in [
            ("health", "weight_nps", "33"),
            ("health_audit", "weight_nps", "33"),
            ("revenue", "currency", "CNY"),
        ] {
            let header = &catalogue.get(Purpose::Report, report).unwrap().header;
            assert_eq!(params::default_text(&header.params[name]).as_deref(), Some(value));
        }
    }

    #[test]
    fn a_default_that_no_report_has_or_can_read_is_refused() {
        let error = with("weight_np = 33").unwrap_err();
        assert!(error.to_string().contains("no report has a parameter \"weight_np\""), "{error}");
        assert!(error.hints()[0].contains("weight_nps"), "{:?}", error.hints());
        let error = with("weight_nps = \"many\"").unwrap_err().to_string();
        assert!(error.contains("weight_nps: \"many\" is not a number"), "{error}");
    }
}
