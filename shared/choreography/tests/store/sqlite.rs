//! What concerns only files: opening them, from several processes, with migrations, and files that are no databases.

use std::sync::Arc;

use choreography::bus::memory::MemoryBus;
use choreography::store::sqlite::SqliteStore;
use choreography::store::{Changes, Comparison, Condition, Listing, Store, StoreError};

use choreography::{Choreography, Envelope, Service};

use crate::fixture::{TABLES, commit, in_outbox, migrations, new_outbox, payments, row, stored, write};

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
pub(crate) struct File {
    _directory: tempfile::TempDir,
    pub(crate) path: String,
}

impl File {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("service.db").display().to_string();
        Self { _directory: directory, path }
    }

    async fn connect(&self) -> sqlx::SqliteConnection {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.path).create_if_missing(true);
        sqlx::ConnectOptions::connect(&options).await.unwrap()
    }

    pub(crate) async fn execute(&self, statements: impl Into<String>) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements.into())).execute(&mut connection).await.unwrap();
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
async fn a_file_put_back_to_an_older_copy_refuses_the_next_numbers() {
    let file = File::new();
    let copy = File::new();
    let open = async |file: &File| SqliteStore::open(&file.path, None, &[]).await.unwrap();
    let outbox = new_outbox();
    let publish = async |store: &SqliteStore, number: usize| {
        let mut rows = in_outbox(outbox, vec![crate::fixture::envelope("a"); number]);
        let changes = Changes { outbox: rows.split_off(number - 1), ..Changes::default() };
        store.begin().await.unwrap().commit(changes).await
    };
    let store = open(&file).await;
    publish(&store, 1).await.unwrap();
    file.execute(format!("vacuum into '{}'", copy.path)).await;
    publish(&store, 2).await.unwrap();
    let store = open(&copy).await;
    let refused = publish(&store, 3).await;
    assert!(matches!(refused, Err(StoreError::PutBack(_))), "{refused:?}");
}

#[tokio::test]
async fn files_that_are_moved_take_nothing_until_they_are_back_and_others_in_their_place_end_the_process() {
    for name in ["service.db", "service.db-wal"] {
        let file = File::new();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file.path, None, &["payment"]).await.unwrap());
        write(&store, vec![row("1", 0, "{}")]).await.unwrap();
        let path = std::path::Path::new(&file.path).with_file_name(name);
        let (moved, other) = (path.with_extension("moved"), path.with_extension("other"));
        std::fs::rename(&path, &moved).unwrap();
        for refused in [store.begin().await.err(), store.head().await.err()] {
            let problem = refused.unwrap().to_string();
            assert!(problem.contains(&format!("{} was moved or deleted", path.display())), "{problem}");
        }
        std::fs::rename(&moved, &path).unwrap();
        write(&store, vec![row("1", 1, "{}")]).await.unwrap();
        std::fs::copy(&path, &other).unwrap();
        std::fs::rename(&other, &path).unwrap();
        for refused in [store.begin().await.err(), store.head().await.err()] {
            assert!(matches!(refused, Some(StoreError::PutBack(_))), "{refused:?}");
        }
    }
}

/// Commits a message of a megabyte to the outbox.
async fn commit_megabyte(store: &Arc<dyn Store>) {
    let message = Envelope { payload: vec![7; 1 << 20].into(), ..crate::fixture::envelope("a") };
    let outbox = in_outbox(new_outbox(), vec![message]);
    commit(store, Changes { outbox, ..Changes::default() }).await.unwrap();
}

#[tokio::test]
async fn the_log_is_cut_back_after_a_long_read_and_when_the_service_stops() {
    let file = File::new();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file.path, None, &[]).await.unwrap());
    let log_mib = || std::fs::metadata(format!("{}-wal", file.path)).unwrap().len() >> 20;
    let mut reader = file.connect().await;
    sqlx::raw_sql("begin; select * from head").execute(&mut reader).await.unwrap();
    for _ in 0..80 {
        commit_megabyte(&store).await;
    }
    assert!(log_mib() >= 80);
    sqlx::raw_sql("commit").execute(&mut reader).await.unwrap();
    for _ in 0..2 {
        commit_megabyte(&store).await;
    }
    assert!(log_mib() <= 64, "{} MiB", log_mib());
    store.finish().await.unwrap();
    assert_eq!(log_mib(), 0);
    commit_megabyte(&store).await;
}

#[tokio::test]
async fn two_services_cannot_share_a_file() {
    let file = File::new();
    let start = async |service: &'static str| {
        let bus = MemoryBus::new();
        bus.add_consumer(&format!("{service}-0"), &[]);
        let service = Service::builder(Choreography::new(service)).sqlite(&*file.path).bus(Arc::new(bus));
        service.start().await.map_err(|error| error.to_string())
    };
    let order = start("order").await.unwrap();
    let standby = start("order").await.unwrap();
    let refused = start("payment").await.map(drop).unwrap_err();
    let expected = "it belongs to the service order, and this is payment; name a file of its own for each service";
    assert!(refused.ends_with(expected), "{refused}");
    standby.stop().await;
    order.stop().await;
}

#[tokio::test]
async fn an_operators_command_opens_only_the_file_that_the_service_has() {
    let file = File::new();
    let open = async |service| SqliteStore::open_existing(service, &file.path).await.map_err(|error| error.to_string());
    let missing = open("order").await.map(drop).unwrap_err();
    assert!(missing.ends_with("it does not exist; name the file that the service runs with"), "{missing}");
    assert!(!std::path::Path::new(&file.path).exists());
    SqliteStore::open(&file.path, None, &[]).await.unwrap();
    open("order").await.unwrap();
    let refused = open("payment").await.map(drop).unwrap_err();
    assert!(refused.contains("it belongs to the service order, and this is payment"), "{refused}");
    open("order").await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_not_sqlite_is_refused_without_its_password() {
    let refused = problem("postgres://shop:secret@localhost/shop", TABLES).await;
    let expected = "cannot open the database postgres://…: only SQLite is supported; name a file, or a URL as \
                    sqlite:///data/payment.db";
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn a_condition_on_a_missing_column_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("service.db").display().to_string();
    let store = SqliteStore::open(&path, Some(&migrations()), TABLES).await.unwrap();
    for column in ["colour", "key = key or 1"] {
        let conditions = vec![Condition { column, comparison: Comparison::Is, value: column.to_owned() }];
        let listing =
            Listing { table: "payment", conditions, sorted_by: "key", after: None, descending: false, limit: 1 };
        assert!(matches!(store.list(&listing).await, Err(StoreError::Database { .. })), "{column}");
    }
}
