//! What can't be read harms only what it is about: messages die with a dead letter, and an unreadable row is the fault
//! of the messages that concern it.

use choreography::store::{Changes, Listing, Store as _};
use choreography::{Envelope, ExecuteError, Page as ListPage};

use crate::diary::{How, Note, Page, SCRIBE_RECEIVES, TearOut, Write};
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

/// Writes the state of a page by hand, as an operator may.
async fn edit(stage: &Stage, page: u32, state: &str) {
    let listing =
        Listing { table: "page", conditions: Vec::new(), sorted_by: "key", after: None, descending: false, limit: 100 };
    let rows = stage.store.list(&listing).await.unwrap();
    let version = rows.iter().find(|row| row.key == page.to_string()).map_or(0, |row| row.version);
    let change =
        choreography::store::RowChange { table: "page", key: page.to_string(), version, state: Some(state.into()) };
    let transaction = stage.store.begin().await.unwrap();
    transaction.commit(Changes { rows: vec![change], ..Changes::default() }).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_row_is_the_fault_of_the_messages_that_concern_it_and_of_nothing_else() {
    let stage = Stage::new();
    edit(&stage, 1, "{\"log\": oops").await;
    stage.write(1, 1);
    stage.write(2, 1);
    stage.publish(TearOut { page: 1 });
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert_eq!(stage.log(2).await, ["write 1"]);
    until("the step dies", || async { stage.dead_letters().len() == 1 }).await;
    let dead_letter = stage.dead_letters().remove(0);
    assert_eq!((&*dead_letter.subject, dead_letter.header("dead-reason")), ("dead.scribe.write.1", Some("poison")));
    assert!(dead_letter.header("dead-detail").unwrap().starts_with("row \"1\" of page is unreadable: expected value"));
    assert!(
        dead_letter
            .header("dead-fingerprint")
            .unwrap()
            .ends_with("/row-of-page-is-unreadable-expected-value-at-line-column")
    );
    assert_eq!(stage.backlog().await.waiting, 1, "the compensation waits");
    let note = Note { page: 1, text: "rain".to_owned() };
    match scribe.execute(note.clone()).await {
        Err(ExecuteError::Unreadable { table, key, .. }) => assert_eq!((table.as_str(), key.as_str()), ("page", "1")),
        other => panic!("{other:?}"),
    }
    let health = scribe.health();
    assert!(health.database.is_ok() && health.reading.is_ok() && health.publishing.is_ok(), "{health:?}");
    assert!(health.rows.as_ref().unwrap_err().contains("row \"1\" of page is unreadable"), "{health:?}");
    let listed = scribe.list::<Page>(ListPage { limit: 10, cursor: None }).get().await.unwrap();
    assert_eq!((listed.rows.len(), listed.unreadable), (2, 1));
    assert!(scribe.get::<Page>(&1).await.is_err());
    // The fallback of the step could not be called either: a story that is not compensated.
    assert!(dead_letter.header("dead-fallback").unwrap().contains("unreadable"));
    assert!(scribe.health().compensations.is_err());
    // Mended by hand, the row is read within a minute.
    edit(&stage, 1, "{\"log\": [\"mended\"]}").await;
    stage.logged(1, "torn out").await;
    assert_eq!(stage.log(1).await, ["mended", "torn out"]);
    until("the row counts as readable", || async { scribe.health().rows.is_ok() }).await;
    assert!(scribe.execute(note).await.is_ok());
    assert_eq!(stage.backlog().await.waiting, 0);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_compensation_waits_for_its_unreadable_row_as_long_as_it_takes() {
    let stage = Stage::new();
    edit(&stage, 1, "7").await;
    stage.publish(TearOut { page: 1 });
    let scribe = stage.start().await;
    for _ in 0..5 {
        pass(ms(300_000)).await;
        assert_eq!((stage.backlog().await.waiting, stage.dead_letters().len()), (1, 0));
    }
    scribe.stop().await;
    edit(&stage, 1, "{\"log\": []}").await;
    let scribe = stage.start().await;
    stage.logged(1, "torn out").await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_compensation_that_waits_for_its_unreadable_row_comes_before_what_follows_once_the_row_is_mended() {
    let stage = Stage::new();
    edit(&stage, 1, "7").await;
    let scribe = stage.start().await;
    stage.publish(TearOut { page: 1 });
    until("it waits", || async { stage.backlog().await.waiting == 1 }).await;
    edit(&stage, 1, "{\"log\": []}").await;
    stage.write(1, 1);
    stage.logged(1, "write 1").await;
    assert_eq!(stage.log(1).await, ["torn out", "write 1"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nothing_here_receives_dies_and_can_be_replayed_after_the_deploy() {
    let stage = Stage::new();
    stage.bus.add_consumer("scribe-0", &[&SCRIBE_RECEIVES[..], &["author.engrave.*"]].concat());
    let message = stage.envelope(&Write { page: 1, line: 1, how: How::Plainly });
    let renamed = |(name, value): (&'static str, String)| (name, value.replace("write", "engrave"));
    let headers = message.headers.iter().map(|(name, value)| renamed((leak(name), value.to_owned())));
    let unknown = Envelope { subject: "author.engrave.1".into(), headers: headers.collect(), ..message };
    stage.bus.publish(&unknown).unwrap();
    stage.write(1, 2);
    let scribe = stage.start().await;
    stage.all_is_received().await;
    until("it dies", || async { stage.dead_letters().len() == 1 }).await;
    let dead_letter = stage.dead_letters().remove(0);
    assert_eq!((&*dead_letter.subject, dead_letter.header("dead-tries")), ("dead.scribe.engrave.1", Some("1")));
    assert!(dead_letter.header("dead-detail").unwrap().starts_with("nothing here receives engrave"));
    // Its death is recorded: this is what a replay needs.
    crate::repairing::repair(&stage, "dead-replay", "scribe/1/1", &unknown, 1).await;
    assert_eq!(crate::repairing::records(&stage), ["1 replay died"]);
    healthy(&scribe).await;
    scribe.stop().await;
}

fn leak(name: &str) -> &'static str {
    name.to_owned().leak()
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_readable_key_has_a_dead_letter_under_an_unknown_key() {
    let stage = Stage::new();
    let message = stage.envelope(&Write { page: 1, line: 1, how: How::Plainly });
    let subject = format!("author.write.{}", "k".repeat(300));
    stage.bus.publish(&Envelope { subject: subject.as_str().into(), ..message.clone() }).unwrap();
    stage.write(1, 2);
    let scribe = stage.start().await;
    stage.all_is_received().await;
    until("it has a dead letter", || async { stage.dead_letters().len() == 1 }).await;
    let dead_letter = stage.dead_letters().remove(0);
    assert_eq!(&*dead_letter.subject, "dead.scribe.write.unknown");
    assert_eq!(dead_letter.header("dead-subject"), Some(subject.as_str()));
    assert_eq!(stage.log(1).await, ["write 2"]);
    healthy(&scribe).await;
    scribe.stop().await;
}
