//! What has arrived is opened: messages, effects that are over, what is due, and commands, in this order.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Attempt, Does, EffectOver, Item};
use crate::bus::Delivery;
use crate::envelope::{Envelope, Heading};
use crate::message::Reason;
use crate::opening::{Found, open};
use crate::saying::{Cause, Death, SEQUENCE_HEADER};
use crate::settings::BATCH_MAX;
use crate::step::{Kind, Opened};
use crate::store::{EffectRow, InboxRow, LaterChange, StoreError, Transaction};
use crate::tell::{Call, TellError};

impl<'a> Attempt<'a> {
    pub(super) async fn open_deliveries(
        &mut self,
        tx: &mut dyn Transaction,
        deliveries: &[Delivery],
    ) -> Result<(), StoreError> {
        let now = self.voice.now;
        let found: Vec<_> =
            deliveries.iter().map(|delivery| (delivery, open(self.choreography, &delivery.envelope, now))).collect();
        let ids: Vec<Uuid> = found
            .iter()
            .filter_map(|(_, found)| match found {
                Found::Foreign(_) => None,
                Found::Dead(heading, _) | Found::Alive(heading, _) => Some(heading.id),
            })
            .collect();
        let mut known = if ids.is_empty() { HashSet::new() } else { tx.heard(&ids).await? };
        for (delivery, found) in found {
            match found {
                Found::Foreign(problem) => {
                    self.ignored += 1;
                    tracing::debug!(subject = delivery.envelope.subject, problem, "ignored a foreign message");
                }
                Found::Dead(heading, _) | Found::Alive(heading, _) if !known.insert(heading.id) => {}
                Found::Dead(heading, death) => self.die_in_turn(&stamped(delivery), Some(&heading), death),
                Found::Alive(heading, opened) => self.arrive(stamped(delivery), heading, opened),
            }
        }
        Ok(())
    }

    /// A message that is alive: queued for its reaction, its effect, or both.
    fn arrive(&mut self, envelope: Envelope, heading: Heading, opened: Option<Opened>) {
        self.heard += 1;
        self.changes.inbox.push(InboxRow { id: heading.id, dead_tries: None });
        let name = envelope.parts().map_or("", |(_, name, _)| name);
        if self.choreography.effect_step(name).is_some() {
            self.changes.effects.push(EffectRow {
                number: 0,
                key: heading.subject.clone(),
                tries: 0,
                since_ms: self.changes.now_ms,
                due_ms: self.changes.now_ms,
                envelope: envelope.clone(),
            });
        }
        if let (Some(step), Some(opened)) = (self.choreography.step(name), opened) {
            let cause = Cause::of(&heading, step.kind);
            self.queue.push_back(Item {
                does: Does::React { step, message: Box::new((heading, envelope)) },
                opened,
                cause,
            });
        }
    }

    pub(super) fn settle_effects(&mut self, effects: &[EffectOver]) {
        for over in effects {
            self.changes.effects_done.push(over.row.number);
            let heading = Heading::read(&over.row.envelope).ok();
            match (&over.outcome, &heading) {
                (Ok(said), Some(heading)) => self.say(said.clone(), &Cause::of(heading, Kind::Effect), "effect"),
                (Err(death), _) => self.die_in_turn(&over.row.envelope, heading.as_ref(), death.clone()),
                (Ok(_), None) => {}
            }
        }
    }

    /// What is to be said by now becomes an ordinary message; what has waited too long dies.
    pub(super) async fn take_due(&mut self, tx: &mut dyn Transaction) -> Result<(), StoreError> {
        let now = self.voice.now;
        let limit = u32::try_from(BATCH_MAX).unwrap_or(u32::MAX);
        for row in tx.due(now, limit).await? {
            self.changes.later.push(LaterChange::Remove { name: row.name, key: row.key });
            self.changes.outbox.push(row.envelope);
        }
        for row in tx.expired(now, limit).await? {
            self.changes.waited.push(row.id);
            let heading = Heading::read(&row.envelope).ok();
            let detail = format!("expired: it waited in vain for {} {}", row.table, row.key);
            self.die_in_turn(&row.envelope, heading.as_ref(), Death { reason: Reason::Expired, detail, tries: 0 });
        }
        Ok(())
    }

    pub(super) async fn open_calls(&mut self, tx: &mut dyn Transaction, calls: &'a [Call]) -> Result<(), StoreError> {
        let keys: Vec<_> = calls.iter().filter_map(|call| call.once.as_ref().map(|once| once.key.clone())).collect();
        let known = if keys.is_empty() { Vec::new() } else { tx.answers(&keys).await? };
        for (number, call) in calls.iter().enumerate() {
            let known = known.iter().find(|known| call.once.as_ref().is_some_and(|once| once.key == known.key));
            if let Some(known) = known {
                self.replies.insert(number, super::answering::recall(call, known));
                continue;
            }
            let Some(step) = self.choreography.command_step(call.message) else {
                let detail = format!("{} knows no command {}", self.choreography.service, call.message);
                self.replies.insert(number, Err(TellError::Failed(detail)));
                continue;
            };
            let cause = Cause { id: call.id, correlation: call.key.clone(), trace: call.trace.clone(), expiry: None };
            let does = Does::Command { step, call: number, once: call.once.as_ref() };
            self.queue.push_back(Item { does, opened: (call.opened)(self.voice.now), cause });
        }
        Ok(())
    }
}

/// The message, with its place in the stream noted for a dead letter that may come of it.
fn stamped(delivery: &Delivery) -> Envelope {
    let mut envelope = delivery.envelope.clone();
    envelope.headers.push((SEQUENCE_HEADER.to_owned(), delivery.stream_sequence.to_string()));
    envelope
}
