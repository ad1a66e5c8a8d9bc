//! Does the service answer every route rightly, to those who may ask and to
//! nobody else? Every test calls the router in process, without a socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tenure::Tenure;
use tenure::config::{Config, Language};
use tenure::reports::render::{Format, render};
use tenure::reports::{Purpose, ReportRequest};
use tenure::serve::{AppState, router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

use crate::common::{block_on, empty_store, root, scored_sample};

const KEY: &str = "correct horse battery staple";

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn ask(router: &Router, uri: &str, headers: &[(&str, &str)]) -> Answer {
    send(router, "GET", uri, headers, [127, 0, 0, 1])
}

fn send(
    router: &Router,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    peer: [u8; 4],
) -> Answer {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 50_000))));
    let router = router.clone();
    block_on(async move {
        // On a worker, whose stack is as deep as the program's.
        let served = tokio::spawn(async move {
            let response = router.oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
            Answer { status: parts.status, headers: parts.headers, body }
        });
        served.await.unwrap()
    })
}

/// The scored sample, and the service over it.
pub(crate) fn scored() -> &'static (Tenure, Router) {
    static SCORED: OnceLock<(Tenure, Router)> = OnceLock::new();
    SCORED.get_or_init(|| {
        let tenure = scored_sample().clone();
        (tenure.clone(), router(AppState::new(tenure).unwrap()))
    })
}

fn with_key(tenure: &Tenure) -> Router {
    let mut config: Config = tenure.config().clone();
    let digest: String = Sha256::digest(KEY).iter().map(|byte| format!("{byte:02x}")).collect();
    config.serve.api_keys = vec![digest];
    router(AppState::new(Tenure::with_config(config).unwrap()).unwrap())
}

/// Everything the service answers, with a customer who exists.
fn routes() -> Vec<String> {
    let (tenure, service) = scored();
    let page = ask(service, "/v1/scores?limit=1", &[]).json();
    let customer = page["scores"][0]["customer_id"].as_str().unwrap().to_owned();
    let mut routes: Vec<String> =
        ["/", "/reports", "/at-risk", "/v1/reports", "/v1/scores", "/openapi.json"]
            .map(str::to_owned)
            .into();
    routes.push(format!("/customers/{customer}"));
    routes.push(format!("/customers/{customer}/rows"));
    routes.push(format!("/v1/scores/{customer}"));
    let card = block_on(tenure.model_card(None)).unwrap();
    routes.push(format!("/models/{}", card.version.model));
    for query in tenure.catalogue().all(Purpose::Report) {
        routes.push(format!("/reports/{}", query.name));
        routes.push(format!("/v1/reports/{}", query.name));
    }
    routes
}

#[test]
fn every_route_answers_in_both_languages_under_the_policy() {
    let (_, service) = scored();
    for route in routes() {
        for lang in ["en", "zh"] {
            let answer = ask(service, &format!("{route}?lang={lang}"), &[]);
            assert_eq!(answer.status, 200, "{route}: {}", answer.text());
            assert!(answer.header("content-security-policy").contains("default-src 'none'"));
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
            assert!(answer.header("cache-control").contains("private"), "{route}");
            if answer.header("content-type").starts_with("text/html") {
                let tag = if lang == "en" { "<html lang=\"en\">" } else { "<html lang=\"zh-CN\">" };
                assert!(answer.text().contains(tag), "{route}");
                assert!(!answer.text().contains("style="), "{route}: the policy forbids it");
            }
        }
    }
}

#[test]
fn nothing_but_health_and_the_files_of_a_page_is_open_without_the_key() {
    let service = with_key(&scored().0);
    for route in ["/healthz", "/readyz", "/assets/style.css", "/assets/sort.js"] {
        assert_eq!(send(&service, "GET", route, &[], [10, 0, 0, 9]).status, 200, "{route}");
    }
    for route in routes().iter().map(String::as_str).chain(["/nowhere", "/v1/nowhere"]) {
        let answer = ask(&service, route, &[("x-api-key", "wrong")]);
        assert_eq!(answer.status, 401, "{route}");
        let challenges = answer.headers.get_all("www-authenticate").iter();
        let schemes = challenges.map(|one| one.to_str().unwrap().split(' ').next().unwrap());
        if route.starts_with("/v1") || route == "/openapi.json" {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            // A browser that follows a download of a page knows Basic only.
            assert!(schemes.eq(["Bearer", "Basic"]), "{route}");
        } else {
            assert!(schemes.eq(["Basic"]), "{route}");
        }
        assert!(answer.header("content-security-policy").contains("default-src"), "{route}");
    }
    let bearer = format!("Bearer {KEY}");
    for header in [("x-api-key", KEY), ("authorization", bearer.as_str())] {
        assert_eq!(send(&service, "GET", "/", &[header], [10, 0, 0, 9]).status, 200);
    }
}

#[test]
fn without_keys_only_this_machine_is_answered() {
    let (_, service) = scored();
    assert_eq!(send(service, "GET", "/v1/reports", &[], [192, 168, 0, 2]).status, 401);
    let rebound = [("host", "evil.example")];
    assert_eq!(ask(service, "/v1/scores", &rebound).status, 401);
    assert_eq!(ask(service, "/v1/reports", &[("host", "localhost:8080")]).status, 200);
}

#[test]
fn a_failure_is_a_problem_document_that_offers_the_nearest_names() {
    let (_, service) = scored();
    let cases = [
        ("/v1/reports/retenton", 404, "unknown", "retention"),
        ("/v1/reports/retention?perod=month", 400, "unknown", "period"),
        ("/v1/reports/nps?formt=csv", 400, "unknown", "format"),
        ("/v1/reports?lng=zh", 400, "unknown", "lang"),
        ("/v1/reports/retention?period=mnth", 400, "usage", "month"),
        ("/v1/reports/retention?format=jsn", 400, "usage", "json"),
        ("/v1/reports/retention?as_of=today", 400, "usage", ""),
        ("/v1/reports/retention?period=month&period=year", 400, "usage", ""),
        ("/v1/reports/retention?lang=fr", 400, "usage", ""),
        ("/v1/scores?band=hihg", 400, "usage", "high"),
        ("/v1/scores?limit=5000", 400, "usage", ""),
        ("/v1/scores?cursor=abcd", 400, "usage", ""),
        ("/v1/scores?ownr=O1", 400, "unknown", "owner"),
        ("/v1/scores?owner=%D5%C5", 400, "usage", ""),
        ("/v1/scores?changed_since=yesterday", 400, "usage", ""),
        ("/v1/scores/C00000", 404, "unknown", "C00"),
        ("/v1/scores/C00000?rows=0", 400, "usage", ""),
        ("/v1/scors", 404, "unknown", "/v1/scores"),
        ("/v1/scores/%FF", 400, "usage", ""),
    ];
    for (uri, status, code, near) in cases {
        let answer = ask(service, uri, &[]);
        assert_eq!(answer.status.as_u16(), status, "{uri}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["code"], code, "{uri}");
        assert_eq!(problem["type"], format!("urn:tenure:problem:{code}"));
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        assert!(!problem["title"].as_str().unwrap().is_empty());
        let nearest = problem["nearest"].as_array().unwrap();
        let found = nearest.iter().any(|name| name.as_str().unwrap().starts_with(near));
        assert!(near.is_empty() || found, "{uri}: {problem}");
    }
    for (method, route) in [("POST", "/v1/scores"), ("OPTIONS", "/v1/reports"), ("PUT", "/healthz")]
    {
        let answer = send(service, method, route, &[], [127, 0, 0, 1]);
        assert_eq!(answer.status, 405, "{method} {route}");
        assert_eq!(answer.json()["status"], 405);
        assert_eq!(answer.header("allow"), "GET,HEAD", "{method} {route}");
    }
    assert_eq!(ask(service, "/v1/reports/nps", &[("accept", "image/png")]).status, 406);
}

#[test]
fn a_failure_is_a_page_to_a_person_and_escapes_what_was_asked() {
    let (_, service) = scored();
    let answer = ask(service, "/customers/%3Cscript%3Ealert(1)%3C%2Fscript%3E", &[]);
    assert_eq!(answer.status, 404);
    assert!(!answer.text().contains("<script>alert"));
    assert!(answer.text().contains("&lt;script&gt;alert"));
    let answer = ask(service, "/reports/retenton", &[("accept-language", "zh-CN")]);
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("href=\"/reports/retention\""));
    assert!(answer.text().contains("<html lang=\"zh-CN\">"));
    let answer = ask(service, "/reports/retention?period=%22%3E%3Cb%3E", &[]);
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("<form"), "what was refused can be corrected");
    assert!(!answer.text().contains("\"><b>"));
    assert!(answer.text().contains("is not one of"));
    let near = ask(service, "/reports/revenue?period=mnth&currency=USD", &[]);
    assert!(near.text().contains("href=\"/reports/revenue?currency=USD&amp;period=month\""));
    let near = ask(service, "/at-rsk", &[]);
    assert_eq!(near.status, 404);
    assert!(near.text().contains("href=\"/at-risk\""));
}

#[test]
fn a_report_has_the_same_bytes_as_the_library_in_every_format() {
    let (tenure, service) = scored();
    let query = tenure.catalogue().get(Purpose::Report, "revenue").unwrap();
    let params = BTreeMap::from([("period".to_owned(), "quarter".to_owned())]);
    let request = ReportRequest { params, ..ReportRequest::default() };
    let report = block_on(tenure.report("revenue", &request)).unwrap();
    for format in Format::ALL {
        let bytes = render(&report, &query.header, format, Language::En).unwrap();
        let uri = format!("/v1/reports/revenue?period=quarter&format={}", format.name());
        let named = ask(service, &uri, &[]);
        assert_eq!(named.body, bytes, "{}", format.name());
        assert_eq!(named.header("content-type"), format.media_type());
        let accept = format.media_type().split(';').next().unwrap();
        let uri = "/v1/reports/revenue?period=quarter";
        let accepted = ask(service, uri, &[("accept", accept)]);
        assert_eq!(accepted.body, bytes, "{accept}");
    }
    let csv = ask(service, "/v1/reports/revenue?format=csv", &[]);
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"revenue.csv\"");
}

#[test]
fn an_answer_the_caller_has_is_not_sent_again() {
    let (_, service) = scored();
    for uri in ["/v1/reports/nps", "/v1/scores", "/v1/scores?band=high"] {
        let first = ask(service, uri, &[]);
        let tag = first.header("etag");
        assert!(tag.starts_with('"'), "{uri}");
        let again = ask(service, uri, &[("if-none-match", tag)]);
        assert_eq!(again.status, 304, "{uri}");
        assert!(again.body.is_empty());
        assert_eq!(again.header("etag"), tag);
        let other = format!("{uri}{}lang=zh", if uri.contains('?') { '&' } else { '?' });
        assert_eq!(ask(service, &other, &[("if-none-match", tag)]).status, 200, "{other}");
    }
    let tag = ask(service, "/v1/reports/nps?format=csv", &[]).header("etag").to_owned();
    let csv = ask(service, "/v1/reports/nps", &[("if-none-match", &tag), ("accept", "text/csv")]);
    assert_ne!(csv.header("etag"), tag, "another address is another resource");
    // A star stands for any version of what is there, and there only.
    let any = [("if-none-match", "*")];
    assert_eq!(ask(service, "/v1/scores?limit=1", &any).status, 304);
    assert_eq!(ask(service, "/v1/scores/C00000", &any).status, 404);
}

/// All pages of a list, by their cursors.
fn walk(service: &Router, first: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut uri = first.to_owned();
    loop {
        let answer = ask(service, &uri, &[]);
        assert_eq!(answer.status, 200, "{uri}: {}", answer.text());
        let page = answer.json();
        all.extend(page["scores"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            None => {
                assert_eq!(answer.header("link"), "");
                return all;
            }
            Some(cursor) => {
                let link = answer.header("link");
                let next = link.strip_prefix('<').and_then(|rest| rest.split_once('>')).unwrap().0;
                assert!(next.ends_with(cursor) && link.ends_with("rel=\"next\""), "{link}");
                uri = next.to_owned();
            }
        }
    }
}

#[test]
fn pages_hold_every_customer_once_riskiest_first() {
    let (_, service) = scored();
    let whole = ask(service, "/v1/scores?limit=1000", &[]).json();
    let whole = whole["scores"].as_array().unwrap();
    assert!(whole.len() > 10, "{}", whole.len());
    assert_eq!(&walk(service, "/v1/scores?limit=7"), whole);
    let probability = |score: &Value| score["probability"].as_f64().unwrap();
    assert!(whole.is_sorted_by(|a, b| probability(a) >= probability(b)));

    let floor = probability(&whole[whole.len() / 2]);
    let above = walk(service, &format!("/v1/scores?limit=3&min_probability={floor}"));
    assert!(above.len() > whole.len() / 2 && above.iter().all(|s| probability(s) >= floor));
    let owner = whole.iter().find_map(|score| score["owner_id"].as_str()).unwrap();
    let owned = walk(service, &format!("/v1/scores?limit=5&owner={owner}"));
    assert!(!owned.is_empty() && owned.len() < whole.len());
    assert!(owned.iter().all(|score| score["owner_id"] == owner));
    let banded: usize = ["high", "medium", "low"]
        .map(|band| walk(service, &format!("/v1/scores?limit=1000&band={band}")).len())
        .iter()
        .sum();
    assert_eq!(banded, whole.len());

    // A cursor belongs to its filters.
    let page = ask(service, "/v1/scores?limit=3", &[]).json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = format!("/v1/scores?band=high&cursor={cursor}");
    assert_eq!(ask(service, &other, &[]).status, 400);
}

#[test]
fn a_feed_of_changes_holds_only_changes() {
    let (_, service) = scored();
    let all = ask(service, "/v1/scores?limit=1000", &[]).json();
    let since = |instant: &str| {
        ask(service, &format!("/v1/scores?limit=1000&changed_since={instant}"), &[]).json()
    };
    assert_eq!(since("2000-01-01T00:00:00Z")["scores"], all["scores"], "nobody was scored then");
    let scored_at = all["scored_at"].as_str().unwrap();
    assert_eq!(since(scored_at)["scores"], json!([]), "nothing changed since the last run");
    assert_eq!(since(scored_at)["gone"], json!([]), "and nobody lost their score");
    assert_eq!(all.get("gone"), None, "a list of all is no list of changes");
}

#[test]
fn a_score_over_http_is_the_object_of_explain() {
    let (tenure, service) = scored();
    for listed in walk(service, "/v1/scores?limit=1000") {
        let customer = listed["customer_id"].as_str().unwrap();
        let own = |language| {
            block_on(async {
                let engine = tenure.engine().await.unwrap();
                tenure.explain(&engine, customer, language).await.unwrap()
            })
        };
        let answer = ask(service, &format!("/v1/scores/{customer}"), &[]);
        assert_eq!(answer.text(), serde_json::to_string(&own(Language::En)).unwrap());
        let rows = ask(service, &format!("/v1/scores/{customer}?rows=2"), &[]).json();
        let first = &rows["reasons"][0]["rows"];
        assert!(first["total"].is_u64() && first["rows"].as_array().unwrap().len() <= 2, "{first}");
        for (name, value) in &own(Language::En) {
            assert_eq!(&listed[name], value, "{customer}: {name}");
        }
        let score = answer.json();
        let reasons = score["reasons"].as_array().unwrap();
        let sum: f64 = reasons.iter().map(|r| r["contribution"].as_f64().unwrap()).sum();
        let gap = score["base"].as_f64().unwrap() + sum - score["logit"].as_f64().unwrap();
        assert!(gap.abs() < 1e-9, "{customer}: {gap}");
    }
    let names: Vec<String> = {
        let page = ask(service, "/v1/scores?limit=1", &[]).json();
        let customer = page["scores"][0]["customer_id"].as_str().unwrap().to_owned();
        let score = ask(service, &format!("/v1/scores/{customer}"), &[]).json();
        score.as_object().unwrap().keys().cloned().collect()
    };
    let described = ask(service, "/openapi.json", &[]).json();
    let properties = described["components"]["schemas"]["Score"]["properties"].as_object().unwrap();
    let mut described: Vec<&String> = properties.keys().collect();
    let mut names: Vec<&String> = names.iter().collect();
    described.sort();
    names.sort();
    assert_eq!(described, names);
}

#[test]
fn the_dashboard_of_an_empty_store_says_what_to_do_first() {
    let (_folder, tenure) = empty_store();
    let service = router(AppState::new(tenure).unwrap());
    for (uri, words) in [
        ("/", "tenure ingest"),
        ("/at-risk", "tenure train"),
        ("/reports", "href=\"/reports/funnel\""),
        ("/reports/funnel", "tenure ingest"),
    ] {
        let answer = ask(&service, uri, &[]);
        assert_eq!(answer.status, 200, "{uri}: {}", answer.text());
        assert!(answer.text().contains(words), "{uri}");
    }
    assert_eq!(ask(&service, "/readyz", &[]).status, 200);
    let scores = ask(&service, "/v1/scores", &[]);
    assert_eq!(scores.status, 422);
    assert!(scores.json()["hints"][0].as_str().unwrap().contains("tenure train"));
}

#[test]
fn a_store_that_can_not_be_read_is_alive_but_not_ready() {
    let (folder, tenure) = empty_store();
    let owners = root().join("datasets/sample/exports/owners.csv");
    block_on(tenure.ingest(&[owners], &tenure::IngestOptions::default(), &mut ())).unwrap();
    let service = router(AppState::new(tenure).unwrap());
    assert_eq!(ask(&service, "/readyz", &[]).status, 200);
    let log = folder.path().join("store/tables/runs/_delta_log/00000000000000000000.json");
    std::fs::write(log, "not a log").unwrap();
    assert_eq!(ask(&service, "/healthz", &[]).status, 200);
    let answer = ask(&service, "/readyz", &[]);
    assert_eq!(answer.status, 503);
    assert_ne!(answer.header("retry-after"), "");
    assert_eq!(answer.json()["code"], "storage");
    assert!(!answer.text().contains("runs"), "an open route must not describe the store");
}

#[test]
fn a_served_socket_answers_and_ends_within_its_deadline() {
    let (_folder, tenure) = empty_store();
    let mut config = tenure.config().clone();
    config.serve.shutdown_seconds = 1;
    let tenure = Tenure::with_config(config).unwrap();
    block_on(async {
        let (ready, address) = tokio::sync::oneshot::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let on_ready = |address| ready.send(address).unwrap();
            let until = async { stopped.await.unwrap() };
            tenure::serve::run(tenure, "127.0.0.1:0", on_ready, until).await
        });
        let address = address.await.unwrap();
        let mut whole = TcpStream::connect(address).await.unwrap();
        let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        whole.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        whole.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        // A caller who never ends their request must not keep the process.
        let mut stuck = TcpStream::connect(address).await.unwrap();
        stuck.write_all(b"GET /readyz HTTP/1.1\r\nHost: lo").await.unwrap();
        stop.send(()).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(5), served).await;
        ended.expect("the deadline holds").unwrap().unwrap();
    });
}

#[test]
fn an_address_others_can_reach_is_refused_without_a_key() {
    let (_folder, tenure) = empty_store();
    let never = std::future::pending();
    let ready = |address| panic!("listens on {address}");
    let error = block_on(tenure::serve::run(tenure, "0.0.0.0:0", ready, never)).unwrap_err();
    assert_eq!(error.kind(), tenure::ErrorKind::Usage);
    assert!(error.hints().iter().any(|hint| hint.contains("api_keys")));
}

#[test]
fn the_api_description_is_as_it_was_last_read() {
    let (_, service) = scored();
    let mut now: Value = ask(service, "/openapi.json", &[]).json();
    // The version changes with every release and says nothing about the API.
    now["info"]["version"] = "0".into();
    let now = serde_json::to_string_pretty(&now).unwrap() + "\n";
    let golden = root().join("tests/openapi.json");
    if std::env::var_os("TENURE_BLESS").is_some() {
        std::fs::write(&golden, &now).unwrap();
    }
    let known = std::fs::read_to_string(&golden).unwrap();
    let differs = known.lines().zip(now.lines()).find(|(a, b)| a != b);
    assert!(known == now, "openapi.json changed, first at {differs:?}; see CONTRIBUTING.md");
}
