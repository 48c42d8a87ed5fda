//! A service's database in memory, for tests: it does what the one in SQLite does, without files, pauses or threads.
//!
//! As in SQLite, one transaction is open at a time, and reading outside of it does not wait for it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;

use self::data::Data;
use super::{
    Backlog, Changes, Committed, DeadCompensation, EffectRow, Listing, Loaded, Old, RowChange, Store, StoreError,
    StoredRow, Transaction, Wanted,
};

mod batch;
mod data;
mod faults;
mod listing;
mod publishing;
mod reading;
mod scheduled;

pub use faults::StoreFaults;

/// A database in memory. A clone is another instance of the service over the same data.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    shared: Arc<SharedData>,
}

/// A copy of a database in memory.
#[derive(Debug, Clone)]
pub struct MemoryCopy(Data);

#[derive(Debug, Default)]
struct SharedData {
    /// Held for the length of a transaction.
    writing: Arc<tokio::sync::Mutex<()>>,
    /// Never held across an await.
    data: Mutex<Data>,
    /// How many of the next commits fail.
    failing: AtomicU32,
    /// Rows are refused whose state has this text.
    refused: Mutex<Option<String>>,
}

impl MemoryStore {
    /// Returns an empty database.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the switches by which a test makes this database fail.
    pub fn faults(&self) -> StoreFaults<'_> {
        StoreFaults { store: self }
    }

    /// Returns a copy of the data as it is, as a backup of it.
    pub fn copy(&self) -> MemoryCopy {
        MemoryCopy(self.data().clone())
    }

    /// Replaces the data by an earlier copy, as an operator does who restores a backup.
    pub fn put_back(&self, copy: &MemoryCopy) {
        *self.data() = copy.0.clone();
    }

    /// Returns the rows of a table, sorted by their keys.
    #[cfg(feature = "testing")]
    pub(crate) fn rows(&self, table: &str) -> Vec<StoredRow> {
        self.data().tables.get(table).into_iter().flat_map(|rows| rows.values().cloned()).collect()
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.shared.data()
    }

    /// Changes the data when no transaction is open.
    async fn write<T>(&self, change: impl FnOnce(&mut Data) -> T) -> T {
        let _writing = self.shared.writing.lock().await;
        change(&mut self.data())
    }
}

impl SharedData {
    fn data(&self) -> MutexGuard<'_, Data> {
        // Changes are checked before they are made, so a panic leaves no half of a change.
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that no test lets this commit fail.
    fn injected_fault(&self) -> Result<(), StoreError> {
        let one_less = |failing: u32| failing.checked_sub(1);
        match self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
            Ok(_) => Err(StoreError::database("committing", "a test lets this commit fail")),
            Err(_) => Ok(()),
        }
    }
}

impl SharedData {
    /// Checks that a test lets all rows of a batch be written.
    fn check_refused(&self, changes: &Changes) -> Result<(), StoreError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(text) = &*refused else { return Ok(()) };
        let has_text = |row: &&RowChange| row.state.as_ref().is_some_and(|state| state.contains(text));
        match changes.rows.iter().find(has_text) {
            Some(row) => Err(StoreError::Violation {
                operation: format!("writing rows of {}", row.table),
                detail: format!("a test refuses row {}", row.key),
            }),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        let writing = self.shared.writing.clone().lock_owned().await;
        Ok(Box::new(MemoryTransaction { shared: self.shared.clone(), _writing: writing }))
    }

    async fn forget(&self, old: &Old, limit: u32) -> Result<bool, StoreError> {
        Ok(self.write(|data| data.forget(old, limit as usize)).await)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let data = self.data();
        let waiting = data.waiting.values().filter_map(|row| row.expiry_ms);
        let moment = data.scheduled.next_ms().into_iter().chain(waiting).min();
        Ok(moment.map(|moment| Timestamp::from_millisecond(moment).unwrap_or(Timestamp::MAX)))
    }

    async fn effects(&self, message: &str, after: i64, limit: u32) -> Result<Vec<EffectRow>, StoreError> {
        let data = self.data();
        let of_message = |row: &&EffectRow| row.envelope.parts().is_some_and(|(_, name, _)| name == message);
        let rows = data.effects.values().filter(|row| row.number > after).filter(of_message);
        Ok(rows.take(limit as usize).cloned().collect())
    }

    async fn list(&self, listing: &Listing) -> Result<Vec<StoredRow>, StoreError> {
        Ok(self.data().list(listing))
    }

    async fn dead_compensations(&self, limit: u32) -> Result<Vec<DeadCompensation>, StoreError> {
        Ok(self.data().dead_compensations.iter().take(limit as usize).cloned().collect())
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        let data = self.data();
        Ok(Backlog {
            outbox: data.outbox.len() as u64,
            waiting: data.waiting.len() as u64,
            scheduled: data.scheduled.len() as u64,
            effects: data.effects.len() as u64,
        })
    }

    async fn queued(&self, limit: u32) -> Result<u64, StoreError> {
        let (data, limit) = (self.data(), limit as usize);
        Ok((data.waiting.len().min(limit) + data.effects.len().min(limit)) as u64)
    }

    async fn finish(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The transaction of a batch. While it lives, no other begins.
struct MemoryTransaction {
    shared: Arc<SharedData>,
    _writing: OwnedMutexGuard<()>,
}

#[async_trait]
impl Transaction for MemoryTransaction {
    async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        Ok(self.shared.data().load(wanted))
    }

    async fn commit(self: Box<Self>, changes: Changes) -> Result<Committed, StoreError> {
        self.shared.injected_fault()?;
        let mut data = self.shared.data();
        data.check(&changes)?;
        self.shared.check_refused(&changes)?;
        Ok(data.apply(changes))
    }
}
