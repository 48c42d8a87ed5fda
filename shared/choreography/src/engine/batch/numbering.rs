//! The numbers of outgoing messages: 1, 2, 3 … without a gap, apart for each outbox and each kind of message.
//!
//! What must hold: no number is given twice. So each process has an outbox of its own, begins another one whenever it is
//! not known whether a commit was written, and the commit checks that the numbers follow those in the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Clock;
use crate::planted::{PlantedBug, planted};
use crate::store::{NewOutboxRow, RowName, StoreError};
use crate::wire::envelope::Envelope;
use crate::wire::series::{MessageNumber, kind_of};

/// The outbox of a process, and the numbers that it has given.
pub(crate) struct Numbering {
    clock: Clock,
    outbox: Uuid,
    /// The last number of each kind.
    last: BTreeMap<Arc<str>, u64>,
}

impl Numbering {
    /// Begins an outbox. Nothing is stored before its first message.
    pub(crate) fn begin(clock: Clock) -> Self {
        Self { outbox: clock.new_id(), clock, last: BTreeMap::new() }
    }

    /// Returns the id of the current outbox.
    pub(crate) fn outbox(&self) -> Uuid {
        self.outbox
    }

    /// Returns messages as rows with the numbers that come next, in order.
    pub(crate) fn number(&self, messages: Vec<Envelope>) -> Vec<NewOutboxRow> {
        let mut last = self.last.clone();
        let mut named = |subject: &str| {
            let kind = kind_of(subject);
            let kind = last.get_key_value(kind).map_or_else(|| kind.into(), |(known, _)| known.clone());
            let number = last.entry(Arc::clone(&kind)).or_default();
            *number += 1;
            RowName { outbox: self.outbox, kind, number: *number }
        };
        let row = |message: Envelope| {
            let name = named(&message.subject);
            let number = if planted(PlantedBug::NumberGivenTwice) { name.number.max(3) - 1 } else { name.number };
            let envelope = MessageNumber { outbox: name.outbox, number }.put_on(message);
            NewOutboxRow { name, envelope, placeholder: false }
        };
        messages.into_iter().map(row).collect()
    }

    /// Records the outcome of the commit of rows: `last` holds the last number of each of their kinds. The numbers are
    /// given if it was written; if that is not known, a new outbox begins.
    pub(crate) fn committed<T>(&mut self, last: BTreeMap<Arc<str>, u64>, outcome: &Result<T, StoreError>) {
        match outcome {
            Ok(_) => self.last.extend(last),
            Err(StoreError::Database { .. }) => *self = Self::begin(self.clock.clone()),
            // Nothing was written.
            Err(_) => {}
        }
    }
}

/// Returns the last number of each kind among rows.
pub(super) fn last_numbers(rows: &[NewOutboxRow]) -> BTreeMap<Arc<str>, u64> {
    rows.iter().map(|row| (row.name.kind.clone(), row.name.number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbering: &Numbering, subjects: &[&str]) -> Vec<NewOutboxRow> {
        let envelope = |subject: &&str| Envelope { subject: (*subject).into(), ..Envelope::default() };
        numbering.number(subjects.iter().map(envelope).collect())
    }

    fn numbers(rows: &[NewOutboxRow]) -> Vec<(&str, u64)> {
        rows.iter().map(|row| (&*row.name.kind, row.name.number)).collect()
    }

    #[tokio::test]
    async fn numbers_follow_each_other_within_a_kind_and_are_given_by_a_commit() {
        let mut numbering = Numbering::begin(Clock::system());
        let first = rows(&numbering, &["order.a.1", "order.b.1", "order.a.2", "dead.order.a.1"]);
        assert_eq!(numbers(&first), [("a", 1), ("b", 1), ("a", 2), ("*dead", 1)]);
        let headers = MessageNumber { outbox: numbering.outbox, number: 2 };
        assert_eq!(MessageNumber::of(&first[2].envelope), Some(headers));
        numbering.committed(last_numbers(&first), &Err::<(), _>(StoreError::RowConflict(String::new())));
        assert_eq!(rows(&numbering, &["order.a.1", "order.b.1", "order.a.2", "dead.order.a.1"]), first);
        numbering.committed(last_numbers(&first), &Ok(()));
        assert_eq!(
            numbers(&rows(&numbering, &["order.b.3", "order.a.3", "order.c.1"])),
            [("b", 2), ("a", 3), ("c", 1)]
        );
    }

    #[tokio::test]
    async fn an_unknown_outcome_begins_a_new_outbox() {
        let mut numbering = Numbering::begin(Clock::system());
        let first = rows(&numbering, &["order.a.1"]);
        numbering.committed(last_numbers(&first), &Ok(()));
        numbering.committed(BTreeMap::new(), &Err::<(), _>(StoreError::database("committing", "it is gone")));
        assert!(numbering.outbox > first[0].name.outbox);
        assert_eq!(numbers(&rows(&numbering, &["order.a.1"])), [("a", 1)]);
    }
}
