//! The messages that died: known for a while, so that they can be repaired.

use std::collections::BTreeMap;
use std::sync::Arc;

use choreography::store::{Changes, DeadCompensation, Store};
use uuid::Uuid;

use crate::fixture::{Instances, LoadOne as _, begin, commit, dead, id, old};

async fn die(store: &Arc<dyn Store>, now_ms: i64, numbers: &[u128]) {
    let deaths = numbers.iter().map(|&number| dead(number, 1)).collect();
    commit(store, Changes { now_ms, deaths, ..Changes::default() }).await.unwrap();
}

async fn found(store: &Arc<dyn Store>, ids: &[u128]) -> BTreeMap<Uuid, u32> {
    let ids: Vec<Uuid> = ids.iter().copied().map(id).collect();
    begin(store).await.dead(&ids).await
}

pub(crate) async fn a_dead_message_is_found_with_its_tries(stores: Instances) {
    let deaths = vec![dead(1, 3), dead(2, 1), dead(3, 1)];
    commit(&stores.first, Changes { deaths, ..Changes::default() }).await.unwrap();
    assert_eq!(found(&stores.second, &[2, 4, 1]).await, BTreeMap::from([(id(1), 3), (id(2), 1)]));
    assert_eq!(found(&stores.second, &[]).await, BTreeMap::new());
}

pub(crate) async fn the_last_death_of_a_message_counts(stores: Instances) {
    die(&stores.first, 1, &[1]).await;
    // Within a batch, too, the last record counts.
    let deaths = vec![dead(1, 2), dead(1, 3), dead(2, 1)];
    commit(&stores.second, Changes { deaths, ..Changes::default() }).await.unwrap();
    assert_eq!(found(&stores.first, &[1, 2]).await, BTreeMap::from([(id(1), 3), (id(2), 1)]));
}

pub(crate) async fn old_dead_messages_are_deleted(stores: Instances) {
    die(&stores.first, 1, &[1]).await;
    die(&stores.first, 2, &[2]).await;
    assert!(!stores.first.forget(&old(2, 0), 10).await.unwrap());
    assert_eq!(found(&stores.second, &[1, 2]).await, BTreeMap::from([(id(2), 1)]));
}

pub(crate) async fn no_more_dead_messages_than_the_limit_are_deleted_at_once(stores: Instances) {
    die(&stores.first, 2, &[1, 2]).await;
    die(&stores.first, 1, &[3]).await;
    assert!(stores.first.forget(&old(9, 0), 1).await.unwrap());
    assert_eq!(found(&stores.second, &[1, 2, 3]).await, BTreeMap::from([(id(1), 1), (id(2), 1)]));
    assert!(stores.first.forget(&old(9, 0), 2).await.unwrap());
    assert!(!stores.first.forget(&old(9, 0), 2).await.unwrap());
    assert_eq!(found(&stores.second, &[1, 2, 3]).await, BTreeMap::new());
}

pub(crate) async fn a_message_that_died_again_is_deleted_later(stores: Instances) {
    die(&stores.first, 1, &[1]).await;
    die(&stores.first, 5, &[1]).await;
    assert!(!stores.first.forget(&old(5, 0), 10).await.unwrap());
    assert_eq!(found(&stores.second, &[1]).await, BTreeMap::from([(id(1), 1)]));
}

pub(crate) async fn dead_messages_are_found_until_they_are_repaired_or_old(stores: Instances) {
    let deaths = vec![dead(1, 3), dead(2, 1), dead(3, 1)];
    commit(&stores.first, Changes { now_ms: 1, deaths, ..Changes::default() }).await.unwrap();
    // One is repaired, and one dies again while it is repaired.
    let changes = Changes { now_ms: 5, repaired: vec![id(1), id(2)], deaths: vec![dead(2, 2)], ..Changes::default() };
    commit(&stores.first, changes).await.unwrap();
    assert_eq!(found(&stores.second, &[1, 2, 3, 4]).await, [(id(2), 2), (id(3), 1)].into());
    assert!(stores.first.forget(&old(5, 0), 1).await.unwrap());
    assert!(!stores.first.forget(&old(5, 0), 1).await.unwrap());
    assert_eq!(found(&stores.second, &[1, 2, 3, 4]).await, [(id(2), 2)].into());
}

pub(crate) async fn dead_compensations_are_listed_until_they_are_repaired(stores: Instances) {
    let compensation = |number| DeadCompensation { id: id(number), subject: format!("order.cancel-payment.{number}") };
    let compensations_died = vec![compensation(2), compensation(1), compensation(3)];
    commit(&stores.first, Changes { compensations_died, ..Changes::default() }).await.unwrap();
    assert_eq!(stores.second.dead_compensations(2).await.unwrap(), [compensation(2), compensation(1)]);
    commit(&stores.second, Changes { repaired: vec![id(2), id(9)], ..Changes::default() }).await.unwrap();
    assert_eq!(stores.first.dead_compensations(9).await.unwrap(), [compensation(1), compensation(3)]);
}
