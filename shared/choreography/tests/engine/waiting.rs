//! A message whose row is missing waits, and delays no other message.

use choreography::store::Store;
use jiff::SignedDuration;

use crate::diary::{OpenPage, Strike};
use crate::stage::{Stage, healthy};
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
    stage.publish(strike(1, 1));
    stage.write(2, 1);
    let scribe = stage.start().await;
    stage.logged(2, "write 1").await;
    stage.publish(strike(2, 1));
    stage.logged(2, "strike 1").await;
    waits(&stage, 1).await;
    assert!(stage.log(1).await.is_empty());
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_tried_again_when_the_same_batch_writes_its_row() {
    let stage = Stage::new();
    stage.publish(strike(1, 1));
    stage.publish(strike(1, 2));
    stage.write(1, 1);
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["write 1", "strike 1", "strike 2"]);
    waits(&stage, 0).await;
    scribe.stop().await;
    assert_eq!(stage.outgoing().iter().filter(|outgoing| *outgoing == "struck.1").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn waiting_messages_are_tried_oldest_first_when_a_later_batch_writes_their_row() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    for (waiting, line) in [(1, 3), (2, 1), (3, 2)] {
        stage.publish(strike(1, line));
        waits(&stage, waiting).await;
    }
    stage.write(1, 1);
    stage.logged(1, "strike 2").await;
    assert_eq!(stage.log(1).await, ["write 1", "strike 3", "strike 1", "strike 2"]);
    waits(&stage, 0).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn waiting_messages_come_before_those_that_arrived_with_the_row() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.publish(strike(1, 1));
    waits(&stage, 1).await;
    scribe.stop().await;
    stage.publish(strike(1, 2));
    stage.write(1, 1);
    let scribe = stage.start().await;
    stage.logged(1, "strike 2").await;
    assert_eq!(stage.log(1).await, ["write 1", "strike 1", "strike 2"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_message_still_waits_after_a_restart() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.publish(strike(1, 1));
    waits(&stage, 1).await;
    scribe.stop().await;
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.write(1, 1);
    stage.logged(1, "strike 1").await;
    waits(&stage, 0).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_command_that_writes_the_row_lets_the_waiting_message_go_on() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.publish(strike(1, 1));
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
pub(crate) async fn a_waiting_message_dies_at_its_expiry_and_not_before() {
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
    let dead_letter = &stage.dead_letters()[0];
    assert_eq!(&*dead_letter.subject, "dead.scribe.strike.1");
    assert_eq!(dead_letter.header("dead-reason"), Some("expired"));
    assert_eq!(dead_letter.header("dead-sequence"), Some("1"));
    until("its fallback publishes", || async { stage.outgoing() == ["not-struck.1"] }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_waiting_message_that_expired_while_the_service_was_down_dies_after_the_restart() {
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
