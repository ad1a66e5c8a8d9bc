//! Which library answer fills which page?
//!
//! One file per page of [`crate::serve::ui`]: it asks the library, puts the
//! answers into the page's struct and renders it. Everything a page shows is
//! also behind `/v1`, from the same functions, so that the two can not differ.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::response::{Html, IntoResponse, Response};
use maud::Markup;

use super::problem::Problem;
use super::ui::assets;
use super::ui::context::Context;
use super::visit::Visit;
use super::{AppState, answer};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};

pub mod at_risk;
pub mod behind;
pub mod customer;
pub mod model;
pub mod overview;
pub mod reports;

mod risk;
mod rows;

/// A page, or the failure in its place; `at` is where the nearest names of
/// something unknown lead to.
fn respond(
    visit: &Visit,
    page: Result<(StatusCode, Markup), Problem>,
    at: impl Fn(&Context, &str) -> String,
) -> Response {
    match page {
        // Names of customers must not stay in a shared cache.
        Ok((status, markup)) => {
            let depends = "Accept-Language, Authorization, X-API-Key";
            let headers = [(CACHE_CONTROL, "private, no-cache"), (VARY, depends)];
            (status, headers, Html(markup.into_string())).into_response()
        }
        Err(problem) => problem.page(visit, at),
    }
}

/// A page about what the address names, built when it is the request's turn; `at` is
/// where the nearest names lead to.
async fn named(
    state: &AppState,
    visit: &Visit,
    name: Result<Path<String>, PathRejection>,
    build: impl AsyncFnOnce(String, Engine) -> Result<Markup>,
    at: impl Fn(&Context, &str) -> String,
) -> Response {
    let page = match name {
        Ok(Path(name)) => {
            let work = async |engine: Engine| build(name, engine).await;
            answer::in_turn(state, work).await.map(found).map_err(Problem::from)
        }
        Err(rejection) => Err(rejection.into()),
    };
    respond(visit, page, at)
}

/// A page that shows what was asked for.
fn found(markup: Markup) -> (StatusCode, Markup) {
    (StatusCode::OK, markup)
}

/// Answers one of the three files a page loads.
pub async fn asset(visit: Visit) -> Response {
    match assets::ALL.iter().find(|asset| asset.path == visit.path) {
        Some(asset) => {
            let headers = [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, "max-age=300")];
            (headers, asset.body).into_response()
        }
        None => {
            let error = Error::new(ErrorKind::Unknown, format!("there is no {}", visit.path));
            Problem::from(error).answer(&visit)
        }
    }
}
