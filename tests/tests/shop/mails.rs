//! Mails are sent once, whatever the mail server and a deploy do meanwhile, and only while they are true.

use std::cell::Cell;

use serde_json::json;
use shop_tests::{Order, PATIENCE, Plan, Request, Shop};
use testkit::until;

use crate::repairs::{dead_letter_of, outcomes};

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

/// The first two processes die unsuspecting: one crash may be chance. The next two try the mail by itself.
#[tokio::test]
async fn mail_whose_sending_kills_the_process_four_times_dies_alone_and_the_next_of_its_order_is_sent() {
    const DEATHS: u32 = 4;
    let fault = r#"abort-effect:order-updated:deadly@example.com","status":"paid"#;
    let shop = Shop::open_with(Plan::new().smtp().set("notify", "FAULT", fault)).await;
    let notify = shop.premises.process("notify");
    let mut request = Request::new("tea", 1, "north").automatic();
    request.body["email"] = json!("deadly@example.com");
    let (doomed, well) = (shop.place(request).await, shop.order_automatic("tea", 1, "south").await);
    for order in [&doomed, &well] {
        shop.expect(order, "completed").await;
    }
    let deaths = Cell::new(0);
    let dead_letter = until("the mail to die", PATIENCE * 2, async || {
        if notify.ended().is_some() {
            deaths.set(deaths.get() + 1);
            assert!(deaths.get() <= DEATHS, "it dies again and again");
            notify.restart().unwrap();
        }
        dead_letter_of(&shop, &doomed).await
    })
    .await;
    assert_eq!(deaths.get(), DEATHS);
    assert_eq!((&dead_letter["service"], &dead_letter["reason"]), (&json!("notify"), &json!("poison")));
    shop.expect_mails(&well, 2).await;
    until("the order's next mail", PATIENCE, async || {
        let mails: Vec<_> = shop.all_mails().into_iter().filter(|mail| mail.to == "deadly@example.com").collect();
        let is_next = |mails: &[shop_tests::Mail]| mails.len() == 1 && mails[0].subject.contains("is on its way");
        if is_next(&mails) { Ok(()) } else { Err(format!("{mails:?}")) }
    })
    .await;
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
