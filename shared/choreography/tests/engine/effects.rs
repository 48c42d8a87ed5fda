//! Effects run after the commit, at least once, one at a time for each key, those of other keys in parallel.

use choreography::store::{Changes, EffectRow, Store as _};
use choreography::{Service, Settings};

use crate::diary::Print;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

pub(crate) fn print(stage: &Stage, page: u32, line: u32) {
    stage.publish(Print { page, line });
}

pub(crate) async fn printed(stage: &Stage, count: usize) {
    until("they are printed", || async {
        stage.outgoing().iter().filter(|outgoing| outgoing.starts_with("printed.")).count() == count
    })
    .await;
    until("their rows are gone", || async { stage.backlog().await.effects == 0 }).await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_runs_after_its_commit_and_its_result_is_published() {
    let stage = Stage::new();
    stage.store.faults().fail_next_commits(20);
    print(&stage, 1, 1);
    let scribe = stage.start().await;
    until("commits fail", || async { scribe.health().database.is_err() }).await;
    pass(ms(1_000)).await;
    assert!(stage.press.runs().is_empty());
    printed(&stage, 1).await;
    assert_eq!(stage.press.lines(1), [1]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_effect_is_tried_again_after_pauses_that_double() {
    let stage = Stage::new();
    stage.press.jam(1, 5);
    print(&stage, 1, 1);
    let scribe = stage.start().await;
    printed(&stage, 1).await;
    let runs = stage.press.runs();
    assert_eq!(runs.len(), 6);
    for (number, pair) in runs.windows(2).enumerate() {
        let (pause, least) = (pair[1].at - pair[0].at, ms(500 << number));
        assert!(pause >= least && pause <= least * 3 / 2 + ms(20), "pause {number} was {pause:?}");
    }
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn effects_of_one_key_run_in_order_and_others_in_parallel() {
    let stage = Stage::new();
    stage.press.jam(1, 2);
    for line in 0..10 {
        print(&stage, 1, line);
        print(&stage, 2, line);
    }
    let scribe = stage.start().await;
    printed(&stage, 20).await;
    assert_eq!(stage.press.lines(1), [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(stage.press.lines(2), (0..10).collect::<Vec<_>>());
    let runs = stage.press.runs();
    let last_of = |page| runs.iter().rposition(|run| run.page == page).unwrap();
    assert!(last_of(2) < runs.iter().position(|run| (run.page, run.line) == (1, 1)).unwrap());
    assert_eq!(stage.press.clashes(), 0);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn at_most_32_effects_run_at_once() {
    let stage = Stage::new();
    stage.press.hold(true);
    for page in 0..3_000 {
        print(&stage, page, 1);
    }
    let scribe = stage.start().await;
    until("all are committed", || async { stage.backlog().await.effects == 3_000 }).await;
    until("the press is full", || async { stage.press.running_most() == 32 }).await;
    pass(ms(5_000)).await;
    assert_eq!(stage.press.running_most(), 32);
    stage.press.hold(false);
    printed(&stage, 3_000).await;
    assert_eq!(stage.press.running_most(), 32);
    assert_eq!(stage.press.runs().len(), 3_000);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn running_effects_hold_up_neither_messages_nor_commands() {
    let stage = Stage::new();
    stage.press.hold(true);
    for page in 0..100 {
        print(&stage, page, 1);
    }
    let scribe = stage.start().await;
    until("effects run", || async { stage.press.running_most() == 32 }).await;
    stage.write(1, 1);
    stage.logged(1, "write 1").await;
    stage.press.hold(false);
    printed(&stage, 100).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_its_last_try_a_message_dies_and_the_next_of_its_key_goes_on() {
    let stage = Stage::new();
    stage.press.jam(1, 3);
    print(&stage, 1, 1);
    print(&stage, 1, 2);
    let scribe = stage.start_with(Settings { effect_time_max: ms(3_000), ..stage.settings() }).await;
    printed(&stage, 1).await;
    assert_eq!(stage.press.lines(1), [1, 1, 1, 2]);
    assert_eq!(stage.log(1).await, ["not printed: exhausted"]);
    until("its dead letter is published", || async { stage.dead_letters().len() == 1 }).await;
    let dead_letter = &stage.dead_letters()[0];
    assert_eq!(&*dead_letter.subject, "dead.scribe.print.1");
    assert_eq!(dead_letter.header("dead-reason"), Some("exhausted"));
    assert_eq!(dead_letter.header("dead-tries"), Some("3"));
    assert_eq!(dead_letter.header("dead-detail"), Some("the press is jammed"));
    assert_eq!(dead_letter.header("dead-sequence"), Some("1"));
    assert_eq!(&dead_letter.payload[..], br#"{"page":1,"line":1}"#);
    assert_eq!(stage.outgoing(), ["not-printed.1", "printed.1"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_dies_at_once_as_poison_and_is_not_tried_again() {
    let stage = Stage::new();
    stage.press.refuse(1);
    print(&stage, 1, 1);
    let scribe = stage.start().await;
    until("its dead letter is published", || async { stage.dead_letters().len() == 1 }).await;
    assert_eq!(stage.press.lines(1), [1]);
    assert_eq!(stage.log(1).await, ["not printed: poison"]);
    let dead_letter = &stage.dead_letters()[0];
    assert_eq!(dead_letter.header("dead-reason"), Some("poison"));
    assert_eq!(dead_letter.header("dead-tries"), Some("1"));
    assert_eq!(dead_letter.header("dead-detail"), Some("the page has no such size"));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_effect_survives_a_restart_with_its_tries_and_publishes_the_same_message() {
    let stage = Stage::new();
    stage.press.jam(1, 2);
    print(&stage, 1, 1);
    let scribe = stage.start().await;
    until("the first try failed", || async { stage.press.runs().len() == 1 }).await;
    scribe.stop().await;
    let scribe = stage.start().await;
    until("the second try failed", || async { stage.press.runs().len() == 2 }).await;
    stage.press.hold(true);
    until("the third try is under way", || async { stage.press.runs().len() == 3 }).await;
    scribe.stop().await;
    stage.press.hold(false);
    let scribe = stage.start().await;
    printed(&stage, 1).await;
    assert_eq!(stage.press.runs().len(), 4);
    let outgoing = stage.all_published("printed");
    assert!(outgoing.iter().all(|again| again.header("ce-id") == outgoing[0].header("ce-id")));
    assert!(stage.dead_letters().is_empty());
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_is_run_as_soon_as_it_is_committed() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    for line in 1..=20 {
        print(&stage, 1, line);
        printed(&stage, line as usize).await;
    }
    // Effects that are only looked for in the database start once a second.
    let runs = stage.press.runs();
    let took = runs[19].at - runs[0].at;
    assert!(took < ms(5_000), "{took:?}");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_another_instance_committed_is_noticed() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    print(&stage, 1, 1);
    printed(&stage, 1).await;
    let envelope = stage.envelope(&Print { page: 1, line: 2 });
    let now_ms = stage.clock.now().as_millisecond();
    let effect = EffectRow { number: 0, key: "1".to_owned(), tries: 0, since_ms: now_ms, due_ms: now_ms, envelope };
    let changes = Changes { effects: vec![effect], ..Changes::default() };
    stage.store.begin().await.unwrap().commit(changes).await.unwrap();
    printed(&stage, 2).await;
    print(&stage, 1, 3);
    printed(&stage, 3).await;
    assert_eq!(stage.press.lines(1), [1, 2, 3]);
    scribe.stop().await;
}

async fn reading_is(service: &Service, healthy: bool) {
    until("reading changes", || async { service.health().reading.is_ok() == healthy }).await;
}

#[tokio::test(start_paused = true)]
async fn a_running_effect_is_not_begun_again_when_the_connection_is_lost() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.press.hold(true);
    print(&stage, 1, 1);
    until("it runs", || async { stage.press.runs().len() == 1 }).await;
    for _ in 0..5 {
        stage.bus.faults().cut();
        reading_is(&scribe, false).await;
        reading_is(&scribe, true).await;
    }
    stage.bus.remove_consumer("scribe-0");
    reading_is(&scribe, false).await;
    pass(ms(10_000)).await;
    stage.press.hold(false);
    printed(&stage, 1).await;
    assert_eq!((stage.press.runs().len(), stage.press.clashes()), (1, 0));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_a_stop_abandons_after_five_seconds_does_not_go_on_in_the_background() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.press.hold(true);
    print(&stage, 1, 1);
    until("it runs", || async { stage.press.runs().len() == 1 }).await;
    let begin = tokio::time::Instant::now();
    scribe.stop().await;
    let took = begin.elapsed();
    assert!(took >= ms(5_000) && took < ms(6_000), "{took:?}");
    let scribe = stage.start().await;
    until("it runs again", || async { stage.press.runs().len() == 2 }).await;
    assert_eq!(stage.press.clashes(), 0);
    stage.press.hold(false);
    printed(&stage, 1).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_commits_what_comes_of_running_effects_and_begins_no_others() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.press.hold(true);
    stage.press.jam(2, 1);
    for page in 1..=40 {
        print(&stage, page, 1);
    }
    until("some run, and others wait", || async {
        stage.press.runs().len() == 32 && stage.backlog().await.effects == 40
    })
    .await;
    let release = async {
        pass(ms(4_500)).await; // longer than the lease
        assert!(stage.head().await.lease_until_ms > stage.clock.now().as_millisecond(), "another instance could lead");
        stage.press.hold(false);
    };
    tokio::join!(scribe.stop(), release);
    assert_eq!((stage.press.runs().len(), stage.backlog().await.effects), (32, 9));
    let scribe = stage.start().await;
    printed(&stage, 40).await;
    assert_eq!(stage.press.runs().len(), 41, "only the jammed one runs again");
    scribe.stop().await;
}

/// Another connection is no other leader: effects that run meanwhile are not run again.
#[tokio::test(start_paused = true)]
async fn effects_are_run_once_however_often_the_connection_is_lost() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let epoch = stage.head().await.epoch;
    for page in 0..300 {
        print(&stage, page, 1);
        if page % 3 == 0 {
            stage.bus.faults().cut();
        }
        pass(ms(page.into())).await;
    }
    printed(&stage, 300).await;
    assert_eq!(stage.head().await.epoch, epoch);
    assert_eq!((stage.press.runs().len(), stage.press.clashes()), (300, 0));
    scribe.stop().await;
}
