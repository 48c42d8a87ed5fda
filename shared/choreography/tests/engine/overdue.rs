//! A subscriber that does not commit its steps: the publisher writes overdue notices for it.

use choreography::bus::{Bus as _, Progress};
use choreography::{CircuitState, Envelope, Service};

use crate::diary::OpenPage;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

fn overdue(stage: &Stage) -> Vec<Envelope> {
    let dead_letters = stage.dead_letters().into_iter();
    dead_letters.filter(|dead_letter| dead_letter.header("dead-reason") == Some("overdue")).collect()
}

async fn published(stage: &Stage) {
    until("the message is published", || async { stage.outgoing().len() == 1 }).await;
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_behind_causes_one_overdue_notice_a_cycle() {
    let stage = Stage::new();
    stage.bus.add_consumer("reader-0", &["scribe.page-opened.*", "scribe.written.*"]);
    let scribe = stage.start().await;
    healthy(&scribe).await;
    scribe.execute(OpenPage { page: 1, title: "May".to_owned() }).await.unwrap();
    published(&stage).await;
    let begin = stage.clock.now();
    pass(ms(29_000)).await;
    assert!(overdue(&stage).is_empty());
    until("an overdue notice is published", || async { overdue(&stage).len() == 1 }).await;
    let after = stage.clock.now().duration_since(begin).as_secs();
    assert!((30..=35).contains(&after), "after {after} s");
    let dead_letter = overdue(&stage).remove(0);
    assert_eq!(&*dead_letter.subject, "dead.scribe.page-opened.overdue");
    assert_eq!(dead_letter.header("dead-fingerprint"), Some("scribe/page-opened/overdue/reader"));
    assert_eq!(dead_letter.header("dead-tries"), Some("0"));
    let detail = dead_letter.header("dead-detail").unwrap();
    let seconds = detail.strip_prefix("reader has committed up to 0, and not page-opened at 1, published ").unwrap();
    let seconds: i64 = seconds.strip_suffix(" s ago").unwrap().parse().unwrap();
    assert!((after - 1..=after).contains(&seconds), "{detail}");
    until("its circuit opens", || async {
        scribe.breaker().circuits.iter().any(|circuit| circuit.state == CircuitState::Open)
    })
    .await;
    let (count, begin) = (overdue(&stage).len(), stage.clock.now());
    pass(ms(20_000)).await;
    assert_eq!(overdue(&stage).len(), count + 4, "one a cycle since {begin}");
    // The subscriber is back.
    stage.pull_all("reader-0").await;
    until("its circuit closes", || async { scribe.breaker().circuits.is_empty() }).await;
    let count = overdue(&stage).len();
    pass(ms(60_000)).await;
    assert_eq!(overdue(&stage).len(), count);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_overdue_where_one_instance_is_sent_everything() {
    let stage = Stage::new();
    stage.bus.add_consumer("reader-0", &["scribe.page-opened.*"]);
    stage.bus.add_consumer("reader-1", &["scribe.page-opened.*"]);
    stage.bus.add_consumer("stranger-0", &["author.write.*"]);
    let (scribe, standby) = (stage.start().await, stage.start_as(1).await);
    healthy(&scribe).await;
    healthy(&standby).await;
    scribe.execute(OpenPage { page: 1, title: "May".to_owned() }).await.unwrap();
    published(&stage).await;
    stage.write(1, 1);
    stage.pull_all("reader-1").await;
    pass(ms(120_000)).await;
    assert!(overdue(&stage).is_empty(), "{:?}", overdue(&stage));
    tokio::join!(scribe.stop(), standby.stop());
}

/// Notes the position that the reader has committed, as its leader does once a second.
async fn note(stage: &Stage, position: u64) {
    let note = Progress { position, ..Progress::default() };
    stage.bus.connect().await.unwrap().note_progress("reader", &note).await.unwrap();
}

/// Starts a scribe that has published one page to the reader.
async fn with_a_page(stage: &Stage) -> Service {
    stage.bus.add_consumer("reader-0", &["scribe.page-opened.*", "scribe.written.*"]);
    let scribe = stage.start().await;
    healthy(&scribe).await;
    scribe.execute(OpenPage { page: 1, title: "May".to_owned() }).await.unwrap();
    published(stage).await;
    scribe
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_sent_its_messages_and_can_not_commit_is_overdue() {
    let stage = Stage::new();
    note(&stage, 0).await;
    let scribe = with_a_page(&stage).await;
    stage.pull_all("reader-0").await;
    let begin = stage.clock.now();
    until("an overdue notice is published", || async { !overdue(&stage).is_empty() }).await;
    let after = stage.clock.now().duration_since(begin).as_secs();
    assert!((29..=40).contains(&after), "within two cycles, and not before: after {after} s");
    note(&stage, 1).await;
    pass(ms(5_000)).await;
    let count = overdue(&stage).len();
    pass(ms(60_000)).await;
    assert_eq!(overdue(&stage).len(), count);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_reads_again_what_it_has_committed_is_not_overdue() {
    let stage = Stage::new();
    let scribe = with_a_page(&stage).await;
    note(&stage, 1).await;
    pass(ms(120_000)).await;
    assert_eq!(overdue(&stage), []);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_looks_at_the_stream_need_not_keep_up_with_it() {
    let stage = Stage::new();
    for (name, filter) in [("natscli-1", ">"), ("reader-9", "scribe.page-opened.*")] {
        stage.bus.add_onlooker(name, &[filter]);
    }
    let scribe = with_a_page(&stage).await;
    note(&stage, 1).await;
    pass(ms(120_000)).await;
    assert_eq!(overdue(&stage), []);
    assert_eq!(scribe.breaker().circuits, []);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_is_never_overdue() {
    let stage = Stage::new();
    let scribe = with_a_page(&stage).await;
    note(&stage, 1).await;
    stage.write(1, 1);
    until("it is published", || async { stage.all_published("written").len() == 1 }).await;
    pass(ms(120_000)).await;
    assert_eq!(overdue(&stage), []);
    scribe.stop().await;
}
