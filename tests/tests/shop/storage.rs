//! Faults of the server's storage: restored to an older state, a consumer deleted, a stream created anew.

use serde_json::json;
use shop_tests::{SERVICES, Shop};
use testkit::until;
use uuid::Uuid;

use crate::mixed;

/// Restarts the server as after a power cut: it has lost messages that it had acknowledged. Messages of another
/// publisher take their sequences, so that no gap shows the loss.
#[tokio::test]
async fn every_order_ends_though_the_server_loses_messages_and_their_sequences_are_taken() {
    let shop = Shop::open().await;
    let server = &shop.premises.nats;
    let older = shop.premises.world.directory().join("older");
    mixed::orders(&shop, 200, async |placed| {
        mixed::placed(placed, 60).await;
        server.copy_store(&older).unwrap();
        mixed::placed(placed, 120).await;
        for name in SERVICES {
            shop.premises.process(name).pause().unwrap();
        }
        server.process.kill();
        server.put_back(&older).unwrap();
        server.restart().unwrap();
        for _ in 0..300 {
            let id = Uuid::now_v7().to_string();
            shop.publish_as("order", "cancel-payment", &id, &json!({"order_id": id, "reason": "failed"})).await;
        }
        for name in SERVICES {
            shop.premises.process(name).resume().unwrap();
        }
    })
    .await;
    shop.expect_invariants().await;
}

/// Waits until a service reports that it is not ready, in one line with these words: what happened, and what to do.
pub(crate) async fn expect_unready(shop: &Shop, service: &str, words: &[&str]) {
    until(format_args!("{service} to be unready because of {words:?}"), shop_tests::PATIENCE, async || {
        let reply = shop.get(service, "/readyz").await;
        let detail = reply.body["detail"].as_str().unwrap_or_default();
        let complete = words.iter().all(|word| detail.contains(word)) && !detail.contains('\n');
        if reply.status == 503 && complete { Ok(()) } else { Err(format!("{reply:?}")) }
    })
    .await;
}

#[tokio::test]
async fn service_without_its_consumer_is_not_ready_and_reports_what_to_do() {
    let shop = Shop::open().await;
    let stream = shop.jetstream().await.get_stream("EVENTS").await.unwrap();
    stream.delete_consumer("payment-0").await.unwrap();
    expect_unready(&shop, "payment", &["payment-0", "provision"]).await;
    shop.premises.provision().await.unwrap();
    shop.premises.ready(shop.premises.service("payment")).await;
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn with_a_stream_created_anew_no_service_reads_and_each_reports_what_to_do() {
    let shop = Shop::open().await;
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    shop.expect_invariants().await;
    shop.jetstream().await.delete_stream("EVENTS").await.unwrap();
    shop.premises.provision().await.unwrap();
    for service in SERVICES {
        expect_unready(&shop, service, &["created anew", "until an operator goes on: see `", " stream`"]).await;
    }
}
