//! A message that misses its row waits without being in anybody's way.

use choreography::store::Store;
use jiff::SignedDuration;

use crate::diary::{OpenPage, Strike};
use crate::stage::{Stage, well};
use crate::{ms, pass, until};

fn strike(page: u32, line: u32) -> Strike {
    Strike { page, line }
}

async fn waits(stage: &Stage, messages: u64) {
    until("messages wait", || async { stage.backlog().await.waiting == messages }).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_for_its_row_blocks_no_other() {
    let stage = Stage::new();
    stage.say(strike(1, 1));
    stage.write(2, 1);
    let scribe = stage.start().await;
    stage.logged(2, "write 1").await;
    stage.say(strike(2, 1));
    stage.logged(2, "strike 1").await;
    waits(&stage, 1).await;
    assert!(stage.log(1).await.is_empty());
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_when_the_same_batch_brings_the_row() {
    let stage = Stage::new();
    stage.say(strike(1, 1));
    stage.say(strike(1, 2));
    stage.write(1, 1);
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["write 1", "strike 1", "strike 2"]);
    waits(&stage, 0).await;
    scribe.stop().await;
    assert_eq!(stage.outgoing().iter().filter(|outgoing| *outgoing == "struck.1").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn those_that_waited_are_tried_oldest_first_when_a_later_batch_brings_the_row() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    for (waiting, line) in [(1, 3), (2, 1), (3, 2)] {
        stage.say(strike(1, line));
        waits(&stage, waiting).await;
    }
    stage.write(1, 1);
    stage.logged(1, "strike 2").await;
    assert_eq!(stage.log(1).await, ["write 1", "strike 3", "strike 1", "strike 2"]);
    waits(&stage, 0).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn those_that_waited_come_before_those_that_came_with_the_row() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.say(strike(1, 1));
    waits(&stage, 1).await;
    scribe.stop().await;
    stage.say(strike(1, 2));
    stage.write(1, 1);
    let scribe = stage.start().await;
    stage.logged(1, "strike 2").await;
    assert_eq!(stage.log(1).await, ["write 1", "strike 1", "strike 2"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_still_waits_after_a_restart() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.say(strike(1, 1));
    waits(&stage, 1).await;
    scribe.stop().await;
    let scribe = stage.start().await;
    well(&scribe).await;
    stage.write(1, 1);
    stage.logged(1, "strike 1").await;
    waits(&stage, 0).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_that_brings_the_row_wakes_it_too() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.say(strike(1, 1));
    waits(&stage, 1).await;
    scribe.execute(OpenPage { page: 1, title: "May".to_owned() }).await.unwrap();
    assert_eq!(stage.log(1).await, ["open May", "strike 1"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_waiting_message_that_is_published_again_is_received_once() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let message = stage.envelope(&strike(1, 1));
    stage.bus.publish(&message).unwrap();
    waits(&stage, 1).await;
    stage.bus.publish(&message).unwrap();
    stage.all_is_received().await;
    waits(&stage, 1).await;
    stage.write(1, 1);
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["write 1", "strike 1"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_dies_at_its_expiry_and_not_before() {
    let stage = Stage::new();
    let expiry = stage.clock.now() + SignedDuration::from_secs(20);
    stage.bus.publish(&stage.envelope_until(&strike(1, 1), expiry)).unwrap();
    let scribe = stage.start().await;
    waits(&stage, 1).await;
    pass(ms(19_900)).await;
    assert!(stage.dead_letters().is_empty() && stage.log(1).await.is_empty());
    pass(ms(300)).await;
    assert_eq!(stage.log(1).await, ["not struck: expired"]);
    waits(&stage, 0).await;
    until("its dead letter is published", || async { stage.dead_letters().len() == 1 }).await;
    let letter = &stage.dead_letters()[0];
    assert_eq!(&*letter.subject, "dead.scribe.strike.1");
    assert_eq!(letter.header("dead-reason"), Some("expired"));
    assert_eq!(letter.header("dead-sequence"), Some("1"));
    until("the author is told", || async { stage.outgoing() == ["not-struck.1"] }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_does_not_die_of_a_restart_but_of_its_expiry_while_the_service_was_down() {
    let stage = Stage::new();
    let expiry = stage.clock.now() + SignedDuration::from_secs(20);
    stage.bus.publish(&stage.envelope_until(&strike(1, 1), expiry)).unwrap();
    let scribe = stage.start().await;
    waits(&stage, 1).await;
    scribe.stop().await;
    pass(ms(30_000)).await;
    assert_eq!(stage.store.next_due().await.unwrap(), Some(expiry));
    let scribe = stage.start().await;
    stage.logged(1, "not struck: expired").await;
    stage.write(1, 1);
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["not struck: expired", "write 1"]);
    scribe.stop().await;
}
