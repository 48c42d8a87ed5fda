//! The outbox of a publisher in whose name a test publishes.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::wire::envelope::Envelope;
use crate::wire::series::MessageNumber;

/// The outbox of a publisher in whose name a test publishes.
pub(super) struct OutsideOutbox {
    id: Uuid,
    /// The last number of each of its messages.
    last: BTreeMap<&'static str, u64>,
}

impl OutsideOutbox {
    /// Returns an outbox from which nothing was published.
    pub(super) fn new(id: Uuid) -> Self {
        Self { id, last: BTreeMap::new() }
    }

    /// Returns a message with the next number.
    pub(super) fn number(&mut self, message: &'static str, envelope: Envelope) -> Envelope {
        let number = self.last.entry(message).or_insert(0);
        *number += 1;
        MessageNumber { outbox: self.id, number: *number }.put_on(envelope)
    }
}
