//! For operators: what a service knows about the stream that it reads, how a halted one goes on, and how lost messages are
//! accepted. Every program of a service has it as the command `stream`.
//!
//! All of it works while the service runs, which then begins to read anew by itself, and while it does not.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), choreography::recovery::RecoveryError> {
//! use choreography::bus::memory::MemoryBus;
//! use choreography::recovery::Recovery;
//! use choreography::store::memory::MemoryStore;
//!
//! let recovery = Recovery { store: &MemoryStore::new(), bus: &MemoryBus::new() };
//! let report = recovery.report().await?;
//! assert_eq!((report.halted, report.lost.len()), (None, 0));
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

use jiff::Timestamp;

use crate::bus::{Bus, BusError, Stream};
use crate::engine::reader::place_before;
use crate::store::{Checkpoint, SeriesRange, Store, StoreError};

/// The database and the message server of a service.
#[derive(Clone, Copy)]
pub struct Recovery<'a> {
    /// The service's database.
    pub store: &'a dyn Store,
    /// The message server, with the service's user.
    pub bus: &'a dyn Bus,
}

/// What a service knows about the stream that it reads, and what the stream is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamReport {
    /// The sequence of the last message that was committed.
    pub position: u64,
    /// When the server had stored it; none if that is not known.
    pub position_stored: Option<Timestamp>,
    /// Why reading has stopped until an operator goes on; none if it has not.
    pub halted: Option<String>,
    /// The messages that were published and are lost, by series, until that is accepted or they come.
    pub lost: Vec<SeriesRange>,
    /// How many messages the stream has, by kind, of commands that a database that was put back does not know, until that
    /// is accepted.
    pub lost_commands: Vec<(Arc<str>, u64)>,
    /// The sequence of the first message that the stream has.
    pub first: u64,
    /// The sequence of the last message that the stream has.
    pub last: u64,
    /// Where to go on by default: at the first message that was stored after the one that was read last.
    pub proposed: u64,
}

impl StreamReport {
    /// Returns the sequence at which the service would go on.
    ///
    /// # Errors
    /// [`RecoveryError::NotInStream`] for a sequence that the stream does not have.
    pub fn place(&self, go_on: GoOn) -> Result<u64, RecoveryError> {
        let (first, next) = (self.first, self.last + 1);
        match go_on {
            GoOn::Proposed => Ok(self.proposed),
            GoOn::First => Ok(first),
            GoOn::At(sequence) if (first..=next.max(first)).contains(&sequence) => Ok(sequence),
            GoOn::At(sequence) => Err(RecoveryError::NotInStream { sequence, first, next }),
        }
    }
}

/// Where a halted service goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoOn {
    /// At the first message that was stored after the one that was read last. What the server has lost, and what it
    /// stored before and this service has not read, is not read: those numbers are reported as lost.
    Proposed,
    /// At the first message of the stream. What was received before is skipped by its number; steps that have expired
    /// die.
    First,
    /// At a sequence. What was received before is skipped by its number, and what lies before the sequence and was not
    /// received is reported as lost.
    At(u64),
}

/// Why an operator's command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The message server can't be reached, or refused.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The stream does not have that sequence.
    #[error("{sequence} is not in the stream: choose a sequence from {first} to {next}")]
    NotInStream {
        /// The sequence.
        sequence: u64,
        /// The first sequence of the stream.
        first: u64,
        /// The sequence that the next message gets.
        next: u64,
    },
}

impl Recovery<'_> {
    /// Returns what the service knows, and where it may go on.
    ///
    /// # Errors
    /// When the database or the message server fails.
    pub async fn report(&self) -> Result<StreamReport, RecoveryError> {
        let state = self.store.reading_state().await?;
        let connection = self.bus.connect().await?;
        let stream = connection.stream(Stream::Events).await?;
        let Checkpoint { sequence: position, stamp_ns, .. } = state.head.position;
        let later = connection.first_stamped_after(stamp_ns).await?;
        let position_stored = Timestamp::from_nanosecond(i128::from(stamp_ns)).ok().filter(|_| stamp_ns > 0);
        Ok(StreamReport {
            position,
            position_stored,
            halted: state.head.halted,
            lost: state.reported,
            lost_commands: state.lost_commands,
            first: stream.first.max(1),
            last: stream.last,
            proposed: later.unwrap_or(stream.last + 1),
        })
    }

    /// Lets the service go on. Returns the sequence at which it does. It also begins anew where it is not halted.
    ///
    /// # Errors
    /// [`RecoveryError::NotInStream`] for a sequence that the stream does not have; or when the database or the message
    /// server fails.
    pub async fn resume(&self, go_on: GoOn) -> Result<u64, RecoveryError> {
        let from = self.report().await?.place(go_on)?;
        let connection = self.bus.connect().await?;
        let stream = connection.stream(Stream::Events).await?;
        let to = place_before(connection.as_ref(), &stream, from).await?;
        self.store.resume(to, &stream.created).await?;
        Ok(from)
    }

    /// Accepts that messages and commands are lost: they are reported no more, and messages are skipped should they come.
    /// Returns how many messages there were, with those that the lost commands had published.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accept_lost(&self) -> Result<u64, RecoveryError> {
        Ok(self.store.accept_lost().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_beyond_the_end_of_the_stream_is_refused_before_anything_is_done() {
        let report = StreamReport {
            position: 7,
            position_stored: None,
            halted: None,
            lost: Vec::new(),
            lost_commands: Vec::new(),
            first: 3,
            last: 9,
            proposed: 8,
        };
        for (go_on, place) in [(GoOn::Proposed, 8), (GoOn::First, 3), (GoOn::At(3), 3), (GoOn::At(10), 10)] {
            assert_eq!(report.place(go_on).unwrap(), place);
        }
        for sequence in [2, 11] {
            let refused = report.place(GoOn::At(sequence)).unwrap_err().to_string();
            assert!(refused.ends_with("choose a sequence from 3 to 10"), "{refused}");
        }
    }
}
