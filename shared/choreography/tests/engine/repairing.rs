//! Repair requests of an operator: the service where the message died does each one once and records the outcome.

use std::sync::Arc;

use choreography::{Envelope, Settings};
use jiff::SignedDuration;

use crate::diary::{BLACK_PAGE, How, NOISY_PAGE, Print, Ring, SCRIBE_RECEIVES, TearOut, Write};
use crate::pausable_store::PausableStore;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

/// Returns the repair request for a dead message, as the dead-letter tool publishes it.
fn request(what: &str, mark: &str, message: &Envelope) -> Envelope {
    Envelope { headers: message.headers.with(what, mark), ..message.clone() }
}

/// Returns the records of repairs: `<dead letter> <what> <outcome>`.
pub(crate) fn records(stage: &Stage) -> Vec<String> {
    let header = |record: &Envelope, name: &str| record.header(name).unwrap().to_owned();
    let records =
        stage.dead_letters().into_iter().filter(|dead_letter| dead_letter.subject.starts_with("handled.scribe."));
    let records = records.map(|record| {
        let (what, outcome) = (header(&record, "handled-what"), header(&record, "handled-outcome"));
        format!("{} {what} {outcome}", record.subject.rsplit('.').next().unwrap())
    });
    records.collect()
}

/// Publishes a repair request, and waits until there are so many records.
pub(crate) async fn repair(stage: &Stage, what: &str, mark: &str, message: &Envelope, count: usize) {
    stage.bus.publish(&request(what, mark, message)).unwrap();
    until("the repair is recorded", || async { records(stage).len() == count }).await;
}

/// Publishes a line that is expired on arrival and dies.
async fn expired(stage: &Stage) -> Envelope {
    let expiry = stage.clock.now() - SignedDuration::from_millis(1);
    let message = stage.envelope_until(&Write { page: 1, line: 2, how: How::Plainly }, expiry);
    stage.bus.publish(&message).unwrap();
    stage.logged(1, "not written: expired").await;
    message
}

pub(crate) fn deaths(stage: &Stage) -> Vec<Envelope> {
    stage.dead_letters().into_iter().filter(|dead_letter| dead_letter.subject.starts_with("dead.")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_replayed_message_is_processed_once_although_it_is_expired() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let message = expired(&stage).await;
    repair(&stage, "dead-replay", "scribe/0/7", &message, 1).await;
    assert_eq!(stage.log(1).await, ["not written: expired", "write 2"]);
    repair(&stage, "dead-replay", "scribe/0/7", &message, 2).await;
    assert_eq!(records(&stage), ["7 replay done", "7 replay refused"]);
    assert_eq!((stage.log(1).await.len(), deaths(&stage).len()), (2, 1));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_two_replays_in_one_batch_one_is_done() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let message = expired(&stage).await;
    scribe.stop().await;
    for _ in 0..2 {
        stage.bus.publish(&request("dead-replay", "scribe/0/7", &message)).unwrap();
    }
    let scribe = stage.start_unchecked().await;
    until("both are recorded", || async { records(&stage).len() == 2 }).await;
    assert_eq!(records(&stage), ["7 replay refused", "7 replay done"]);
    assert_eq!(stage.log(1).await, ["not written: expired", "write 2"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_the_service_where_a_message_died_accepts_its_replay() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let message = expired(&stage).await;
    for mark in ["printer/0/7", "scribe/0", "scribe/0/7/1", "scribe/x/7"] {
        stage.bus.publish(&request("dead-replay", mark, &message)).unwrap();
    }
    repair(&stage, "dead-replay", "scribe/1/7", &message, 1).await;
    assert_eq!(records(&stage), ["7 replay refused"]);
    assert_eq!(stage.log(1).await, ["not written: expired"]);
    healthy(&scribe).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_message_is_not_processed_any_more() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let message = expired(&stage).await;
    stage.bus.publish(&request("dead-drop", "scribe/0/7", &message)).unwrap();
    repair(&stage, "dead-drop", "scribe/0/7", &message, 2).await;
    repair(&stage, "dead-replay", "scribe/0/7", &message, 3).await;
    assert_eq!(records(&stage), ["7 drop done", "7 drop refused", "7 replay refused"]);
    assert_eq!(stage.log(1).await, ["not written: expired"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_dies_again_counts_one_more_try() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let message = stage.envelope(&Write { page: 1, line: 2, how: How::Panicking });
    stage.bus.publish(&message).unwrap();
    until("it dies", || async { deaths(&stage).len() == 1 }).await;
    repair(&stage, "dead-replay", "scribe/1/1", &message, 1).await;
    let dead_letter = deaths(&stage).remove(1);
    assert_eq!(dead_letter.header("dead-tries"), Some("2"));
    assert_eq!(dead_letter.header("dead-replay"), None, "another replay of it has a mark of its own");
    repair(&stage, "dead-replay", "scribe/1/1", &message, 2).await;
    repair(&stage, "dead-replay", "scribe/2/3", &message, 3).await;
    assert_eq!(records(&stage), ["1 replay died", "1 replay refused", "3 replay died"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_changes_nothing_is_recorded_as_such() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let message = expired(&stage).await;
    // Meanwhile another message has had the same outcome.
    stage.write(1, 2);
    stage.logged(1, "write 2").await;
    repair(&stage, "dead-replay", "scribe/0/7", &message, 1).await;
    assert_eq!(records(&stage), ["7 replay nothing"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_changes_a_row_and_publishes_nothing_is_done() {
    let stage = Stage::new();
    stage.bus.add_consumer("scribe-0", &[&SCRIBE_RECEIVES[..], &["author.ring.*"]].concat());
    let message = stage.envelope(&Ring { page: 1, line: 1 });
    let scribe = stage.start().await;
    stage.bus.publish(&Envelope { payload: "{}".into(), ..message.clone() }).unwrap();
    until("it dies", || async { deaths(&stage).len() == 1 }).await;
    repair(&stage, "dead-replay", "scribe/1/1", &message, 1).await;
    assert_eq!(records(&stage), ["1 replay done"]);
    assert_eq!(stage.log(1).await, ["ring 1"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_replay_of_an_effect_is_recorded_when_it_is_finished() {
    let stage = Stage::new();
    stage.press.jam(1, 5);
    let scribe = stage.start_with(Settings { effect_time_max: ms(3_000), ..stage.settings() }).await;
    let message = stage.envelope(&Print { page: 1, line: 1 });
    stage.bus.publish(&message).unwrap();
    until("it dies", || async { deaths(&stage).len() == 1 }).await;
    repair(&stage, "dead-replay", "scribe/3/1", &message, 1).await;
    assert_eq!(records(&stage), ["1 replay done"]);
    assert_eq!(stage.all_published("printed").len(), 1);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_compensation_is_reported_until_it_is_repaired() {
    let stage = Stage::new();
    let message = stage.envelope(&TearOut { page: 1 });
    let unreadable = Envelope { payload: "{}".into(), ..message.clone() };
    let scribe = stage.start().await;
    stage.bus.publish(&unreadable).unwrap();
    until("it dies", || async { deaths(&stage).len() == 1 }).await;
    until("health reports it", || async { scribe.health().compensations.is_err() }).await;
    scribe.stop().await;
    let scribe = stage.start().await;
    until("health reports it after a restart", || async { scribe.health().compensations.is_err() }).await;
    assert!(scribe.health().compensations.unwrap_err().starts_with("a compensation or a fallback has failed"));
    repair(&stage, "dead-replay", "scribe/1/1", &message, 1).await;
    assert_eq!(records(&stage), ["1 replay done"]);
    assert_eq!(stage.log(1).await, ["torn out"]);
    until("health reports it no more", || async { scribe.health().compensations.is_ok() }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_compensation_can_be_replayed_however_old_it_is() {
    let stage = Stage::new();
    let message = stage.envelope(&TearOut { page: 1 });
    let unreadable = Envelope { payload: "{}".into(), ..message.clone() };
    let kept = ms(40_000);
    let settings = || Settings { dead_kept: kept, ..stage.settings() };
    let scribe = stage.start_with(settings()).await;
    stage.bus.publish(&unreadable).unwrap();
    until("it dies", || async { deaths(&stage).len() == 1 }).await;
    pass(kept * 3).await;
    scribe.stop().await;
    let scribe = stage.start_with(settings()).await;
    pass(kept * 3).await;
    let dead_letters = deaths(&stage);
    assert!((20..=30).contains(&dead_letters.len()), "{} in six times the time that one is kept", dead_letters.len());
    assert!(dead_letters.iter().all(|dead| dead.header("dead-tries") == Some("1") && dead.payload == "{}"));
    assert!(scribe.health().compensations.unwrap_err().contains("author.tear-out.1"));
    repair(&stage, "dead-replay", "scribe/1/1", &message, 1).await;
    assert_eq!(records(&stage), ["1 replay done"]);
    until("health reports it no more", || async { scribe.health().compensations.is_ok() }).await;
    let count = deaths(&stage).len();
    pass(kept * 3).await;
    assert_eq!((deaths(&stage).len(), stage.backlog().await.scheduled), (count, 0), "it is not published again");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_repair_that_comes_when_its_dead_letter_is_due_again_is_done_once() {
    let stage = Stage::new();
    let message = stage.envelope(&TearOut { page: 1 });
    let store = PausableStore::over(stage.store.clone());
    let settings = Settings { dead_kept: ms(40_000), ..stage.settings() };
    let scribe = stage.start_over(Arc::new(store.clone()), settings).await;
    stage.bus.publish(&Envelope { payload: "{}".into(), ..message.clone() }).unwrap();
    until("it dies", || async { deaths(&stage).len() == 1 }).await;
    pass(ms(9_500)).await;
    // Both come while the database is busy with another message.
    store.pause();
    stage.write(2, 1);
    pass(ms(600)).await;
    stage.bus.publish(&request("dead-drop", "scribe/1/1", &message)).unwrap();
    pass(ms(100)).await;
    store.resume();
    until("the repair is recorded", || async { records(&stage).len() == 1 }).await;
    repair(&stage, "dead-drop", "scribe/1/1", &message, 2).await;
    assert_eq!(records(&stage), ["1 drop done", "1 drop refused"]);
    assert_eq!((deaths(&stage).len(), stage.backlog().await.scheduled), (1, 0), "it is not published again");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_fallback_is_reported_until_its_message_is_repaired() {
    let stage = Stage::new();
    let scribe = stage.start_with(Settings { dead_kept: ms(40_000), ..stage.settings() }).await;
    let message = stage.envelope(&Write { page: BLACK_PAGE, line: 2, how: How::Panicking });
    stage.bus.publish(&message).unwrap();
    until("health reports it", || async { scribe.health().compensations.is_err() }).await;
    assert!(scribe.health().compensations.unwrap_err().contains("author.write.13"));
    assert!(stage.log(BLACK_PAGE).await.is_empty());
    until("its dead letter is published again", || async { deaths(&stage).len() == 2 }).await;
    assert!(deaths(&stage).iter().all(|dead| dead.header("dead-fallback") == Some("panicked: the page is black")));
    repair(&stage, "dead-replay", "scribe/1/1", &message, 1).await;
    assert!(scribe.health().compensations.is_err(), "it died again, and so did its fallback");
    repair(&stage, "dead-drop", "scribe/2/2", &message, 2).await;
    assert_eq!(records(&stage), ["1 replay died", "2 drop done"]);
    until("health reports it no more", || async { scribe.health().compensations.is_ok() }).await;
    assert_eq!(stage.backlog().await.scheduled, 0);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_is_not_idempotent_fails_where_that_is_checked() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.publish(Write { page: NOISY_PAGE, line: 2, how: How::Panicking });
    until("health reports it", || async { scribe.health().compensations.is_err() }).await;
    assert!(stage.log(NOISY_PAGE).await.is_empty());
    assert!(stage.all_published("not-written").is_empty());
    scribe.stop().await;
}
