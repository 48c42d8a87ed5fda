//! An instance leads, another one does, and then it leads again: what the first leader could not commit, because its
//! database failed meanwhile, is not committed in the end.

use std::sync::Arc;

use choreography::store::{Changes, NewOutboxRow, RowName, Store as _};
use choreography::{Envelope, Headers, Service, Settings};

use crate::diary::press::Press;
use crate::diary::{OpenPage, Print};
use crate::pausable_store::PausableStore;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

/// The instance that leads first.
struct First {
    stage: Stage,
    service: Service,
    store: PausableStore,
}

impl First {
    async fn start(stage: &Stage, settings: Settings) -> Self {
        let store = PausableStore::over(stage.store.clone());
        let service = stage.start_over(Arc::new(store.clone()), settings).await;
        healthy(&service).await;
        Self { stage: stage.clone(), service, store }
    }

    /// Lets it connect anew, without reading what follows, and its batches fail from then on.
    async fn fail(&self) {
        self.store.hold_reading(true);
        self.stage.bus.faults().cut();
        pass(ms(2_000)).await;
        self.store.fail_batches(true);
    }

    /// Lets another instance lead until it has got so far, and then the first one again, whose batches succeed.
    async fn lead_again(self, elsewhere: &Stage, is_so_far: impl Fn() -> bool) {
        let other = elsewhere.start_as(1).await;
        until("another instance has got so far", || async { is_so_far() }).await;
        other.stop().await;
        self.store.hold_reading(false);
        until("the first instance leads again", || async { self.stage.head().await.epoch == 3 }).await;
        self.store.fail_batches(false);
        pass(ms(10_000)).await;
        healthy(&self.service).await;
        self.service.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_another_leader_has_begun_meanwhile_is_run_again_and_does_not_die() {
    let stage = Stage::new();
    let first = First::start(&stage, Settings { effect_time_max: ms(1), ..stage.settings() }).await;
    stage.press.hold(true);
    stage.press.jam(1, 1);
    stage.publish(Print { page: 1, line: 1 });
    until("it runs", || async { stage.press.runs().len() == 1 }).await;
    first.fail().await;
    stage.press.hold(false);
    pass(ms(100)).await;
    let elsewhere = Stage { press: Press::default(), ..stage.clone() };
    elsewhere.press.hold(true);
    first.lead_again(&elsewhere, || elsewhere.press.runs().len() == 1).await;
    assert_eq!(stage.all_published("printed").len(), 1);
    assert!(stage.dead_letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_row_that_can_not_be_sent_and_was_set_aside_elsewhere_meanwhile_has_one_dead_letter() {
    let stage = Stage::new();
    let first = First::start(&stage, stage.settings()).await;
    first.fail().await;
    let service = first.service.clone();
    // So it can't take the row before it leads again.
    let busy = tokio::spawn(async move { service.execute(OpenPage { page: 1, title: "May".to_owned() }).await });
    pass(ms(100)).await;
    let outbox = stage.clock.new_id();
    let names = [("ce-id", stage.clock.new_id().to_string()), ("ce-outbox", outbox.to_string())];
    let headers = Headers::from(names).with("ce-number", "1");
    let envelope = Envelope { subject: "scribe.page-opened.2".into(), headers, payload: vec![b' '; 100_000].into() };
    let name = RowName { outbox, kind: "page-opened".into(), number: 1 };
    let changes = Changes { outbox: vec![NewOutboxRow { name, envelope, placeholder: false }], ..Changes::default() };
    stage.store.begin().await.unwrap().commit(changes).await.unwrap();
    pass(ms(1_000)).await;
    first.lead_again(&stage, || stage.dead_letters().len() == 1).await;
    assert_eq!(stage.dead_letters().len(), 1);
    busy.await.unwrap().unwrap();
}
