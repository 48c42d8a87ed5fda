//! Rows as a store has them: the key as text, the state as JSON, which copies share.

use std::sync::Arc;

/// A stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// The key, as text.
    pub key: String,
    /// The number of writes of this row, from 1.
    pub version: i64,
    /// The state, as JSON.
    pub state: Arc<str>,
}

/// A row to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub table: &'static str,
    /// The key, as text.
    pub key: String,
    /// The version that was loaded, 0 if there was no row. The stored one will be one higher.
    pub version: i64,
    /// The new state as JSON; none deletes the row, if there is one.
    pub state: Option<Arc<str>>,
}

impl RowChange {
    /// Whether it deletes a row that does not exist.
    pub(crate) fn is_nothing(&self) -> bool {
        self.state.is_none() && self.version == 0
    }
}

/// A stored row whose state is not JSON of its type: after a typo of a hand edit, or with a value that this version of
/// the service does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {key:?} of {table} is unreadable: {problem}")]
pub(crate) struct UnreadableRow {
    pub(crate) table: &'static str,
    pub(crate) key: String,
    pub(crate) problem: String,
}

/// A changed row that its type can't write as JSON: a bug of the type, for the values that the row has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnwritableRow {
    pub(crate) table: &'static str,
    pub(crate) key: String,
    pub(crate) problem: String,
}
