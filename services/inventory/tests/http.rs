//! The catalogue over HTTP, on a real database.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use choreography::bus::memory::MemoryBus;
use choreography::{Service, Settings};
use choreography_axum::{Stopping, face};
use inventory::{choreography, demo, http};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// The service on a database of its own, with a server in memory.
struct Served {
    app: Router,
    service: Service,
    _directory: tempfile::TempDir,
}

impl Served {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (file, choreography) = (directory.path().join("test.db"), choreography());
        let bus = MemoryBus::new();
        bus.add_consumer("inventory-0", &[]);
        let settings = Settings { namespace: contracts::NAMESPACE.into(), ..Settings::default() };
        let builder = Service::builder(choreography).settings(settings).bus(Arc::new(bus));
        let builder = builder.sqlite(file.to_str().unwrap()).migrations(&sqlx::migrate!());
        let service = builder.start().await.unwrap();
        let app = face(service.clone(), http::routes(), Stopping::default());
        Self { app, service, _directory: directory }
    }

    /// Asks; the status, and what is answered.
    async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.header("idempotency-key", format!("{method} {path} {body}").replace(' ', "-"));
        let answer = self.app.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

fn tea(stock: i64) -> Value {
    json!({"name": "Tea", "price": {"amount_cents": 450, "currency": "EUR"}, "stock": stock})
}

#[tokio::test]
async fn a_product_is_put_counted_and_shown() {
    let shop = Served::new().await;
    let shown = |stock: i64| {
        let mut product = tea(stock);
        product.as_object_mut().unwrap().extend([
            ("sku".into(), json!("tea")),
            ("held".into(), json!(0)),
            ("available".into(), json!(stock)),
        ]);
        product
    };
    assert_eq!(shop.ask("PUT", "/products/tea", tea(5)).await, (200, shown(5)));
    for _ in 0..2 {
        // The second time under the same key.
        assert_eq!(shop.ask("POST", "/products/tea/stock", json!({"delta": -2})).await, (200, shown(3)));
    }
    assert_eq!(shop.ask("GET", "/products/tea", Value::Null).await, (200, shown(3)));
    let listed = json!({"items": [shown(3)], "next": null});
    assert_eq!(shop.ask("GET", "/products", Value::Null).await, (200, listed));
    shop.service.stop().await;
}

#[tokio::test]
async fn what_can_not_be_is_refused() {
    let shop = Served::new().await;
    shop.ask("PUT", "/products/tea", tea(5)).await;
    let cases = [
        ("POST", "/products/tea/stock", json!({"delta": -6}), 409, "urn:problem:stock-out-of-range"),
        ("POST", "/products/milk/stock", json!({"delta": 1}), 404, "urn:problem:not-found"),
        ("GET", "/products/milk", Value::Null, 404, "urn:problem:not-found"),
        ("GET", "/products/MILK", Value::Null, 400, "urn:problem:invalid-path"),
        ("GET", "/products?cursor=MILK", Value::Null, 400, "urn:problem:invalid-query"),
        ("PUT", "/products/tea", tea(-1), 422, "urn:problem:invalid-content"),
        ("PUT", "/products/tea", tea(1_000_000_000_001), 422, "urn:problem:invalid-content"),
        (
            "PUT",
            "/products/tea",
            json!({"name": " ", "price": tea(1)["price"], "stock": 1}),
            422,
            "urn:problem:invalid-content",
        ),
    ];
    for (method, path, body, status, kind) in cases {
        let (answered, problem) = shop.ask(method, path, body.clone()).await;
        assert_eq!((answered, problem["type"].as_str()), (status, Some(kind)), "{method} {path} {body}: {problem}");
    }
    shop.service.stop().await;
}

#[tokio::test]
async fn the_demonstration_resets_nothing() {
    let shop = Served::new().await;
    demo::fill_shelf(&shop.service).await.unwrap();
    shop.ask("POST", "/products/tea/stock", json!({"delta": -7})).await;
    demo::fill_shelf(&shop.service).await.unwrap();
    let products = shop.ask("GET", "/products", Value::Null).await.1;
    let stock = |product: &Value| (product["sku"].as_str().unwrap().to_owned(), product["stock"].as_u64().unwrap());
    let stocks: Vec<_> = products["items"].as_array().unwrap().iter().map(stock).collect();
    let expected = [("kettle", 1_000_000), ("mug", 1_000_000), ("tea", 999_993), ("unicorn", 0)];
    assert_eq!(stocks, expected.map(|(sku, stock)| (sku.to_owned(), stock)));
    shop.service.stop().await;
}
