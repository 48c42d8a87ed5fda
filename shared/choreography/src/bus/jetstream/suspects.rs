//! The places at which a connection broke while stored messages were read.
//!
//! A header that is against the protocol makes the client give up the connection, and the next one meets it again. So
//! what follows such a place is read singly, by requests whose replies do not carry the headers as headers.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The most places that are remembered, the latest ones: an older one is found again.
const SUSPECTS_MAX: usize = 64;

/// The places of one server, in the order in which they were found. What is read is a stream and a subject.
#[derive(Default)]
pub(super) struct Suspects {
    places: Mutex<VecDeque<Suspect>>,
}

struct Suspect {
    stream: String,
    subject: String,
    /// The connection broke when what follows this sequence was to arrive.
    after: u64,
}

impl Suspects {
    /// Returns the sequence behind which the connection broke.
    pub(super) fn after(&self, stream: &str, subject: &str) -> Option<u64> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places
            .iter()
            .find(|suspect| suspect.stream == stream && suspect.subject == subject)
            .map(|suspect| suspect.after)
    }

    /// Replaces the place; none forgets it.
    pub(super) fn set(&self, stream: &str, subject: &str, after: Option<u64>) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|suspect| suspect.stream != stream || suspect.subject != subject);
        let Some(after) = after else { return };
        places.push_back(Suspect { stream: stream.to_owned(), subject: subject.to_owned(), after });
        while places.len() > SUSPECTS_MAX {
            places.pop_front();
        }
    }
}
