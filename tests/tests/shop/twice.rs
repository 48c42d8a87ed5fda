//! Requests that come twice, or too late.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::bad_input::{new_key, post_raw, valid_order};
use crate::outcomes::shared_shop;

#[tokio::test]
async fn late_requests_are_refused_and_repeated_ones_change_nothing() {
    let shop = shared_shop().await;
    let order = shop.order("tea", 1, "north").await;
    shop.cancel(&order).await;
    shop.expect_payment(&order, "cancelled").await;
    shop.try_confirm(&order).await.problem(&[409]);
    let (once, twice) = (shop.try_cancel(&order).await, shop.try_cancel(&order).await);
    assert_eq!((once.status, twice.status), (200, 200));
    assert_eq!(once.body["id"], twice.body["id"]);
    assert_eq!((&once.body["status"], &twice.body["status"]), (&json!("cancelled"), &json!("cancelled")));
    let address = json!({"address": {"zone": "south", "line": "2 Hill Road"}});
    let request = shop.request(Method::PATCH, "order", &format!("/orders/{}", order.id)).json(&address);
    shop.send(request).await.problem(&[409]);
    shop.expect_invariants().await;
}

#[tokio::test]
async fn same_idempotency_key_creates_one_order_and_refuses_another_body() {
    let shop = shared_shop().await;
    let (body, key) = (valid_order(), new_key());
    let first = post_raw(&shop, body.to_string(), &key).await;
    let again = post_raw(&shop, body.to_string(), &key).await;
    assert_eq!((first.status, again.status), (201, 201), "{first:?} {again:?}");
    assert_eq!(first.body["id"], again.body["id"]);
    let mut other = body.clone();
    other["lines"][0]["quantity"] = json!(2);
    post_raw(&shop, other.to_string(), &key).await.problem(&[422]);
    let customer = body["customer_id"].as_str().unwrap();
    assert_eq!(shop.list("order", &format!("/orders?customer_id={customer}")).await.len(), 1);
    for key in ["", &"k".repeat(10_000)] {
        post_raw(&shop, valid_order().to_string(), key).await.problem(&[400]);
    }
    let dealer = json!({"name": "nobody", "zone": "north", "capacity": 1});
    shop.send(shop.request(Method::POST, "delivery", "/dealers").json(&dealer)).await.problem(&[400]);
}

#[tokio::test]
async fn same_key_at_the_same_time_creates_one_order() {
    let shop = shared_shop().await;
    let (body, key) = (valid_order(), new_key());
    let replies = futures::future::join_all((0..8).map(|_| post_raw(&shop, body.to_string(), &key))).await;
    for reply in replies {
        assert!([201, 409].contains(&reply.status), "{reply:?}");
    }
    let customer = body["customer_id"].as_str().unwrap();
    assert_eq!(shop.list("order", &format!("/orders?customer_id={customer}")).await.len(), 1);
}

#[tokio::test]
async fn older_paths_lead_to_the_same_handlers() {
    let shop = shared_shop().await;
    let placed = shop.post("order", "/orders/create_order", &valid_order()).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let order = shop_tests::Order {
        id: placed.body["id"].as_str().unwrap().to_owned(),
        customer_id: placed.body["customer_id"].as_str().unwrap().to_owned(),
        email: String::new(),
        lines: vec![("tea".to_owned(), 1)],
    };
    shop.payment(&order).await;
    shop.post("payment", "/payments/confirm", &json!({"order_id": order.id})).await.ok();
    shop.expect(&order, "completed").await;
    shop.post("payment", "/payments/cancel", &json!({"order_id": order.id})).await.problem(&[409]);
    shop.post("payment", "/payments/cancel", &json!({"order_id": Uuid::now_v7()})).await.problem(&[404]);
}
