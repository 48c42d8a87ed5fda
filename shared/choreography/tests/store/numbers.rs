//! The numbers of outgoing messages: a commit checks that they follow the highest stored ones.

use std::sync::Arc;

use choreography::store::{Changes, Committed, Given, NewOutboxRow, Store, StoreError};
use uuid::Uuid;

use crate::fixture::{
    Instances, LoadOne as _, at, begin, commit, envelope, envelopes, in_outbox, leading, new_outbox, outgoing, row,
};

/// Returns messages from this number on, all of one kind.
fn from(outbox: Uuid, number: u64, count: u64) -> Vec<NewOutboxRow> {
    let mut rows = in_outbox(outbox, vec![envelope("a"); (number + count - 1) as usize]);
    rows.drain(..number as usize - 1);
    rows
}

async fn publish(store: &Arc<dyn Store>, outbox: Vec<NewOutboxRow>) -> Result<Committed, StoreError> {
    commit(store, Changes { now_ms: 5, outbox, ..Changes::default() }).await
}

async fn given(store: &Arc<dyn Store>) -> Vec<(Uuid, String, u64)> {
    let given = store.given().await.unwrap();
    given.into_iter().map(|Given { outbox, kind, last, .. }| (outbox, kind.to_string(), last)).collect()
}

pub(crate) async fn rows_are_read_with_their_names(stores: Instances) {
    let outbox = new_outbox();
    publish(&stores.first, in_outbox(outbox, envelopes(&["a", "b", "a"]))).await.unwrap();
    let names = outgoing(&stores.second).await.into_iter().map(|row| (row.name, row.placeholder, row.adopted));
    let written = in_outbox(outbox, envelopes(&["a", "b", "a"]));
    assert_eq!(names.collect::<Vec<_>>(), written.into_iter().map(|row| (row.name, false, false)).collect::<Vec<_>>());
}

pub(crate) async fn a_commit_raises_the_highest_numbers_of_each_kind(stores: Instances) {
    let outbox = new_outbox();
    publish(&stores.first, in_outbox(outbox, envelopes(&["a", "b", "a"]))).await.unwrap();
    assert_eq!(given(&stores.second).await, [(outbox, "a".to_owned(), 2), (outbox, "b".to_owned(), 1)]);
    publish(&stores.first, from(outbox, 3, 700)).await.unwrap();
    assert_eq!(given(&stores.second).await, [(outbox, "a".to_owned(), 702), (outbox, "b".to_owned(), 1)]);
}

pub(crate) async fn outboxes_of_two_processes_are_numbered_apart(stores: Instances) {
    let (one, other) = (new_outbox(), new_outbox());
    publish(&stores.first, from(one, 1, 2)).await.unwrap();
    publish(&stores.second, from(other, 1, 1)).await.unwrap();
    publish(&stores.first, from(one, 3, 1)).await.unwrap();
    publish(&stores.second, from(other, 2, 1)).await.unwrap();
    assert_eq!(given(&stores.first).await, [(one, "a".to_owned(), 3), (other, "a".to_owned(), 2)]);
    assert_eq!(outgoing(&stores.first).await.len(), 5);
}

pub(crate) async fn numbers_that_do_not_follow_the_stored_ones_show_an_older_database(stores: Instances) {
    let (outbox, unknown) = (new_outbox(), new_outbox());
    publish(&stores.first, from(outbox, 1, 2)).await.unwrap();
    let before = (stores.first.head().await.unwrap(), given(&stores.first).await);
    for rows in [from(outbox, 2, 1), from(outbox, 4, 1), from(outbox, 1, 3), from(unknown, 2, 1)] {
        let what = format!("{:?}", rows[0].name);
        let changes = Changes { rows: vec![row("1", 0, "{}")], outbox: rows, ..Changes::default() };
        let committed = commit(&stores.first, changes).await;
        assert!(matches!(committed, Err(StoreError::PutBack(_))), "{what}: {committed:?}");
    }
    assert_eq!((stores.second.head().await.unwrap(), given(&stores.second).await), before);
    assert!(begin(&stores.second).await.rows("payment", &["1".to_owned()]).await.is_empty());
    publish(&stores.first, from(outbox, 3, 1)).await.unwrap();
}

pub(crate) async fn a_commit_that_fails_raises_no_number(stores: Instances) {
    let outbox = new_outbox();
    let stale = Changes { rows: vec![row("1", 7, "{}")], outbox: from(outbox, 1, 2), ..Changes::default() };
    commit(&stores.first, stale).await.unwrap_err();
    assert_eq!(given(&stores.second).await, []);
    publish(&stores.first, from(outbox, 1, 1)).await.unwrap();
}

pub(crate) async fn an_epoch_that_the_database_has_not_reached_shows_an_older_database(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    for result in [
        stores.first.halt(head.epoch + 1, "why").await,
        stores.first.verified(head.epoch + 1, 3).await,
        stores.first.report(head.epoch + 1, &[]).await,
    ] {
        assert!(matches!(result, Err(StoreError::PutBack(_))), "{result:?}");
    }
    assert_eq!(stores.second.head().await.unwrap(), head);
}

pub(crate) async fn refused_rows_become_placeholders_in_a_commit(stores: Instances) {
    publish(&stores.first, in_outbox(new_outbox(), envelopes(&["a", "b"]))).await.unwrap();
    let dead_letter = in_outbox(new_outbox(), envelopes(&["dead"]));
    let placeholders = vec![(1, envelope("placeholder"))];
    commit(&stores.first, Changes { outbox: dead_letter, placeholders, ..Changes::default() }).await.unwrap();
    let rows = outgoing(&stores.second).await;
    let rows: Vec<_> = rows.iter().map(|row| (&*row.name.kind, row.placeholder, row.envelope.clone())).collect();
    let expected =
        [("a", true, envelope("placeholder")), ("b", false, envelope("b")), ("dead", false, envelope("dead"))];
    assert_eq!(rows, expected);
}

pub(crate) async fn highest_numbers_are_forgotten_when_no_process_keeps_them_and_no_row_has_them(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let (old, kept, with_row) = (new_outbox(), new_outbox(), new_outbox());
    for outbox in [old, kept, with_row] {
        publish(&stores.first, from(outbox, 1, 1)).await.unwrap();
    }
    let renewal =
        choreography::store::Renewal { forget: vec![(1, 2)], ..choreography::store::Renewal::of_lease(at(9)) };
    stores.first.renew(epoch, &renewal).await.unwrap();
    assert_eq!(stores.first.forget_given(epoch, at(5)).await.unwrap(), 0);
    stores.second.keep_given(kept, at(6)).await.unwrap();
    assert_eq!(stores.first.forget_given(epoch, at(6)).await.unwrap(), 1);
    let outboxes: Vec<_> = given(&stores.second).await.into_iter().map(|(outbox, _, _)| outbox).collect();
    assert_eq!(outboxes, [kept, with_row]);
}
