//! Messages that wait for a row.

use std::sync::Arc;

use choreography::store::{Backlog, Changes, Store, WaitingRow, Wanted};

use crate::fixture::{
    Instances, LoadOne as _, advance, at, begin, commit, id, leading, renewal, set, to_publish, waiting,
};

async fn wait(store: &Arc<dyn Store>, waiting: Vec<WaitingRow>) {
    commit(store, Changes { waiting, ..Changes::default() }).await.unwrap();
}

async fn waits_for(store: &Arc<dyn Store>, rows: &[(&'static str, &str)]) -> Vec<u128> {
    let rows: Vec<_> = rows.iter().map(|&(table, key)| (table, key.to_owned())).collect();
    let found = begin(store).await.waiting_for(&rows).await;
    found.into_iter().map(|row| row.id.as_u128()).collect()
}

pub(crate) async fn messages_waiting_for_a_row_are_read_oldest_first(stores: Instances) {
    wait(&stores.first, vec![waiting(9, "b", None), waiting(3, "a", Some(5))]).await;
    wait(&stores.first, vec![waiting(1, "b", None)]).await;
    assert_eq!(waits_for(&stores.second, &[("payment", "a"), ("payment", "b")]).await, [9, 3, 1]);
    let found = begin(&stores.second).await.waiting_for(&[("payment", "a".to_owned())]).await;
    assert_eq!(found, [waiting(3, "a", Some(5))]);
}

pub(crate) async fn messages_waiting_for_another_row_are_not_read(stores: Instances) {
    let order = WaitingRow { table: "order".to_owned(), ..waiting(2, "a", None) };
    wait(&stores.first, vec![waiting(1, "b", None), order]).await;
    assert_eq!(waits_for(&stores.second, &[("payment", "a"), ("order", "b")]).await, [0; 0]);
    assert_eq!(waits_for(&stores.second, &[("order", "a")]).await, [2]);
    assert_eq!(waits_for(&stores.second, &[]).await, [0; 0]);
}

pub(crate) async fn loading_shows_whether_any_message_waits(stores: Instances) {
    let any_waits = async || begin(&stores.second).await.load_all(Wanted::default()).await.any_waits;
    assert!(!any_waits().await);
    wait(&stores.first, vec![waiting(1, "a", None)]).await;
    assert!(any_waits().await);
    commit(&stores.first, Changes { waited: vec![id(1)], ..Changes::default() }).await.unwrap();
    assert!(!any_waits().await);
}

pub(crate) async fn a_message_that_waits_no_longer_is_deleted(stores: Instances) {
    wait(&stores.first, vec![waiting(1, "a", None), waiting(2, "a", None)]).await;
    commit(&stores.second, Changes { waited: vec![id(1), id(7)], ..Changes::default() }).await.unwrap();
    assert_eq!(waits_for(&stores.first, &[("payment", "a")]).await, [2]);
}

pub(crate) async fn a_message_may_wait_for_another_row_in_the_same_batch(stores: Instances) {
    wait(&stores.first, vec![waiting(1, "a", None)]).await;
    let changes = Changes { waited: vec![id(1)], waiting: vec![waiting(1, "b", None)], ..Changes::default() };
    commit(&stores.first, changes).await.unwrap();
    assert_eq!(waits_for(&stores.second, &[("payment", "a")]).await, [0; 0]);
    assert_eq!(waits_for(&stores.second, &[("payment", "b")]).await, [1]);
}

pub(crate) async fn expired_messages_are_read_in_the_order_of_their_expiry(stores: Instances) {
    let rows = [(1, 30), (2, 20), (3, 10), (4, 20)].map(|(number, expiry)| waiting(number, "a", Some(expiry)));
    wait(&stores.first, rows.to_vec()).await;
    let expired = async |now_ms, limit| begin(&stores.second).await.expired(at(now_ms), limit).await;
    assert_eq!(expired(9, 10).await, []);
    let three = [waiting(3, "a", Some(10)), waiting(2, "a", Some(20)), waiting(4, "a", Some(20))];
    assert_eq!(expired(20, 10).await, three);
    assert_eq!(expired(20, 2).await, three[..2]);
}

pub(crate) async fn messages_without_an_expiry_never_expire(stores: Instances) {
    wait(&stores.first, vec![waiting(1, "a", None)]).await;
    assert_eq!(begin(&stores.second).await.expired(at(i64::from(i32::MAX)), 10).await, []);
}

pub(crate) async fn the_backlog_counts_outbox_waiting_scheduled_and_effects(stores: Instances) {
    assert_eq!(stores.second.backlog().await.unwrap(), Backlog::default());
    let epoch = leading(&stores.first, 1).await.epoch;
    let changes = Changes {
        outbox: to_publish(&["one", "two", "three"]),
        waiting: vec![waiting(1, "a", None), waiting(2, "a", Some(5))],
        scheduled: vec![set("a", 10)],
        ..Changes::default()
    };
    commit(&stores.first, changes).await.unwrap();
    stores.first.renew(epoch, &renewal(1_000, 1)).await.unwrap();
    let backlog = stores.second.backlog().await.unwrap();
    assert_eq!(backlog, Backlog { outbox: 2, waiting: 2, scheduled: 1, effects: 0 });
}

pub(crate) async fn what_is_queued_is_counted_up_to_the_limit(stores: Instances) {
    assert_eq!(stores.second.queued(9).await.unwrap(), 0);
    let effect = |_| choreography::store::EffectRow {
        number: 0,
        key: "1".to_owned(),
        tries: 0,
        since_ms: 5,
        due_ms: 5,
        envelope: crate::fixture::envelope("effect"),
    };
    let changes = Changes {
        waiting: vec![waiting(1, "a", None), waiting(2, "a", Some(5))],
        effects: (0..5).map(effect).collect(),
        ..Changes::default()
    };
    commit(&stores.first, changes).await.unwrap();
    assert_eq!(stores.second.queued(9).await.unwrap(), 7);
    assert_eq!(stores.second.queued(3).await.unwrap(), 5);
}

pub(crate) async fn the_rows_that_messages_wait_for_are_listed_up_to_a_limit(stores: Instances) {
    let listed = async |limit| {
        let wanted = Wanted { all_waited_for: Some(limit), ..Wanted::default() };
        begin(&stores.second).await.load_all(wanted).await.all_waited_for
    };
    assert_eq!(listed(2).await, Some(vec![]));
    let order = WaitingRow { table: "order".to_owned(), ..waiting(3, "a", None) };
    wait(&stores.first, vec![waiting(1, "a", None), waiting(2, "a", Some(5)), order]).await;
    let mut rows = listed(2).await.unwrap();
    rows.sort();
    assert_eq!(rows, [("order".to_owned(), "a".to_owned()), ("payment".to_owned(), "a".to_owned())]);
    assert_eq!(listed(1).await, None);
    assert_eq!(begin(&stores.second).await.load_all(Wanted::default()).await.all_waited_for, None);
}

pub(crate) async fn the_head_shows_that_messages_began_to_wait(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    let waits_changed = async || stores.second.head().await.unwrap().waits_changed;
    let waits = Changes { waiting: vec![waiting(1, "a", None)], ..Changes::default() };
    commit(&stores.second, waits.clone()).await.unwrap();
    assert_eq!(waits_changed().await, 1);
    // The position shows it.
    let moved = Changes { advance: Some(advance(head.epoch, 50, 60)), ..waits };
    commit(&stores.first, moved).await.unwrap();
    commit(&stores.first, Changes { waited: vec![id(1)], ..Changes::default() }).await.unwrap();
    assert_eq!(waits_changed().await, 1);
}
