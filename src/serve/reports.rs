//! How does a program get a report's rows?

use std::collections::BTreeMap;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::visit::{Visit, refuse_unknown};
use super::{AppState, answer, negotiate};
use crate::engine::Engine;
use crate::reports::header::Header;
use crate::reports::render::{Format, render};
use crate::reports::{Purpose, ReportRequest, describe};

/// What any report can be asked beside its own parameters.
const COMMON: [&str; 5] = ["as_of", "format", "known_as_of", "lang", "tz"];

/// Lists the reports with their parameters and columns.
#[utoipa::path(get, path = "/v1/reports", operation_id = "listReports", tag = "reports",
    responses((status = 200, description = "Every report", body = Vec<super::openapi::ReportInfo>)))]
pub async fn list(State(state): State<AppState>, visit: Visit) -> Result<Response, Problem> {
    refuse_unknown(&visit.parameters()?, &["lang"]).map_err(Problem::of_parameters)?;
    let reports: Vec<_> = state.tenure().catalogue().all(Purpose::Report).map(describe).collect();
    Ok(answer::constant(&visit, &serde_json::Value::from(reports).to_string()))
}

/// Answers a report.
///
/// The report's own parameters are query parameters. Each report is also
/// described as an operation of its own.
#[utoipa::path(get, path = "/v1/reports/{name}", operation_id = "getReport", tag = "reports",
    params(
        ("name" = String, Path, description = "The report"),
        super::openapi::ReportParameters),
    responses(
        (status = 200, description = "The rows", body = Vec<serde_json::Map<String, serde_json::Value>>),
        (status = 304, description = "The version named by If-None-Match is still right"),
        (status = "default", description = "Failure", body = Problem,
            content_type = "application/problem+json")))]
pub async fn one(
    State(state): State<AppState>,
    name: Result<Path<String>, PathRejection>,
    visit: Visit,
) -> Result<Response, Problem> {
    let Path(name) = name?;
    let query = state.tenure().catalogue().get(Purpose::Report, &name)?;
    let (format, request) = asked(&visit, &query.header)?;
    let made_of = [query.sql.as_str(), format.name()];
    let work = async |engine: Engine| -> Result<Response, Problem> {
        let report = state.tenure().report_on(&engine, &name, &request).await;
        let report = report.map_err(Problem::of_parameters)?;
        Ok(file(render(&report, &query.header, format, visit.lang)?, format, &name))
    };
    answer::versioned(&state, &visit, &made_of, work).await
}

/// Reads what is asked of a report.
fn asked(visit: &Visit, header: &Header) -> Result<(Format, ReportRequest), Problem> {
    let mut params = visit.parameters()?;
    let known: Vec<&str> = header.params.keys().map(String::as_str).chain(COMMON).collect();
    refuse_unknown(&params, &known).map_err(Problem::of_parameters)?;
    let format = negotiate::pick(params.remove("format").as_deref(), visit.accept.as_deref())?;
    Ok((format, request(params)))
}

/// The request that `params` make; the report itself checks them.
pub(super) fn request(mut params: BTreeMap<String, String>) -> ReportRequest {
    ReportRequest {
        as_of: params.remove("as_of"),
        known_as_of: params.remove("known_as_of"),
        tz: params.remove("tz"),
        params,
    }
}

/// Rows as an answer; those a browser can not show are saved as a file.
fn file(bytes: Vec<u8>, format: Format, name: &str) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if format.is_binary() || format == Format::Csv {
        // A name of the catalogue is a file's name, but a folder of the user's
        // may hold any.
        let plain: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
            .collect();
        let saved = format!("attachment; filename=\"{plain}.{}\"", format.name());
        if let Ok(saved) = HeaderValue::from_str(&saved) {
            headers.insert(CONTENT_DISPOSITION, saved);
        }
    }
    response
}
