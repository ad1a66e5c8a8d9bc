//! Is the service alive, and can it answer?
//!
//! Two questions that orchestrators ask and that need different answers: a
//! process that is not alive is started again, one that is not ready gets no
//! traffic until it is. Neither needs a key, and neither says more than that.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::problem::Problem;
use crate::error::ErrorKind;

/// How the service is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    /// `ok` or `ready`.
    pub status: &'static str,
}

/// Says that the process runs.
#[utoipa::path(get, path = "/healthz", operation_id = "getHealth", tag = "health", security(()),
    responses((status = 200, description = "The process runs", body = Health)))]
pub async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Says that the store can be read.
#[utoipa::path(get, path = "/readyz", operation_id = "getReadiness", tag = "health", security(()),
    responses(
        (status = 200, description = "The store can be read", body = Health),
        (status = 503, description = "The store can not be read", body = Problem,
            content_type = "application/problem+json")))]
pub async fn ready(State(state): State<AppState>) -> Result<Json<Health>, Problem> {
    match state.tenure().engine().await {
        Ok(_) => Ok(Json(Health { status: "ready" })),
        // Why is for those who hold a key: the words name the store.
        Err(_) => {
            let error = crate::Error::new(ErrorKind::Limit, "the store can not be read");
            Err(error.hint("any other request with a key says why").into())
        }
    }
}
