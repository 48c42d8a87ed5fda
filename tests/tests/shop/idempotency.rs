//! Idempotency keys: what makes two requests the same.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use shop_tests::{Reply, Shop};
use uuid::Uuid;

use crate::bad_input::{new_key, valid_order, with};
use crate::outcomes::shared_shop;

async fn post(shop: &Shop, path: &str, key: &str, body: String) -> Reply {
    let request = shop.request(Method::POST, "order", path).header(CONTENT_TYPE, "application/json");
    shop.send(request.header("idempotency-key", key).body(body)).await
}

#[tokio::test]
async fn an_order_that_is_sent_again_is_the_same_under_both_names_and_in_any_layout() {
    let shop = shared_shop().await;
    let (order, key) = (valid_order(), new_key());
    let first = post(&shop, "/orders", &key, order.to_string()).await.ok();
    let spaced = serde_json::to_string_pretty(&order).unwrap();
    assert_eq!(post(&shop, "/orders/create_order", &key, spaced).await.ok(), first);
    let fields: Vec<String> =
        order.as_object().unwrap().iter().rev().map(|(name, value)| format!("{name:?}: {value}")).collect();
    assert_eq!(post(&shop, "/orders", &key, format!("{{{}}}", fields.join(", "))).await.ok(), first);
    let mut other = order;
    other["lines"][0]["quantity"] = 2.into();
    post(&shop, "/orders", &key, other.to_string()).await.problem(&[422]);
}

#[tokio::test]
async fn the_key_of_one_customer_is_not_the_key_of_another() {
    let shop = shared_shop().await;
    let key = new_key();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let order = with("/customer_id", Uuid::now_v7().to_string().into());
        ids.push(post(&shop, "/orders", &key, order.to_string()).await.ok()["id"].take());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn two_keys_are_a_mistake_and_a_404_is_asked_again() {
    let shop = shared_shop().await;
    let request = shop.request(Method::POST, "order", "/orders").json(&valid_order());
    shop.send(request.header("idempotency-key", "a").header("idempotency-key", "b")).await.problem(&[400]);
    let (key, sku) = (new_key(), format!("late-{}", Uuid::now_v7().simple()));
    let add = || {
        let path = format!("/products/{sku}/stock");
        let request = shop.request(Method::POST, "inventory", &path).json(&serde_json::json!({"delta": 3}));
        shop.send(request.header("idempotency-key", &key))
    };
    add().await.problem(&[404]);
    let product = serde_json::json!({"name": "late tea", "price": {"amount_minor": 1, "currency": "EUR"}, "stock": 1});
    shop.send(shop.request(Method::PUT, "inventory", &format!("/products/{sku}")).json(&product)).await.ok();
    for _ in 0..2 {
        assert_eq!(add().await.ok()["stock"], Value::from(4));
    }
}
