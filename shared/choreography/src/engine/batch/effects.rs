//! Effects in a batch: queues those of received messages, publishes what they returned, and calls their `.then`.

use super::earlier_outcome::EarlierResults;
use super::envelopes::Cause;
use super::{Action, Attempt, ReceivedMessage, TriedEffect, TryOutcome, WorkItem};
use crate::declare::outgoing::OutgoingMessage;
use crate::store::{EffectRow, FailedTry};
use crate::wire::dead_letter::{Death, Reason};
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::ids::derived_id;
use crate::wire::repair::RepairOutcome;

impl Attempt<'_> {
    /// Queues the effect of a message, if it has one. The message's reaction was called before and has not failed: a
    /// message that dies leaves no effect behind. One whose effect had failed before the database was put back dies again.
    pub(super) fn queue_effect(&mut self, message: Box<ReceivedMessage>, cause: Cause) {
        let Some((_, name, key)) = message.envelope.parts() else { return };
        let Some(effect) = self.choreography.effect_handler(name) else { return };
        if !self.adopted.is_empty() {
            let message = message.to_store();
            if let Some(death) = self.earlier_death(&message) {
                return self.die_in_turn(&message, death);
            }
        }
        let Some(unless) = &effect.unless else { return self.add_effect(&message) };
        let version = Heading::version_of(&message.envelope).unwrap_or_default();
        match effect.decode(version, &message.envelope.payload, key, message.id, self.envelopes.now) {
            Ok(input) => {
                // Before what comes next for its key.
                self.queue.push_front(WorkItem { action: Action::QueueEffect { unless, message }, input, cause });
            }
            Err(detail) => self.die_in_turn(&message.to_store(), Death { reason: Reason::Poison, detail, tries: 1 }),
        }
    }

    /// Adds an effect to those that are run after the commit.
    pub(super) fn add_effect(&mut self, message: &ReceivedMessage) {
        let Some((_, _, key)) = message.envelope.parts() else { return };
        self.changes.effects.push(EffectRow {
            number: 0,
            key: key.to_owned(),
            tries: 0,
            since_ms: self.changes.now_ms,
            due_ms: self.changes.now_ms,
            envelope: message.to_store(),
        });
    }

    /// Records that the effect of a message is not run, and why.
    pub(super) fn skip_effect(&mut self, envelope: &Envelope, reason: &str) {
        tracing::info!(subject = &*envelope.subject, reason, "an effect is not run");
        self.record_repair(envelope, RepairOutcome::Nothing, &format!("the effect was not run: {reason}"));
    }

    /// Processes the effects that were tried. What the stream has of one counts instead of what came of this try.
    pub(super) fn settle_effects(&mut self, effects: &[TriedEffect]) {
        for TriedEffect { row, outcome } in effects {
            let EffectRow { number, tries, since_ms, due_ms, .. } = *row;
            if let TryOutcome::Failed = outcome {
                self.changes.effects_failed.push(FailedTry { number, tries, since_ms, due_ms });
                continue;
            }
            self.changes.effects_done.push(number);
            if let Some(death) = self.earlier_death(&row.envelope) {
                self.die_in_turn(&row.envelope, death);
                continue;
            }
            let earlier = self.earlier_results(&row.envelope);
            match outcome {
                TryOutcome::Done(outgoing) => self.settle_effect(&row.envelope, outgoing, &earlier),
                _ if !earlier.is_empty() => self.settle_effect(&row.envelope, &[], &earlier),
                TryOutcome::Failed => {}
                TryOutcome::Obsolete(reason) => self.skip_effect(&row.envelope, reason),
                TryOutcome::Died(death) => self.die_in_turn(&row.envelope, death.clone()),
            }
        }
    }

    /// Publishes what an effect returned, and calls its `then`. `earlier` is what the stream has of it.
    fn settle_effect(&mut self, envelope: &Envelope, outgoing: &[OutgoingMessage], earlier: &EarlierResults) {
        let heading = Heading::read(envelope).expect("its headers could be read when it was queued");
        let cause = Cause::of(&heading, None);
        self.record_repair(envelope, RepairOutcome::Done, "the effect was run");
        let outgoing = self.outgoing_again(heading.id, outgoing, earlier);
        let action = Action::PublishEffectResult { outgoing: outgoing.to_vec() };
        self.queue.push_back(WorkItem { action, input: Box::new(()), cause: cause.clone() });
        let then = envelope.parts().and_then(|(_, name, _)| self.choreography.effect_handler(name)?.then.as_ref());
        let Some(handler) = then else { return };
        let mut results = earlier.iter().map(|(_, result)| result).chain(outgoing);
        let Some(result) = results.find(|result| result.name == handler.message) else { return };
        let cause = Cause { id: derived_id(heading.id, "then"), ..cause };
        let (version, payload) = (result.version, result.payload.as_bytes());
        match handler.decode(version, payload, &result.key, cause.id, self.envelopes.now) {
            Ok(input) => {
                let message = Box::new(ReceivedMessage::stored(envelope, &heading));
                self.queue.push_back(WorkItem { action: Action::React { handler, message }, input, cause });
            }
            Err(detail) => self.die_in_turn(envelope, Death { reason: Reason::Poison, detail, tries: 1 }),
        }
    }
}
