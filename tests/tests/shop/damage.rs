//! The server's files are damaged or put back under a running shop. The publishers still have what is lost, and publish
//! it again: every order ends, nothing happens twice, and no operator is needed.

use std::collections::BTreeSet;

use async_nats::jetstream::stream::Stream;
use shop_tests::{PATIENCE, SERVICES, Shop};
use testkit::{NatsServer, until};

use crate::mixed;

/// A limit of a stream's bytes with which the server chooses its smallest files.
const SMALL_LIMIT: i64 = 64 * 1024;

/// Waits until every service is ready, without help.
async fn expect_all_ready(shop: &Shop) {
    for name in SERVICES {
        shop.premises.ready(shop.premises.service(name)).await;
    }
}

/// Returns the stream, once the server is there again.
async fn events(shop: &Shop) -> Stream {
    let jetstream = shop.jetstream().await;
    until("the stream", PATIENCE, async || jetstream.get_stream("EVENTS").await.map_err(|error| error.to_string()))
        .await
}

/// Changes the limit of the stream's bytes, and returns what it was.
async fn limit_bytes(shop: &Shop, max_bytes: i64) -> i64 {
    let mut config = events(shop).await.cached_info().config.clone();
    let before = std::mem::replace(&mut config.max_bytes, max_bytes);
    shop.jetstream().await.update_stream(config).await.unwrap();
    before
}

/// Restarts the server so that it cuts the stream into files of 32 KiB, until it is started again.
async fn cut_small(shop: &Shop) {
    let limit = limit_bytes(shop, SMALL_LIMIT).await;
    shop.premises.nats.process.stop().unwrap();
    shop.premises.nats.restart().unwrap();
    limit_bytes(shop, limit).await;
}

async fn stored_ids(shop: &Shop) -> BTreeSet<Option<String>> {
    shop.published(">").await.into_iter().map(|message| message.id).collect()
}

#[tokio::test]
async fn every_order_ends_though_the_store_is_put_back_while_the_services_run() {
    let shop = Shop::open().await;
    let server = &shop.premises.nats;
    let older = shop.premises.world.directory().join("older");
    mixed::orders(&shop, 600, async |placed| {
        mixed::placed(placed, 60).await;
        server.copy_store(&older).unwrap();
        let copied = events(&shop).await.cached_info().state.last_sequence;
        mixed::placed(placed, 450).await;
        let last = events(&shop).await.cached_info().state.last_sequence;
        assert!(last > copied, "there is nothing to lose: {copied} {last}");
        server.process.kill();
        server.put_back(&older).unwrap();
        server.restart().unwrap();
    })
    .await;
    expect_all_ready(&shop).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn messages_lost_in_the_middle_of_the_stream_are_published_again() {
    let shop = Shop::open().await;
    let server = &shop.premises.nats;
    cut_small(&shop).await;
    mixed::orders(&shop, 100, async |_| {}).await;
    shop.expect_invariants().await;
    let before = stored_ids(&shop).await;
    server.process.kill();
    let blocks = server.blocks("EVENTS").unwrap();
    assert!(blocks.len() >= 3, "{blocks:?}");
    NatsServer::zero_middle(&blocks[blocks.len() / 2]).unwrap();
    server.restart().unwrap();
    let state = events(&shop).await.cached_info().state.clone();
    assert!(state.deleted_count.unwrap_or_default() > 0, "nothing was lost: {state:?}");
    until("what was lost to be stored again", PATIENCE, async || {
        let now = stored_ids(&shop).await;
        let lost = before.difference(&now).count();
        if lost == 0 { Ok(()) } else { Err(lost) }
    })
    .await;
    expect_all_ready(&shop).await;
    shop.expect_invariants().await;
}
