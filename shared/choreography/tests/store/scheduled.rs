//! Scheduled messages: one for each name and key.

use std::sync::Arc;

use choreography::store::{Changes, ScheduleChange, ScheduledRow, Store};

use crate::fixture::{Instances, LoadOne as _, at, begin, commit, remove, scheduled, set, waiting};

async fn schedule(store: &Arc<dyn Store>, scheduled: Vec<ScheduleChange>) {
    commit(store, Changes { scheduled, ..Changes::default() }).await.unwrap();
}

async fn due(store: &Arc<dyn Store>, now_ms: i64) -> Vec<ScheduledRow> {
    begin(store).await.due(at(now_ms), 100).await
}

pub(crate) async fn due_messages_are_read_in_the_order_of_their_moments(stores: Instances) {
    schedule(&stores.first, vec![set("third", 30), set("first", 10), set("second", 20)]).await;
    assert_eq!(due(&stores.second, 9).await, []);
    assert_eq!(due(&stores.second, 20).await, [scheduled("first", 10), scheduled("second", 20)]);
}

pub(crate) async fn messages_due_at_the_same_moment_keep_the_order_of_their_scheduling(stores: Instances) {
    schedule(&stores.first, vec![set("b", 10), set("c", 10)]).await;
    schedule(&stores.first, vec![set("a", 10), set("b", 10)]).await;
    assert_eq!(due(&stores.second, 10).await, [scheduled("c", 10), scheduled("a", 10), scheduled("b", 10)]);
}

pub(crate) async fn no_more_due_messages_than_the_limit_are_read(stores: Instances) {
    schedule(&stores.first, vec![set("b", 20), set("a", 10)]).await;
    assert_eq!(begin(&stores.second).await.due(at(99), 1).await, [scheduled("a", 10)]);
}

pub(crate) async fn scheduling_again_replaces_the_scheduled_message(stores: Instances) {
    let other_key = ScheduledRow { key: "2".to_owned(), ..scheduled("reminder", 10) };
    schedule(&stores.first, vec![set("reminder", 10), ScheduleChange::Set(other_key.clone())]).await;
    schedule(&stores.second, vec![set("reminder", 30)]).await;
    assert_eq!(due(&stores.first, 99).await, [other_key, scheduled("reminder", 30)]);
}

pub(crate) async fn a_cancelled_message_is_not_due(stores: Instances) {
    schedule(&stores.first, vec![set("a", 10), set("b", 10)]).await;
    schedule(&stores.first, vec![remove("a"), remove("never-set")]).await;
    assert_eq!(due(&stores.second, 99).await, [scheduled("b", 10)]);
}

pub(crate) async fn the_last_change_in_a_batch_counts(stores: Instances) {
    schedule(&stores.first, vec![set("a", 10), set("b", 10)]).await;
    schedule(&stores.first, vec![remove("a"), set("a", 20), set("b", 20), remove("b"), set("c", 1), set("c", 30)])
        .await;
    assert_eq!(due(&stores.second, 99).await, [scheduled("a", 20), scheduled("c", 30)]);
}

pub(crate) async fn the_next_due_moment_is_the_earliest_of_scheduled_and_waiting(stores: Instances) {
    assert_eq!(stores.second.next_due().await.unwrap(), None);
    commit(&stores.first, Changes { waiting: vec![waiting(1, "1", None)], ..Changes::default() }).await.unwrap();
    assert_eq!(stores.second.next_due().await.unwrap(), None);
    schedule(&stores.first, vec![set("a", 20)]).await;
    assert_eq!(stores.second.next_due().await.unwrap(), Some(at(20)));
    let rows = vec![waiting(2, "1", Some(30)), waiting(3, "1", Some(10))];
    commit(&stores.first, Changes { waiting: rows, ..Changes::default() }).await.unwrap();
    assert_eq!(stores.second.next_due().await.unwrap(), Some(at(10)));
}
