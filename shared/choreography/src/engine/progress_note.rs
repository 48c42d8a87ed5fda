//! The service's note of its progress, which others read. The outbox relay writes it once a second: the note says up to
//! which number everything is published, and that is known only on its connection.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::bus::{Progress, StreamState};
use crate::store::Given;

/// Returns the note. `settled` must have been true before the state of the stream of events was requested.
pub(crate) fn note(
    versions: &BTreeMap<String, Vec<u32>>,
    settled: Vec<Given>,
    events: &StreamState,
    position: u64,
    at: Timestamp,
) -> Progress {
    let mut note = Progress {
        server_start: events.server_start.clone(),
        up_to: events.last,
        position,
        settled: BTreeMap::new(),
        versions: versions.clone(),
        at,
    };
    for Given { outbox, kind, last, .. } in settled {
        note.settled.entry(outbox).or_default().insert(kind.to_string(), last);
    }
    note
}
