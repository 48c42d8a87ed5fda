//! A service's database in a SQLite file, which one or several processes use.
//!
//! One connection writes, so that two batches of a process never wait for each other inside SQLite; a few others read
//! what is committed. All SQL of the runtime is in this folder.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqlitePool};
use uuid::Uuid;

use self::statement::During;
use self::transaction::SqliteTransaction;
use super::{
    Backlog, DeadCompensation, EffectRow, Head, LastRun, Listing, Old, OutboxRow, Store, StoreError, StoredRow,
    Transaction,
};

mod columns;
mod commit;
mod listing;
mod migrate;
mod open;
mod open_error;
mod statement;
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
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(SqliteTransaction::begin(&self.writer).await?))
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let statement = sqlx::query(AssertSqlSafe(format!("select {} from head", columns::HEAD)));
        let row = statement.fetch_one(&self.readers).await;
        row.and_then(|row| columns::head(&row)).during("reading the head")
    }

    async fn claim(
        &self,
        mine: Option<i64>,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<Head>, StoreError> {
        let text = format!(
            "update head set epoch = epoch + 1, position = restart_position, lease_until_ms = $1
             where epoch = $2 or lease_until_ms <= $3 returning {}",
            columns::HEAD
        );
        let statement = sqlx::query(AssertSqlSafe(text)).bind(lease_until.as_millisecond());
        let statement = statement.bind(mine).bind(now.as_millisecond());
        let row = statement.fetch_optional(&self.writer).await;
        row.and_then(|row| row.as_ref().map(columns::head).transpose()).during("claiming the leadership")
    }

    async fn renew(
        &self,
        epoch: i64,
        lease_until: Timestamp,
        restart_position: u64,
        forget_outbox: i64,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "renewing the lease";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        let statement = sqlx::query(
            "update head set lease_until_ms = $1, restart_position = max(restart_position, $2) where epoch = $3",
        );
        let statement = statement.bind(lease_until.as_millisecond()).bind(restart_position.cast_signed()).bind(epoch);
        if statement.execute(&mut *transaction).await.during(OPERATION)?.rows_affected() == 0 {
            drop(transaction);
            return Err(self.head_conflict(epoch).await);
        }
        let statement = sqlx::query("delete from outbox where number <= $1").bind(forget_outbox);
        statement.execute(&mut *transaction).await.during("deleting published messages")?;
        transaction.commit().await.during(OPERATION)
    }

    async fn begin_run(&self) -> Result<LastRun, StoreError> {
        const OPERATION: &str = "recording that a run starts";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        let statement = sqlx::query_scalar("select start_position is (select position from head) from run");
        let died_here = statement.fetch_one(&mut *transaction).await.during(OPERATION)?;
        let statement = sqlx::query(
            "update run set start_position = (select position from head), deaths = deaths + (trying is not null)
             returning trying, deaths",
        );
        let run = statement.fetch_one(&mut *transaction).await.during(OPERATION)?;
        let suspect = match run.try_get::<Option<Vec<u8>>, _>(0).during(OPERATION)? {
            Some(_) => Some((columns::id(&run, 0).during(OPERATION)?, run.try_get(1).during(OPERATION)?)),
            None => None,
        };
        transaction.commit().await.during(OPERATION)?;
        Ok(LastRun { died_here, suspect })
    }

    async fn try_message(&self, id: Uuid) -> Result<(), StoreError> {
        let statement = sqlx::query("update run set trying = $1, deaths = 0").bind(id.as_bytes().to_vec());
        statement.execute(&self.writer).await.map(drop).during("recording which message is processed")
    }

    async fn release(&self, epoch: i64) -> Result<(), StoreError> {
        const OPERATION: &str = "giving up the lease";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        let statement = sqlx::query("update head set lease_until_ms = 0 where epoch = $1").bind(epoch);
        if statement.execute(&mut *transaction).await.during(OPERATION)?.rows_affected() > 0 {
            let statement = sqlx::query("update run set start_position = null, trying = null, deaths = 0");
            statement.execute(&mut *transaction).await.during(OPERATION)?;
        }
        transaction.commit().await.during(OPERATION)
    }

    async fn remember_stream(&self, epoch: i64, created: &str) -> Result<(), StoreError> {
        let statement = sqlx::query("update head set stream_created = $1 where epoch = $2").bind(created).bind(epoch);
        match statement.execute(&self.writer).await.during("recording the stream")?.rows_affected() {
            0 => Err(self.head_conflict(epoch).await),
            _ => Ok(()),
        }
    }

    async fn outbox(&self, from: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let text = format!("select {} from outbox where number >= $1 order by number limit $2", columns::OUTBOX);
        let rows = sqlx::query(AssertSqlSafe(text)).bind(from).bind(limit).fetch_all(&self.readers).await;
        decode(rows, columns::outbox).during("reading the outbox")
    }

    async fn forget(&self, old: &Old, limit: u32) -> Result<bool, StoreError> {
        const OPERATION: &str = "deleting what is old";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        let mut more = false;
        for (text, before) in [
            (
                "delete from inbox where id in (select id from inbox where dead_tries is null and at_ms < $1
                 order by at_ms limit $2)",
                old.received,
            ),
            (
                "delete from inbox where id in (select id from inbox where dead_tries is not null and at_ms < $1
                 order by at_ms limit $2)",
                old.dead,
            ),
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

    async fn effects(&self, after: i64, limit: u32) -> Result<Vec<EffectRow>, StoreError> {
        let text = format!("select {} from effects where number > $1 order by number limit $2", columns::EFFECT);
        let rows = sqlx::query(AssertSqlSafe(text)).bind(after).bind(limit).fetch_all(&self.readers).await;
        decode(rows, columns::effect).during("reading effects")
    }

    async fn effect_failed(&self, number: i64, tries: u32, due: Timestamp) -> Result<(), StoreError> {
        let statement = sqlx::query("update effects set tries = $1, due_ms = $2 where number = $3");
        let statement = statement.bind(tries).bind(due.as_millisecond()).bind(number);
        statement.execute(&self.writer).await.map(drop).during("recording that an effect failed")
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
        // The outbox has no gaps and may be long: the numbers of its ends give its length without a scan.
        let statement = sqlx::query_as::<_, (i64, i64, i64, i64)>(
            "select coalesce((select max(number) from outbox) - (select min(number) from outbox) + 1, 0),
                (select count(*) from waiting), (select count(*) from scheduled), (select count(*) from effects)",
        );
        let (outbox, waiting, scheduled, effects) =
            statement.fetch_one(&self.readers).await.during("counting the backlog")?;
        let [outbox, waiting, scheduled, effects] = [outbox, waiting, scheduled, effects].map(i64::cast_unsigned);
        Ok(Backlog { outbox, waiting, scheduled, effects })
    }
}

impl SqliteStore {
    /// Returns the error for an epoch that is not the current one any more.
    async fn head_conflict(&self, epoch: i64) -> StoreError {
        match self.head().await {
            Ok(head) => StoreError::HeadConflict { epoch, position: head.position },
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
