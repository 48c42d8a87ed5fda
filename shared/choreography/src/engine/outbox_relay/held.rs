//! Which outbox rows an open circuit has held: they are marked when they are published.

use std::collections::BTreeMap;

use crate::store::OutboxRow;
use crate::wire::dead_letter::{HELD, is_of_dead_letters};
use crate::wire::envelope::Envelope;
use crate::wire::series::kind_of;

/// By message name, up to which number rows have been held.
#[derive(Default)]
pub(crate) struct HeldRows(BTreeMap<String, i64>);

impl HeldRows {
    /// Records that the rows of a message have been held, up to a number.
    pub(super) fn hold(&mut self, message: &str, last: i64) {
        match self.0.get_mut(message) {
            Some(held) => *held = last.max(*held),
            None => drop(self.0.insert(message.to_owned(), last)),
        }
    }

    /// Removes the records up to a number: those rows are acknowledged.
    pub(super) fn forget_through(&mut self, number: i64) {
        self.0.retain(|_, held| *held > number);
    }

    /// Whether an open circuit has held this row.
    pub(super) fn contains(&self, row: &OutboxRow) -> bool {
        let held = || self.0.get(message_of(&row.envelope.subject)?);
        !self.0.is_empty() && held().is_some_and(|held| row.number <= *held)
    }
}

/// Returns a message with the mark that a circuit held it: if it expires because of that, this must not keep the
/// circuit open.
pub(super) fn marked(envelope: &Envelope) -> Envelope {
    Envelope { headers: envelope.headers.with(HELD, "true"), ..envelope.clone() }
}

/// Returns the name of the message under a subject; none for dead letters and their repairs, which no circuit holds.
pub(super) fn message_of(subject: &str) -> Option<&str> {
    if is_of_dead_letters(subject) { None } else { Some(kind_of(subject)) }
}
