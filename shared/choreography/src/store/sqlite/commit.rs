//! The commit of a batch: one statement for each table that has changed, and the checks of the preconditions.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use sqlx::SqliteConnection;

use super::numbers::{self, Table};
use super::statement::{During, FAIL_WHERE, ListStatement, Writer, plain};
use super::write;
use crate::store::{Changes, IdempotencyKey, Preconditions, RowChange, StoreError};

/// Writes all changes, the outbox rows from this number on, and commits. Returns the numbers of the added effects.
///
/// With `begins` the transaction begins in the same script.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    begins: bool,
    outbox_first: i64,
    mut changes: Changes,
) -> Result<Vec<i64>, StoreError> {
    let mut writer = Writer::new(connection);
    if begins {
        writer.script().add("begin immediate");
    }
    let preconditions = changes.preconditions.take();
    numbers::given(&mut writer, changes.now_ms, &changes.outbox).await.during("writing the highest numbers")?;
    if changes.advance.is_some() || !changes.outbox.is_empty() || preconditions.is_some() || changes.changes_waits() {
        move_head(&mut writer, outbox_first, &changes, preconditions.as_ref());
    }
    if let Some(preconditions) = preconditions {
        check(&mut writer, preconditions, &changes).await.during("checking the preconditions of a batch")?;
    }
    write_rows(&mut writer, std::mem::take(&mut changes.rows)).await?;
    write_others(&mut writer, outbox_first, changes).await.during("writing a batch")?;
    writer.script().add("commit");
    writer.flush().await.during("writing a batch")?;
    writer.numbers().during("writing a batch")
}

/// Moves the head: the next outbox number, and the position if the batch has deliveries. The same statement checks that
/// the head is as the preconditions require.
fn move_head(writer: &mut Writer<'_>, outbox_first: i64, changes: &Changes, preconditions: Option<&Preconditions>) {
    let next = outbox_first + changes.outbox.len() as i64;
    let position = match changes.advance {
        Some(_) => ", position = ?, position_stamp_ns = ?",
        None => "",
    };
    let check = if preconditions.is_some() {
        ", one = (epoch, position, outbox_next, waits_changed) = (?, ?, ?, ?)"
    } else {
        ""
    };
    let waits = if changes.changes_waits() { ", waits_changed = waits_changed + 1" } else { "" };
    let script = writer.script();
    script.add(&format!("update head set outbox_next = ?{position}{waits}{check}")).bind(next);
    if let Some(advance) = changes.advance {
        script.bind(advance.to.sequence.cast_signed()).bind(advance.to.stamp_ns);
    }
    if let Some(preconditions) = preconditions {
        let (epoch, position, outbox_next, waits_changed) = preconditions.head.revision();
        script.bind(epoch).bind(position.cast_signed()).bind(outbox_next).bind(waits_changed);
    }
}

/// Checks the preconditions that no other statement checks: the head is checked by [`move_head`], changed rows and
/// stored replies by writing them.
async fn check(writer: &mut Writer<'_>, preconditions: Preconditions, changes: &Changes) -> Result<(), sqlx::Error> {
    let changed: HashSet<_> =
        changes.rows.iter().filter(|row| !row.is_nothing()).map(|row| (row.table, &row.key)).collect();
    let mut unchanged: BTreeMap<&'static str, Vec<(String, i64)>> = BTreeMap::new();
    for (table, key, version) in preconditions.rows {
        if !changed.contains(&(table, &key)) {
            unchanged.entry(table).or_default().push((key, version));
        }
    }
    for (table, rows) in unchanged {
        write::check_versions(writer, table, rows).await?;
    }
    let stored: HashSet<_> = changes.replies.iter().map(|reply| &reply.key).collect();
    let others = preconditions.unused_keys.into_iter().filter(|key| !stored.contains(key)).collect();
    check_unused(writer, others).await
}

async fn check_unused(writer: &mut Writer<'_>, keys: Vec<IdempotencyKey>) -> Result<(), sqlx::Error> {
    let before = format!("{FAIL_WHERE} exists (select 1 from (values ");
    let after = ") cross join idempotency_keys on route = column1 and caller = column2 and key = column3)";
    let statement = ListStatement { before: &before, tuple: "(?,?,?)", after };
    let checked = writer.list(statement, keys, |script, key| {
        script.bind(key.route).bind(key.caller).bind(key.key);
    });
    checked.await
}

async fn write_rows(writer: &mut Writer<'_>, rows: Vec<RowChange>) -> Result<(), StoreError> {
    let mut tables: BTreeMap<&'static str, (Vec<RowChange>, Vec<RowChange>)> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| !row.is_nothing()) {
        let (written, deleted) = tables.entry(row.table).or_default();
        match &row.state {
            Some(_) => written.push(row),
            None => deleted.push(row),
        }
    }
    for (table, (written, deleted)) in tables {
        let table = plain(table)?;
        write::rows(writer, table, written).await.during(format!("writing rows of {table}"))?;
        write::deleted_rows(writer, table, deleted).await.during(format!("deleting rows of {table}"))?;
    }
    Ok(())
}

/// Writes everything but the head and the service's rows.
async fn write_others(writer: &mut Writer<'_>, outbox_first: i64, changes: Changes) -> Result<(), sqlx::Error> {
    numbers::ranges(writer, Table::Received(changes.now_ms), changes.received).await?;
    numbers::ranges(writer, Table::Reported, changes.reported).await?;
    write::delete_ids(writer, "delete from dead where id in (", changes.repaired.clone()).await?;
    write::delete_ids(writer, "delete from dead_compensations where id in (", changes.repaired).await?;
    write::dead(writer, changes.now_ms, changes.deaths).await?;
    write::dead_compensations(writer, changes.compensations_died).await?;
    write::outbox(writer, outbox_first, changes.outbox).await?;
    numbers::placeholders(writer, changes.placeholders).await?;
    // Deleted first: a message that waited for one row may wait for another one now.
    write::delete_ids(writer, "delete from waiting where id in (", changes.waited).await?;
    write::waiting(writer, changes.waiting).await?;
    write::scheduled(writer, changes.scheduled).await?;
    write::effects(writer, changes.effects).await?;
    write::failed_effects(writer, changes.effects_failed).await?;
    write::finished_effects(writer, changes.effects_done).await?;
    write::replies(writer, changes.now_ms, changes.replies).await
}
