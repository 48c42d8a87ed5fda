//! The streams of the server, and how a change of their state shows that the server may have lost messages.

use std::fmt::{self, Display, Formatter};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A stream of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// The messages that services publish.
    Events,
    /// The dead letters, and the records of their repairs.
    DeadLetters,
}

/// The state of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// When it was created, as the server writes it; another text means that the stream was deleted and created again.
    pub created: String,
    /// The sequence of the first message that it still has.
    pub first: u64,
    /// The sequence of the last message; 0 if there has been none.
    pub last: u64,
    /// How many messages between the first and the last are missing: the server has lost them.
    pub deleted: u64,
    /// Changes when the server may have lost messages.
    pub server_start: ServerStart,
    /// How many messages it has.
    pub messages: Filled,
    /// How many bytes it has.
    pub bytes: Filled,
    /// The settings with which it may lose or change what is published to it, each with both values; none if it is as
    /// planned.
    pub unsuitable: Option<String>,
    /// The server's time of the reply.
    pub at: Timestamp,
}

impl StreamState {
    /// Returns how much of the limit that is nearest is used, in percent. At 100 the oldest messages leave before their
    /// time.
    pub fn percent_used(&self) -> u64 {
        self.messages.percent_used().max(self.bytes.percent_used())
    }
}

/// An amount, and its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filled {
    /// The amount.
    pub amount: u64,
    /// The limit; none if there is none.
    pub limit: Option<u64>,
}

impl Filled {
    fn percent_used(self) -> u64 {
        let percent = self.limit.map_or(0, |limit| u128::from(self.amount) * 100 / u128::from(limit.max(1)));
        u64::try_from(percent).unwrap_or(u64::MAX)
    }
}

/// Identifies a start of the server, as one opaque text: it is another one whenever the server may have lost messages of
/// the stream. It says nothing about which.
///
/// All who are connected to the same server at the same time see the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerStart(String);

impl ServerStart {
    /// Returns the start that these texts identify.
    pub(super) fn of(parts: [&dyn Display; 3]) -> Self {
        Self(parts.map(|part| part.to_string()).join(" "))
    }
}

impl Display for ServerStart {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_that_is_nearest_counts() {
        let filled = |amount, limit| Filled { amount, limit };
        assert_eq!(filled(7, Some(10)).percent_used(), 70);
        assert_eq!(filled(7, None).percent_used(), 0);
        assert_eq!(filled(u64::MAX, Some(u64::MAX)).percent_used(), 100);
        assert_eq!(filled(1, Some(0)).percent_used(), 100);
    }
}
