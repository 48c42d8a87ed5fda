//! Invalid requests: each gets the right status and a problem that names what is wrong, never a 500.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};
use shop_tests::{Reply, Request, Shop};
use uuid::Uuid;

use crate::outcomes::shared_shop;

/// The statuses of a request that can be parsed but is invalid.
const UNPROCESSABLE: [u16; 1] = [422];

pub fn valid_order() -> Value {
    Request::new("tea", 1, "north").body
}

/// Returns an order whose value at a JSON pointer is another one.
pub fn with(pointer: &str, value: Value) -> Value {
    let mut order = valid_order();
    *order.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    order
}

pub async fn post_raw(shop: &Shop, body: impl Into<reqwest::Body>, key: &str) -> Reply {
    let request = shop.request(Method::POST, "order", "/orders").header(CONTENT_TYPE, "application/json");
    shop.send(request.header("idempotency-key", key).body(body)).await
}

pub fn new_key() -> String {
    Uuid::now_v7().to_string()
}

#[tokio::test]
async fn invalid_orders_are_refused_with_a_problem() {
    let shop = shared_shop().await;
    let mut lacking: Vec<Value> = Vec::new();
    for field in ["customer_id", "lines", "address"] {
        let mut order = valid_order();
        order.as_object_mut().unwrap().remove(field);
        lacking.push(order);
    }
    let mut unknown = valid_order();
    unknown["coupon"] = json!("free");
    let mut nested = valid_order();
    nested["lines"][0]["price"] = json!(1);
    let bad = [
        json!(null),
        json!([]),
        json!("tea"),
        unknown,
        nested,
        with("/lines", json!([])),
        with("/lines", json!({})),
        with("/lines/0", json!("tea")),
        with("/lines/0/sku", json!(7)),
        with("/lines/0/sku", json!("")),
        with("/lines/0/sku", json!("Tea!")),
        with("/lines/0/sku", json!("a.b.*.>")),
        with("/lines/0/sku", json!("t".repeat(65))),
        with("/customer_id", json!("not a uuid")),
        with("/customer_id", json!(17)),
        json!([valid_order()["customer_id"], null, [["tea", 1]], ["north", "1 Hill Road"], "manual"]),
        with("/lines/0", json!(["tea", 1])),
        with("/address", json!(["north", "1 Hill Road"])),
        with("/email", json!("nobody")),
        with("/email", json!("\"ada lovelace\"@example.com")),
        with("/email", json!("ada@[127.0.0.1]")),
        with("/email", json!("ada\u{202e}@example.com")),
        with("/address/line", json!("1 Hill\u{202e} Road")),
        with("/address/line", json!("1 Hill\u{2066} Road")),
        with("/address/line", json!("1 Hill\u{200f} Road")),
        with("/email", json!("a@example.com\r\nBcc: all@example.com")),
        with("/email", json!(format!("{}@example.com", "a".repeat(10_000)))),
        with("/address", json!("1 Hill Road")),
        with("/address/zone", json!("NORTH POLE")),
        with("/address/line", json!("")),
        with("/address/line", json!("x".repeat(10_000))),
    ];
    for body in lacking.into_iter().chain(bad) {
        let reply = shop.post("order", "/orders", &body).await;
        assert!(reply.status < 500, "{body} got {reply:?}");
        reply.problem(&UNPROCESSABLE);
    }
    let automatic = Request::new("tea", 1, "north").automatic().body;
    let mut confirmation = automatic.clone();
    confirmation["confirmation"] = json!("perhaps");
    shop.post("order", "/orders", &confirmation).await.problem(&UNPROCESSABLE);
}

#[tokio::test]
async fn invalid_json_is_refused_with_a_problem() {
    let shop = shared_shop().await;
    for body in ["", "{", "tea please", "{\"customer_id\":", "\u{0}", "[1,2", "{\"a\":1}}"] {
        post_raw(&shop, body, &new_key()).await.problem(&[400]);
    }
    post_raw(&shop, vec![0xff, 0xfe, 0x00], &new_key()).await.problem(&[400]);
    post_raw(&shop, "[".repeat(10_000), &new_key()).await.problem(&[400]);
    let request = shop.request(Method::POST, "order", "/orders").header("idempotency-key", new_key());
    shop.send(request.body("sku=tea")).await.problem(&[415]);
    for (header, value) in [("content-encoding", "gzip"), ("content-type", "application/json; charset=utf-16")] {
        let request = shop.request(Method::POST, "order", "/orders").json(&valid_order());
        let mut headers = HeaderMap::new();
        headers.insert(header, value.parse().unwrap());
        shop.send(request.headers(headers)).await.problem(&[415]);
    }
}

#[tokio::test]
async fn impossible_quantities_are_refused_with_a_problem() {
    let shop = shared_shop().await;
    let unreadable = [json!(-1), json!(1.5), json!("2"), json!(null), json!(4_294_967_296_u64), json!(1e30)];
    for quantity in unreadable.into_iter().chain([json!(0), json!(10_001), json!(u32::MAX)]) {
        shop.post("order", "/orders", &with("/lines/0/quantity", quantity)).await.problem(&UNPROCESSABLE);
    }
}

#[tokio::test]
async fn too_many_lines_and_too_large_a_body_are_refused_with_a_problem() {
    let shop = shared_shop().await;
    let line = json!({"sku": "tea", "quantity": 1});
    shop.post("order", "/orders", &with("/lines", json!(vec![line; 101]))).await.problem(&UNPROCESSABLE);
    let lines: Vec<Value> = (0..10_000).map(|n| json!({"sku": format!("tea-{n}"), "quantity": 1})).collect();
    shop.post("order", "/orders", &with("/lines", json!(lines))).await.problem(&[413]);
    let huge = with("/address/line", json!("x".repeat(10 * 1024 * 1024)));
    post_raw(&shop, huge.to_string(), &new_key()).await.problem(&[413]);
}

#[tokio::test]
async fn quantities_of_a_product_on_two_lines_are_added() {
    let shop = shared_shop().await;
    let tea = shop.product(5).await;
    let order = shop.place(Request::lines(&[(&tea, 2), (&tea, 3)], "north").automatic()).await;
    let completed = shop.expect(&order, "completed").await;
    assert_eq!(completed["total"]["amount_minor"], 5 * 250);
    let more = shop.place(Request::lines(&[(&tea, 1), (&tea, 1)], "north").automatic()).await;
    assert_eq!(shop.expect(&more, "cancelled").await["reason"], "out-of-stock");
    shop.expect_invariants().await;
}

#[tokio::test]
async fn unknown_and_invalid_ids_are_refused_with_a_problem() {
    let shop = shared_shop().await;
    let unknown = Uuid::now_v7().to_string();
    for (id, statuses) in [(unknown.as_str(), [404]), ("17", [400]), ("%00", [400])] {
        for (service, path) in [("order", "orders"), ("payment", "payments"), ("delivery", "deliveries")] {
            shop.get(service, &format!("/{path}/{id}")).await.problem(&statuses);
        }
        for (service, path) in [
            ("order", format!("/orders/{id}/cancel")),
            ("payment", format!("/payments/{id}/confirm")),
            ("payment", format!("/payments/{id}/cancel")),
            ("delivery", format!("/deliveries/{id}/complete")),
        ] {
            shop.post(service, &path, &json!({})).await.problem(&statuses);
        }
    }
    shop.get("inventory", "/products/no-such-thing").await.problem(&[404]);
    shop.get("inventory", "/products/NO SUCH THING").await.problem(&[400]);
    for (service, path) in [("order", "/nowhere"), ("payment", "/"), ("notify", "/mails")] {
        shop.get(service, path).await.problem(&[404]);
    }
    shop.send(shop.request(Method::DELETE, "order", "/orders")).await.problem(&[405]);
}

#[tokio::test]
async fn invalid_queries_are_refused_with_a_problem() {
    let shop = shared_shop().await;
    for query in ["limit=0", "limit=-1", "limit=many", "limit=1000000000", "status=lost", "cursor=%FF", "customer_id=1"]
    {
        shop.get("order", &format!("/orders?{query}")).await.problem(&[400]);
    }
    for (service, path) in [("payment", "/payments"), ("delivery", "/deliveries"), ("notify", "/notifications")] {
        shop.get(service, &format!("{path}?order_id=17")).await.problem(&[400]);
    }
}

#[tokio::test]
async fn invalid_products_and_dealers_are_refused_with_a_problem() {
    let shop = shared_shop().await;
    let tea = shop.product(5).await;
    let price = json!({"amount_minor": 250, "currency": "EUR"});
    for body in [
        json!({"name": "tea", "price": {"amount_minor": -1, "currency": "EUR"}, "stock": 1}),
        json!({"name": "tea", "price": {"amount_minor": 2.5, "currency": "EUR"}, "stock": 1}),
        json!({"name": "tea", "price": {"amount_minor": 250, "currency": "euro"}, "stock": 1}),
        json!({"name": "tea", "price": {"amount_minor": 250, "currency": "ABC"}, "stock": 1}),
        json!({"name": "tea", "price": {"amount_minor": 250, "currency": "XAU"}, "stock": 1}),
        json!({"name": "tea", "price": price, "stock": -1}),
        json!({"name": "tea", "price": price}),
        json!({"name": "", "price": price, "stock": 1}),
        json!({"name": "t\u{202e}ea", "price": price, "stock": 1}),
        json!(["tea", price, 1]),
        json!({"name": "tea", "price": [250, "EUR"], "stock": 1}),
    ] {
        let request = shop.request(Method::PUT, "inventory", &format!("/products/{tea}")).json(&body);
        shop.send(request).await.problem(&UNPROCESSABLE);
    }
    for delta in [json!(-6), json!(i64::MIN), json!(i64::MAX), json!(1.5), json!("1")] {
        let path = format!("/products/{tea}/stock");
        shop.post("inventory", &path, &json!({"delta": delta})).await.problem(&[409, 422]);
    }
    for body in [
        json!({"name": "x", "zone": "north", "capacity": -1}),
        json!({"name": "x", "zone": "NORTH POLE", "capacity": 1}),
        json!({"name": "", "zone": "north", "capacity": 1}),
        json!({"name": "x", "zone": "north"}),
    ] {
        shop.post("delivery", "/dealers", &body).await.problem(&UNPROCESSABLE);
    }
}
