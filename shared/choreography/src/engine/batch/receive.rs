//! What has arrived is opened: messages, effects that are over, what is due, and commands, in this order.

use std::collections::HashMap;

use uuid::Uuid;

use super::decode::{Decoded, decode};
use super::reply::decode_reply;
use super::{Action, Attempt, BatchInput, FinishedEffect, ReceivedMessage, WorkItem};
use crate::bus::Delivery;
use crate::declare::handler::{ErasedInput, HandlerKind};
use crate::declare::outgoing::OutgoingMessage;
use crate::engine::batch::envelopes::Cause;
use crate::engine::execute::{ExecuteError, QueuedCommand};
use crate::settings::BATCH_MAX;
use crate::store::{EffectRow, InboxRow, ScheduleChange, ScheduledRow, StoredReply, WaitingRow, Wanted};
use crate::wire::dead_letter::Death;
use crate::wire::dead_letter::Reason;
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::ids::derived_id;
use crate::wire::repair::RepairOutcome;
use crate::wire::repair::{DROP_REASON, Repair};

impl<'a> Attempt<'a> {
    /// Opens messages and commands, before anything is known about them: what they are, and what they may need.
    pub(super) fn decode(
        &mut self,
        input: &'a BatchInput,
    ) -> (Vec<(&'a Delivery, Decoded<'a>)>, Vec<WorkItem<'a>>, Wanted) {
        let now = self.envelopes.now;
        let decode = |delivery: &'a Delivery| match decode(self.choreography, &delivery.envelope, now) {
            Decoded::Rejected(heading, _) | Decoded::Accepted(heading, _)
                if input.deadly.is_some_and(|(id, _)| id == heading.id) =>
            {
                let tries = input.deadly.map_or(0, |(_, deaths)| deaths);
                let detail = format!("deadly: {tries} processes died of it");
                (delivery, Decoded::Rejected(heading, Death { reason: Reason::Poison, detail, tries }))
            }
            found => (delivery, found),
        };
        let found: Vec<_> = input.deliveries.iter().map(decode).collect();
        let received = found.iter().filter_map(|(_, found)| match found {
            Decoded::NotOurs(_) => None,
            Decoded::Rejected(heading, _) | Decoded::Accepted(heading, _) => Some(heading.id),
        });
        let keys = input.commands.iter().filter_map(|call| Some(call.idempotency.as_ref()?.key.clone()));
        let due = input.due.then_some((now, u32::try_from(BATCH_MAX).unwrap_or(u32::MAX)));
        let wanted = Wanted { received: received.collect(), replies: keys.collect(), due, ..Wanted::default() };
        let commands: Vec<_> =
            input.commands.iter().enumerate().filter_map(|(number, call)| self.command_of(number, call)).collect();
        for (delivery, found) in &found {
            if let (Decoded::Accepted(_, Some(message)), Some((_, name, _))) = (found, delivery.envelope.parts())
                && let Some(handler) = self.choreography.handler(name)
            {
                self.want(|tables| handler.want(message, tables));
            }
        }
        commands.iter().for_each(|item| self.want(|tables| item.want(tables)));
        (found, commands, wanted)
    }

    fn command_of(&mut self, number: usize, call: &'a QueuedCommand) -> Option<WorkItem<'a>> {
        let Some(handler) = self.choreography.command_handler(call.message) else {
            let detail = format!("{} knows no command {}", self.choreography.service, call.message);
            self.replies.insert(number, Err(ExecuteError::Failed(detail)));
            return None;
        };
        let cause = Cause { id: call.id, correlation: call.key.clone(), trace: call.trace.clone(), expiry: None };
        let action = Action::Command { handler, call: number, idempotency: call.idempotency.as_ref() };
        Some(WorkItem { action, input: (call.input)(self.envelopes.now), cause })
    }

    /// Messages, each once.
    pub(super) fn hear(&mut self, found: Vec<(&'a Delivery, Decoded<'a>)>, mut known: HashMap<Uuid, Option<u32>>) {
        for (delivery, found) in found {
            let (heading, repair) = match &found {
                Decoded::NotOurs(problem) => {
                    self.ignored += 1;
                    tracing::debug!(subject = &*delivery.envelope.subject, problem, "ignored a foreign message");
                    continue;
                }
                Decoded::Rejected(heading, _) | Decoded::Accepted(heading, _) => {
                    (*heading, Repair::of(&delivery.envelope))
                }
            };
            let takes = match repair.and_then(Result::ok) {
                None => !known.contains_key(&heading.id),
                Some(repair) if repair.service != self.choreography.service => continue,
                Some(repair) => {
                    let meant = known.get(&heading.id) == Some(&Some(repair.tries));
                    if meant {
                        known.insert(heading.id, None); // once a batch, too
                        self.changes.repaired.push(heading.id);
                    }
                    self.takes(&repair, &heading, &delivery.envelope, meant)
                }
            };
            if !takes {
                continue;
            }
            known.insert(heading.id, None);
            match found {
                Decoded::NotOurs(_) => {}
                Decoded::Rejected(heading, death) => {
                    self.die_in_turn(&ReceivedMessage::of(delivery, &heading).kept(), death)
                }
                Decoded::Accepted(heading, input) => {
                    self.arrive(ReceivedMessage::of(delivery, &heading), &heading, input)
                }
            }
        }
    }

    /// Whether a repair is to be run. One that is refused, or a drop, is only answered.
    fn takes(&mut self, repair: &Repair, heading: &Heading<'_>, envelope: &Envelope, meant: bool) -> bool {
        if !meant {
            let detail = format!("it is not held for dead after {} tries: it was seen to already", repair.tries);
            self.record_repair(envelope, RepairOutcome::Refused, &detail);
        } else if !repair.replay {
            self.changes.inbox.push(InboxRow { id: heading.id, dead_tries: None });
            self.record_repair(envelope, RepairOutcome::Done, envelope.header(DROP_REASON).unwrap_or("given up"));
        }
        meant && repair.replay
    }

    /// A message that is alive: queued for its reaction, its effect, or both.
    fn arrive(&mut self, message: ReceivedMessage, heading: &Heading<'_>, input: Option<ErasedInput>) {
        self.received += 1;
        self.changes.inbox.push(InboxRow { id: message.id, dead_tries: None });
        let name = message.envelope.parts().map_or("", |(_, name, _)| name);
        if self.choreography.effect_handler(name).is_some() {
            self.changes.effects.push(EffectRow {
                number: 0,
                key: heading.subject.to_owned(),
                tries: 0,
                since_ms: self.changes.now_ms,
                due_ms: self.changes.now_ms,
                envelope: message.kept(),
            });
        }
        if let (Some(handler), Some(input)) = (self.choreography.handler(name), input) {
            let cause = Cause::of(heading, handler.kind);
            self.queue.push_back(WorkItem {
                action: Action::React { handler, message: Box::new(message) },
                input,
                cause,
            });
        }
    }

    pub(super) fn settle_effects(&mut self, effects: &[FinishedEffect]) {
        for over in effects {
            self.changes.effects_done.push(over.row.number);
            match &over.outcome {
                Ok(outgoing) => self.settle_effect(&over.row.envelope, outgoing),
                Err(death) => self.die_in_turn(&over.row.envelope, death.clone()),
            }
        }
    }

    /// An effect's answer is said, and the effect's `then` receives it at once.
    fn settle_effect(&mut self, envelope: &Envelope, outgoing: &[OutgoingMessage]) {
        let heading = Heading::read(envelope).expect("its headers could be read when it was queued");
        let cause = Cause::of(&heading, HandlerKind::Effect);
        self.record_repair(envelope, RepairOutcome::Done, "the effect was run");
        let action = Action::ErasedReply { outgoing: outgoing.to_vec() };
        self.queue.push_back(WorkItem { action, input: Box::new(()), cause: cause.clone() });
        let then = envelope.parts().and_then(|(_, name, _)| self.choreography.effect_handler(name)?.then.as_ref());
        let reply = then.and_then(|then| Some((then, outgoing.iter().find(|outgoing| outgoing.name == then.message)?)));
        let Some((handler, reply)) = reply else { return };
        let cause = Cause { id: derived_id(heading.id, "then"), ..cause };
        match handler.decode(reply.payload.as_bytes(), &reply.key, cause.id, self.envelopes.now) {
            Ok(input) => {
                let (id, expiry, envelope) = (heading.id, heading.expiry, envelope.clone());
                let message = Box::new(ReceivedMessage { id, expiry, envelope, sequence: None });
                self.queue.push_back(WorkItem { action: Action::React { handler, message }, input, cause });
            }
            Err(detail) => self.die_in_turn(envelope, Death { reason: Reason::Poison, detail, tries: 1 }),
        }
    }

    /// What is to be said by now becomes an ordinary message; what has waited too long dies.
    pub(super) fn take_due(&mut self, due: Vec<ScheduledRow>, expired: Vec<WaitingRow>) {
        for row in due {
            self.changes.scheduled.push(ScheduleChange::Remove { name: row.name, key: row.key });
            self.changes.outbox.push(row.envelope);
        }
        for row in expired {
            self.changes.waited.push(row.id);
            let detail = format!("expired: it waited in vain for {} {}", row.table, row.key);
            self.die_in_turn(&row.envelope, Death { reason: Reason::Expired, detail, tries: 0 });
        }
    }

    /// Commands; one that was answered under its idempotency key is answered the same again.
    pub(super) fn take_calls(&mut self, items: Vec<WorkItem<'a>>, commands: &[QueuedCommand], replies: &[StoredReply]) {
        for item in items {
            match &item.action {
                Action::Command { call, idempotency: Some(idempotency), .. } => {
                    match replies.iter().find(|reply| reply.key == idempotency.key) {
                        Some(known) => drop(self.replies.insert(*call, decode_reply(&commands[*call], known))),
                        None => match &commands[*call].closed {
                            Some(closed) => drop(self.replies.insert(*call, Err(closed.clone()))),
                            None => self.queue.push_back(item),
                        },
                    }
                }
                _ => self.queue.push_back(item),
            }
        }
    }
}

impl ReceivedMessage {
    fn of(delivery: &Delivery, heading: &Heading<'_>) -> Self {
        let (envelope, sequence) = (delivery.envelope.clone(), Some(delivery.stream_sequence));
        Self { id: heading.id, expiry: heading.expiry, envelope, sequence }
    }
}
