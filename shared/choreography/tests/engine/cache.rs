//! Batches decide from cached rows where they can; a cached row that is out of date does no harm.

use std::sync::Arc;

use choreography::{Idempotency, IdempotencyKey, Request, Service};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::diary::{How, Note, OpenPage, Remind, Strike, Write};
use crate::pausable_store::PausableStore;
use crate::stage::{Stage, healthy, written};
use crate::until;

/// Starts a scribe and fills its cache with page 1. Idempotence is not checked, so that a line written twice shows.
async fn scribe_with_cache(stage: &Stage) -> Service {
    let scribe = stage.start_unchecked().await;
    healthy(&scribe).await;
    for line in 0..4 {
        write(stage, line).await;
    }
    scribe
}

/// Publishes a line, and waits until it is written.
async fn write(stage: &Stage, line: u32) {
    stage.publish(Write { page: 1, line, how: How::NotIdempotently });
    stage.logged(1, &format!("write {line}")).await;
}

fn note(text: &str) -> Note {
    Note { page: 1, text: text.to_owned() }
}

/// Returns how many batches have loaded rows from the database, from the metrics.
fn batches_that_loaded(metrics: &str) -> u32 {
    let line = metrics.lines().find(|line| line.contains("batches_total") && line.contains("database"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn rows_that_the_last_batches_wrote_are_not_loaded_again() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counts = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let loads = || batches_that_loaded(&counts.render());
    let stage = Stage::new();
    let scribe = scribe_with_cache(&stage).await;
    let before = loads();
    for line in 4..100 {
        write(&stage, line).await;
        // A new row is in no cache; only that it is new is known.
        scribe.execute(OpenPage { page: line, title: "May".to_owned() }).await.unwrap();
    }
    assert_eq!(stage.log(1).await, written(0..100));
    // Batches that look for what is due load in any case.
    let loads_for_due_messages = 2;
    assert!(loads() - before <= loads_for_due_messages, "{} batches loaded rows", loads() - before);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn rows_of_another_instance_are_seen() {
    let stage = Stage::new();
    let scribe = scribe_with_cache(&stage).await;
    let other = stage.start_as(1).await;
    healthy(&other).await;
    for round in 0..10 {
        other.execute(note(&format!("b{round}"))).await.unwrap();
        // Also by a command that changes nothing.
        let page = scribe.execute(Remind { page: 1, line: 1, after_ms: None }).await.unwrap();
        assert_eq!(page.log.last(), Some(&format!("note b{round}")));
        let page = scribe.execute(note(&format!("a{round}"))).await.unwrap();
        assert_eq!(page.log[page.log.len() - 2..], [format!("note b{round}"), format!("note a{round}")]);
        write(&stage, 100 + round).await;
    }
    assert_eq!(stage.log(1).await.len(), 4 + 30);
    tokio::join!(scribe.stop(), other.stop());
}

#[tokio::test(start_paused = true)]
async fn an_instance_resumed_after_a_takeover_writes_nothing_from_its_cache() {
    let stage = Stage::new();
    let store = PausableStore::over(stage.store.clone());
    let scribe = stage.start_over(Arc::new(store.clone()), stage.settings()).await;
    healthy(&scribe).await;
    for line in 0..4 {
        stage.write(1, line);
        stage.logged(1, &format!("write {line}")).await;
    }
    store.pause();
    stage.write(1, 4);
    let other = stage.start_as(1).await;
    stage.logged(1, "write 4").await;
    other.execute(note("rain")).await.unwrap();
    store.resume();
    let page = scribe.execute(note("sun")).await.unwrap();
    assert_eq!(page.log[4..], ["write 4", "note rain", "note sun"]);
    tokio::join!(scribe.stop(), other.stop());
}

#[tokio::test(start_paused = true)]
async fn received_ids_and_stored_replies_are_checked_without_a_round_trip() {
    let stage = Stage::new();
    let scribe = scribe_with_cache(&stage).await;
    let key = IdempotencyKey { route: "POST /notes".to_owned(), caller: String::new(), key: "a".to_owned() };
    let once = || Request {
        idempotency: Some(Idempotency { key: key.clone(), body_hash: "x".to_owned() }),
        ..Request::default()
    };
    let message = stage.envelope(&Write { page: 1, line: 9, how: How::NotIdempotently });
    let first = scribe.execute_as(note("rain"), once()).await.unwrap();
    for line in 100..110 {
        stage.bus.publish(&message).unwrap();
        stage.logged(1, "write 9").await;
        // New messages in between let the scribe decide from its cache again.
        write(&stage, line).await;
        stage.all_is_received().await;
        assert_eq!(scribe.execute_as(note("rain"), once()).await.unwrap(), first);
        scribe.execute(OpenPage { page: line, title: "May".to_owned() }).await.unwrap();
    }
    let log = stage.log(1).await;
    let count = |entry: &str| log.iter().filter(|known| *known == entry).count();
    assert_eq!((count("write 9"), count("note rain")), (1, 1), "{log:?}");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_waits_only_for_a_row_that_is_missing_in_the_database() {
    let stage = Stage::new();
    let scribe = scribe_with_cache(&stage).await;
    // Pages that are not in the first instance's cache.
    let other = stage.start_as(1).await;
    healthy(&other).await;
    for page in 10..20 {
        other.execute(OpenPage { page, title: "May".to_owned() }).await.unwrap();
        stage.publish(Strike { page, line: 1 });
        stage.logged(page, "strike 1").await;
    }
    stage.publish(Strike { page: 20, line: 1 });
    until("it waits", || async { stage.backlog().await.waiting == 1 }).await;
    other.execute(OpenPage { page: 20, title: "May".to_owned() }).await.unwrap();
    stage.logged(20, "strike 1").await;
    tokio::join!(scribe.stop(), other.stop());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_makes_only_its_own_row_be_loaded() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counts = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let loads = || batches_that_loaded(&counts.render());
    let stage = Stage::new();
    let scribe = scribe_with_cache(&stage).await;
    for page in [50, 51] {
        stage.publish(Strike { page, line: 1 });
    }
    until("they wait", || async { stage.backlog().await.waiting == 2 }).await;
    let open = |page| OpenPage { page, title: "May".to_owned() };
    let before = loads();
    for line in 4..100 {
        write(&stage, line).await;
        scribe.execute(open(line)).await.unwrap();
    }
    // Batches that look for what is due load in any case, and the first pages are made where others wait.
    assert!(loads() - before <= 4, "{} batches loaded rows", loads() - before);
    assert_eq!(stage.log(50).await[1..], ["strike 1"]);
    assert_eq!(stage.log(51).await[1..], ["strike 1"]);
    assert_eq!(stage.backlog().await.waiting, 0);
    scribe.stop().await;
}
