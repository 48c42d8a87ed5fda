//! Claims of the leadership of a database in a file: the lock that tells at once that a leader is gone, and the commit.

use choreography::store::sqlite::SqliteStore;
use choreography::store::{ReadingStore as _, Renewal};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

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
    let fourth = open().await;
    assert_eq!(claim(&fourth, 2_998).await, None, "nobody knows whether the third one is there");
    third.renew(3, &Renewal::of_lease(at(3_999))).await.unwrap();
    assert_eq!(claim(&fourth, 2_999).await, None, "it has the lock now");
    drop(third);
    assert_eq!(claim(&fourth, 2_999).await.unwrap().epoch, 4);
    fourth.release(4).await.unwrap();
    let fifth = open().await;
    assert_eq!(claim(&fifth, 3_000).await.unwrap().epoch, 5);
    drop(fifth);
    assert_eq!(claim(&fourth, 3_001).await.unwrap().epoch, 6);
}

#[tokio::test]
async fn a_claim_that_was_not_committed_fails() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("service.db").display().to_string();
    let store = SqliteStore::open(&path, Some(&migrations()), TABLES).await.unwrap();
    let options = SqliteConnectOptions::new().filename(&path);
    let other = SqlitePool::connect_with(options).await.unwrap();
    // Each update of the head leaves something behind that only the commit refuses.
    let refuse = "create table parent (id integer primary key);
        create table child (id integer references parent (id) deferrable initially deferred);
        create trigger refuse after update on head begin insert into child values (1); end";
    sqlx::raw_sql(refuse).execute(&other).await.unwrap();
    assert!(store.claim(None, at(0), at(1_000)).await.is_err());
    sqlx::raw_sql("drop trigger refuse").execute(&other).await.unwrap();
    assert_eq!(store.claim(None, at(0), at(1_000)).await.unwrap().unwrap().epoch, 1);
}
