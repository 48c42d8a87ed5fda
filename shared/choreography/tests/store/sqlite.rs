//! What only a file can do: be opened, by several processes, or be something else than a database.

use std::sync::Arc;

use choreography::store::sqlite::SqliteStore;
use choreography::store::{Condition, Listing, Store, StoreError};

use crate::fixture::{TABLES, migrations, payments, row, stored, write};

async fn problem(path: &str, tables: &[&'static str]) -> String {
    let error = SqliteStore::open(path, Some(&migrations()), tables).await.unwrap_err();
    format!("{error:#}")
}

#[tokio::test]
async fn opening_again_keeps_everything() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", directory.path().join("new/service.db").display());
    for version in 0..3 {
        let store = SqliteStore::open(&url, Some(&migrations()), TABLES).await.unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        write(&store, vec![row("1", version, "{}")]).await.unwrap();
        assert_eq!(payments(&store, &["1"]).await, [stored("1", version + 1, "{}")]);
    }
    assert!(directory.path().join("new/service.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_may_open_a_new_file_at_once() {
    for _ in 0..10 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("service.db").display().to_string();
        let open = |path: String| async move { SqliteStore::open(&path, Some(&migrations()), TABLES).await.map(drop) };
        let opening: Vec<_> = (0..4).map(|_| tokio::spawn(open(path.clone()))).collect();
        for opened in opening {
            opened.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("letter.txt");
    std::fs::write(&file, "Dear database, this is a dead letter and no database at all. ".repeat(100)).unwrap();
    let below_a_file = file.join("service.db");
    let cases = [
        (directory.path(), "it is a directory", "name a file"),
        (file.as_path(), "file is not a database", "move it away, or name another file"),
        (below_a_file.as_path(), "cannot make", "name a file in a directory that this user may write to"),
    ];
    for (path, what, advice) in cases {
        let problem = problem(path.to_str().unwrap(), TABLES).await;
        let named = format!("cannot open the database {}: ", path.display());
        assert!(problem.starts_with(&named) && problem.contains(what) && problem.contains(advice), "{problem}");
        assert_eq!(problem.lines().count(), 1, "{problem}");
    }
}

#[tokio::test]
async fn a_database_that_names_no_file_is_refused() {
    for name in ["", "sqlite://", ":memory:", "sqlite::memory:"] {
        assert!(problem(name, TABLES).await.contains("name a file"), "{name}");
    }
}

#[tokio::test]
async fn tables_that_the_migrations_do_not_make_are_missed_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("service.db").display().to_string();
    let missing = problem(&path, &["payment", "delivery"]).await;
    assert!(missing.contains("no such table: delivery"), "{missing}");
    let not_plain = problem(&path, &["payment\"; drop table payment"]).await;
    assert!(not_plain.contains("is no plain name"), "{not_plain}");
    let nullable = problem(&path, &["payment", "nullable"]).await;
    assert!(nullable.ends_with("of table nullable are not all \"not null\"; correct the migrations"), "{nullable}");
}

#[tokio::test]
async fn a_condition_on_a_column_that_is_missing_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("service.db").display().to_string();
    let store = SqliteStore::open(&path, Some(&migrations()), TABLES).await.unwrap();
    for column in ["colour", "key = key or 1"] {
        let conditions = vec![Condition { column, value: column.to_owned() }];
        let listing = Listing { table: "payment", conditions, after: None, descending: false, limit: 1 };
        assert!(matches!(store.list(&listing).await, Err(StoreError::Database(_))), "{column}");
    }
}
