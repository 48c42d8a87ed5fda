//! Parts of the shop fail, and it fails well: it slows its intake down, loses nothing, and goes on by itself.

use serde_json::json;
use shop_tests::{PATIENCE, Plan, Shop};
use testkit::until;

use crate::repairs::{outcomes, the_letter_of};

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
    smtp.process.again().unwrap();
    shop.expect_mails(&order, 2).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn a_mail_that_was_given_up_is_sent_when_its_letter_is_replayed() {
    let plan = Plan::new().smtp().set("notify", "EFFECT_TRIES_MAX", "2").set("notify", "EFFECT_BACKOFF", "100ms");
    let shop = Shop::open_with(plan).await;
    let smtp = shop.premises.smtp.as_ref().unwrap();
    smtp.process.kill();
    let order = shop.order("tea", 1, "north").await;
    shop.cancel(&order).await;
    let letter = the_letter_of(&shop, &order).await;
    assert_eq!((&letter["service"], &letter["reason"]), (&json!("notify"), &json!("exhausted")));
    smtp.process.again().unwrap();
    let fingerprint = letter["fingerprint"].as_str().unwrap();
    until("the mail server to take mails again", PATIENCE, async || {
        let (_, replayed) = shop.dead_letters(&["replay", "--fingerprint", fingerprint]).await;
        if outcomes(&replayed) == ["done"] { Ok(()) } else { Err(replayed.to_string()) }
    })
    .await;
    shop.expect_mails(&order, 1).await;
    shop.expect_invariants().await;
}
