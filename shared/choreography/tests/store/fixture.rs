//! Two instances of a store over the same data, and short names for what tests need.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use choreography::Envelope;
use choreography::store::memory::MemoryStore;
use choreography::store::sqlite::SqliteStore;
use choreography::store::{
    Advance, Changes, Checkpoint, Committed, DeadMessage, Head, IdempotencyKey, Loaded, NewOutboxRow, Old, OutboxRow,
    Renewal, RowChange, RowName, ScheduleChange, ScheduledRow, Store, StoreError, StoredReply, StoredRow, Transaction,
    WaitingRow, Wanted,
};
use jiff::Timestamp;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use uuid::Uuid;

/// The tables that [`migrations`] make.
pub(crate) const TABLES: &[&str] = &["payment", "order"];

pub(crate) struct Instances {
    pub(crate) first: Arc<dyn Store>,
    pub(crate) second: Arc<dyn Store>,
    /// Deleted when the test ends.
    _directory: Option<tempfile::TempDir>,
}

impl Instances {
    pub(crate) fn in_memory() -> Self {
        let store = MemoryStore::new();
        store.faults().refuse_rows_with(Some("forbidden"));
        Self { first: Arc::new(store.clone()), second: Arc::new(store), _directory: None }
    }

    pub(crate) async fn in_sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data/service.db");
        let open = async || SqliteStore::open(path.to_str().unwrap(), Some(&migrations()), TABLES).await.unwrap();
        Self { first: Arc::new(open().await), second: Arc::new(open().await), _directory: Some(directory) }
    }
}

/// Returns migrations that make two valid tables, and one whose version may be null.
pub(crate) fn migrations() -> Migrator {
    let text = r#"
        create table payment (
            key text primary key not null, version bigint not null, state jsonb not null,
            status text generated always as (state ->> 'status') stored,
            total_cents bigint generated always as (state ->> 'total_cents') stored,
            check (status is not 'forbidden')
        );
        create index payment_status on payment (status);
        create table "order" (
            key text primary key not null, version bigint not null, state jsonb not null
        );
        create table nullable (key text primary key not null, version bigint, state jsonb not null);
    "#;
    let text = sqlx::SqlStr::from_static(text);
    Migrator::with_migrations(vec![Migration::new(1, Cow::Borrowed("tables"), MigrationType::Simple, text, false)])
}

pub(crate) fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap()
}

/// Returns these moments for received messages and for replies; dead messages are never old.
pub(crate) fn old(dead_ms: i64, replies_ms: i64) -> Old {
    Old { dead: at(dead_ms), replies: at(replies_ms) }
}

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(crate) fn envelope(name: &str) -> Envelope {
    let (subject, payload) = (format!("payment.{name}.1").into(), format!("{{\"name\":\"{name}\"}}").into());
    Envelope { subject, headers: [("ce-id", name)].into(), payload }
}

pub(crate) fn envelopes(names: &[&str]) -> Vec<Envelope> {
    names.iter().map(|name| envelope(name)).collect()
}

/// Returns messages to be published, from an outbox of their own.
pub(crate) fn to_publish(names: &[&str]) -> Vec<NewOutboxRow> {
    in_outbox(new_outbox(), envelopes(names))
}

/// Returns an id that no other outbox has.
pub(crate) fn new_outbox() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 64)
}

/// Returns messages to be published as the first of an outbox. All have the kind of the first token after the service.
pub(crate) fn in_outbox(outbox: Uuid, envelopes: Vec<Envelope>) -> Vec<NewOutboxRow> {
    let mut last = HashMap::new();
    let row = |envelope: Envelope| {
        let kind: Arc<str> = envelope.subject.split('.').nth(1).unwrap_or_default().into();
        let number = last.entry(kind.clone()).and_modify(|last| *last += 1).or_insert(1);
        NewOutboxRow { name: RowName { outbox, kind, number: *number }, envelope, placeholder: false }
    };
    envelopes.into_iter().map(row).collect()
}

/// Returns the change that writes a payment.
pub(crate) fn row(key: &str, version: i64, state: &str) -> RowChange {
    RowChange { table: "payment", key: key.to_owned(), version, state: Some(state.into()) }
}

/// Returns the change that deletes a payment.
pub(crate) fn deleted(key: &str, version: i64) -> RowChange {
    RowChange { table: "payment", key: key.to_owned(), version, state: None }
}

pub(crate) fn stored(key: &str, version: i64, state: &str) -> StoredRow {
    StoredRow { key: key.to_owned(), version, state: state.into() }
}

pub(crate) fn dead(number: u128, tries: u32) -> DeadMessage {
    DeadMessage { id: id(number), tries }
}

pub(crate) fn waiting(number: u128, key: &str, expiry_ms: Option<i64>) -> WaitingRow {
    let envelope = envelope(&format!("waits-{number}"));
    WaitingRow { id: id(number), table: "payment".to_owned(), key: key.to_owned(), expiry_ms, envelope }
}

pub(crate) fn scheduled(name: &str, due_ms: i64) -> ScheduledRow {
    ScheduledRow { name: name.to_owned(), key: "1".to_owned(), due_ms, envelope: envelope(name) }
}

pub(crate) fn set(name: &str, due_ms: i64) -> ScheduleChange {
    ScheduleChange::Set(scheduled(name, due_ms))
}

pub(crate) fn remove(name: &str) -> ScheduleChange {
    ScheduleChange::Remove { name: name.to_owned(), key: "1".to_owned() }
}

pub(crate) fn reply(caller: &str, key: &str) -> StoredReply {
    let key = IdempotencyKey { route: "POST /orders".to_owned(), caller: caller.to_owned(), key: key.to_owned() };
    StoredReply { key, body_hash: "abc".to_owned(), reply: "{\"status\":201}".to_owned() }
}

pub(crate) async fn commit(store: &Arc<dyn Store>, changes: Changes) -> Result<Committed, StoreError> {
    store.begin().await?.commit(changes).await
}

/// Commits changed rows.
pub(crate) async fn write(store: &Arc<dyn Store>, rows: Vec<RowChange>) -> Result<Committed, StoreError> {
    commit(store, Changes { rows, ..Changes::default() }).await
}

pub(crate) async fn begin(store: &Arc<dyn Store>) -> Box<dyn Transaction> {
    store.begin().await.unwrap()
}

/// Loads one kind of thing at a time, where a batch loads all in one request.
#[async_trait]
pub(crate) trait LoadOne {
    async fn load_all(&mut self, wanted: Wanted) -> Loaded;

    async fn head(&mut self) -> Head {
        self.load_all(Wanted::default()).await.head
    }
    async fn dead(&mut self, ids: &[Uuid]) -> BTreeMap<Uuid, u32> {
        self.load_all(Wanted { dead: ids.to_vec(), ..Wanted::default() }).await.dead
    }
    async fn replies(&mut self, keys: &[IdempotencyKey]) -> Vec<StoredReply> {
        self.load_all(Wanted { replies: keys.to_vec(), ..Wanted::default() }).await.replies
    }
    async fn rows(&mut self, table: &'static str, keys: &[String]) -> Vec<StoredRow> {
        self.load_all(Wanted { rows: vec![(table, keys.to_vec())], ..Wanted::default() }).await.rows.remove(0)
    }
    async fn waiting_for(&mut self, rows: &[(&'static str, String)]) -> Vec<WaitingRow> {
        self.load_all(Wanted { waited_for: rows.to_vec(), ..Wanted::default() }).await.waiting
    }
    async fn due(&mut self, now: Timestamp, limit: u32) -> Vec<ScheduledRow> {
        self.load_all(Wanted { due: Some((now, limit)), ..Wanted::default() }).await.due
    }
    async fn expired(&mut self, now: Timestamp, limit: u32) -> Vec<WaitingRow> {
        self.load_all(Wanted { due: Some((now, limit)), ..Wanted::default() }).await.expired
    }
}

#[async_trait]
impl LoadOne for Box<dyn Transaction> {
    async fn load_all(&mut self, wanted: Wanted) -> Loaded {
        self.load(&wanted).await.unwrap()
    }
}

/// Returns the payments of these keys, sorted by key.
pub(crate) async fn payments(store: &Arc<dyn Store>, keys: &[&str]) -> Vec<StoredRow> {
    let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
    let mut rows = begin(store).await.rows("payment", &keys).await;
    rows.sort_by(|one, other| one.key.cmp(&other.key));
    rows
}

/// Takes the leadership, and commits a position.
pub(crate) async fn leading(store: &Arc<dyn Store>, position: u64) -> Head {
    let head = store.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    let advance = Advance { epoch: head.epoch, from: head.position.sequence, to: place(position) };
    commit(store, Changes { advance: Some(advance), ..Changes::default() }).await.unwrap();
    store.head().await.unwrap()
}

/// Returns the checkpoint of a sequence; its stamp follows from it.
pub(crate) fn place(sequence: u64) -> Checkpoint {
    Checkpoint { sequence, stamp_ns: sequence.cast_signed() * 1_000_000_000, deleted: 0 }
}

/// Returns the move of the position from one sequence to another.
pub(crate) fn advance(epoch: i64, from: u64, to: u64) -> Advance {
    Advance { epoch, from, to: place(to) }
}

/// Returns a renewal that deletes outbox rows up to a number.
pub(crate) fn renewal(until_ms: i64, forget: i64) -> Renewal {
    Renewal { forget: vec![(0, forget)], ..Renewal::of_lease(at(until_ms)) }
}

/// Returns the whole outbox.
pub(crate) async fn outgoing(store: &Arc<dyn Store>) -> Vec<OutboxRow> {
    store.outbox(0, 1_000).await.unwrap()
}

pub(crate) fn numbers(rows: &[OutboxRow]) -> Vec<i64> {
    rows.iter().map(|row| row.number).collect()
}

pub(crate) fn is_row_conflict<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::RowConflict(_)))
}
