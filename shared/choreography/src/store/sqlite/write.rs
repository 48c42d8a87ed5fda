//! The statements by which a batch writes each table.

use hashbrown::HashMap;
use uuid::Uuid;

use super::columns::bind_envelope;
use super::statement::{FAIL_WHERE, ListStatement, Writer};
use crate::store::{
    DeadCompensation, DeadMessage, EffectRow, FailedTry, NewOutboxRow, RowChange, ScheduleChange, ScheduledRow,
    StoredReply, WaitingRow,
};
use crate::wire::envelope::Envelope;

/// Ends the list of an insertion and skips its tuples of nulls, with which long lists are filled up so that their
/// statements stay prepared.
pub(super) const SKIP_NULLS: &str = ") where column1 is not null";

pub(super) fn list<'a>(before: &'a str, tuple: &'static str, after: &'a str) -> ListStatement<'a> {
    ListStatement { before, tuple, after }
}

/// Checks that rows have these versions; 0 is the version of a row that does not exist.
pub(super) async fn check_versions(
    writer: &mut Writer<'_>,
    table: &str,
    rows: Vec<(String, i64)>,
) -> Result<(), sqlx::Error> {
    let before = format!("{FAIL_WHERE} exists (select 1 from (values ");
    let after = format!(") left join \"{table}\" on key = column1 where coalesce(version, 0) <> column2)");
    let checked = writer.list(list(&before, "(?,?)", &after), rows, |script, (key, version)| {
        script.bind(key).bind(version);
    });
    checked.await
}

/// Inserts or updates rows. A row whose version is not the loaded one would get a null version, which the table
/// refuses.
pub(super) async fn rows(writer: &mut Writer<'_>, table: &str, rows: Vec<RowChange>) -> Result<(), sqlx::Error> {
    let before = format!(
        "insert into \"{table}\" (key, version, state)
         select column1, iif(column2 = 1 or exists (select 1 from \"{table}\" where key = column1), column2, null), column3
         from (values "
    );
    let after = format!(
        "{SKIP_NULLS} on conflict (key) do update set state = excluded.state,
            version = iif(\"{table}\".version = excluded.version - 1, excluded.version, null)"
    );
    let written = writer.list(list(&before, "(?,?,?)", &after), rows, |script, row| {
        script.bind(row.key).bind(row.version + 1).bind(row.state);
    });
    written.await
}

/// Deletes rows whose versions are the loaded ones.
pub(super) async fn deleted_rows(
    writer: &mut Writer<'_>,
    table: &str,
    rows: Vec<RowChange>,
) -> Result<(), sqlx::Error> {
    check_versions(writer, table, rows.iter().map(|row| (row.key.clone(), row.version)).collect()).await?;
    let before = format!("delete from \"{table}\" where key in (");
    let deleted = writer.list(list(&before, "?", ")"), rows, |script, row| {
        script.bind(row.key);
    });
    deleted.await
}

/// Executes a deletion by ids, which ends where their list begins.
pub(super) async fn delete_ids(writer: &mut Writer<'_>, deletion: &str, ids: Vec<Uuid>) -> Result<(), sqlx::Error> {
    let deleted = writer.list(list(deletion, "?", ")"), ids, |script, id| {
        script.bind(id.as_bytes().to_vec());
    });
    deleted.await
}

/// Inserts compensations that died.
pub(super) async fn dead_compensations(
    writer: &mut Writer<'_>,
    rows: Vec<DeadCompensation>,
) -> Result<(), sqlx::Error> {
    let before = "insert into dead_compensations (id, subject) select * from (values ";
    let written = writer.list(list(before, "(?,?)", SKIP_NULLS), rows, |script, row| {
        script.bind(row.id.as_bytes().to_vec()).bind(row.subject);
    });
    written.await
}

/// Inserts messages that died; one that is recorded already is replaced.
pub(super) async fn dead(writer: &mut Writer<'_>, at_ms: i64, rows: Vec<DeadMessage>) -> Result<(), sqlx::Error> {
    let before = "insert or replace into dead (id, tries, at_ms) select * from (values ";
    let written = writer.list(list(before, "(?,?,?)", SKIP_NULLS), rows, |script, row| {
        script.bind(row.id.as_bytes().to_vec()).bind(row.tries).bind(at_ms);
    });
    written.await
}

/// Inserts messages to be published, with local numbers from the first on.
pub(super) async fn outbox(writer: &mut Writer<'_>, first: i64, rows: Vec<NewOutboxRow>) -> Result<(), sqlx::Error> {
    let before = "insert into outbox (number, outbox, kind, kind_number, subject, headers, payload)
         select * from (values ";
    let rows = (first..).zip(rows).collect();
    let written = writer.list(list(before, "(?,?,?,?,?,?,?)", SKIP_NULLS), rows, |script, (number, row)| {
        script.bind(number).bind(row.name.outbox.as_bytes().to_vec()).bind(row.name.kind);
        bind_envelope(script.bind(row.name.number.cast_signed()), row.envelope);
    });
    written.await
}

/// Inserts waiting messages; one that waits already is replaced.
pub(super) async fn waiting(writer: &mut Writer<'_>, rows: Vec<WaitingRow>) -> Result<(), sqlx::Error> {
    let before = "insert into waiting (id, row_table, row_key, expiry_ms, subject, headers, payload)
         select * from (values ";
    let after = format!(
        "{SKIP_NULLS} on conflict (id) do update set row_table = excluded.row_table, row_key = excluded.row_key,
            expiry_ms = excluded.expiry_ms, subject = excluded.subject, headers = excluded.headers,
            payload = excluded.payload"
    );
    let written = writer.list(list(before, "(?,?,?,?,?,?,?)", &after), rows, |script, row| {
        script.bind(row.id.as_bytes().to_vec()).bind(row.table).bind(row.key).bind(row.expiry_ms);
        bind_envelope(script, row.envelope);
    });
    written.await
}

/// Writes the changes of scheduled messages.
pub(super) async fn scheduled(writer: &mut Writer<'_>, changes: Vec<ScheduleChange>) -> Result<(), sqlx::Error> {
    let (set, removed) = last_of_each(changes);
    let before = "delete from scheduled where number in (select number from (values ";
    let after = ") cross join scheduled on name = column1 and key = column2)";
    let deleted = writer.list(list(before, "(?,?)", after), removed, |script, (name, key)| {
        script.bind(name).bind(key);
    });
    deleted.await?;
    // Replaced, not updated: the new number puts it behind the others that are due at the same moment.
    let before =
        "insert or replace into scheduled (name, key, due_ms, subject, headers, payload) select * from (values ";
    let written = writer.list(list(before, "(?,?,?,?,?,?)", SKIP_NULLS), set, |script, row| {
        bind_envelope(script.bind(row.name).bind(row.key).bind(row.due_ms), row.envelope);
    });
    written.await
}

/// Deletes the scheduled messages that have the ids of these messages.
pub(super) async fn unschedule<'a>(
    writer: &mut Writer<'_>,
    messages: impl Iterator<Item = &'a Envelope>,
) -> Result<(), sqlx::Error> {
    let scheduled = messages.filter_map(|message| {
        let (_, name, key) = message.parts()?;
        // Headers are stored one a line: the scheduled message of this name and key has this id in its headers.
        let id = format!("ce-id:{}\n", message.header("ce-id")?);
        Some((name.to_owned(), key.to_owned(), id))
    });
    let before = "delete from scheduled where number in (select number from (values ";
    let after = ") cross join scheduled on name = column1 and key = column2 and instr(headers, column3))";
    let deleted = writer.list(list(before, "(?,?,?)", after), scheduled.collect(), |script, (name, key, id)| {
        script.bind(name).bind(key).bind(id);
    });
    deleted.await
}

/// Returns what to set and what to remove when only the last change of each name and key counts.
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

/// Inserts effects. Their numbers are among what [`Writer::numbers`] returns.
pub(super) async fn effects(writer: &mut Writer<'_>, rows: Vec<EffectRow>) -> Result<(), sqlx::Error> {
    let before = "insert into effects (key, tries, since_ms, due_ms, subject, headers, payload) select * from (values ";
    let after = format!("{SKIP_NULLS} returning number");
    let written = writer.list(list(before, "(?,?,?,?,?,?,?)", &after), rows, |script, row| {
        script.bind(row.key).bind(row.tries).bind(row.since_ms).bind(row.due_ms);
        bind_envelope(script, row.envelope);
    });
    written.await
}

/// Records the tries of effects that failed.
pub(super) async fn failed_effects(writer: &mut Writer<'_>, failed: Vec<FailedTry>) -> Result<(), sqlx::Error> {
    let before = "update effects set tries = column2, since_ms = column3, due_ms = column4 from (values ";
    let written = writer.list(list(before, "(?,?,?,?)", ") where number = column1"), failed, |script, failed| {
        script.bind(failed.number).bind(failed.tries).bind(failed.since_ms).bind(failed.due_ms);
    });
    written.await
}

/// Deletes effects that are finished.
pub(super) async fn finished_effects(writer: &mut Writer<'_>, numbers: Vec<i64>) -> Result<(), sqlx::Error> {
    let deleted = writer.list(list("delete from effects where number in (", "?", ")"), numbers, |script, number| {
        script.bind(number);
    });
    deleted.await
}

/// Inserts replies; one under a key that has a reply already fails.
pub(super) async fn replies(writer: &mut Writer<'_>, at_ms: i64, rows: Vec<StoredReply>) -> Result<(), sqlx::Error> {
    let before = "insert into idempotency_keys (route, caller, key, body_hash, reply, at_ms) select * from (values ";
    let written = writer.list(list(before, "(?,?,?,?,?,?)", SKIP_NULLS), rows, |script, row| {
        script.bind(row.key.route).bind(row.key.caller).bind(row.key.key);
        script.bind(row.body_hash).bind(row.reply).bind(at_ms);
    });
    written.await
}
