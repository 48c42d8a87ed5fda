//! What is to be said scheduled: one of each name and key.

use std::sync::Arc;

use choreography::store::{Changes, ScheduleChange, ScheduledRow, Store};

use crate::fixture::{Instances, Questions as _, at, begin, commit, later, remove, set, waiting};

async fn decide(store: &Arc<dyn Store>, scheduled: Vec<ScheduleChange>) {
    commit(store, Changes { scheduled, ..Changes::default() }).await.unwrap();
}

async fn due(store: &Arc<dyn Store>, now_ms: i64) -> Vec<ScheduledRow> {
    begin(store).await.due(at(now_ms), 100).await
}

pub(crate) async fn what_is_due_comes_in_the_order_of_its_moments(stores: Instances) {
    decide(&stores.first, vec![set("third", 30), set("first", 10), set("second", 20)]).await;
    assert_eq!(due(&stores.second, 9).await, []);
    assert_eq!(due(&stores.second, 20).await, [later("first", 10), later("second", 20)]);
}

pub(crate) async fn what_is_due_at_the_same_moment_comes_in_the_order_of_its_decisions(stores: Instances) {
    decide(&stores.first, vec![set("b", 10), set("c", 10)]).await;
    decide(&stores.first, vec![set("a", 10), set("b", 10)]).await;
    assert_eq!(due(&stores.second, 10).await, [later("c", 10), later("a", 10), later("b", 10)]);
}

pub(crate) async fn no_more_is_due_than_the_limit(stores: Instances) {
    decide(&stores.first, vec![set("b", 20), set("a", 10)]).await;
    assert_eq!(begin(&stores.second).await.due(at(99), 1).await, [later("a", 10)]);
}

pub(crate) async fn a_later_one_replaces_it(stores: Instances) {
    let other_key = ScheduledRow { key: "2".to_owned(), ..later("reminder", 10) };
    decide(&stores.first, vec![set("reminder", 10), ScheduleChange::Set(other_key.clone())]).await;
    decide(&stores.second, vec![set("reminder", 30)]).await;
    assert_eq!(due(&stores.first, 99).await, [other_key, later("reminder", 30)]);
}

pub(crate) async fn what_was_taken_back_is_not_due(stores: Instances) {
    decide(&stores.first, vec![set("a", 10), set("b", 10)]).await;
    decide(&stores.first, vec![remove("a"), remove("never-set")]).await;
    assert_eq!(due(&stores.second, 99).await, [later("b", 10)]);
}

pub(crate) async fn of_one_batch_the_last_decision_counts(stores: Instances) {
    decide(&stores.first, vec![set("a", 10), set("b", 10)]).await;
    decide(&stores.first, vec![remove("a"), set("a", 20), set("b", 20), remove("b"), set("c", 1), set("c", 30)]).await;
    assert_eq!(due(&stores.second, 99).await, [later("a", 20), later("c", 30)]);
}

pub(crate) async fn the_next_due_moment_is_the_earliest_of_later_and_waiting(stores: Instances) {
    assert_eq!(stores.second.next_due().await.unwrap(), None);
    commit(&stores.first, Changes { waiting: vec![waiting(1, "1", None)], ..Changes::default() }).await.unwrap();
    assert_eq!(stores.second.next_due().await.unwrap(), None);
    decide(&stores.first, vec![set("a", 20)]).await;
    assert_eq!(stores.second.next_due().await.unwrap(), Some(at(20)));
    let rows = vec![waiting(2, "1", Some(30)), waiting(3, "1", Some(10))];
    commit(&stores.first, Changes { waiting: rows, ..Changes::default() }).await.unwrap();
    assert_eq!(stores.second.next_due().await.unwrap(), Some(at(10)));
}
