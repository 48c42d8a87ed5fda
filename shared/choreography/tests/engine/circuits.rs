//! The circuit breaker: what is held, paced and refused while a subscriber fails, and what goes on.

use std::ops::RangeInclusive;
use std::time::Duration;

use choreography::{CircuitState, Envelope, ExecuteError, Idempotency, IdempotencyKey, Request, Service, Settings};

use crate::diary::{OpenPage, TearOut};
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

/// Publishes the dead letter of a subscriber that could not process a message of the scribe.
fn die(stage: &Stage, message: &str) {
    let role = if message == "page-opened" { "step" } else { "event" };
    let headers = [("dead-reason", "exhausted"), ("dead-detail", "no ink"), ("dead-role", role)].into();
    let subject = format!("dead.reader.{message}.1").into();
    stage.bus.publish(&Envelope { subject, headers, payload: "{}".into() }).unwrap();
}

/// Lets dirty cycles of `page-opened` pass. Must be called where a cycle begins.
async fn dirty_cycles(stage: &Stage, count: u32) {
    dirty_cycles_of(stage, "page-opened", count).await;
}

/// Lets dirty cycles pass, each with enough dead letters in one second. Must be called where a cycle begins.
async fn dirty_cycles_of(stage: &Stage, message: &str, count: u32) {
    for _ in 0..count {
        pass(ms(1_000)).await;
        (0..3).for_each(|_| die(stage, message));
        pass(ms(4_000)).await;
    }
}

/// Waits until the next cycle begins.
async fn next_cycle(stage: &Stage) {
    let into = stage.clock.now().as_millisecond() % 5_000;
    pass(ms(5_000 - into.unsigned_abs())).await;
}

async fn state(service: &Service, message: &str, wanted: Option<CircuitState>) {
    until(&format!("the circuit of {message} is {wanted:?}"), || async {
        let breaker = service.breaker();
        let known = breaker.circuits.iter().find(|circuit| circuit.message == message);
        breaker.caught_up && known.map(|circuit| circuit.state) == wanted
    })
    .await;
}

/// Starts a healthy scribe whose circuit of `page-opened` has been open since the current cycle began.
async fn opened(stage: &Stage) -> Service {
    let scribe = stage.start().await;
    healthy(&scribe).await;
    open_circuit(stage, &scribe).await;
    scribe
}

async fn open_circuit(stage: &Stage, scribe: &Service) {
    next_cycle(stage).await;
    dirty_cycles(stage, 3).await;
    state(scribe, "page-opened", Some(CircuitState::Open)).await;
}

pub(crate) async fn open(scribe: &Service, page: u32) -> Result<(), ExecuteError> {
    scribe.execute(OpenPage { page, title: "May".to_owned() }).await.map(drop)
}

pub(crate) async fn open_all(scribe: &Service, pages: RangeInclusive<u32>) {
    for page in pages {
        open(scribe, page).await.unwrap();
    }
}

fn pages(stage: &Stage) -> Vec<u32> {
    let outgoing = stage.outgoing().into_iter();
    outgoing.filter_map(|outgoing| outgoing.strip_prefix("page-opened.")?.parse().ok()).collect()
}

pub(crate) async fn all_pages_published(stage: &Stage, count: u32) {
    until("all pages are published", || async { pages(stage).len() >= count as usize }).await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_circuit_opens_after_three_dirty_cycles_and_closes_after_two_clean_ones() {
    let stage = Stage::new();
    let scribe = stage.start_intake().await;
    healthy(&scribe).await;
    next_cycle(&stage).await;
    assert_eq!(open(&scribe, 1).await, Ok(()));
    pass(ms(1_000)).await;
    (0..3).for_each(|_| die(&stage, "page-opened"));
    state(&scribe, "page-opened", Some(CircuitState::HalfOpen)).await;
    assert!(!scribe.breaker().intake_closed);
    assert_eq!(open(&scribe, 2).await, Ok(()));
    next_cycle(&stage).await;
    dirty_cycles(&stage, 2).await;
    state(&scribe, "page-opened", Some(CircuitState::Open)).await;
    let breaker = scribe.breaker();
    assert!(breaker.intake_closed && breaker.circuits[0].why.contains("exhausted ×3"), "{breaker:?}");
    let Err(ExecuteError::Closed { code, detail, retry_after }) = open(&scribe, 3).await else {
        panic!("it was not refused")
    };
    assert_eq!((code, detail.contains("page-opened")), ("circuit-open", true));
    assert!(retry_after > Duration::ZERO && retry_after <= ms(5_000), "{retry_after:?}");
    state(&scribe, "page-opened", Some(CircuitState::HalfOpen)).await;
    assert_eq!(stage.clock.now().as_second() % 5, 0, "a circuit changes its state where a cycle ends");
    assert_eq!(open(&scribe, 4).await, Ok(()));
    state(&scribe, "page-opened", None).await;
    assert_eq!(open(&scribe, 5).await, Ok(()));
    all_pages_published(&stage, 4).await;
    assert_eq!(pages(&stage), [1, 2, 4, 5]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stored_reply_is_repeated_while_new_stories_are_refused() {
    let stage = Stage::new();
    let scribe = stage.start_intake().await;
    healthy(&scribe).await;
    let once = |key: &str| {
        let key = IdempotencyKey { route: "POST /pages".to_owned(), caller: String::new(), key: key.to_owned() };
        Request { trace: None, idempotency: Some(Idempotency { key, body_hash: "may".to_owned() }) }
    };
    let page = OpenPage { page: 1, title: "May".to_owned() };
    let first = scribe.execute_as(page.clone(), once("a")).await.unwrap();
    open_circuit(&stage, &scribe).await;
    assert_eq!(scribe.execute_as(page.clone(), once("a")).await, Ok(first));
    let other = OpenPage { page: 2, ..page };
    let refused = scribe.execute_as(other.clone(), once("b")).await;
    assert!(matches!(refused, Err(ExecuteError::Closed { .. })), "{refused:?}");
    state(&scribe, "page-opened", None).await;
    assert!(scribe.execute_as(other, once("b")).await.is_ok(), "a refused intake is not stored as a reply");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_open_circuit_holds_its_message_in_order_while_others_pass() {
    let stage = Stage::new();
    let scribe = opened(&stage).await;
    for page in 1..=5 {
        open(&scribe, page).await.unwrap();
        stage.write(page, 7);
    }
    stage.publish(TearOut { page: 9 });
    until("all others are published", || async {
        stage.outgoing().iter().filter(|outgoing| outgoing.starts_with("written")).count() == 5
    })
    .await;
    until("the compensation is published", || async { stage.outgoing().contains(&"torn-out.9".to_owned()) }).await;
    assert_eq!(pages(&stage), [] as [u32; 0]);
    die(&stage, "page-opened");
    all_pages_published(&stage, 5).await;
    assert_eq!(pages(&stage), [1, 2, 3, 4, 5]);
    let held = stage.all_published("page-opened");
    assert!(held.iter().all(|page| page.header("dead-held") == Some("true")));
    assert!(stage.all_published("written").iter().all(|written| written.header("dead-held").is_none()));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_of_an_event_holds_the_event_and_refuses_nobody() {
    let stage = Stage::new();
    let scribe = stage.start_intake().await;
    healthy(&scribe).await;
    next_cycle(&stage).await;
    dirty_cycles_of(&stage, "written", 3).await;
    state(&scribe, "written", Some(CircuitState::Open)).await;
    assert!(!scribe.breaker().intake_closed);
    assert_eq!(open(&scribe, 1).await, Ok(()));
    stage.write(1, 7);
    stage.logged(1, "write 7").await;
    all_pages_published(&stage, 1).await;
    assert_eq!(stage.all_published("written"), []);
    state(&scribe, "written", None).await;
    until("it is published", || async { stage.all_published("written").len() == 1 }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_says_how_much_it_processed_of_what_died() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let expired = || {
        let message = crate::diary::Write { page: 2, line: 1, how: crate::diary::How::Plainly };
        stage.envelope_until(&message, stage.clock.now() - jiff::SignedDuration::from_secs(1))
    };
    for line in 1..=200 {
        if line % 50 == 0 {
            stage.bus.publish(&expired()).unwrap();
        }
        stage.write(1, line);
    }
    stage.logged(1, "write 200").await;
    until("all are dead", || async { stage.dead_letters().len() == 4 }).await;
    let dead_letters = stage.dead_letters();
    let largest = dead_letters.iter().map(|dead| dead.header("dead-processed").unwrap().parse::<u32>().unwrap()).max();
    assert_eq!(largest, Some(200));
    assert!(dead_letters.iter().all(|dead| dead.header("dead-role") == Some("step")));
    // What the batches before have processed counts for some seconds.
    stage.bus.publish(&expired()).unwrap();
    until("another one is dead", || async { stage.dead_letters().len() == 5 }).await;
    assert_eq!(stage.dead_letters()[4].header("dead-processed"), Some("200"));
    for _ in 0..40 {
        pass(ms(250)).await;
        assert_eq!(scribe.breaker().circuits, [], "five of two hundred are no failing subscriber");
    }
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_half_open_circuit_lets_its_message_pass_at_its_pace() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    next_cycle(&stage).await;
    (0..3).for_each(|_| die(&stage, "page-opened"));
    state(&scribe, "page-opened", Some(CircuitState::HalfOpen)).await;
    let begin = stage.clock.now();
    open_all(&scribe, 1..=40).await;
    stage.write(1, 1);
    until("a message with another circuit is published", || async { !stage.all_published("written").is_empty() }).await;
    assert!(pages(&stage).len() <= 2, "at once, and ahead of what is paced");
    all_pages_published(&stage, 40).await;
    let took = stage.clock.now().duration_since(begin).as_millis();
    assert!((1_950..2_300).contains(&took), "40 at 20 a second took {took} ms");
    assert_eq!(pages(&stage), (1..=40).collect::<Vec<_>>());
    assert!(
        stage.all_published("page-opened").iter().all(|page| page.header("dead-held").is_none()),
        "paced, not held"
    );
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_half_open_circuit_lets_a_tenth_of_the_last_minutes_rate_pass() {
    let stage = Stage::new();
    let scribe = stage.start_with(Settings { circuit_pace_min: 1, ..stage.settings() }).await;
    healthy(&scribe).await;
    for second in 0..60 {
        open_all(&scribe, second * 50 + 1..=second * 50 + 50).await;
        pass(ms(990)).await;
    }
    all_pages_published(&stage, 3_000).await;
    (0..3).for_each(|_| die(&stage, "page-opened"));
    state(&scribe, "page-opened", Some(CircuitState::HalfOpen)).await;
    let begin = stage.clock.now();
    open_all(&scribe, 3_001..=3_020).await;
    all_pages_published(&stage, 3_020).await;
    let took = stage.clock.now().duration_since(begin).as_millis();
    assert!((3_900..5_300).contains(&took), "20 at a tenth of fifty a second took {took} ms");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_than_a_window_of_held_messages_is_published_once_and_in_order() {
    let stage = Stage::new();
    let scribe = opened(&stage).await;
    let opening = (1..=3_000).map(|page| open(&scribe, page));
    futures::future::join_all(opening).await.into_iter().for_each(|opened| opened.unwrap());
    for page in 1..=30 {
        stage.write(page, 7);
    }
    until("all others are published", || async { stage.all_published("written").len() == 30 }).await;
    state(&scribe, "page-opened", None).await;
    all_pages_published(&stage, 3_000).await;
    assert_eq!(pages(&stage), (1..=3_000).collect::<Vec<_>>());
    assert_eq!(stage.all_published("page-opened").len(), 3_000);
    assert_eq!(stage.all_published("written").len(), 30);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_connection_held_messages_are_kept_and_others_are_not_repeated() {
    let stage = Stage::new();
    let scribe = opened(&stage).await;
    open(&scribe, 1).await.unwrap();
    stage.write(2, 1);
    until("it passed", || async { stage.all_published("written").len() == 1 }).await;
    for _ in 0..5 {
        // Dirty cycles keep it open for longer than acknowledged rows are kept.
        dirty_cycles(&stage, 1).await;
    }
    assert_eq!(pages(&stage), [] as [u32; 0]);
    assert_eq!(stage.backlog().await.outbox, 2);
    stage.bus.faults().cut();
    healthy(&scribe).await;
    stage.all_is_received().await;
    assert_eq!(
        stage.all_published("written").iter().filter(|outgoing| &*outgoing.subject == "scribe.written.2").count(),
        1
    );
    state(&scribe, "page-opened", None).await;
    all_pages_published(&stage, 1).await;
    assert_eq!(stage.all_published("page-opened")[0].header("dead-held"), Some("true"));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn held_messages_and_the_open_circuit_survive_a_restart() {
    let stage = Stage::new();
    let scribe = opened(&stage).await;
    open(&scribe, 1).await.unwrap();
    scribe.stop().await;
    assert_eq!(pages(&stage), [] as [u32; 0]);
    (0..3).for_each(|_| die(&stage, "page-opened"));
    let scribe = stage.start().await;
    state(&scribe, "page-opened", Some(CircuitState::Open)).await;
    dirty_cycles(&stage, 2).await;
    state(&scribe, "page-opened", Some(CircuitState::Open)).await;
    assert_eq!(pages(&stage), [] as [u32; 0]);
    state(&scribe, "page-opened", None).await;
    all_pages_published(&stage, 1).await;
    assert_eq!(stage.all_published("page-opened").len(), 1);
    scribe.stop().await;
}
