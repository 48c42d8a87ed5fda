//! Deaths: the inbox notes them, the dead letter keeps the message as it was, and `fallback` keeps the story whole.

use super::{Action, Attempt, WorkItem};
use crate::declare::handler::HandlerKind;
use crate::engine::batch::envelopes::Cause;
use crate::engine::execute::ExecuteError;
use crate::store::{DeadCompensation, InboxRow};
use crate::wire::dead_letter::Death;
use crate::wire::dead_letter::{Reason, dead_letter};
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::repair::RepairOutcome;
use crate::wire::repair::{Repair, record};

impl<'a> Attempt<'a> {
    /// A function wants to publish what no message can carry.
    pub(super) fn unpublishable(&mut self, item: WorkItem<'_>, error: ExecuteError) {
        match item.action {
            Action::Command { call, idempotency, .. } => self.reply(call, idempotency, Err(error)),
            _ => self.fail(item, error.to_string()),
        }
    }

    /// A function failed for good.
    pub(super) fn fail(&mut self, item: WorkItem<'_>, detail: String) {
        match item.action {
            Action::React { message, .. } => {
                let death = Death { reason: Reason::Poison, detail, tries: 1 };
                let fallback = self.die(&message.kept(), death);
                // Its place is before whatever comes next of its key.
                fallback.into_iter().for_each(|item| self.queue.push_front(item));
            }
            Action::Fallback { .. } | Action::ErasedReply { .. } => {
                tracing::error!(cause = %item.cause.id, detail, "an `otherwise` failed: the story stays as it is");
            }
            Action::Command { call, idempotency, .. } => {
                self.reply(call, idempotency, Err(ExecuteError::Failed(detail)))
            }
        }
    }

    /// A message that never gets to its function dies, behind those that are queued already.
    pub(super) fn die_in_turn(&mut self, envelope: &Envelope, death: Death) {
        let fallback = self.die(envelope, death);
        self.queue.extend(fallback);
    }

    /// Says what came of a repair, if the message is one.
    pub(super) fn record_repair(&mut self, envelope: &Envelope, outcome: RepairOutcome, detail: &str) {
        if let Some(Ok(repair)) = Repair::of(envelope) {
            self.changes.outbox.push(record(envelope, &repair, outcome, detail, self.envelopes.now));
        }
    }

    /// A message dies: the inbox notes it, and its dead letter is written. Its step's `fallback`, if it has one, is to be
    /// called in its place.
    #[must_use]
    fn die(&mut self, envelope: &Envelope, death: Death) -> Option<WorkItem<'a>> {
        let replayed = Repair::of(envelope).and_then(Result::ok);
        let death = Death { tries: death.tries + replayed.map_or(0, |replay| replay.tries), ..death };
        self.record_repair(envelope, RepairOutcome::Died, &death.detail);
        self.changes.outbox.push(dead_letter(self.choreography.service, envelope, &death, self.envelopes.now));
        self.deaths.push((envelope.subject.to_string(), death.clone()));
        let heading = Heading::read(envelope).ok()?;
        let (_, name, key) = envelope.parts()?;
        self.changes.inbox.retain(|row| row.id != heading.id);
        self.changes.inbox.push(InboxRow { id: heading.id, dead_tries: Some(death.tries) });
        if self.choreography.handler(name).is_some_and(|handler| handler.kind == HandlerKind::Compensation) {
            self.changes
                .compensations_died
                .push(DeadCompensation { id: heading.id, subject: envelope.subject.to_string() });
        }
        let handler = self.choreography.handler(name).and_then(|handler| handler.fallback.as_ref());
        let effect = self.choreography.effect_handler(name).and_then(|effect| effect.fallback.as_ref());
        let fallback = handler.or(effect)?;
        let input = fallback.decode(key, death.reason, &death.detail, heading.id, self.envelopes.now)?;
        Some(WorkItem {
            action: Action::Fallback { fallback },
            input,
            cause: Cause::of(&heading, HandlerKind::Compensation),
        })
    }
}
