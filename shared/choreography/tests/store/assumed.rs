//! A batch that has not asked is committed only where everything is as it assumed.

use std::sync::Arc;

use choreography::store::{Advance, Assumed, Changes, Head, InboxRow, Store, StoreError};

use crate::fixture::{
    Instances, Questions as _, answer, begin, commit, deleted, envelopes, heard, id, in_charge, payments, row, said,
    stored, write,
};

/// This head, and nothing else.
fn at(head: &Head) -> Assumed {
    Assumed { head: head.clone(), ..Assumed::default() }
}

/// Rows of payments with the versions that they are thought to have.
fn rows(assumed: &[(&str, i64)]) -> Vec<(&'static str, String, i64)> {
    assumed.iter().map(|(key, version)| ("payment", (*key).to_owned(), *version)).collect()
}

/// Whether a batch that says something is committed; if not, it must have left no trace.
async fn is_taken(store: &Arc<dyn Store>, assumed: Assumed, changes: Changes) -> bool {
    let before = (store.head().await.unwrap(), store.backlog().await.unwrap());
    let outbox = envelopes(&["said"]);
    let committed = commit(store, Changes { assumed: Some(assumed), outbox, ..changes }).await;
    match committed {
        Ok(committed) => assert_eq!(committed.outbox_first, before.0.outbox_next),
        Err(StoreError::RowConflict(_)) => {
            assert_eq!((store.head().await.unwrap(), store.backlog().await.unwrap()), before);
        }
        Err(error) => panic!("{error}"),
    }
    store.head().await.unwrap() != before.0
}

pub(crate) async fn what_is_as_assumed_is_written(stores: Instances) {
    let head = in_charge(&stores.first, 50, 20).await;
    write(&stores.first, vec![row("read", 0, "{}"), row("changed", 0, "{}"), row("deleted", 0, "{}")]).await.unwrap();
    let assumed = Assumed {
        unheard: (1..=9).map(id).collect(),
        unanswered: vec![answer("anna", "a").key, answer("anna", "b").key],
        rows: rows(&[("changed", 1), ("deleted", 1), ("missing", 0), ("new", 0), ("read", 1)]),
        ..at(&head)
    };
    let changes = Changes {
        advance: Some(Advance { epoch: head.epoch, from: 50, to: 60, safe: 30 }),
        rows: vec![row("changed", 1, "[]"), deleted("deleted", 1), deleted("missing", 0), row("new", 0, "[]")],
        inbox: vec![heard(1), InboxRow { id: id(2), dead_tries: Some(3) }],
        answers: vec![answer("anna", "a")],
        ..Changes::default()
    };
    assert!(is_taken(&stores.first, assumed, changes).await);
    assert_eq!(stores.second.head().await.unwrap(), Head { position: 60, safe: 30, outbox_next: 2, ..head });
    assert_eq!(said(&stores.second).await.len(), 1);
    let mut transaction = begin(&stores.second).await;
    assert_eq!(transaction.heard(&[id(1), id(2), id(3)]).await, [(id(1), None), (id(2), Some(3))].into());
    assert_eq!(transaction.answers(&[answer("anna", "a").key]).await, [answer("anna", "a")]);
    drop(transaction);
    let found = payments(&stores.second, &["changed", "deleted", "missing", "new", "read"]).await;
    assert_eq!(found, [stored("changed", 2, "[]"), stored("new", 1, "[]"), stored("read", 1, "{}")]);
}

pub(crate) async fn another_head_than_assumed_refuses_a_batch(stores: Instances) {
    let head = in_charge(&stores.first, 50, 20).await;
    for other in [
        Head { epoch: head.epoch - 1, ..head.clone() },
        Head { position: 49, ..head.clone() },
        Head { outbox_next: 2, ..head.clone() },
    ] {
        assert!(!is_taken(&stores.first, at(&other), Changes::default()).await, "{other:?}");
    }
    assert!(is_taken(&stores.first, at(&head), Changes::default()).await);
    // What another instance says is seen, too.
    assert!(!is_taken(&stores.second, at(&head), Changes::default()).await);
}

pub(crate) async fn a_row_that_is_not_as_assumed_refuses_a_batch(stores: Instances) {
    write(&stores.first, vec![row("1", 0, "{}"), row("2", 0, "{}")]).await.unwrap();
    write(&stores.second, vec![row("2", 1, "{}")]).await.unwrap();
    let head = stores.first.head().await.unwrap();
    for (assumed, changed) in [
        ([("1", 1), ("2", 1)], vec![]),
        ([("1", 0), ("2", 2)], vec![]),
        ([("1", 1), ("3", 1)], vec![]),
        ([("1", 1), ("2", 1)], vec![row("1", 1, "{}")]),
        ([("1", 1), ("2", 1)], vec![row("2", 1, "{}")]),
        ([("1", 1), ("2", 0)], vec![row("2", 0, "{}")]),
        ([("1", 1), ("2", 1)], vec![deleted("2", 1)]),
        ([("1", 1), ("2", 0)], vec![deleted("2", 0)]),
    ] {
        let (what, assumed) = (format!("{assumed:?} {changed:?}"), Assumed { rows: rows(&assumed), ..at(&head) });
        let changes = Changes { rows: changed, ..Changes::default() };
        assert!(!is_taken(&stores.first, assumed, changes).await, "{what}");
    }
    let many: Vec<_> = (3..300).map(|key| key.to_string()).collect();
    let mut assumed = rows(&[("1", 1), ("2", 2)]);
    assumed.extend(many.into_iter().map(|key| ("payment", key, 0)));
    assert!(is_taken(&stores.first, Assumed { rows: assumed, ..at(&head) }, Changes::default()).await);
}

pub(crate) async fn a_message_that_was_heard_refuses_a_batch_that_assumed_it_was_not(stores: Instances) {
    commit(&stores.second, Changes { inbox: vec![heard(7)], ..Changes::default() }).await.unwrap();
    let head = stores.first.head().await.unwrap();
    for inbox in [vec![], vec![heard(7)], (1..=200).map(heard).collect()] {
        let assumed = Assumed { unheard: (1..=200).map(id).collect(), ..at(&head) };
        assert!(!is_taken(&stores.first, assumed, Changes { inbox, ..Changes::default() }).await);
    }
    assert_eq!(begin(&stores.second).await.heard(&[id(1), id(7)]).await, [(id(7), None)].into());
    // Of a message that it did not take for new, it may say what it likes.
    let dead = InboxRow { id: id(7), dead_tries: Some(1) };
    let assumed = Assumed { unheard: vec![id(1)], ..at(&head) };
    assert!(is_taken(&stores.first, assumed, Changes { inbox: vec![dead], ..Changes::default() }).await);
    assert_eq!(begin(&stores.second).await.heard(&[id(7)]).await, [(id(7), Some(1))].into());
}

pub(crate) async fn an_answer_that_was_given_refuses_a_batch_that_assumed_it_was_not(stores: Instances) {
    commit(&stores.second, Changes { answers: vec![answer("anna", "a")], ..Changes::default() }).await.unwrap();
    let head = stores.first.head().await.unwrap();
    for answers in [vec![], vec![answer("anna", "a")]] {
        let unanswered = vec![answer("bert", "a").key, answer("anna", "a").key];
        let changes = Changes { answers, ..Changes::default() };
        assert!(!is_taken(&stores.first, Assumed { unanswered, ..at(&head) }, changes).await);
    }
    let assumed = Assumed { unanswered: vec![answer("bert", "a").key], ..at(&head) };
    assert!(is_taken(&stores.first, assumed, Changes::default()).await);
}
