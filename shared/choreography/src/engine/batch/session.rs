//! How a batch reads and writes: it reads from the cache while that may be used, else from the database.

use super::cache::{Cache, Written};
use crate::store::{Changes, Committed, Loaded, Preconditions, StoreError, Transaction, Wanted};

/// Where a batch has read its rows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowSource {
    /// The cache alone. The commit checks that it was current.
    Cache,
    /// The database, which agreed with the cache.
    DatabaseAsCached,
    /// The database, which differed from the cache.
    DatabaseChanged,
}

/// The transaction of a batch, with the cache beside it.
pub(crate) struct Session<'a> {
    transaction: Box<dyn Transaction>,
    cache: &'a mut Cache,
    /// The epoch under which this instance leads, if it does.
    pub(super) epoch: Option<i64>,
    preconditions: Option<Preconditions>,
    source: RowSource,
}

impl<'a> Session<'a> {
    pub(crate) fn new(transaction: Box<dyn Transaction>, cache: &'a mut Cache, epoch: Option<i64>) -> Self {
        Self { transaction, cache, epoch, preconditions: None, source: RowSource::Cache }
    }

    /// Loads what is wanted. Once a batch has read from the database, it does not use the cache again.
    pub(super) async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        if self.source == RowSource::Cache
            && let Some((loaded, preconditions)) = self.cache.lookup(wanted, self.epoch)
        {
            self.preconditions.get_or_insert_default().add(preconditions);
            return Ok(loaded);
        }
        let loaded = self.transaction.load(wanted).await?;
        let as_cached = self.cache.observe(wanted, &loaded) && self.source != RowSource::DatabaseChanged;
        self.source = if as_cached { RowSource::DatabaseAsCached } else { RowSource::DatabaseChanged };
        Ok(loaded)
    }

    /// Whether nothing was read from the database.
    pub(super) fn used_cache_only(&self) -> bool {
        self.source == RowSource::Cache
    }

    /// Writes everything, to the database and then to the cache.
    pub(super) async fn commit(self, changes: Changes) -> Result<Committed, StoreError> {
        let written = Written::of(&changes);
        let committed = self.transaction.commit(Changes { preconditions: self.preconditions, ..changes }).await;
        match &committed {
            Ok(_) => self.cache.wrote(written, self.source != RowSource::DatabaseChanged),
            Err(_) => self.cache.invalidate(),
        }
        committed
    }
}
