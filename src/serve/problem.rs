//! How does a failure read to a program, and to a person?
//!
//! Every failure is one [`Error`] with its kind, words, hints and nearest
//! names. To a program it is `application/problem+json` (RFC 9457): the
//! standard members, and `code`, `hints` and `nearest` as extensions. To a
//! person it is a page that says the same.

use axum::extract::State;
use axum::extract::rejection::PathRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::ui::context::{Context, Section};
use super::ui::pages::error::{self, Failure};
use super::visit::Visit;
use crate::error::{Error, ErrorKind};
use crate::reports::Purpose;

/// Seconds after which a caller who met a limit may try again.
const RETRY_SECONDS: u16 = 5;

/// How a browser is told to ask for a key, as the password of any user.
const BASIC: &str = "Basic realm=\"Tenure\", charset=\"UTF-8\"";

/// How a program is told to send one.
const BEARER: &str = "Bearer realm=\"Tenure\"";

/// A failure, as a program reads it (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Identifies the kind of failure.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of failure in words; the same for every failure of the kind.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// A short stable name of the kind.
    pub code: &'static str,
    /// What the caller can do, most useful first.
    pub hints: Vec<String>,
    /// The known names closest to one that is not known.
    pub nearest: Vec<String>,
}

impl Problem {
    /// The failure of a report that exists: a name that is not known is then a
    /// parameter's, and the request is wrong rather than the address.
    #[must_use]
    pub fn of_parameters(error: Error) -> Self {
        let unknown = error.kind() == ErrorKind::Unknown;
        let problem = Self::from(error);
        if unknown { problem.with_status(StatusCode::BAD_REQUEST) } else { problem }
    }

    /// The same failure under another status than its kind's.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self
    }

    /// The failure as a page shows it; `at` is where names lead to.
    #[must_use]
    pub fn failure(&self, at: impl Fn(&str) -> String) -> Failure {
        // The links say what a hint would repeat.
        let said = |hint: &&String| {
            let quoted = |name: &String| hint.contains(&format!("\"{name}\""));
            !self.nearest.iter().any(quoted)
        };
        Failure {
            status: self.status,
            message: sentence(&self.detail),
            hints: self.hints.iter().filter(said).cloned().collect(),
            nearest: self.nearest.iter().map(|name| (name.clone(), at(name))).collect(),
        }
    }

    /// The answer to `visit`: a document for a program, a page for a person.
    #[must_use]
    pub fn answer(self, visit: &Visit) -> Response {
        match visit.is_program() {
            true => self.into_response(),
            false => self.page(visit, |cx, name| cx.link(name, &[])),
        }
    }

    /// The answer as a page; `at` is where nearest names lead to.
    #[must_use]
    pub fn page(self, visit: &Visit, at: impl Fn(&Context, &str) -> String) -> Response {
        let cx = visit.context(Section::None);
        let markup = error::render(&cx, &self.failure(|name| at(&cx, name)));
        let mut response = (self.status_code(), markup.into_string()).into_response();
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        self.complete(response, &[BASIC])
    }

    /// The HTTP status.
    #[must_use]
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Adds what the status promises.
    fn complete(&self, mut response: Response, challenges: &[&'static str]) -> Response {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.status_code() {
            StatusCode::UNAUTHORIZED => {
                for challenge in challenges {
                    headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
                }
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            }
            _ => {}
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        Self {
            kind: format!("urn:tenure:problem:{}", kind.slug()),
            title: title(kind),
            status: kind.http_status(),
            detail: error.to_string(),
            code: kind.slug(),
            hints: error.hints().to_vec(),
            nearest: error.nearest().to_vec(),
        }
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Error::new(ErrorKind::Usage, "the address can not be read").caused_by(rejection).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // The members are texts and numbers: encoding them can not fail.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status_code(), body).into_response();
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // A browser that follows a page's download sends the password it has
        // for the page only to who asks for Basic.
        self.complete(response, &[BEARER, BASIC])
    }
}

const fn title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Usage => "The request is not right",
        ErrorKind::Unknown => "There is nothing of that name",
        ErrorKind::Input => "The input can not be read",
        ErrorKind::Insufficient => "The data can not carry what was asked",
        ErrorKind::Conflict => "Somebody else is changing the store",
        ErrorKind::Unauthorized => "A valid key is needed",
        ErrorKind::Limit => "A limit was reached",
        ErrorKind::Storage => "The store can not be read",
        ErrorKind::Query => "A query file does not run",
        ErrorKind::Internal => "A defect of the service",
    }
}

/// Errors start in lower case, as parts of a line in a terminal.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Answers an address that leads nowhere with the nearest that do.
pub async fn not_found(State(state): State<AppState>, visit: Visit) -> Response {
    let mut known: Vec<String> =
        ["/", "/reports", "/at-risk", "/v1/reports", "/v1/scores", "/openapi.json", "/healthz"]
            .map(str::to_owned)
            .into();
    for query in state.tenure().catalogue().all(Purpose::Report) {
        known.push(format!("/reports/{}", query.name));
        known.push(format!("/v1/reports/{}", query.name));
    }
    // A program is not helped by a page, nor a person by an endpoint.
    known.retain(|path| visit.is_program() == (path.starts_with("/v1") || path == "/openapi.json"));
    let error = Error::new(ErrorKind::Unknown, format!("there is no {}", visit.path))
        .hint_nearest(&visit.path, known.iter().map(String::as_str));
    Problem::from(error).answer(&visit)
}

/// Answers a method other than GET.
pub async fn method_not_allowed(method: Method, visit: Visit) -> Response {
    let words = format!("{} can not be asked with {method}", visit.path);
    let error = Error::new(ErrorKind::Usage, words).hint("use GET: the service only reads");
    Problem::from(error).with_status(StatusCode::METHOD_NOT_ALLOWED).answer(&visit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_offers_the_nearest_names_as_links_and_not_twice() {
        let error = Error::new(ErrorKind::Unknown, "there is no report \"fnl\"")
            .hint_nearest("funel", ["funnel"])
            .hint("there are: funnel, nps");
        let failure = Problem::from(error).failure(|name| format!("/reports/{name}"));
        assert_eq!(failure.message, "There is no report \"fnl\"");
        assert_eq!(failure.nearest, [("funnel".to_owned(), "/reports/funnel".to_owned())]);
        assert_eq!(failure.hints, ["there are: funnel, nps"]);
    }

    #[test]
    fn only_a_limit_says_when_to_come_back() {
        let limit = Problem::from(Error::new(ErrorKind::Limit, "busy")).into_response();
        assert_eq!(limit.status(), 503);
        assert!(limit.headers().contains_key(RETRY_AFTER));
        let usage = Problem::from(Error::new(ErrorKind::Usage, "no")).into_response();
        assert_eq!(usage.headers()[CONTENT_TYPE], "application/problem+json");
        assert!(!usage.headers().contains_key(RETRY_AFTER));
    }
}
