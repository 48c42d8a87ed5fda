//! The inbox: what was received, for a while.

use std::collections::HashMap;
use std::sync::Arc;

use choreography::store::{Changes, DeadCompensation, InboxRow, Old, Store};
use uuid::Uuid;

use crate::fixture::{Instances, Questions as _, at, begin, commit, id, old, received};

async fn hear(store: &Arc<dyn Store>, now_ms: i64, ids: &[u128]) {
    let inbox = ids.iter().map(|&number| received(number)).collect();
    commit(store, Changes { now_ms, inbox, ..Changes::default() }).await.unwrap();
}

async fn known(store: &Arc<dyn Store>, ids: &[u128]) -> HashMap<Uuid, Option<u32>> {
    let ids: Vec<Uuid> = ids.iter().copied().map(id).collect();
    begin(store).await.received(&ids).await
}

pub(crate) async fn what_was_heard_is_known(stores: Instances) {
    hear(&stores.first, 1, &[1, 2, 3]).await;
    assert_eq!(known(&stores.second, &[2, 4, 1]).await, HashMap::from([(id(1), None), (id(2), None)]));
    assert_eq!(known(&stores.second, &[]).await, HashMap::new());
}

pub(crate) async fn what_died_was_heard(stores: Instances) {
    let inbox = vec![InboxRow { id: id(1), dead_tries: Some(3) }];
    commit(&stores.first, Changes { inbox, ..Changes::default() }).await.unwrap();
    assert_eq!(known(&stores.second, &[1]).await, HashMap::from([(id(1), Some(3))]));
}

pub(crate) async fn a_message_may_be_heard_twice(stores: Instances) {
    hear(&stores.first, 1, &[1]).await;
    // Alive first, then dead: of a batch, too, the last word counts.
    let inbox = vec![received(1), InboxRow { id: id(1), dead_tries: Some(1) }, received(2)];
    commit(&stores.second, Changes { inbox, ..Changes::default() }).await.unwrap();
    assert_eq!(known(&stores.first, &[1, 2]).await, HashMap::from([(id(1), Some(1)), (id(2), None)]));
}

pub(crate) async fn the_inbox_is_forgotten_when_it_is_old(stores: Instances) {
    hear(&stores.first, 1, &[1]).await;
    hear(&stores.first, 2, &[2]).await;
    assert!(!stores.first.forget(&old(2, 0), 10).await.unwrap());
    assert_eq!(known(&stores.second, &[1, 2]).await, HashMap::from([(id(2), None)]));
}

pub(crate) async fn no_more_is_forgotten_than_the_limit(stores: Instances) {
    hear(&stores.first, 2, &[1, 2]).await;
    hear(&stores.first, 1, &[3]).await;
    assert!(stores.first.forget(&old(9, 0), 1).await.unwrap());
    assert_eq!(known(&stores.second, &[1, 2, 3]).await, HashMap::from([(id(1), None), (id(2), None)]));
    assert!(stores.first.forget(&old(9, 0), 2).await.unwrap());
    assert!(!stores.first.forget(&old(9, 0), 2).await.unwrap());
    assert_eq!(known(&stores.second, &[1, 2, 3]).await, HashMap::new());
}

pub(crate) async fn what_was_heard_again_is_forgotten_later(stores: Instances) {
    hear(&stores.first, 1, &[1]).await;
    hear(&stores.first, 5, &[1]).await;
    assert!(!stores.first.forget(&old(5, 0), 10).await.unwrap());
    assert_eq!(known(&stores.second, &[1]).await, HashMap::from([(id(1), None)]));
}

pub(crate) async fn the_dead_are_remembered_longer_than_the_living(stores: Instances) {
    hear(&stores.first, 1, &[1]).await;
    let inbox = vec![InboxRow { id: id(2), dead_tries: Some(3) }];
    commit(&stores.first, Changes { now_ms: 1, inbox, ..Changes::default() }).await.unwrap();
    assert!(!stores.first.forget(&old(9, 0), 10).await.unwrap());
    assert_eq!(known(&stores.second, &[1, 2]).await, HashMap::from([(id(2), Some(3))]));
    let all = Old { dead: at(2), ..old(9, 0) };
    assert!(!stores.first.forget(&all, 10).await.unwrap());
    assert_eq!(known(&stores.second, &[1, 2]).await, HashMap::new());
}

pub(crate) async fn undos_that_died_are_known_until_they_are_repaired(stores: Instances) {
    let compensation = |number| DeadCompensation { id: id(number), subject: format!("order.cancel-payment.{number}") };
    let compensations_died = vec![compensation(2), compensation(1), compensation(3)];
    commit(&stores.first, Changes { compensations_died, ..Changes::default() }).await.unwrap();
    assert_eq!(stores.second.dead_compensations(2).await.unwrap(), [compensation(2), compensation(1)]);
    commit(&stores.second, Changes { repaired: vec![id(2), id(9)], ..Changes::default() }).await.unwrap();
    assert_eq!(stores.first.dead_compensations(9).await.unwrap(), [compensation(1), compensation(3)]);
}
