//! The service's note of its progress, which others read. The outbox relay writes it once a second: the note says up to
//! which number everything is published, and that is known only on its connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::bus::{Progress, StreamState};
use crate::store::Given;

/// What the tasks know for the note; a clone is the same.
#[derive(Clone, Default)]
pub(crate) struct ProgressNote(Arc<Mutex<ReadingProgress>>);

/// What is noted about reading.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadingProgress {
    /// The versions of each message that the service takes, by `<publisher>.<message>`.
    pub versions: BTreeMap<String, Vec<u32>>,
    /// How many messages of each kind were processed in the last closed cycle, by `<publisher>.<message>`.
    pub processed: BTreeMap<String, u64>,
}

impl ProgressNote {
    /// Sets what is noted about reading.
    pub(crate) fn set_reading(&self, reading: ReadingProgress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reading;
    }

    /// Returns the note. `settled` must have been true before the state of the stream of events was requested.
    pub(crate) fn note(&self, settled: Vec<Given>, events: &StreamState, position: u64, at: Timestamp) -> Progress {
        let ReadingProgress { versions, processed } = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut note = Progress {
            server_start: events.server_start.clone(),
            up_to: events.last,
            position,
            settled: BTreeMap::new(),
            versions,
            processed,
            at,
        };
        for Given { outbox, kind, last, .. } in settled {
            note.settled.entry(outbox).or_default().insert(kind.to_string(), last);
        }
        note
    }
}
