//! The ids of received messages are kept for a while, and never deleted while old messages may arrive again.

use std::time::Duration;

use choreography::Settings;

use crate::diary::{How, Write};
use crate::stage::{Stage, healthy, written};
use crate::{ms, pass};

/// A tenth of the default, as the other times here are.
const KEPT: Duration = ms(60_000);

/// Publishes a message, lets something happen, and publishes it again. Returns how often it was received.
async fn times_received_after(happens: impl AsyncFnOnce(&Stage)) -> usize {
    let stage = Stage::new();
    let scribe = stage.start_with(Settings { check_idempotence: false, inbox_kept: KEPT, ..stage.settings() }).await;
    healthy(&scribe).await;
    let expiry = stage.clock.now() + jiff::SignedDuration::from_hours(24);
    let message = stage.envelope_until(&Write { page: 1, line: 1, how: How::NotIdempotently }, expiry);
    stage.bus.publish(&message).unwrap();
    stage.logged(1, "write 1").await;
    happens(&stage).await;
    stage.bus.publish(&message).unwrap();
    stage.all_is_received().await;
    scribe.stop().await;
    let log = stage.log(1).await;
    assert_eq!(log, written(vec![1; log.len()]));
    log.len()
}

#[tokio::test(start_paused = true)]
async fn an_id_is_kept_for_its_time_and_not_for_ever() {
    assert_eq!(times_received_after(async |_: &Stage| pass(KEPT - ms(2_000)).await).await, 1);
    assert_eq!(times_received_after(async |_: &Stage| pass(KEPT + ms(5_000)).await).await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_id_is_not_deleted_while_the_server_is_down_nor_soon_after() {
    let away = async |stage: &Stage| {
        pass(ms(5_000)).await;
        stage.bus.faults().set_down(true);
        pass(KEPT * 6).await;
        stage.bus.faults().set_down(false);
        pass(KEPT - ms(5_000)).await;
    };
    assert_eq!(times_received_after(away).await, 1);
    let back = async |stage: &Stage| {
        away(stage).await;
        pass(ms(10_000)).await;
    };
    assert_eq!(times_received_after(back).await, 2);
}

#[tokio::test(start_paused = true)]
async fn many_ids_are_deleted_a_part_at_a_time() {
    let stage = Stage::new();
    let scribe = stage.start_with(Settings { inbox_kept: KEPT, ..stage.settings() }).await;
    healthy(&scribe).await;
    for line in 0..12_000 {
        stage.write(line % 50, line);
    }
    stage.all_is_received().await;
    pass(KEPT + ms(30_000)).await;
    stage.write(1, 99_999);
    stage.logged(1, "write 99999").await;
    scribe.stop().await;
}
