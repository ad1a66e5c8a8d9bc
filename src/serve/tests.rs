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
    loaded_with("customers.csv", CUSTOMERS)
}

/// The same with another file.
fn loaded_with(name: &str, text: &str) -> (TempDir, Tenure) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
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

/// Three customers start, two of them go on and use, one orders; nobody has the
/// names of the defaults.
fn own_names() -> (TempDir, Tenure) {
    let row = |(customer, name, day, feature): &(&str, &str, &str, &str)| {
        format!(
            "{{\"customer_id\":\"{customer}\",\"name\":\"{name}\",\
             \"occurred_at\":\"2025-01-{day}T00:00:00Z\",\"properties\":{{\"feature\":\"{feature}\"}}}}\n"
        )
    };
    let rows = [
        ("A", "下单", "20", "web"),
        ("A", "use app", "02", "export"),
        ("A", "开通", "01", "web"),
        ("B", "use app", "08", "import"),
        ("B", "开通", "05", "web"),
        ("C", "开通", "09", "web"),
    ];
    loaded_with("activity.ndjson", &rows.iter().map(row).collect::<String>())
}

#[test]
fn activity_that_nobody_named_is_taken_from_the_data_and_said() {
    let (_folder, tenure) = own_names();
    let (status, _, rows) = ask(&tenure, "/v1/reports/funnel?format=csv");
    assert_eq!(status, 200, "{rows}");
    let steps: Vec<&str> = rows.lines().skip(1).filter_map(|row| row.split(',').nth(2)).collect();
    assert_eq!(steps, ["开通", "use app", "下单"]);
    let (status, _, page) = ask(&tenure, "/reports/drivers");
    assert_eq!(status, 200, "{page}");
    for (name, value) in [("start", "开通"), ("goal", "下单")] {
        let field = format!("name=\"{name}\" type=\"text\" value=\"{value}\"");
        assert!(page.contains(&field), "{field} is not in {page}");
    }
    // What is asked, or set for the company, is not replaced.
    let (status, _, problem) = ask(&tenure, "/v1/reports/funnel?steps=signup,trial");
    assert_eq!(status, 400, "{problem}");
    let mut config = tenure.config().clone();
    config.params = "anchor = \"signup\"".parse().unwrap();
    let (status, _, problem) = ask(&Tenure::with_config(config).unwrap(), "/v1/reports/paths");
    assert_eq!(status, 400, "{problem}");
    let (status, _, rows) = ask(&tenure, "/v1/reports/paths?window=5d&format=csv");
    assert!(status == 200 && rows.contains("[开通] → use app"), "{rows}");
}

#[test]
fn a_value_that_a_step_never_has_is_refused() {
    let (_folder, tenure) = own_names();
    let asked = |condition: &str| {
        let steps = format!("use app[{condition}]").replace(' ', "%20");
        ask(&tenure, &format!("/v1/reports/funnel?steps={steps}"))
    };
    assert_eq!(asked("feature=export").0, 200);
    assert_eq!(asked("feature!=exprot").0, 200);
    assert_eq!(asked("quantity=7").0, 200);
    let (status, _, problem) = asked("feature=exprot");
    assert_eq!(status, 400, "{problem}");
    assert!(problem.contains("did you mean \\\"export\\\"?"), "{problem}");
    assert!(problem.contains("there are: export, import"), "not what others have: {problem}");
}

#[test]
fn all_of_time_is_called_so_to_people() {
    let file =
        "order_id,customer_id,ordered_at,amount,currency\nO1,A,2025-01-02T00:00:00Z,10,CNY\n";
    let (_folder, tenure) = loaded_with("orders.csv", file);
    let (status, _, page) = ask(&tenure, "/reports/revenue?period=all");
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("All") && !page.contains(">1970"), "{page}");
    let (_, _, page) = ask(&tenure, "/reports/revenue?period=all&lang=zh");
    assert!(page.contains("全部") && !page.contains(">1970"), "{page}");
    let (_, _, text) = ask(&tenure, "/v1/reports/revenue?period=all&format=table&lang=zh");
    assert!(text.contains("全部") && !text.contains("1970"), "{text}");
    let (_, _, rows) = ask(&tenure, "/v1/reports/revenue?period=all&format=csv");
    assert!(rows.contains("1970-01-01"), "{rows}");
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
