//! Parts of the shop fail: it slows its intake down, loses nothing, and recovers by itself.

use std::time::Duration;

use serde_json::json;
use shop_tests::{PATIENCE, Plan, Request, Shop};
use testkit::until;

use crate::repairs::{expect_dead_letter_of, expect_no_dead_letters, outcomes};
use crate::steady::{Tally, customers};

#[tokio::test]
async fn mails_wait_for_their_server_and_arrive_once_when_it_is_back() {
    let shop = Shop::open_with(Plan::new().smtp()).await;
    let smtp = shop.premises.smtp.as_ref().unwrap();
    smtp.process.kill();
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    until("notify to have tried", PATIENCE, async || {
        let log = shop.premises.process("notify").log();
        if log.contains("is tried again") { Ok(()) } else { Err("not yet") }
    })
    .await;
    smtp.restart().unwrap();
    shop.expect_mails(&order, 2).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn mail_whose_message_died_is_sent_when_its_dead_letter_is_replayed() {
    let plan = Plan::new().smtp().set("notify", "EFFECT_TIME_MAX", "300ms").set("notify", "EFFECT_BACKOFF", "100ms");
    let shop = Shop::open_with(plan).await;
    let smtp = shop.premises.smtp.as_ref().unwrap();
    smtp.process.kill();
    let order = shop.order("tea", 1, "north").await;
    shop.cancel(&order).await;
    let dead_letter = expect_dead_letter_of(&shop, &order).await;
    assert_eq!((&dead_letter["service"], &dead_letter["reason"]), (&json!("notify"), &json!("exhausted")));
    smtp.restart().unwrap();
    let fingerprint = dead_letter["fingerprint"].as_str().unwrap();
    let (code, replayed) = shop.dead_letters(&["replay", "--fingerprint", fingerprint]).await;
    assert_eq!((code, outcomes(&replayed)), (0, vec!["done"]), "{replayed}");
    shop.expect_mails(&order, 1).await;
    shop.expect_invariants().await;
}

async fn customer(shop: &Shop, tally: &Tally, refusal: &str) {
    tally.order(shop, Request::new("tea", 1, "south").automatic(), refusal).await;
}

/// Allows for the backlog being counted once a second: up to two seconds of orders may exceed it.
#[tokio::test]
async fn without_the_server_orders_are_accepted_until_the_backlog_is_full_and_all_of_them_end() {
    const BACKLOG_MAX: u32 = 60;
    const CUSTOMER_EVERY: Duration = Duration::from_millis(40);
    let shop = Shop::open_with(Plan::new().set("order", "BACKLOG_MAX", BACKLOG_MAX.to_string())).await;
    let tally = Tally::default();
    customers(CUSTOMER_EVERY, async |_| customer(&shop, &tally, "backlog-full").await, async {
        tally.expect_accepted(BACKLOG_MAX * 2).await;
        assert_eq!(tally.refused(), 0, "published messages are no backlog");
        shop.premises.process("nats-server").kill();
        let before = tally.accepted();
        tally.expect_refused(25).await;
        let accepted = tally.accepted() - before;
        let wanted = BACKLOG_MAX / 2..BACKLOG_MAX + 50;
        assert!(wanted.contains(&accepted), "{accepted} were accepted without the server");
        tally.expect_refused(25).await;
        assert_eq!(tally.accepted(), before + accepted, "some were accepted while others were refused");
        shop.premises.nats.restart().unwrap();
        tally.expect_accepted(25).await;
    })
    .await;
    shop.expect_invariants().await;
    expect_no_dead_letters(&shop).await;
}
