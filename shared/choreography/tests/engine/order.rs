//! The order of a key holds across a wait: messages that wait for a row come next when it is created, in the order of
//! the stream.

use std::sync::Arc;

use choreography::store::Store as _;
use choreography::{Choreography, Row, Service, nothing};
use serde::{Deserialize, Serialize};

use crate::diary::{Page, Print, Strike, TearOut, Write};
use crate::stage::Stage;
use crate::until;

/// The cover of a page, which some messages need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "cover", key = u32)]
struct Cover;

fn strike(page: u32, line: u32) -> Strike {
    Strike { page, line }
}

async fn waits(stage: &Stage, messages: u64) {
    until("messages wait", || async { stage.backlog().await.waiting == messages }).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_comes_before_those_that_follow_the_creation_in_its_batch() {
    let stage = Stage::new();
    stage.publish(strike(1, 1));
    stage.write(1, 1);
    stage.publish(strike(1, 2));
    stage.publish(TearOut { page: 1 });
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["write 1", "strike 1", "strike 2", "torn out"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_wait_in_the_database_come_before_those_that_follow_the_creation() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.publish(strike(1, 1));
    waits(&stage, 1).await;
    stage.publish(strike(1, 2));
    waits(&stage, 2).await;
    scribe.stop().await;
    stage.publish(strike(1, 3));
    stage.write(1, 1);
    stage.publish(strike(1, 4));
    stage.publish(TearOut { page: 1 });
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["write 1", "strike 1", "strike 2", "strike 3", "strike 4", "torn out"]);
    waits(&stage, 0).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_need_the_row_makes_it_and_those_that_wait_come_next() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.publish(strike(1, 1));
    waits(&stage, 1).await;
    scribe.stop().await;
    stage.publish(TearOut { page: 1 });
    stage.publish(strike(1, 3));
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["torn out", "strike 1", "strike 3"]);
    scribe.stop().await;
}

fn enter(page: &mut Page, entry: String) {
    if !page.log.contains(&entry) {
        page.log.push(entry);
    }
}

fn write(incoming: &Write, page: &mut Option<Page>) {
    enter(page.get_or_insert_default(), format!("write {}", incoming.line));
}

fn make_cover(incoming: &Strike, page: &mut Page, cover: &mut Option<Cover>) {
    *cover = Some(Cover);
    enter(page, format!("strike {}", incoming.line));
}

fn strike_under_cover(incoming: &Strike, page: &mut Page, _: &mut Cover) {
    enter(page, format!("strike {}", incoming.line));
}

fn print(incoming: &Print, _: &mut Cover, page: &mut Page) {
    enter(page, format!("print {}", incoming.line));
}

fn cover_up(_: &TearOut, cover: &mut Option<Cover>) {
    *cover = Some(Cover);
}

/// Starts a scribe whose prints wait for the cover first, and then for the page.
async fn start(stage: &Stage, begin: Choreography) -> Service {
    let choreography = begin.fallback(nothing::<Strike>).on(write).fallback(nothing::<Write>);
    let choreography = choreography.on(print).fallback(nothing::<Print>).compensate(cover_up);
    stage.start_choreography(choreography, Arc::new(stage.store.clone()), stage.settings()).await
}

#[tokio::test(start_paused = true)]
async fn in_a_chain_of_waits_each_message_comes_before_what_follows() {
    let begin = || Choreography::new("scribe").on(make_cover);
    for in_one_batch in [true, false] {
        let stage = Stage::new();
        stage.publish(Print { page: 1, line: 1 });
        stage.publish(strike(1, 2));
        let mut scribe = start(&stage, begin()).await;
        waits(&stage, 2).await;
        if in_one_batch {
            scribe.stop().await;
        }
        stage.write(1, 3);
        stage.publish(Print { page: 1, line: 4 });
        if in_one_batch {
            scribe = start(&stage, begin()).await;
        }
        stage.all_is_received().await;
        assert_eq!(stage.log(1).await, ["write 3", "strike 2", "print 1", "print 4"]);
        scribe.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_waited_for_different_rows_first_keep_the_order_of_the_stream() {
    let stage = Stage::new();
    let scribe = start(&stage, Choreography::new("scribe").on(strike_under_cover)).await;
    stage.publish(strike(1, 1)); // waits for the page, then for the cover
    waits(&stage, 1).await;
    stage.publish(Print { page: 1, line: 2 }); // waits for the cover
    waits(&stage, 2).await;
    stage.write(1, 3);
    stage.logged(1, "write 3").await;
    stage.publish(TearOut { page: 1 });
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["write 3", "strike 1", "print 2"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_waiting_message_leaves_the_cache_to_all_other_rows() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let counts = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let loads = || {
        let counts = counts.render();
        let line = counts.lines().find(|line| line.contains("batches_total") && line.contains("database"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok()).unwrap_or_default()
    };
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.publish(strike(7, 1));
    waits(&stage, 1).await;
    scribe.stop().await;
    let scribe = stage.start().await;
    for line in 0..4 {
        stage.write(1, line);
        stage.logged(1, &format!("write {line}")).await;
    }
    let before = loads();
    for line in 4..60 {
        stage.write(1, line);
        stage.logged(1, &format!("write {line}")).await;
    }
    assert!(loads() - before <= 2, "{} batches loaded rows", loads() - before);
    stage.write(7, 1);
    stage.logged(7, "strike 1").await;
    assert_eq!(stage.store.backlog().await.unwrap().waiting, 0);
    scribe.stop().await;
}
