//! A database is put back to an older copy while its service runs, and nothing arrives that would show it.

use std::time::Duration;

use crate::diary::{How, Write};
use crate::stage::{Stage, healthy, written};
use crate::{ms, pass};

#[tokio::test(start_paused = true)]
async fn a_service_without_work_notices_that_its_database_was_put_back_and_publishes_nothing_again() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    healthy(&scribe).await;
    let copy = stage.store.copy();
    for line in 0..3 {
        stage.publish(Write { page: 1, line, how: How::NotIdempotently });
    }
    stage.logged(1, "write 2").await;
    pass(ms(3_000)).await;
    stage.store.put_back(&copy);
    pass(ms(10_000)).await;
    healthy(&scribe).await;
    assert_eq!(stage.log(1).await, written(0..3));
    assert_eq!(stage.all_published("written").len(), 3);
    scribe.stop().await;
}

/// Puts a copy back from before three lines were written, and has them written again. Returns how many rows the outbox has
/// some time later.
async fn kept_after(hours: u64) -> u64 {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let copy = stage.store.copy();
    for line in 0..3 {
        stage.write(1, line);
    }
    stage.logged(1, "write 2").await;
    pass(ms(1_000)).await;
    scribe.stop().await;
    stage.store.put_back(&copy);
    let scribe = stage.start().await;
    stage.logged(1, "write 2").await;
    pass(Duration::from_secs(660)).await;
    assert_eq!((stage.backlog().await.outbox, stage.all_published("written").len()), (3, 3));
    scribe.stop().await;
    pass(Duration::from_secs(hours * 3_600)).await;
    let scribe = stage.start().await;
    healthy(&scribe).await;
    pass(ms(5_000)).await;
    scribe.stop().await;
    stage.backlog().await.outbox
}

#[tokio::test(start_paused = true)]
async fn what_is_published_already_is_known_for_a_day_after_a_database_was_put_back() {
    assert_eq!(kept_after(23).await, 3);
    assert_eq!(kept_after(24).await, 0);
}
