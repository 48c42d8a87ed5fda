//! How far reading has come, as far as rows may be forgotten because of it.

use super::both_streams::BothStreams;
use super::published::Through;

/// How far reading must have come before a row may be forgotten.
///
/// A dead letter has no place in the stream of events: it may be forgotten when reading has passed everything that this
/// stream had after the dead letter was stored.
#[derive(Debug, Default)]
pub(super) struct Passed {
    through: Through,
    /// The last sequences of both streams at the look that the position has not reached yet.
    pending: Option<Through>,
}

impl Passed {
    /// Records what a look has seen: both streams, and the position that the service had committed. Returns through
    /// which places rows may be forgotten. A service that receives nothing need not wait for its position.
    pub(super) fn saw(&mut self, streams: &BothStreams, position: u64, receives: bool) -> Through {
        let last = Through { events: streams.events.last, dead_letters: streams.dead_letters.last };
        if !receives {
            return last;
        }
        self.through.events = position;
        if let Some(pending) = self.pending.take_if(|pending| pending.events <= position) {
            self.through.dead_letters = pending.dead_letters;
        }
        self.pending.get_or_insert(last);
        self.through
    }
}
