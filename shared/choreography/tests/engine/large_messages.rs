//! Messages in memory are bounded by bytes, however large each is.

use std::sync::Arc;

use choreography::Envelope;
use choreography::bus::Bus as _;

use crate::diary::{How, Write};
use crate::pausable_store::PausableStore;
use crate::stage::{Stage, healthy, written};
use crate::{ms, pass, until};

const BYTES: usize = 60_000;
const COUNT: u32 = 1_200;
const MIB: usize = 1_024 * 1_024;

/// Publishes a line with much that the scribe does not read.
fn publish_large(stage: &Stage, page: u32, line: u32) {
    let envelope = stage.envelope(&Write { page, line, how: How::Plainly });
    let rest = String::from_utf8(envelope.payload[1..].to_vec()).unwrap();
    let payload = format!("{{\"drawing\":\"{}\",{rest}", "x".repeat(BYTES)).into();
    stage.bus.publish(&Envelope { payload, ..envelope }).unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_more_than_32_mebibytes_are_delivered_and_not_yet_processed() {
    let stage = Stage::new();
    let store = PausableStore::over(stage.store.clone());
    let scribe = stage.start_over(Arc::new(store.clone()), stage.settings()).await;
    healthy(&scribe).await;
    store.pause();
    (0..COUNT).for_each(|line| publish_large(&stage, line % 100, line));
    let connection = stage.bus.connect().await.unwrap();
    let sent = async || connection.consumer_info("scribe-0").await.unwrap().unwrap().sent as usize * BYTES;
    until("much is delivered", async || sent().await > 20 * MIB).await;
    pass(ms(3_000)).await;
    assert!(sent().await <= 32 * MIB, "{} MiB", sent().await / MIB);
    store.resume();
    stage.logged((COUNT - 1) % 100, &format!("write {}", COUNT - 1)).await;
    for page in 0..100 {
        assert_eq!(stage.log(page).await, written((page..COUNT).step_by(100)));
    }
    healthy(&scribe).await;
    scribe.stop().await;
}
