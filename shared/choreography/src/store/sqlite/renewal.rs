//! What the leader writes once a second.

use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::store::numbers::THINNED_TO_NS;
use crate::store::{Checkpoint, Renewal, StoredRows};

/// How many checkpoints are looked at when they are thinned: those of the last minute, one a second, and as many before.
const LOOKED_AT_MAX: u32 = 128;

/// Whether the database has the position and the outbox rows that a renewal is about.
pub(super) async fn has_what_it_is_about(
    connection: &mut SqliteConnection,
    renewal: &Renewal,
) -> Result<bool, sqlx::Error> {
    let (position, row) = renewal.at_least;
    let statement = sqlx::query_scalar("select position >= $1 and outbox_next > $2 from head");
    statement.bind(position.cast_signed()).bind(row).fetch_one(connection).await
}

/// Writes a renewal. Returns whether there may be more outbox rows to delete.
pub(super) async fn write(connection: &mut SqliteConnection, renewal: &Renewal) -> Result<bool, sqlx::Error> {
    let statement = "update head set lease_until_ms = $1, outbox_published = coalesce($2, outbox_published)";
    let statement = sqlx::query(statement).bind(renewal.lease_until.as_millisecond()).bind(renewal.published);
    statement.execute(&mut *connection).await?;
    if let Some(stored) = renewal.stored_rows {
        write_stored_rows(connection, stored).await?;
    }
    for (table, new) in [("checkpoints", renewal.checkpoint), ("floors", renewal.floor)] {
        if let Some(new) = new {
            add(connection, table, new).await?;
            drop_before(connection, table, renewal.stream_first).await?;
        }
    }
    delete_rows(connection, renewal).await
}

async fn write_stored_rows(connection: &mut SqliteConnection, stored: StoredRows) -> Result<(), sqlx::Error> {
    let statement = sqlx::query(
        "update head set stored_through = $1, stored_sequence = $2, stored_stamp_ns = $3, stored_dead_sequence = $4,
            stored_dead_stamp_ns = $5, stored_dead_first = $6",
    );
    let StoredRows { through, events, dead_letters, dead_letters_first } = stored;
    let statement = statement.bind(through).bind(events.sequence.cast_signed()).bind(events.stamp_ns);
    let statement = statement.bind(dead_letters.sequence.cast_signed()).bind(dead_letters.stamp_ns);
    statement.bind(dead_letters_first.cast_signed()).execute(&mut *connection).await.map(drop)
}

/// Adds a checkpoint, and thins those that are older than a minute.
async fn add(connection: &mut SqliteConnection, table: &str, new: Checkpoint) -> Result<(), sqlx::Error> {
    let text = format!("insert or replace into {table} (sequence, stamp_ns, deleted) values ($1, $2, $3)");
    let statement = sqlx::query(AssertSqlSafe(text)).bind(new.sequence.cast_signed());
    statement.bind(new.stamp_ns).bind(new.deleted.cast_signed()).execute(&mut *connection).await?;
    // Only the newest ones are looked at: those before were thinned when they were among them.
    let text = format!(
        "delete from {table} where sequence in (
            select sequence from (
                select sequence, stamp_ns, lag(stamp_ns / {THINNED_TO_NS}) over (order by sequence) as minute_before
                from (select sequence, stamp_ns from {table} order by sequence desc limit {LOOKED_AT_MAX})
            ) where stamp_ns < $1 and minute_before = stamp_ns / {THINNED_TO_NS}
        )"
    );
    let old = new.stamp_ns.saturating_sub(THINNED_TO_NS);
    sqlx::query(AssertSqlSafe(text)).bind(old).execute(&mut *connection).await.map(drop)
}

/// Deletes the checkpoints before the stream's first message, but for the newest of them.
async fn drop_before(connection: &mut SqliteConnection, table: &str, first: u64) -> Result<(), sqlx::Error> {
    let text = format!("delete from {table} where sequence < (select max(sequence) from {table} where sequence < $1)");
    sqlx::query(AssertSqlSafe(text)).bind(first.cast_signed()).execute(&mut *connection).await.map(drop)
}

/// Deletes outbox rows. Returns whether there may be more to delete.
async fn delete_rows(connection: &mut SqliteConnection, renewal: &Renewal) -> Result<bool, sqlx::Error> {
    let mut left = u64::from(renewal.forget_max);
    for (first, last) in &renewal.forget {
        let statement = sqlx::query(
            "delete from outbox where number in (
                select number from outbox where number between $1 and $2 order by number limit $3
            )",
        );
        let statement = statement.bind(first).bind(last).bind(left.cast_signed());
        left -= statement.execute(&mut *connection).await?.rows_affected();
        if left == 0 {
            break;
        }
    }
    Ok(left == 0)
}
