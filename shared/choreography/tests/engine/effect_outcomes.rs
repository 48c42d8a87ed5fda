//! What came of an effect is committed once, whatever happens to its commit and to the database.

use choreography::bus::Stream;
use choreography::store::PublishingStore as _;
use choreography::store::memory::MemoryCopy;
use choreography::store::{Changes, NewOutboxRow, RowName, Store as _};
use choreography::{Envelope, Headers};

use crate::diary::Print;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

/// Returns the numbers of what was published when an effect ended after something had happened.
async fn published_after(happens: impl FnOnce(&Stage, &MemoryCopy)) -> Vec<String> {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let before = stage.store.copy();
    stage.press.hold(true);
    stage.publish(Print { page: 1, line: 1 });
    until("it runs", || async { stage.press.runs().len() == 1 }).await;
    happens(&stage, &before);
    stage.press.hold(false);
    until("it is published", || async { !stage.all_published("printed").is_empty() }).await;
    pass(ms(20_000)).await;
    healthy(&scribe).await;
    scribe.stop().await;
    let number = |envelope: Envelope| envelope.header("ce-number").unwrap().to_owned();
    stage.all_published("printed").into_iter().map(number).collect()
}

#[tokio::test(start_paused = true)]
pub(crate) async fn what_an_effect_publishes_is_published_once_though_the_answer_to_its_commit_is_lost() {
    assert_eq!(published_after(|stage, _| stage.store.faults().leave_next_commits_unanswered(1)).await, ["1"]);
}

/// The message is received again, and its effect run again.
#[tokio::test(start_paused = true)]
async fn what_an_effect_publishes_is_published_once_though_its_database_is_put_back_while_it_runs() {
    assert_eq!(published_after(|stage, before| stage.store.put_back(before)).await, ["1"]);
}

/// A message that the stream has was made again before it was known that the stream has it.
#[tokio::test(start_paused = true)]
async fn what_was_made_again_before_the_repair_of_a_database_that_was_put_back_becomes_a_placeholder() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.press.hold(true);
    for page in 1..3 {
        stage.publish(Print { page, line: 1 });
    }
    until("both run", || async { stage.press.runs().len() == 2 }).await;
    stage.press.jam(2, 1);
    let copy = stage.store.copy();
    stage.press.hold(false);
    until("the first is printed", || async { stage.all_published("printed").len() == 1 }).await;
    scribe.stop().await;
    stage.store.put_back(&copy);
    let name = RowName { outbox: stage.clock.new_id(), kind: "printed".into(), number: 1 };
    let printed = stage.all_published("printed").remove(0);
    let kept = printed.headers.iter().filter(|(header, _)| *header != "ce-outbox");
    let headers = kept.collect::<Headers>().with("ce-outbox", name.outbox.to_string());
    let row = NewOutboxRow { name, envelope: Envelope { headers, ..printed }, placeholder: false };
    let changes = Changes { outbox: vec![row], ..Changes::default() };
    stage.store.begin().await.unwrap().commit(changes).await.unwrap();
    let scribe = stage.start().await;
    until("both are done again", || async { stage.backlog().await.effects == 0 }).await;
    pass(ms(20_000)).await;
    healthy(&scribe).await;
    let pages = || stage.all_published("printed").into_iter().map(|printed| printed.subject.to_string());
    assert!(pages().eq(["scribe.printed.1", "scribe.printed.placeholder", "scribe.printed.2"]));
    let rows = stage.store.outbox(0, 100).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (&*row.envelope.subject, row.placeholder, row.adopted)).collect();
    let (again, other) = (("scribe.printed.placeholder", true, false), ("scribe.printed.2", false, false));
    assert_eq!(rows, [again, ("scribe.printed.1", false, true), other]);
    // What the database has adopted is published again if the server loses it after all.
    let adopted = stage.bus.published().iter().find(|stored| &*stored.envelope.subject == "scribe.printed.1").cloned();
    let sequence = adopted.unwrap().sequence;
    stage.bus.faults().lose(Stream::Events, sequence..=sequence);
    stage.bus.faults().restart();
    pass(ms(20_000)).await;
    healthy(&scribe).await;
    assert_eq!(pages().collect::<Vec<_>>(), ["scribe.printed.placeholder", "scribe.printed.2", "scribe.printed.1"]);
    scribe.stop().await;
}
