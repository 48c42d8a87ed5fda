//! The inbox: the messages that were received, for a while.

use std::collections::HashMap;
use std::sync::Arc;

use choreography::store::{Changes, DeadCompensation, InboxRow, Old, Store};
use uuid::Uuid;

use crate::fixture::{Instances, LoadOne as _, at, begin, commit, id, old, received};

async fn receive(store: &Arc<dyn Store>, now_ms: i64, ids: &[u128]) {
    let inbox = ids.iter().map(|&number| received(number)).collect();
    commit(store, Changes { now_ms, inbox, ..Changes::default() }).await.unwrap();
}

async fn in_inbox(store: &Arc<dyn Store>, ids: &[u128]) -> HashMap<Uuid, Option<u32>> {
    let ids: Vec<Uuid> = ids.iter().copied().map(id).collect();
    begin(store).await.received(&ids).await
}

pub(crate) async fn a_received_message_is_in_the_inbox(stores: Instances) {
    receive(&stores.first, 1, &[1, 2, 3]).await;
    assert_eq!(in_inbox(&stores.second, &[2, 4, 1]).await, HashMap::from([(id(1), None), (id(2), None)]));
    assert_eq!(in_inbox(&stores.second, &[]).await, HashMap::new());
}

pub(crate) async fn a_dead_message_is_in_the_inbox_with_its_tries(stores: Instances) {
    let inbox = vec![InboxRow { id: id(1), dead_tries: Some(3) }];
    commit(&stores.first, Changes { inbox, ..Changes::default() }).await.unwrap();
    assert_eq!(in_inbox(&stores.second, &[1]).await, HashMap::from([(id(1), Some(3))]));
}

pub(crate) async fn the_last_record_of_a_message_counts(stores: Instances) {
    receive(&stores.first, 1, &[1]).await;
    // Within a batch, too, the last record counts.
    let inbox = vec![received(1), InboxRow { id: id(1), dead_tries: Some(1) }, received(2)];
    commit(&stores.second, Changes { inbox, ..Changes::default() }).await.unwrap();
    assert_eq!(in_inbox(&stores.first, &[1, 2]).await, HashMap::from([(id(1), Some(1)), (id(2), None)]));
}

pub(crate) async fn old_messages_are_deleted_from_the_inbox(stores: Instances) {
    receive(&stores.first, 1, &[1]).await;
    receive(&stores.first, 2, &[2]).await;
    assert!(!stores.first.forget(&old(2, 0), 10).await.unwrap());
    assert_eq!(in_inbox(&stores.second, &[1, 2]).await, HashMap::from([(id(2), None)]));
}

pub(crate) async fn no_more_messages_than_the_limit_are_deleted_at_once(stores: Instances) {
    receive(&stores.first, 2, &[1, 2]).await;
    receive(&stores.first, 1, &[3]).await;
    assert!(stores.first.forget(&old(9, 0), 1).await.unwrap());
    assert_eq!(in_inbox(&stores.second, &[1, 2, 3]).await, HashMap::from([(id(1), None), (id(2), None)]));
    assert!(stores.first.forget(&old(9, 0), 2).await.unwrap());
    assert!(!stores.first.forget(&old(9, 0), 2).await.unwrap());
    assert_eq!(in_inbox(&stores.second, &[1, 2, 3]).await, HashMap::new());
}

pub(crate) async fn a_message_received_again_is_deleted_later(stores: Instances) {
    receive(&stores.first, 1, &[1]).await;
    receive(&stores.first, 5, &[1]).await;
    assert!(!stores.first.forget(&old(5, 0), 10).await.unwrap());
    assert_eq!(in_inbox(&stores.second, &[1]).await, HashMap::from([(id(1), None)]));
}

pub(crate) async fn dead_messages_are_kept_longer(stores: Instances) {
    receive(&stores.first, 1, &[1]).await;
    let inbox = vec![InboxRow { id: id(2), dead_tries: Some(3) }];
    commit(&stores.first, Changes { now_ms: 1, inbox, ..Changes::default() }).await.unwrap();
    assert!(!stores.first.forget(&old(9, 0), 10).await.unwrap());
    assert_eq!(in_inbox(&stores.second, &[1, 2]).await, HashMap::from([(id(2), Some(3))]));
    let all = Old { dead: at(2), ..old(9, 0) };
    assert!(!stores.first.forget(&all, 10).await.unwrap());
    assert_eq!(in_inbox(&stores.second, &[1, 2]).await, HashMap::new());
}

pub(crate) async fn dead_compensations_are_listed_until_they_are_repaired(stores: Instances) {
    let compensation = |number| DeadCompensation { id: id(number), subject: format!("order.cancel-payment.{number}") };
    let compensations_died = vec![compensation(2), compensation(1), compensation(3)];
    commit(&stores.first, Changes { compensations_died, ..Changes::default() }).await.unwrap();
    assert_eq!(stores.second.dead_compensations(2).await.unwrap(), [compensation(2), compensation(1)]);
    commit(&stores.second, Changes { repaired: vec![id(2), id(9)], ..Changes::default() }).await.unwrap();
    assert_eq!(stores.first.dead_compensations(9).await.unwrap(), [compensation(1), compensation(3)]);
}
