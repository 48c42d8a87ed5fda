//! The products of orders, by the names that the catalogue knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use shop_in_memory::CUSTOMER;

use crate::door::Door;

const ORDER: &str = "0198c0de-0000-7000-8000-000000000009";

/// Returns an order of a product in the catalogue, and of one that is not there any more.
fn order() -> Value {
    json!({
        "id": ORDER, "customer_id": CUSTOMER, "status": "completed", "total": null, "reason": null, "payment_id": null,
        "lines": [{"sku": "tea", "quantity": 2}, {"sku": "gramophone", "quantity": 1}], "notified": "completed",
        "address": {"zone": "north", "line": "1 Hill Road"}, "created_at": "2026-01-01T00:00:00Z",
    })
}

/// Returns what stands for the service order.
fn orders() -> Router {
    Router::new()
        .route("/orders", get(async || Json(json!({"items": [order()], "next": null}))))
        .route("/orders/{id}", get(async || Json(order())))
        .route("/orders/{id}/story", get(async || Json(json!({"messages": []}))))
}

#[tokio::test]
async fn orders_show_the_names_of_products_and_the_codes_of_those_that_are_gone() {
    let count = Arc::new(AtomicU32::new(0));
    let asked = count.clone();
    let products = move || {
        asked.fetch_add(1, Ordering::Relaxed);
        let price = json!({"amount_minor": 450, "currency": "EUR"});
        std::future::ready(Json(
            json!({"items": [{"sku": "tea", "name": "Green tea", "price": price, "available": 5}]}),
        ))
    };
    let door = Door::open(orders().route("/products", get(products))).await;
    for path in ["/orders", &format!("/orders/{ORDER}"), &format!("/orders/{ORDER}/now")] {
        let page = door.page(path).await;
        assert!(page.body.contains("Green tea") && page.body.contains("gramophone"), "{path}: {page:?}");
        assert!(!page.body.contains("tea</dt>") || page.body.contains("Green tea</dt>"), "{path}: {page:?}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 1, "the catalogue is read once for many pages");
}

#[tokio::test]
async fn orders_are_shown_with_codes_while_inventory_does_not_respond() {
    let door = Door::open(orders()).await;
    let page = door.page(&format!("/orders/{ORDER}")).await;
    assert!(page.status.is_success() && page.body.contains("2 × tea, 1 × gramophone"), "{page:?}");
}
