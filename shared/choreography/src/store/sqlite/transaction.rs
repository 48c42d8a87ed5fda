//! The transaction of a batch: what it reads before it decides.
//!
//! It begins as a writer: whatever it reads can't be changed by anybody until it has committed.

use std::collections::HashSet;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Sqlite, SqlitePool};
use uuid::Uuid;

use super::statement::{Doing, Listed, plain};
use super::{columns, commit, decode};
use crate::store::{
    Changes, Head, IdempotencyKey, LaterRow, StoreError, StoredAnswer, StoredRow, Transaction, WaitingRow,
};

/// The transaction of a batch; rolled back when it is dropped.
pub(super) struct SqliteTransaction {
    transaction: sqlx::Transaction<'static, Sqlite>,
    /// Once read, it stays: nobody else can change it meanwhile.
    head: Option<Head>,
}

impl SqliteTransaction {
    pub(super) async fn begin(writer: &SqlitePool) -> Result<Self, StoreError> {
        let transaction = writer.begin_with("begin immediate").await.doing("beginning a transaction")?;
        Ok(Self { transaction, head: None })
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn head(&mut self) -> Result<Head, StoreError> {
        if let Some(head) = &self.head {
            return Ok(head.clone());
        }
        let statement = sqlx::query(AssertSqlSafe(format!("select {} from head", columns::HEAD)));
        let row = statement.fetch_one(&mut *self.transaction).await;
        let head = row.and_then(|row| columns::head(&row)).doing("reading the head")?;
        Ok(self.head.insert(head).clone())
    }

    async fn heard(&mut self, ids: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
        let listed = Listed { before: "select id from inbox where id in (", tuple: "?", after: ")" };
        let ids = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
        let rows = listed.fetch(&mut self.transaction, ids, |statement, id| statement.bind(id)).await;
        let heard = decode(rows, |row| columns::id(row, 0)).doing("looking into the inbox")?;
        Ok(heard.into_iter().collect())
    }

    async fn answers(&mut self, keys: &[IdempotencyKey]) -> Result<Vec<StoredAnswer>, StoreError> {
        let before = format!("select {} from (values ", columns::ANSWER);
        let after = ") cross join answers on route = column1 and caller = column2 and key = column3";
        let listed = Listed { before: &before, tuple: "(?,?,?)", after };
        let rows = listed.fetch(&mut self.transaction, keys.to_vec(), |statement, key| {
            statement.bind(key.route).bind(key.caller).bind(key.key)
        });
        decode(rows.await, columns::answer).doing("looking for answers")
    }

    async fn rows(&mut self, table: &'static str, keys: &[String]) -> Result<Vec<StoredRow>, StoreError> {
        let before = format!("select key, version, state from \"{}\" where key in (", plain(table)?);
        let listed = Listed { before: &before, tuple: "?", after: ")" };
        let rows = listed.fetch(&mut self.transaction, keys.to_vec(), |statement, key| statement.bind(key)).await;
        decode(rows, columns::stored).doing(format!("loading rows of {table}"))
    }

    async fn waiting_for(&mut self, rows: &[(&'static str, String)]) -> Result<Vec<WaitingRow>, StoreError> {
        let before = format!("select {} from (values ", columns::WAITING);
        let after = ") cross join waiting on row_table = column1 and row_key = column2";
        let listed = Listed { before: &before, tuple: "(?,?)", after };
        let rows = listed
            .fetch(&mut self.transaction, rows.to_vec(), |statement, (table, key)| statement.bind(table).bind(key));
        let mut waiting = decode(rows.await, columns::waiting).doing("looking for messages that wait")?;
        waiting.sort_unstable_by_key(|(number, _)| *number);
        Ok(waiting.into_iter().map(|(_, waiting)| waiting).collect())
    }

    async fn due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<LaterRow>, StoreError> {
        let text = format!("select {} from later where due_ms <= $1 order by due_ms, number limit $2", columns::LATER);
        let statement = sqlx::query(AssertSqlSafe(text)).bind(now.as_millisecond()).bind(limit);
        decode(statement.fetch_all(&mut *self.transaction).await, columns::later).doing("looking for what is due")
    }

    async fn expired(&mut self, now: Timestamp, limit: u32) -> Result<Vec<WaitingRow>, StoreError> {
        let text = format!(
            "select {} from waiting where expiry_ms <= $1 order by expiry_ms, number limit $2",
            columns::WAITING
        );
        let statement = sqlx::query(AssertSqlSafe(text)).bind(now.as_millisecond()).bind(limit);
        let rows = statement.fetch_all(&mut *self.transaction).await;
        decode(rows, |row| Ok(columns::waiting(row)?.1)).doing("looking for what has expired")
    }

    async fn commit(mut self: Box<Self>, changes: Changes) -> Result<i64, StoreError> {
        let nothing_said = changes.outbox.is_empty() && changes.advance.is_none();
        let first = match nothing_said {
            true => self.head().await?.outbox_next,
            false => commit::move_head(&mut self.transaction, &changes).await?,
        };
        commit::write(&mut self.transaction, first, changes).await?;
        self.transaction.commit().await.doing("committing a batch")?;
        Ok(first)
    }
}
