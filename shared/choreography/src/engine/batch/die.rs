//! Messages that die: the database records the death, a dead letter keeps the message as it was, and its fallback is
//! called.

use super::envelopes::Cause;
use super::unrepaired::UnrepairedMessage;
use super::{Action, Attempt, WorkItem};
use crate::bus::Delivery;
use crate::engine::execute::ExecuteError;
use crate::planted::{PlantedBug, planted};
use crate::store;
use crate::wire::circumstances::Circumstances;
use crate::wire::dead_letter::{DEATH_HEADERS, Death, FALLBACK, Reason, SEQUENCE, UNREADABLE, dead_letter, one_line};
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::headers::Headers;
use crate::wire::repair::{Repair, RepairOutcome, record};
use crate::wire::role::Role;

impl<'a> Attempt<'a> {
    /// Handles a function that returned a message which can't be published.
    pub(super) fn unpublishable(&mut self, item: WorkItem<'_>, error: ExecuteError) {
        match item.action {
            Action::Execute { index, idempotency, .. } => self.reply(index, idempotency, Err(error)),
            _ => self.fail(item, error.to_string()),
        }
    }

    /// Handles a function that failed: its message dies, or its caller gets an error.
    pub(super) fn fail(&mut self, item: WorkItem<'_>, detail: String) {
        match item.action {
            Action::React { message, .. } | Action::QueueEffect { message, .. } => {
                let death = Death { reason: Reason::Poison, detail, tries: 1 };
                let fallback = self.die(&message.to_store(), death);
                // Before the next message of its key.
                fallback.into_iter().for_each(|item| self.queue.push_front(item));
            }
            Action::Fallback { dead, .. } => self.fallback_failed(*dead, &detail),
            Action::PublishEffectResult { .. } => {
                let cause = &item.cause.id;
                tracing::error!(%cause, detail, "what an effect returned can't be published");
            }
            Action::Execute { index, idempotency, .. } => {
                self.reply(index, idempotency, Err(ExecuteError::Failed(detail)))
            }
        }
    }

    /// Records that the fallback of a message that died has failed, also in the dead letter. Without it the story is not
    /// compensated.
    fn fallback_failed(&mut self, mut dead: UnrepairedMessage, detail: &str) {
        tracing::error!(
            subject = dead.subject,
            detail,
            "a fallback failed and changed nothing: fix the cause, and replay or drop the dead letter"
        );
        let headers = dead.dead_letter.headers.with(FALLBACK, one_line(detail));
        if let Some(published) = self.outgoing.iter_mut().rev().find(|published| **published == dead.dead_letter) {
            published.headers = headers.clone();
        }
        dead.dead_letter.headers = headers;
        self.leave_unrepaired(dead);
    }

    /// Lets a message die that can't be recognized: it has a dead letter, which can be looked at, but neither a fallback
    /// nor a record by which it could be replayed.
    pub(super) fn die_unread(&mut self, delivery: &Delivery, problem: &str) {
        let Delivery { envelope, stream_sequence, .. } = delivery;
        self.unreadable.push(format!("{} (message {stream_sequence} of the stream): {problem}", envelope.subject));
        let headers = envelope.headers.iter().filter(|(name, _)| !name.starts_with(DEATH_HEADERS)).collect::<Headers>();
        let headers = headers.with(SEQUENCE, stream_sequence.to_string()).with(UNREADABLE, one_line(problem));
        let message = Envelope { headers, ..envelope.clone() };
        let death = Death { reason: Reason::Poison, detail: format!("unreadable: {problem}"), tries: 1 };
        let (service, circumstances) = (self.choreography.service, self.circumstances(envelope, false));
        self.outgoing.push(dead_letter(service, &message, &death, circumstances, self.envelopes.now));
    }

    /// Lets a message die before its function is called. Its fallback is called after what is queued already.
    pub(super) fn die_in_turn(&mut self, envelope: &Envelope, death: Death) {
        let fallback = self.die(envelope, death);
        self.queue.extend(fallback);
    }

    /// Publishes the record of a repair's outcome, if the message is a repair.
    pub(super) fn record_repair(&mut self, envelope: &Envelope, outcome: RepairOutcome, detail: &str) {
        if let Some(Ok(repair)) = Repair::of(envelope) {
            self.outgoing.push(record(envelope, &repair, outcome, detail, self.envelopes.now));
        }
    }

    /// Returns what the circuit breaker has to know about the death of a message.
    pub(super) fn circumstances(&self, envelope: &Envelope, replayed: bool) -> Circumstances {
        let name = envelope.parts().map_or("", |(_, name, _)| name);
        let of_batch = self.processed.get(name).copied().unwrap_or_default();
        let processed = of_batch + self.processed_before.lately(name, self.envelopes.now);
        Circumstances { role: self.choreography.role_of(name), processed, replayed }
    }

    /// Lets a message die: the database records it, and its dead letter is published. Returns the call of its fallback.
    #[must_use]
    pub(super) fn die(&mut self, envelope: &Envelope, death: Death) -> Option<WorkItem<'a>> {
        let replayed = Repair::of(envelope).and_then(Result::ok);
        let is_replayed = replayed.is_some();
        let death = Death { tries: death.tries.saturating_add(replayed.map_or(0, |replay| replay.tries)), ..death };
        self.record_repair(envelope, RepairOutcome::Died, &death.detail);
        let (service, now) = (self.choreography.service, self.envelopes.now);
        let circumstances = self.circumstances(envelope, is_replayed);
        let dead_letter = dead_letter(service, envelope, &death, circumstances, now);
        if !planted(PlantedBug::DeadLetterOmitted) {
            self.outgoing.push(dead_letter.clone());
        }
        self.deaths.push((envelope.subject.to_string(), death.clone()));
        let heading = Heading::read(envelope).ok()?;
        let (_, name, key) = envelope.parts()?;
        self.changes.deaths.push(store::DeadMessage { id: heading.id, tries: death.tries });
        let dead = || UnrepairedMessage {
            id: heading.id,
            subject: envelope.subject.to_string(),
            dead_letter: dead_letter.clone(),
        };
        if self.choreography.role_of(name) == Some(Role::Compensation) {
            self.leave_unrepaired(dead());
        }
        let handler = self.choreography.handler(name).and_then(|handler| handler.fallback.as_ref());
        let effect = self.choreography.effect_handler(name).and_then(|effect| effect.fallback.as_ref());
        let fallback = handler.or(effect).filter(|_| !planted(PlantedBug::FallbackOmitted))?;
        let input = fallback.decode(key, death.reason, &death.detail, heading.id, self.envelopes.now)?;
        let action = Action::Fallback { fallback, dead: Box::new(dead()) };
        Some(WorkItem { action, input, cause: Cause::of(&heading, None) })
    }
}
