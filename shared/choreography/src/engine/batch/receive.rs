//! Received messages in a batch: each is decoded, and queued once.

use std::collections::HashMap;

use uuid::Uuid;

use super::decode::{Decoded, decode};
use super::envelopes::Cause;
use super::{Action, Attempt, BatchInput, DeadlyMessage, ReceivedMessage, WorkItem};
use crate::bus::Delivery;
use crate::declare::call::ErasedInput;
use crate::settings::BATCH_MAX;
use crate::store::{InboxRow, Wanted};
use crate::wire::dead_letter::{Death, Reason};
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::repair::{DROP_REASON, Repair, RepairOutcome};

/// The messages of a batch, decoded.
pub(super) type DecodedDeliveries<'a> = Vec<(&'a Delivery, Decoded<'a>)>;

impl<'a> Attempt<'a> {
    /// Decodes messages and commands, before any row is loaded. Returns them, and what they need from the database.
    pub(super) fn decode(&mut self, batch: &'a BatchInput) -> (DecodedDeliveries<'a>, Vec<WorkItem<'a>>, Wanted) {
        let now = self.envelopes.now;
        let decoded: Vec<_> = batch
            .deliveries
            .iter()
            .map(|delivery| {
                let decoded = decode(self.choreography, &delivery.envelope, now);
                (delivery, reject_deadly(decoded, batch.deadly))
            })
            .collect();
        let received = decoded.iter().filter_map(|(_, decoded)| decoded.heading()).map(|heading| heading.id).collect();
        let keys = batch.commands.iter().filter_map(|command| Some(command.idempotency.as_ref()?.key.clone()));
        let due = batch.due.then_some((now, u32::try_from(BATCH_MAX).unwrap_or(u32::MAX)));
        let wanted = Wanted { received, replies: keys.collect(), due, ..Wanted::default() };
        let commands = batch.commands.iter().enumerate();
        let calls: Vec<_> = commands.filter_map(|(index, command)| self.call_of(index, command)).collect();
        for (delivery, decoded) in &decoded {
            let (Decoded::Accepted(_, input), Some((_, name, _))) = (decoded, delivery.envelope.parts()) else {
                continue;
            };
            self.count_processed(name);
            if let (Some(input), Some(handler)) = (input, self.choreography.handler(name)) {
                self.want(|tables| handler.want(input, tables));
            }
        }
        calls.iter().for_each(|item| self.want(|tables| item.want(tables)));
        (decoded, calls, wanted)
    }

    /// Counts a message that can be processed. All of a batch are counted before the first of them dies.
    fn count_processed(&mut self, name: &str) {
        let reaction = self.choreography.handler(name).map(|handler| handler.message);
        let known = reaction.or_else(|| self.choreography.effect_handler(name).map(|effect| effect.message));
        if let Some(name) = known {
            *self.processed.entry(name).or_default() += 1;
        }
    }

    /// Receives messages, each once. `known` are the ids that the inbox has, with the tries of those that died.
    pub(super) fn receive(&mut self, decoded: DecodedDeliveries<'a>, mut known: HashMap<Uuid, Option<u32>>) {
        for (delivery, decoded) in decoded {
            let heading = match &decoded {
                Decoded::Unreadable(problem) => {
                    self.die_unread(delivery, problem);
                    continue;
                }
                Decoded::Rejected(heading, _) | Decoded::Accepted(heading, _) => *heading,
            };
            if !self.is_to_process(&heading, &delivery.envelope, &mut known) {
                continue;
            }
            known.insert(heading.id, None);
            let message = ReceivedMessage::delivered(delivery, &heading);
            match decoded {
                Decoded::Unreadable(_) => {}
                Decoded::Rejected(_, death) => self.die_in_turn(&message.to_store(), death),
                Decoded::Accepted(heading, input) => self.accept(message, &heading, input),
            }
        }
    }

    /// Whether a message is processed: it is new, or the replay of one that died here.
    fn is_to_process(
        &mut self,
        heading: &Heading<'_>,
        envelope: &Envelope,
        known: &mut HashMap<Uuid, Option<u32>>,
    ) -> bool {
        let Some(Ok(repair)) = Repair::of(envelope) else { return !known.contains_key(&heading.id) };
        if repair.service != self.choreography.service {
            return false;
        }
        if known.get(&heading.id) != Some(&Some(repair.tries)) {
            let detail = format!("it is not dead after {} tries: it was repaired already", repair.tries);
            self.record_repair(envelope, RepairOutcome::Refused, &detail);
            return false;
        }
        known.insert(heading.id, None); // the same repair may be in the batch twice
        self.note_repaired(heading.id);
        if !repair.replay {
            self.changes.inbox.push(InboxRow { id: heading.id, dead_tries: None });
            self.record_repair(envelope, RepairOutcome::Done, envelope.header(DROP_REASON).unwrap_or("dropped"));
        }
        repair.replay
    }

    /// Queues an accepted message for its reaction, its effect, or both.
    fn accept(&mut self, message: ReceivedMessage, heading: &Heading<'_>, input: Option<ErasedInput>) {
        self.received += 1;
        self.changes.inbox.push(InboxRow { id: message.id, dead_tries: None });
        let handler = message.envelope.parts().and_then(|(_, name, _)| self.choreography.handler(name));
        let message = Box::new(message);
        match (handler, input) {
            (Some(handler), Some(input)) => {
                let cause = Cause::of(heading, handler.deadline(heading));
                self.queue.push_back(WorkItem { action: Action::React { handler, message }, input, cause });
            }
            _ => self.queue_effect(message, Cause::of(heading, None)),
        }
    }
}

/// Rejects the message that is not tried any more.
fn reject_deadly(decoded: Decoded<'_>, deadly: Option<DeadlyMessage>) -> Decoded<'_> {
    let Some((heading, DeadlyMessage { id, crashes })) = decoded.heading().zip(deadly) else { return decoded };
    if heading.id != id {
        return decoded;
    }
    let detail = format!("deadly: {crashes} processes crashed on it");
    Decoded::Rejected(heading, Death { reason: Reason::Poison, detail, tries: crashes })
}
