//! Why publishing on a connection ended.

use crate::bus::BusError;
use crate::store::StoreError;

/// Why publishing on a connection ended, in the ways that the relay distinguishes.
#[derive(Debug)]
pub(super) enum RelayError {
    /// The server or the database can't be reached, or the server was started anew: a new connection may help at once.
    Lost(String),
    /// The server refused something: it may go on doing so for a while.
    Refused(String),
    /// The server will never take this outbox row.
    RefusedForGood { row: i64, problem: String },
    /// Another instance leads.
    SteppedDown,
}

impl RelayError {
    /// Returns the error that publishing a row met.
    pub(super) fn of_row(error: BusError, row: i64) -> Self {
        match error {
            BusError::TooLarge(_) | BusError::Unsendable(_) | BusError::InvalidKey(_) => {
                Self::RefusedForGood { row, problem: error.to_string() }
            }
            other => other.into(),
        }
    }
}

impl From<BusError> for RelayError {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Lost(_) => Self::Lost(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl From<StoreError> for RelayError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::HeadConflict { .. } => Self::SteppedDown,
            other => Self::Lost(other.to_string()),
        }
    }
}
