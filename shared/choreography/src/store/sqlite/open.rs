//! Opening the file: its settings, the runtime's own tables, and the service's migrations.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use sqlx::error::DatabaseError as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteError, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::SqliteStore;
use super::statement::{cause, plain};

/// How long a process waits for another one that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a new file that is locked is tried, and how long it is left alone in between.
const OPENING_TRIES_MAX: u32 = 5;
const OPENING_PAUSE: Duration = Duration::from_millis(100);
/// `SQLITE_BUSY`, as sqlx says it.
const BUSY: &str = "5";
/// How long somebody waits for a connection: longer than the holder waits for another process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Listings, the publisher and the runner of effects read beside each other; more only wait for the processor.
const READERS_MAX: u32 = 4;
/// Rows that wait between SQLite's thread and ours: a batch, so that the two don't take turns.
const ROW_BUFFER: usize = 512;

/// Texts that stay prepared: each list in each of its lengths, and what short lists are gathered into.
const STATEMENTS_KEPT: usize = 256;

/// Pages that the log holds before they are moved to the file: 16 MB of 4 KB. Less means more writing, more a longer stall.
const LOG_PAGES: &str = "4000";

const TABLES: &str = include_str!("tables.sql");

impl SqliteStore {
    /// Opens a file, or makes it, and brings its tables up to date. A path, or a URL as `sqlite:///data/payment.db`.
    ///
    /// Several processes may open the same file. `tables` are those that rows are kept in: the migrations make them,
    /// with at least `key text primary key not null, version bigint not null, state jsonb not null`.
    ///
    /// # Errors
    /// One that names the file and says what to do about it.
    pub async fn open(
        url_or_path: &str,
        migrations: Option<&Migrator>,
        tables: &[&'static str],
    ) -> anyhow::Result<Self> {
        let path = path_of(url_or_path)?;
        let opened = Self::open_path(&path, migrations, tables).await;
        opened.map_err(|error| anyhow!("cannot open the database {}: {error:#}; {}", path.display(), advice(&error)))
    }

    async fn open_path(path: &Path, migrations: Option<&Migrator>, tables: &[&'static str]) -> anyhow::Result<Self> {
        let directory = path.parent().context("it has no directory")?;
        std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        ensure!(!path.is_dir(), "it is a directory");
        let options = options(path);
        let writer = connect(options.clone()).await.map_err(cause)?;
        prepare(&writer, migrations, tables).await?;
        let readers = pool(READERS_MAX).connect_lazy_with(options.create_if_missing(false).pragma("query_only", "on"));
        Ok(Self { writer, readers })
    }
}

fn path_of(url_or_path: &str) -> anyhow::Result<PathBuf> {
    let url = url_or_path.strip_prefix("sqlite://").or_else(|| url_or_path.strip_prefix("sqlite:"));
    let path = url.map_or(url_or_path, |url| url.split('?').next().unwrap_or_default());
    ensure!(!path.is_empty() && path != ":memory:", "{url_or_path:?} names no database: name a file");
    std::path::absolute(path).with_context(|| format!("{url_or_path:?} names no database: name a file"))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", LOG_PAGES)
        // Statements over many rows keep what they would have to compensate: in memory, not in a temporary file.
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
        // SQLite rolls back by itself when the disk is full; then sqlx's own rollback fails, and the connection believes
        // for ever that it is in a transaction.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

/// Opens the connection that writes. While another process turns a new file's journal into a log, SQLite does not wait.
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

/// Makes the runtime's tables and the service's, in one transaction: two processes may start at once.
async fn prepare(writer: &SqlitePool, migrations: Option<&Migrator>, tables: &[&'static str]) -> anyhow::Result<()> {
    let mut transaction = writer.begin_with("begin immediate").await.map_err(cause)?;
    let made = sqlx::raw_sql(TABLES).execute(&mut *transaction).await;
    made.map_err(cause).context("making the runtime's tables")?;
    if let Some(migrations) = migrations {
        // Not `run`, which would keep the compiler from seeing that opening may be moved between threads.
        migrations.run_direct(None, &mut *transaction, false).await.context("running the migrations")?;
    }
    for table in tables {
        let text = format!("select key, version, state from \"{}\" limit 0", plain(table)?);
        let checked = sqlx::query(AssertSqlSafe(text)).execute(&mut *transaction).await;
        let checked = checked.map_err(cause);
        checked.with_context(|| format!("looking for the columns key, version and state of table {table}"))?;
        let text =
            "select count(*) from pragma_table_info(?) where name in ('key', 'version', 'state') and \"notnull\"";
        let given = sqlx::query_scalar::<_, i64>(text).bind(*table).fetch_one(&mut *transaction).await;
        ensure!(given.map_err(cause)? == 3, Nullable(table));
    }
    transaction.commit().await.map_err(cause)
}

/// A table whose rows need not have a version: a write that must be refused would take it away instead.
#[derive(Debug, thiserror::Error)]
#[error("key, version and state of table {0} are not all \"not null\"")]
struct Nullable(&'static str);

/// What an operator can do. Codes: <https://www.sqlite.org/rescode.html>.
fn advice(error: &anyhow::Error) -> &'static str {
    let database = error.chain().find_map(|cause| cause.downcast_ref::<SqliteError>());
    let code = database.and_then(|error| error.code()?.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => "another process keeps it locked: wait for it or end it",
        Some(11) => "it is damaged: restore it from a backup",
        Some(13) => "the disk is full: make room",
        Some(26) => "it is something else than a database: move it away, or name another file",
        Some(1) => "the migrations don't fit: they must make each table with its columns, in names of its own",
        None if error.is::<Nullable>() => "correct the migrations",
        Some(_) | None => "name a file in a directory that this user may write to",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Envelope;
    use crate::store::{Backlog, Changes, Store as _, StoreError};

    async fn say(store: &SqliteStore, bytes: usize) -> Result<i64, StoreError> {
        let outbox = vec![Envelope { payload: vec![7; bytes].into(), ..Envelope::default() }];
        let committed = store.begin().await?.commit(Changes { outbox, ..Changes::default() }).await;
        committed.map(|committed| committed.outbox_first)
    }

    #[tokio::test]
    async fn a_full_disk_writes_nothing_and_harms_nothing_after_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("service.db").display().to_string();
        let store = SqliteStore::open(&path, None, &[]).await.unwrap();
        // As long as this connection lives: SQLite then fails, and rolls back by itself, as on a full disk.
        sqlx::query("pragma max_page_count = 1").execute(&store.writer).await.unwrap();
        let failed = say(&store, 1_000_000).await.unwrap_err().to_string();
        assert!(failed.contains("writing a batch") && failed.contains("disk is full"), "{failed}");
        assert_eq!(store.backlog().await.unwrap(), Backlog::default());
        assert_eq!(say(&store, 1_000_000).await.unwrap(), 1);
    }
}
