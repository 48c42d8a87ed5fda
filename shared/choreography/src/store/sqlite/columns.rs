//! How rows of the runtime's own tables are read, and how an envelope is bound.
//!
//! Columns are read by their index: the constants give the order in which they are selected.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row};
use uuid::Uuid;

use super::statement::Script;
use crate::store::{
    Checkpoint, EffectRow, Head, IdempotencyKey, OutboxRow, Range, RowName, ScheduledRow, SeriesId, SeriesRange,
    StoredReply, StoredRow, StoredRows, WaitingRow,
};
use crate::wire::envelope::Envelope;
use crate::wire::headers::Headers;

pub(super) const HEAD: &str = "epoch, lease_until_ms, position, stream_created, outbox_next,
    position_stamp_ns, stream_deleted, halted, exists (select 1 from outbox where adopted),
    outbox_published, waits_changed";
pub(super) const STORED_ROWS: &str =
    "through, sequence, stamp_ns, deleted, dead_sequence, dead_stamp_ns, dead_deleted, dead_first";
pub(super) const OUTBOX: &str = "subject, headers, payload, number, outbox, kind, kind_number, placeholder, adopted";
pub(super) const RANGE: &str = "publisher, outbox, kind, first, last";
pub(super) const CHECKPOINT: &str = "sequence, stamp_ns, deleted";
pub(super) const WAITING: &str = "subject, headers, payload, number, waiting.id, row_table, row_key, expiry_ms";
pub(super) const SCHEDULED: &str = "subject, headers, payload, name, key, due_ms";
pub(super) const EFFECT: &str = "subject, headers, payload, number, key, tries, since_ms, due_ms";
pub(super) const REPLY: &str = "route, caller, idempotency_keys.key, body_hash, reply";

/// The highest number that a database may have counted to: nothing counts that far, and the sum of two does not overflow.
const COUNT_MAX: i64 = i64::MAX / 2;

/// Reads [`HEAD`].
pub(super) fn head(row: &SqliteRow) -> Result<Head, sqlx::Error> {
    Ok(Head {
        epoch: count(row, 0)?,
        lease_until_ms: row.try_get(1)?,
        position: Checkpoint { sequence: number(row, 2)?, stamp_ns: row.try_get(5)?, deleted: number(row, 6)? },
        stream_created: row.try_get(3)?,
        outbox_next: count(row, 4)?,
        halted: row.try_get(7)?,
        has_adopted: row.try_get(8)?,
        outbox_published: count(row, 9)?,
        waits_changed: count(row, 10)?,
    })
}

/// Reads [`STORED_ROWS`].
pub(super) fn stored_rows(row: &SqliteRow) -> Result<StoredRows, sqlx::Error> {
    Ok(StoredRows {
        through: count(row, 0)?,
        events: place(row, 1)?,
        dead_letters: place(row, 4)?,
        dead_letters_first: number(row, 7)?,
    })
}

/// Reads three columns of a place.
fn place(row: &SqliteRow, first: usize) -> Result<Checkpoint, sqlx::Error> {
    let (sequence, deleted) = (number(row, first)?, number(row, first + 2)?);
    Ok(Checkpoint { sequence, stamp_ns: row.try_get(first + 1)?, deleted })
}

/// Reads the key, version and state of a row of a service's table.
pub(super) fn stored(row: &SqliteRow) -> Result<StoredRow, sqlx::Error> {
    // The state's column is declared as jsonb, which SQLite takes for numeric: a state that is a number comes as one.
    // What is no text after an edit by hand is an unreadable row, which harms only the messages that concern it.
    let state: String = row.try_get_unchecked(2).unwrap_or_else(|error| format!("no text: {error}"));
    Ok(StoredRow { key: row.try_get(0)?, version: row.try_get(1)?, state: state.into() })
}

/// Reads [`OUTBOX`].
pub(super) fn outbox(row: &SqliteRow) -> Result<OutboxRow, sqlx::Error> {
    let (local, number) = (count(row, 3)?, number(row, 6)?);
    if number == 0 {
        return Err(damaged(format!("the number of row {local} of the outbox is 0, and the first one is 1")));
    }
    Ok(OutboxRow {
        number: local,
        name: RowName { outbox: id(row, 4)?, kind: row.try_get::<&str, _>(5)?.into(), number },
        placeholder: row.try_get(7)?,
        adopted: row.try_get(8)?,
        envelope: envelope(row)?,
    })
}

/// Reads [`RANGE`].
pub(super) fn range(row: &SqliteRow) -> Result<SeriesRange, sqlx::Error> {
    let (series, range) = (series(row)?, Range { first: number(row, 3)?, last: number(row, 4)? });
    if range.first > range.last {
        let SeriesId { publisher, kind, .. } = series;
        let Range { first, last } = range;
        return Err(damaged(format!("the numbers {first} to {last} of {kind} by {publisher} end before they begin")));
    }
    Ok(SeriesRange { series, range })
}

/// Reads a series from the first three columns.
pub(super) fn series(row: &SqliteRow) -> Result<SeriesId, sqlx::Error> {
    let (publisher, kind) = (row.try_get::<&str, _>(0)?.into(), row.try_get::<&str, _>(2)?.into());
    Ok(SeriesId { publisher, outbox: id(row, 1)?, kind })
}

/// Reads a kind, and how many messages of lost commands there are of it.
pub(super) fn lost_commands(row: &SqliteRow) -> Result<(Arc<str>, u64), sqlx::Error> {
    Ok((row.try_get::<&str, _>(0)?.into(), number(row, 1)?))
}

/// Reads [`CHECKPOINT`].
pub(super) fn checkpoint(row: &SqliteRow) -> Result<Checkpoint, sqlx::Error> {
    place(row, 0)
}

/// Reads [`WAITING`]: the number, and the row.
pub(super) fn waiting(row: &SqliteRow) -> Result<(i64, WaitingRow), sqlx::Error> {
    let waiting = WaitingRow {
        id: id(row, 4)?,
        table: row.try_get(5)?,
        key: row.try_get(6)?,
        expiry_ms: row.try_get(7)?,
        envelope: envelope(row)?,
    };
    Ok((count(row, 3)?, waiting))
}

/// Reads [`SCHEDULED`].
pub(super) fn scheduled(row: &SqliteRow) -> Result<ScheduledRow, sqlx::Error> {
    Ok(ScheduledRow { name: row.try_get(3)?, key: row.try_get(4)?, due_ms: row.try_get(5)?, envelope: envelope(row)? })
}

/// Reads [`EFFECT`].
pub(super) fn effect(row: &SqliteRow) -> Result<EffectRow, sqlx::Error> {
    Ok(EffectRow {
        number: count(row, 3)?,
        key: row.try_get(4)?,
        tries: row.try_get(5)?,
        since_ms: row.try_get(6)?,
        due_ms: row.try_get(7)?,
        envelope: envelope(row)?,
    })
}

/// Reads [`REPLY`].
pub(super) fn reply(row: &SqliteRow) -> Result<StoredReply, sqlx::Error> {
    let key = IdempotencyKey { route: row.try_get(0)?, caller: row.try_get(1)?, key: row.try_get(2)? };
    Ok(StoredReply { key, body_hash: row.try_get(3)?, reply: row.try_get(4)? })
}

/// Reads a number that counts something: a number below zero is of no use to anybody.
pub(super) fn number(row: &SqliteRow, index: usize) -> Result<u64, sqlx::Error> {
    let number: i64 = row.try_get(index)?;
    u64::try_from(number).map_err(|_| damaged(format!("{} is {number}, which is below 0", row.column(index).name())))
}

/// Reads a number that this database has counted up to itself.
fn count(row: &SqliteRow, index: usize) -> Result<i64, sqlx::Error> {
    let number: i64 = row.try_get(index)?;
    match (0..=COUNT_MAX).contains(&number) {
        true => Ok(number),
        false => Err(damaged(format!("{} is {number}, which nothing counts to", row.column(index).name()))),
    }
}

fn damaged(problem: String) -> sqlx::Error {
    sqlx::Error::Decode(problem.into())
}

/// Reads a message's id.
pub(super) fn id(row: &SqliteRow, index: usize) -> Result<Uuid, sqlx::Error> {
    Uuid::from_slice(row.try_get(index)?).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Reads the envelope in the first three columns.
pub(super) fn envelope(row: &SqliteRow) -> Result<Envelope, sqlx::Error> {
    let (subject, headers) = (row.try_get::<&str, _>(0)?.into(), Headers::from_text(row.try_get(1)?));
    Ok(Envelope { subject, headers, payload: row.try_get::<Vec<u8>, _>(2)?.into() })
}

/// Binds the three values of an envelope.
pub(super) fn bind_envelope(script: &mut Script, envelope: Envelope) {
    script.bind(envelope.subject).bind(envelope.headers.text()).bind(Vec::from(envelope.payload));
}
