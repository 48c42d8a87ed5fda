//! How far the outbox relay has published, as far as the other tasks need it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The numbers that the outbox relay shares with the other tasks; a clone is the same.
#[derive(Clone, Default)]
pub(crate) struct OutboxNumbers {
    forgettable: Arc<AtomicI64>,
    acknowledged: Arc<AtomicI64>,
}

impl OutboxNumbers {
    pub(crate) fn set_forgettable(&self, number: i64) {
        self.forgettable.store(number, Ordering::Relaxed);
    }

    /// Returns the number up to which outbox rows need not be kept.
    pub(crate) fn forgettable(&self) -> i64 {
        self.forgettable.load(Ordering::Relaxed)
    }

    pub(crate) fn set_acknowledged(&self, count: i64) {
        self.acknowledged.store(count, Ordering::Relaxed);
    }

    /// Returns how many outbox rows the server has acknowledged since the first row of this database, deleted rows
    /// included.
    pub(crate) fn acknowledged(&self) -> i64 {
        self.acknowledged.load(Ordering::Relaxed)
    }
}
