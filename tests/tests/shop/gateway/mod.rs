//! The public door: orders, payments and everything else through the gateway, on real processes.

mod closed;
mod followers;
mod instances;
mod killed;
mod strangers;

use std::time::Duration;

use gateway::identity::{Identity, Role};
use gateway::tokens::{TokenCommand, TokenSettings};
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use shop_tests::{PATIENCE, Reply, Shop};
use testkit::until;
use uuid::Uuid;

use crate::outcomes::shared_shop;

/// A customer, or an operator, with a token.
struct Visitor<'a> {
    shop: &'a Shop,
    id: Uuid,
    token: String,
}

impl<'a> Visitor<'a> {
    fn new(shop: &'a Shop, role: Role) -> Self {
        let id = Uuid::now_v7();
        let command = TokenCommand {
            customer: Identity { customer_id: id.into(), role }.customer_id,
            operator: role == Role::Operator,
            lifetime: Duration::from_secs(600),
        };
        let settings = TokenSettings {
            token_keys: None,
            token_issuer: "shop-development".to_owned(),
            token_audience: "shop".to_owned(),
        };
        Self { shop, id, token: command.token(&settings, Timestamp::now()).unwrap() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.shop.request(method, "gateway", path).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Reply {
        self.shop.send(self.request(Method::GET, path)).await
    }

    /// Returns a request for an order, for the test to complete.
    fn place(&self, confirmation: &str) -> RequestBuilder {
        self.request(Method::POST, "/api/orders").json(&body(confirmation))
    }

    async fn order(&self, confirmation: &str, wait: &str) -> Reply {
        self.shop.send(self.place(confirmation).header("prefer", wait)).await
    }

    /// Waits until an order has a status.
    async fn expect(&self, order_id: &str, status: &str) -> Value {
        until(format_args!("order {order_id} to be {status}"), PATIENCE, async || {
            let reply = self.get(&format!("/api/orders/{order_id}")).await;
            if reply.body["status"] == status { Ok(reply.body) } else { Err(format!("{reply:?}")) }
        })
        .await
    }
}

fn body(confirmation: &str) -> Value {
    json!({
        "lines": [{"sku": "tea", "quantity": 1}],
        "address": {"zone": "north", "line": "1 Hill Road"},
        "confirmation": confirmation,
    })
}

fn id_of(reply: &Reply) -> String {
    reply.body["id"].as_str().unwrap_or_else(|| panic!("no id: {reply:?}")).to_owned()
}

#[tokio::test]
async fn an_order_that_is_accepted_while_order_is_down_completes_once_it_is_up() {
    let shop = Shop::open().await;
    let ada = Visitor::new(&shop, Role::Customer);
    shop.premises.process("order").kill();
    let reply = ada.order("automatic", "wait=0").await;
    assert_eq!((reply.status, &reply.body["status"]), (202, &json!("accepted")), "{reply:?}");
    let id = id_of(&reply);
    assert_eq!(reply.location, Some(format!("/api/orders/{id}")));
    assert_eq!(ada.get(&format!("/api/orders/{id}")).await.ok()["status"], "accepted");
    let bob = Visitor::new(&shop, Role::Customer);
    bob.get(&format!("/api/orders/{id}")).await.problem(&[404]);
    shop.premises.process("order").restart().unwrap();
    let order = ada.expect(&id, "completed").await;
    assert_eq!(order["customer_id"], ada.id.to_string());
    bob.get(&format!("/api/orders/{id}")).await.problem(&[404]);
}

#[tokio::test]
async fn a_customer_who_waits_is_told_the_outcome_and_pays_by_the_order() {
    let shop = shared_shop().await;
    let ada = Visitor::new(&shop, Role::Customer);
    let automatic = ada.order("automatic", "wait=8").await;
    assert_eq!((automatic.status, &automatic.body["status"]), (201, &json!("completed")), "{automatic:?}");
    // The shop's first page leads to its second by the order's own id.
    let id = Uuid::now_v7();
    let place =
        || ada.request(Method::POST, &format!("/api/order/{id}")).header("prefer", "wait=8").json(&body("manual"));
    let manual = shop.send(place()).await;
    assert_eq!((manual.status, &manual.body["status"]), (201, &json!("pending")), "{manual:?}");
    assert!(manual.body["payment_id"].is_string(), "{manual:?}");
    let again = shop.send(place()).await;
    assert_eq!((again.status, id_of(&again)), (201, id.to_string()));
    assert_eq!(ada.get(&format!("/api/order/{id}")).await.ok()["id"], id.to_string());
    let pay = || ada.request(Method::POST, "/api/payment").json(&json!({"order_id": id}));
    shop.send(pay()).await.ok();
    ada.expect(&id.to_string(), "completed").await;
    shop.send(pay()).await.ok();
    let stranger = Visitor::new(&shop, Role::Customer);
    let stolen = stranger.request(Method::POST, &format!("/api/order/{id}")).json(&body("manual"));
    shop.send(stolen).await.problem(&[409]);
    shop.send(stranger.request(Method::POST, "/api/payment").json(&json!({"order_id": id}))).await.problem(&[404]);
}

#[tokio::test]
async fn an_address_that_is_no_text_is_answered_with_a_problem() {
    let shop = shared_shop().await;
    let ada = Visitor::new(&shop, Role::Customer);
    for path in ["/api/products/%ff", "/api/payments/%ff", "/api/customers/%ff", "/api/wallets/%ff/operations"] {
        ada.get(path).await.problem(&[400]);
    }
}

#[tokio::test]
async fn what_belongs_to_another_customer_is_not_there_and_an_operator_reaches_it() {
    let shop = shared_shop().await;
    let (ada, bob) = (Visitor::new(&shop, Role::Customer), Visitor::new(&shop, Role::Customer));
    let operator = Visitor::new(&shop, Role::Operator);
    let order = ada.order("automatic", "wait=8").await;
    let (order, id) = (order.clone().ok(), id_of(&order));
    let [payment, delivery] = ["payment_id", "delivery_id"].map(|field| order[field].as_str().unwrap().to_owned());
    let profile = json!({"name": "Ada", "email": "ada@example.com", "addresses": []});
    let own = format!("/api/customers/{}", ada.id);
    shop.send(ada.request(Method::PUT, &own).json(&profile)).await.ok();
    for path in [
        format!("/api/orders/{id}"),
        format!("/api/order/{id}"),
        format!("/api/orders/{id}/story"),
        format!("/api/orders/{id}/events"),
        format!("/api/orders?customer_id={}", ada.id),
        format!("/api/payments/{payment}"),
        format!("/api/payments?order_id={id}"),
        format!("/api/deliveries/{delivery}"),
        format!("/api/deliveries?order_id={id}"),
        format!("/api/notifications?order_id={id}"),
        format!("/api/wallets/{}", ada.id),
        format!("/api/wallets/{}/operations", ada.id),
        own,
    ] {
        let status = async |visitor: &Visitor<'_>| visitor.get(&path).await.status;
        assert_eq!((status(&ada).await, status(&bob).await, status(&operator).await), (200, 404, 200), "{path}");
        let reply = shop.send(shop.request(Method::GET, "gateway", &path)).await;
        assert_eq!(reply.status, 401, "{path} without a token");
    }
    for path in [format!("/api/orders/{id}/cancel"), format!("/api/payments/{payment}/confirm")] {
        shop.send(bob.request(Method::POST, &path)).await.problem(&[404]);
    }
    bob.get("/api/dealers").await.problem(&[403]);
    assert!(!operator.get("/api/dealers").await.ok()["items"].as_array().unwrap().is_empty());
    assert_eq!(bob.get("/api/orders").await.ok()["items"], json!([]));
    assert_eq!(ada.get("/api/orders").await.ok()["items"][0]["id"], id);
    assert_eq!(shop.get("gateway", "/api/products/tea").await.ok()["sku"], "tea");
}

#[tokio::test]
async fn a_story_is_followed_through_the_gateway_and_continued_where_it_was() {
    let shop = shared_shop().await;
    let ada = Visitor::new(&shop, Role::Customer);
    let id = id_of(&ada.order("automatic", "wait=0").await);
    let path = format!("/api/orders/{id}/events");
    let story = ada.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(story.headers()["content-type"], "text/event-stream");
    let story = story.text().await.unwrap();
    let ids: Vec<&str> = story.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert!(story.contains("event: create-order") && story.contains("event: customer-notified"), "{story}");
    let rest = ada.request(Method::GET, &path).header("last-event-id", ids[ids.len() - 3]).send().await.unwrap();
    let rest = rest.text().await.unwrap();
    assert_eq!(rest.lines().filter(|line| line.starts_with("id: ")).count(), 2, "{rest}");
}
