//! After a crash messages are processed one by one, and the database knows before each call what is called: the message
//! that crashes processes is found, and dies alone.

use std::sync::Arc;

use choreography::store::{ReadingStore as _, Store as _, TrySlot};
use choreography::{Choreography, Command, Envelope, Message, Row};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::diary::{How, OpenPage, Strike, Write};
use crate::pausable_store::PausableStore;
use crate::stage::{Stage, healthy, written};
use crate::{ms, pass, until};

#[tokio::test(start_paused = true)]
async fn a_message_that_crashes_processes_is_found_and_dies_alone() {
    let stage = Stage::new();
    stage.write(1, 1);
    let message = stage.envelope(&Write { page: 1, line: 2, how: How::Plainly });
    stage.bus.publish(&message).unwrap();
    stage.write(1, 3);
    let id = message.header("ce-id").unwrap().parse().unwrap();
    // Two processes crashed on a batch, which names no message yet; two others while they tried this message.
    stage.two_processes_crash().await;
    for _ in 0..2 {
        stage.store.try_alone(TrySlot::Message, Some(id)).await.unwrap();
        stage.store.begin_run().await.unwrap();
    }
    let scribe = stage.start().await;
    stage.all_is_received().await;
    until("its dead letter is published", || async { stage.dead_letters().len() == 1 }).await;
    assert_eq!(stage.log(1).await, ["write 1", "not written: poison", "write 3"]);
    let dead_letter = stage.dead_letters().remove(0);
    assert_eq!(dead_letter.header("dead-tries"), Some("2"));
    assert!(dead_letter.header("dead-detail").unwrap().starts_with("deadly"));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_crashes_for_another_reason_harms_no_message() {
    let stage = Stage::new();
    stage.write(1, 1);
    stage.write(1, 2);
    for _ in 0..9 {
        stage.store.begin_run().await.unwrap();
    }
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert_eq!((stage.log(1).await, stage.dead_letters().len()), (written([1, 2]), 0));
    scribe.stop().await;
}

/// Returns a stage on which a message waits for its page, and processes have crashed twice on one of these messages, each
/// time at the same position. The last message creates the page.
async fn stage_after_crashes(suspect: impl FnOnce(&Envelope, &Envelope) -> Uuid) -> (Stage, [Uuid; 2]) {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let (strike, write) =
        (stage.envelope(&Strike { page: 1, line: 1 }), stage.envelope(&Write { page: 1, line: 1, how: How::Plainly }));
    stage.bus.publish(&strike).unwrap();
    until("it waits", || async { stage.backlog().await.waiting == 1 }).await;
    scribe.stop().await;
    stage.bus.publish(&write).unwrap();
    let (suspect, now) = (suspect(&strike, &write), stage.clock.now());
    stage.store.claim(None, now, now).await.unwrap().expect("nobody holds the lease");
    stage.store.begin_run().await.unwrap();
    for _ in 0..2 {
        stage.store.try_alone(TrySlot::Message, Some(suspect)).await.unwrap();
        stage.store.begin_run().await.unwrap();
    }
    (stage, [id_of(&write), id_of(&strike)])
}

fn id_of(message: &Envelope) -> Uuid {
    message.header("ce-id").unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_waiting_message_that_crashes_processes_is_found_and_dies_instead_of_the_one_that_wakes_it() {
    let (stage, _) = stage_after_crashes(|strike, _| id_of(strike)).await;
    let scribe = stage.start().await;
    stage.all_is_received().await;
    until("its dead letter is published", || async { stage.dead_letters().len() == 1 }).await;
    assert_eq!(stage.log(1).await, ["write 1", "not struck: poison"]);
    assert!(stage.dead_letters()[0].header("dead-detail").unwrap().starts_with("deadly"));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_the_database_knows_which_message_is_tried_also_of_those_that_waited() {
    let (stage, ids) = stage_after_crashes(|_, _| Uuid::nil()).await;
    let store = PausableStore::over(stage.store.clone());
    let scribe = stage.start_over(Arc::new(store.clone()), stage.settings()).await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["write 1", "strike 1"]);
    let mut tried = store.tried();
    tried.retain(|id| ids.contains(id));
    assert!(tried.ends_with(&ids), "{tried:?} do not end with {ids:?}");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_the_database_knows_which_fallback_is_tried_though_no_message_has_arrived() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    let expiry = stage.clock.now() + SignedDuration::from_secs(20);
    stage.bus.publish(&stage.envelope_until(&Strike { page: 1, line: 1 }, expiry)).unwrap();
    until("it waits", || async { stage.backlog().await.waiting == 1 }).await;
    scribe.stop().await;
    pass(ms(30_000)).await;
    // Two processes crashed where they began.
    let now = stage.clock.now();
    stage.store.claim(None, now, now).await.unwrap().expect("nobody holds the lease");
    stage.two_processes_crash().await;
    let store = PausableStore::over(stage.store.clone());
    let scribe = stage.start_over(Arc::new(store.clone()), stage.settings()).await;
    stage.logged(1, "not struck: expired").await;
    assert_eq!(store.tried().len(), 1);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_the_database_knows_which_message_is_tried_also_of_those_that_commands_wake() {
    let stage = Stage::new();
    let (first, second) = (stage.envelope(&Strike { page: 1, line: 1 }), stage.envelope(&Strike { page: 2, line: 1 }));
    stage.bus.publish(&first).unwrap();
    stage.bus.publish(&second).unwrap();
    stage.two_processes_crash().await;
    let store = PausableStore::over(stage.store.clone());
    let scribe = stage.start_over(Arc::new(store.clone()), stage.settings()).await;
    until("they wait", || async { stage.backlog().await.waiting == 2 }).await;
    for page in [1, 2] {
        scribe.execute(OpenPage { page, title: "May".to_owned() }).await.unwrap();
        assert_eq!(stage.log(page).await, ["open May", "strike 1"]);
    }
    let [first, second] = [id_of(&first), id_of(&second)];
    assert_eq!(store.tried(), [first, second, first, second]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_two_batches_are_processed_one_by_one_and_no_message_waits_for_another_wake_up() {
    let stage = Stage::new();
    for line in 0..1_100 {
        stage.write(1, line);
    }
    stage.two_processes_crash().await;
    let store = PausableStore::over(stage.store.clone());
    let (scribe, started) = (stage.start_over(Arc::new(store.clone()), stage.settings()).await, stage.clock.now());
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..1_100));
    assert_eq!(store.tried().len(), 1_024);
    assert!(stage.clock.now().duration_since(started).as_secs() < 5);
    scribe.stop().await;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "bake", key = cake, role = event)]
struct Bake {
    cake: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "heat", key = cake, role = event)]
struct Heat {
    cake: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[command(name = "knead", key = cake, row = Dough)]
struct Knead {
    cake: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "dough", key = u32)]
struct Dough {
    is_baked: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "oven", key = u32)]
struct Oven {}

fn knead(_: &Knead, dough: &mut Option<Dough>) {
    dough.get_or_insert_default();
}

fn heat(_: &Heat, oven: &mut Option<Oven>) {
    oven.get_or_insert_default();
}

fn bake(_: &Bake, dough: &mut Dough, _: &mut Oven) {
    dough.is_baked = true;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_called_again_in_the_batch_after_another_one_is_recorded_again() {
    let stage = Stage::new();
    stage.bus.add_consumer("baker-0", &["author.bake.*", "author.heat.*"]);
    stage.two_processes_crash().await;
    let store = PausableStore::over(stage.store.clone());
    let baker = Choreography::new("baker").command(knead).on(bake).on(heat);
    let baker = stage.start_choreography(baker, Arc::new(store.clone()), stage.settings()).await;
    let (bake, heat) = (stage.envelope(&Bake { cake: 1 }), stage.envelope(&Heat { cake: 1 }));
    stage.bus.publish(&bake).unwrap();
    until("it waits", || async { stage.backlog().await.waiting == 1 }).await;
    // The command that creates one row and the message that creates the other come while the database is busy.
    store.pause();
    let execute = async |cake, after_ms| {
        pass(ms(after_ms)).await;
        baker.execute(Knead { cake }).await.unwrap();
    };
    let meanwhile = async {
        pass(ms(20)).await;
        stage.bus.publish(&heat).unwrap();
        pass(ms(50)).await;
        store.resume();
    };
    tokio::join!(execute(9, 0), execute(1, 20), meanwhile);
    until("it waits no more", || async { store.backlog().await.unwrap().waiting == 0 }).await;
    assert_eq!(store.tried(), [id_of(&bake), id_of(&bake), id_of(&heat), id_of(&bake)]);
    assert!(baker.get::<Dough>(&1).await.unwrap().unwrap().is_baked);
    baker.stop().await;
}
