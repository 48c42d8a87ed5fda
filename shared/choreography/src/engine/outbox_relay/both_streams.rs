//! The state of both streams, as it was requested at one moment.

use super::error::RelayError;
use crate::bus::{Connection, Stream, StreamState};

/// The state of both streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BothStreams {
    pub(super) events: StreamState,
    pub(super) dead_letters: StreamState,
}

impl BothStreams {
    /// Requests the state of both streams.
    pub(super) async fn request(connection: &dyn Connection) -> Result<Self, RelayError> {
        let events = connection.stream(Stream::Events).await?;
        Ok(Self { events, dead_letters: connection.stream(Stream::DeadLetters).await? })
    }

    /// Checks that the server has not been started anew, and has lost nothing, since an earlier look.
    pub(super) fn check_start(&self, before: &Self) -> Result<(), RelayError> {
        let is_same = self.events.server_start == before.events.server_start
            && self.dead_letters.server_start == before.dead_letters.server_start;
        match is_same {
            true => Ok(()),
            false => Err(RelayError::Lost("the server was started anew, or a stream has lost messages".to_owned())),
        }
    }
}
