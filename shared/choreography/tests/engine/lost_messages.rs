//! A server that comes back without its last messages: whatever it lost, and whoever publishes first, everything is
//! received.

use choreography::Settings;
use choreography::bus::Stored;

use crate::diary::{How, Write};
use crate::operator::note_all;
use crate::stage::{Stage, healthy, written};
use crate::unresponsive_bus::UnresponsiveBus;
use crate::{ms, pass, until};

fn publish_line(stage: &Stage, line: u32) {
    stage.publish(Write { page: 1, line, how: How::NotIdempotently });
}

/// Publishes 20 lines that the server can't lose, and 10 that it may lose. Returns the sequence before the 10.
async fn publish_lines_and_last_ones(stage: &Stage) -> u64 {
    (0..20).for_each(|line| publish_line(stage, line));
    stage.all_is_received().await;
    pass(ms(20_000)).await;
    let kept = stage.bus.published().len() as u64;
    (20..30).for_each(|line| publish_line(stage, line));
    stage.all_is_received().await;
    kept
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_server_that_lost_its_last_messages_is_read_from_a_checkpoint() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    (0..20).for_each(|line| publish_line(&stage, line));
    stage.all_is_received().await;
    pass(ms(20_000)).await;
    (20..30).for_each(|line| publish_line(&stage, line));
    stage.all_is_received().await;
    let outgoing = stage.bus.published();
    let lost: Vec<_> = outgoing.iter().filter(|stored| stored.sequence > 43).cloned().collect();
    stage.bus.faults().forget_after(43);
    // Another publisher is first, with more messages than were lost: they take the lost sequences.
    (30..130).for_each(|line| publish_line(&stage, line));
    for Stored { envelope, .. } in lost.into_iter().filter(|stored| stored.envelope.subject.starts_with("author.")) {
        stage.bus.publish(&envelope).unwrap();
    }
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..130));
    until("all is published", || async {
        stage.outgoing().iter().filter(|outgoing| *outgoing == "written.1").count() == 130
    })
    .await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn messages_lost_in_a_long_outage_are_noticed() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    let kept = publish_lines_and_last_ones(&stage).await;
    // The power fails within a second of the last message, and comes back after a minute.
    stage.bus.faults().set_down(true);
    pass(ms(60_000)).await;
    stage.bus.faults().forget_after(kept);
    (30..130).for_each(|line| publish_line(&stage, line));
    stage.bus.faults().set_down(false);
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..130));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn messages_lost_behind_a_dead_connection_are_noticed() {
    let stage = Stage::new();
    let unresponsive = UnresponsiveBus::over(stage.bus.clone());
    let settings = Settings { check_idempotence: false, ..stage.settings() };
    let scribe = stage.start_on(&unresponsive, settings).await;
    let kept = publish_lines_and_last_ones(&stage).await;
    // Only missing replies show that the server is gone.
    unresponsive.stop_replying();
    stage.bus.faults().set_silent(true);
    pass(ms(9_900)).await;
    stage.bus.faults().set_down(true);
    pass(ms(60_000)).await;
    stage.bus.faults().forget_after(kept);
    (30..130).for_each(|line| publish_line(&stage, line));
    unresponsive.reply_again();
    stage.bus.faults().set_silent(false);
    stage.bus.faults().set_down(false);
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..130));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_in_the_place_of_the_streams_first_one_is_received() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    healthy(&scribe).await;
    publish_line(&stage, 0);
    stage.logged(1, "write 0").await;
    assert_eq!(stage.head().await.position.sequence, 1);
    stage.bus.faults().forget_after(0);
    publish_line(&stage, 1);
    stage.logged(1, "write 1").await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_has_one_dead_letter_though_the_answer_to_its_commit_is_lost() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    publish_line(&stage, 0);
    drop(stage.envelope(&Write { page: 1, line: 1, how: How::Plainly })); // It has a number, and is never stored.
    publish_line(&stage, 2);
    stage.all_is_received().await;
    pass(ms(5_000)).await;
    stage.store.faults().leave_next_commits_unanswered(1);
    note_all(&stage).await;
    until("it is reported", || async { scribe.health().lost.is_err() }).await;
    pass(ms(10_000)).await;
    healthy(&scribe).await;
    assert_eq!((stage.dead_letters().len(), scribe.health().lost.is_err()), (1, true));
    scribe.stop().await;
}
