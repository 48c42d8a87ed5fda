//! Rows: a key, a version that every write checks, and a state.

use choreography::store::{Changes, RowChange, StoreError};

use crate::fixture::{Instances, LoadOne as _, begin, commit, deleted, is_row_conflict, payments, row, stored, write};

pub(crate) async fn rows_are_read_as_they_were_written(stores: Instances) {
    let state = r#"{"id": "1", "name": "Zoë \"the\" 'first' $1 ?", "total_cents": 12.50}"#;
    write(&stores.first, vec![row("1", 0, state), row("ключ", 0, "{}")]).await.unwrap();
    assert_eq!(payments(&stores.second, &["1", "ключ"]).await, [stored("1", 1, state), stored("ключ", 1, "{}")]);
}

pub(crate) async fn only_existing_rows_are_read(stores: Instances) {
    write(&stores.first, vec![row("2", 0, "{}"), row("3", 0, "{}")]).await.unwrap();
    assert_eq!(payments(&stores.second, &["1", "2"]).await, [stored("2", 1, "{}")]);
    assert_eq!(payments(&stores.second, &[]).await, []);
}

pub(crate) async fn versions_count_the_writes(stores: Instances) {
    write(&stores.first, vec![row("1", 0, "{}"), row("2", 0, "{}")]).await.unwrap();
    // A row that is new and one that is changed, in one batch.
    write(&stores.second, vec![row("1", 1, "{\"a\":1}"), row("3", 0, "{}")]).await.unwrap();
    let rows = payments(&stores.first, &["1", "2", "3"]).await;
    assert_eq!(rows, [stored("1", 2, "{\"a\":1}"), stored("2", 1, "{}"), stored("3", 1, "{}")]);
}

pub(crate) async fn tables_are_separate(stores: Instances) {
    let order = RowChange { table: "order", ..row("1", 0, "{\"order\":true}") };
    let rows = vec![row("1", 0, "{}"), order];
    commit(&stores.first, Changes { rows, ..Changes::default() }).await.unwrap();
    assert_eq!(payments(&stores.second, &["1"]).await, [stored("1", 1, "{}")]);
    let orders = begin(&stores.second).await.rows("order", &["1".to_owned()]).await;
    assert_eq!(orders, [stored("1", 1, "{\"order\":true}")]);
}

pub(crate) async fn a_row_changed_by_another_instance_conflicts(stores: Instances) {
    write(&stores.first, vec![row("1", 0, "{}")]).await.unwrap();
    write(&stores.second, vec![row("1", 1, "{\"by\":2}")]).await.unwrap();
    assert!(is_row_conflict(write(&stores.first, vec![row("1", 1, "{\"by\":1}")]).await));
    assert_eq!(payments(&stores.first, &["1"]).await, [stored("1", 2, "{\"by\":2}")]);
}

pub(crate) async fn a_new_row_created_by_another_instance_conflicts(stores: Instances) {
    write(&stores.first, vec![row("1", 0, "{\"by\":1}")]).await.unwrap();
    assert!(is_row_conflict(write(&stores.second, vec![row("1", 0, "{\"by\":2}")]).await));
    assert_eq!(payments(&stores.first, &["1"]).await, [stored("1", 1, "{\"by\":1}")]);
}

pub(crate) async fn a_changed_row_deleted_by_another_instance_conflicts(stores: Instances) {
    write(&stores.first, vec![row("1", 0, "{}")]).await.unwrap();
    write(&stores.second, vec![deleted("1", 1)]).await.unwrap();
    assert!(is_row_conflict(write(&stores.first, vec![row("1", 1, "{}")]).await));
    assert_eq!(payments(&stores.first, &["1"]).await, []);
}

pub(crate) async fn a_deleted_row_may_be_created_again(stores: Instances) {
    write(&stores.first, vec![row("1", 0, "{}"), row("2", 0, "{}")]).await.unwrap();
    write(&stores.first, vec![row("1", 1, "{}")]).await.unwrap();
    write(&stores.first, vec![deleted("1", 2), row("2", 1, "{\"a\":1}")]).await.unwrap();
    assert_eq!(payments(&stores.second, &["1", "2"]).await, [stored("2", 2, "{\"a\":1}")]);
    write(&stores.first, vec![row("1", 0, "{}")]).await.unwrap();
    assert_eq!(payments(&stores.second, &["1"]).await, [stored("1", 1, "{}")]);
}

pub(crate) async fn deleting_a_row_changed_by_another_instance_conflicts(stores: Instances) {
    write(&stores.first, vec![row("1", 0, "{}")]).await.unwrap();
    write(&stores.second, vec![row("1", 1, "{}")]).await.unwrap();
    assert!(is_row_conflict(write(&stores.first, vec![deleted("1", 1)]).await));
    assert_eq!(payments(&stores.first, &["1"]).await, [stored("1", 2, "{}")]);
}

pub(crate) async fn deleting_a_missing_row_changes_nothing(stores: Instances) {
    write(&stores.first, vec![deleted("1", 0), row("2", 0, "{}")]).await.unwrap();
    assert_eq!(payments(&stores.first, &["1", "2"]).await, [stored("2", 1, "{}")]);
}

pub(crate) async fn a_row_that_a_constraint_forbids_is_a_violation_that_writes_nothing(stores: Instances) {
    for rows in [1, 300] {
        let mut rows: Vec<_> = (0..rows).map(|key| row(&key.to_string(), 0, "{}")).collect();
        rows.push(row("x", 0, r#"{"status":"forbidden"}"#));
        let violated = write(&stores.first, rows).await;
        assert!(matches!(violated, Err(StoreError::Violation { .. })), "{violated:?}");
    }
    assert_eq!(payments(&stores.second, &["0", "x"]).await, []);
    write(&stores.first, vec![row("0", 0, "{}")]).await.unwrap();
}
