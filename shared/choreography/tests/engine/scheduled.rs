//! A scheduled message is published at its time, once, unless it is replaced or cancelled.

use choreography::Service;

use crate::diary::Remind;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

async fn remind(scribe: &Service, line: u32, after_ms: Option<u64>) {
    scribe.execute(Remind { page: 1, line, after_ms }).await.unwrap();
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_scheduled_message_is_published_at_its_time() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let begin = stage.clock.now();
    remind(&scribe, 1, Some(30_000)).await;
    pass(ms(29_900)).await;
    assert!(stage.outgoing().is_empty());
    assert_eq!(stage.backlog().await.scheduled, 1);
    pass(ms(200)).await;
    assert_eq!(stage.outgoing(), ["ring.1"]);
    assert_eq!(stage.log(1).await, ["ring 1"]);
    assert_eq!(stage.backlog().await.scheduled, 0);
    assert_eq!(stage.all_published("ring").len(), 1);
    let time: jiff::Timestamp = stage.all_published("ring")[0].header("ce-time").unwrap().parse().unwrap();
    assert!((30_000..30_100).contains(&time.duration_since(begin).as_millis()));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_scheduled_for_the_next_moment_is_published_then() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    for line in 0..5 {
        remind(&scribe, line, Some(100)).await;
        pass(ms(130)).await;
        assert_eq!(stage.all_published("ring").len(), 1 + line as usize);
        // Not always right before the leader looks by itself.
        pass(ms(70)).await;
    }
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_scheduled_again_replaces_the_first() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    remind(&scribe, 1, Some(10_000)).await;
    remind(&scribe, 2, Some(20_000)).await;
    pass(ms(15_000)).await;
    assert!(stage.outgoing().is_empty());
    pass(ms(10_000)).await;
    assert_eq!(stage.log(1).await, ["ring 2"]);
    remind(&scribe, 3, Some(20_000)).await;
    remind(&scribe, 4, Some(1_000)).await;
    pass(ms(30_000)).await;
    assert_eq!(stage.log(1).await, ["ring 2", "ring 4"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_message_is_never_published() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    remind(&scribe, 1, Some(10_000)).await;
    remind(&scribe, 1, None).await;
    assert_eq!(stage.backlog().await.scheduled, 0);
    pass(ms(30_000)).await;
    assert!(stage.outgoing().is_empty());
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_message_survives_a_restart_also_when_it_was_due_meanwhile() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    remind(&scribe, 1, Some(10_000)).await;
    scribe.stop().await;
    let scribe = stage.start().await;
    pass(ms(9_000)).await;
    assert!(stage.outgoing().is_empty());
    stage.logged(1, "ring 1").await;
    remind(&scribe, 2, Some(10_000)).await;
    scribe.stop().await;
    pass(ms(60_000)).await;
    assert_eq!(stage.outgoing(), ["ring.1"]);
    let scribe = stage.start().await;
    stage.logged(1, "ring 2").await;
    assert_eq!(stage.outgoing(), ["ring.1", "ring.1"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_scheduled_messages_than_a_batch_holds_may_be_due_at_once() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    for page in 0..1_300 {
        scribe.execute(Remind { page, line: 1, after_ms: Some(600_000) }).await.unwrap();
    }
    pass(ms(601_000)).await;
    until("all are published", || async { stage.outgoing().len() == 1_300 }).await;
    scribe.stop().await;
}

#[tokio::test]
async fn a_scheduled_message_is_published_at_its_time_under_constant_commands() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    remind(&scribe, 1, Some(100)).await;
    let flood = async {
        let mut page = 1_000;
        loop {
            let reminders = (0..16).map(|more| scribe.execute(Remind { page: page + more, line: 1, after_ms: None }));
            futures::future::join_all(reminders).await;
            page += 16;
        }
    };
    // Commands without a pause: the service is never idle.
    let floods = futures::future::join(flood, std::future::pending::<()>());
    tokio::select! {
        _ = floods => unreachable!(),
        () = stage.logged(1, "ring 1") => {}
    }
    scribe.stop().await;
}
