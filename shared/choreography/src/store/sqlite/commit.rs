//! What a batch writes: one statement a table, none for what has not changed.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::columns::bind_envelope;
use super::statement::{Doing, Listed, REFUSE, Writing, plain};
use crate::store::{
    Changes, EffectRow, IdempotencyKey, InboxRow, Preconditions, RowChange, ScheduleChange, ScheduledRow, StoreError,
    StoredReply, WaitingRow,
};
use crate::wire::envelope::Envelope;

/// What ends an insertion: of the rows that only fill up the list, none is taken.
const GIVEN: &str = ") where column1 is not null";

/// A message that was received already is noted anew: it died, or is repaired.
const REPLACE_RECEIVED: &str =
    "on conflict (id) do update set at_ms = excluded.at_ms, dead_tries = excluded.dead_tries";

/// Writes everything, what is said from this number on, and commits; the numbers of the effects that were added. The
/// transaction may begin in the same text.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    begins: bool,
    outbox_first: i64,
    mut changes: Changes,
) -> Result<Vec<i64>, StoreError> {
    const DOING: &str = "writing a batch";
    let mut writing = Writing::new(connection);
    if begins {
        writing.script().add("begin immediate");
    }
    let preconditions = changes.preconditions.take();
    if changes.advance.is_some() || !changes.outbox.is_empty() || preconditions.is_some() {
        move_head(&mut writing, outbox_first, &changes, preconditions.as_ref());
    }
    if let Some(preconditions) = preconditions {
        check(&mut writing, preconditions, &mut changes).await.doing("checking what a batch assumed")?;
    }
    write_rows(&mut writing, changes.rows).await?;
    write_inbox(&mut writing, changes.now_ms, changes.inbox, REPLACE_RECEIVED).await.doing(DOING)?;
    let listed = list("delete from dead_compensations where id in (", "?", ")");
    let repaired = changes.repaired.iter().map(|id| id.as_bytes().to_vec()).collect();
    let repaired = writing.list(listed, repaired, |script, id: Vec<u8>| {
        script.bind(id);
    });
    repaired.await.doing(DOING)?;
    let listed = list("insert into dead_compensations (id, subject) select * from (values ", "(?,?)", GIVEN);
    let died = writing.list(listed, changes.compensations_died, |script, compensation| {
        script.bind(compensation.id.as_bytes().to_vec()).bind(compensation.subject);
    });
    died.await.doing(DOING)?;
    write_outbox(&mut writing, outbox_first, changes.outbox).await.doing(DOING)?;
    // A message that waited for one row may wait for another one now.
    let waited = changes.waited.iter().map(|id| id.as_bytes().to_vec()).collect();
    let listed = list("delete from waiting where id in (", "?", ")");
    writing
        .list(listed, waited, |script, id: Vec<u8>| {
            script.bind(id);
        })
        .await
        .doing(DOING)?;
    write_waiting(&mut writing, changes.waiting).await.doing(DOING)?;
    write_scheduled(&mut writing, changes.scheduled).await.doing(DOING)?;
    write_effects(&mut writing, changes.effects).await.doing(DOING)?;
    let listed = list("delete from effects where number in (", "?", ")");
    let done = writing.list(listed, changes.effects_done, |script, number| {
        script.bind(number);
    });
    done.await.doing(DOING)?;
    write_replies(&mut writing, changes.now_ms, changes.replies).await.doing(DOING)?;
    writing.script().add("commit");
    writing.flush().await.doing(DOING)?;
    writing.numbers().doing(DOING)
}

/// Checks what was assumed of all but the head, so far as that is not done by writing it; messages that were not received
/// before are noted.
async fn check(
    writing: &mut Writing<'_>,
    preconditions: Preconditions,
    changes: &mut Changes,
) -> Result<(), sqlx::Error> {
    let written: HashSet<_> =
        changes.rows.iter().filter(|row| !row.is_nothing()).map(|row| (row.table, &row.key)).collect();
    let mut read: BTreeMap<&'static str, Vec<(String, i64)>> = BTreeMap::new();
    for (table, key, version) in
        preconditions.rows.into_iter().filter(|(table, key, _)| !written.contains(&(*table, key)))
    {
        read.entry(table).or_default().push((key, version));
    }
    for (table, rows) in read {
        check_versions(writing, table, rows).await?;
    }
    let unreceived: HashSet<Uuid> = preconditions.unreceived.into_iter().collect();
    let (new, rest) = std::mem::take(&mut changes.inbox).into_iter().partition(|row| unreceived.contains(&row.id));
    changes.inbox = rest;
    let new: Vec<InboxRow> = new;
    let noted: HashSet<Uuid> = new.iter().map(|row| row.id).collect();
    let passed: Vec<_> = unreceived.difference(&noted).map(|id| id.as_bytes().to_vec()).collect();
    let before = format!("{REFUSE} exists (select 1 from inbox where id in (");
    let checked = writing.list(list(&before, "?", "))"), passed, |script, id| {
        script.bind(id);
    });
    checked.await?;
    write_inbox(writing, changes.now_ms, new, "").await?;
    let stored: HashSet<_> = changes.replies.iter().map(|reply| &reply.key).collect();
    let passed = preconditions.unused_keys.into_iter().filter(|key| !stored.contains(key)).collect();
    let before = format!("{REFUSE} exists (select 1 from (values ");
    let after = ") cross join idempotency_keys on route = column1 and caller = column2 and key = column3)";
    let checked = writing.list(list(&before, "(?,?,?)", after), passed, |script, key: IdempotencyKey| {
        script.bind(key.route).bind(key.caller).bind(key.key);
    });
    checked.await
}

/// Checks that rows have these versions; 0 is the version of a row that does not exist.
async fn check_versions(writing: &mut Writing<'_>, table: &str, rows: Vec<(String, i64)>) -> Result<(), sqlx::Error> {
    let before = format!("{REFUSE} exists (select 1 from (values ");
    let after = format!(") left join \"{table}\" on key = column1 where coalesce(version, 0) <> column2)");
    let checked = writing.list(list(&before, "(?,?)", &after), rows, |script, (key, version)| {
        script.bind(key).bind(version);
    });
    checked.await
}

fn list<'a>(before: &'a str, tuple: &'static str, after: &'a str) -> Listed<'a> {
    Listed { before, tuple, after }
}

/// Moves the head on: the number of what is said next, and the position if the batch has messages. In the same
/// statement, that it was where it was assumed to be is checked.
fn move_head(writing: &mut Writing<'_>, outbox_first: i64, changes: &Changes, preconditions: Option<&Preconditions>) {
    let next = outbox_first + changes.outbox.len() as i64;
    let position = if changes.advance.is_some() { ", position = ?, safe = ?" } else { "" };
    let check = if preconditions.is_some() { ", one = (epoch, position, outbox_next) = (?, ?, ?)" } else { "" };
    let script = writing.script();
    script.add(&format!("update head set outbox_next = ?{position}{check}")).bind(next);
    if let Some(advance) = changes.advance {
        script.bind(advance.to.cast_signed()).bind(advance.safe.cast_signed());
    }
    if let Some(preconditions) = preconditions {
        let (epoch, position, outbox_next) = preconditions.head.place();
        script.bind(epoch).bind(position.cast_signed()).bind(outbox_next);
    }
}

async fn write_rows(writing: &mut Writing<'_>, rows: Vec<RowChange>) -> Result<(), StoreError> {
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
        upsert(writing, table, written).await.doing(format!("writing rows of {table}"))?;
        delete(writing, table, deleted).await.doing(format!("deleting rows of {table}"))?;
    }
    Ok(())
}

/// Writes rows; one that has not the version that was loaded would get none, which the table refuses.
async fn upsert(writing: &mut Writing<'_>, table: &str, rows: Vec<RowChange>) -> Result<(), sqlx::Error> {
    let before = format!(
        "insert into \"{table}\" (key, version, state)
         select column1, iif(column2 = 1 or exists (select 1 from \"{table}\" where key = column1), column2, null), column3
         from (values "
    );
    let after = format!(
        "{GIVEN} on conflict (key) do update set state = excluded.state,
            version = iif(\"{table}\".version = excluded.version - 1, excluded.version, null)"
    );
    let written = writing.list(list(&before, "(?,?,?)", &after), rows, |script, row| {
        script.bind(row.key).bind(row.version + 1).bind(row.state);
    });
    written.await
}

async fn delete(writing: &mut Writing<'_>, table: &str, rows: Vec<RowChange>) -> Result<(), sqlx::Error> {
    check_versions(writing, table, rows.iter().map(|row| (row.key.clone(), row.version)).collect()).await?;
    let before = format!("delete from \"{table}\" where key in (");
    let deleted = writing.list(list(&before, "?", ")"), rows, |script, row| {
        script.bind(row.key);
    });
    deleted.await
}

async fn write_inbox(
    writing: &mut Writing<'_>,
    at_ms: i64,
    rows: Vec<InboxRow>,
    on_conflict: &str,
) -> Result<(), sqlx::Error> {
    let before = "insert into inbox (id, at_ms, dead_tries) select * from (values ";
    let after = format!("{GIVEN} {on_conflict}");
    let written = writing.list(list(before, "(?,?,?)", &after), rows, |script, row| {
        script.bind(row.id.as_bytes().to_vec()).bind(at_ms).bind(row.dead_tries);
    });
    written.await
}

async fn write_outbox(writing: &mut Writing<'_>, first: i64, rows: Vec<Envelope>) -> Result<(), sqlx::Error> {
    let listed =
        list("insert into outbox (number, subject, headers, payload) select * from (values ", "(?,?,?,?)", GIVEN);
    let rows = (first..).zip(rows).collect();
    let written = writing.list(listed, rows, |script, (number, envelope)| {
        bind_envelope(script.bind(number), envelope);
    });
    written.await
}

async fn write_waiting(writing: &mut Writing<'_>, rows: Vec<WaitingRow>) -> Result<(), sqlx::Error> {
    let before = "insert into waiting (id, row_table, row_key, expiry_ms, subject, headers, payload)
         select * from (values ";
    let after = format!(
        "{GIVEN} on conflict (id) do update set row_table = excluded.row_table, row_key = excluded.row_key,
            expiry_ms = excluded.expiry_ms, subject = excluded.subject, headers = excluded.headers,
            payload = excluded.payload"
    );
    let written = writing.list(list(before, "(?,?,?,?,?,?,?)", &after), rows, |script, row| {
        script.bind(row.id.as_bytes().to_vec()).bind(row.table).bind(row.key).bind(row.expiry_ms);
        bind_envelope(script, row.envelope);
    });
    written.await
}

async fn write_scheduled(writing: &mut Writing<'_>, changes: Vec<ScheduleChange>) -> Result<(), sqlx::Error> {
    let (set, removed) = last_of_each(changes);
    let listed = list(
        "delete from scheduled where number in (select number from (values ",
        "(?,?)",
        ") cross join scheduled on name = column1 and key = column2)",
    );
    writing
        .list(listed, removed, |script, (name, key)| {
            script.bind(name).bind(key);
        })
        .await?;
    // Replaced, not updated: it gets a new number, and so its place among those of the same moment.
    let before =
        "insert or replace into scheduled (name, key, due_ms, subject, headers, payload) select * from (values ";
    let written = writing.list(list(before, "(?,?,?,?,?,?)", GIVEN), set, |script, row| {
        bind_envelope(script.bind(row.name).bind(row.key).bind(row.due_ms), row.envelope);
    });
    written.await
}

/// What is left to be done when of each name and key only the last change counts.
fn last_of_each(changes: Vec<ScheduleChange>) -> (Vec<ScheduledRow>, Vec<(String, String)>) {
    let mut last = HashMap::new();
    for (index, change) in changes.into_iter().enumerate() {
        let (name, key) = match &change {
            ScheduleChange::Set(row) => (row.name.clone(), row.key.clone()),
            ScheduleChange::Remove { name, key } => (name.clone(), key.clone()),
        };
        last.insert((name, key), (index, change));
    }
    let mut last: Vec<_> = last.into_values().collect();
    last.sort_unstable_by_key(|(index, _)| *index);
    let (mut set, mut removed) = (Vec::new(), Vec::new());
    for (_, change) in last {
        match change {
            ScheduleChange::Set(row) => set.push(row),
            ScheduleChange::Remove { name, key } => removed.push((name, key)),
        }
    }
    (set, removed)
}

async fn write_effects(writing: &mut Writing<'_>, rows: Vec<EffectRow>) -> Result<(), sqlx::Error> {
    let before = "insert into effects (key, tries, since_ms, due_ms, subject, headers, payload) select * from (values ";
    let after = format!("{GIVEN} returning number");
    let written = writing.list(list(before, "(?,?,?,?,?,?,?)", &after), rows, |script, row| {
        script.bind(row.key).bind(row.tries).bind(row.since_ms).bind(row.due_ms);
        bind_envelope(script, row.envelope);
    });
    written.await
}

async fn write_replies(writing: &mut Writing<'_>, at_ms: i64, rows: Vec<StoredReply>) -> Result<(), sqlx::Error> {
    let before = "insert into idempotency_keys (route, caller, key, body_hash, reply, at_ms) select * from (values ";
    let listed = list(before, "(?,?,?,?,?,?)", GIVEN);
    let written = writing.list(listed, rows, |script, row| {
        script.bind(row.key.route).bind(row.key.caller).bind(row.key.key);
        script.bind(row.body_hash).bind(row.reply).bind(at_ms);
    });
    written.await
}
