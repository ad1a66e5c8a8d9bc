//! What a small store of one's own shows: another store is another answer, an
//! id may hold any letters, and a store that can not be read is not ready.
//! `tests/serve.rs` holds what takes the sample.

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use tempfile::TempDir;
use tower::ServiceExt;

use super::{AppState, router};
use crate::ingest::IngestOptions;
use crate::tenure::Tenure;

const CUSTOMERS: &str = "customer_id,created_at\nA/1 客户?,2025-01-01T00:00:00Z\n";

/// Runs `work` on a thread whose stack is as deep as the program's.
fn on_worker<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(16 << 20)
        .build()
        .unwrap();
    runtime.block_on(async { tokio::spawn(work).await.unwrap() })
}

/// A store with [`CUSTOMERS`] in the folder `store` of the returned one.
fn loaded() -> (TempDir, Tenure) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("customers.csv");
    std::fs::write(&file, CUSTOMERS).unwrap();
    let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
    let opened = tenure.clone();
    on_worker(async move {
        opened.ingest(&[file], &IngestOptions::default(), &mut ()).await.unwrap();
    });
    (folder, tenure)
}

/// What a service over `tenure` answers to this machine.
fn ask(tenure: &Tenure, uri: &str) -> (StatusCode, HeaderMap, String) {
    send(tenure, Method::GET, uri)
}

fn send(tenure: &Tenure, method: Method, uri: &str) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000))));
    let service = router(AppState::new(tenure.clone()).unwrap());
    on_worker(async move {
        let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        (parts.status, parts.headers, String::from_utf8(body).unwrap())
    })
}

/// A store made anew counts its runs from 1 again, and settings may change.
#[test]
fn a_tag_of_another_store_or_time_zone_is_not_known() {
    let tag = |tenure: &Tenure, tz: &str| {
        let mut config = tenure.config().clone();
        config.tz = tz.to_owned();
        let (status, headers, text) = ask(&Tenure::with_config(config).unwrap(), "/v1/reports/nps");
        assert_eq!(status, 200, "{text}");
        headers["etag"].clone()
    };
    let ((_folder, one), (_other_folder, other)) = (loaded(), loaded());
    assert_eq!(tag(&one, "UTC"), tag(&one, "UTC"));
    assert_ne!(tag(&one, "UTC"), tag(&other, "UTC"), "the same run of another store");
    assert_ne!(tag(&one, "UTC"), tag(&one, "Asia/Shanghai"), "days end elsewhere");
}

#[test]
fn a_head_is_the_head_of_the_answer() {
    let (_folder, tenure) = loaded();
    for uri in ["/v1/reports", "/v1/reports/nps?format=csv", "/reports", "/healthz", "/v1/scores"] {
        let (status, headers, body) = ask(&tenure, uri);
        let head = send(&tenure, Method::HEAD, uri);
        assert_eq!((head.0, head.2.as_str()), (status, ""), "{uri}");
        assert_eq!(head.1["content-length"], body.len().to_string().as_str(), "{uri}");
        assert_eq!(head.1.get("etag"), headers.get("etag"), "{uri}");
    }
}

#[test]
fn an_id_of_any_letters_is_one_part_of_an_address() {
    let (_folder, tenure) = loaded();
    let (status, _, page) = ask(&tenure, "/customers/A%2F1%20%E5%AE%A2%E6%88%B7%3F");
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("<h1>A/1 客户?</h1>"), "{page}");
    let (status, _, problem) = ask(&tenure, "/v1/scores/A%2F1%20%E5%AE%A2%E6%88%B7%3F");
    assert_eq!(status, 404, "nobody was scored");
    assert!(problem.contains("A/1 客户?") && problem.contains("has no score"), "{problem}");
}

#[test]
fn readiness_is_that_the_store_can_be_read() {
    let (folder, tenure) = loaded();
    assert_eq!(ask(&tenure, "/readyz").0, 200);

    let empty = Tenure::open(folder.path().join("empty").to_str().unwrap()).unwrap();
    assert_eq!(ask(&empty, "/readyz").0, 200, "what is empty can be read");

    let file = folder.path().join("customers.csv");
    let no_store = Tenure::open(file.to_str().unwrap()).unwrap();
    assert_eq!(ask(&no_store, "/readyz").0, 503, "a file is no store");

    let store = folder.path().join("store");
    std::fs::remove_dir_all(store.join("tables/customers/_delta_log")).unwrap();
    let (status, headers, problem) =
        ask(&Tenure::open(store.to_str().unwrap()).unwrap(), "/readyz");
    assert_eq!(status, 503, "the log of a table is gone");
    assert!(headers.contains_key("retry-after"));
    assert!(
        problem.contains("\"code\":\"storage\"") && !problem.contains("customers"),
        "{problem}"
    );
}
