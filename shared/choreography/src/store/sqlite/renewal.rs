//! What the leader writes once a second.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::columns::STORED_ROWS;
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

/// Writes a renewal of the leader, which has its lock or has not. Returns whether there may be more outbox rows to delete.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    renewal: &Renewal,
    has_lock: bool,
) -> Result<bool, sqlx::Error> {
    let statement = sqlx::query(
        "update head set lease_until_ms = $1, outbox_published = coalesce($2, outbox_published),
            locked_epoch = iif($3, epoch, locked_epoch)",
    );
    let statement = statement.bind(renewal.lease_until.as_millisecond()).bind(renewal.published).bind(has_lock);
    statement.execute(&mut *connection).await?;
    if let Some(stored) = renewal.stored_rows {
        add_stored_rows(connection, stored).await?;
    }
    for (table, new) in [("checkpoints", renewal.checkpoint), ("floors", renewal.floor)] {
        if let Some(new) = new {
            add(connection, table, new).await?;
            drop_before(connection, table, renewal.stream_first).await?;
        }
    }
    delete_rows(connection, renewal).await
}

/// Adds which rows the streams have, and thins what was noted before. What is about no row that is kept, or that comes
/// behind one, is deleted.
async fn add_stored_rows(connection: &mut SqliteConnection, new: StoredRows) -> Result<(), sqlx::Error> {
    let StoredRows { through, events, dead_letters, dead_letters_first } = new;
    let text = format!("insert or replace into stored_rows ({STORED_ROWS}) values ($1, $2, $3, $4, $5, $6, $7, $8)");
    let mut statement = sqlx::query(AssertSqlSafe(text)).bind(through);
    for place in [events, dead_letters] {
        statement = statement.bind(place.sequence.cast_signed()).bind(place.stamp_ns);
        statement = statement.bind(place.deleted.cast_signed());
    }
    statement.bind(dead_letters_first.cast_signed()).execute(&mut *connection).await?;
    thin(connection, "stored_rows", "through", events).await?;
    let statement = sqlx::query(
        "delete from stored_rows where through < $1 and through < coalesce((select min(number) from outbox), $1)",
    );
    statement.bind(through).execute(connection).await.map(drop)
}

/// Adds a checkpoint, and thins those that are older than a minute.
async fn add(connection: &mut SqliteConnection, table: &str, new: Checkpoint) -> Result<(), sqlx::Error> {
    let text = format!("insert or replace into {table} (sequence, stamp_ns, deleted) values ($1, $2, $3)");
    let statement = sqlx::query(AssertSqlSafe(text)).bind(new.sequence.cast_signed());
    statement.bind(new.stamp_ns).bind(new.deleted.cast_signed()).execute(&mut *connection).await?;
    thin(connection, table, "sequence", new).await
}

/// Deletes the rows of a table that are older than a minute, but for the first of each minute.
async fn thin(
    connection: &mut SqliteConnection,
    table: &str,
    key: &str,
    newest: Checkpoint,
) -> Result<(), sqlx::Error> {
    // Only the newest ones are looked at: those before were thinned when they were among them.
    let text = format!(
        "delete from {table} where {key} in (
            select {key} from (
                select {key}, stamp_ns, lag(stamp_ns / {THINNED_TO_NS}) over (order by {key}) as minute_before
                from (select {key}, stamp_ns from {table} order by {key} desc limit {LOOKED_AT_MAX})
            ) where stamp_ns < $1 and minute_before = stamp_ns / {THINNED_TO_NS}
        )"
    );
    let old = newest.stamp_ns.saturating_sub(THINNED_TO_NS);
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
