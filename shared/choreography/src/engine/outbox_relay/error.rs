//! Why publishing on a connection ended.

use crate::bus::BusError;
use crate::store::{OutboxRow, StoreError};
use crate::wire::envelope::MESSAGE_BYTES_MAX;

/// Why publishing on a connection ended, in the ways that the relay distinguishes.
#[derive(Debug)]
pub(super) enum RelayError {
    /// The server or the database can't be reached, or the server was started anew: a new connection may help at once.
    Lost(String),
    /// The server refused something: it may go on doing so for a while.
    Refused(String),
    /// This outbox row can never be sent, to any server.
    Unsendable { row: i64, problem: String },
    /// Another instance leads.
    SteppedDown,
}

impl RelayError {
    /// Checks that a row is not larger than a stream takes that is as planned.
    pub(super) fn check_size(row: &OutboxRow) -> Result<(), Self> {
        let bytes = row.envelope.sent_bytes();
        if bytes <= MESSAGE_BYTES_MAX {
            return Ok(());
        }
        let problem = format!("it has {bytes} bytes; a message has at most {MESSAGE_BYTES_MAX}");
        Err(Self::Unsendable { row: row.number, problem })
    }

    /// Returns the error that publishing a row met. Only what is checked here says that a row can never be sent: a
    /// server that finds one too large that is not has other limits than planned, and may get them back.
    pub(super) fn of_row(error: BusError, row: i64) -> Self {
        match error {
            BusError::Unsendable(_) | BusError::InvalidKey(_) => Self::Unsendable { row, problem: error.to_string() },
            BusError::TooLarge(problem) => Self::Refused(format!(
                "the server does not take a message of at most {MESSAGE_BYTES_MAX} bytes: {problem}: run the \
                 provisioning step, and check max_payload of the server; the messages are kept and tried again"
            )),
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
