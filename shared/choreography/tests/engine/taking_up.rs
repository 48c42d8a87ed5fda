//! A service receives messages of a kind from some moment on: from its first release, or from a later one. What was
//! published before is neither processed nor missed.

use choreography::bus::{Bus as _, Progress, Stream};
use uuid::Uuid;

use crate::diary::{Ring, SCRIBE_RECEIVES};
use crate::stage::{Stage, healthy, written};
use crate::{ms, pass, until};

/// Notes as the author up to which numbers everything is published.
async fn note(stage: &Stage, settled: &[(&str, u64)]) {
    let message = stage.bus.published().remove(0).envelope;
    note_of(stage, message.header("ce-outbox").unwrap().parse().unwrap(), settled).await;
}

/// Notes as the author up to which numbers everything of an outbox is published.
async fn note_of(stage: &Stage, outbox: Uuid, settled: &[(&str, u64)]) {
    let connection = stage.bus.connect().await.unwrap();
    let state = connection.stream(Stream::Events).await.unwrap();
    let settled = [(outbox, settled.iter().map(|(kind, number)| ((*kind).to_owned(), *number)).collect())].into();
    let note = Progress {
        server_start: state.server_start,
        up_to: state.last,
        settled,
        at: stage.clock.now(),
        ..Progress::default()
    };
    connection.note_progress("author", &note).await.unwrap();
}

/// Lets a scribe write the first line, and stop. From then on its consumer receives the author's `ring`, too.
async fn stage_before_rings() -> Stage {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.write(1, 1);
    stage.logged(1, "write 1").await;
    scribe.stop().await;
    stage.bus.add_consumer("scribe-0", &[&SCRIBE_RECEIVES[..], &["author.ring.*"]].concat());
    stage
}

#[tokio::test(start_paused = true)]
async fn a_kind_is_received_from_what_its_publisher_notes_once_the_service_runs() {
    let stage = stage_before_rings().await;
    let other_outbox = stage.clock.new_id();
    for line in 1..=3 {
        stage.publish(Ring { page: 1, line });
    }
    // The note from before lacks a message that was not acknowledged yet.
    note(&stage, &[("ring", 2), ("write", 1)]).await;
    let scribe = stage.start().await;
    pass(ms(1_000)).await;
    note(&stage, &[("ring", 3), ("write", 1)]).await;
    stage.publish(Ring { page: 1, line: 4 });
    let noted = stage.clock.now();
    stage.logged(1, "ring 4").await;
    assert!(stage.clock.now().duration_since(noted).as_millis() < 500, "no other note is awaited");
    note(&stage, &[("ring", 4), ("write", 1)]).await;
    pass(ms(5_000)).await;
    assert_eq!((stage.log(1).await, scribe.health().lost), (vec!["write 1".to_owned(), "ring 4".to_owned()], Ok(())));
    // The first one of an outbox that was there before and had published none.
    note_of(&stage, other_outbox, &[("ring", 1)]).await;
    until("it is missed", || async { scribe.health().lost.is_err() }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_kind_whose_publisher_does_not_run_is_received_from_the_first_message_that_comes() {
    let stage = stage_before_rings().await;
    // The first one was deleted.
    drop(stage.envelope(&Ring { page: 1, line: 1 }));
    note(&stage, &[("ring", 1), ("write", 1)]).await;
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.publish(Ring { page: 1, line: 2 });
    stage.logged(1, "ring 2").await;
    note(&stage, &[("ring", 2), ("write", 1)]).await;
    pass(ms(5_000)).await;
    assert_eq!((stage.log(1).await, scribe.health().lost), (vec!["write 1".to_owned(), "ring 2".to_owned()], Ok(())));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_service_receives_all_that_the_stream_still_has() {
    let stage = Stage::new();
    for line in 1..=5 {
        stage.write(1, line);
    }
    note(&stage, &[("write", 5)]).await;
    stage.bus.faults().forget_before(3);
    let scribe = stage.start().await;
    pass(ms(1_000)).await;
    note(&stage, &[("write", 5)]).await;
    stage.logged(1, "write 5").await;
    pass(ms(5_000)).await;
    assert_eq!((stage.log(1).await, scribe.health().lost), (written(3..=5), Ok(())));
    scribe.stop().await;
}
