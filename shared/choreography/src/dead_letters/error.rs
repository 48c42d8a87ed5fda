//! The errors of reading and repairing dead letters.

use crate::bus::BusError;

/// The most dead letters that one listing holds in memory: about 200 MB.
pub const DEAD_LETTERS_MAX: usize = 200_000;

/// Why dead letters could not be read or repaired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeadLettersError {
    /// The server can't be reached, refuses, or has no stream of dead letters.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The filter matches more than [`DEAD_LETTERS_MAX`] dead letters.
    #[error("more than {DEAD_LETTERS_MAX} dead letters match: narrow the filter")]
    TooMany,
    /// The connection failed while a message was published for a repair.
    #[error("publishing the message of dead letter {dead_letter}")]
    Publish {
        /// The sequence of the dead letter.
        dead_letter: u64,
        /// What failed.
        source: BusError,
    },
}
