//! Why a database operation failed, in the three ways that the engine distinguishes.

use std::error::Error;

/// Why a database operation failed. In all cases nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another instance is the leader, or has moved the position: this one must stop reading.
    #[error("another instance is the leader: the head is not at epoch {epoch}, position {position} any more")]
    HeadConflict {
        /// The epoch that the operation expected.
        epoch: i64,
        /// The position that the operation expected.
        position: u64,
    },
    /// A row was changed by another instance since it was loaded, an idempotency key was taken meanwhile, or another
    /// precondition does not hold. The same operation may succeed with rows that are loaded again.
    #[error("changed by another instance meanwhile: {0}")]
    RowConflict(String),
    /// The database failed. The same operation may succeed later.
    #[error("the database failed: {operation}: {cause}")]
    Database {
        /// What was being done, as `loading rows of payment`.
        operation: String,
        /// The error of the database or of its driver.
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Returns the failure of an operation, as `loading rows of payment`, with its cause.
    pub fn database(operation: impl Into<String>, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Database { operation: operation.into(), cause: cause.into() }
    }
}
