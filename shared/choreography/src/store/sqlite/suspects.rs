//! What processes crash on: the messages and effects that are tried by themselves.

use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use super::columns;
use crate::store::{LastRun, TrySlot};

/// Records that a process starts to read at the head's position, and counts what the last one crashed on.
pub(super) async fn begin_run(connection: &mut SqliteConnection) -> Result<LastRun, sqlx::Error> {
    let statement = sqlx::query_as::<_, (bool, bool, bool)>(
        "select start_position is not null, start_position is (select position from head), effects_tried from run",
    );
    let (crashed, died_here, effects_tried) = statement.fetch_one(&mut *connection).await?;
    let statement = sqlx::query("update run set start_position = (select position from head), effects_tried = false");
    statement.execute(&mut *connection).await?;
    let statement = sqlx::query("update suspects set deaths = deaths + 1, slot = null where slot is not null");
    statement.execute(&mut *connection).await?;
    let suspects = sqlx::query("select id, deaths from suspects where deaths > 0").fetch_all(&mut *connection).await?;
    let suspects = suspects.iter().map(|row| Ok((columns::id(row, 0)?, row.try_get(1)?)));
    let suspects = suspects.collect::<Result<_, sqlx::Error>>()?;
    Ok(LastRun { crashed, died_here, effects_tried, suspects })
}

/// Records that every effect has been tried that the run found, and none is tried by itself any more.
pub(super) async fn effects_tried(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("update run set effects_tried = true").execute(&mut *connection).await?;
    try_alone(connection, TrySlot::Effect, None).await
}

/// Records what is tried in a slot; none if nothing is any more.
pub(super) async fn try_alone(
    connection: &mut SqliteConnection,
    slot: TrySlot,
    id: Option<Uuid>,
) -> Result<(), sqlx::Error> {
    let slot = slot.as_str();
    sqlx::query("update suspects set slot = null where slot = $1").bind(slot).execute(&mut *connection).await?;
    sqlx::query("delete from suspects where deaths = 0 and slot is null").execute(&mut *connection).await?;
    let Some(id) = id else { return Ok(()) };
    let statement = sqlx::query(
        "insert into suspects (id, deaths, slot) values ($1, 0, $2) on conflict (id) do update set slot = excluded.slot",
    );
    statement.bind(id.as_bytes().to_vec()).bind(slot).execute(connection).await.map(drop)
}

/// Forgets everything: the run ended regularly.
pub(super) async fn end_run(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("update run set start_position = null").execute(&mut *connection).await?;
    sqlx::query("delete from suspects").execute(connection).await.map(drop)
}
