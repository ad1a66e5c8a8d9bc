//! How do other CRMs, and people with a browser, get at reports and scores?
//!
//! One HTTP service over an open store, built on axum. It is a function from
//! state to router, so every test calls it in process without a socket:
//!
//! ```text
//! request ─ headers ─ panic guard ─ deadline ─ auth ─┬─ /v1/…          JSON, NDJSON, CSV, Parquet, XLSX
//!                                                     ├─ /openapi.json  what /v1 can be asked
//!                                                     └─ /, /reports …  the dashboard, HTML
//!           └──────────────────────────────────────── /healthz, /readyz, /assets   no key needed
//! ```
//!
//! A handler reads its parameters, calls the library, and renders, in the steps
//! of `answer.rs`: there is no SQL and no arithmetic here. A failure is a [`problem::Problem`] (RFC 9457)
//! to a program and a page with the same words to a person. The service only
//! reads, so it has no route that changes anything, and no body is ever read.
//!
//! Every request works on the newest complete run, pinned when it begins: a
//! load that is published meanwhile does not mix into its answer.

#![expect(
    clippy::missing_errors_doc,
    reason = "doc comments of handlers are the OpenAPI description, which lists the failures"
)]

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::tenure::Tenure;

pub mod auth;
pub mod cursor;
pub mod dashboard;
pub mod etag;
pub mod health;
pub mod limits;
pub mod negotiate;
pub mod openapi;
pub mod problem;
pub mod reports;
pub mod scores;
pub mod security;
pub mod ui;
pub mod visit;

mod answer;

/// What every handler shares. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    tenure: Tenure,
    keys: auth::Keys,
    /// One permit per report that may run at the same time.
    permits: Arc<Semaphore>,
    openapi: String,
    /// The currency of all amounts, by the run it was looked up in.
    currency: Mutex<Option<(i64, Option<String>)>>,
}

impl AppState {
    /// Prepares to serve `tenure` by its own settings.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if an API key's digest is not one.
    pub fn new(tenure: Tenure) -> Result<Self> {
        let config = &tenure.config().serve;
        let concurrency = config.concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Self(Arc::new(Shared {
            keys: auth::Keys::parse(&config.api_keys)?,
            permits: Arc::new(Semaphore::new(concurrency)),
            openapi: openapi::document(tenure.catalogue())?,
            currency: Mutex::default(),
            tenure,
        })))
    }

    /// The engine behind the service.
    #[must_use]
    pub fn tenure(&self) -> &Tenure {
        &self.0.tenure
    }

    /// The keys that may call.
    #[must_use]
    pub fn keys(&self) -> &auth::Keys {
        &self.0.keys
    }

    /// The currency of every amount in the store; none if there are several.
    ///
    /// # Errors
    ///
    /// As [`Tenure::page`].
    pub async fn currency(&self, engine: &Engine) -> Result<Option<String>> {
        let run_id = engine.snapshot().run_id();
        let known = self.0.currency.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, currency)) = known.filter(|(of, _)| *of == run_id) {
            return Ok(currency);
        }
        let found = self.tenure().page(engine, "currencies", Default::default()).await?;
        let found = crate::reports::render::rows(&found.batches)?;
        let only = found.first().filter(|_| found.len() == 1);
        let currency = only.and_then(|row| row.get("currency")?.as_str().map(str::to_owned));
        *self.0.currency.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((run_id, currency.clone()));
        Ok(currency)
    }
}

/// All routes. Tests call the result in process; [`run`] gives it a socket.
pub fn router(state: AppState) -> Router {
    let guarded = Router::new()
        .route("/", get(dashboard::overview::page))
        .route("/reports", get(dashboard::reports::list))
        .route("/reports/{name}", get(dashboard::reports::page))
        .route("/at-risk", get(dashboard::at_risk::page))
        .route("/customers/{id}", get(dashboard::customer::page))
        .route("/models/{id}", get(dashboard::model::page))
        .route("/customers/{id}/rows", get(dashboard::behind::page))
        .route("/v1/reports", get(reports::list))
        .route("/v1/reports/{name}", get(reports::one))
        .route("/v1/scores", get(scores::list))
        .route("/v1/scores/{customer_id}", get(scores::one))
        .route("/openapi.json", get(openapi::serve))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(state.clone(), auth::guard));
    let open = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/assets/{name}", get(dashboard::asset))
        .method_not_allowed_fallback(problem::method_not_allowed);
    // The last layer is the outermost.
    open.merge(guarded)
        .layer(from_fn_with_state(state.clone(), limits::deadline))
        .layer(from_fn_with_state(state.clone(), limits::survive))
        .layer(from_fn(security::headers))
        .with_state(state)
}

/// How a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every request under way was answered.
    Drained,
    /// The deadline came first; requests under way were cut off.
    CutOff,
}

/// Serves `tenure` on `listen` until `shutdown` is done, then gives requests
/// under way the configured time to end.
///
/// `on_ready` gets the address once the service listens on it; with port 0 the
/// system chooses a free one.
///
/// # Errors
///
/// [`ErrorKind::Usage`] if `listen` can not be listened on, or is reachable
/// from other machines while no API key is configured.
pub async fn run(
    tenure: Tenure,
    listen: &str,
    on_ready: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Ended> {
    let state = AppState::new(tenure)?;
    let unusable = |error| {
        Error::new(ErrorKind::Usage, format!("can not listen on {listen}"))
            .caused_by(error)
            .hint("name a free address and port, e.g. --listen 127.0.0.1:8081; port 0 takes any")
    };
    let addresses: Vec<_> = tokio::net::lookup_host(listen).await.map_err(unusable)?.collect();
    auth::check_exposure(&addresses, state.keys())?;
    let listener = TcpListener::bind(addresses.as_slice()).await.map_err(unusable)?;
    on_ready(listener.local_addr().map_err(unusable)?);

    let grace = Duration::from_secs(state.tenure().config().serve.shutdown_seconds);
    let app = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let (stopping, stopped) = oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        // Nobody waits any more if the server has failed meanwhile.
        let _ = stopping.send(());
    });
    let cut_off = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(grace).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = server.into_future() => match ended {
            Ok(()) => Ok(Ended::Drained),
            Err(error) => Err(Error::new(ErrorKind::Internal, "serving").caused_by(error)),
        },
        () = cut_off => Ok(Ended::CutOff),
    }
}

#[cfg(test)]
mod tests;
