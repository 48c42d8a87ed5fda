//! How a batch reads and writes: from the cache while that has everything, from the database otherwise.

use super::cache::{Cache, Written};
use crate::store::{Changes, Committed, Loaded, Preconditions, StoreError, Transaction, Wanted};

/// Where a batch has read from so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The cache alone. The commit checks that it was right.
    Cache,
    /// The database, which had nothing but what the cache had.
    DatabaseAsCached,
    /// The database, which had something else than the cache.
    DatabaseChanged,
}

/// The transaction of a batch, with the cache beside it.
pub(crate) struct Session<'a> {
    transaction: Box<dyn Transaction>,
    cache: &'a mut Cache,
    /// The epoch under which this instance leads, if it does.
    pub(super) epoch: Option<i64>,
    preconditions: Option<Preconditions>,
    source: Source,
}

impl<'a> Session<'a> {
    pub(crate) fn new(transaction: Box<dyn Transaction>, cache: &'a mut Cache, epoch: Option<i64>) -> Self {
        Self { transaction, cache, epoch, preconditions: None, source: Source::Cache }
    }

    /// Loads what is wanted. Once a batch has asked the database, it does not go back to the cache.
    pub(super) async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        if self.source == Source::Cache
            && let Some((loaded, preconditions)) = self.cache.lookup(wanted, self.epoch)
        {
            self.preconditions.get_or_insert_default().add(preconditions);
            return Ok(loaded);
        }
        let loaded = self.transaction.load(wanted).await?;
        let as_cached = self.cache.observe(wanted, &loaded) && self.source != Source::DatabaseChanged;
        self.source = if as_cached { Source::DatabaseAsCached } else { Source::DatabaseChanged };
        Ok(loaded)
    }

    /// Whether the database was not asked for anything.
    pub(super) fn used_cache_only(&self) -> bool {
        self.source == Source::Cache
    }

    /// Writes everything, and notes in the cache what was written.
    pub(super) async fn commit(self, changes: Changes) -> Result<Committed, StoreError> {
        let written = Written::of(&changes);
        let committed = self.transaction.commit(Changes { preconditions: self.preconditions, ..changes }).await;
        match &committed {
            Ok(_) => self.cache.wrote(written, self.source != Source::DatabaseChanged),
            Err(_) => self.cache.invalidate(),
        }
        committed
    }
}
