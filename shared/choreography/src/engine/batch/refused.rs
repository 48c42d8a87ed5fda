//! Outbox rows that the server refuses for good: each becomes a placeholder and a dead letter, so that it stops nothing
//! behind it.

use super::Attempt;
use crate::engine::outbox_relay::RefusedRow;
use crate::wire::circumstances::Circumstances;
use crate::wire::dead_letter::{Death, Reason, dead_letter, is_of_dead_letters, without_payload};
use crate::wire::series::placeholder;

impl Attempt<'_> {
    /// Sets aside the rows that the server refuses for good. Their dead letters lack the payload: it may be why.
    pub(super) fn set_aside(&mut self, refused: &[RefusedRow]) {
        for RefusedRow { row, problem } in refused {
            self.changes.placeholders.push((row.number, placeholder(&row.envelope)));
            let subject = row.envelope.subject.to_string();
            if !is_of_dead_letters(&subject) {
                let death =
                    Death { reason: Reason::Poison, detail: format!("the server refuses it: {problem}"), tries: 1 };
                let (service, now) = (self.choreography.service, self.envelopes.now);
                let circumstances = Circumstances { role: None, processed: 0, replayed: false };
                let dead_letter = dead_letter(service, &row.envelope, &death, circumstances, now);
                self.outgoing.push(without_payload(dead_letter));
                self.deaths.push((subject, death));
            } else if row.envelope.payload.is_empty() {
                tracing::error!(subject, problem, "a dead letter can't be published: its message is only in this log");
            } else {
                tracing::error!(subject, problem, "a dead letter is published without its payload");
                self.outgoing.push(without_payload(row.envelope.clone()));
            }
        }
    }
}
