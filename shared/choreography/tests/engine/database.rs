//! A database that fails: the batch is kept and tried whole again.

use choreography::ExecuteError;

use crate::diary::{How, Note, OpenPage, Print, Remind, Strike, Write};
use crate::stage::{Stage, healthy, written};
use crate::{ms, pass, until};

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_processed_twice_when_commits_fail() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    healthy(&scribe).await;
    scribe.execute(OpenPage { page: 2, title: "May".to_owned() }).await.unwrap();
    for round in 0..20 {
        stage.store.faults().fail_next_commits(1 + round % 4);
        for line in 0..30 {
            stage.publish(Write { page: 1, line: round * 30 + line, how: How::NotIdempotently });
        }
        stage.publish(Print { page: 3, line: round });
        scribe.execute(Note { page: 2, text: round.to_string() }).await.unwrap();
    }
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..600));
    assert_eq!(stage.log(2).await.len(), 21);
    until("all is published", || async {
        stage.outgoing().iter().filter(|outgoing| *outgoing == "written.1").count() == 600
    })
    .await;
    until("all is printed", || async {
        stage.outgoing().iter().filter(|outgoing| *outgoing == "printed.3").count() == 20
    })
    .await;
    assert_eq!(stage.press.lines(3), (0..20).collect::<Vec<_>>());
    assert_eq!(stage.all_published("written").iter().filter(|outgoing| outgoing.subject.ends_with(".1")).count(), 600);
    assert!(stage.dead_letters().is_empty());
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_message_dies_of_a_failing_database_however_long_it_fails() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    // The message expires after ten minutes; it arrived in time.
    stage.store.faults().fail_next_commits(10_000);
    stage.write(1, 1);
    pass(ms(900_000)).await;
    assert!(scribe.health().database.is_err());
    stage.store.faults().fail_next_commits(0);
    stage.logged(1, "write 1").await;
    assert_eq!(stage.log(1).await, ["write 1"]);
    until("health reports the database as usable", || async { scribe.health().database.is_ok() }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_service_notices_that_the_database_fails_and_recovers() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.store.faults().fail_next_commits(3);
    until("the database fails", || async { scribe.health().database.is_err() }).await;
    until("health reports the database as usable", || async { scribe.health().database.is_ok() }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn scheduled_and_waiting_messages_survive_a_failing_database() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.publish(Strike { page: 1, line: 1 });
    until("it waits", || async { stage.backlog().await.waiting == 1 }).await;
    scribe.execute(Remind { page: 2, line: 1, after_ms: Some(5_000) }).await.unwrap();
    pass(ms(4_900)).await;
    stage.store.faults().fail_next_commits(8);
    stage.write(1, 1);
    stage.logged(1, "strike 1").await;
    stage.logged(2, "ring 1").await;
    assert_eq!(stage.all_published("ring").len(), 1);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn callers_get_an_error_when_the_service_stops_while_the_database_fails() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.store.faults().fail_next_commits(u32::MAX);
    let open = OpenPage { page: 1, title: "May".to_owned() };
    let mut waiting = Box::pin(scribe.execute(open.clone()));
    assert!(futures::poll!(&mut waiting).is_pending());
    until("the database fails", || async { scribe.health().database.is_err() }).await;
    let mut queued = Box::pin(scribe.execute(open));
    assert!(futures::poll!(&mut queued).is_pending());
    scribe.stop().await;
    assert_eq!(waiting.await, Err(ExecuteError::Stopped));
    assert_eq!(queued.await, Err(ExecuteError::Stopped));
    assert!(stage.log(1).await.is_empty());
}
