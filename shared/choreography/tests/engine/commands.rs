//! Commands: the replies to their callers, and what happens to a repeated request.

use std::sync::Arc;

use choreography::{ExecuteError, Idempotency, IdempotencyKey, Rejected, Request, Service, Settings};

use crate::diary::{ClosePage, Note, OpenPage, Page};
use crate::pausable_store::PausableStore;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

fn open(page: u32, title: &str) -> OpenPage {
    OpenPage { page, title: title.to_owned() }
}

fn note(page: u32, text: &str) -> Note {
    Note { page, text: text.to_owned() }
}

fn page<const N: usize>(log: [&str; N]) -> Page {
    Page { log: log.map(str::to_owned).to_vec(), ..Page::default() }
}

fn once(key: &str, body: &str) -> Request {
    let key = IdempotencyKey { route: "POST /notes".to_owned(), caller: "me".to_owned(), key: key.to_owned() };
    Request { idempotency: Some(Idempotency { key, body_hash: body.to_owned() }), ..Request::default() }
}

fn missing(page: u32) -> ExecuteError {
    ExecuteError::Missing { table: "page".to_owned(), key: page.to_string() }
}

fn refused() -> ExecuteError {
    ExecuteError::Rejected(Rejected::new("open-already", "This page is open."))
}

#[tokio::test(start_paused = true)]
async fn the_reply_is_the_row_after_the_commit() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    assert_eq!(scribe.execute(open(1, "May")).await, Ok(page(["open May"])));
    assert_eq!(stage.log(1).await, ["open May"]);
    assert_eq!(scribe.execute(note(1, "rain")).await, Ok(page(["open May", "note rain"])));
    until("its message is published", || async { stage.outgoing() == ["page-opened.1"] }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn commands_of_one_batch_are_executed_in_the_order_of_their_arrival() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    scribe.execute(open(1, "May")).await.unwrap();
    let texts: Vec<String> = (0..700).map(|text| text.to_string()).collect();
    let notes = texts.iter().map(|text| scribe.execute(note(1, text)));
    let replies: Vec<_> = futures::future::join_all(notes).await.into_iter().map(Result::unwrap).collect();
    assert!(replies.iter().zip(&texts).all(|(page, text)| page.log.contains(&format!("note {text}"))));
    let wanted: Vec<String> = texts.iter().map(|text| format!("note {text}")).collect();
    assert_eq!(stage.log(1).await[1..], wanted);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_command_changes_and_publishes_nothing() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    scribe.execute(open(1, "May")).await.unwrap();
    assert_eq!(scribe.execute(open(1, "June")).await, Err(refused()));
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["open May"]);
    assert_eq!(stage.outgoing().iter().filter(|outgoing| *outgoing == "page-opened.1").count(), 1);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_for_a_missing_row_is_an_error_and_does_not_wait() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    assert_eq!(scribe.execute(note(1, "rain")).await, Err(missing(1)));
    assert_eq!(stage.backlog().await.waiting, 0);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_that_deletes_its_row_returns_it_as_it_was_and_one_that_has_none_to_return_changes_nothing() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    scribe.execute(open(1, "May")).await.unwrap();
    assert_eq!(scribe.execute(ClosePage { page: 1 }).await, Ok(page(["open May"])));
    assert!(stage.log(1).await.is_empty());
    assert_eq!(scribe.execute(ClosePage { page: 1 }).await, Err(missing(1)));
    assert!(missing(1).to_string().starts_with("there is no page 1: "));
    stage.all_is_received().await;
    assert_eq!(stage.outgoing()[..2], ["page-opened.1", "page-closed.1"]);
    assert!(stage.all_published("page-closed").len() == 1);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_command_changes_nothing_and_harms_no_other_one() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let (panicking, large, fine) = tokio::join!(
        scribe.execute(open(1, "panic")),
        scribe.execute(open(2, "at length")),
        scribe.execute(open(3, "May"))
    );
    assert_eq!(panicking, Err(ExecuteError::Failed("panicked: the ink ran out".to_owned())));
    assert!(matches!(large, Err(ExecuteError::TooLarge(detail)) if detail.contains("page-opened")));
    assert_eq!(fine, Ok(page(["open May"])));
    assert!(stage.log(1).await.is_empty() && stage.log(2).await.is_empty());
    until("the message of the third is published", || async { stage.outgoing() == ["page-opened.3"] }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_repeated_request_gets_its_reply_again_also_after_a_restart() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    scribe.execute(open(1, "May")).await.unwrap();
    let first = scribe.execute_as(note(1, "rain"), once("a", "rain")).await;
    scribe.execute(note(1, "sun")).await.unwrap();
    assert_eq!(first, Ok(page(["open May", "note rain"])));
    assert_eq!(scribe.execute_as(note(1, "rain"), once("a", "rain")).await, first);
    scribe.stop().await;
    let scribe = stage.start().await;
    assert_eq!(scribe.execute_as(note(1, "rain"), once("a", "rain")).await, first);
    assert_eq!(stage.log(1).await, ["open May", "note rain", "note sun"]);
    assert_eq!(scribe.execute_as(note(1, "hail"), once("a", "hail")).await, Err(ExecuteError::KeyReused));
    assert!(scribe.execute_as(note(1, "hail"), once("b", "hail")).await.is_ok());
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn stored_rejections_are_repeated_but_faults_and_missing_rows_are_tried_again() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    assert_eq!(scribe.execute_as(note(1, "rain"), once("a", "x")).await, Err(missing(1)));
    assert!(matches!(scribe.execute_as(open(1, "panic"), once("b", "x")).await, Err(ExecuteError::Failed(_))));
    assert_eq!(scribe.execute_as(open(1, "May"), once("b", "x")).await, Ok(page(["open May"])));
    assert_eq!(scribe.execute_as(open(1, "June"), once("c", "x")).await, Err(refused()));
    scribe.stop().await;
    let scribe = stage.start().await;
    assert_eq!(scribe.execute_as(note(1, "rain"), once("a", "x")).await, Ok(page(["open May", "note rain"])));
    assert_eq!(scribe.execute_as(open(9, "June"), once("c", "x")).await, Err(refused()));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stored_reply_is_deleted_after_its_time() {
    let stage = Stage::new();
    let settings = Settings { replies_kept: ms(100_000), ..stage.settings() };
    let scribe = stage.start_with(settings).await;
    healthy(&scribe).await;
    scribe.execute_as(open(1, "May"), once("a", "x")).await.unwrap();
    pass(ms(95_000)).await;
    scribe.execute_as(open(1, "May"), once("a", "x")).await.unwrap();
    pass(ms(10_000)).await;
    assert_eq!(scribe.execute_as(open(1, "May"), once("a", "x")).await, Err(refused()));
    scribe.stop().await;
}

/// Starts a service whose database is paused after page 1 was opened.
async fn paused(stage: &Stage) -> (Service, PausableStore) {
    let store = PausableStore::over(stage.store.clone());
    let scribe = stage.start_over(Arc::new(store.clone()), stage.settings()).await;
    healthy(&scribe).await;
    scribe.execute(open(1, "May")).await.unwrap();
    store.pause();
    (scribe, store)
}

#[tokio::test(start_paused = true)]
async fn a_request_that_still_runs_is_not_begun_a_second_time() {
    let stage = Stage::new();
    let (scribe, store) = paused(&stage).await;
    let mut first = Box::pin(scribe.execute_as(note(1, "rain"), once("a", "x")));
    assert!(futures::poll!(&mut first).is_pending());
    assert_eq!(scribe.execute_as(note(1, "rain"), once("a", "x")).await, Err(ExecuteError::KeyRunning));
    store.resume();
    assert_eq!(first.await, Ok(page(["open May", "note rain"])));
    assert_eq!(scribe.execute_as(note(1, "rain"), once("a", "x")).await, Ok(page(["open May", "note rain"])));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_and_returns_gets_its_reply() {
    let stage = Stage::new();
    let (scribe, store) = paused(&stage).await;
    // The first command is in a batch already; these come together in the next one.
    let mut batch = Box::pin(scribe.execute(note(1, "sun")));
    assert!(futures::poll!(&mut batch).is_pending());
    pass(ms(10)).await;
    for _ in 0..3 {
        let mut gone = Box::pin(scribe.execute_as(note(1, "rain"), once("a", "x")));
        let _ = futures::poll!(&mut gone);
    }
    store.resume();
    batch.await.unwrap();
    until("its reply is stored", || async { scribe.execute_as(note(1, "rain"), once("a", "x")).await.is_ok() }).await;
    assert_eq!(stage.log(1).await, ["open May", "note sun", "note rain"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_instances_execute_a_request_once() {
    let stage = Stage::new();
    let (one, other) = (stage.start().await, stage.start_as(1).await);
    one.execute(open(1, "May")).await.unwrap();
    let (first, second) = tokio::join!(
        one.execute_as(note(1, "rain"), once("a", "x")),
        other.execute_as(note(1, "rain"), once("a", "x"))
    );
    assert_eq!(first, Ok(page(["open May", "note rain"])));
    assert_eq!(first, second);
    assert_eq!(stage.log(1).await, ["open May", "note rain"]);
    tokio::join!(one.stop(), other.stop());
}

#[tokio::test(start_paused = true)]
async fn commands_beyond_the_bound_are_refused_as_busy() {
    let stage = Stage::new();
    let (scribe, store) = paused(&stage).await;
    let mut waiting: Vec<_> = (0..8_000).map(|_| Box::pin(scribe.execute(note(1, "rain")))).collect();
    let mut busy = 0;
    let mut accepted = Vec::new();
    for mut command in waiting.drain(..) {
        match futures::poll!(&mut command) {
            std::task::Poll::Ready(reply) => {
                assert_eq!(reply, Err(ExecuteError::Busy));
                busy += 1;
            }
            std::task::Poll::Pending => accepted.push(command),
        }
    }
    assert!((4_096..=4_096 + 512).contains(&accepted.len()), "{} accepted, {busy} busy", accepted.len());
    store.resume();
    let accepted = futures::future::join_all(accepted).await;
    assert!(accepted.iter().all(Result::is_ok));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_passed_on_and_an_unreadable_one_is_replaced() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = |trace: &str| Request { trace: Some(trace.to_owned()), ..Request::default() };
    scribe.execute_as(open(1, "May"), request(trace)).await.unwrap();
    scribe.execute_as(open(2, "May"), request("no trace at all, but as long as one: 0123456789abcdef")).await.unwrap();
    until("both messages are published", || async { stage.outgoing().len() == 2 }).await;
    let traces: Vec<_> = stage
        .all_published("page-opened")
        .iter()
        .map(|outgoing| outgoing.header("traceparent").unwrap().to_owned())
        .collect();
    assert!(traces[0].starts_with("00-0af7651916cd43dd8448eb211c80319c-") && traces[0].ends_with("-01"));
    assert_ne!(traces[0], trace);
    assert!(choreography::valid_trace(&traces[1]) && traces[1].ends_with("-00"), "{}", traces[1]);
    scribe.stop().await;
}
