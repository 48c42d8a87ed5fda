//! The backlog: while too many messages wait to be published or for a row, new stories are refused.

use choreography::store::{Changes, Store as _, StoredReply, Wanted};
use choreography::{ExecuteError, IdempotencyKey, Service, Settings};

use crate::circuits::{all_pages_published, open, open_all};
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

/// Waits until the backlog has been counted again, and checks that a new story is refused.
async fn expect_backlog_full(scribe: &Service, page: u32) {
    pass(ms(1_100)).await;
    let refused = open(scribe, page).await;
    assert!(matches!(&refused, Err(ExecuteError::Closed { code: "backlog-full", .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_full_backlog_refuses_new_stories() {
    let stage = Stage::new();
    let scribe = stage.start_intake_with(Settings { backlog_max: 5, ..stage.settings() }).await;
    healthy(&scribe).await;
    open_all(&scribe, 1..=20).await;
    // Published rows do not count, though they are kept for a while.
    all_pages_published(&stage, 20).await;
    pass(ms(2_000)).await;
    assert_eq!(open(&scribe, 21).await, Ok(()));
    stage.bus.faults().set_down(true);
    open_all(&scribe, 22..=27).await;
    expect_backlog_full(&scribe, 28).await;
    stage.bus.faults().set_down(false);
    all_pages_published(&stage, 27).await;
    until("new stories are accepted", || async { open(&scribe, 28).await.is_ok() }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn acknowledged_messages_do_not_count_as_backlog() {
    let stage = Stage::new();
    let scribe = stage.start_intake_with(Settings { backlog_max: 5, ..stage.settings() }).await;
    healthy(&scribe).await;
    // For longer than an acknowledged row is kept.
    for page in 1..=400 {
        pass(ms(70)).await;
        assert_eq!(open(&scribe, page).await, Ok(()), "{page}");
    }
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_backlog_is_noticed_right_after_a_restart() {
    let stage = Stage::new();
    let settings = Settings { backlog_max: 5, ..stage.settings() };
    let scribe = stage.start_intake_with(settings.clone()).await;
    healthy(&scribe).await;
    open_all(&scribe, 1..=20).await;
    all_pages_published(&stage, 20).await;
    pass(ms(1_100)).await;
    scribe.stop().await;
    let scribe = stage.start_intake_with(settings).await;
    healthy(&scribe).await;
    stage.bus.faults().set_down(true);
    open_all(&scribe, 21..=26).await;
    expect_backlog_full(&scribe, 27).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn rows_that_are_kept_do_not_count_as_the_backlog_of_a_standby() {
    let stage = Stage::new();
    let settings = Settings { backlog_max: 5, ..stage.settings() };
    let leader = stage.start_intake_with(settings.clone()).await;
    healthy(&leader).await;
    let standby = stage.start_intake_with(Settings { instance: 1, ..settings }).await;
    healthy(&standby).await;
    // None of them is deleted yet.
    for page in 1..=40 {
        pass(ms(100)).await;
        assert_eq!(open(&leader, page).await, Ok(()), "{page}");
    }
    pass(ms(2_000)).await;
    assert!(stage.backlog().await.outbox > 20);
    assert_eq!(open(&standby, 41).await, Ok(()));
    stage.bus.faults().set_down(true);
    open_all(&leader, 42..=47).await;
    expect_backlog_full(&standby, 48).await;
    tokio::join!(leader.stop(), standby.stop());
}

#[tokio::test(start_paused = true)]
async fn maintenance_goes_on_while_there_is_more_to_delete() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    // Nothing is deleted soon after reading has begun.
    pass(ms(700_000)).await;
    let key = |number: u32| IdempotencyKey {
        route: "POST /pages".to_owned(),
        caller: String::new(),
        key: number.to_string(),
    };
    let reply = |number| StoredReply { key: key(number), body_hash: String::new(), reply: "{}".to_owned() };
    // Stored in 1970.
    for batch in 0..60 {
        let replies = (batch * 500..(batch + 1) * 500).map(reply).collect();
        stage.store.begin().await.unwrap().commit(Changes { replies, ..Changes::default() }).await.unwrap();
    }
    pass(ms(1_500)).await;
    let wanted = Wanted { replies: (0..30_000).map(key).collect(), ..Wanted::default() };
    let left = stage.store.begin().await.unwrap().load(&wanted).await.unwrap().replies.len();
    assert_eq!(left, 0);
    scribe.stop().await;
}
