//! A batch is written completely, one after the other, or not at all.

use std::sync::Arc;

use choreography::Envelope;
use choreography::store::{
    Backlog, Changes, DeadMessage, EffectRow, ScheduleChange, ScheduledRow, Store, StoreError, WaitingRow,
};

use crate::fixture::{
    Instances, LoadOne as _, advance, at, begin, commit, dead, envelope, envelopes, id, in_outbox, is_row_conflict,
    leading, new_outbox, numbers, outgoing, payments, reply, row, scheduled, set, stored, to_publish, waiting, write,
};

/// Returns a change of everything except rows.
fn everything() -> Changes {
    let effect =
        EffectRow { number: 0, key: "1".to_owned(), tries: 0, since_ms: 5, due_ms: 5, envelope: envelope("effect") };
    Changes {
        now_ms: 5,
        deaths: vec![dead(1, 1)],
        outbox: to_publish(&["one"]),
        waiting: vec![waiting(2, "2", Some(9))],
        scheduled: vec![set("reminder", 9)],
        effects: vec![effect],
        replies: vec![reply("anna", "a")],
        ..Changes::default()
    }
}

/// Asserts that nothing of [`everything`] was written.
async fn assert_nothing(store: &Arc<dyn Store>) {
    assert_eq!(store.backlog().await.unwrap(), Backlog::default());
    let mut transaction = begin(store).await;
    assert!(transaction.dead(&[id(1)]).await.is_empty());
    assert!(transaction.replies(&[reply("anna", "a").key]).await.is_empty());
    assert_eq!(transaction.head().await.outbox_next, 1);
}

pub(crate) async fn a_commit_moves_the_position(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    commit(&stores.first, Changes { advance: Some(advance(head.epoch, 50, 60)), ..everything() }).await.unwrap();
    let after = stores.second.head().await.unwrap();
    assert_eq!((after.epoch, after.position.sequence, after.outbox_next), (head.epoch, 60, 2));
    let backlog = stores.second.backlog().await.unwrap();
    assert_eq!(backlog, Backlog { outbox: 1, waiting: 1, scheduled: 1, effects: 1 });
}

pub(crate) async fn a_commit_at_another_epoch_writes_nothing(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    let rows = vec![row("1", 0, "{}")];
    let changes = Changes { advance: Some(advance(head.epoch - 1, 50, 60)), rows, ..everything() };
    let committed = commit(&stores.first, changes).await;
    assert!(matches!(committed, Err(StoreError::HeadConflict { epoch: 0, position: 50 })), "{committed:?}");
    assert_eq!(stores.first.head().await.unwrap(), head);
    assert_eq!(payments(&stores.first, &["1"]).await, []);
    assert_nothing(&stores.first).await;
}

pub(crate) async fn a_commit_from_another_position_writes_nothing(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    let committed = commit(&stores.first, Changes { advance: Some(advance(head.epoch, 49, 60)), ..everything() }).await;
    assert!(matches!(committed, Err(StoreError::HeadConflict { epoch: 1, position: 49 })), "{committed:?}");
    assert_eq!(stores.first.head().await.unwrap(), head);
    assert_nothing(&stores.first).await;
}

pub(crate) async fn a_batch_without_deliveries_is_committed_at_any_epoch(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    commit(&stores.second, Changes { outbox: to_publish(&["one"]), ..Changes::default() }).await.unwrap();
    let after = stores.first.head().await.unwrap();
    assert_eq!((after.position, after.outbox_next), (head.position, 2));
}

pub(crate) async fn a_commit_returns_the_number_of_its_first_outbox_row(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    let three = Changes { outbox: to_publish(&["one", "two", "three"]), ..Changes::default() };
    let three = Changes { advance: Some(advance(head.epoch, 50, 51)), ..three };
    assert_eq!(commit(&stores.first, three).await.unwrap().outbox_first, 1);
    assert_eq!(commit(&stores.second, Changes::default()).await.unwrap().outbox_first, 4);
    let one = Changes { outbox: to_publish(&["four"]), ..Changes::default() };
    assert_eq!(commit(&stores.second, one).await.unwrap().outbox_first, 4);
    let names: Vec<_> = outgoing(&stores.first).await.into_iter().map(|row| row.envelope).collect();
    assert_eq!(names, envelopes(&["one", "two", "three", "four"]));
    assert_eq!(numbers(&stores.first.outbox(2, 2).await.unwrap()), [2, 3]);
}

pub(crate) async fn outbox_numbers_have_no_gaps_even_after_a_failed_commit(stores: Instances) {
    commit(&stores.first, Changes { outbox: to_publish(&["one"]), ..Changes::default() }).await.unwrap();
    let stale = Changes { rows: vec![row("1", 7, "{}")], outbox: to_publish(&["lost"]), ..Changes::default() };
    assert!(is_row_conflict(commit(&stores.second, stale).await));
    commit(&stores.second, Changes { outbox: to_publish(&["two"]), ..Changes::default() }).await.unwrap();
    assert_eq!(numbers(&outgoing(&stores.first).await), [1, 2]);
}

pub(crate) async fn a_row_conflict_writes_nothing(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    let rows = vec![row("new", 0, "{}"), row("stale", 3, "{}")];
    let changes = Changes { advance: Some(advance(head.epoch, 50, 60)), rows, ..everything() };
    assert!(is_row_conflict(commit(&stores.first, changes).await));
    assert_eq!(stores.first.head().await.unwrap(), head);
    assert_eq!(payments(&stores.first, &["new", "stale"]).await, []);
    assert_nothing(&stores.first).await;
}

pub(crate) async fn a_dropped_transaction_lets_the_next_one_begin(stores: Instances) {
    drop(begin(&stores.first).await);
    write(&stores.second, vec![row("1", 0, "{}")]).await.unwrap();
    drop(begin(&stores.second).await);
    write(&stores.first, vec![row("1", 1, "{}")]).await.unwrap();
    assert_eq!(payments(&stores.second, &["1"]).await, [stored("1", 2, "{}")]);
}

pub(crate) async fn transactions_of_two_instances_never_overlap(stores: Instances) {
    let count = async |store: Arc<dyn Store>| {
        for _ in 0..20 {
            let mut transaction = begin(&store).await;
            let found = transaction.rows("payment", &["counter".to_owned()]).await;
            let version = found.first().map_or(0, |row| row.version);
            // Another transaction that could begin now would read the same version.
            tokio::task::yield_now().await;
            let rows = vec![row("counter", version, "{}")];
            transaction.commit(Changes { rows, ..Changes::default() }).await.unwrap();
        }
    };
    let (first, second) = (stores.first.clone(), stores.second.clone());
    tokio::join!(count(first.clone()), count(first), count(second.clone()), count(second));
    assert_eq!(payments(&stores.first, &["counter"]).await, [stored("counter", 80, "{}")]);
}

pub(crate) async fn reading_does_not_wait_for_a_transaction(stores: Instances) {
    let transaction = begin(&stores.first).await;
    for store in [&stores.first, &stores.second] {
        assert_eq!(store.head().await.unwrap().outbox_next, 1);
        assert_eq!(outgoing(store).await, []);
        assert_eq!(store.backlog().await.unwrap(), Backlog::default());
    }
    transaction.commit(Changes { outbox: to_publish(&["one"]), ..Changes::default() }).await.unwrap();
    assert_eq!(numbers(&outgoing(&stores.second).await), [1]);
}

pub(crate) async fn a_batch_of_thousands_is_committed(stores: Instances) {
    let count = 12_000_u16;
    let keys: Vec<String> = (0..count).map(|number| format!("{number:05}")).collect();
    let ids: Vec<_> = (0..u128::from(count)).map(id).collect();
    let changes = Changes {
        rows: keys.iter().map(|key| row(key, 0, "{}")).collect(),
        deaths: ids.iter().map(|&id| DeadMessage { id, tries: 1 }).collect(),
        outbox: to_publish(&keys.iter().map(String::as_str).collect::<Vec<_>>()),
        ..Changes::default()
    };
    commit(&stores.first, changes).await.unwrap();
    let mut transaction = begin(&stores.second).await;
    assert_eq!(transaction.dead(&ids).await.len(), keys.len());
    assert_eq!(transaction.rows("payment", &keys).await.len(), keys.len());
    let last = stores.second.outbox(i64::from(count), 10).await.unwrap();
    assert_eq!(last.into_iter().map(|row| row.envelope).collect::<Vec<_>>(), envelopes(&["11999"]));
}

pub(crate) async fn envelopes_are_read_as_they_were_written(stores: Instances) {
    let headers = [("b", "Zoë: \"said\" this\t\u{0}"), ("a", ""), ("b", "again")].into();
    let odd = Envelope { subject: "payment.odd.'1'".into(), headers, payload: vec![0, 255, 10, 39].into() };
    let changes = Changes {
        outbox: in_outbox(new_outbox(), vec![odd.clone(), Envelope::default()]),
        waiting: vec![WaitingRow { envelope: odd.clone(), ..waiting(1, "1", None) }],
        scheduled: vec![ScheduleChange::Set(ScheduledRow { envelope: odd.clone(), ..scheduled("odd", 5) })],
        ..Changes::default()
    };
    commit(&stores.first, changes).await.unwrap();
    let outbox: Vec<_> = outgoing(&stores.second).await.into_iter().map(|row| row.envelope).collect();
    assert_eq!(outbox, [odd.clone(), Envelope::default()]);
    let mut transaction = begin(&stores.second).await;
    assert_eq!(transaction.waiting_for(&[("payment", "1".to_owned())]).await[0].envelope, odd);
    assert_eq!(transaction.due(at(5), 10).await[0].envelope, odd);
}
