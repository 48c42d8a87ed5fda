//! The gateway gets requests that are nearly right, and nearly right answers of the services behind it: each request
//! has an answer of the gateway's own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use shop_in_memory::{CUSTOMER, GatewayInMemory, releases};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

use super::http::{check, http_request};
use crate::bytes::Bytes;
use crate::draw::Draw;
use crate::json::json as nearly;
use crate::request::Request;
use crate::target::{Case, Started};
use crate::text::text;

const IDS: [&str; 4] = [CUSTOMER, "0198c0de-0000-7000-8000-000000000002", "tea", "payments"];
/// No request is refused because there are so many.
const FLAGS: [&str; 5] = [
    "--customer-rate=100000",
    "--customer-burst=1000000",
    "--address-rate=100000",
    "--address-burst=1000000",
    "--trusted-proxies=0.0.0.0/0,::/0",
];
/// How long a request may take that waits for an order, or tries again.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many requests a gateway gets before another one is started.
const REQUESTS_MAX: u32 = 2_000;

/// A request, who sends it, and how the services answer what the gateway asks them.
#[derive(Debug)]
struct Visit {
    request: Request,
    /// Whether a token comes as a bearer's, as a session's, or not at all.
    token: Option<&'static str>,
    answers: Vec<(u16, String, Bytes)>,
}

fn routes() -> Vec<(&'static str, &'static str, Value)> {
    let order = json!({"lines": [{"sku": "tea", "quantity": 2}], "address": {"zone": "north", "line": "1 Hill Road"}});
    vec![
        ("POST", "/api/orders", order.clone()),
        ("POST", "/api/order/{id}", order),
        ("GET", "/api/orders", Value::Null),
        ("GET", "/api/orders/{id}", Value::Null),
        ("GET", "/api/order/{id}", Value::Null),
        ("GET", "/api/orders/{id}/story", Value::Null),
        ("POST", "/api/orders/{id}/cancel", Value::Null),
        ("POST", "/api/payment", json!({"order_id": CUSTOMER})),
        ("GET", "/api/payments/{id}", Value::Null),
        ("GET", "/api/products/{id}", Value::Null),
        ("GET", "/api/deliveries/{id}", Value::Null),
        ("POST", "/api/wallets/{id}/deposits", json!({"amount": {"amount_minor": 5, "currency": "EUR"}})),
        ("GET", "/", Value::Null),
        ("GET", "/order?sku=tea", Value::Null),
        ("GET", "/orders", Value::Null),
        ("GET", "/orders/{id}", Value::Null),
        ("GET", "/orders/{id}/now", Value::Null),
        ("GET", "/orders/{id}/payment", Value::Null),
        ("GET", "/profile", Value::Null),
        ("GET", "/sign-in", Value::Null),
    ]
}

/// The forms of the pages.
const FORMS: [(&str, &str); 7] = [
    (
        "/orders",
        "order_id=0198c0de-0000-7000-8000-000000000001&sku=tea&quantity=1&address=0&line=&zone=&confirmation=manual",
    ),
    ("/sign-in", "customer_id=0198c0de-0000-7000-8000-000000000001"),
    ("/sign-up", "name=Ada&email=ada%40example.com"),
    ("/profile", "name=Ada&email=ada%40example.com&line=1+Hill+Road&zone=north"),
    ("/profile/deposit", "key=0198c0de-0000-7000-8000-000000000001&amount_minor=500&currency=EUR"),
    ("/orders/{id}/pay", ""),
    ("/orders/{id}/deposit", "key=0198c0de-0000-7000-8000-000000000001&amount_minor=500&currency=EUR"),
];

/// Returns what services answer: one row, or a list of them.
fn answers() -> Vec<Value> {
    let rows: Vec<Value> = releases().into_values().flat_map(|release| release.rows.into_values().flatten()).collect();
    let shown = |mut row: Value| {
        let ids = [("id", json!(CUSTOMER)), ("customer_id", json!(CUSTOMER)), ("available", json!(5))];
        if let Some(fields) = row.as_object_mut() {
            fields.extend(ids.map(|(name, value)| (name.to_owned(), value)));
        }
        row
    };
    let rows: Vec<Value> = rows.into_iter().map(shown).collect();
    let lists = rows.iter().map(|row| json!({"items": [row], "next": "tea"}));
    let story =
        json!({"messages": [{"publisher": "order", "message": "reserve-stock", "time": "2026-01-01T00:00:00Z"}]});
    lists.chain(rows.iter().cloned()).chain([story]).collect()
}

/// Every visit has an answer.
pub(crate) fn visits() -> Box<dyn Started> {
    let (routes, known) = (routes(), answers());
    Case::of(
        move |draw| {
            let request = if draw.once_in(3) {
                form(draw)
            } else {
                let (method, path, body) = draw.one(&routes);
                Request::near(method, path, body, &IDS, draw)
            };
            let token = *draw.one(&[Some("bearer"), Some("session"), None]);
            let answers = (0..draw.below(4) + 1).map(|_| answer(draw.one(&known), draw)).collect();
            Visit { request, token, answers }
        },
        || {
            let mut door: Option<Door> = None;
            Box::new(move |visit: &Visit| {
                let open = door.get_or_insert_with(Door::open);
                open.visit(visit);
                if open.requests > REQUESTS_MAX {
                    door = None;
                }
            })
        },
    )
}

fn form(draw: &mut Draw<'_>) -> Request {
    let (path, fields) = *draw.one(&FORMS);
    let mut request = Request::near("POST", path, &Value::Null, &IDS, draw);
    let media = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    request.headers[0] = media;
    request.body = Bytes(if draw.once_in(2) { text(fields, draw) } else { fields.to_owned() }.into_bytes());
    request
}

fn answer(example: &Value, draw: &mut Draw<'_>) -> (u16, String, Bytes) {
    let status = *draw.one(&[200, 200, 200, 200, 201, 404, 409, 500, 503, 302]);
    (status, text("1", draw), nearly(example, draw))
}

type Answers = Arc<Mutex<VecDeque<(u16, String, Bytes)>>>;

/// A gateway, and one service that stands for all behind it.
struct Door {
    gateway: GatewayInMemory,
    answers: Answers,
    requests: u32,
    runtime: Runtime,
}

impl Door {
    fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answers = Answers::default();
        let given = answers.clone();
        let behind = Router::new().fallback(move || {
            let answer = given.lock().expect("nothing panics with it").pop_front();
            std::future::ready(respond(answer))
        });
        let gateway = runtime.block_on(GatewayInMemory::start(behind, None, &FLAGS));
        Self { gateway, answers, requests: 0, runtime }
    }

    fn visit(&mut self, visit: &Visit) {
        self.requests += 1;
        *self.answers.lock().expect("nothing panics with it") = visit.answers.iter().cloned().collect();
        let mut request = visit.request.clone();
        if let Some(kind) = visit.token {
            let (name, value) = match kind {
                "bearer" => ("authorization", format!("Bearer {}", self.gateway.token)),
                _ => ("cookie", format!("session={}", self.gateway.token)),
            };
            request.headers.insert(1, (name.to_owned(), value));
        }
        let Some(sent) = http_request(&request) else { return };
        let answer = self.gateway.app.clone().oneshot(sent);
        let handed_on: Vec<&[u8]> = visit.answers.iter().map(|(.., body)| &**body).collect();
        let checked = async { check(answer.await.unwrap_or_else(|never| match never {}), &request, &handed_on).await };
        // One that waits for long has no fault.
        _ = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, checked).await });
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.runtime.block_on(self.gateway.service.stop());
    }
}

fn respond(answer: Option<(u16, String, Bytes)>) -> Response {
    let (status, retry_after, body) = answer.unwrap_or((404, String::new(), Bytes(b"{}".to_vec())));
    let builder = Response::builder().status(status).header("content-type", "application/json");
    let response = builder.header("retry-after", retry_after).header("location", "/orders/1").body(Body::from(body.0));
    response.unwrap_or_else(|_| {
        let mut response = Response::new(Body::from("{}"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    })
}
