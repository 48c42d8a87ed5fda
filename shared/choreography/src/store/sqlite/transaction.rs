//! The transaction of a batch, and what the batch reads in it before it decides.
//!
//! It is a write transaction from its first statement on: what it reads is not changed by anybody until it ends. Each
//! script is a round trip to the connection's thread, so the transaction begins in the script that reads, or, if
//! nothing is read, in the one that writes, and that one also commits.

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, SqlitePool};

use super::statement::{During, Script, plain};
use super::{columns, commit};
use crate::store::error::effects_gone;
use crate::store::{Changes, Committed, Head, Loaded, StoreError, Transaction, WaitingRow, Wanted};

/// The transaction of a batch.
pub(super) struct SqliteTransaction {
    connection: PoolConnection<Sqlite>,
    /// Whether the connection may be inside a transaction. If so, dropping this closes the connection instead of
    /// reusing it: nothing else rolls back for certain a script that failed midway.
    open: bool,
    /// The head, once it is read: nobody else can change it meanwhile.
    head: Option<Head>,
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if self.open {
            self.connection.close_on_drop();
        }
    }
}

/// The kind of a row that was read, from its last column. Rows of the wanted tables are numbered from [`TABLES`] on.
const HEAD: i64 = 0;
const REPLIES: i64 = 1;
const WAITING: i64 = 2;
const DUE: i64 = 3;
const EXPIRED: i64 = 4;
const DEAD: i64 = 5;
const ADOPTED: i64 = 6;
const WAITED_FOR: i64 = 7;
const TABLES: i64 = 8;

impl SqliteTransaction {
    /// Waits for the connection that writes. The transaction itself begins with its first script.
    pub(super) async fn begin(writer: &SqlitePool) -> Result<Self, StoreError> {
        let connection = writer.acquire().await.during("waiting for the connection that writes")?;
        Ok(Self { connection, open: false, head: None })
    }

    /// Whether these effects are queued.
    async fn has_effects(&mut self, numbers: &[i64]) -> Result<bool, StoreError> {
        if numbers.is_empty() {
            return Ok(true);
        }
        let mut script = Script::default();
        if !std::mem::replace(&mut self.open, true) {
            script.add("begin immediate");
        }
        script.add("select count(*) from effects where number in (select value from json_each(?))").bind(json(numbers));
        let counted = script.fetch(&mut self.connection).await.during("looking for finished effects")?;
        let count: Option<i64> = counted.first().map(|row| row.try_get(0)).transpose().during("counting effects")?;
        Ok(count.is_some_and(|count| usize::try_from(count).is_ok_and(|count| count == numbers.len())))
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded { rows: vec![Vec::new(); wanted.rows.len()], ..Loaded::default() };
        loaded.all_waited_for = wanted.all_waited_for.map(|_| Vec::new());
        let mut waiting = Vec::new();
        let script = load_script(wanted, !self.open)?;
        self.open = true;
        for row in script.fetch(&mut self.connection).await.during("loading what a batch needs")? {
            read(&row, &mut loaded, &mut waiting).during("reading what a batch needs")?;
        }
        if let Some(limit) = wanted.all_waited_for {
            loaded.all_waited_for.take_if(|rows| rows.len() > limit as usize);
        }
        waiting.sort_unstable_by_key(|(number, _)| *number);
        loaded.waiting = waiting.into_iter().map(|(_, waiting)| waiting).collect();
        self.head = Some(loaded.head.clone());
        Ok(loaded)
    }

    async fn commit(mut self: Box<Self>, changes: Changes) -> Result<Committed, StoreError> {
        let head = match (&changes.preconditions, self.head.take()) {
            (Some(preconditions), _) => preconditions.head.clone(),
            (None, Some(head)) => head,
            (None, None) => self.load(&Wanted::default()).await?.head,
        };
        if let Some(advance) = changes.advance
            && (advance.epoch, advance.from) != (head.epoch, head.position.sequence)
        {
            return Err(match changes.preconditions {
                Some(_) => StoreError::RowConflict("the head".to_owned()),
                None => advance.conflict(head.epoch),
            });
        }
        if !self.has_effects(&changes.effects_done).await? {
            return Err(effects_gone(&head));
        }
        let begins = !std::mem::replace(&mut self.open, true);
        let written = commit::write(&mut self.connection, begins, head.outbox_next, changes).await;
        self.open = match &written {
            Ok(_) => false,
            // The transaction is intact: it is rolled back, and the connection is reused.
            Err(StoreError::RowConflict(_) | StoreError::Violation { .. }) => {
                sqlx::query("rollback").execute(&mut *self.connection).await.is_err()
            }
            Err(_) => true,
        };
        written.map(|effects| Committed { outbox_first: head.outbox_next, effects })
    }
}

/// Returns one script that reads everything that is wanted. Lists are bound as JSON, so that the script is the same,
/// and stays prepared, for every length. Tuples are looked up by `cross join`, which keeps the order of the tables:
/// with `in`, SQLite would scan the whole table.
fn load_script(wanted: &Wanted, begin: bool) -> Result<Script, StoreError> {
    let mut script = Script::default();
    if begin {
        script.add("begin immediate");
    }
    script.add(&format!("select {}, exists (select 1 from waiting), {HEAD} from head", columns::HEAD));
    for (kind, ids, select) in [
        (DEAD, &wanted.dead, "select id, tries, {kind} from dead where id in"),
        (ADOPTED, &wanted.adopted, "select subject, headers, payload, id, {kind} from outbox where adopted and id in"),
    ] {
        if !ids.is_empty() {
            let select = select.replace("{kind}", &kind.to_string());
            script.add(&format!("{select} (select unhex(value) from json_each(?))"));
            script.bind(json(ids.iter().map(|id| id.simple().to_string())));
        }
    }
    for (kind, (table, keys)) in (TABLES..).zip(&wanted.rows) {
        let (table, listed) = (plain(table)?, "select value from json_each(?)");
        script.add(&format!("select key, version, state, {kind} from \"{table}\" where key in ({listed})"));
        script.bind(json(keys));
    }
    if !wanted.replies.is_empty() {
        let tuple = "route = value ->> 0 and caller = value ->> 1 and idempotency_keys.key = value ->> 2";
        let columns = columns::REPLY;
        script.add(&format!("select {columns}, {REPLIES} from json_each(?) cross join idempotency_keys on {tuple}"));
        script.bind(json(wanted.replies.iter().map(|key| [&key.route, &key.caller, &key.key])));
    }
    if !wanted.waited_for.is_empty() {
        let tuple = "row_table = value ->> 0 and row_key = value ->> 1";
        let columns = columns::WAITING;
        script.add(&format!("select {columns}, {WAITING} from json_each(?) cross join waiting on {tuple}"));
        script.bind(json(&wanted.waited_for));
    }
    if let Some(limit) = wanted.all_waited_for {
        script.add(&format!("select distinct row_table, row_key, {WAITED_FOR} from waiting limit ?"));
        script.bind(i64::from(limit) + 1);
    }
    if let Some((now, limit)) = wanted.due {
        let (scheduled, waiting) = (columns::SCHEDULED, columns::WAITING);
        let due = "where due_ms <= ? order by due_ms, number limit ?";
        script.add(&format!("select {scheduled}, {DUE} from scheduled {due}"));
        script.bind(now.as_millisecond()).bind(limit);
        let expired = "where expiry_ms <= ? order by expiry_ms, number limit ?";
        script.add(&format!("select {waiting}, {EXPIRED} from waiting {expired}"));
        script.bind(now.as_millisecond()).bind(limit);
    }
    Ok(script)
}

fn json<T: serde::Serialize>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<T> = items.into_iter().collect();
    serde_json::to_string(&items).expect("texts are always JSON")
}

/// Adds a row that was read to what is loaded, by its kind.
fn read(row: &SqliteRow, loaded: &mut Loaded, waiting: &mut Vec<(i64, WaitingRow)>) -> Result<(), sqlx::Error> {
    match row.try_get(row.len() - 1)? {
        HEAD => (loaded.head, loaded.any_waits) = (columns::head(row)?, row.try_get(row.len() - 2)?),
        DEAD => drop(loaded.dead.insert(columns::id(row, 0)?, row.try_get(1)?)),
        ADOPTED => drop(loaded.adopted.insert(columns::id(row, 3)?, columns::envelope(row)?)),
        WAITED_FOR => loaded.all_waited_for.get_or_insert_default().push((row.try_get(0)?, row.try_get(1)?)),
        REPLIES => loaded.replies.push(columns::reply(row)?),
        WAITING => waiting.push(columns::waiting(row)?),
        DUE => loaded.due.push(columns::scheduled(row)?),
        EXPIRED => loaded.expired.push(columns::waiting(row)?.1),
        table => loaded.rows[usize::try_from(table - TABLES).unwrap_or(usize::MAX)].push(columns::stored(row)?),
    }
    Ok(())
}
