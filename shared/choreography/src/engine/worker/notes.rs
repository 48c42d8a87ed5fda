//! What the publishers note once a second about their numbers, and which of them are missing here.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::engine::reader::PublisherNote;
use crate::engine::received_numbers::ReceivedNumbers;
use crate::settings::BATCH_MAX;
use crate::store::{Checkpoint, SeriesRange};

/// The notes of the publishers, written since the server's last start.
#[derive(Default)]
pub(super) struct Notes {
    latest: BTreeMap<Arc<str>, PublisherNote>,
    /// The notes that reading has not passed yet. A later one does not replace them: under load reading may never reach
    /// the latest.
    ahead: BTreeMap<Arc<str>, PublisherNote>,
}

impl Notes {
    pub(super) fn take(&mut self, notes: Vec<PublisherNote>) {
        for note in notes {
            self.latest.insert(note.publisher.clone(), note.clone());
            self.ahead.entry(note.publisher.clone()).or_insert(note);
        }
    }

    /// Returns the numbers that are missing though reading has passed what the notes cover: at most as many ranges as a
    /// batch takes.
    pub(super) fn missing(&mut self, position: Checkpoint, received: &ReceivedNumbers) -> Vec<SeriesRange> {
        let mut missing = Vec::new();
        self.ahead.retain(|publisher, note| {
            let is_passed = note.up_to <= position.sequence;
            if is_passed {
                for (outbox, kind, settled) in &note.settled {
                    let room = BATCH_MAX - missing.len();
                    missing.extend(received.missing(publisher, *outbox, kind, *settled, room));
                }
            }
            !is_passed
        });
        missing
    }

    /// Returns each publisher with the series that its latest note names.
    pub(super) fn named(&self) -> impl Iterator<Item = (&Arc<str>, Vec<(Uuid, Arc<str>)>)> {
        let series =
            |note: &PublisherNote| note.settled.iter().map(|(outbox, kind, _)| (*outbox, kind.clone())).collect();
        self.latest.iter().map(move |(publisher, note)| (publisher, series(note)))
    }
}
