//! Several instances: of a service behind the gateway, and of the gateway.

use futures::future::join_all;
use gateway::identity::Role;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::json;
use shop_tests::{PATIENCE, Plan, Reply, Service, Shop, UNLIMITED};
use testkit::until;
use uuid::Uuid;

use super::{Visitor, body, id_of};

/// A service's first instance in the shop, a second one, and a gateway in front of both, without limits.
struct Two {
    _second: Service,
    gateway: Service,
}

impl Two {
    async fn start(shop: &Shop, name: &'static str) -> Self {
        let second = shop.premises.start(name, 1).unwrap();
        shop.premises.ready(&second).await;
        let services = shop.premises.services().iter().filter(|service| service.name != "gateway");
        let urls = services.map(|service| {
            let both = if service.name == name { format!(",{}", second.url) } else { String::new() };
            (format!("{}_URL", service.name.to_uppercase()), format!("{}{both}", service.url))
        });
        let unlimited = UNLIMITED.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings: Vec<_> = urls.chain(unlimited).collect();
        let nats = shop.premises.nats.url();
        let gateway = Service::start(&shop.premises.world, "gateway", 1, &nats, &settings).unwrap();
        shop.premises.ready(&gateway).await;
        Self { _second: second, gateway }
    }
}

/// One of two instances of order is killed while customers look at their orders, and place others.
#[tokio::test]
async fn no_request_that_may_be_sent_again_is_lost_when_one_of_two_instances_is_killed() {
    let shop = Shop::open().await;
    let two = Two::start(&shop, "order").await;
    let ada = Visitor::new(&shop, Role::Customer);
    let id = id_of(&ada.order("manual", "wait=8").await);
    let http = Client::new();
    let look = async |kills: bool| {
        if kills {
            shop.premises.process("order").kill();
        }
        let url = format!("{}/api/orders/{id}/story", two.gateway.url);
        let reply = http.get(url).bearer_auth(&ada.token).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{}", reply.text().await.unwrap());
    };
    for round in 0..10 {
        join_all((0..40).map(|number| look(round == 3 && number == 20))).await;
    }
    assert!(!two.gateway.process.log().contains("panicked"), "{}", two.gateway.process.last_lines(50));
}

/// Sends a request with an idempotency key, or without one, to raise a product's stock by one piece.
fn raise(gateway: &Service, operator: &Visitor<'_>, sku: &str, key: Option<String>) -> RequestBuilder {
    let url = format!("{}/api/products/{sku}/stock", gateway.url);
    let request = operator.shop.http().request(Method::POST, url).bearer_auth(&operator.token);
    let request = request.json(&json!({"delta": 1}));
    if let Some(key) = key { request.header("idempotency-key", key) } else { request }
}

/// One of two instances of inventory is killed while an operator raises a product's stock, one piece by each request.
#[tokio::test]
async fn a_post_with_a_key_is_never_lost_nor_done_twice_and_one_without_says_that_its_outcome_is_unknown() {
    let shop = Shop::open().await;
    let two = Two::start(&shop, "inventory").await;
    let operator = Visitor::new(&shop, Role::Operator);
    let (sku, stock_before) = (shop.product(10).await, 10);
    let send = async |number: usize, round: usize| {
        if (round, number) == (3, 20) {
            shop.premises.process("inventory").kill();
        }
        let key = number.is_multiple_of(2).then(|| Uuid::now_v7().to_string());
        (key.is_some(), shop.send(raise(&two.gateway, &operator, &sku, key)).await)
    };
    let mut replies = Vec::new();
    for round in 0..10 {
        replies.extend(join_all((0..40).map(|number| send(number, round))).await);
    }
    let (mut done, mut unknown) = (0, 0);
    for (with_key, reply) in replies {
        if reply.status == 200 {
            done += 1;
        } else {
            assert!(!with_key, "a request that may be sent again was lost: {reply:?}");
            assert_eq!(reply.problem(&[502])["type"], "urn:problem:outcome-unknown");
            unknown += 1;
        }
    }
    let look = shop.http().get(format!("{}/api/products/{sku}", two.gateway.url));
    let product = shop.send(look).await.ok();
    let raised = product["stock"].as_i64().unwrap() - stock_before;
    assert!((done..=done + unknown).contains(&raised), "{done} done, {unknown} unknown, {raised} pieces more");
}

/// Sends a request to one of two gateways.
async fn at(gateway: &Service, ada: &Visitor<'_>, key: &str) -> Reply {
    let request = ada.shop.http().post(format!("{}/api/orders", gateway.url)).bearer_auth(&ada.token);
    ada.shop.send(request.header("idempotency-key", key).json(&body("automatic"))).await
}

#[tokio::test]
async fn a_standby_gateway_accepts_orders_too_and_takes_over() {
    let shop = Shop::open().await;
    let (first, second) = (shop.premises.service("gateway"), shop.premises.start("gateway", 1).unwrap());
    shop.premises.ready(&second).await;
    let ada = Visitor::new(&shop, Role::Customer);
    let accepted = at(&second, &ada, "one").await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    ada.expect(&id_of(&accepted), "completed").await;
    assert_eq!(id_of(&at(first, &ada, "one").await), id_of(&accepted), "both know the key");
    first.process.kill();
    let id = id_of(&at(&second, &ada, "two").await);
    let look = shop.http().get(format!("{}/api/orders/{id}", second.url)).bearer_auth(&ada.token);
    until("the order of the gateway that took over to be completed", PATIENCE, async || {
        let reply = shop.send(look.try_clone().unwrap()).await;
        if reply.body["status"] == "completed" { Ok(()) } else { Err(format!("{reply:?}")) }
    })
    .await;
    assert_eq!(shop.list("order", &format!("/orders?customer_id={}", ada.id)).await.len(), 2);
}

#[tokio::test]
async fn each_gateway_counts_requests_for_itself() {
    let plan = Plan::new().set("gateway", "CUSTOMER_BURST", "3").set("gateway", "CUSTOMER_RATE", "1");
    let shop = Shop::open_with(plan).await;
    let (first, second) = (shop.premises.service("gateway"), shop.premises.start("gateway", 1).unwrap());
    shop.premises.ready(&second).await;
    let ada = Visitor::new(&shop, Role::Customer);
    let look = async |gateway: &Service| {
        shop.send(shop.http().get(format!("{}/api/products", gateway.url)).bearer_auth(&ada.token)).await
    };
    let refused = until("a refusal at the first", PATIENCE, async || {
        let reply = look(first).await;
        if reply.status == 429 { Ok(reply) } else { Err(reply.status) }
    })
    .await;
    assert!(refused.retry_after.is_some(), "{refused:?}");
    assert_eq!(look(&second).await.status, 200);
}
