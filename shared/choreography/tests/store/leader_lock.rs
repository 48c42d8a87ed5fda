//! The lock of the leader, which tells at once that its process has ended.

use choreography::store::ReadingStore as _;
use choreography::store::sqlite::SqliteStore;

use crate::fixture::{TABLES, at, migrations};

#[tokio::test]
async fn the_lease_of_an_instance_that_is_gone_is_taken_at_once_and_that_of_a_silent_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("service.db").display().to_string();
    let open = async || SqliteStore::open(&path, Some(&migrations()), TABLES).await.unwrap();
    let (first, second, third) = (open().await, open().await, open().await);
    let claim = async |store: &SqliteStore, now| store.claim(None, at(now), at(now + 1_000)).await.unwrap();
    assert_eq!(claim(&first, 0).await.unwrap().epoch, 1);
    assert_eq!(claim(&second, 999).await, None, "the first one is there");
    drop(first);
    assert_eq!(claim(&second, 999).await.unwrap().epoch, 2);
    assert_eq!(claim(&third, 1_998).await, None);
    assert_eq!(claim(&third, 1_999).await.unwrap().epoch, 3, "the second one was silent");
    drop(second);
    drop(third);
    let fourth = open().await;
    assert_eq!(claim(&fourth, 2_998).await, None, "nobody knows whether the third one is there");
    assert_eq!(claim(&fourth, 2_999).await.unwrap().epoch, 4);
    fourth.release(4).await.unwrap();
    let fifth = open().await;
    assert_eq!(claim(&fifth, 3_000).await.unwrap().epoch, 5);
    drop(fifth);
    assert_eq!(claim(&fourth, 3_001).await.unwrap().epoch, 6);
}
