//! What a batch writes: one statement a table, none for what has not changed.

use std::collections::{BTreeMap, HashMap};

use sqlx::SqliteConnection;

use super::columns::bind_envelope;
use super::statement::{Doing, Listed, plain};
use crate::envelope::Envelope;
use crate::store::{
    Changes, EffectRow, InboxRow, LaterChange, LaterRow, RowChange, StoreError, StoredAnswer, WaitingRow,
};

/// Moves the position on if a batch of messages asks for it, and takes the numbers of the outbox rows. The first one.
pub(super) async fn move_head(connection: &mut SqliteConnection, changes: &Changes) -> Result<i64, StoreError> {
    const DOING: &str = "moving the head on";
    let count = changes.outbox.len() as i64;
    let Some(advance) = changes.advance else {
        let statement = sqlx::query_scalar("update head set outbox_next = outbox_next + $1 returning outbox_next - $1");
        return statement.bind(count).fetch_one(connection).await.doing(DOING);
    };
    let statement = sqlx::query_scalar(
        "update head set outbox_next = outbox_next + $1, position = $2, safe = $3
         where epoch = $4 and position = $5 returning outbox_next - $1",
    );
    let statement = statement.bind(count).bind(advance.to.cast_signed()).bind(advance.safe.cast_signed());
    let statement = statement.bind(advance.epoch).bind(advance.from.cast_signed());
    let first = statement.fetch_optional(connection).await.doing(DOING)?;
    first.ok_or(StoreError::HeadConflict { epoch: advance.epoch, position: advance.from })
}

/// Writes everything but the head.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    outbox_first: i64,
    changes: Changes,
) -> Result<(), StoreError> {
    write_rows(connection, changes.rows).await?;
    write_inbox(connection, changes.now_ms, changes.inbox).await?;
    write_outbox(connection, outbox_first, changes.outbox).await?;
    // A message that waited for one row may wait for another one now.
    let waited = changes.waited.iter().map(|id| id.as_bytes().to_vec()).collect();
    let listed = Listed { before: "delete from waiting where id in (", tuple: "?", after: ")" };
    listed.execute(connection, waited, |statement, id| statement.bind(id)).await.doing("deleting what waited")?;
    write_waiting(connection, changes.waiting).await?;
    write_later(connection, changes.later).await?;
    write_effects(connection, changes.effects).await?;
    let listed = Listed { before: "delete from effects where number in (", tuple: "?", after: ")" };
    let done = listed.execute(connection, changes.effects_done, |statement, number| statement.bind(number));
    done.await.doing("deleting effects that are over")?;
    write_answers(connection, changes.now_ms, changes.answers).await
}

async fn write_rows(connection: &mut SqliteConnection, rows: Vec<RowChange>) -> Result<(), StoreError> {
    let mut tables: BTreeMap<&'static str, (Vec<RowChange>, Vec<RowChange>)> = BTreeMap::new();
    for row in rows {
        let (written, deleted) = tables.entry(row.table).or_default();
        match (&row.state, row.version) {
            (Some(_), _) => written.push(row),
            (None, 0) => {}
            (None, _) => deleted.push(row),
        }
    }
    for (table, (written, deleted)) in tables {
        let table = plain(table)?;
        let expected = (written.len() + deleted.len()) as u64;
        let affected = upsert(connection, table, written).await.doing(format!("writing rows of {table}"))?
            + delete(connection, table, deleted).await.doing(format!("deleting rows of {table}"))?;
        if affected != expected {
            return Err(StoreError::RowConflict(format!("{} of {expected} rows of {table}", expected - affected)));
        }
    }
    Ok(())
}

/// Writes rows; one that has not the version that was loaded is left out.
async fn upsert(connection: &mut SqliteConnection, table: &str, rows: Vec<RowChange>) -> Result<u64, sqlx::Error> {
    let before = format!(
        "insert into \"{table}\" (key, version, state)
         select column1, column2, column3 from (values "
    );
    let after = format!(
        ") where column2 = 1 or exists (select 1 from \"{table}\" where key = column1)
         on conflict (key) do update set version = excluded.version, state = excluded.state
         where \"{table}\".version = excluded.version - 1"
    );
    let listed = Listed { before: &before, tuple: "(?,?,?)", after: &after };
    let bind = listed
        .execute(connection, rows, |statement, row| statement.bind(row.key).bind(row.version + 1).bind(row.state));
    bind.await
}

async fn delete(connection: &mut SqliteConnection, table: &str, rows: Vec<RowChange>) -> Result<u64, sqlx::Error> {
    let before = format!("delete from \"{table}\" where key in (select key from (values ");
    let after = format!(") cross join \"{table}\" on key = column1 and version = column2)");
    let listed = Listed { before: &before, tuple: "(?,?)", after: &after };
    listed.execute(connection, rows, |statement, row| statement.bind(row.key).bind(row.version)).await
}

async fn write_inbox(connection: &mut SqliteConnection, at_ms: i64, rows: Vec<InboxRow>) -> Result<(), StoreError> {
    let listed = Listed {
        before: "insert into inbox (id, at_ms, dead_tries) values ",
        tuple: "(?,?,?)",
        after: " on conflict (id) do update set at_ms = excluded.at_ms, dead_tries = excluded.dead_tries",
    };
    let done = listed.execute(connection, rows, |statement, row| {
        statement.bind(row.id.as_bytes().to_vec()).bind(at_ms).bind(row.dead_tries)
    });
    done.await.map(drop).doing("writing the inbox")
}

async fn write_outbox(connection: &mut SqliteConnection, first: i64, rows: Vec<Envelope>) -> Result<(), StoreError> {
    let listed = Listed {
        before: "insert into outbox (number, subject, headers, payload) values ",
        tuple: "(?,?,?,?)",
        after: "",
    };
    let rows = (first..).zip(rows).collect();
    let done = listed
        .execute(connection, rows, |statement, (number, envelope)| bind_envelope(statement.bind(number), envelope));
    done.await.map(drop).doing("writing the outbox")
}

async fn write_waiting(connection: &mut SqliteConnection, rows: Vec<WaitingRow>) -> Result<(), StoreError> {
    let listed = Listed {
        before: "insert into waiting (id, row_table, row_key, expiry_ms, subject, headers, payload) values ",
        tuple: "(?,?,?,?,?,?,?)",
        after: " on conflict (id) do update set row_table = excluded.row_table, row_key = excluded.row_key,
            expiry_ms = excluded.expiry_ms, subject = excluded.subject, headers = excluded.headers,
            payload = excluded.payload",
    };
    let done = listed.execute(connection, rows, |statement, row| {
        let statement = statement.bind(row.id.as_bytes().to_vec()).bind(row.table).bind(row.key).bind(row.expiry_ms);
        bind_envelope(statement, row.envelope)
    });
    done.await.map(drop).doing("writing messages that wait")
}

async fn write_later(connection: &mut SqliteConnection, changes: Vec<LaterChange>) -> Result<(), StoreError> {
    let (set, removed) = last_of_each(changes);
    let listed = Listed {
        before: "delete from later where number in (select number from (values ",
        tuple: "(?,?)",
        after: ") cross join later on name = column1 and key = column2)",
    };
    let done = listed.execute(connection, removed, |statement, (name, key)| statement.bind(name).bind(key));
    done.await.doing("deleting what is not to be said any more")?;
    let listed = Listed {
        // Replaced, not updated: it gets a new number, and so its place among those of the same moment.
        before: "insert or replace into later (name, key, due_ms, subject, headers, payload) values ",
        tuple: "(?,?,?,?,?,?)",
        after: "",
    };
    let done = listed.execute(connection, set, |statement, row| {
        bind_envelope(statement.bind(row.name).bind(row.key).bind(row.due_ms), row.envelope)
    });
    done.await.map(drop).doing("writing what is to be said later")
}

/// What is left to be done when of each name and key only the last change counts.
fn last_of_each(changes: Vec<LaterChange>) -> (Vec<LaterRow>, Vec<(String, String)>) {
    let mut last = HashMap::new();
    for (index, change) in changes.into_iter().enumerate() {
        let (name, key) = match &change {
            LaterChange::Set(row) => (row.name.clone(), row.key.clone()),
            LaterChange::Remove { name, key } => (name.clone(), key.clone()),
        };
        last.insert((name, key), (index, change));
    }
    let mut last: Vec<_> = last.into_values().collect();
    last.sort_unstable_by_key(|(index, _)| *index);
    let (mut set, mut removed) = (Vec::new(), Vec::new());
    for (_, change) in last {
        match change {
            LaterChange::Set(row) => set.push(row),
            LaterChange::Remove { name, key } => removed.push((name, key)),
        }
    }
    (set, removed)
}

async fn write_effects(connection: &mut SqliteConnection, rows: Vec<EffectRow>) -> Result<(), StoreError> {
    let listed = Listed {
        before: "insert into effects (key, tries, since_ms, due_ms, subject, headers, payload) values ",
        tuple: "(?,?,?,?,?,?,?)",
        after: "",
    };
    let done = listed.execute(connection, rows, |statement, row| {
        let statement = statement.bind(row.key).bind(row.tries).bind(row.since_ms).bind(row.due_ms);
        bind_envelope(statement, row.envelope)
    });
    done.await.map(drop).doing("writing effects")
}

async fn write_answers(
    connection: &mut SqliteConnection,
    at_ms: i64,
    rows: Vec<StoredAnswer>,
) -> Result<(), StoreError> {
    let listed = Listed {
        before: "insert into answers (route, caller, key, body_hash, answer, at_ms) values ",
        tuple: "(?,?,?,?,?,?)",
        after: " on conflict do nothing",
    };
    let expected = rows.len() as u64;
    let done = listed.execute(connection, rows, |statement, row| {
        let statement = statement.bind(row.key.route).bind(row.key.caller).bind(row.key.key);
        statement.bind(row.body_hash).bind(row.answer).bind(at_ms)
    });
    match done.await.doing("writing answers")? {
        affected if affected == expected => Ok(()),
        _ => Err(StoreError::RowConflict("an idempotency key was taken".to_owned())),
    }
}
