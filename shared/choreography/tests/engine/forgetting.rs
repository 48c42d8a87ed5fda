//! The ids of heard messages are kept for a while, and never forgotten while old messages may come again.

use crate::diary::{How, Write};
use crate::stage::{Stage, well, written};
use crate::{ms, pass};

const MINUTE: u64 = 60_000;

/// Says a message, lets something happen, and says it again: how often it was heard.
async fn heard_after(happens: impl AsyncFnOnce(&Stage)) -> usize {
    let stage = Stage::new();
    let scribe = stage.start_lawless();
    well(&scribe).await;
    let expiry = stage.clock.now() + jiff::SignedDuration::from_hours(24);
    let message = stage.envelope_until(&Write { page: 1, line: 1, how: How::Lawlessly }, expiry);
    stage.bus.say(&message).unwrap();
    stage.logged(1, "write 1").await;
    happens(&stage).await;
    stage.bus.say(&message).unwrap();
    stage.all_is_heard().await;
    scribe.stop().await;
    let log = stage.log(1).await;
    assert_eq!(log, written(vec![1; log.len()]));
    log.len()
}

#[tokio::test(start_paused = true)]
async fn an_id_is_remembered_for_ten_minutes_and_not_for_ever() {
    assert_eq!(heard_after(async |_: &Stage| pass(ms(9 * MINUTE + 50_000)).await).await, 1);
    assert_eq!(heard_after(async |_: &Stage| pass(ms(11 * MINUTE)).await).await, 2);
}

#[tokio::test(start_paused = true)]
async fn it_is_not_forgotten_while_the_server_is_away_nor_in_the_first_minutes_after() {
    let away = async |stage: &Stage| {
        pass(ms(MINUTE)).await;
        stage.bus.set_down(true);
        pass(ms(60 * MINUTE)).await;
        stage.bus.set_down(false);
        pass(ms(9 * MINUTE)).await;
    };
    assert_eq!(heard_after(away).await, 1);
    let back = async |stage: &Stage| {
        away(stage).await;
        pass(ms(2 * MINUTE)).await;
    };
    assert_eq!(heard_after(back).await, 2);
}

#[tokio::test(start_paused = true)]
async fn many_ids_are_forgotten_a_part_at_a_time() {
    let stage = Stage::new();
    let scribe = stage.start();
    well(&scribe).await;
    (0..12_000).for_each(|line| drop(stage.write(line % 50, line)));
    stage.all_is_heard().await;
    pass(ms(10 * MINUTE + 30_000)).await;
    stage.write(1, 99_999);
    stage.logged(1, "write 99999").await;
    scribe.stop().await;
}
