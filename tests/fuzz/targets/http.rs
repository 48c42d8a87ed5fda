//! The routes of every service get requests that are nearly right: each has an answer of the service's own, none is a
//! fault of the service.

use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use axum::http::Request as HttpRequest;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use choreography::testing::Harness;
use choreography::{Service, Settings};
use choreography_axum::utoipa_axum::router::OpenApiRouter;
use choreography_axum::{BODY_BYTES_MAX, Stopping, router};
use contracts::NAMESPACE;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::request::Request;
use crate::shop::service;
use crate::target::{Case, Started};

/// What the path of a request may have as an id.
const IDS: [&str; 5] = [
    "0198c0de-0000-7000-8000-000000000001",
    "0198c0de-0000-7000-8000-000000000002",
    "tea",
    "north",
    "00000000-0000-0000-0000-000000000000",
];
/// How many requests a service gets before another one is started.
const REQUESTS_MAX: u32 = 2_000;
/// How much of a response is read: one with server-sent events has no end.
const RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A route with an example of its body.
type Route = (&'static str, &'static str, &'static str, Value);

fn routes() -> Vec<Route> {
    let euros = json!({"amount_minor": 450, "currency": "EUR"});
    let address = json!({"zone": "north", "line": "1 Hill Road"});
    let order = json!({
        "customer_id": IDS[0], "email": "ada@example.com", "lines": [{"sku": "tea", "quantity": 2}],
        "address": address, "confirmation": "manual"
    });
    let of_order = json!({"order_id": IDS[0]});
    vec![
        ("order", "POST", "/orders", order.clone()),
        ("order", "POST", "/orders/create_order", order),
        ("order", "GET", "/orders", Value::Null),
        ("order", "GET", "/orders/{id}", Value::Null),
        ("order", "PATCH", "/orders/{id}", json!({"address": address})),
        ("order", "POST", "/orders/{id}/cancel", Value::Null),
        ("order", "GET", "/orders/{id}/story", Value::Null),
        ("payment", "GET", "/payments", Value::Null),
        ("payment", "GET", "/payments/{id}", Value::Null),
        ("payment", "POST", "/payments/{id}/confirm", Value::Null),
        ("payment", "POST", "/payments/cancel", of_order.clone()),
        ("payment", "POST", "/payments/confirm", of_order),
        ("delivery", "GET", "/deliveries", Value::Null),
        ("delivery", "GET", "/deliveries/{id}", Value::Null),
        ("delivery", "POST", "/deliveries/{id}/complete", Value::Null),
        ("delivery", "GET", "/dealers", Value::Null),
        ("delivery", "POST", "/dealers", json!({"name": "Ann", "zone": "north", "capacity": 3})),
        ("inventory", "GET", "/products", Value::Null),
        ("inventory", "GET", "/products/{sku}", Value::Null),
        (
            "inventory",
            "PUT",
            "/products/{sku}",
            json!({"name": "Tea", "description": "Loose", "price": euros, "stock": 5}),
        ),
        ("inventory", "POST", "/products/{sku}/stock", json!({"delta": -2})),
        ("wallet", "GET", "/wallets/{customer_id}", Value::Null),
        ("wallet", "GET", "/wallets/{customer_id}/operations", Value::Null),
        ("wallet", "POST", "/wallets/{customer_id}/deposits", json!({"amount": euros})),
        ("customer", "GET", "/customers", Value::Null),
        ("customer", "GET", "/customers/{id}", Value::Null),
        (
            "customer",
            "PUT",
            "/customers/{id}",
            json!({"name": "Ada", "email": "ada@example.com", "addresses": [address]}),
        ),
        ("notify", "GET", "/notifications", Value::Null),
        ("notify", "GET", "/readyz", Value::Null),
    ]
}

/// Every request has an answer.
pub(crate) fn answers() -> Box<dyn Started> {
    let routes = routes();
    Case::of(
        move |draw| {
            let (service, method, path, body) = draw.one(&routes);
            (*service, Request::near(method, path, body, &IDS, draw))
        },
        || {
            let mut faces: HashMap<&'static str, Face> = HashMap::new();
            Box::new(move |(name, request): &(&'static str, Request)| {
                let face = faces.entry(name).or_insert_with(|| Face::start(name));
                face.call(request);
                if face.requests > REQUESTS_MAX {
                    faces.remove(name);
                }
            })
        },
    )
}

/// A service in memory, with its routes.
struct Face {
    app: Router,
    requests: u32,
    harness: Harness,
}

impl Face {
    fn start(name: &'static str) -> Self {
        let settings = Settings { namespace: NAMESPACE.to_owned(), ..Settings::default() };
        let choreography = if name == "customer" { customer::choreography() } else { service(name) };
        let harness = Harness::start([choreography], settings, 0);
        let app = router(harness.service(name).clone(), routes_of(name), Stopping::default());
        Self { app, requests: 0, harness }
    }

    fn call(&mut self, request: &Request) {
        self.requests += 1;
        let Some(sent) = http_request(request) else { return };
        let answer = self.app.clone().oneshot(sent);
        self.harness.block_on(async { check(answer.await.unwrap_or_else(|never| match never {}), request, &[]).await });
    }
}

fn routes_of(name: &str) -> OpenApiRouter<Service> {
    match name {
        "order" => order::http::routes(),
        "payment" => payment::http::routes(),
        "delivery" => delivery::http::routes(),
        "inventory" => inventory::http::routes(),
        "wallet" => wallet::http::routes(),
        "customer" => customer::http::routes(),
        _ => notify::http::routes(),
    }
}

/// Returns a request as a server hands it over; none if a server would not.
pub(super) fn http_request(request: &Request) -> Option<HttpRequest<Body>> {
    let mut builder = HttpRequest::builder().method(request.method.as_str()).uri(&request.path);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    builder.body(Body::from(request.body.to_vec())).ok().filter(|request| request.uri().path().starts_with('/'))
}

/// Checks that a response is one of the service's own, JSON or a problem that says what is wrong; or one of those that
/// it hands on.
pub(super) async fn check(response: Response, request: &Request, handed_on: &[&[u8]]) {
    let (parts, body) = response.into_parts();
    let media = parts.headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default().to_owned();
    if media.starts_with("text/event-stream") {
        return;
    }
    let body = body.collect().await.expect("a whole body").to_bytes();
    assert!(body.len() < RESPONSE_BYTES_MAX, "{} bytes", body.len());
    let (status, shown) = (parts.status.as_u16(), String::from_utf8_lossy(&body[..body.len().min(2_000)]));
    if request.method == "HEAD" || body.is_empty() || handed_on.contains(&&*body) {
        return;
    }
    // The fault of a service behind it is handed on, too.
    assert!(status < 500 || [502, 503].contains(&status) || !handed_on.is_empty(), "{status}: {shown}");
    if status >= 400 && media.starts_with("application/problem+json") {
        let problem: Value = serde_json::from_slice(&body).expect("a problem is JSON");
        assert_eq!(problem["status"], status);
        assert!(["type", "title", "detail"].iter().all(|field| problem[field].is_string()), "{shown}");
        // What is quoted of the request is bounded by it.
        assert!(body.len() < 4 * BODY_BYTES_MAX, "{} bytes", body.len());
    } else if media.starts_with("application/json") {
        assert!(serde_json::from_slice::<Value>(&body).is_ok(), "{shown}");
    } else {
        // What a service behind it answers without saying what it is, is handed on, too.
        assert!(status < 400 || media.starts_with("text/html") || !handed_on.is_empty(), "{status} {media}: {shown}");
    }
}
