//! What does a request ask for, in which language?
//!
//! The parts of a request that every route reads the same way. Parameters are
//! decoded once, and each may be given once: of two values for one name, any
//! choice would be wrong for somebody.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri};

use super::AppState;
use super::ui::context::{Context, Section};
use super::ui::lang::{self, Lang};
use crate::error::{Error, ErrorKind, Result};

/// What bytes that are not UTF-8 are decoded to.
const UNREADABLE: char = char::REPLACEMENT_CHARACTER;

/// What is known of a request.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The path as it stands in the address, percent-encoded.
    pub path: String,
    /// The decoded query pairs, in their order.
    pub query: Vec<(String, String)>,
    /// The language of the answer.
    pub lang: Lang,
    /// What the caller can read.
    pub accept: Option<String>,
    /// The versions of the answer the caller already has.
    pub if_none_match: Option<String>,
}

impl Visit {
    /// Reads a request's head; `fallback` is the language of a caller who
    /// names none.
    #[must_use]
    pub fn new(uri: &Uri, headers: &HeaderMap, fallback: Lang) -> Self {
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let query: Vec<(String, String)> = query.into_owned().collect();
        // A list may be sent on several lines, which mean the same as one.
        let text = |name: HeaderName| {
            let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
            lines.map(str::to_owned).reduce(|list, more| [list, more].join(", "))
        };
        let chosen = query.iter().find(|(name, _)| name == "lang").map(|(_, lang)| lang.as_str());
        let accepted = text(ACCEPT_LANGUAGE);
        let lang = lang::pick(chosen, accepted.as_deref(), fallback);
        Self {
            path: uri.path().to_owned(),
            lang,
            accept: text(ACCEPT),
            if_none_match: text(IF_NONE_MATCH),
            query,
        }
    }

    /// Whether a program asks, so that a failure is a problem document and not
    /// a page.
    #[must_use]
    pub fn is_program(&self) -> bool {
        ["/v1", "/openapi.json", "/healthz", "/readyz"]
            .iter()
            .any(|path| self.path == *path || self.path.starts_with(&format!("{path}/")))
    }

    /// What a page of `section` knows about the request.
    #[must_use]
    pub fn context(&self, section: Section) -> Context {
        // Two slashes in front would make this page's own links lead to a host
        // that whoever made the address chose.
        let path = format!("/{}", self.path.trim_start_matches(['/', '\\']));
        Context { lang: self.lang, path, query: self.query.clone(), section }
    }

    /// The parameters by name, the language left out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] for a name given twice, a language not spoken, and
    /// bytes that are not UTF-8.
    pub fn parameters(&self) -> Result<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        for (name, value) in &self.query {
            // GBK, say, would look for a customer or owner nobody is called.
            if name.contains(UNREADABLE) || value.contains(UNREADABLE) {
                return Err(Error::new(ErrorKind::Usage, format!("{name}: it is not UTF-8"))
                    .hint("percent-encode the bytes of its UTF-8 form"));
            }
            if name == "lang" && Lang::of_tag(value).is_none() {
                let known = Lang::ALL.map(Lang::code).join(", ");
                let words = format!("lang: \"{value}\" is not one of {known}");
                return Err(Error::new(ErrorKind::Usage, words));
            }
            if parameters.insert(name.clone(), value.clone()).is_some() {
                return Err(Error::new(ErrorKind::Usage, format!("{name}: given twice"))
                    .hint("separate the items of a list by commas"));
            }
        }
        parameters.remove("lang");
        Ok(parameters)
    }

    /// The parameters a person filled in: a form sends every field, and one
    /// left empty asks for nothing.
    #[must_use]
    pub fn filled(&self) -> BTreeMap<String, String> {
        let asked = self.query.iter().filter(|(name, value)| name != "lang" && !value.is_empty());
        asked.cloned().collect()
    }
}

impl FromRequestParts<AppState> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::new(&parts.uri, &parts.headers, state.tenure().language()))
    }
}

/// Refuses parameters that are none of `known`.
///
/// # Errors
///
/// [`ErrorKind::Unknown`] that offers the nearest of `known`.
pub fn refuse_unknown(given: &BTreeMap<String, String>, known: &[&str]) -> Result<()> {
    match given.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            Err(Error::new(ErrorKind::Unknown, format!("there is no parameter \"{name}\""))
                .hint_nearest(name, known.iter().copied())
                .hint(format!("there are: {}", known.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(uri: &str) -> Visit {
        Visit::new(&uri.parse().unwrap(), &HeaderMap::new(), Lang::Zh)
    }

    #[test]
    fn parameters_are_decoded_and_unique() {
        let visit = visit("/v1/reports/x?owner=O%261+2&lang=en");
        assert_eq!(visit.lang, Lang::En);
        assert_eq!(visit.parameters().unwrap()["owner"], "O&1 2");
        assert!(!visit.parameters().unwrap().contains_key("lang"));
        assert!(self::visit("/?a=1&a=2").parameters().is_err());
        assert!(self::visit("/?lang=fr").parameters().is_err());
        assert!(self::visit("/?owner=%D5%C5").parameters().is_err(), "GBK");
        assert_eq!(self::visit("/?a=").filled(), BTreeMap::new());
    }

    #[test]
    fn programs_and_people_are_told_apart_by_the_path() {
        assert!(visit("/v1/scores?x=1").is_program());
        assert!(visit("/openapi.json").is_program());
        assert!(!visit("/v12").is_program());
        assert!(!visit("/customers/v1").is_program());
        assert_eq!(visit("/").lang, Lang::Zh);
    }

    #[test]
    fn a_list_on_several_lines_is_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(IF_NONE_MATCH, "\"a\"".parse().unwrap());
        headers.append(IF_NONE_MATCH, "\"b\"".parse().unwrap());
        let visit = Visit::new(&"/".parse().unwrap(), &headers, Lang::En);
        assert_eq!(visit.if_none_match.as_deref(), Some("\"a\", \"b\""));
        assert_eq!(visit.accept, None);
    }

    #[test]
    fn no_address_makes_a_page_lead_to_another_host() {
        for uri in ["//evil.example/x", "/\\evil.example/x", "///evil.example/x"] {
            let link = visit(uri).context(Section::None).in_lang(Lang::En);
            assert_eq!(link, "/evil.example/x?lang=en", "{uri}");
        }
    }
}
