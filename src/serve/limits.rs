//! How much may one caller, or one defect, take from the others?
//!
//! A few queries run at a time, each within a deadline, and a panic costs its
//! own request only. Memory is the engine's business. There is no limit on
//! bodies because no handler reads one.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AppState;
use super::problem::Problem;
use super::visit::Visit;
use crate::error::{Error, ErrorKind, Result};

/// How long a request waits for its turn before it is sent away. Short, so
/// that callers behind a crowd learn of it while they still listen.
const PATIENCE: Duration = Duration::from_secs(2);

/// Seconds a request gets beyond its query, to be planned and written out.
const MARGIN_SECONDS: u64 = 30;

/// Waits for one of the `permits`.
///
/// # Errors
///
/// [`ErrorKind::Limit`] if none becomes free in a short time.
pub(super) async fn permit(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    match tokio::time::timeout(PATIENCE, Arc::clone(permits).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Error::new(ErrorKind::Limit, "as many reports are running as may run at once")
            .hint("try again in a few seconds, or raise serve.concurrency")),
    }
}

/// Ends a request that takes longer than a query may.
pub async fn deadline(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let visit = Visit::new(request.uri(), request.headers(), state.tenure().language());
    let seconds = state.tenure().config().engine.query_seconds.saturating_add(MARGIN_SECONDS);
    match tokio::time::timeout(Duration::from_secs(seconds), next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let words = format!("the answer took longer than {seconds} s");
            let error = Error::new(ErrorKind::Limit, words).hint("ask for a shorter period");
            Problem::from(error).answer(&visit)
        }
    }
}

/// Answers a request whose handler panicked, so that the connection's other
/// requests, and the server, live on.
pub async fn survive(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let visit = Visit::new(request.uri(), request.headers(), state.tenure().language());
    // What a handler shares with others is behind locks that survive poison.
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            let error = Error::new(ErrorKind::Internal, "the request met a defect of Tenure")
                .hint("the log of the server says where; please report it");
            Problem::from(error).answer(&visit)
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;
    use crate::tenure::Tenure;

    #[tokio::test]
    async fn a_panic_costs_its_own_request_only() {
        let folder = tempfile::tempdir().unwrap();
        let tenure = Tenure::open(folder.path().to_str().unwrap()).unwrap();
        let state = AppState::new(tenure).unwrap();
        let service = Router::new()
            .route("/v1/defect", get(async || -> &'static str { panic!("on purpose") }))
            .route("/v1/fine", get(async || "fine"))
            .layer(from_fn_with_state(state, survive));
        for (uri, status) in [("/v1/defect", 500), ("/v1/fine", 200)] {
            let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
            let response = service.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{uri}");
        }
    }

    #[tokio::test]
    async fn a_crowd_is_sent_away_and_a_free_place_is_given() {
        let permits = Arc::new(Semaphore::new(1));
        let held = permit(&permits).await.unwrap();
        let error = permit(&permits).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        drop(held);
        assert!(permit(&permits).await.is_ok());
    }
}
