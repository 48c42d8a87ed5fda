//! Effects in a batch: publishes what a finished effect returned, and calls its `.then`.

use super::envelopes::Cause;
use super::{Action, Attempt, FinishedEffect, ReceivedMessage, WorkItem};
use crate::declare::handler::HandlerKind;
use crate::declare::outgoing::OutgoingMessage;
use crate::wire::dead_letter::{Death, Reason};
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::ids::derived_id;
use crate::wire::repair::RepairOutcome;

impl Attempt<'_> {
    /// Processes the effects that are finished.
    pub(super) fn settle_effects(&mut self, effects: &[FinishedEffect]) {
        for finished in effects {
            self.changes.effects_done.push(finished.row.number);
            match &finished.outcome {
                Ok(outgoing) => self.settle_effect(&finished.row.envelope, outgoing),
                Err(death) => self.die_in_turn(&finished.row.envelope, death.clone()),
            }
        }
    }

    /// Publishes what an effect returned, and calls its `then`.
    fn settle_effect(&mut self, envelope: &Envelope, outgoing: &[OutgoingMessage]) {
        let heading = Heading::read(envelope).expect("its headers could be read when it was queued");
        let cause = Cause::of(&heading, HandlerKind::Effect);
        self.record_repair(envelope, RepairOutcome::Done, "the effect was run");
        let action = Action::PublishEffectResult { outgoing: outgoing.to_vec() };
        self.queue.push_back(WorkItem { action, input: Box::new(()), cause: cause.clone() });
        let then = envelope.parts().and_then(|(_, name, _)| self.choreography.effect_handler(name)?.then.as_ref());
        let Some(handler) = then else { return };
        let Some(result) = outgoing.iter().find(|outgoing| outgoing.name == handler.message) else { return };
        let cause = Cause { id: derived_id(heading.id, "then"), ..cause };
        let (version, payload) = (handler.own_version(), result.payload.as_bytes());
        match handler.decode(version, payload, &result.key, cause.id, self.envelopes.now) {
            Ok(input) => {
                let message = Box::new(ReceivedMessage::stored(envelope, &heading));
                self.queue.push_back(WorkItem { action: Action::React { handler, message }, input, cause });
            }
            Err(detail) => self.die_in_turn(envelope, Death { reason: Reason::Poison, detail, tries: 1 }),
        }
    }
}
