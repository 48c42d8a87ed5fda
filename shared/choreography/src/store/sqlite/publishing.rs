//! The outbox in SQLite.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use uuid::Uuid;

use super::columns::{self, CHECKPOINT, OUTBOX, STORED_ROWS};
use super::statement::{During, Writer};
use super::write::{self, SKIP_NULLS, list};
use super::{SqliteStore, decode, numbers};
use crate::store::{Checkpoint, Given, NewOutboxRow, OutboxRow, PublishingStore, Repair, StoreError, StoredRows};
use crate::wire::series::outgoing_id;

#[async_trait]
impl PublishingStore for SqliteStore {
    async fn outbox(&self, from: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let text = format!("select {OUTBOX} from outbox where number >= $1 order by number limit $2");
        let rows = sqlx::query(AssertSqlSafe(text)).bind(from).bind(limit).fetch_all(&self.readers).await;
        decode(rows, columns::outbox).during("reading the outbox")
    }

    async fn given(&self) -> Result<Vec<Given>, StoreError> {
        let rows = sqlx::query("select outbox, kind, last, at_ms from given order by outbox, kind");
        let rows = rows.fetch_all(&self.readers).await;
        let given = decode(rows, |row| {
            let last = columns::number(row, 2)?;
            Ok(Given {
                outbox: columns::id(row, 0)?,
                kind: row.try_get::<&str, _>(1)?.into(),
                last,
                at_ms: row.try_get(3)?,
            })
        });
        given.during("reading the highest numbers")
    }

    async fn floors(&self) -> Result<Vec<Checkpoint>, StoreError> {
        let text = format!("select {CHECKPOINT} from floors order by sequence desc");
        let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&self.readers).await;
        decode(rows, columns::checkpoint).during("reading the floors")
    }

    async fn stored_rows(&self) -> Result<Vec<StoredRows>, StoreError> {
        let text = format!("select {STORED_ROWS} from stored_rows order by through desc");
        let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&self.readers).await;
        decode(rows, columns::stored_rows).during("reading which rows the streams had")
    }

    async fn repair(&self, epoch: i64, repair: Repair) -> Result<i64, StoreError> {
        const OPERATION: &str = "recording what the stream has";
        let mut transaction = self.begin_as_leader(epoch, OPERATION).await?;
        let first = write_repair(&mut transaction, repair).await.during(OPERATION)?;
        transaction.commit().await.during(OPERATION)?;
        Ok(first)
    }

    async fn keep_given(&self, outbox: Uuid, now: Timestamp) -> Result<(), StoreError> {
        let statement = sqlx::query("update given set at_ms = $1 where outbox = $2");
        let statement = statement.bind(now.as_millisecond()).bind(outbox.as_bytes().to_vec());
        statement.execute(&self.writer).await.map(drop).during("keeping the highest numbers")
    }

    async fn forget_given(&self, epoch: i64, before: Timestamp) -> Result<u64, StoreError> {
        const OPERATION: &str = "deleting the highest numbers of old outboxes";
        let statement = sqlx::query_scalar("select exists (select 1 from given where at_ms < $1)");
        let any: bool = statement.bind(before.as_millisecond()).fetch_one(&self.readers).await.during(OPERATION)?;
        let mut transaction = self.begin_as_leader(epoch, OPERATION).await?;
        // The whole outbox is read only for series that are old.
        let text = "delete from given where at_ms < $1 and (outbox, kind) not in (select outbox, kind from outbox)";
        let mut deleted = 0;
        if any {
            let statement = sqlx::query(text).bind(before.as_millisecond());
            deleted = statement.execute(&mut *transaction).await.during(OPERATION)?.rows_affected();
        }
        transaction.commit().await.during(OPERATION)?;
        Ok(deleted)
    }
}

async fn write_repair(connection: &mut SqliteConnection, repair: Repair) -> Result<i64, sqlx::Error> {
    let statement = sqlx::query("delete from floors where sequence > $1").bind(repair.floor.cast_signed());
    statement.execute(&mut *connection).await?;
    for row in repair.adopt.iter().filter(|row| repair.of_commands.contains(&outgoing_id(&row.envelope))) {
        count_lost(connection, row).await?;
    }
    let statement = sqlx::query_scalar("update head set outbox_next = outbox_next + $1 returning outbox_next - $1");
    let first = statement.bind(repair.adopt.len() as i64).fetch_one(&mut *connection).await?;
    let mut writer = Writer::new(connection);
    numbers::placeholders(&mut writer, repair.placeholders).await?;
    raise_given(&mut writer, repair.now_ms, &repair.adopt).await?;
    write::unschedule(&mut writer, repair.adopt.iter().map(|row| &row.envelope)).await?;
    adopt(&mut writer, first, repair.adopt).await?;
    writer.flush().await?;
    Ok(first)
}

/// Counts an adopted message of a command as lost, unless it was scheduled: then the database knows the command.
async fn count_lost(connection: &mut SqliteConnection, row: &NewOutboxRow) -> Result<(), sqlx::Error> {
    let Some((_, name, key)) = row.envelope.parts() else { return Ok(()) };
    let count = sqlx::query(
        "insert into lost_commands (kind, messages) select $1, 1 where not exists (
             select 1 from scheduled where name = $2 and key = $3 and instr(headers, $4)
         ) on conflict (kind) do update set messages = messages + 1",
    );
    let count = count.bind(row.name.kind.to_string()).bind(name.to_owned()).bind(key.to_owned());
    let id = format!("ce-id:{}\n", outgoing_id(&row.envelope));
    count.bind(id).execute(connection).await.map(drop)
}

/// Raises the highest numbers to those of adopted rows.
async fn raise_given(writer: &mut Writer<'_>, at_ms: i64, rows: &[NewOutboxRow]) -> Result<(), sqlx::Error> {
    let mut highest = BTreeMap::new();
    for NewOutboxRow { name, .. } in rows {
        let highest = highest.entry((name.outbox, name.kind.clone())).or_insert(name.number);
        *highest = name.number.max(*highest);
    }
    let before = "insert into given (outbox, kind, last, at_ms) select * from (values ";
    let after = format!(
        "{SKIP_NULLS} on conflict (outbox, kind) do update set last = max(last, excluded.last), at_ms = excluded.at_ms"
    );
    let highest = highest.into_iter().collect();
    let raised = writer.list(list(before, "(?,?,?,?)", &after), highest, |script, ((outbox, kind), last)| {
        script.bind(outbox.as_bytes().to_vec()).bind(kind).bind(last.cast_signed()).bind(at_ms);
    });
    raised.await
}

/// Inserts adopted rows, with local numbers from the first on.
async fn adopt(writer: &mut Writer<'_>, first: i64, rows: Vec<NewOutboxRow>) -> Result<(), sqlx::Error> {
    let before = "insert into outbox
            (number, outbox, kind, kind_number, placeholder, adopted, id, subject, headers, payload)
         select * from (values ";
    let rows = (first..).zip(rows).collect();
    let adopted = writer.list(list(before, "(?,?,?,?,?,?,?,?,?,?)", SKIP_NULLS), rows, |script, (number, row)| {
        // A placeholder stands for a message that was not published: the message may still be.
        let id = (!row.placeholder).then(|| outgoing_id(&row.envelope).as_bytes().to_vec());
        script.bind(number).bind(row.name.outbox.as_bytes().to_vec()).bind(row.name.kind);
        script.bind(row.name.number.cast_signed()).bind(row.placeholder).bind(true).bind(id);
        columns::bind_envelope(script, row.envelope);
    });
    adopted.await
}
