//! What each service notes once a second for the others to read: how far it has read and published.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ServerStart;

/// The key-value bucket of the notes. `nats kv get PROGRESS <service>` shows one.
pub const PROGRESS: &str = "PROGRESS";

/// The largest note that the server takes, in bytes.
pub const PROGRESS_BYTES_MAX: usize = 64 * 1024;

/// A service's note. Unknown fields are ignored, and missing ones are empty: services of several versions read it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// The start of the server on which the outbox was repaired last.
    pub server_start: ServerStart,
    /// The last sequence of the stream of events when the note was made. Everything that is settled has been stored at
    /// or below it.
    pub up_to: u64,
    /// The committed position.
    pub position: u64,
    /// For each outbox of the service and each kind: the number up to which everything has been acknowledged.
    pub settled: BTreeMap<Uuid, BTreeMap<String, u64>>,
    /// The versions of each message that the service reads, by the message's name.
    pub versions: BTreeMap<String, Vec<u32>>,
    /// When the note was made, by the clock of the service.
    pub at: Timestamp,
}

impl Progress {
    /// Returns the note as JSON of at most [`PROGRESS_BYTES_MAX`] bytes. If it is longer, the oldest outboxes are left
    /// out: their subscribers have had the most time to read about them.
    #[cfg_attr(not(feature = "jetstream"), allow(dead_code, reason = "only a server stores it"))]
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut note = self.clone();
        loop {
            let json = serde_json::to_vec(&note).unwrap_or_default();
            if json.len() <= PROGRESS_BYTES_MAX || note.settled.pop_first().is_none() {
                return json;
            }
        }
    }

    /// Reads a note; none if it is unreadable.
    #[cfg_attr(not(feature = "jetstream"), allow(dead_code, reason = "only a server stores it"))]
    pub(crate) fn from_json(json: &[u8]) -> Option<Self> {
        // An array would pass for an object whose fields are all missing.
        if json.first() == Some(&b'{') { serde_json::from_slice(json).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_is_too_large_leaves_out_the_oldest_outboxes() {
        let settled = |outbox| (Uuid::from_u128(outbox), BTreeMap::from([("create-order".to_owned(), 7)]));
        let note = Progress { settled: (0..2_000).map(settled).collect(), position: 5, ..Progress::default() };
        let json = note.to_json();
        assert!(json.len() <= PROGRESS_BYTES_MAX && json.len() > PROGRESS_BYTES_MAX - 100, "{}", json.len());
        let read = Progress::from_json(&json).unwrap();
        assert_eq!((read.position, read.settled.last_key_value()), (5, note.settled.last_key_value()));
    }

    #[test]
    fn a_note_of_another_version_is_read() {
        let read = Progress::from_json(br#"{"position":7,"news":[1]}"#).unwrap();
        assert_eq!(read, Progress { position: 7, ..Progress::default() });
        assert_eq!(Progress::from_json(b"[]"), None);
    }
}
