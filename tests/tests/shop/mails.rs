//! Mails are sent once, whatever the mail server and a deploy do meanwhile, and only while they are true.

use serde_json::json;
use shop_tests::{Order, PATIENCE, Plan, Request, Shop};
use testkit::until;

use crate::repairs::outcomes;

/// Returns how many mails to the customer of an order have arrived; one that was sent twice counts twice.
fn arrived(shop: &Shop, order: &Order) -> usize {
    shop.all_mails().iter().filter(|mail| mail.to == order.email).count()
}

#[tokio::test]
async fn mail_that_is_being_sent_when_notify_stops_is_sent_once() {
    let shop = Shop::open_with(Plan::new().smtp()).await;
    let (smtp, notify) = (shop.premises.smtp.as_ref().unwrap(), shop.premises.service("notify").process.clone());
    smtp.process.pause().unwrap();
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    until("a mail to be on its way", PATIENCE, async || {
        let oldest = shop.metric("notify", "choreography_effects_oldest_seconds").await;
        if oldest > 0.0 { Ok(()) } else { Err("none waits") }
    })
    .await;
    let stopping = tokio::task::spawn_blocking({
        let notify = notify.clone();
        move || notify.stop()
    });
    until(
        "notify to stop",
        PATIENCE,
        async || {
            if notify.log().contains("stops: SIGTERM") { Ok(()) } else { Err("not yet") }
        },
    )
    .await;
    smtp.process.resume().unwrap();
    stopping.await.unwrap().unwrap();
    // One was on its way; the other was begun, and finished, if the mail server was faster than the stop.
    assert!(arrived(&shop, &order) >= 1, "what ran was abandoned");
    notify.restart().unwrap();
    shop.expect_mails(&order, 2).await;
    shop.expect_invariants().await;
    assert_eq!(arrived(&shop, &order), 2, "none was sent again");
}

#[tokio::test]
async fn mailbox_that_refuses_every_mail_harms_nobody_else() {
    const ORDERS: u32 = 40;
    let shop = Shop::open_with(Plan::new().smtp()).await;
    for _ in 0..ORDERS {
        let mut request = Request::new("tea", 1, "north").automatic();
        request.body["email"] = json!("gone@example.com");
        let order = shop.place(request).await;
        shop.forget(&order);
    }
    until("its mails to die", PATIENCE, async || {
        let (_, listed) = shop.dead_letters(&["list", "--limit", "1"]).await;
        if listed["matched"] == 2 * ORDERS { Ok(()) } else { Err(listed.to_string()) }
    })
    .await;
    let (_, listed) = shop.dead_letters(&["list", "--limit", "1"]).await;
    let dead_letter = &listed["dead_letters"][0];
    assert_eq!((&dead_letter["reason"], &dead_letter["tries"]), (&json!("poison"), &json!(1)), "{listed}");
    let order = shop.order_automatic("tea", 1, "south").await;
    shop.expect_mails(&order, 2).await;
}

#[tokio::test]
async fn mail_that_is_not_true_any_more_is_not_sent_when_it_is_replayed_and_its_record_says_why() {
    let plan = Plan::new().smtp().set("notify", "EFFECT_TIME_MAX", "1ms");
    let shop = Shop::open_with(plan).await;
    let smtp = shop.premises.smtp.as_ref().unwrap();
    smtp.process.kill();
    let order = shop.order_automatic("tea", 1, "nowhere").await;
    shop.expect(&order, "cancelled").await;
    let dead = until("both mails to die", PATIENCE, async || {
        let (_, listed) = shop.dead_letters(&["list", "--key", &order.id]).await;
        let sequences: Vec<_> = listed["dead_letters"].as_array().into_iter().flatten().collect();
        let sequences: Vec<String> = sequences.iter().map(|letter| letter["sequence"].to_string()).collect();
        if sequences.len() == 2 { Ok(sequences) } else { Err(listed.to_string()) }
    })
    .await;
    smtp.restart().unwrap();
    let (paid, cancelled) = (&dead[0], &dead[1]);
    let (code, replayed) = shop.dead_letters(&["replay", cancelled]).await;
    assert_eq!((code, outcomes(&replayed)), (0, vec!["done"]), "{replayed}");
    shop.expect_mails(&order, 1).await;
    let (code, replayed) = shop.dead_letters(&["replay", paid]).await;
    assert_eq!((code, outcomes(&replayed)), (4, vec!["nothing"]), "{replayed}");
    assert!(replayed.to_string().contains("the customer was mailed already that the order is cancelled"), "{replayed}");
    assert_eq!(arrived(&shop, &order), 1);
    let mails = shop.get("notify", &format!("/notifications?order_id={}", order.id)).await.ok();
    assert_eq!((&mails["items"][0]["mail"], &mails["items"][0]["skipped"]), (&json!("skipped"), &json!("outdated")));
}
