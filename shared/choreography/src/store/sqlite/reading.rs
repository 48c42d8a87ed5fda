//! Leading and reading in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Sqlite};
use uuid::Uuid;

use super::columns::{CHECKPOINT, HEAD, RANGE};
use super::numbers::Table;
use super::statement::During;
use super::stream::{all_ranges, put, set_position, take_stream};
use super::{SqliteStore, columns, decode};
use crate::store::{
    Checkpoint, Head, LastRun, ReadingState, ReadingStore, Renewal, SeriesId, SeriesRange, StoreError, Subscription,
    TrySlot,
};

#[async_trait]
impl ReadingStore for SqliteStore {
    async fn head(&self) -> Result<Head, StoreError> {
        self.files.check()?;
        let statement = sqlx::query(AssertSqlSafe(format!("select {HEAD} from head")));
        let row = statement.fetch_one(&self.readers).await;
        row.and_then(|row| columns::head(&row)).during("reading the head")
    }

    async fn claim(
        &self,
        mine: Option<i64>,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<Head>, StoreError> {
        let has_lock = self.leader_lock.take();
        let head = self.claim_with(has_lock, mine, now.as_millisecond(), lease_until.as_millisecond()).await;
        if !matches!(head, Ok(Some(_))) {
            self.leader_lock.give_up();
        }
        head
    }

    async fn renew(&self, epoch: i64, renewal: &Renewal) -> Result<bool, StoreError> {
        const OPERATION: &str = "renewing the lease";
        let mut transaction = self.begin_as_leader(epoch, OPERATION).await?;
        if !super::renewal::has_what_it_is_about(&mut transaction, renewal).await.during(OPERATION)? {
            drop(transaction);
            return Err(self.head_conflict(epoch).await);
        }
        // A leader that took over from one that was only silent gets the lock when that one gives it up.
        let has_lock = self.leader_lock.take();
        let more = super::renewal::write(&mut transaction, renewal, has_lock).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)?;
        Ok(more)
    }

    async fn release(&self, epoch: i64) -> Result<(), StoreError> {
        const OPERATION: &str = "giving up the lease";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        let statement = sqlx::query("update head set lease_until_ms = 0 where epoch = $1").bind(epoch);
        let is_leader = statement.execute(&mut *transaction).await.during(OPERATION)?.rows_affected() > 0;
        if is_leader {
            super::suspects::end_run(&mut transaction).await.during(OPERATION)?;
        }
        transaction.commit().await.during(OPERATION)?;
        if is_leader {
            self.leader_lock.give_up();
        }
        Ok(())
    }

    async fn begin_run(&self) -> Result<LastRun, StoreError> {
        const OPERATION: &str = "recording that a run starts";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        let last = super::suspects::begin_run(&mut transaction).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)?;
        Ok(last)
    }

    async fn try_alone(&self, slot: TrySlot, id: Option<Uuid>) -> Result<(), StoreError> {
        const OPERATION: &str = "recording what is tried by itself";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        super::suspects::try_alone(&mut transaction, slot, id).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)
    }

    async fn effects_tried(&self) -> Result<(), StoreError> {
        const OPERATION: &str = "recording that all effects have been tried";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        super::suspects::effects_tried(&mut transaction).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)
    }

    async fn reading_state(&self) -> Result<ReadingState, StoreError> {
        const OPERATION: &str = "reading what was received";
        // One read transaction, so that everything is of one moment.
        let mut transaction = self.readers.begin().await.during(OPERATION)?;
        let head = sqlx::query(AssertSqlSafe(format!("select {HEAD} from head"))).fetch_one(&mut *transaction).await;
        let checkpoints = format!("select {CHECKPOINT} from checkpoints order by sequence desc");
        let checkpoints = sqlx::query(AssertSqlSafe(checkpoints)).fetch_all(&mut *transaction).await;
        let subscriptions = "select publisher, since_outbox, kind from subscriptions order by publisher, kind";
        let subscriptions = sqlx::query(subscriptions).fetch_all(&mut *transaction).await;
        let lost = sqlx::query("select kind, messages from lost_commands order by kind");
        let lost = lost.fetch_all(&mut *transaction).await;
        let subscriptions = decode(subscriptions, columns::series).during(OPERATION)?.into_iter().map(|found| {
            let SeriesId { publisher, outbox: since_outbox, kind } = found;
            Subscription { publisher, kind, since_outbox }
        });
        Ok(ReadingState {
            head: head.and_then(|row| columns::head(&row)).during(OPERATION)?,
            checkpoints: decode(checkpoints, columns::checkpoint).during(OPERATION)?,
            received: all_ranges(&mut transaction, "received").await.during(OPERATION)?,
            subscriptions: subscriptions.collect(),
            reported: all_ranges(&mut transaction, "reported").await.during(OPERATION)?,
            lost_commands: decode(lost, columns::lost_commands).during(OPERATION)?,
        })
    }

    async fn begin_stream(&self, epoch: i64, created: &str, position: Checkpoint) -> Result<(), StoreError> {
        const OPERATION: &str = "recording the stream";
        let mut transaction = self.begin_as_leader(epoch, OPERATION).await?;
        take_stream(&mut transaction, created, position).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)
    }

    async fn go_back(&self, epoch: i64, to: Checkpoint) -> Result<(), StoreError> {
        const OPERATION: &str = "going back to a checkpoint";
        let mut transaction = self.begin_as_leader(epoch, OPERATION).await?;
        set_position(&mut transaction, to).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)
    }

    async fn verified(&self, epoch: i64, deleted: u64) -> Result<(), StoreError> {
        const OPERATION: &str = "recording what the stream lacks";
        let mut transaction = self.begin_as_leader(epoch, OPERATION).await?;
        let statement = sqlx::query("update head set stream_deleted = $1").bind(deleted.cast_signed());
        statement.execute(&mut *transaction).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)
    }

    async fn halt(&self, epoch: i64, reason: &str) -> Result<(), StoreError> {
        const OPERATION: &str = "recording why reading has stopped";
        let mut transaction = self.begin_as_leader(epoch, OPERATION).await?;
        let statement = sqlx::query("update head set halted = $1").bind(reason);
        statement.execute(&mut *transaction).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)
    }

    async fn resume(&self, to: Checkpoint, stream_created: &str) -> Result<(), StoreError> {
        const OPERATION: &str = "letting the service go on";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        take_stream(&mut transaction, stream_created, to).await.during(OPERATION)?;
        let statement = sqlx::query("update head set epoch = epoch + 1, lease_until_ms = 0, halted = null");
        statement.execute(&mut *transaction).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)
    }

    async fn take_up(
        &self,
        epoch: i64,
        subscription: &Subscription,
        received: &[SeriesRange],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "taking a kind up";
        let mut transaction = self.begin_as_leader(epoch, OPERATION).await?;
        let statement = sqlx::query("insert or replace into subscriptions values ($1, $2, $3)");
        let statement = statement.bind(subscription.publisher.clone()).bind(subscription.kind.clone());
        let statement = statement.bind(subscription.since_outbox.as_bytes().to_vec());
        statement.execute(&mut *transaction).await.during(OPERATION)?;
        put(&mut transaction, Table::Received(now.as_millisecond()), received).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)
    }

    async fn report(&self, epoch: i64, lost: &[SeriesRange]) -> Result<(), StoreError> {
        const OPERATION: &str = "recording lost numbers";
        let mut transaction = self.begin_as_leader(epoch, OPERATION).await?;
        put(&mut transaction, Table::Reported, lost).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)
    }

    async fn accept_lost(&self) -> Result<u64, StoreError> {
        const OPERATION: &str = "accepting lost numbers";
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        // Damaged ranges are refused before they count as received.
        let reported = all_ranges(&mut transaction, "reported").await.during(OPERATION)?;
        let statement = format!("insert or replace into received ({RANGE}, at_ms) select {RANGE}, $1 from reported");
        let now_ms = sqlx::query_scalar::<_, i64>("select coalesce(max(at_ms), 0) from received");
        let now_ms = now_ms.fetch_one(&mut *transaction).await.during(OPERATION)?;
        sqlx::query(AssertSqlSafe(statement)).bind(now_ms).execute(&mut *transaction).await.during(OPERATION)?;
        sqlx::query("delete from reported").execute(&mut *transaction).await.during(OPERATION)?;
        let commands = sqlx::query("delete from lost_commands returning kind, messages");
        let commands = decode(commands.fetch_all(&mut *transaction).await, columns::lost_commands).during(OPERATION)?;
        let statement = sqlx::query("update head set epoch = epoch + 1, lease_until_ms = 0");
        statement.execute(&mut *transaction).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)?;
        let numbers = reported.iter().map(|SeriesRange { range, .. }| range.last - range.first + 1);
        let messages = commands.iter().map(|(_, messages)| *messages);
        Ok(numbers.chain(messages).fold(0, u64::saturating_add))
    }

    async fn forget_received(
        &self,
        epoch: i64,
        publisher: &str,
        noted: &[(Uuid, Arc<str>)],
        before: Timestamp,
    ) -> Result<Vec<SeriesId>, StoreError> {
        const OPERATION: &str = "deleting received numbers";
        let mut transaction = self.begin_as_leader(epoch, OPERATION).await?;
        let old = sqlx::query(
            "select publisher, outbox, kind from received where publisher = $1
             group by outbox, kind having max(at_ms) < $2",
        );
        let old = old.bind(publisher).bind(before.as_millisecond()).fetch_all(&mut *transaction).await;
        let mut old = decode(old, columns::series).during(OPERATION)?;
        old.retain(|series| !noted.iter().any(|(outbox, kind)| (outbox, kind) == (&series.outbox, &series.kind)));
        for series in &old {
            let statement = sqlx::query("delete from received where publisher = $1 and outbox = $2 and kind = $3");
            let statement = statement.bind(publisher).bind(series.outbox.as_bytes().to_vec());
            statement.bind(series.kind.clone()).execute(&mut *transaction).await.during(OPERATION)?;
        }
        transaction.commit().await.during(OPERATION)?;
        Ok(old)
    }
}

impl SqliteStore {
    async fn claim_with(
        &self,
        has_lock: bool,
        mine: Option<i64>,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Option<Head>, StoreError> {
        const OPERATION: &str = "claiming the leadership";
        // Without a transaction the row would come back before it is committed, and a failure of that would not be seen.
        let mut transaction = self.writer.begin_with("begin immediate").await.during(OPERATION)?;
        let text = format!(
            "update head set epoch = epoch + 1, lease_until_ms = $1, locked_epoch = iif($5, epoch + 1, -1)
             where epoch = $2 or lease_until_ms <= $3 or lease_until_ms > $4 or ($5 and locked_epoch = epoch)
             returning {HEAD}",
        );
        let statement = sqlx::query(AssertSqlSafe(text)).bind(until_ms).bind(mine).bind(now_ms);
        let statement = statement.bind(now_ms + 2 * (until_ms - now_ms)).bind(has_lock);
        let Some(row) = statement.fetch_optional(&mut *transaction).await.during(OPERATION)? else { return Ok(None) };
        let head = columns::head(&row).during(OPERATION)?;
        transaction.commit().await.during(OPERATION)?;
        Ok(Some(head))
    }

    /// Begins a transaction in which this epoch is and stays the current one.
    pub(super) async fn begin_as_leader(
        &self,
        epoch: i64,
        operation: &str,
    ) -> Result<sqlx::Transaction<'static, Sqlite>, StoreError> {
        let mut transaction = self.writer.begin_with("begin immediate").await.during(operation)?;
        let statement = sqlx::query_scalar::<_, i64>("select epoch from head");
        if statement.fetch_one(&mut *transaction).await.during(operation)? != epoch {
            drop(transaction);
            return Err(self.head_conflict(epoch).await);
        }
        Ok(transaction)
    }
}
