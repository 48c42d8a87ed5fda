//! A service's database in a SQLite file, which one or several processes use.
//!
//! One connection writes, so that two batches of a process never wait for each other inside SQLite; a few others read
//! what is committed. All SQL of the runtime is in this folder.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqlitePool};

use self::files::OpenFiles;
use self::leader_lock::LeaderLock;
use self::statement::During;
use self::transaction::SqliteTransaction;
use super::error::put_back_head;
use super::{
    Backlog, DeadCompensation, EffectRow, Listing, Old, ReadingStore, Store, StoreError, StoredRow, Transaction,
};

mod columns;
mod commit;
mod files;
mod leader_lock;
mod listing;
mod migrate;
mod numbers;
mod open;
mod open_error;
mod publishing;
mod reading;
mod renewal;
mod statement;
mod stream;
mod suspects;
mod transaction;
mod write;

pub use open_error::OpenError;

/// A service's database in a SQLite file. A clone shares its connections.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    /// One connection, which writes.
    writer: SqlitePool,
    /// Connections that only read what is committed.
    readers: SqlitePool,
    files: OpenFiles,
    leader_lock: Arc<LeaderLock>,
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.files.check()?;
        Ok(Box::new(SqliteTransaction::begin(&self.writer).await?))
    }

    async fn forget(&self, old: &Old, limit: u32) -> Result<bool, StoreError> {
        const OPERATION: &str = "deleting what is old";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        let mut more = false;
        for (text, before) in [
            ("delete from dead where id in (select id from dead where at_ms < $1 order by at_ms limit $2)", old.dead),
            (
                "delete from idempotency_keys where rowid in (select rowid from idempotency_keys where at_ms < $1
                 order by at_ms limit $2)",
                old.replies,
            ),
        ] {
            let statement = sqlx::query(text).bind(before.as_millisecond()).bind(limit);
            more |= statement.execute(&mut *transaction).await.during(OPERATION)?.rows_affected() == u64::from(limit);
        }
        transaction.commit().await.during(OPERATION)?;
        Ok(more)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let statement = sqlx::query_scalar::<_, Option<i64>>(
            "select min(moment) from (
                select min(due_ms) as moment from scheduled
                union all
                select min(expiry_ms) from waiting where expiry_ms is not null
            )",
        );
        let moment = statement.fetch_one(&self.readers).await.during("reading what is due next")?;
        Ok(moment.map(|moment| Timestamp::from_millisecond(moment).unwrap_or(Timestamp::MAX)))
    }

    async fn effects(&self, message: &str, after: i64, limit: u32) -> Result<Vec<EffectRow>, StoreError> {
        let text = format!(
            "select {} from effects where message = $1 and number > $2 order by number limit $3",
            columns::EFFECT
        );
        let statement = sqlx::query(AssertSqlSafe(text)).bind(message).bind(after).bind(limit);
        let rows = statement.fetch_all(&self.readers).await;
        decode(rows, columns::effect).during("reading effects")
    }

    async fn list(&self, listing: &Listing) -> Result<Vec<StoredRow>, StoreError> {
        let text = listing::text(listing)?;
        let conditions = listing.conditions.iter().map(|condition| condition.value.as_str());
        let values = conditions.chain(listing.after.as_deref());
        let statement = values.fold(sqlx::query(AssertSqlSafe(text)), |statement, value| statement.bind(value));
        let rows = statement.bind(listing.limit).fetch_all(&self.readers).await;
        decode(rows, columns::stored).during(format!("listing rows of {}", listing.table))
    }

    async fn dead_compensations(&self, limit: u32) -> Result<Vec<DeadCompensation>, StoreError> {
        let statement = sqlx::query("select id, subject from dead_compensations order by number limit $1").bind(limit);
        let rows = statement.fetch_all(&self.readers).await;
        let compensation =
            |row: &SqliteRow| Ok(DeadCompensation { id: columns::id(row, 0)?, subject: row.try_get(1)? });
        decode(rows, compensation).during("reading compensations that died")
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        let statement = sqlx::query_as::<_, (i64, i64, i64, i64)>(
            "select (select count(*) from outbox), (select count(*) from waiting), (select count(*) from scheduled), (select count(*) from effects)",
        );
        let (outbox, waiting, scheduled, effects) =
            statement.fetch_one(&self.readers).await.during("counting the backlog")?;
        let [outbox, waiting, scheduled, effects] = [outbox, waiting, scheduled, effects].map(i64::cast_unsigned);
        Ok(Backlog { outbox, waiting, scheduled, effects })
    }

    async fn queued(&self, limit: u32) -> Result<u64, StoreError> {
        let statement = sqlx::query_scalar::<_, i64>(
            "select (select count(*) from (select 1 from waiting limit $1))
                + (select count(*) from (select 1 from effects limit $1))",
        );
        let count = statement.bind(limit).fetch_one(&self.readers).await.during("counting what is queued")?;
        Ok(count.cast_unsigned())
    }

    async fn finish(&self) -> Result<(), StoreError> {
        let mut connection = self.writer.acquire().await.during("waiting for the connection that writes")?;
        // A process that reads keeps the log: then the next one that stops, or writes, cuts it back.
        let statements = "pragma busy_timeout = 500; pragma wal_checkpoint(truncate); pragma busy_timeout = 5000";
        sqlx::raw_sql(statements).execute(&mut *connection).await.map(drop).during("cutting the log back")
    }
}

impl SqliteStore {
    /// Returns the error for an epoch that is not the current one any more.
    async fn head_conflict(&self, epoch: i64) -> StoreError {
        match self.head().await {
            Ok(head) if head.epoch < epoch => put_back_head(epoch, head.epoch),
            Ok(head) => StoreError::HeadConflict { epoch, position: head.position.sequence },
            Err(error) => error,
        }
    }
}

fn decode<T>(
    rows: Result<Vec<SqliteRow>, sqlx::Error>,
    read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, sqlx::Error> {
    rows?.iter().map(read).collect()
}
