//! The contact look-up: notify asks customer how a customer is reached, by a service of the message server.

use std::time::Duration;

use async_nats::ConnectOptions;
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use shop_tests::{PATIENCE, Request, SERVICES, Shop};
use testkit::until;
use uuid::Uuid;

use crate::intruder::Intruder;

/// Returns a request for an automatic order without an address, whose customer's profile has the address.
async fn request_of_profile(shop: &Shop) -> Request {
    let mut request = Request::new("tea", 1, "north").automatic();
    let email = request.body["email"].take();
    let path = format!("/customers/{}", request.body["customer_id"].as_str().unwrap());
    let profile = json!({"name": "Ada Lovelace", "email": email});
    shop.send(shop.request(Method::PUT, "customer", &path).json(&profile)).await.ok();
    request
}

/// Returns the replies of this many instances to a request of the service API.
async fn replies(shop: &Shop, subject: &'static str, count: usize) -> Vec<Value> {
    let client = shop.admin().await;
    until(format_args!("{count} replies to {subject}"), PATIENCE, async || {
        let inbox = client.new_inbox();
        let replies = client.subscribe(inbox.clone()).await.unwrap();
        client.publish_with_reply(subject, inbox, "".into()).await.unwrap();
        let replies = replies.take_until(tokio::time::sleep(Duration::from_secs(1))).take(count);
        let replies: Vec<Value> =
            replies.filter_map(async |reply| serde_json::from_slice(&reply.payload).ok()).collect().await;
        if replies.len() == count { Ok(replies) } else { Err(format!("{replies:?}")) }
    })
    .await
}

#[tokio::test]
async fn mail_waits_while_customer_is_down_and_the_order_does_not() {
    let shop = Shop::open().await;
    let request = request_of_profile(&shop).await;
    let customer = shop.premises.service("customer");
    customer.process.kill();
    let order = shop.place(request).await;
    let completed = shop.expect(&order, "completed").await;
    assert_eq!(completed["notified"], Value::Null);
    let with_address = shop.order_automatic("tea", 1, "north").await;
    let mails = shop.expect_mails(&with_address, 2).await;
    assert!(mails.iter().all(|mail| mail.text.starts_with("Hello,")), "{mails:?}");
    let queued = shop.list("notify", &format!("/notifications?order_id={}", order.id)).await;
    assert!(queued.iter().all(|mail| mail["mail"] == "queued" && mail["to"].is_null()), "{queued:?}");
    customer.process.restart().unwrap();
    let mails = shop.expect_mails(&order, 2).await;
    assert!(mails.iter().all(|mail| mail.text.starts_with("Hello Ada Lovelace,")), "{mails:?}");
    shop.expect_saga_over(&order).await;
    let sent = shop.list("notify", &format!("/notifications?order_id={}", order.id)).await;
    assert!(sent.iter().all(|mail| mail["mail"] == "sent" && mail["to"] == order.email), "{sent:?}");
    shop.premises.ready(customer).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn two_instances_share_the_look_ups_and_one_that_is_killed_loses_no_mail() {
    const ORDERS: usize = 20;
    let shop = Shop::open().await;
    let second = shop.premises.start("customer", 1).unwrap();
    shop.premises.ready(&second).await;
    replies(&shop, "$SRV.PING.customer", 2).await;
    let (mut requests, mut orders) = (Vec::new(), Vec::new());
    for _ in 0..2 * ORDERS {
        requests.push(request_of_profile(&shop).await);
    }
    for request in requests.drain(ORDERS..) {
        orders.push(shop.place(request).await);
    }
    for order in &orders {
        shop.expect_mails(order, 2).await;
    }
    let shared = replies(&shop, "$SRV.STATS.customer", 2).await;
    let counts = shared.iter().map(|stats| stats["endpoints"][0]["num_requests"].as_u64().unwrap());
    assert!(counts.clone().all(|count| count > 0) && counts.sum::<u64>() == 2 * ORDERS as u64, "{shared:?}");
    for (index, request) in requests.into_iter().enumerate() {
        if index == ORDERS / 2 {
            shop.premises.process("customer").kill();
        }
        orders.push(shop.place(request).await);
    }
    for order in &orders {
        let mails = shop.expect_mails(order, 2).await;
        assert!(mails.iter().all(|mail| mail.text.starts_with("Hello Ada Lovelace,")), "{mails:?}");
    }
    replies(&shop, "$SRV.PING.customer", 1).await;
    shop.premises.process("customer").restart().unwrap();
    shop.expect_invariants().await;
}

#[tokio::test]
async fn the_servers_service_api_shows_the_look_up_and_only_notify_may_ask() {
    let shop = Shop::open().await;
    let client = shop.admin().await;
    for (subject, kind) in [("$SRV.PING", "ping"), ("$SRV.INFO.customer", "info"), ("$SRV.STATS.customer", "stats")] {
        let reply = replies(&shop, subject, 1).await.remove(0);
        assert_eq!(reply["type"], format!("io.nats.micro.v1.{kind}_response"), "{reply}");
        assert_eq!(reply["name"], "customer");
        if kind != "ping" {
            assert_eq!(reply["endpoints"][0]["subject"], "customer.contact", "{reply}");
        }
        let by_id = format!("$SRV.PING.customer.{}", reply["id"].as_str().unwrap());
        client.request(by_id, "".into()).await.unwrap();
    }
    let notify = shop.connect("notify", ConnectOptions::new()).await;
    let ada = json!({"customer_id": "0198c0de-0000-7000-8000-000000000001"});
    let nobody = json!({"customer_id": Uuid::now_v7()});
    for (request, code) in [(ada, None), (nobody, Some("404")), (json!({}), Some("400"))] {
        let reply = notify.request("customer.contact", request.to_string().into()).await.unwrap();
        let refused = reply.headers.as_ref().and_then(|headers| headers.get("Nats-Service-Error-Code"));
        assert_eq!(refused.map(ToString::to_string).as_deref(), code, "{request}: {reply:?}");
        if code.is_none() {
            let contact: Value = serde_json::from_slice(&reply.payload).unwrap();
            assert_eq!(contact, json!({"name": "Ada Lovelace", "email": "ada@example.com"}));
        }
    }
    for user in SERVICES.into_iter().filter(|user| *user != "notify") {
        let intruder = Intruder::with_password_of(&shop, user).await;
        intruder.is_refused_to_publish(&["customer.contact".to_owned()]).await;
        if user != "customer" {
            let subjects = ["customer.contact", "$SRV.>", "$SRV.PING", "$SRV.INFO.customer"].map(str::to_owned);
            intruder.is_refused_to_subscribe(&subjects).await;
        }
    }
}
