//! How does another CRM pull the scores?
//!
//! All of them page by page, riskiest first; or, night after night, only those
//! that changed since it last asked: pass `scored_at` of the last answer as
//! `changed_since`. One customer's score with all its reasons is the very
//! object that `tenure explain` prints.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::LINK;
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::openapi::{ListedScore, Score};
use super::problem::Problem;
use super::ui::band::Band;
use super::ui::context::encode;
use super::visit::{Visit, refuse_unknown};
use super::{AppState, answer, cursor};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result as TenureResult};
use crate::reports::{Purpose, iso};
use crate::tenure::ScoreRequest;

/// Rows of a page if the caller names no number.
const PAGE: usize = 100;

/// Most rows of a page.
const LARGEST_PAGE: usize = 1000;

const KNOWN: [&str; 7] =
    ["band", "changed_since", "cursor", "lang", "limit", "min_probability", "owner"];

/// A page of scores.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScoreList {
    /// Riskiest first.
    #[schema(value_type = Vec<ListedScore>)]
    pub scores: Vec<Map<String, Value>>,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
    /// The run that scored.
    pub run_id: i64,
    /// When that run was published; ask for changes since then next time.
    pub scored_at: Option<String>,
    /// With `changed_since`: customers who had a score then and have none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<Vec<String>>,
}

/// Lists the newest scores, riskiest first.
#[utoipa::path(get, path = "/v1/scores", operation_id = "listScores", tag = "scores",
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "Rows of a page; 100 if absent"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before, with the same filters"),
        ("band" = Option<super::openapi::BandName>, Query, description = "Only this band"),
        ("min_probability" = Option<f64>, Query, minimum = 0, maximum = 1, description = "Only this risky or riskier"),
        ("owner" = Option<String>, Query, description = "Only customers of this owner"),
        ("changed_since" = Option<String>, Query, format = DateTime, description = "Only customers whose probability, value at risk or owner, or the model, changed since this instant; gone lists those who have no score any more"),
        ("lang" = Option<super::openapi::LangName>, Query, description = "Language of the reasons")),
    responses(
        (status = 200, description = "A page of scores", body = ScoreList,
            headers(("Link" = String, description = "The next page, rel=next"), ("ETag" = String))),
        (status = 304, description = "The version named by If-None-Match is still right"),
        (status = "default", description = "Failure", body = Problem,
            content_type = "application/problem+json")))]
pub async fn list(State(state): State<AppState>, visit: Visit) -> Result<Response, Problem> {
    let request = asked(visit.parameters()?).map_err(Problem::of_parameters)?;
    let query = state.tenure().catalogue().get(Purpose::Churn, "scores")?;
    let work = async |engine: Engine| -> Result<Response, Problem> {
        let page = state.tenure().scores(&engine, &request, visit.lang).await?;
        let runs = engine.snapshot().runs();
        let scored_at = runs.iter().find(|run| run.run_id == page.run_id);
        let gone = match request.changed_since {
            Some(since) => Some(state.tenure().scores_gone(&engine, since).await?),
            None => None,
        };
        let body = ScoreList {
            scores: page.scores,
            next_cursor: page.next.map(|place| cursor::encode(&place, &request)),
            run_id: page.run_id,
            scored_at: scored_at.map(|run| iso(run.finished_at)),
            gone,
        };
        let next = body.next_cursor.as_deref().and_then(|cursor| link(&visit, cursor));
        let mut response = Json(body).into_response();
        if let Some(next) = next {
            response.headers_mut().insert(LINK, next);
        }
        Ok(response)
    };
    answer::versioned(&state, &visit, &[&query.sql], work).await
}

/// Says why a customer has the score they have.
#[utoipa::path(get, path = "/v1/scores/{customer_id}", operation_id = "getScore", tag = "scores",
    params(
        ("customer_id" = String, Path, description = "The customer's id in the source"),
        ("rows" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "Also list the rows of data behind each reason, at most so many of each"),
        ("lang" = Option<super::openapi::LangName>, Query, description = "Language of the reasons")),
    responses(
        (status = 200, description = "The newest score with its reasons", body = Score,
            headers(("ETag" = String))),
        (status = 304, description = "The version named by If-None-Match is still right"),
        (status = "default", description = "Failure", body = Problem,
            content_type = "application/problem+json")))]
pub async fn one(
    State(state): State<AppState>,
    customer: Result<Path<String>, PathRejection>,
    visit: Visit,
) -> Result<Response, Problem> {
    let Path(customer) = customer?;
    let mut params = visit.parameters()?;
    let most = params.remove("rows").map(|text| whole("rows", &text)).transpose();
    let most = most.map_err(Problem::of_parameters)?;
    refuse_unknown(&params, &["lang", "rows"]).map_err(Problem::of_parameters)?;
    let catalogue = state.tenure().catalogue();
    let mut made_of = vec![catalogue.get(Purpose::Churn, "score_of")?.sql.as_str()];
    if most.is_some() {
        made_of.extend(catalogue.all(Purpose::Rows).map(|query| query.sql.as_str()));
    }
    let work = async |engine: Engine| -> Result<Response, Problem> {
        let mut score = state.tenure().explain(&engine, &customer, visit.lang).await?;
        if let Some(most) = most {
            state.tenure().add_rows(&engine, &mut score, most).await?;
        }
        Ok(Json(score).into_response())
    };
    answer::versioned(&state, &visit, &made_of, work).await
}

/// A number of rows.
fn whole(name: &str, text: &str) -> TenureResult<usize> {
    text.parse().ok().filter(|number| (1..=LARGEST_PAGE).contains(number)).ok_or_else(|| {
        let words = format!("{name}: \"{text}\" is not a number from 1 to {LARGEST_PAGE}");
        Error::new(ErrorKind::Usage, words)
    })
}

/// The next page's address, as a `Link` header (RFC 8288).
fn link(visit: &Visit, cursor: &str) -> Option<HeaderValue> {
    let mut address = format!("{}?", visit.path);
    for (name, value) in visit.query.iter().filter(|(name, _)| name != "cursor") {
        address.push_str(&format!("{}={}&", encode(name), encode(value)));
    }
    HeaderValue::from_str(&format!("<{address}cursor={cursor}>; rel=\"next\"")).ok()
}

/// Reads which scores are asked for.
///
/// # Errors
///
/// [`ErrorKind::Usage`] that names the parameter whose value is not right,
/// [`ErrorKind::Unknown`] for a parameter that does not exist.
pub(super) fn asked(mut params: BTreeMap<String, String>) -> TenureResult<ScoreRequest> {
    let wrong = |name: &str, value: &str, expected: &str| {
        Error::new(ErrorKind::Usage, format!("{name}: \"{value}\" is not {expected}"))
    };
    let mut request = ScoreRequest {
        band: params.remove("band"),
        owner: params.remove("owner"),
        limit: PAGE,
        ..ScoreRequest::default()
    };
    if let Some(band) = request.band.as_deref().filter(|band| Band::of_code(band).is_none()) {
        let known = Band::ALL.map(Band::code);
        return Err(wrong("band", band, "high, medium or low").hint_nearest(band, known));
    }
    if let Some(text) = params.remove("min_probability") {
        let number = text.parse().ok().filter(|number: &f64| (0.0..=1.0).contains(number));
        let expected = "a number from 0 to 1";
        request.min_probability =
            Some(number.ok_or_else(|| wrong("min_probability", &text, expected))?);
    }
    if let Some(text) = params.remove("limit") {
        request.limit = whole("limit", &text)?;
    }
    if let Some(text) = params.remove("changed_since") {
        // A plus sign in an address that was not encoded arrives as a space.
        let instant = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
        let instant = instant.map_err(|_| {
            wrong("changed_since", &text, "an instant").hint("write it as 2025-06-30T00:00:00Z")
        })?;
        request.changed_since = Some(instant.to_utc());
    }
    if let Some(cursor) = params.remove("cursor") {
        request.after = Some(cursor::decode(&cursor, &request)?);
    }
    refuse_unknown(&params, &KNOWN)?;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> TenureResult<ScoreRequest> {
        super::asked(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn every_parameter_is_checked_and_named() {
        for (name, value) in [
            ("band", "hihg"),
            ("min_probability", "NaN"),
            ("min_probability", "1.5"),
            ("limit", "0"),
            ("limit", "1001"),
            ("changed_since", "yesterday"),
            ("cursor", "00"),
        ] {
            let error = asked(&[(name, value)]).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
        let error = asked(&[("min_probabilty", "0.5")]).unwrap_err();
        assert_eq!(error.nearest(), ["min_probability"]);
    }

    #[test]
    fn an_instant_may_have_any_offset_and_a_lost_plus() {
        let utc = asked(&[("changed_since", "2025-06-30T00:00:00Z")]).unwrap().changed_since;
        for text in ["2025-06-30T08:00:00+08:00", "2025-06-30T08:00:00 08:00"] {
            assert_eq!(asked(&[("changed_since", text)]).unwrap().changed_since, utc);
        }
    }
}
