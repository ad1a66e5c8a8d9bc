//! In which steps is a question answered?
//!
//! In the same ones by every route, so that none forgets one:
//!
//! ```text
//! pin the newest run ─ does the caller have its answer? ─ wait for a turn ─ work ─ mark the version
//!                       └ 304, and nothing was computed     └ 503 in a crowd          └ ETag
//! ```
//!
//! A page takes the steps without a version: it is made of more queries than
//! one could name.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::etag::{self, Etag};
use super::limits;
use super::problem::Problem;
use super::visit::Visit;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Answers `visit` with what `work` makes of the newest run, unless the caller
/// has that already; `made_of` is what else the answer is made of: a query's
/// text, a format.
pub(super) async fn versioned(
    state: &AppState,
    visit: &Visit,
    made_of: &[&str],
    work: impl AsyncFnOnce(Engine) -> Result<Response, Problem>,
) -> Result<Response, Problem> {
    let engine = state.tenure().engine().await?;
    // A store that is made anew counts its runs from 1 again, so that only
    // number and instant together name a state.
    let run = engine.snapshot().runs().last();
    let run = run.map(|run| format!("{} {}", run.run_id, run.finished_at.timestamp_micros()));
    let settled = [run.as_deref().unwrap_or_default(), state.tenure().config().tz.as_str()];
    let etag = Etag::new(visit, &[&settled[..], made_of].concat());
    if etag.is_known_to(visit) {
        return Ok(etag.unchanged());
    }
    let response = turn(state, engine, work).await?;
    // That there is an answer at all is known only now.
    Ok(if etag::is_any_known_to(visit) { etag.unchanged() } else { etag.stamp(response) })
}

/// Answers with JSON that changes only when the service is started anew.
pub(super) fn constant(visit: &Visit, json: &str) -> Response {
    let etag = Etag::new(visit, &[json]);
    if etag.is_known_to(visit) || etag::is_any_known_to(visit) {
        return etag.unchanged();
    }
    etag.stamp(([(CONTENT_TYPE, "application/json")], json.to_owned()).into_response())
}

/// Does `work` on the newest run when it is the request's turn.
pub(super) async fn in_turn<T, E: From<Error>>(
    state: &AppState,
    work: impl AsyncFnOnce(Engine) -> Result<T, E>,
) -> Result<T, E> {
    let engine = state.tenure().engine().await?;
    turn(state, engine, work).await
}

async fn turn<T, E: From<Error>>(
    state: &AppState,
    engine: Engine,
    work: impl AsyncFnOnce(Engine) -> Result<T, E>,
) -> Result<T, E> {
    // Held until the answer is written out, because that takes memory, too.
    let _permit = limits::permit(&state.0.permits).await?;
    work(engine).await
}
