//! What a caller gets when a request or its handler fails.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use choreography::{Choreography, Command, ExecuteError, Rejected, Row, Service};
use futures::StreamExt;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::router::surround;
use crate::{BODY_BYTES_MAX, Idempotent, Json, Paged, Path, Problem, Query, ServeError, serve};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    quantity: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    size: Option<u32>,
}

async fn add(new: Idempotent<Wanted>) -> String {
    let sum: u32 = new.body.lines.iter().map(|line| line.quantity).sum();
    let once = new.request.idempotency;
    format!("{sum} {}", once.map_or("often".to_owned(), |once| format!("{:?}", (once.key.key, once.body_hash))))
}

async fn add_once(new: Idempotent<Wanted>) -> Result<(), Problem> {
    new.required().map(drop)
}

async fn replace(Json(wanted): Json<Wanted>) -> Json<usize> {
    Json(wanted.lines.len())
}

async fn list(Paged { filter, page, .. }: Paged<Filter, Uuid>) -> String {
    format!("{} after {:?} of size {:?}", page.limit, page.cursor, filter.size)
}

async fn show(Path(id): Path<Uuid>, Query(filter): Query<Filter>) -> String {
    format!("{id} {:?}", filter.size)
}

fn app() -> Router {
    surround(
        Router::new()
            .route("/things", post(add).put(replace).get(list))
            .route("/once", post(add_once))
            .route("/things/{id}", get(show))
            .route("/panic", get(|| async { panic!("on purpose") as () }))
            .route("/slow", get(std::future::pending::<()>)),
    )
}

async fn send(request: Request<Body>) -> (StatusCode, Value, Response<()>) {
    let (parts, body) = app().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into());
    (parts.status, value, Response::from_parts(parts, ()))
}

fn post_json(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header(header::CONTENT_TYPE, "application/json").body(body.into()).unwrap()
}

fn get_from(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

/// Sends a request whose response must be a problem of this status and code, and returns the problem's detail.
async fn problem(request: Request<Body>, status: u16, code: &str) -> String {
    let (received, body, response) = send(request).await;
    assert_eq!(received, status, "{body}");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(
        (body["status"].as_u64(), body["type"].as_str()),
        (Some(status.into()), Some(&*format!("urn:problem:{code}")))
    );
    assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()));
    body["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_invalid_body_is_refused_with_what_is_wrong_and_where() {
    let huge = format!(r#"{{"lines": [{}]}}"#, " ".repeat(BODY_BYTES_MAX));
    let cases = [
        ("", 400, "invalid-json", "EOF"),
        ("{", 400, "invalid-json", "EOF"),
        ("[1, 2", 400, "invalid-json", "EOF"),
        ("[]", 422, "invalid-content", "invalid type: sequence"),
        ("[[]]", 422, "invalid-content", "invalid type: sequence"),
        (r#"{"lines": [[1]]}"#, 422, "invalid-content", "/lines/0: "),
        (r#"{"lines": [], "lines": []}"#, 422, "invalid-content", "duplicate key `lines`"),
        (r#"{"lines": []} x"#, 400, "invalid-json", "trailing"),
        (r#"{"lines": 7}"#, 422, "invalid-content", "/lines: "),
        (r#"{"lines": [{"quantity": 1}, {"quantity": "two"}]}"#, 422, "invalid-content", "/lines/1/quantity: "),
        (r#"{"lines": [{"quantity": -1}]}"#, 422, "invalid-content", "/lines/0/quantity: "),
        (r#"{"lines": [{}]}"#, 422, "invalid-content", "missing field `quantity`"),
        (r#"{"lines": [], "price": 1}"#, 422, "invalid-content", "unknown field `price`"),
        (huge.as_str(), 413, "body-too-large", "65536"),
    ];
    for (body, status, code, part) in cases {
        let posted = post_json("/things", body.to_owned());
        let mut put = post_json("/things", body.to_owned());
        *put.method_mut() = Method::PUT;
        for request in [posted, put] {
            let detail = problem(request, status, code).await;
            assert!(detail.contains(part), "{detail}");
        }
    }
    let untyped = Request::post("/things").body(Body::from("{}")).unwrap();
    assert!(problem(untyped, 415, "media-type-unsupported").await.contains("application/json"));
}

#[tokio::test]
async fn a_body_is_json_in_utf_8_and_not_compressed() {
    let typed = |content_type: &str| {
        Request::post("/things")
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(r#"{"lines": []}"#))
            .unwrap()
    };
    for good in ["application/json", "application/json; charset=UTF-8", r#"application/json;charset="utf-8""#] {
        assert_eq!(send(typed(good)).await.0, StatusCode::OK, "{good}");
    }
    for bad in ["application/json; charset=utf-16", "application/json; charset=latin1", "text/plain", ""] {
        problem(typed(bad), 415, "media-type-unsupported").await;
    }
    for (encoding, status) in [("identity", 200), ("gzip", 415), ("br, identity", 415)] {
        let mut request = typed("application/json");
        request.headers_mut().insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
        assert_eq!(send(request).await.0, status, "{encoding}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_a_time_out_and_a_large_one_is_still_too_large() {
    let stalling = |bytes: usize| {
        let first = futures::stream::iter([Ok::<_, std::io::Error>(" ".repeat(bytes))]);
        Body::from_stream(first.chain(futures::stream::pending()))
    };
    problem(post_json("/things", stalling(1)), 408, "body-too-slow").await;
    problem(post_json("/things", stalling(BODY_BYTES_MAX + 1)), 413, "body-too-large").await;
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_a_problem() {
    problem(get_from("/nowhere"), 404, "not-found").await;
    problem(get_from("/things/seven"), 400, "invalid-path").await;
    problem(get_from("/things?limit=many"), 400, "invalid-query").await;
    problem(get_from("/things/0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3?size=big"), 400, "invalid-query").await;
    let delete = || Request::delete("/things").body(Body::empty()).unwrap();
    problem(delete(), 405, "method-not-allowed").await;
    let allowed = send(delete()).await.2.headers()[header::ALLOW].to_str().unwrap().to_owned();
    assert!(allowed.contains("POST") && allowed.contains("GET"), "{allowed}");
}

#[tokio::test]
async fn a_list_is_filtered_and_paged_by_the_query() {
    let id = "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3";
    let cases = [
        (String::new(), "20 after None of size None".to_owned()),
        ("?size=7&limit=100".to_owned(), "100 after None of size Some(7)".to_owned()),
        (format!("?cursor={id}&size=7"), format!("20 after Some(\"{id}\") of size Some(7)")),
    ];
    for (query, expected) in cases {
        assert_eq!(send(get_from(&format!("/things{query}"))).await.1, expected, "{query}");
    }
    for query in ["limit=0", "limit=101", "limit=1&limit=2", "cursor=seven", "size=big", "color=red"] {
        let detail = problem(get_from(&format!("/things?{query}")), 400, "invalid-query").await;
        let name = query.split('=').next().unwrap();
        assert!(detail.contains(name) && !detail.contains(query), "what a gateway has added is not repeated: {detail}");
        assert!(!query.starts_with("color") || detail.contains("`limit` and `cursor`"), "{detail}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_response_that_takes_too_long_are_problems() {
    problem(get_from("/panic"), 500, "internal-error").await;
    problem(get_from("/slow"), 503, "time-out").await;
}

#[tokio::test]
async fn an_idempotency_key_is_bound_to_the_body_and_may_be_required() {
    let with = |path: &str, key: &str, body: &'static str| {
        let mut request = post_json(path, body);
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        request
    };
    let one = r#"{"lines": [{"quantity": 1}]}"#;
    let reply = async |request| send(request).await.1;
    assert_eq!(reply(post_json("/things", one)).await, "1 often");
    let first = reply(with("/things", "k", one)).await;
    assert_eq!(first, reply(with("/things", "k", one)).await);
    assert_eq!(first, reply(with("/things", "k", "{\"lines\":[ {\"quantity\":1.0}\n]}")).await);
    assert_ne!(first, reply(with("/things", "k", r#"{"lines": [{"quantity": 2}]}"#)).await);
    problem(with("/things", "", one), 400, "idempotency-key-invalid").await;
    problem(with("/things", &"k".repeat(129), one), 400, "idempotency-key-invalid").await;
    let mut twice = with("/things", "k", one);
    twice.headers_mut().append("idempotency-key", "k".parse().unwrap());
    problem(twice, 400, "idempotency-key-invalid").await;
    problem(post_json("/once", one), 400, "idempotency-key-missing").await;
    assert_eq!(send(with("/once", "k", one)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    send(get_from("/things/0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3")).await;
    let unknown = Request::builder().method("BREW").uri("/things").body(Body::empty()).unwrap();
    assert_eq!(send(unknown).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let metrics = send(get_from("/metrics")).await.1;
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains(r#"http_requests_total{method="GET",route="/things/{id}",status="200"}"#), "{metrics}");
    assert!(metrics.contains(r#"method="OTHER""#) && !metrics.contains("BREW"), "{metrics}");
    assert!(metrics.contains("http_request_seconds_bucket"), "{metrics}");
}

#[test]
fn each_way_in_which_a_command_can_fail_has_its_status() {
    let cases = [
        (ExecuteError::Rejected(Rejected::new("payment-expired", "too late")), 409, "payment-expired"),
        (ExecuteError::Missing { table: "order".to_owned(), key: "7".to_owned() }, 404, "not-found"),
        (ExecuteError::Busy, 503, "busy"),
        (ExecuteError::KeyReused, 422, "idempotency-key-reused"),
        (ExecuteError::KeyRunning, 409, "idempotency-key-running"),
        (ExecuteError::TooLarge("too long".to_owned()), 413, "message-too-large"),
        (ExecuteError::Stopped, 503, "stopping"),
        (ExecuteError::Failed("a bug".to_owned()), 500, "internal-error"),
    ];
    for (error, status, code) in cases {
        let problem = Problem::from(error);
        assert_eq!((problem.status, problem.kind), (status, format!("urn:problem:{code}")));
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "page", key = String)]
struct Page {
    visits: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "count-visit", key = page, row = Page)]
struct CountVisit {
    page: String,
}

async fn counter() -> Service {
    let choreography = Choreography::new("counter").command(|_: &CountVisit, page: &mut Option<Page>| {
        page.get_or_insert_default().visits += 1;
    });
    Service::builder(choreography).memory().start().await.unwrap()
}

#[tokio::test]
async fn a_service_whose_own_requirement_is_not_met_is_not_ready() {
    let (sender, apps) = std::sync::mpsc::channel();
    let served =
        serve(counter().await, OpenApiRouter::new()).at("nowhere").requires("tokens", || Err("no keys".into()));
    let served = served.around(move |app| {
        sender.send(app.clone()).unwrap();
        app
    });
    assert!(served.await.is_err(), "only what would be served is looked at");
    let response = apps.recv().unwrap().oneshot(get_from("/readyz")).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("tokens: no keys"), "{problem}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_names_it_and_stops_the_service() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap().to_string();
    let service = counter().await;
    let served = serve(service.clone(), OpenApiRouter::new()).at(&address).await;
    assert!(matches!(&served, Err(ServeError::AddressTaken(taken)) if *taken == address), "{served:?}");
    assert_eq!(service.execute(CountVisit { page: "a".to_owned() }).await, Err(ExecuteError::Stopped));
}
