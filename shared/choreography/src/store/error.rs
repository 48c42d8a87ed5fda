//! Why a database operation failed, in the ways that the engine distinguishes.

use std::error::Error;

use super::Head;
use crate::declare::stored_row::UnwritableRow;

/// Why a database operation failed. Nothing was written, except where a commit fails with [`StoreError::Database`]: then
/// it is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another instance is the leader, or has moved the position or settled an effect: this one must stop reading.
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
    /// The database is older than this process, or another one: it was put back while the process runs. The process must
    /// end, because it would give numbers to messages that others have given already, or write where nobody reads.
    #[error("the database was put back while this process runs: {0}")]
    PutBack(String),
    /// A constraint of the service's own migrations does not allow what a batch writes. The same batch fails again; parts
    /// of it may not.
    #[error("a constraint is violated: {operation}: {detail}")]
    Violation {
        /// What was being done, as `writing rows of payment`.
        operation: String,
        /// The constraint, as the database names it.
        detail: String,
    },
    /// A changed row can't be written as JSON. The same batch fails again; parts of it may not.
    #[error("row {key:?} of {table} can't be written as JSON: {problem}")]
    Unwritable {
        /// The row's table.
        table: String,
        /// The row's key.
        key: String,
        /// The error of writing it.
        problem: String,
    },
    /// A stored row is not JSON of its type: an operator must mend it.
    #[error("row {key:?} of {table} is unreadable")]
    Unreadable {
        /// The row's table.
        table: String,
        /// The row's key, or the value by which it was found.
        key: String,
    },
    /// The database failed. It is not known whether a commit that failed like this was written. The same operation may
    /// succeed later.
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

impl From<UnwritableRow> for StoreError {
    fn from(UnwritableRow { table, key, problem }: UnwritableRow) -> Self {
        Self::Unwritable { table: table.to_owned(), key, problem }
    }
}

/// Returns the error for a batch that finishes an effect which is not queued: another instance has finished it, or a
/// commit whose answer was lost has, or the database was put back to a copy from before the effect's message.
pub(crate) fn effects_gone(head: &Head) -> StoreError {
    StoreError::HeadConflict { epoch: head.epoch, position: head.position.sequence }
}

/// Returns the error for a head whose epoch is lower than the one that this process has seen.
pub(crate) fn put_back_head(seen: i64, found: i64) -> StoreError {
    StoreError::PutBack(format!("its epoch is {found}, but it was {seen} before"))
}

/// Returns the error for outbox rows that do not follow the highest stored numbers.
pub(crate) fn put_back_numbers() -> StoreError {
    StoreError::PutBack("the numbers that this process has given last are not in it".to_owned())
}
