//! Is the service alive, and can it answer?
//!
//! Two questions that orchestrators ask and that need different answers: a
//! process that is not alive is started again, one that is not ready gets no
//! traffic until it is. Neither needs a key, and neither says more than that.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::problem::Problem;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;

/// How long the store may take to be read. Whoever asks waits a few seconds,
/// and a store that hangs can not answer any more than one that is gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the service is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    /// `ok` or `ready`.
    pub status: &'static str,
}

/// Says that the process runs.
#[utoipa::path(get, path = "/healthz", operation_id = "getHealth", tag = "health", security(()),
    responses((status = 200, description = "The process runs", body = Health)))]
pub async fn alive() -> Response {
    say("ok")
}

/// Says that the store can be read.
#[utoipa::path(get, path = "/readyz", operation_id = "getReadiness", tag = "health", security(()),
    responses(
        (status = 200, description = "The store can be read", body = Health),
        (status = 503, description = "The store can not be read", body = Problem,
            content_type = "application/problem+json")))]
pub async fn ready(State(state): State<AppState>) -> Result<Response, Problem> {
    match tokio::time::timeout(PATIENCE, read(&state)).await {
        Ok(Ok(())) => Ok(say("ready")),
        // Why is for those who hold a key: the words name the store.
        _ => {
            let error = Error::new(ErrorKind::Storage, "the store can not be read")
                .hint("any other request with a key says why");
            Err(Problem::from(error).with_status(StatusCode::SERVICE_UNAVAILABLE))
        }
    }
}

/// Reads the newest run and the file list of every table it names; a store
/// that was never loaded names none. File lists are kept, so that asking every
/// few seconds costs one small file.
async fn read(state: &AppState) -> Result<()> {
    let snapshot = state.tenure().store().snapshot().await?;
    for table in snapshot.manifest().versions.keys().filter_map(|name| Table::named(name)) {
        snapshot.files(table).await?;
    }
    Ok(())
}

/// An answer that is about this moment only.
fn say(status: &'static str) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(Health { status })).into_response()
}
