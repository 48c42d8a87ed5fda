//! What the run before this one left behind, for the parts that look for what it crashed on.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::store::{LastRun, Store, StoreError};

/// The record of this run in the database; a clone is the same record.
#[derive(Clone, Default)]
pub(crate) struct RunRecord {
    last: Arc<OnceCell<LastRun>>,
}

impl RunRecord {
    /// Records that this process begins to work as the leader, at the first call. Returns what the run before it left
    /// behind.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn begin(&self, store: &dyn Store) -> Result<&LastRun, StoreError> {
        self.last.get_or_try_init(|| store.begin_run()).await
    }
}
