//! A service's database in memory, for tests: it does what the one in SQLite does, without files, pauses or threads.
//!
//! As in SQLite, one transaction is open at a time, and reading outside of it does not wait for it.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
#[cfg(feature = "testing")]
use hashbrown::HashMap;
use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;

use self::data::Data;
use self::faults::Faults;
use super::{
    Backlog, Changes, Committed, DeadCompensation, EffectRow, Listing, Loaded, Old, Store, StoreError, StoredRow,
    Transaction, Wanted,
};
use crate::instance_control::InstanceControl;
#[cfg(feature = "testing")]
use crate::wire::envelope::Envelope;

mod batch;
mod data;
mod faults;
mod listing;
mod publishing;
mod reading;
mod scheduled;

pub use faults::StoreFaults;

/// A database in memory. A clone is another instance of the service over the same data.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<SharedData>,
    /// What a test does to the instance that has this handle.
    control: InstanceControl,
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
    /// What a test lets fail.
    faults: Mutex<Faults>,
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
        let mut rows: Vec<_> = self.data().tables.get(table).into_iter().flat_map(HashMap::values).cloned().collect();
        rows.sort_unstable_by(|left, right| left.key.cmp(&right.key));
        rows
    }

    /// Returns the messages that were adopted from the stream, because the database had been put back.
    #[cfg(feature = "testing")]
    pub(crate) fn adopted(&self) -> Vec<Envelope> {
        let data = self.data();
        data.adopted.iter().filter_map(|number| Some(data.outbox.get(number)?.envelope.clone())).collect()
    }

    /// Returns the messages that wait for rows.
    #[cfg(feature = "testing")]
    pub(crate) fn waiting(&self) -> Vec<Envelope> {
        self.data().waiting.values().map(|row| row.envelope.clone()).collect()
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.shared.data()
    }

    /// Changes the data when no transaction is open.
    async fn write<T>(&self, change: impl FnOnce(&mut Data) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.control.pass().await;
        let written = {
            let _writing = self.shared.writing.lock().await;
            self.shared.faults().check_full()?;
            change(&mut self.data())
        };
        self.control.pass().await;
        written
    }

    /// Changes the data as [`write`](Self::write), by a change that always succeeds.
    async fn set<T>(&self, change: impl FnOnce(&mut Data) -> T) -> Result<T, StoreError> {
        self.write(|data| Ok(change(data))).await
    }

    /// Returns the same database for an instance that is controlled like this.
    #[cfg(feature = "testing")]
    pub(crate) fn controlled(&self, control: InstanceControl) -> Self {
        Self { control, ..self.clone() }
    }
}

impl SharedData {
    fn data(&self) -> MutexGuard<'_, Data> {
        // Changes are checked before they are made, so a panic leaves no half of a change.
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A database is shown without what is in it.
impl Debug for MemoryStore {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.control.pass().await;
        let writing = self.shared.writing.clone().lock_owned().await;
        Ok(Box::new(MemoryTransaction {
            shared: self.shared.clone(),
            control: self.control.clone(),
            _writing: writing,
        }))
    }

    async fn forget(&self, old: &Old, limit: u32) -> Result<bool, StoreError> {
        self.set(|data| data.forget(old, limit as usize)).await
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
        let rows = data.effects.range(after + 1..).map(|(_, row)| row).filter(of_message);
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
    control: InstanceControl,
    _writing: OwnedMutexGuard<()>,
}

#[async_trait]
impl Transaction for MemoryTransaction {
    async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        Ok(self.shared.data().load(wanted))
    }

    async fn commit(self: Box<Self>, changes: Changes) -> Result<Committed, StoreError> {
        // A process that is stopped or killed within a transaction keeps nobody else from writing.
        let Self { shared, control, _writing } = *self;
        shared.faults().next_batch()?;
        let committed = {
            let mut data = shared.data();
            data.check(&changes)?;
            shared.faults().check_rows(&changes)?;
            data.apply(changes)
        };
        drop(_writing);
        control.pass().await;
        shared.faults().next_answer().map(|()| committed)
    }
}
