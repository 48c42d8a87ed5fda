//! A database is put back to an older copy while its service runs, and nothing arrives that would show it.

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
