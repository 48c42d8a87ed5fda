//! What a test can make fail in a database in memory.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::MemoryStore;

/// The switches by which a test makes a database in memory fail.
#[derive(Debug, Clone, Copy)]
pub struct StoreFaults<'a> {
    pub(super) store: &'a MemoryStore,
}

impl StoreFaults<'_> {
    /// Lets the next commits fail as if the disk were full, those of batches and of renewed leases; they write nothing.
    /// Replaces the count of an earlier call.
    pub fn fail_next_commits(self, count: u32) {
        self.store.shared.failing.store(count, Ordering::SeqCst);
    }

    /// Lets each commit fail that writes a row whose state has this text, as if a constraint did not allow it. None ends
    /// that.
    pub fn refuse_rows_with(self, text: Option<&str>) {
        *self.store.shared.refused.lock().unwrap_or_else(PoisonError::into_inner) = text.map(str::to_owned);
    }
}
