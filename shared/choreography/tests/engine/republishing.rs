//! Whatever the server loses, exactly that is published again; nothing else ever is.

use std::sync::Arc;
use std::time::Duration;

use choreography::bus::Stream;
use choreography::recovery::Recovery;
use choreography::{Service, Settings};

use crate::diary::{How, OpenPage, Write};
use crate::pausable_store::PausableStore;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

/// Starts a scribe that opens pages, and waits until the server has them.
async fn with_pages(stage: &Stage, pages: std::ops::Range<u32>) -> Service {
    let scribe = stage.start().await;
    healthy(&scribe).await;
    open(&scribe, pages.clone()).await;
    until("the server has them", || async { stored(stage).len() == pages.len() }).await;
    scribe
}

pub(crate) async fn open(scribe: &Service, pages: std::ops::Range<u32>) {
    let opening = pages.map(|page| scribe.execute(OpenPage { page, title: "May".to_owned() }));
    futures::future::join_all(opening).await.into_iter().for_each(|reply| drop(reply.unwrap()));
}

pub(crate) fn write(stage: &Stage, line: u32, how: How) {
    stage.publish(Write { page: 1, line, how });
}

/// Returns what the server has of the scribe, copies included: `page-opened.1`.
pub(crate) fn stored(stage: &Stage) -> Vec<String> {
    let subjects = stage.bus.published().into_iter().map(|stored| stored.envelope.subject);
    subjects.filter_map(|subject| subject.strip_prefix("scribe.").map(str::to_owned)).collect()
}

fn opened(pages: impl IntoIterator<Item = u32>) -> Vec<String> {
    pages.into_iter().map(|page| format!("page-opened.{page}")).collect()
}

/// Lets the server lose something of 30 messages, and returns what it has some time later.
async fn after(loss: impl FnOnce(&Stage)) -> Vec<String> {
    let stage = Stage::new();
    let scribe = with_pages(&stage, 0..30).await;
    pass(ms(60_000)).await;
    loss(&stage);
    pass(ms(5_000)).await;
    healthy(&scribe).await;
    scribe.stop().await;
    stored(&stage)
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_lost_tail_is_published_again_in_order() {
    assert_eq!(after(|stage| stage.bus.faults().forget_after(12)).await, opened(0..30));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_hole_is_published_again_behind_the_rest() {
    let lost = |stage: &Stage| stage.bus.faults().lose(Stream::Events, 6..=15);
    assert_eq!(after(lost).await, opened((0..5).chain(15..30).chain(5..15)));
}

#[tokio::test(start_paused = true)]
async fn an_emptied_beginning_is_published_again() {
    let lost = |stage: &Stage| {
        stage.bus.faults().forget_before(11);
        stage.bus.faults().restart();
    };
    assert_eq!(after(lost).await, opened((10..30).chain(0..10)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_published_again_after_a_restart_of_the_server_or_a_lost_connection() {
    assert_eq!(after(|stage| stage.bus.faults().restart()).await, opened(0..30));
    assert_eq!(after(|stage| stage.bus.faults().cut()).await, opened(0..30));
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_acknowledgement_was_lost_is_not_published_again() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.bus.faults().drop_acknowledgements(10);
    open(&scribe, 0..20).await;
    pass(ms(1_000)).await;
    assert_eq!(stage.backlog().await.outbox, 20);
    pass(ms(20_000)).await;
    healthy(&scribe).await;
    assert_eq!(stored(&stage), opened(0..20));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_crashed_instance_had_published_is_not_published_again_by_the_next() {
    let stage = Stage::new();
    let store = PausableStore::over(stage.store.clone());
    let one = stage.start_over(Arc::new(store.clone()), stage.settings()).await;
    healthy(&one).await;
    stage.bus.faults().drop_acknowledgements(1_000);
    open(&one, 0..20).await;
    pass(ms(10)).await;
    store.pause();
    let other = stage.start_as(1).await;
    pass(ms(10_000)).await;
    stage.bus.faults().drop_acknowledgements(0);
    healthy(&other).await;
    open(&other, 20..30).await;
    until("it publishes", || async { stored(&stage).len() >= 30 }).await;
    assert_eq!(stored(&stage), opened(0..30));
    store.resume();
    tokio::join!(one.stop(), other.stop());
    assert_eq!(stored(&stage), opened(0..30));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_stopped_for_a_minute_or_an_hour_publishes_nothing_again() {
    for stopped in [60, 3_600] {
        let stage = Stage::new();
        let scribe = with_pages(&stage, 0..30).await;
        scribe.stop().await;
        pass(Duration::from_secs(stopped)).await;
        let scribe = stage.start().await;
        healthy(&scribe).await;
        open(&scribe, 30..40).await;
        pass(ms(5_000)).await;
        assert_eq!(stored(&stage), opened(0..40));
        scribe.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_loses_while_the_service_is_stopped_is_published_at_the_next_start() {
    let stage = Stage::new();
    let scribe = with_pages(&stage, 0..30).await;
    scribe.stop().await;
    stage.bus.faults().lose(Stream::Events, 11..=20);
    pass(Duration::from_secs(3_600)).await;
    let scribe = stage.start().await;
    healthy(&scribe).await;
    open(&scribe, 30..31).await;
    pass(ms(1_000)).await;
    assert_eq!(stored(&stage), opened((0..10).chain(20..30).chain(10..20).chain(30..31)));
    scribe.stop().await;
}

/// While the server can't be reached, no row gets older.
#[tokio::test(start_paused = true)]
async fn what_the_server_lost_in_a_long_outage_is_published_again() {
    let stage = Stage::new();
    let scribe = with_pages(&stage, 0..30).await;
    stage.bus.faults().set_down(true);
    pass(Duration::from_secs(3_600)).await;
    stage.bus.faults().forget_after(12);
    stage.bus.faults().set_down(false);
    until("all is there", || async { stored(&stage).len() >= 30 }).await;
    pass(ms(5_000)).await;
    assert_eq!(stored(&stage), opened(0..30));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_the_server_has_is_not_published_again() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    (0..5).for_each(|line| write(&stage, line, How::Panicking));
    until("they died", || async { stage.dead_letters().len() == 5 }).await;
    stage.bus.faults().restart();
    pass(ms(5_000)).await;
    healthy(&scribe).await;
    assert_eq!(stage.dead_letters().len(), 5);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_server_with_a_lowered_limit_finds_too_large_is_kept_and_published_when_it_has_its_limit_again() {
    let stage = Stage::new();
    let scribe = with_pages(&stage, 0..10).await;
    stage.bus.faults().take_at_most(300);
    open(&scribe, 10..20).await;
    until("health says what to do", || async {
        scribe.health().publishing.is_err_and(|trouble| trouble.contains("run the provisioning step"))
    })
    .await;
    pass(Duration::from_secs(60)).await;
    assert!(scribe.health().publishing.is_err());
    assert_eq!((stored(&stage).len(), stage.dead_letters().len()), (10, 0));
    stage.bus.faults().take_at_most(72 * 1_024);
    healthy(&scribe).await;
    until("all is published", || async { stored(&stage).len() >= 20 }).await;
    assert_eq!((stored(&stage), stage.dead_letters().len()), (opened(0..20), 0));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn messages_that_a_put_back_database_does_not_know_are_not_published_again() {
    let stage = Stage::new();
    let scribe = stage.start_with(Settings { check_idempotence: false, ..stage.settings() }).await;
    (0..5).for_each(|line| write(&stage, line, How::NotIdempotently));
    until("all is written", || async { stage.all_published("written").len() == 5 }).await;
    let copy = stage.store.copy();
    (5..15).for_each(|line| write(&stage, line, How::NotIdempotently));
    until("all is written", || async { stage.all_published("written").len() == 15 }).await;
    scribe.stop().await;
    stage.store.put_back(&copy);
    let scribe = stage.start_with(Settings { check_idempotence: false, ..stage.settings() }).await;
    until("all is written again", || async { stage.log(1).await.len() == 15 }).await;
    pass(ms(5_000)).await;
    assert_eq!(stage.all_published("written").len(), 15);
    write(&stage, 15, How::NotIdempotently);
    until("further ones are published", || async { stage.all_published("written").len() == 16 }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_commands_published_since_the_copy_that_was_put_back_is_counted_until_that_is_accepted() {
    let stage = Stage::new();
    let scribe = with_pages(&stage, 1..3).await;
    let copy = stage.store.copy();
    open(&scribe, 3..6).await;
    (0..4).for_each(|line| write(&stage, line, How::Plainly));
    until("the server has all of it", || async { stored(&stage).len() == 9 }).await;
    scribe.stop().await;
    stage.store.put_back(&copy);
    // A restart does not forget it, nor count it again.
    for _ in 0..2 {
        let scribe = stage.start().await;
        healthy(&scribe).await;
        until("it is reported", || async { scribe.health().commands.is_err() }).await;
        stage.logged(1, "write 3").await;
        let lost = scribe.health().commands.unwrap_err();
        assert!(lost.contains("has: 3 page-opened."), "{lost}");
        assert_eq!(scribe.health().lost, Ok(()));
        scribe.stop().await;
    }
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let recovery = Recovery { store: &stage.store, bus: &stage.bus };
    assert_eq!(recovery.report().await.unwrap().lost_commands, [("page-opened".into(), 3)]);
    assert_eq!(recovery.accept_lost().await.unwrap(), 3);
    until("it is accepted", || async { scribe.health().commands.is_ok() }).await;
    assert_eq!((recovery.report().await.unwrap().lost_commands, stored(&stage).len()), (Vec::new(), 9));
    scribe.stop().await;
}
