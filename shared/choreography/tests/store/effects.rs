//! The queue of effects.

use std::sync::Arc;

use choreography::Envelope;
use choreography::store::{Changes, EffectRow, FailedTry, Store, StoreError};

use crate::fixture::{Instances, commit, envelope, to_publish};

/// Returns an effect of the message `mail`.
fn effect(number: i64, id: &str) -> EffectRow {
    let envelope = Envelope { headers: [("ce-id", id)].into(), ..envelope("mail") };
    EffectRow { number, key: "1".to_owned(), tries: 0, since_ms: 5, due_ms: 6, envelope }
}

async fn mails(store: &Arc<dyn Store>, after: i64, limit: u32) -> Vec<EffectRow> {
    store.effects("mail", after, limit).await.unwrap()
}

/// Adds effects with a number that the store must ignore.
async fn add(store: &Arc<dyn Store>, names: &[&str]) {
    let effects = names.iter().map(|name| effect(99, name)).collect();
    commit(store, Changes { effects, ..Changes::default() }).await.unwrap();
}

async fn finish(store: &Arc<dyn Store>, effects_done: Vec<i64>) {
    commit(store, Changes { effects_done, ..Changes::default() }).await.unwrap();
}

pub(crate) async fn effects_are_read_in_the_order_of_their_commits(stores: Instances) {
    add(&stores.first, &["b", "a"]).await;
    add(&stores.second, &["c"]).await;
    let effects = mails(&stores.first, 0, 10).await;
    let numbers: Vec<i64> = effects.iter().map(|row| row.number).collect();
    assert!(numbers.is_sorted() && numbers[0] > 0, "{numbers:?}");
    assert_eq!(effects, [effect(numbers[0], "b"), effect(numbers[1], "a"), effect(numbers[2], "c")]);
}

pub(crate) async fn a_commit_returns_the_numbers_of_its_effects(stores: Instances) {
    add(&stores.first, &["a"]).await;
    finish(&stores.first, vec![1]).await;
    let names: Vec<String> = (0..700).map(|name| name.to_string()).collect();
    let effects = names.iter().map(|name| effect(99, name)).collect();
    let outbox = to_publish(&["outgoing"]);
    let committed = commit(&stores.second, Changes { effects, outbox, ..Changes::default() }).await.unwrap();
    assert_eq!((committed.outbox_first, committed.effects), (1, (2..702).collect::<Vec<i64>>()));
    let expected: Vec<_> = (2..).zip(&names).map(|(number, name)| effect(number, name)).collect();
    assert_eq!(mails(&stores.first, 0, 1_000).await, expected);
}

pub(crate) async fn effects_are_paged_by_their_numbers(stores: Instances) {
    add(&stores.first, &["a", "b", "c"]).await;
    let first = mails(&stores.second, 0, 2).await;
    assert_eq!(first.len(), 2);
    let rest = mails(&stores.second, first[1].number, 2).await;
    assert_eq!(rest, [effect(rest[0].number, "c")]);
}

pub(crate) async fn a_failed_effect_keeps_its_number(stores: Instances) {
    add(&stores.first, &["a", "b"]).await;
    let before = mails(&stores.first, 0, 10).await;
    let failed = FailedTry { number: before[0].number, tries: 2, since_ms: 600, due_ms: 700 };
    let gone = FailedTry { number: 99, ..failed };
    commit(&stores.first, Changes { effects_failed: vec![failed, gone], ..Changes::default() }).await.unwrap();
    let failed = EffectRow { tries: 2, since_ms: 600, due_ms: 700, ..before[0].clone() };
    assert_eq!(mails(&stores.second, 0, 10).await, [failed, before[1].clone()]);
}

pub(crate) async fn effects_of_one_message_are_read_without_those_of_others(stores: Instances) {
    let call = EffectRow { envelope: envelope("call"), ..effect(0, "c") };
    let effects = vec![effect(0, "a"), call.clone(), effect(0, "b")];
    commit(&stores.first, Changes { effects, ..Changes::default() }).await.unwrap();
    let calls = stores.second.effects("call", 0, 10).await.unwrap();
    assert_eq!(calls, [EffectRow { number: calls[0].number, ..call }]);
    assert_eq!(mails(&stores.first, 0, 10).await.len(), 2);
    assert!(stores.first.effects("ma", 0, 10).await.unwrap().is_empty());
}

pub(crate) async fn a_finished_effect_is_deleted(stores: Instances) {
    add(&stores.first, &["a", "b"]).await;
    let before = mails(&stores.first, 0, 10).await;
    finish(&stores.second, vec![before[0].number]).await;
    assert_eq!(mails(&stores.first, 0, 10).await, before[1..]);
}

pub(crate) async fn a_commit_that_finishes_an_effect_which_is_not_queued_writes_nothing(stores: Instances) {
    add(&stores.first, &["a"]).await;
    let before = mails(&stores.first, 0, 10).await;
    let effects_done = vec![before[0].number, before[0].number + 1];
    let changes = Changes { effects_done, outbox: to_publish(&["outgoing"]), ..Changes::default() };
    let committed = commit(&stores.second, changes).await;
    assert!(matches!(committed, Err(StoreError::HeadConflict { epoch: 0, position: 0 })), "{committed:?}");
    assert_eq!(mails(&stores.first, 0, 10).await, before);
    assert!(stores.first.outbox(0, 10).await.unwrap().is_empty());
    finish(&stores.second, vec![before[0].number]).await;
}

pub(crate) async fn numbers_of_effects_are_never_reused(stores: Instances) {
    add(&stores.first, &["a"]).await;
    let first = mails(&stores.first, 0, 10).await[0].number;
    finish(&stores.first, vec![first]).await;
    add(&stores.first, &["b"]).await;
    assert!(mails(&stores.first, first, 10).await.len() == 1, "b must come after {first}");
}
