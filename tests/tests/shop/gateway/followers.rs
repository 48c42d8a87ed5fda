//! Stories that are followed through the gateway: their number is bounded before order is asked.

use std::time::{Duration, Instant};

use gateway::identity::Role;
use reqwest::{Method, Response};
use shop_tests::{PATIENCE, Shop};
use testkit::until;

use super::{Visitor, id_of};

/// How many stories one caller may follow at once.
const OF_CALLER_MAX: usize = 16;
/// How long the gateway waits for an order service that is paused, at least.
const ORDER_ASKED: Duration = Duration::from_secs(3);

async fn follow(visitor: &Visitor<'_>, order_id: &str) -> Response {
    visitor.request(Method::GET, &format!("/api/orders/{order_id}/events")).send().await.unwrap()
}

#[tokio::test]
async fn a_caller_who_follows_too_many_stories_is_refused_before_order_is_asked() {
    let shop = Shop::open().await;
    let (ada, bob) = (Visitor::new(&shop, Role::Customer), Visitor::new(&shop, Role::Customer));
    let (own, other) = (id_of(&ada.order("manual", "wait=8").await), id_of(&bob.order("manual", "wait=8").await));
    let mut followers = Vec::new();
    for _ in 0..OF_CALLER_MAX {
        let follower = follow(&ada, &own).await;
        assert_eq!(follower.status(), 200);
        followers.push(follower);
    }
    let order = shop.premises.process("order");
    order.pause().unwrap();
    for _ in 0..20 {
        let begin = Instant::now();
        let refused = ada.get(&format!("/api/orders/{own}/events")).await;
        assert!(refused.retry_after.is_some_and(|seconds| seconds > 0), "{refused:?}");
        refused.problem(&[429]);
        assert!(begin.elapsed() < ORDER_ASKED, "order was asked: that took {:?}", begin.elapsed());
    }
    order.resume().unwrap();
    assert_eq!(follow(&bob, &other).await.status(), 200, "another caller");
    followers.pop();
    until("the place of a follower who has gone", PATIENCE, async || {
        let status = follow(&ada, &own).await.status();
        if status == 200 { Ok(()) } else { Err(status) }
    })
    .await;
}
