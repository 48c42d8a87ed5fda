//! How a batch reads and writes: from memory where the last batches left what it wants, from the database otherwise.

use crate::cache::{Cache, Written};
use crate::store::{Assumed, Changes, Committed, Loaded, StoreError, Transaction, Wanted};

/// One transaction, with what is remembered beside it.
pub(crate) struct Session<'a> {
    transaction: Box<dyn Transaction>,
    cache: &'a mut Cache,
    /// The epoch that this instance is in charge under, if it is.
    pub(super) charge: Option<i64>,
    assumed: Option<Assumed>,
    /// Whether the database was asked, and has said nothing but what was remembered.
    asked: Option<bool>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(transaction: Box<dyn Transaction>, cache: &'a mut Cache, charge: Option<i64>) -> Self {
        Self { transaction, cache, charge, assumed: None, asked: None }
    }

    /// Reads what is wanted.
    pub(super) async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        if self.asked.is_none()
            && let Some((loaded, assumed)) = self.cache.recall(wanted, self.charge)
        {
            self.assumed.get_or_insert_default().add(assumed);
            return Ok(loaded);
        }
        let loaded = self.transaction.load(wanted).await?;
        let known = self.cache.learn(wanted, &loaded);
        self.asked = Some(self.asked.unwrap_or(true) && known);
        Ok(loaded)
    }

    /// Whether the database was not asked for anything.
    pub(super) fn went_by_memory(&self) -> bool {
        self.asked.is_none()
    }

    /// Writes everything.
    pub(super) async fn commit(self, changes: Changes) -> Result<Committed, StoreError> {
        let written = Written::of(&changes);
        let committed = self.transaction.commit(Changes { assumed: self.assumed, ..changes }).await;
        match &committed {
            Ok(_) => self.cache.wrote(written, self.asked.unwrap_or(true)),
            Err(_) => self.cache.doubt(),
        }
        committed
    }
}
