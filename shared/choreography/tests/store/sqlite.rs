//! What concerns only files: opening them, from several processes, with migrations, and files that are no databases.

use std::sync::Arc;

use choreography::store::sqlite::SqliteStore;
use choreography::store::{Condition, Listing, ReadingStore as _, Store, StoreError};

use crate::fixture::{TABLES, migrations, payments, row, stored, write};

async fn problem(path: &str, tables: &[&'static str]) -> String {
    let error = SqliteStore::open(path, Some(&migrations()), tables).await.unwrap_err();
    error.to_string()
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
async fn errors_of_opening_name_the_file_and_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notes.txt");
    std::fs::write(&file, "This is a text and not a database. ".repeat(100)).unwrap();
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

/// A database file in a directory that is deleted with it.
struct File {
    _directory: tempfile::TempDir,
    path: String,
}

impl File {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("service.db").display().to_string();
        Self { _directory: directory, path }
    }

    async fn execute(&self, statements: &'static str) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.path).create_if_missing(true);
        let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
        sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn tables_that_no_migration_makes_are_created() {
    let file = File::new();
    for version in 0..2 {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file.path, None, &["payment"]).await.unwrap());
        write(&store, vec![row("1", version, "{}")]).await.unwrap();
    }
}

#[tokio::test]
async fn tables_without_the_needed_columns_are_refused() {
    let file = File::new();
    let not_plain = problem(&file.path, &["payment\"; drop table payment"]).await;
    assert!(not_plain.contains("is not a plain name"), "{not_plain}");
    let nullable = problem(&file.path, &["payment", "nullable"]).await;
    assert!(nullable.ends_with("of table nullable are not all \"not null\"; correct the migrations"), "{nullable}");
    let of_the_runtime = problem(&file.path, &["outbox"]).await;
    assert!(of_the_runtime.contains("no such column: key"), "{of_the_runtime}");
}

#[tokio::test]
async fn a_database_from_before_the_migrations_were_numbered_is_migrated() {
    let file = File::new();
    file.execute(include_str!("../../src/store/sqlite/migrations/0001_tables.sql")).await;
    file.execute("update head set position = 9, safe = 7").await;
    for _ in 0..2 {
        let head = SqliteStore::open(&file.path, None, &[]).await.unwrap().head().await.unwrap();
        assert_eq!((head.position.sequence, head.restart_position), (9, 7));
    }
}

#[tokio::test]
async fn a_database_of_a_newer_runtime_is_refused() {
    let file = File::new();
    SqliteStore::open(&file.path, None, &[]).await.unwrap();
    file.execute("insert into _choreography_migrations (number, name) values (999, 'future')").await;
    let newer = problem(&file.path, TABLES).await;
    assert!(newer.contains("a newer version of the runtime has migrated its tables (migration 999;"), "{newer}");
}

#[tokio::test]
async fn a_condition_on_a_missing_column_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("service.db").display().to_string();
    let store = SqliteStore::open(&path, Some(&migrations()), TABLES).await.unwrap();
    for column in ["colour", "key = key or 1"] {
        let conditions = vec![Condition { column, value: column.to_owned() }];
        let listing = Listing { table: "payment", conditions, after: None, descending: false, limit: 1 };
        assert!(matches!(store.list(&listing).await, Err(StoreError::Database { .. })), "{column}");
    }
}
