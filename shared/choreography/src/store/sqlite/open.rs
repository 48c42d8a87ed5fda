//! Opening a database file: its settings and its tables.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::SqliteStore;
use super::files::OpenFiles;
use super::leader_lock::LeaderLock;
use super::migrate::{migrate_runtime, migrate_service, prepare_rows, take_for};
use super::open_error::{OpenError, Problem};

/// How long a process waits for another one that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often opening a new file that is locked is tried, and the pause between two tries.
const OPENING_TRIES_MAX: u32 = 5;
const OPENING_PAUSE: Duration = Duration::from_millis(100);
/// `SQLITE_BUSY`, as sqlx writes it.
const BUSY: &str = "5";
/// How long a caller waits for a connection: longer than its holder waits for another process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Listings, the outbox relay and the effects task read beside each other; more connections only wait for the
/// processor.
const READERS_MAX: u32 = 4;
/// Rows that are buffered between SQLite's thread and the caller: a batch, so that the two do not take turns.
const ROW_BUFFER: usize = 512;
/// Statements that stay prepared: each list in each of its lengths, and the scripts that short lists are put into.
const STATEMENTS_KEPT: usize = 256;
/// Pages that the write-ahead log holds before they are moved to the file: 16 MB of 4 KB. Fewer mean more writing, more
/// a longer stall.
const LOG_PAGES: &str = "4000";
/// To which size the write-ahead log is cut back after something, as a long read, has made it longer: 64 MiB, several
/// times what it holds otherwise.
const LOG_BYTES_MAX: &str = "67108864";

impl SqliteStore {
    /// Opens a database file, creates it if it does not exist, and brings its tables up to date.
    ///
    /// The database is a path, or a URL as `sqlite:///data/payment.db`; several processes may open the same file.
    /// `tables` are those that a choreography keeps rows in ([`Choreography::tables`](crate::Choreography::tables)):
    /// the migrations make them, with at least `key text primary key not null, version bigint not null, state jsonb not
    /// null`; those that no migration makes are created with exactly these columns.
    ///
    /// # Errors
    /// [`OpenError`] names the file and what to do about it. Nothing was changed then, except that the file may have
    /// been created.
    pub async fn open(
        database: &str,
        migrations: Option<&Migrator>,
        tables: &[&'static str],
    ) -> Result<Self, OpenError> {
        Self::open_for(None, database, migrations, tables).await
    }

    /// Opens the database file of a service as [`open`](Self::open) does, for an operator's command: one that does not
    /// exist is not created, and one that belongs to another service is refused.
    ///
    /// # Errors
    /// [`OpenError`] names the file and what to do about it.
    pub async fn open_existing(service: &'static str, database: &str) -> Result<Self, OpenError> {
        let path = path_of(database)?;
        if !path.exists() {
            return Err(OpenError { database: path.display().to_string(), problem: Problem::Missing });
        }
        Self::open_for(Some(service), database, None, &[]).await
    }

    /// Opens a database file as [`open`](Self::open) does, and refuses one that belongs to another service.
    pub(crate) async fn open_for(
        service: Option<&'static str>,
        database: &str,
        migrations: Option<&Migrator>,
        tables: &[&'static str],
    ) -> Result<Self, OpenError> {
        let path = path_of(database)?;
        let opened = Self::open_path(service, &path, migrations, tables).await;
        opened.map_err(|problem| OpenError { database: path.display().to_string(), problem })
    }

    async fn open_path(
        service: Option<&'static str>,
        path: &Path,
        migrations: Option<&Migrator>,
        tables: &[&'static str],
    ) -> Result<Self, Problem> {
        if let Some(directory) = path.parent() {
            let failed = |cause| Problem::Unwritable { directory: directory.to_owned(), cause };
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        if path.is_dir() {
            return Err(Problem::Directory);
        }
        let (options, failed) = (options(path), |error| Problem::database("connecting", error));
        let writer = connect(options.clone()).await.map_err(failed)?;
        prepare(&writer, service, migrations, tables).await?;
        let reading = options.create_if_missing(false).pragma("query_only", "on");
        // At once, and one stays: with its last connection SQLite would delete the write-ahead log, and the one that writes
        // is replaced after a full disk.
        let readers = pool(READERS_MAX).connect_with(reading).await.map_err(failed)?;
        let leader_lock = LeaderLock::of(path).into();
        Ok(Self { writer, readers, files: OpenFiles::of(path), leader_lock })
    }
}

fn path_of(database: &str) -> Result<PathBuf, OpenError> {
    if let Some((scheme, _)) = database.split_once("://").filter(|(scheme, _)| *scheme != "sqlite") {
        // The rest of the URL may hold a password.
        return Err(OpenError { database: format!("{scheme}://…"), problem: Problem::NotSqlite });
    }
    let url = database.strip_prefix("sqlite://").or_else(|| database.strip_prefix("sqlite:"));
    let path = url.map_or(database, |url| url.split('?').next().unwrap_or_default());
    let absolute = if path == ":memory:" { None } else { std::path::absolute(path).ok() };
    let no_file = || Problem::NoFile(database.to_owned());
    absolute.ok_or_else(|| OpenError { database: database.to_owned(), problem: no_file() })
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", LOG_PAGES)
        .pragma("journal_size_limit", LOG_BYTES_MAX)
        // Statements over many rows keep what is needed to roll them back: in memory, not in a temporary file.
        .pragma("temp_store", "memory")
        .row_buffer_size(ROW_BUFFER)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .disable_statement_logging()
}

fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        // SQLite rolls back by itself when the disk is full; then sqlx's own rollback fails, and the connection
        // believes for ever that it is in a transaction.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

/// Opens the connection that writes. SQLite does not wait while another process switches a new file to its log: then
/// opening is tried again.
async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let mut tries = 1;
    loop {
        match pool(1).connect_with(options.clone()).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(BUSY) && tries < OPENING_TRIES_MAX => {
                tries += 1;
                tokio::time::sleep(OPENING_PAUSE).await;
            }
            connected => return connected,
        }
    }
}

/// Brings all tables up to date in one transaction: two processes may start at the same time.
async fn prepare(
    writer: &SqlitePool,
    service: Option<&'static str>,
    migrations: Option<&Migrator>,
    tables: &[&'static str],
) -> Result<(), Problem> {
    let failed = |error| Problem::database("preparing the tables", error);
    let mut transaction = writer.begin_with("begin immediate").await.map_err(failed)?;
    migrate_runtime(&mut transaction).await?;
    if let Some(service) = service {
        // Before its migrations change what belongs to another service.
        take_for(&mut transaction, service).await?;
    }
    if let Some(migrations) = migrations {
        migrate_service(&mut transaction, migrations).await?;
    }
    prepare_rows(&mut transaction, tables).await?;
    transaction.commit().await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Envelope;
    use crate::store::{Backlog, Changes, NewOutboxRow, RowName, Store as _, StoreError};

    async fn commit_payload(store: &SqliteStore, bytes: usize) -> Result<i64, StoreError> {
        let envelope = Envelope { payload: vec![7; bytes].into(), ..Envelope::default() };
        let name = RowName { outbox: Uuid::nil(), kind: "kind".into(), number: 1 };
        let outbox = vec![NewOutboxRow { name, envelope, placeholder: false }];
        let committed = store.begin().await?.commit(Changes { outbox, ..Changes::default() }).await;
        committed.map(|committed| committed.outbox_first)
    }

    #[tokio::test]
    async fn a_full_disk_writes_nothing_and_the_next_batch_succeeds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("service.db").display().to_string();
        let store = SqliteStore::open(&path, None, &[]).await.unwrap();
        // As long as this connection lives: SQLite then fails, and rolls back by itself, as on a full disk.
        sqlx::query("pragma max_page_count = 1").execute(&store.writer).await.unwrap();
        let failed = commit_payload(&store, 1_000_000).await.unwrap_err().to_string();
        assert!(failed.contains("writing a batch") && failed.contains("disk is full"), "{failed}");
        assert_eq!(store.backlog().await.unwrap(), Backlog::default());
        assert_eq!(commit_payload(&store, 1_000_000).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn the_files_stay_while_the_connection_that_writes_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("service.db").display().to_string();
        let store = SqliteStore::open(&path, None, &[]).await.unwrap();
        store.writer.acquire().await.unwrap().close().await.unwrap();
        assert_eq!(commit_payload(&store, 1).await.unwrap(), 1);
    }
}
