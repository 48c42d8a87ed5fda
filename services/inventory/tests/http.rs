//! The catalogue over HTTP.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use choreography_axum::testing::TestFace;
use contracts::NAMESPACE;
use inventory::{choreography, demo, http};
use serde_json::{Value, json};

fn start() -> TestFace {
    TestFace::start(choreography(), NAMESPACE, http::routes())
}

fn tea(stock: i64) -> Value {
    json!({"name": "Tea", "description": "Loose, 100 g", "price": {"amount_minor": 450, "currency": "EUR"}, "stock": stock})
}

#[test]
fn a_product_is_put_counted_and_shown() {
    let service = start();
    let shown = |stock: i64| {
        let mut product = tea(stock);
        product.as_object_mut().unwrap().extend([
            ("sku".into(), json!("tea")),
            ("held".into(), json!(0)),
            ("available".into(), json!(stock)),
        ]);
        product
    };
    assert_eq!(service.call("PUT", "/products/tea", tea(5)), (200, shown(5)));
    for _ in 0..2 {
        // The second time under the same key.
        assert_eq!(service.call("POST", "/products/tea/stock", json!({"delta": -2})), (200, shown(3)));
    }
    assert_eq!(service.call("GET", "/products/tea", Value::Null), (200, shown(3)));
    // Put again, only the name, the description and the price change: sold pieces don't come back.
    assert_eq!(service.call("PUT", "/products/tea", tea(5)), (200, shown(3)));
    let listed = json!({"items": [shown(3)], "next": null});
    assert_eq!(service.call("GET", "/products", Value::Null), (200, listed));
}

#[test]
fn an_impossible_request_is_refused_with_a_problem() {
    let service = start();
    service.call("PUT", "/products/tea", tea(5));
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
        (
            "PUT",
            "/products/tea",
            json!({"name": "Tea", "description": "a\nb", "price": tea(1)["price"], "stock": 1}),
            422,
            "urn:problem:invalid-content",
        ),
    ];
    for (method, path, body, status, kind) in cases {
        let (received, problem) = service.call(method, path, body.clone());
        assert_eq!((received, problem["type"].as_str()), (status, Some(kind)), "{method} {path} {body}: {problem}");
    }
}

#[test]
fn a_price_that_nobody_can_pay_is_refused() {
    let service = start();
    for price in [
        json!({"amount_minor": 0, "currency": "EUR"}),
        json!({"amount_minor": 450, "currency": "ABC"}),
        json!({"amount_minor": 450, "currency": "XXX"}),
        json!({"amount_minor": 450, "currency": "eur"}),
        json!({"amount_cents": 450, "currency": "EUR"}),
        json!({"amount_minor": 450, "currency": "EUR", "tax": 1}),
    ] {
        let body = json!({"name": "Tea", "description": "Loose, 100 g", "price": price, "stock": 1});
        let (status, problem) = service.call("PUT", "/products/tea", body);
        assert_eq!((status, &problem["type"]), (422, &json!("urn:problem:invalid-content")), "{price}: {problem}");
    }
}

#[test]
fn the_demonstration_can_begin_again_without_a_reset() {
    let service = start();
    service.harness.block_on(demo::fill_shelf(service.harness.service("inventory"))).unwrap();
    service.call("POST", "/products/tea/stock", json!({"delta": -7}));
    service.harness.block_on(demo::fill_shelf(service.harness.service("inventory"))).unwrap();
    let products = service.call("GET", "/products", Value::Null).1;
    let stock = |product: &Value| (product["sku"].as_str().unwrap().to_owned(), product["stock"].as_u64().unwrap());
    let stocks: Vec<_> = products["items"].as_array().unwrap().iter().map(stock).collect();
    let expected = [("kettle", 1_000_000), ("mug", 1_000_000), ("tea", 999_993), ("unicorn", 0)];
    assert_eq!(stocks, expected.map(|(sku, stock)| (sku.to_owned(), stock)));
}
