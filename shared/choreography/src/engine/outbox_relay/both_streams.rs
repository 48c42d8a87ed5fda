//! The state of both streams, as it was requested at one moment.

use super::error::RelayError;
use crate::bus::{Connection, Stream, StreamState};
use crate::wire::dead_letter::{DEAD_LETTERS, EVENTS};

/// The state of both streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BothStreams {
    pub(super) events: StreamState,
    pub(super) dead_letters: StreamState,
}

impl BothStreams {
    /// Requests the state of both streams, and checks their settings.
    pub(super) async fn request(connection: &dyn Connection) -> Result<Self, RelayError> {
        let events = connection.stream(Stream::Events).await?;
        Self { events, dead_letters: connection.stream(Stream::DeadLetters).await? }.check_settings()
    }

    /// Checks that the streams keep what is published. One that drops messages by another setting would get those again
    /// that the relay finds missing, and drop others.
    fn check_settings(self) -> Result<Self, RelayError> {
        let streams = [(EVENTS, &self.events), (DEAD_LETTERS, &self.dead_letters)];
        let Some((stream, settings)) =
            streams.iter().find_map(|(stream, state)| Some((stream, state.unsuitable.as_ref()?)))
        else {
            return Ok(self);
        };
        Err(RelayError::Refused(format!(
            "the stream {stream} may lose messages, because its settings are not as planned: {settings}; nothing is \
             published until they are: run the provisioning step"
        )))
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
