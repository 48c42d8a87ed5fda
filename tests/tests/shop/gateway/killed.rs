//! The gateway is killed after it has accepted an order, and before it has said so: sent again, it is the same order.

use std::pin::pin;

use futures::future::{Either, join_all, select};
use gateway::identity::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use shop_tests::{PATIENCE, Reply, Shop};
use testkit::until;
use uuid::Uuid;

use super::{Visitor, body, id_of};

/// Sends a request until the gateway responds.
async fn again(shop: &Shop, request: RequestBuilder) -> Reply {
    until("a response of the gateway", PATIENCE, async || {
        let reply = shop.try_send(request.try_clone().unwrap()).await.map_err(|error| format!("{error:?}"))?;
        if [409, 429, 503].contains(&reply.status) { Err(format!("{reply:?}")) } else { Ok(reply) }
    })
    .await
}

/// Sends a request whose outcome takes long, and kills the gateway while it waits for it.
async fn killed_while_it_waits(shop: &Shop, request: RequestBuilder) {
    let accepted = until("the order to be published", PATIENCE, async || {
        let published = shop.published("gateway.create-order.*").await.len();
        if published == 1 { Ok(()) } else { Err(published) }
    });
    match select(pin!(shop.try_send(request)), pin!(accepted)).await {
        Either::Left((reply, _)) => panic!("there is an outcome while order is down: {reply:?}"),
        Either::Right(((), waiting)) => {
            shop.premises.process("gateway").kill();
            waiting.await.expect_err("it is killed before it responds");
        }
    }
    shop.kill_and_restart("gateway").await;
}

async fn the_same_order_once(shop: &Shop, ada: &Visitor<'_>, request: RequestBuilder) -> String {
    let order = shop.premises.process("order");
    order.kill();
    killed_while_it_waits(shop, request.try_clone().unwrap().header("prefer", "wait=8")).await;
    let first = again(shop, request.try_clone().unwrap()).await;
    let second = again(shop, request).await;
    assert_eq!((first.status, id_of(&first)), (202, id_of(&second)));
    order.restart().unwrap();
    shop.premises.ready(shop.premises.service("order")).await;
    ada.expect(&id_of(&first), "completed").await;
    let orders = shop.list("order", &format!("/orders?customer_id={}", ada.id)).await;
    assert_eq!(orders.iter().map(|order| &order["id"]).collect::<Vec<&Value>>(), [&first.body["id"]]);
    assert_eq!(shop.published("gateway.create-order.*").await.len(), 1);
    id_of(&first)
}

#[tokio::test]
async fn an_order_whose_gateway_was_killed_before_it_responded_is_the_same_under_its_key() {
    let shop = Shop::open().await;
    let ada = Visitor::new(&shop, Role::Customer);
    the_same_order_once(&shop, &ada, ada.place("automatic").header("idempotency-key", "ada-1")).await;
}

#[tokio::test]
async fn an_order_whose_gateway_was_killed_before_it_responded_is_the_same_under_its_id() {
    let shop = Shop::open().await;
    let (ada, id) = (Visitor::new(&shop, Role::Customer), Uuid::now_v7());
    let request = ada.request(Method::POST, &format!("/api/order/{id}")).json(&body("automatic"));
    assert_eq!(the_same_order_once(&shop, &ada, request).await, id.to_string());
}

/// Some requests are killed before their commit, some between it and the response.
#[tokio::test]
async fn orders_under_load_whose_gateway_is_killed_are_each_accepted_once() {
    const ORDERS: usize = 60;
    let shop = Shop::open().await;
    let ada = Visitor::new(&shop, Role::Customer);
    let place = async |number: usize| {
        if number == ORDERS / 2 {
            shop.premises.process("gateway").kill();
            shop.kill_and_restart("gateway").await;
        }
        let request = ada.place("manual").header("idempotency-key", format!("ada-{number}"));
        id_of(&again(&shop, request).await)
    };
    let mut ids = join_all((0..ORDERS).map(place)).await;
    for id in &ids {
        ada.expect(id, "pending").await;
    }
    let mut known: Vec<String> = shop
        .list("order", &format!("/orders?customer_id={}&limit=100", ada.id))
        .await
        .iter()
        .map(|order| order["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    known.sort();
    assert_eq!(known, ids);
}
