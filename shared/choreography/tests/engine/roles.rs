//! What the role of a message decides: only a step has a deadline, and only steps hand one on.

use std::sync::Arc;

use choreography::{Choreography, Envelope, Message, Row, Scheduled, Service};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

macro_rules! messages {
    ($($name:literal $role:ident $message:ident)*) => {$(
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
        #[message(name = $name, key = parcel, role = $role)]
        struct $message { parcel: u32 }
    )*};
}
messages! {
    "fetch" step Fetch
    "fetched" event Fetched
    "send-back" compensation SendBack
    "carry" step Carry
    "carried" event Carried
    "put-back" compensation PutBack
    "ask-again" step AskAgain
    "weighed" event Weighed
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "parcel", key = u32)]
struct Parcel {
    seen: Vec<String>,
}

/// Notes a message. Whether it is new.
fn note(parcel: &mut Option<Parcel>, what: &str) -> bool {
    let seen = &mut parcel.get_or_insert(Parcel { seen: Vec::new() }).seen;
    let new = seen.iter().all(|before| before != what);
    if new {
        seen.push(what.to_owned());
    }
    new
}

type Answer = Option<(Carry, Carried, PutBack, Scheduled<AskAgain>)>;

fn answer(parcel: u32, new: bool) -> Answer {
    new.then_some((Carry { parcel }, Carried { parcel }, PutBack { parcel }, AskAgain { parcel }.after(ms(60_000))))
}

fn fetch(message: &Fetch, parcel: &mut Option<Parcel>) -> Answer {
    answer(message.parcel, note(parcel, "fetch"))
}

fn fetched(message: &Fetched, parcel: &mut Option<Parcel>) -> Answer {
    answer(message.parcel, note(parcel, "fetched"))
}

fn send_back(message: &SendBack, parcel: &mut Option<Parcel>) -> Answer {
    answer(message.parcel, note(parcel, "send-back"))
}

fn weighed(_: &Weighed, parcel: &mut Parcel) {
    parcel.seen = vec!["weighed".to_owned()];
}

async fn start(stage: &Stage) -> Service {
    let received = ["author.fetch.*", "author.fetched.*", "author.send-back.*", "author.weighed.*"];
    stage.bus.add_consumer("porter-0", &received);
    // What nobody receives would be held.
    stage.bus.add_consumer("sender-0", &["porter.*.*"]);
    let porter = Choreography::new("porter").on(fetch).on(fetched).compensate(send_back).on(weighed);
    stage.start_choreography(porter, Arc::new(stage.store.clone()), stage.settings()).await
}

/// Returns the one message of this name that the porter has published.
async fn published(stage: &Stage, name: &str) -> Envelope {
    let of_name = || {
        let published = stage.bus.published().into_iter().map(|stored| stored.envelope);
        published.filter(|envelope| envelope.subject.starts_with(&format!("porter.{name}."))).collect::<Vec<_>>()
    };
    until(&format!("{name} is published"), || async { of_name().len() == 1 }).await;
    of_name().remove(0)
}

fn deadline(envelope: &Envelope) -> Option<Timestamp> {
    envelope.header("ce-expirytime").map(|deadline| deadline.parse().unwrap())
}

/// Publishes a message with a deadline in its headers, as services of earlier versions wrote it for every role.
fn publish_until<M: Message>(stage: &Stage, message: &M, seconds: i64) -> Timestamp {
    let until = stage.clock.now() + SignedDuration::from_secs(seconds);
    stage.bus.publish(&stage.envelope_until(message, until)).unwrap();
    until
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_handed_on_from_step_to_step_and_nothing_else_has_one() {
    let stage = Stage::new();
    let porter = start(&stage).await;
    let until = publish_until(&stage, &Fetch { parcel: 1 }, 100);
    assert_eq!(deadline(&published(&stage, "carry").await), Some(until));
    assert_eq!(deadline(&published(&stage, "carried").await), None);
    assert_eq!(deadline(&published(&stage, "put-back").await), None);
    let again = published(&stage, "ask-again").await;
    let due: Timestamp = again.header("ce-time").unwrap().parse().unwrap();
    assert_eq!(deadline(&again), Some(due + SignedDuration::from_secs(600)), "a scheduled step begins a new one");
    porter.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_follows_from_an_event_or_a_compensation_begins_a_new_deadline() {
    for is_event in [true, false] {
        let stage = Stage::new();
        let porter = start(&stage).await;
        healthy(&porter).await;
        let past = match is_event {
            true => publish_until(&stage, &Fetched { parcel: 1 }, -3_600),
            false => publish_until(&stage, &SendBack { parcel: 1 }, -3_600),
        };
        let carry = published(&stage, "carry").await;
        assert!(deadline(&carry).unwrap() >= past + SignedDuration::from_secs(3_600 + 600), "is event: {is_event}");
        assert!(stage.dead_letters().is_empty(), "neither expires: {:?}", stage.dead_letters());
        porter.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_for_its_row_however_long_that_takes() {
    let stage = Stage::new();
    let porter = start(&stage).await;
    publish_until(&stage, &Weighed { parcel: 1 }, 20);
    until("it waits", || async { stage.backlog().await.waiting == 1 }).await;
    pass(ms(3_600_000)).await;
    assert_eq!(stage.backlog().await.waiting, 1);
    publish_until(&stage, &Fetched { parcel: 1 }, 20);
    until("it is processed", || async { stage.backlog().await.waiting == 0 }).await;
    assert_eq!(porter.get::<Parcel>(&1).await.unwrap().unwrap().seen, ["weighed"]);
    assert!(stage.dead_letters().is_empty());
    porter.stop().await;
}
