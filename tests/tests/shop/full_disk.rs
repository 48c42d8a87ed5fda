//! A service's disk is full: real failures of the file system. The database's log is longer than the limit of the
//! service's files, so that every write to it fails; the service's own log stays below the limit.

use std::time::{Duration, Instant};

use shop_tests::{PATIENCE, Plan, Request, Shop};
use testkit::until;

use crate::absences::{expect_each_stored_once, expect_forgotten, kept};
use crate::circuit::expect_states;
use crate::repairs::expect_no_dead_letters;
use crate::steady::{Tally, customers};
use crate::storage::expect_unready;

const FILE_BYTES_MAX: u64 = 64 * 1_024;

/// Lets a service write nothing more, and waits until it says so.
async fn fill_disk(shop: &Shop, service: &str) {
    let log = shop.premises.service(service).database.with_extension("db-wal");
    let written = std::fs::metadata(log).unwrap().len();
    assert!(written > FILE_BYTES_MAX, "{written} bytes");
    shop.premises.process(service).limit_files(Some(FILE_BYTES_MAX)).unwrap();
    expect_unready(shop, service, &["database", "disk I/O error"]).await;
}

#[tokio::test]
async fn subscriber_with_a_full_disk_is_overdue_so_the_intake_refuses_until_it_can_write_and_nothing_is_done_twice() {
    const CUSTOMER_EVERY: Duration = Duration::from_millis(125);
    const OVERDUE_AFTER: Duration = Duration::from_secs(3);
    /// Two cycles of the breaker, and a busy machine.
    const NOTICED_AFTER: Duration = Duration::from_secs(15);
    let shop = Shop::open_with(Plan::new().set("order", "OVERDUE_AFTER", "3s")).await;
    let (tally, delivery) = (Tally::default(), shop.premises.process("delivery"));
    let first = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&first, "completed").await;
    let customer =
        async |_| drop(tally.order(&shop, Request::new("tea", 1, "south").automatic(), "circuit-open").await);
    customers(CUSTOMER_EVERY, customer, async {
        let full_at = Instant::now();
        fill_disk(&shop, "delivery").await;
        let waits = shop.order_automatic("tea", 1, "north").await;
        expect_states(&shop, "order", "create-delivery", &["closed", "half-open"]).await;
        let noticed_after = full_at.elapsed();
        assert!(noticed_after < OVERDUE_AFTER + NOTICED_AFTER, "noticed after {noticed_after:?}");
        expect_states(&shop, "order", "create-delivery", &["half-open", "open"]).await;
        tally.expect_refused(1).await;
        assert_eq!(shop.look(&waits).await["status"], "confirmed");
        assert_eq!(delivery.ended(), None);
        expect_unready(&shop, "delivery", &["database", "disk I/O error"]).await;
        delivery.limit_files(None).unwrap();
        shop.premises.ready(shop.premises.service("delivery")).await;
        shop.expect(&waits, "completed").await;
        expect_states(&shop, "order", "create-delivery", &["open", "half-open", "closed"]).await;
        tally.expect_accepted(1).await;
    })
    .await;
    let log = delivery.log();
    assert!(
        log.len() < FILE_BYTES_MAX as usize && log.matches("WARN").count() < 10,
        "the failure is logged too often:\n{log}"
    );
    shop.expect_invariants().await;
    expect_no_dead_letters(&shop).await;
}

/// A step that arrived in time is processed, however late; the steps that follow from it have its deadline, and expire.
#[tokio::test]
async fn database_full_for_longer_than_steps_last_and_messages_are_kept_compensates_old_steps_and_all_else_goes_on() {
    let deadline = kept() + Duration::from_secs(8);
    let plan = Plan::new().set_all("OUTBOX_KEPT", format!("{}s", kept().as_secs()));
    let plan = plan.set_all("MESSAGE_DEADLINE", format!("{}s", deadline.as_secs())).set_all("OVERDUE_AFTER", "1h");
    let shop = Shop::open_with(plan.set("payment", "PAYMENT_DEADLINE", "1h")).await;
    let (paid, cancelled) = (shop.order("tea", 1, "north").await, shop.order("tea", 2, "north").await);
    shop.payment(&paid).await;
    shop.payment(&cancelled).await;
    fill_disk(&shop, "inventory").await;
    let late = [shop.order_automatic("tea", 1, "north").await, shop.order("tea", 1, "south").await];
    let expired_at = Instant::now() + deadline;
    shop.confirm(&paid).await;
    shop.cancel(&cancelled).await;
    shop.expect(&paid, "completed").await;
    shop.expect(&cancelled, "cancelled").await;
    until("the steps to expire", deadline + PATIENCE, async || {
        if Instant::now() > expired_at { Ok(()) } else { Err("they are not old enough") }
    })
    .await;
    for neighbour in ["order", "payment", "delivery", "notify"] {
        expect_forgotten(&shop, neighbour).await;
    }
    let fresh = shop.order_automatic("tea", 1, "south").await;
    shop.premises.process("inventory").limit_files(None).unwrap();
    shop.expect(&fresh, "completed").await;
    for order in &late {
        assert_eq!(shop.expect(order, "cancelled").await["reason"], "failed");
    }
    let (_, listed) = shop.dead_letters(&["list"]).await;
    let dead: Vec<_> = listed["dead_letters"].as_array().into_iter().flatten().collect();
    assert_eq!(dead.len(), late.len(), "{listed}");
    for letter in dead {
        assert!(late.iter().any(|order| letter["key"] == order.id), "{letter}");
        assert_eq!(letter["reason"], "expired", "{letter}");
    }
    shop.expect_invariants().await;
    expect_each_stored_once(&shop).await;
}

#[tokio::test]
async fn mail_that_was_sent_while_notify_could_not_write_for_longer_than_it_may_be_tried_is_sent_once_and_dies_not() {
    const EFFECT_TIME_MAX: Duration = Duration::from_secs(2);
    let plan = Plan::new().smtp().set("notify", "EFFECT_TIME_MAX", "2s").set("notify", "OUTBOX_KEPT", "2s");
    let shop = Shop::open_with(plan).await;
    let smtp = shop.premises.smtp.as_ref().unwrap();
    let first = shop.order_automatic("tea", 1, "north").await;
    shop.expect_mails(&first, 2).await;
    smtp.process.pause().unwrap();
    let order = shop.order("tea", 1, "north").await;
    shop.cancel(&order).await;
    until("the mail to be on its way", PATIENCE, async || {
        let waiting = shop.metric("notify", "choreography_effects_waiting").await;
        if waiting > 0.0 { Ok(()) } else { Err("none waits") }
    })
    .await;
    fill_disk(&shop, "notify").await;
    smtp.process.resume().unwrap();
    shop.expect_mails(&order, 1).await;
    let over_at = Instant::now() + EFFECT_TIME_MAX * 2;
    until("the time of the mail to be over", PATIENCE, async || {
        if Instant::now() > over_at { Ok(()) } else { Err("it is not") }
    })
    .await;
    assert_eq!(shop.count_published("notify", "customer-notified", &order.id).await, 0, "notify could write");
    shop.premises.process("notify").limit_files(None).unwrap();
    shop.expect_published("notify", "customer-notified", &order.id).await;
    shop.expect_invariants().await;
    let arrived = shop.all_mails().into_iter().filter(|mail| mail.to == order.email).count();
    assert_eq!(arrived, 1, "the mail was sent again");
    expect_no_dead_letters(&shop).await;
}
