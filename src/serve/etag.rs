//! Has the answer changed since the caller last asked?
//!
//! An answer is a function of the newest run, the query file, the parameters,
//! the settings and this version of Tenure: no query reads a clock. Their digest is
//! therefore a strong validator (RFC 9110, section 8.8) that is known before
//! anything is computed, and a caller who polls pays for nothing but news.

use axum::http::header::{CACHE_CONTROL, ETAG, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::cursor::to_hex;
use super::visit::Visit;

/// The version of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etag(String);

impl Etag {
    /// The version of the answer to `visit`; `made_of` is what it is made of
    /// beside the request: a run, a query's text, a format.
    #[must_use]
    pub fn new(visit: &Visit, made_of: &[&str]) -> Self {
        let mut query = visit.query.clone();
        query.sort();
        let head = [env!("CARGO_PKG_VERSION"), visit.lang.code(), &visit.path];
        let pairs = query.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let mut digest = Sha256::new();
        for part in head.into_iter().chain(made_of.iter().copied()).chain(pairs) {
            // The length keeps ("a", "bc") apart from ("ab", "c").
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        Self(format!("\"{}\"", to_hex(&digest.finalize()[..16])))
    }

    /// Whether the caller has this very version already.
    #[must_use]
    pub fn is_known_to(&self, visit: &Visit) -> bool {
        visit.if_none_match.as_deref().is_some_and(|known| {
            let mut known = known.split(',').map(str::trim);
            known.any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == self.0)
        })
    }

    /// Says that the caller's version is still right.
    #[must_use]
    pub fn unchanged(&self) -> Response {
        self.stamp(StatusCode::NOT_MODIFIED.into_response())
    }

    /// Marks `response` as this version. It is for this caller alone and may
    /// be kept, but not used again without asking.
    #[must_use]
    pub fn stamp(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&self.0) {
            headers.insert(ETAG, tag);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(
            VARY,
            HeaderValue::from_static("Accept, Accept-Language, Authorization, X-API-Key"),
        );
        response
    }
}

/// Whether the caller has some version and does not care which. A star is no
/// version, so it tells nothing about whether there is an answer: that has to
/// be known before it counts.
#[must_use]
pub fn is_any_known_to(visit: &Visit) -> bool {
    visit.if_none_match.as_deref().is_some_and(|known| known.trim() == "*")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use axum::http::header::IF_NONE_MATCH;

    use super::*;
    use crate::serve::ui::lang::Lang;

    fn visit(uri: &str, known: &str) -> Visit {
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, known.parse().unwrap());
        Visit::new(&uri.parse().unwrap(), &headers, Lang::En)
    }

    #[test]
    fn whatever_the_answer_is_made_of_changes_the_tag() {
        let tag = |uri, run, sql| Etag::new(&visit(uri, ""), &[run, sql]);
        let base = tag("/r?a=1&b=2", "1", "q");
        assert_eq!(base, tag("/r?b=2&a=1", "1", "q"), "order means nothing");
        for other in [
            tag("/r?a=1&b=3", "1", "q"),
            tag("/r?a=1&b=2", "2", "q"),
            tag("/r?a=1&b=2", "1", "p"),
            tag("/r?a=1&b=2", "1q", ""),
            tag("/s?a=1&b=2", "1", "q"),
            tag("/r?a=1&b=2&lang=zh", "1", "q"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_known_tag_may_be_weak_or_listed_and_a_star_is_none() {
        let Etag(tag) = Etag::new(&visit("/r", ""), &["1"]);
        for known in [tag.clone(), format!("\"x\", W/{tag}")] {
            let visit = visit("/r", &known);
            assert!(Etag::new(&visit, &["1"]).is_known_to(&visit), "{known}");
            assert!(!Etag::new(&visit, &["2"]).is_known_to(&visit), "{known}");
            assert!(!is_any_known_to(&visit), "{known}");
        }
        let star = visit("/r", "*");
        assert!(!Etag::new(&star, &["1"]).is_known_to(&star) && is_any_known_to(&star));
    }
}
