//! How far the outbox relay has published, as far as the other tasks need it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::{Checkpoint, StoredRows};

/// The numbers that the outbox relay shares with the other tasks; a clone is the same.
#[derive(Clone, Default)]
pub(crate) struct OutboxNumbers {
    acknowledged: Arc<AtomicI64>,
    forgettable: Arc<Mutex<ForgettableRows>>,
    stored: Arc<Mutex<Option<StoredRows>>>,
}

/// Outbox rows that need not be kept any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ForgettableRows {
    /// The first and the last local number of each range.
    pub rows: Vec<(i64, i64)>,
    /// A place in the stream at or below which no kept row is stored, once they are deleted: it is written after that.
    pub floor: Option<Checkpoint>,
}

impl OutboxNumbers {
    pub(crate) fn set_acknowledged(&self, count: i64) {
        self.acknowledged.store(count, Ordering::Relaxed);
    }

    /// Returns how many outbox rows the server has acknowledged since the first row of this database, deleted rows
    /// included.
    pub(crate) fn acknowledged(&self) -> i64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Sets which rows the streams have, and where; none if that is not known.
    pub(crate) fn set_stored_rows(&self, stored: Option<StoredRows>) {
        *self.stored.lock().unwrap_or_else(PoisonError::into_inner) = stored;
    }

    /// Removes and returns which rows the streams have, and where, if that has changed.
    pub(crate) fn take_stored_rows(&self) -> Option<StoredRows> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Sets the rows that may be deleted next. The relay sets further ones after these are deleted.
    pub(crate) fn set_forgettable(&self, rows: ForgettableRows) {
        *self.locked() = rows;
    }

    /// Returns the rows that may be deleted.
    pub(crate) fn forgettable(&self) -> ForgettableRows {
        self.locked().clone()
    }

    /// Whether all rows that may be deleted are deleted, and their floor is written.
    pub(crate) fn is_all_deleted(&self) -> bool {
        *self.locked() == ForgettableRows::default()
    }

    /// Records that all of these rows were deleted; or, if there are none left, that their floor was written.
    pub(crate) fn deleted(&self, rows: &ForgettableRows) {
        let mut forgettable = self.locked();
        if *forgettable != *rows {
            return;
        }
        match rows.rows.is_empty() {
            true => forgettable.floor = None,
            false => forgettable.rows.clear(),
        }
    }

    fn locked(&self) -> MutexGuard<'_, ForgettableRows> {
        self.forgettable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
