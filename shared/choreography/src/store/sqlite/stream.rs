//! The statements by which the leader reads and writes what it knows of the stream.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::columns::{self, RANGE};
use super::decode;
use super::numbers::{self, Table};
use super::statement::Writer;
use crate::store::{Checkpoint, RangeChanges, SeriesRange};

pub(super) async fn all_ranges(
    connection: &mut SqliteConnection,
    table: &str,
) -> Result<Vec<SeriesRange>, sqlx::Error> {
    let text = format!("select {RANGE} from {table} order by publisher, outbox, kind, first");
    decode(sqlx::query(AssertSqlSafe(text)).fetch_all(connection).await, columns::range)
}

pub(super) async fn put(
    connection: &mut SqliteConnection,
    table: Table,
    ranges: &[SeriesRange],
) -> Result<(), sqlx::Error> {
    let mut writer = Writer::new(connection);
    let changes = RangeChanges { put: ranges.to_vec(), ..RangeChanges::default() };
    numbers::ranges(&mut writer, table, changes).await?;
    writer.flush().await
}

/// Sets the stream and the position in it, which becomes a checkpoint. What was known of another stream, or is after the
/// position, is deleted.
pub(super) async fn take_stream(
    connection: &mut SqliteConnection,
    created: &str,
    position: Checkpoint,
) -> Result<(), sqlx::Error> {
    let update = sqlx::query("update head set stream_created = $1 where stream_created <> $1").bind(created);
    if update.execute(&mut *connection).await?.rows_affected() > 0 {
        sqlx::raw_sql("delete from checkpoints; delete from floors; delete from stored_rows")
            .execute(&mut *connection)
            .await?;
    }
    set_position(connection, position).await?;
    let statement = sqlx::query("insert or replace into checkpoints (sequence, stamp_ns, deleted) values ($1, $2, $3)");
    let statement = statement.bind(position.sequence.cast_signed()).bind(position.stamp_ns);
    statement.bind(position.deleted.cast_signed()).execute(connection).await.map(drop)
}

/// Sets the position, and deletes the checkpoints after it.
pub(super) async fn set_position(connection: &mut SqliteConnection, to: Checkpoint) -> Result<(), sqlx::Error> {
    let statement = sqlx::query("update head set position = $1, position_stamp_ns = $2, stream_deleted = $3");
    let statement = statement.bind(to.sequence.cast_signed()).bind(to.stamp_ns).bind(to.deleted.cast_signed());
    statement.execute(&mut *connection).await?;
    let statement = sqlx::query("delete from checkpoints where sequence > $1").bind(to.sequence.cast_signed());
    statement.execute(&mut *connection).await.map(drop)
}
