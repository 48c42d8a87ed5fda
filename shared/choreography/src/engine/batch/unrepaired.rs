//! What an operator has to repair: compensations that died, and messages whose fallback failed. Nothing else leaves a
//! story half compensated, so both are reported until they are repaired.
//!
//! However long that takes, there is a dead letter to repair: the database keeps it as a scheduled message, and it is
//! published again before the one in the stream, or the record of the death, is forgotten.

use uuid::Uuid;

use super::Attempt;
use crate::clock::later;
use crate::store::{self, DeadCompensation, ScheduleChange, ScheduledRow};
use crate::wire::dead_letter::TRIES;
use crate::wire::envelope::Envelope;

/// The name of the scheduled dead letters: no message's name, because of the star. Their key is the message's id.
const UNREPAIRED: &str = "*unrepaired";
/// How often a dead letter is published again in the time for which it is kept.
const TIMES: u32 = 4;

/// A message that has died, with its dead letter.
pub(super) struct UnrepairedMessage {
    pub id: Uuid,
    /// The subject of the message.
    pub subject: String,
    pub dead_letter: Envelope,
}

impl Attempt<'_> {
    /// Reports a dead message until an operator has it replayed or dropped.
    pub(super) fn leave_unrepaired(&mut self, dead: UnrepairedMessage) {
        let UnrepairedMessage { id, subject, dead_letter } = dead;
        if self.changes.compensations_died.iter().all(|known| known.id != id) {
            self.changes.compensations_died.push(DeadCompensation { id, subject });
        }
        self.schedule_again(id.to_string(), dead_letter);
    }

    /// Records that a dead message is repaired.
    pub(super) fn note_repaired(&mut self, id: Uuid) {
        self.changes.repaired.push(id);
        self.changes.scheduled.push(ScheduleChange::Remove { name: UNREPAIRED.to_owned(), key: id.to_string() });
    }

    /// Publishes the dead letter of a message again that is still unrepaired, and keeps the record of its death. Returns any
    /// other scheduled message.
    pub(super) fn publish_unrepaired_again(&mut self, row: ScheduledRow) -> Option<ScheduledRow> {
        if row.name != UNREPAIRED {
            return Some(row);
        }
        let tries = row.envelope.header(TRIES).and_then(|tries| tries.parse().ok());
        if let Ok(id) = row.key.parse() {
            // The repair is in the same batch.
            if self.changes.repaired.contains(&id) {
                return None;
            }
            self.changes.deaths.push(store::DeadMessage { id, tries: tries.unwrap_or_default() });
        }
        self.outgoing.push(row.envelope.clone());
        self.schedule_again(row.key, row.envelope);
        None
    }

    fn schedule_again(&mut self, key: String, envelope: Envelope) {
        let due_ms = later(self.envelopes.now, self.envelopes.settings.dead_kept / TIMES).as_millisecond();
        self.changes.scheduled.push(ScheduleChange::Set(ScheduledRow {
            name: UNREPAIRED.to_owned(),
            key,
            due_ms,
            envelope,
        }));
    }
}
