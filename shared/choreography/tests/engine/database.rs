//! A database that fails: the batch is kept and tried whole again.

use std::collections::HashSet;

use choreography::store::{
    Changes, Listing, NewOutboxRow, PublishingStore as _, Repair, RowChange, RowName, Store as _,
};
use choreography::{Envelope, ExecuteError, Settings};

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

#[tokio::test(start_paused = true)]
async fn a_service_ends_itself_when_its_database_is_put_back_under_it() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let open = |page| OpenPage { page, title: "May".to_owned() };
    scribe.execute(open(1)).await.unwrap();
    let copy = stage.store.copy();
    scribe.execute(open(2)).await.unwrap();
    stage.store.put_back(&copy);
    // It would publish another message under the number of the one that it published last.
    assert_eq!(scribe.execute(open(3)).await, Err(ExecuteError::Stopped));
    let why = scribe.failed().await;
    assert!(why.contains("the database was put back while this process runs"), "{why}");
    scribe.stop().await;
    assert!(stage.log(3).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn messages_are_numbered_by_kind_in_an_outbox_of_each_process() {
    let stage = Stage::new();
    let names = || -> Vec<_> {
        let envelopes = stage.bus.published().into_iter().map(|stored| stored.envelope);
        let own = envelopes.filter(|envelope| envelope.subject.starts_with("scribe."));
        let number = |envelope: &Envelope, name| envelope.header(name).unwrap().to_owned();
        let names = own.map(|own| (own.subject.to_string(), number(&own, "ce-outbox"), number(&own, "ce-number")));
        let mut known = HashSet::new();
        names.filter(|name| known.insert(name.clone())).collect()
    };
    for start in 0..2 {
        let scribe = stage.start().await;
        healthy(&scribe).await;
        for page in 0..2 {
            scribe.execute(OpenPage { page: 10 * start + page, title: "May".to_owned() }).await.unwrap();
        }
        stage.write(10 * start, 1);
        let published = 3 * (start as usize + 1);
        until("all is published", || async { names().len() == published }).await;
        scribe.stop().await;
    }
    let names = names();
    let numbers: Vec<_> = names.iter().map(|(subject, _, number)| (subject.as_str(), number.as_str())).collect();
    let expected = ["page-opened.0", "page-opened.1", "written.0", "page-opened.10", "page-opened.11", "written.10"];
    let expected = expected.map(|subject| format!("scribe.{subject}"));
    assert_eq!(numbers, expected.iter().map(String::as_str).zip(["1", "2", "1", "1", "2", "1"]).collect::<Vec<_>>());
    assert!(names[..3].iter().all(|(_, outbox, _)| *outbox == names[0].1));
    assert!(names[3..].iter().all(|(_, outbox, _)| *outbox == names[3].1 && *outbox > names[0].1));
}

#[tokio::test(start_paused = true)]
async fn fields_that_a_newer_version_added_stay_when_the_row_is_written() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    scribe.execute(OpenPage { page: 1, title: "May".to_owned() }).await.unwrap();
    let listing =
        Listing { table: "page", conditions: Vec::new(), sorted_by: "key", after: None, descending: false, limit: 1 };
    let page = async || {
        let page = stage.store.list(&listing).await.unwrap().remove(0);
        (serde_json::from_str::<serde_json::Value>(&page.state).unwrap(), page.version)
    };
    let (mut state, version) = page().await;
    state["colour"] = "red".into();
    let row = RowChange { table: "page", key: "1".to_owned(), version, state: Some(state.to_string().into()) };
    let changes = Changes { rows: vec![row], ..Changes::default() };
    stage.store.begin().await.unwrap().commit(changes).await.unwrap();
    stage.write(1, 1);
    stage.logged(1, "write 1").await;
    scribe.execute(Note { page: 1, text: "done".to_owned() }).await.unwrap();
    let (state, last) = page().await;
    assert_eq!((&state["colour"], last), (&"red".into(), version + 3));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_adopted_from_the_stream_is_not_published_again() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let copy = stage.store.copy();
    stage.publish(Write { page: 1, line: 1, how: How::Plainly });
    until("it is published", || async { stage.all_published("written").len() == 1 }).await;
    scribe.stop().await;
    stage.store.put_back(&copy);
    let envelope = stage.all_published("written").remove(0);
    let (outbox, number) = (envelope.header("ce-outbox").unwrap(), envelope.header("ce-number").unwrap());
    let name = RowName { outbox: outbox.parse().unwrap(), kind: "written".into(), number: number.parse().unwrap() };
    let adopt = vec![NewOutboxRow { name: name.clone(), envelope, placeholder: false }];
    stage.store.repair(stage.head().await.epoch, Repair { adopt, ..Repair::default() }).await.unwrap();
    // What was read since the copy comes again, and is done again.
    let scribe = stage.start().await;
    stage.logged(1, "write 1").await;
    stage.publish(Write { page: 1, line: 2, how: How::Plainly });
    stage.logged(1, "write 2").await;
    let rows = stage.store.outbox(0, 100).await.unwrap();
    let written: Vec<_> = rows.into_iter().filter(|row| &*row.name.kind == "written").collect();
    assert_eq!(written.iter().map(|row| row.adopted).collect::<Vec<_>>(), [true, false]);
    assert_eq!(written[0].name, name);
    assert_ne!(written[1].name.outbox, name.outbox);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn highest_numbers_of_processes_that_ended_long_ago_are_deleted() {
    let stage = Stage::new();
    // Numbers are kept twice as long, 80 minutes: those of this process longer only because it runs.
    let scribe = stage.start_with(Settings { dead_kept: ms(2_400_000), ..stage.settings() }).await;
    healthy(&scribe).await;
    scribe.execute(OpenPage { page: 1, title: "May".to_owned() }).await.unwrap();
    let name = RowName { outbox: uuid::Uuid::from_u128(7), kind: "written".into(), number: 1 };
    let envelope = Envelope { subject: "scribe.written.9".into(), ..Envelope::default() };
    let ended = vec![NewOutboxRow { name, envelope, placeholder: true }];
    let changes = Changes { outbox: ended, now_ms: stage.clock.now().as_millisecond(), ..Changes::default() };
    stage.store.begin().await.unwrap().commit(changes).await.unwrap();
    let outboxes =
        async || -> Vec<_> { stage.store.given().await.unwrap().into_iter().map(|given| given.outbox).collect() };
    let before = outboxes().await;
    assert_eq!(before.len(), 2);
    pass(ms(1_000)).await;
    // Reading passes the row's place in the stream.
    stage.write(1, 1);
    pass(ms(3_700_000)).await;
    assert!(outboxes().await.contains(&before[0]));
    pass(ms(3_700_000)).await;
    let after = outboxes().await;
    assert!(after.contains(&before[1]) && !after.contains(&before[0]), "{after:?}");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_rows_others_keep_changing_is_tried_again_at_once_and_then_with_pauses() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    for (conflicts, pauses) in [(5, false), (6, true)] {
        stage.store.faults().conflict_next_commits(conflicts);
        let asked = stage.clock.now();
        scribe.execute(OpenPage { page: conflicts, title: "May".to_owned() }).await.unwrap();
        assert_eq!(stage.clock.now() > asked, pauses, "after {conflicts} conflicts");
    }
    scribe.stop().await;
}
