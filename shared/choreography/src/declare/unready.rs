//! Why a call of a function failed: for now, or for good.

use crate::wire::subject::InvalidKey;

/// Why a call of a function failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    /// A row has not been loaded yet.
    #[error("a row has not been loaded")]
    NotLoaded,
    /// A row that the function needs does not exist.
    #[error("{table} {key} does not exist")]
    Missing {
        /// The row's table.
        table: &'static str,
        /// The row's key.
        key: String,
    },
    /// A row that the function takes is not JSON of its type.
    #[error("row {key:?} of {table} is unreadable: {problem}")]
    Unreadable {
        /// The row's table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// The error of reading it.
        problem: String,
    },
    /// The function publishes a message that can't be written as JSON.
    #[error("{0}")]
    NotJson(String),
    /// The function publishes a message that is too large.
    #[error("{0}")]
    TooLarge(String),
    /// The function publishes a message of this name whose key can't be part of a subject.
    #[error("the key of {0} is invalid: {1}")]
    InvalidKey(&'static str, InvalidKey),
}
