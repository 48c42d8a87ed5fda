//! How a batch reads and writes: from memory where the last batches left what it wants, from the database otherwise.

use crate::engine::batch::cache::{Cache, Written};
use crate::store::{Changes, Committed, Loaded, Preconditions, StoreError, Transaction, Wanted};

/// One transaction, with what is remembered beside it.
pub(crate) struct Session<'a> {
    transaction: Box<dyn Transaction>,
    cache: &'a mut Cache,
    /// The epoch that this instance is in charge under, if it is.
    pub(super) leadership: Option<i64>,
    preconditions: Option<Preconditions>,
    /// Whether the database was asked, and has said nothing but what was remembered.
    source: Option<bool>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(transaction: Box<dyn Transaction>, cache: &'a mut Cache, leadership: Option<i64>) -> Self {
        Self { transaction, cache, leadership, preconditions: None, source: None }
    }

    /// Reads what is wanted.
    pub(super) async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        if self.source.is_none()
            && let Some((loaded, preconditions)) = self.cache.lookup(wanted, self.leadership)
        {
            self.preconditions.get_or_insert_default().add(preconditions);
            return Ok(loaded);
        }
        let loaded = self.transaction.load(wanted).await?;
        let known = self.cache.observe(wanted, &loaded);
        self.source = Some(self.source.unwrap_or(true) && known);
        Ok(loaded)
    }

    /// Whether the database was not asked for anything.
    pub(super) fn used_cache_only(&self) -> bool {
        self.source.is_none()
    }

    /// Writes everything.
    pub(super) async fn commit(self, changes: Changes) -> Result<Committed, StoreError> {
        let written = Written::of(&changes);
        let committed = self.transaction.commit(Changes { preconditions: self.preconditions, ..changes }).await;
        match &committed {
            Ok(_) => self.cache.wrote(written, self.source.unwrap_or(true)),
            Err(_) => self.cache.invalidate(),
        }
        committed
    }
}
