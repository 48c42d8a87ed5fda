//! What a repair lists of the streams at the beginning of a connection.

use std::time::Duration;

use choreography::Settings;
use choreography::bus::Stream;
use choreography::store::PublishingStore as _;

use crate::diary::How;
use crate::republishing::{open, stored, write};
use crate::stage::{Stage, healthy};
use crate::unresponsive_bus::UnresponsiveBus;
use crate::{ms, pass, until};

/// Opens 30 pages and lets one message die, restarts the server with a loss, and the service if that is wanted. Returns how
/// many messages the repair has listed.
async fn listed_after(loss: impl FnOnce(&Stage), restarts_service: bool) -> usize {
    let stage = Stage::new();
    let bus = UnresponsiveBus::over(stage.bus.clone());
    let start = async || stage.start_on(&bus, stage.settings()).await;
    let mut scribe = start().await;
    healthy(&scribe).await;
    open(&scribe, 0..30).await;
    write(&stage, 1, How::Panicking);
    let has_all = || async { (stored(&stage).len(), stage.dead_letters().len()) == (31, 1) };
    until("the server has all", has_all).await;
    pass(ms(3_000)).await;
    bus.take_listed();
    stage.bus.faults().restart();
    if restarts_service {
        scribe.stop().await;
    }
    loss(&stage);
    if restarts_service {
        scribe = start().await;
    }
    pass(ms(5_000)).await;
    healthy(&scribe).await;
    until("the server has all again", has_all).await;
    // What was not listed is kept all the same, and forgotten later.
    assert_eq!(stage.backlog().await.outbox, 32);
    pass(Duration::from_secs(620)).await;
    assert_eq!(stage.backlog().await.outbox, 0);
    scribe.stop().await;
    assert!(has_all().await, "nothing is published again");
    bus.take_listed()
}

#[tokio::test(start_paused = true)]
async fn a_repair_lists_nothing_that_is_known_to_be_stored_and_everything_after_a_loss() {
    for restarts_service in [false, true] {
        assert_eq!(listed_after(|_| {}, restarts_service).await, 0);
        let tail = |stage: &Stage| stage.bus.faults().lose(Stream::Events, 20..);
        assert!(listed_after(tail, restarts_service).await > 0);
        let hole = |stage: &Stage| stage.bus.faults().lose(Stream::Events, 5..=9);
        assert!(listed_after(hole, restarts_service).await > 0);
        let beginning = |stage: &Stage| {
            stage.bus.faults().forget_before(10);
            stage.bus.faults().restart();
        };
        assert!(listed_after(beginning, restarts_service).await > 0);
        let dead_letters = |stage: &Stage| stage.bus.faults().lose(Stream::DeadLetters, ..);
        assert!(listed_after(dead_letters, restarts_service).await > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_repair_goes_back_to_the_newest_note_that_still_holds() {
    let stage = Stage::new();
    let bus = UnresponsiveBus::over(stage.bus.clone());
    let scribe = stage.start_on(&bus, stage.settings()).await;
    healthy(&scribe).await;
    let has = async |count| until("the server has all", || async { stored(&stage).len() == count }).await;
    open(&scribe, 0..10).await;
    has(10).await;
    pass(ms(3_000)).await;
    open(&scribe, 10..30).await;
    has(30).await;
    pass(ms(3_000)).await;
    let after = async |loss: fn(&Stage)| {
        bus.take_listed();
        loss(&stage);
        stage.bus.faults().restart();
        pass(ms(5_000)).await;
        healthy(&scribe).await;
        has(30).await;
        bus.take_listed()
    };
    assert_eq!(after(|stage| stage.bus.faults().lose(Stream::Events, 16..)).await, 5, "those behind the first ten");
    assert!(after(|stage| stage.bus.faults().lose(Stream::Events, 5..=9)).await > 0);
    assert_eq!(after(|_| {}).await, 0, "the hole is known");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_repair_looks_only_around_a_hole() {
    let stage = Stage::new();
    let bus = UnresponsiveBus::over(stage.bus.clone());
    let scribe = stage.start_on(&bus, stage.settings()).await;
    healthy(&scribe).await;
    for pages in [0..2_000, 2_000..2_100, 2_100..6_000] {
        let end = pages.end as usize;
        open(&scribe, pages).await;
        until("the server has all", || async { stored(&stage).len() == end }).await;
        pass(ms(3_000)).await;
    }
    bus.take_listed();
    stage.bus.faults().lose(Stream::Events, 2_010..=2_020);
    stage.bus.faults().restart();
    until("the server has all again", || async { stored(&stage).len() == 6_000 }).await;
    let listed = bus.take_listed();
    assert!((90..2_100).contains(&listed), "{listed}");
    healthy(&scribe).await;
    assert_eq!(stage.backlog().await.outbox, 6_000, "all are kept");
    pass(Duration::from_secs(620)).await;
    assert_eq!(stage.backlog().await.outbox, 0, "and forgotten");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_repair_forgets_no_place_that_the_stream_still_has() {
    let stage = Stage::new();
    let scribe = stage.start_with(Settings { outbox_kept: ms(20_000), ..stage.settings() }).await;
    healthy(&scribe).await;
    let places = async || {
        let floors = stage.store.floors().await.unwrap();
        floors.into_iter().map(|floor| floor.sequence).collect::<Vec<_>>()
    };
    for end in [10, 20, 30] {
        open(&scribe, end - 10..end).await;
        pass(ms(90_000)).await;
    }
    assert_eq!(places().await, [30, 20, 10]);
    stage.bus.faults().restart();
    pass(ms(5_000)).await;
    healthy(&scribe).await;
    assert_eq!(places().await, [30, 20, 10]);
    stage.bus.faults().lose(Stream::Events, 25..);
    stage.bus.faults().restart();
    pass(ms(5_000)).await;
    healthy(&scribe).await;
    assert_eq!(places().await, [20, 10], "what lies behind the loss is compared anew");
    scribe.stop().await;
}
