//! What went wrong, for whom, and what can they do about it?
//!
//! One [`Error`] type serves the library, the command line and the HTTP
//! service. Its [`ErrorKind`] decides the exit code and the HTTP status in one
//! table, its message says what happened in terms of the user's own files and
//! names, and its hints say what to do next.
//!
//! ```
//! use tenure::{Error, ErrorKind};
//!
//! let error = Error::new(ErrorKind::Unknown, "no report is called \"retenton\"")
//!     .hint("did you mean \"retention\"?");
//! assert_eq!(error.kind().exit_code(), 3);
//! assert_eq!(error.kind().http_status(), 404);
//! ```

use std::fmt;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kinds of failure, each with one exit code and one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request itself is wrong: a flag, a parameter's value, a config key.
    Usage,
    /// The name asked for does not exist: report, parameter, column, customer.
    Unknown,
    /// A file or mapping can not be read as what it claims to be.
    Input,
    /// The data can not carry what was asked, e.g. a model with no churners.
    Insufficient,
    /// Another process holds the store, or changed it meanwhile.
    Conflict,
    /// The caller did not show a valid key.
    Unauthorized,
    /// A limit was reached: time, memory or size.
    Limit,
    /// The store could not be read or written.
    Storage,
    /// A query file does not plan or run.
    Query,
    /// A defect of Tenure itself.
    Internal,
}

impl ErrorKind {
    /// The one table from kind to process exit code, HTTP status and slug.
    const fn row(self) -> (u8, u16, &'static str) {
        match self {
            Self::Usage => (2, 400, "usage"),
            Self::Unknown => (3, 404, "unknown"),
            Self::Input => (4, 422, "input"),
            Self::Insufficient => (5, 422, "insufficient"),
            Self::Conflict => (6, 409, "conflict"),
            Self::Unauthorized => (7, 401, "unauthorized"),
            Self::Limit => (8, 503, "limit"),
            Self::Storage => (9, 500, "storage"),
            Self::Query => (10, 500, "query"),
            Self::Internal => (70, 500, "internal"),
        }
    }

    /// The exit code of a process that ends with this kind.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        self.row().0
    }

    /// The HTTP status of a response that carries this kind.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        self.row().1
    }

    /// A short stable name, used in machine-readable answers.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        self.row().2
    }
}

/// A failure: what happened, how it is classified, and what to do about it.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hints: Vec<String>,
    nearest: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error; `message` is one line, starts in lower case and names
    /// the file, line, column and value where there is one.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hints: Vec::new(),
            nearest: Vec::new(),
            source: None,
        }))
    }

    /// Adds a line that says what the reader can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// Records the lower-level error this one came from.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error for a further reader; what caused it is part of the message.
    #[must_use]
    pub(crate) fn again(&self) -> Self {
        Self(Box::new(Inner {
            kind: self.0.kind,
            message: self.to_string(),
            hints: self.0.hints.clone(),
            nearest: self.0.nearest.clone(),
            source: None,
        }))
    }

    /// Puts context before the message: `"reading orders.csv: no such file"`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// How this error is classified.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What the reader can do about it, most useful first.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }

    /// The known names closest to the one that was asked for, closest first.
    #[must_use]
    pub fn nearest(&self) -> &[String] {
        &self.0.nearest
    }

    /// A hint that offers the `known` names closest to `given`, if any is close.
    #[must_use]
    pub fn hint_nearest<'a>(
        mut self,
        given: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let near = nearest(given, known);
        if near.is_empty() {
            return self;
        }
        self.0.nearest = near.iter().map(|name| (*name).to_owned()).collect();
        let quoted: Vec<_> = near.iter().map(|name| format!("\"{name}\"")).collect();
        self.hint(format!("did you mean {}?", quoted.join(" or ")))
    }
}

/// The up to three `known` names closest to `given`, closest first.
///
/// Closeness is Jaro-Winkler similarity of the lower-cased names; names below
/// .75 are not offered, because a wrong guess is worse than none.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let given = given.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&given, &name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity >= 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        // The cause often holds the operating system's own words; show them
        // once, and not when the message already repeats them.
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            let words = cause.to_string();
            if !self.0.message.contains(&words) {
                write!(f, ": {words}")?;
                break;
            }
            source = cause.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

impl From<datafusion::error::DataFusionError> for Error {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        use datafusion::error::DataFusionError as E;
        // Deep inside of what an operator, or Arrow, says about it.
        if let E::ResourcesExhausted(words) = error.find_root() {
            return Error::new(ErrorKind::Limit, words.as_str())
                .hint("raise `memory_limit` in the configuration");
        }
        // Our own functions report their errors through DataFusion; take the
        // original back out so that its kind and hints are not lost.
        match error {
            E::External(inner) => match inner.downcast::<Error>() {
                Ok(own) => *own,
                Err(other) => Error::new(ErrorKind::Query, other.to_string()),
            },
            E::Context(context, inner) => Error::from(*inner).context(context),
            E::Diagnostic(diagnostic, inner) => {
                let error = Error::from(*inner);
                // The span points into the query file, whose head is comments.
                match diagnostic.span {
                    Some(span) => error.context(format!("line {}", span.start.line)),
                    None => error,
                }
            }
            // Several readers of one input are told of its failure.
            E::Shared(shared) => match shared.find_root() {
                E::External(inner) if let Some(own) = inner.downcast_ref::<Error>() => own.again(),
                _ => Error::new(ErrorKind::Query, readable(shared.strip_backtrace())),
            },
            other => Error::new(ErrorKind::Query, readable(other.strip_backtrace())),
        }
    }
}

/// DataFusion may quote a whole plan, thousands of characters long; what is
/// wrong stands at the beginning.
fn readable(mut words: String) -> String {
    const MOST: usize = 600;
    if let Some((end, _)) = words.char_indices().nth(MOST) {
        words.truncate(end);
        words.push('…');
    }
    words
}

impl From<deltalake_core::DeltaTableError> for Error {
    fn from(error: deltalake_core::DeltaTableError) -> Self {
        Error::new(ErrorKind::Storage, error.to_string())
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Error::new(ErrorKind::Internal, error.to_string())
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Error::new(ErrorKind::Storage, error.to_string())
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        Error::new(ErrorKind::Storage, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_offers_close_names_first_and_not_far_ones() {
        let known = ["retention", "revenue", "rfm", "nps"];
        assert_eq!(nearest("Retenton", known), ["retention"]);
        assert!(nearest("xyz", known).is_empty());
    }

    #[test]
    fn what_several_readers_are_told_keeps_its_kind() {
        use std::sync::Arc;

        use datafusion::error::DataFusionError as E;
        let short = Arc::new(E::ResourcesExhausted("no more".to_owned()));
        let second = Arc::clone(&short);
        for error in [E::Shared(short), E::Shared(second).context("joining")] {
            assert_eq!(Error::from(error).kind(), ErrorKind::Limit);
        }
        let own = Error::new(ErrorKind::Usage, "no such step").hint("login");
        let own = Arc::new(E::External(own.into()));
        let second = Arc::clone(&own);
        for error in [E::Shared(own), E::Shared(second).context("joining")] {
            let error = Error::from(error);
            assert_eq!((error.kind(), error.hints().len()), (ErrorKind::Usage, 1), "{error}");
        }
    }

    #[test]
    fn a_quoted_plan_is_cut() {
        let plan = "计划".repeat(5_000);
        let error = datafusion::error::DataFusionError::Plan(plan);
        assert_eq!(Error::from(error).to_string().chars().count(), 601);
    }

    #[test]
    fn a_cause_is_shown_once() {
        let cause = std::io::Error::other("disk full");
        let error = Error::new(ErrorKind::Storage, "writing orders").caused_by(cause);
        assert_eq!(error.to_string(), "writing orders: disk full");
    }
}
