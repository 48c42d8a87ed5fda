//! A batch that decided from memory is committed only where all its preconditions hold.

use std::sync::Arc;

use choreography::store::{Advance, Changes, Head, Preconditions, Store, StoreError};

use crate::fixture::{
    Instances, LoadOne as _, begin, commit, dead, deleted, id, leading, outgoing, payments, place, reply, row, stored,
    to_publish, write,
};

/// Returns the precondition that the head is this one.
fn at(head: &Head) -> Preconditions {
    Preconditions { head: head.clone(), ..Preconditions::default() }
}

/// Returns the precondition that payments have these versions.
fn rows(preconditions: &[(&str, i64)]) -> Vec<(&'static str, String, i64)> {
    preconditions.iter().map(|(key, version)| ("payment", (*key).to_owned(), *version)).collect()
}

/// Whether a batch with an outgoing message is committed; if not, it must have written nothing.
async fn is_committed(store: &Arc<dyn Store>, preconditions: Preconditions, changes: Changes) -> bool {
    let before = (store.head().await.unwrap(), store.backlog().await.unwrap());
    let outbox = to_publish(&["outgoing"]);
    let committed = commit(store, Changes { preconditions: Some(preconditions), outbox, ..changes }).await;
    match committed {
        Ok(committed) => assert_eq!(committed.outbox_first, before.0.outbox_next),
        Err(StoreError::RowConflict(_)) => {
            assert_eq!((store.head().await.unwrap(), store.backlog().await.unwrap()), before);
        }
        Err(error) => panic!("{error}"),
    }
    store.head().await.unwrap() != before.0
}

pub(crate) async fn a_batch_whose_preconditions_hold_is_written(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    write(&stores.first, vec![row("read", 0, "{}"), row("changed", 0, "{}"), row("deleted", 0, "{}")]).await.unwrap();
    let preconditions = Preconditions {
        unused_keys: vec![reply("anna", "a").key, reply("anna", "b").key],
        rows: rows(&[("changed", 1), ("deleted", 1), ("missing", 0), ("new", 0), ("read", 1)]),
        ..at(&head)
    };
    let changes = Changes {
        advance: Some(Advance { epoch: head.epoch, from: 50, to: place(60) }),
        rows: vec![row("changed", 1, "[]"), deleted("deleted", 1), deleted("missing", 0), row("new", 0, "[]")],
        deaths: vec![dead(2, 3)],
        replies: vec![reply("anna", "a")],
        ..Changes::default()
    };
    assert!(is_committed(&stores.first, preconditions, changes).await);
    assert_eq!(stores.second.head().await.unwrap(), Head { position: place(60), outbox_next: 2, ..head });
    assert_eq!(outgoing(&stores.second).await.len(), 1);
    let mut transaction = begin(&stores.second).await;
    assert_eq!(transaction.dead(&[id(1), id(2), id(3)]).await, [(id(2), 3)].into());
    assert_eq!(transaction.replies(&[reply("anna", "a").key]).await, [reply("anna", "a")]);
    drop(transaction);
    let found = payments(&stores.second, &["changed", "deleted", "missing", "new", "read"]).await;
    assert_eq!(found, [stored("changed", 2, "[]"), stored("new", 1, "[]"), stored("read", 1, "{}")]);
}

pub(crate) async fn a_moved_head_refuses_a_batch(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    for other in [
        Head { epoch: head.epoch - 1, ..head.clone() },
        Head { position: place(49), ..head.clone() },
        Head { outbox_next: 2, ..head.clone() },
    ] {
        assert!(!is_committed(&stores.first, at(&other), Changes::default()).await, "{other:?}");
    }
    assert!(is_committed(&stores.first, at(&head), Changes::default()).await);
    // The commit of another instance has moved the head.
    assert!(!is_committed(&stores.second, at(&head), Changes::default()).await);
}

pub(crate) async fn a_row_of_another_version_refuses_a_batch(stores: Instances) {
    write(&stores.first, vec![row("1", 0, "{}"), row("2", 0, "{}")]).await.unwrap();
    write(&stores.second, vec![row("2", 1, "{}")]).await.unwrap();
    let head = stores.first.head().await.unwrap();
    for (preconditions, changed) in [
        ([("1", 1), ("2", 1)], vec![]),
        ([("1", 0), ("2", 2)], vec![]),
        ([("1", 1), ("3", 1)], vec![]),
        ([("1", 1), ("2", 1)], vec![row("1", 1, "{}")]),
        ([("1", 1), ("2", 1)], vec![row("2", 1, "{}")]),
        ([("1", 1), ("2", 0)], vec![row("2", 0, "{}")]),
        ([("1", 1), ("2", 1)], vec![deleted("2", 1)]),
        ([("1", 1), ("2", 0)], vec![deleted("2", 0)]),
    ] {
        let (what, preconditions) =
            (format!("{preconditions:?} {changed:?}"), Preconditions { rows: rows(&preconditions), ..at(&head) });
        let changes = Changes { rows: changed, ..Changes::default() };
        assert!(!is_committed(&stores.first, preconditions, changes).await, "{what}");
    }
    let many: Vec<_> = (3..300).map(|key| key.to_string()).collect();
    let mut preconditions = rows(&[("1", 1), ("2", 2)]);
    preconditions.extend(many.into_iter().map(|key| ("payment", key, 0)));
    assert!(is_committed(&stores.first, Preconditions { rows: preconditions, ..at(&head) }, Changes::default()).await);
}

pub(crate) async fn a_stored_reply_refuses_a_batch_that_takes_its_key_for_unused(stores: Instances) {
    commit(&stores.second, Changes { replies: vec![reply("anna", "a")], ..Changes::default() }).await.unwrap();
    let head = stores.first.head().await.unwrap();
    for replies in [vec![], vec![reply("anna", "a")]] {
        let unused_keys = vec![reply("bert", "a").key, reply("anna", "a").key];
        let changes = Changes { replies, ..Changes::default() };
        assert!(!is_committed(&stores.first, Preconditions { unused_keys, ..at(&head) }, changes).await);
    }
    let preconditions = Preconditions { unused_keys: vec![reply("bert", "a").key], ..at(&head) };
    assert!(is_committed(&stores.first, preconditions, Changes::default()).await);
}
