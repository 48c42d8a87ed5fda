//! A message that waits for two rows is called more than once while messages are processed one by one: each time the
//! database knows it before.

use std::sync::Arc;

use choreography::store::{ReadingStore as _, Store as _};
use choreography::{Choreography, Command, Message, Row};
use serde::{Deserialize, Serialize};

use crate::pausable_store::PausableStore;
use crate::stage::Stage;
use crate::{ms, pass, until};

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
    // Two processes crashed where they began.
    stage.store.begin_run().await.unwrap();
    stage.store.begin_run().await.unwrap();
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
    let id = |message: &choreography::Envelope| message.header("ce-id").unwrap().parse::<uuid::Uuid>().unwrap();
    assert_eq!(store.tried(), [id(&bake), id(&bake), id(&heat), id(&bake)]);
    assert!(baker.get::<Dough>(&1).await.unwrap().unwrap().is_baked);
    baker.stop().await;
}
