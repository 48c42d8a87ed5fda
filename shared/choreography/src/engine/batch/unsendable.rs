//! Outbox rows that can never be sent: each becomes a placeholder and a dead letter, so that it stops nothing behind it.

use super::Attempt;
use crate::engine::outbox_relay::UnsendableRow;
use crate::wire::circumstances::Circumstances;
use crate::wire::dead_letter::{Death, Reason, UNREADABLE, dead_letter, is_of_dead_letters, one_line, without_payload};
use crate::wire::envelope::Envelope;
use crate::wire::headers::Headers;
use crate::wire::series::placeholder;

impl Attempt<'_> {
    /// Sets aside the rows that can never be sent. Their dead letters have the payload, as far as it fits.
    pub(super) fn set_aside(&mut self, unsendable: &[UnsendableRow]) {
        for UnsendableRow { row, problem, .. } in unsendable {
            self.changes.placeholders.push((row.number, placeholder(&row.envelope)));
            let subject = row.envelope.subject.to_string();
            if !is_of_dead_letters(&subject) {
                let death = Death { reason: Reason::Poison, detail: problem.clone(), tries: 1 };
                let (service, now) = (self.choreography.service, self.envelopes.now);
                let circumstances = Circumstances { role: None, processed: 0, replayed: false };
                let message = marked(&row.envelope, problem);
                self.outgoing.push(dead_letter(service, &message, &death, circumstances, now));
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

/// Returns a message with the mark that nobody can replay it: it would be as little sendable as before.
fn marked(message: &Envelope, problem: &str) -> Envelope {
    let mark = one_line(problem);
    // First, so that it has room.
    let headers: Headers = [(UNREADABLE, mark.as_str())].into_iter().chain(message.headers.iter()).collect();
    Envelope { headers, ..message.clone() }
}
