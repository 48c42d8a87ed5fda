//! More than one instance of a service, and connections that are cut.

use std::collections::{BTreeMap, BTreeSet};

use shop_tests::{Plan, SERVICES, Shop};
use testkit::{Process, until};

use crate::mixed;

#[tokio::test]
async fn second_instance_takes_over_and_the_first_does_no_harm_when_it_resumes() {
    let shop = Shop::open().await;
    let mut others = Vec::new();
    for name in SERVICES {
        others.push(shop.premises.start(name, 1).unwrap());
    }
    for other in &others {
        shop.premises.ready(other).await;
    }
    mixed::orders(&shop, 100, async |placed| {
        // One after the other: a paused instance does not respond to HTTP requests either.
        for (service, count) in ["inventory", "delivery", "notify"].into_iter().zip([20, 40, 60]) {
            mixed::placed(placed, count).await;
            pause_between_commits(shop.premises.process(service)).await;
            until(format_args!("the other {service} to take over"), shop_tests::PATIENCE, async || {
                let stream = shop.jetstream().await.get_stream("EVENTS").await.unwrap();
                let other = stream.consumer_info(format!("{service}-1")).await.unwrap();
                let delivered = other.delivered.stream_sequence;
                if delivered > 0 && other.num_pending == 0 { Ok(()) } else { Err(format!("{other:?}")) }
            })
            .await;
            shop.premises.process(service).resume().unwrap();
        }
    })
    .await;
    shop.expect_invariants().await;
}

/// Pauses a process between two commits: one that is paused in the middle of a commit would keep the database file
/// locked for the others.
async fn pause_between_commits(process: &Process) {
    until(format_args!("{} to be between commits", process.name()), shop_tests::PATIENCE, async || {
        process.pause().unwrap();
        if !process.holds_write_lock() {
            return Ok(());
        }
        process.resume().unwrap();
        Err("it holds the write lock")
    })
    .await;
}

#[tokio::test]
async fn connection_cut_in_the_middle_of_publishing_keeps_the_order_of_messages() {
    let shop = Shop::open_with(Plan::new().through_proxy("order")).await;
    let proxy = shop.premises.proxy("order");
    mixed::orders(&shop, 200, async |placed| {
        // In the middle of a message, each time of another kind.
        for (number, count) in [20, 60, 100, 140].into_iter().enumerate() {
            mixed::placed(placed, count).await;
            proxy.cut_after(3_000 + 1_777 * u32::try_from(number).unwrap());
            until("the connection to be cut", shop_tests::PATIENCE, async || {
                let cuts = proxy.cuts();
                if cuts > number as u64 { Ok(()) } else { Err(cuts) }
            })
            .await;
        }
    })
    .await;
    shop.expect_invariants().await;
    // The first copies of the messages of each kind are in the order in which they were published.
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for message in shop.published("order.*.*").await {
        let (id, time) = (message.id.unwrap(), message.time.unwrap());
        if seen.insert(id) {
            let before = last.insert(message.name.clone(), time.clone()).unwrap_or_default();
            assert!(parse(&before) <= parse(&time), "{} of {time} after that of {before}", message.name);
        }
    }
}

fn parse(time: &str) -> Option<jiff::Timestamp> {
    time.parse().ok()
}
