//! An effect is queued after its message's reaction, and is not run when its message has died or it is obsolete.

use choreography::Envelope;

use crate::diary::press::BINDING;
use crate::diary::{Bind, How, TearOut};
use crate::repairing::{deaths, records, repair};
use crate::stage::Stage;
use crate::{ms, pass, until};

fn bind(stage: &Stage, page: u32, line: u32, how: How) -> Envelope {
    let message = stage.envelope(&Bind { page, line, how });
    stage.bus.publish(&message).unwrap();
    message
}

async fn no_effect_is_left(stage: &Stage) {
    until("no effect is left", || async { stage.backlog().await.effects == 0 }).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_reaction_panics_leaves_no_effect_behind_and_its_replay_runs_it_once() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    let message = bind(&stage, 1, 1, How::Panicking);
    until("it dies", || async { deaths(&stage).len() == 1 }).await;
    pass(ms(5_000)).await;
    assert_eq!((stage.press.runs().len(), stage.backlog().await.effects), (0, 0));
    let mended = Envelope { payload: r#"{"page":1,"line":1,"how":"Plainly"}"#.into(), ..message };
    repair(&stage, "dead-replay", "scribe/1/1", &mended, 1).await;
    assert_eq!(records(&stage), ["1 replay done"]);
    assert_eq!(stage.press.lines(BINDING + 1), [1]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_is_obsolete_when_its_message_comes_is_not_run() {
    let stage = Stage::new();
    stage.publish(TearOut { page: 1 });
    bind(&stage, 1, 1, How::Plainly);
    bind(&stage, 2, 1, How::Plainly);
    let scribe = stage.start().await;
    until("the other is run", || async { stage.press.runs().len() == 1 }).await;
    no_effect_is_left(&stage).await;
    assert_eq!(stage.press.lines(BINDING + 2), [1]);
    assert!(stage.dead_letters().is_empty());
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_becomes_obsolete_before_its_next_try_is_not_tried_again() {
    let stage = Stage::new();
    stage.press.jam(BINDING + 1, 2);
    let scribe = stage.start().await;
    bind(&stage, 1, 1, How::Plainly);
    until("it has failed", || async { stage.press.runs().len() == 1 && stage.press.running() == 0 }).await;
    stage.publish(TearOut { page: 1 });
    no_effect_is_left(&stage).await;
    assert_eq!(stage.press.runs().len(), 1);
    assert!(stage.dead_letters().is_empty());
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_becomes_obsolete_while_the_service_is_down_is_not_run() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.press.hold_bindings(true);
    bind(&stage, 1, 1, How::Plainly);
    bind(&stage, 1, 2, How::Plainly);
    until("the first runs", || async { stage.press.runs().len() == 1 && stage.backlog().await.effects == 2 }).await;
    stage.publish(TearOut { page: 1 });
    stage.logged(1, "torn out").await;
    scribe.stop().await;
    stage.press.hold_bindings(false);
    let scribe = stage.start().await;
    no_effect_is_left(&stage).await;
    assert_eq!(stage.press.lines(BINDING + 1), [1], "the first was begun before, and the second is obsolete");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_record_of_a_replay_says_why_its_effect_was_not_run() {
    let stage = Stage::new();
    stage.press.refuse(BINDING + 1);
    let scribe = stage.start().await;
    let message = bind(&stage, 1, 1, How::Plainly);
    until("it dies", || async { deaths(&stage).len() == 1 }).await;
    stage.publish(TearOut { page: 1 });
    stage.logged(1, "torn out").await;
    repair(&stage, "dead-replay", "scribe/1/1", &message, 1).await;
    assert_eq!(records(&stage), ["1 replay nothing"]);
    let record = stage.dead_letters().pop().unwrap();
    assert_eq!(record.header("handled-detail"), Some("the effect was not run: the page is torn out"));
    assert_eq!(stage.press.runs().len(), 1);
    scribe.stop().await;
}
