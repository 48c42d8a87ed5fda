//! Effects are tried as they declare it, the effects of one message never wait for those of another, and effects that fail
//! cost little.

use std::sync::Arc;

use choreography::store::ReadingStore as _;
use choreography::{ExecuteError, Settings};

use crate::circuits::open;
use crate::diary::press::BINDING;
use crate::diary::{BIND_RUNNING_MAX, BIND_TRY_TIME_MAX, BIND_WITHIN, Bind, How};
use crate::effects::{print, printed};
use crate::pausable_store::PausableStore;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

fn bind(stage: &Stage, page: u32) {
    stage.publish(Bind { page, line: 1, how: How::Plainly });
}

#[tokio::test(start_paused = true)]
async fn a_try_that_hangs_is_dropped_after_its_time_and_tried_again() {
    let stage = Stage::new();
    stage.press.hold_bindings(true);
    bind(&stage, 1);
    let scribe = stage.start().await;
    until("it runs", || async { stage.press.runs().len() == 1 }).await;
    pass(BIND_TRY_TIME_MAX - ms(100)).await;
    assert_eq!(stage.press.running(), 1);
    pass(ms(200)).await;
    assert_eq!(stage.press.running(), 0, "it goes on");
    stage.press.hold_bindings(false);
    until("it is tried again", || async { stage.outgoing() == ["bound.1"] }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_try_ends_after_the_time_of_its_effect() {
    let stage = Stage::new();
    stage.press.hold_bindings(true);
    bind(&stage, 1);
    let scribe = stage.start().await;
    until("its dead letter is published", || async { stage.dead_letters().len() == 1 }).await;
    let (first, died) = (stage.press.runs()[0].at, tokio::time::Instant::now());
    assert!(died - first <= BIND_WITHIN + ms(50), "{:?}", died - first);
    assert_eq!(stage.press.runs().len(), 3);
    let dead_letter = &stage.dead_letters()[0];
    assert_eq!(dead_letter.header("dead-reason"), Some("exhausted"));
    assert!(dead_letter.header("dead-detail").unwrap().starts_with("it did not end within"), "{dead_letter:?}");
    assert_eq!(stage.log(1).await, ["bind 1", "not bound: exhausted"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_effect_begins_with_its_first_try() {
    let stage = Stage::new();
    stage.press.hold_bindings(true);
    let scribe = stage.start().await;
    (1..=100).for_each(|page| bind(&stage, page));
    until("they are queued", || async { stage.backlog().await.effects == 100 }).await;
    scribe.stop().await;
    pass(BIND_WITHIN * 10).await;
    stage.press.hold_bindings(false);
    (1..=100).for_each(|page| stage.press.jam(BINDING + page, 1));
    let scribe = stage.start().await;
    until("all are bound", || async { stage.outgoing().len() == 100 }).await;
    assert!(stage.dead_letters().is_empty());
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn thousands_of_hanging_effects_of_one_message_do_not_delay_those_of_another() {
    let stage = Stage::new();
    stage.press.hold(true);
    (0..3_000).for_each(|page| print(&stage, page, 1));
    let scribe = stage.start().await;
    until("they hang", || async { stage.press.running() == 32 && stage.backlog().await.effects == 3_000 }).await;
    for page in 1..=20 {
        bind(&stage, page);
        until("it is bound", || async { stage.outgoing().len() == page as usize }).await;
    }
    let (first, last) = (stage.press.runs()[32].at, stage.press.runs()[51].at);
    assert!(last - first < ms(1_000), "{:?}", last - first);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_the_database_is_full_few_effects_are_run_whose_outcome_it_does_not_know() {
    let stage = Stage::new();
    stage.press.hold(true);
    (0..1_000).for_each(|page| print(&stage, page, 1));
    let scribe = stage.start().await;
    until("they are queued", || async { stage.press.running() == 32 && stage.backlog().await.effects == 1_000 }).await;
    stage.store.faults().set_full(true);
    stage.press.hold(false);
    pass(ms(60_000)).await;
    // Those of a batch, those that wait for the next one, and those that run.
    assert!(stage.press.runs().len() <= 3 * 32, "{}", stage.press.runs().len());
    stage.store.faults().set_full(false);
    printed(&stage, 1_000).await;
    assert_eq!(stage.press.runs().len(), 1_000);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn as_many_run_at_once_as_the_effect_declares() {
    let stage = Stage::new();
    stage.press.hold_bindings(true);
    (1..=50).for_each(|page| bind(&stage, page));
    let scribe = stage.start().await;
    until("they run", || async { stage.press.running() == BIND_RUNNING_MAX }).await;
    pass(ms(1_000)).await;
    stage.press.hold_bindings(false);
    until("all are bound", || async { stage.outgoing().len() == 50 }).await;
    assert_eq!(stage.press.running_most(), BIND_RUNNING_MAX);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn effects_that_fail_together_are_recorded_by_few_commits() {
    let stage = Stage::new();
    stage.press.hold(true);
    for page in 0..32 {
        stage.press.jam(page, 1);
        print(&stage, page, 1);
    }
    let store = PausableStore::over(stage.store.clone());
    let scribe = stage.start_over(Arc::new(store.clone()), stage.settings()).await;
    until("they run", || async { stage.press.running() == 32 }).await;
    pass(ms(100)).await;
    let before = store.batches();
    stage.press.hold(false);
    until("they have failed", || async { stage.press.running() == 0 }).await;
    pass(ms(100)).await;
    assert!(store.batches() - before <= 2, "{} commits", store.batches() - before);
    assert!(stage.store_effects("print").await.iter().all(|effect| effect.tries == 1));
    printed(&stage, 32).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn waiting_effects_are_backlog_that_refuses_new_stories() {
    let stage = Stage::new();
    stage.press.hold(true);
    let scribe = stage.start_intake_with(Settings { backlog_max: 50, ..stage.settings() }).await;
    healthy(&scribe).await;
    (1..=49).for_each(|page| print(&stage, page, 1));
    pass(ms(2_000)).await;
    assert_eq!(open(&scribe, 1_000).await, Ok(()));
    print(&stage, 50, 1);
    pass(ms(2_000)).await;
    let refused = open(&scribe, 1_001).await;
    assert!(matches!(&refused, Err(ExecuteError::Closed { code: "backlog-full", .. })), "{refused:?}");
    stage.press.hold(false);
    until("new stories are accepted", || async { open(&scribe, 1_001).await.is_ok() }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn health_says_since_when_the_oldest_effect_waits_and_why() {
    let stage = Stage::new();
    stage.press.jam(1, 9);
    print(&stage, 1, 1);
    let scribe = stage.start().await;
    pass(ms(50_000)).await;
    assert_eq!(scribe.health().effects, Ok(()));
    pass(ms(20_000)).await;
    let problem = scribe.health().effects.unwrap_err();
    let (begin, end) = ("the oldest of 1 effects of print waits for ", " s: the press is jammed");
    assert!(problem.starts_with(begin) && problem.ends_with(end), "{problem}");
    pass(ms(300_000)).await;
    printed(&stage, 1).await;
    pass(ms(1_000)).await;
    assert_eq!(scribe.health().effects, Ok(()));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_goes_on_while_the_database_hangs() {
    let stage = Stage::new();
    let store = PausableStore::over(stage.store.clone());
    let scribe = stage.start_over(Arc::new(store.clone()), stage.settings()).await;
    healthy(&scribe).await;
    stage.press.hold(true);
    print(&stage, 1, 1);
    until("it runs", || async { stage.press.running() == 1 }).await;
    store.pause();
    pass(ms(5_000)).await; // it is looked for others by now, and nobody answers
    stage.press.hold(false);
    until("it has ended", || async { stage.press.running() == 0 }).await;
    store.resume();
    printed(&stage, 1).await;
    assert_eq!(stage.press.runs().len(), 1);
    scribe.stop().await;
}

/// Starts a service over 40 queued effects whose process has crashed. Returns how many effects run at once while the
/// first ones hang.
async fn running_after_a_crash(had_tried_all: bool) -> usize {
    let stage = Stage::new();
    stage.press.hold(true);
    (0..40).for_each(|page| print(&stage, page, 1));
    let scribe = stage.start().await;
    until("all are queued", || async { stage.backlog().await.effects == 40 }).await;
    scribe.stop().await;
    stage.store.begin_run().await.unwrap();
    if had_tried_all {
        stage.store.effects_tried().await.unwrap();
    }
    let scribe = stage.start().await;
    until("one runs", || async { stage.press.running() > 0 }).await;
    pass(ms(100)).await;
    let running = stage.press.running();
    stage.press.hold(false);
    printed(&stage, 40).await;
    scribe.stop().await;
    running
}

#[tokio::test(start_paused = true)]
async fn effects_are_begun_one_by_one_if_the_crashed_process_had_not_tried_all_that_it_found() {
    assert_eq!(running_after_a_crash(true).await, 32);
    assert_eq!(running_after_a_crash(false).await, 1);
}
