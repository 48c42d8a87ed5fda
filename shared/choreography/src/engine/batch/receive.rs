//! Received messages in a batch: each is decoded, and queued once. Its number says whether it was received before; of a
//! repair, the database says whether it is to be done.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::decode::{Decoded, decode};
use super::envelopes::Cause;
use super::receipts::Receipt;
use super::{Action, Attempt, BatchInput, DeadlyMessage, ReceivedMessage, WorkItem};
use crate::bus::Delivery;
use crate::declare::call::ErasedInput;
use crate::store::Wanted;
use crate::wire::dead_letter::{Death, Reason};
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::repair::{DROP_REASON, Repair, RepairOutcome};
use crate::wire::series::{MessageNumber, is_placeholder, kind_of};

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
                let decoded = decode(self.choreography, &delivery.envelope, now, self.is_read_again(delivery));
                (delivery, reject_deadly(decoded, batch.deadly))
            })
            .collect();
        let repairs = decoded.iter().filter(|(delivery, _)| Repair::of(&delivery.envelope).is_some());
        let dead = repairs.filter_map(|(_, decoded)| Some(decoded.heading()?.id)).collect();
        let keys = batch.commands.iter().filter_map(|command| Some(command.idempotency.as_ref()?.key.clone()));
        let due = Some(batch.due).filter(|due| *due > 0).map(|due| (now, u32::try_from(due).unwrap_or(u32::MAX)));
        let wanted = Wanted { dead, replies: keys.collect(), due, ..Wanted::default() };
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

    /// Receives messages, each once. `dead` are the messages among them that died here, with their tries.
    pub(super) fn receive(&mut self, decoded: DecodedDeliveries<'a>, mut dead: BTreeMap<Uuid, u32>) {
        for (delivery, decoded) in decoded {
            let decoded = self.die_again(delivery, decoded);
            if !self.is_to_process(delivery, &decoded, &mut dead) {
                continue;
            }
            match decoded {
                Decoded::Unreadable(problem) => self.die_unread(delivery, &problem),
                Decoded::Rejected(heading, death) => {
                    self.die_in_turn(&ReceivedMessage::delivered(delivery, &heading).to_store(), death);
                }
                Decoded::Accepted(heading, input) => {
                    self.accept(ReceivedMessage::delivered(delivery, &heading), &heading, input);
                }
            }
        }
    }

    /// Whether a message is processed: its number is new, or it is the replay of one that died here.
    fn is_to_process(&mut self, delivery: &Delivery, decoded: &Decoded<'_>, dead: &mut BTreeMap<Uuid, u32>) -> bool {
        let envelope = &delivery.envelope;
        match (Repair::of(envelope), decoded.heading()) {
            (Some(Ok(repair)), Some(heading)) => return self.repair(&repair, heading.id, envelope, dead),
            (Some(Ok(_)), None) => return true,
            (None | Some(Err(_)), _) => {}
        }
        let Some(MessageNumber { outbox, number }) = MessageNumber::of(envelope) else {
            let no_number = "it carries no ce-outbox and ce-number, so no service of the choreography published it";
            let problem = match (&delivery.unreadable, decoded) {
                (Some(problem), _) | (None, Decoded::Unreadable(problem)) => problem,
                (None, _) => no_number,
            };
            self.die_unread(delivery, problem);
            return false;
        };
        let publisher = envelope.parts().map_or("", |(publisher, ..)| publisher);
        match (self.receipts.receive(publisher, outbox, kind_of(&envelope.subject), number), &delivery.unreadable) {
            (Receipt::New, Some(problem)) => {
                self.die_unread(delivery, problem);
                false
            }
            (Receipt::New, None) => !is_placeholder(envelope),
            (Receipt::Skipped, _) => false,
            (Receipt::Absurd, _) => {
                self.die_unread(delivery, &format!("absurd number {number}: it is far above all that was received"));
                false
            }
        }
    }

    /// Begins a repair, if this service records the death that it names. Whether the message is processed.
    fn repair(&mut self, repair: &Repair, id: Uuid, envelope: &Envelope, dead: &mut BTreeMap<Uuid, u32>) -> bool {
        if repair.service != self.choreography.service {
            return false;
        }
        // The same repair may be in the batch twice.
        if dead.remove(&id) != Some(repair.tries) {
            let detail = format!("it is not dead after {} tries: it was repaired already", repair.tries);
            self.record_repair(envelope, RepairOutcome::Refused, &detail);
            return false;
        }
        self.note_repaired(id);
        if !repair.replay {
            self.record_repair(envelope, RepairOutcome::Done, envelope.header(DROP_REASON).unwrap_or("dropped"));
        }
        repair.replay
    }

    /// Queues an accepted message for its reaction, its effect, or both.
    fn accept(&mut self, message: ReceivedMessage, heading: &Heading<'_>, input: Option<ErasedInput>) {
        self.received += 1;
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
