//! A database is put back to an older copy, and much time has passed, or the service has changed: what is read again ends
//! as it did before.

use std::sync::Arc;

use choreography::{Choreography, Clock, Dead, Envelope, Message, Row, Scheduled, Service, Settings};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::diary::press::BINDING;
use crate::diary::{Bind, How, Strike, Write};
use crate::repairing::deaths;
use crate::stage::Stage;
use crate::{ms, pass, until};

/// How long the steps of these tests may take.
const DEADLINE: SignedDuration = SignedDuration::from_secs(30);

fn publish<M: Message>(stage: &Stage, message: &M) {
    let deadline = stage.clock.now() + DEADLINE;
    stage.bus.publish(&stage.envelope_until(message, deadline)).unwrap();
}

fn write(page: u32, line: u32) -> Write {
    Write { page, line, how: How::Plainly }
}

/// Stops a scribe, puts a copy of its database back, and starts it when every deadline is over.
async fn put_back(stage: &Stage, scribe: Service, copy: &choreography::store::memory::MemoryCopy) -> Service {
    pass(ms(1_000)).await;
    scribe.stop().await;
    stage.store.put_back(copy);
    pass(ms(60_000)).await;
    stage.start().await
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_processed_in_time_is_processed_again_after_its_deadline_and_later_ones_expire() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let copy = stage.store.copy();
    (0..3).for_each(|line| publish(&stage, &write(1, line)));
    stage.logged(1, "write 2").await;
    let scribe = put_back(&stage, scribe, &copy).await;
    stage.logged(1, "write 2").await;
    let late = stage.envelope_until(&write(2, 7), stage.clock.now() - SignedDuration::from_secs(1));
    stage.bus.publish(&late).unwrap();
    stage.logged(2, "not written: expired").await;
    pass(ms(5_000)).await;
    assert_eq!(stage.log(1).await, crate::stage::written(0..3));
    assert_eq!((deaths(&stage).len(), stage.all_published("not-written").len()), (1, 1));
    assert_eq!(stage.all_published("written").len(), 3);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_had_expired_expires_again_whatever_the_clock_says() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let copy = stage.store.copy();
    let early = Clock::seeded(stage.clock.now() - SignedDuration::from_secs(3_600), 7);
    let late = stage.envelope_until(&write(1, 1), stage.clock.now() - SignedDuration::from_secs(1));
    stage.bus.publish(&late).unwrap();
    publish(&stage, &write(1, 2));
    stage.logged(1, "write 2").await;
    pass(ms(1_000)).await;
    scribe.stop().await;
    stage.store.put_back(&copy);
    pass(ms(60_000)).await;
    let scribe = stage.start_with(Settings { clock: early, ..stage.settings() }).await;
    stage.logged(1, "write 2").await;
    pass(ms(5_000)).await;
    assert_eq!(stage.log(1).await, ["not written: expired", "write 2"]);
    assert_eq!((deaths(&stage).len(), stage.all_published("not-written").len()), (1, 1));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_row_came_in_time_waits_for_it_again_and_one_whose_row_never_came_expires() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    publish(&stage, &Strike { page: 1, line: 1 });
    publish(&stage, &Strike { page: 2, line: 1 });
    until("both wait", || async { stage.backlog().await.waiting == 2 }).await;
    let copy = stage.store.copy();
    publish(&stage, &write(1, 5));
    stage.logged(1, "strike 1").await;
    let scribe = put_back(&stage, scribe, &copy).await;
    stage.logged(1, "strike 1").await;
    stage.logged(2, "not struck: expired").await;
    pass(ms(5_000)).await;
    assert_eq!(stage.log(1).await, ["write 5", "strike 1"]);
    assert_eq!(deaths(&stage).len(), 1);
    assert_eq!((stage.all_published("struck").len(), stage.all_published("not-struck").len()), (1, 1));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_had_expired_while_it_waited_expires_again_before_its_row_comes() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    publish(&stage, &Strike { page: 1, line: 1 });
    until("it waits", || async { stage.backlog().await.waiting == 1 }).await;
    let copy = stage.store.copy();
    stage.logged(1, "not struck: expired").await;
    publish(&stage, &write(1, 5));
    stage.logged(1, "write 5").await;
    let scribe = put_back(&stage, scribe, &copy).await;
    stage.logged(1, "write 5").await;
    pass(ms(5_000)).await;
    assert_eq!(stage.log(1).await, ["not struck: expired", "write 5"]);
    assert_eq!((deaths(&stage).len(), stage.all_published("struck").len()), (1, 0));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_message_whose_effect_had_failed_the_reaction_is_called_again_and_of_one_that_had_expired_it_is_not() {
    let stage = Stage::new();
    stage.press.refuse(BINDING + 1);
    let scribe = stage.start().await;
    let copy = stage.store.copy();
    let bind = |page| Bind { page, line: 1, how: How::Plainly };
    publish(&stage, &bind(1));
    let late = stage.envelope_until(&bind(2), stage.clock.now() - SignedDuration::from_secs(1));
    stage.bus.publish(&late).unwrap();
    until("both are dead", || async { deaths(&stage).len() == 2 }).await;
    publish(&stage, &write(3, 5));
    stage.logged(3, "write 5").await;
    let before = [stage.log(1).await, stage.log(2).await];
    assert_eq!((&*before[0][0], &*before[1]), ("bind 1", &["not bound: expired".to_owned()][..]));
    let scribe = put_back(&stage, scribe, &copy).await;
    until("all is read again", || async { stage.log(1).await.len() == before[0].len() }).await;
    pass(ms(5_000)).await;
    assert_eq!([stage.log(1).await, stage.log(2).await], before);
    assert_eq!(deaths(&stage).len(), 2);
    scribe.stop().await;
}

macro_rules! messages {
    ($($name:literal $message:ident)*) => {$(
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
        #[message(name = $name, key = guest, role = event)]
        struct $message { guest: u32 }
    )*};
}
messages! { "invited" Invited "came" Came "greeted" Greeted "call" Call "turned-away" TurnedAway }

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "guest", key = u32)]
struct Guest {
    is_invited: bool,
    came: bool,
    is_turned_away: bool,
}

fn invite(message: &Invited, guest: &mut Option<Guest>) -> Option<Scheduled<Call>> {
    let is_new = !std::mem::replace(&mut guest.get_or_insert_default().is_invited, true);
    is_new.then(|| Call { guest: message.guest }.after(ms(30_000)))
}

fn greet(message: &Came, guest: &mut Guest) -> Option<(Greeted, Scheduled<Call>)> {
    let is_new = !std::mem::replace(&mut guest.came, true);
    is_new.then(|| (Greeted { guest: message.guest }, Call { guest: message.guest }.cancel()))
}

/// An earlier release of [`invite`].
fn stumble(_: &Invited, _: &mut Option<Guest>) {
    panic!("the invitation has no stamp");
}

fn turn_away(dead: &Dead<Invited>, guest: &mut Option<Guest>) -> Option<TurnedAway> {
    let is_new = !std::mem::replace(&mut guest.get_or_insert_default().is_turned_away, true);
    is_new.then_some(TurnedAway { guest: *dead.key() })
}

async fn start(stage: &Stage, host: Choreography) -> Service {
    stage.bus.add_consumer("host-0", &["author.invited.*", "author.came.*"]);
    stage.bus.add_consumer("phone-0", &["host.*.*"]);
    stage.start_choreography(host, Arc::new(stage.store.clone()), stage.settings()).await
}

async fn start_host(stage: &Stage) -> Service {
    start(stage, Choreography::new("host").on(invite).fallback(turn_away).on(greet)).await
}

fn of_host(stage: &Stage, name: &str) -> Vec<Envelope> {
    let published = stage.bus.published().into_iter().map(|stored| stored.envelope);
    published.filter(|envelope| envelope.subject.starts_with(&format!("host.{name}."))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_message_that_was_cancelled_in_time_is_cancelled_again() {
    let stage = Stage::new();
    let host = start_host(&stage).await;
    (1..3).for_each(|guest| publish(&stage, &Invited { guest }));
    until("calls are scheduled", || async { stage.backlog().await.scheduled == 2 }).await;
    let copy = stage.store.copy();
    publish(&stage, &Came { guest: 1 });
    until("the first has come", || async { of_host(&stage, "greeted").len() == 1 }).await;
    pass(ms(1_000)).await;
    host.stop().await;
    stage.store.put_back(&copy);
    pass(ms(60_000)).await;
    let host = start_host(&stage).await;
    until("the other one is called", || async { !of_host(&stage, "call").is_empty() }).await;
    pass(ms(5_000)).await;
    let called: Vec<_> = of_host(&stage, "call").into_iter().map(|call| call.subject.to_string()).collect();
    assert_eq!((called, stage.backlog().await.scheduled), (vec!["host.call.2".to_owned()], 0));
    assert_eq!(of_host(&stage, "greeted").len(), 1);
    host.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_had_died_dies_again_though_its_reaction_is_mended_by_then() {
    let stage = Stage::new();
    let host = start(&stage, Choreography::new("host").on(stumble).fallback(turn_away)).await;
    let copy = stage.store.copy();
    publish(&stage, &Invited { guest: 1 });
    until("the first is turned away", || async { of_host(&stage, "turned-away").len() == 1 }).await;
    pass(ms(1_000)).await;
    host.stop().await;
    stage.store.put_back(&copy);
    let host = start_host(&stage).await;
    publish(&stage, &Invited { guest: 2 });
    until("the second is invited", || async { stage.backlog().await.scheduled > 0 }).await;
    let guests: [Option<Guest>; 2] = [host.get(&1).await.unwrap(), host.get(&2).await.unwrap()];
    assert_eq!(guests.map(|guest| guest.unwrap().is_turned_away), [true, false]);
    assert_eq!(
        (stage.backlog().await.scheduled, deaths(&stage).len(), of_host(&stage, "turned-away").len()),
        (1, 1, 1)
    );
    host.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_replayed_after_its_death_is_replayed_again() {
    let stage = Stage::new();
    let host = start(&stage, Choreography::new("host").on(stumble).fallback(turn_away)).await;
    let copy = stage.store.copy();
    let invited = stage.envelope(&Invited { guest: 1 });
    stage.bus.publish(&invited).unwrap();
    until("it dies", || async { deaths(&stage).len() == 1 }).await;
    host.stop().await;
    let host = start_host(&stage).await;
    let replay = Envelope { headers: invited.headers.with("dead-replay", "host/1/1"), ..invited };
    stage.bus.publish(&replay).unwrap();
    until("it is replayed", || async { stage.backlog().await.scheduled == 1 }).await;
    pass(ms(1_000)).await;
    host.stop().await;
    stage.store.put_back(&copy);
    let host = start_host(&stage).await;
    until("it is replayed again", || async { stage.backlog().await.scheduled == 1 }).await;
    pass(ms(1_000)).await;
    let guest: Guest = host.get(&1).await.unwrap().unwrap();
    let records = stage.dead_letters().into_iter().filter(|dead| dead.subject.starts_with("handled."));
    assert!(guest.is_invited && guest.is_turned_away);
    assert_eq!((records.count(), deaths(&stage).len(), of_host(&stage, "turned-away").len()), (1, 1, 1));
    host.stop().await;
}
