//! Deaths: the inbox notes them, the letter keeps the message as it was, and `otherwise` keeps the story whole.

use super::{Attempt, Does, Item};
use crate::envelope::{Envelope, Heading};
use crate::letters::Outcome;
use crate::message::Reason;
use crate::repair::{Repair, record};
use crate::saying::{Cause, Death};
use crate::step::Kind;
use crate::store::{DeadUndo, InboxRow};
use crate::tell::TellError;

impl<'a> Attempt<'a> {
    pub(super) fn too_large(&mut self, item: Item<'_>, detail: String) {
        match item.does {
            Does::Command { call, once, .. } => self.reply(call, once, Err(TellError::TooLarge(detail))),
            _ => self.fail(item, detail),
        }
    }

    /// A function failed for good.
    pub(super) fn fail(&mut self, item: Item<'_>, detail: String) {
        match item.does {
            Does::React { message, .. } => {
                let death = Death { reason: Reason::Poison, detail, tries: 1 };
                let otherwise = self.die(&message.kept(), death);
                // Its place is before whatever comes next of its key.
                otherwise.into_iter().for_each(|item| self.queue.push_front(item));
            }
            Does::Otherwise { .. } | Does::Answer { .. } => {
                tracing::error!(cause = %item.cause.id, detail, "an `otherwise` failed: the story stays as it is");
            }
            Does::Command { call, once, .. } => self.reply(call, once, Err(TellError::Failed(detail))),
        }
    }

    /// A message that never gets to its function dies, behind those that are queued already.
    pub(super) fn die_in_turn(&mut self, envelope: &Envelope, death: Death) {
        let otherwise = self.die(envelope, death);
        self.queue.extend(otherwise);
    }

    /// Says what came of a repair, if the message is one.
    pub(super) fn answer_repair(&mut self, envelope: &Envelope, outcome: Outcome, detail: &str) {
        if let Some(Ok(repair)) = Repair::of(envelope) {
            self.changes.outbox.push(record(envelope, &repair, outcome, detail, self.voice.now));
        }
    }

    /// A message dies: the inbox notes it, and its letter is written. Its step's `otherwise`, if it has one, is to be
    /// called in its place.
    #[must_use]
    fn die(&mut self, envelope: &Envelope, death: Death) -> Option<Item<'a>> {
        let replayed = Repair::of(envelope).and_then(Result::ok);
        let death = Death { tries: death.tries + replayed.map_or(0, |replay| replay.tries), ..death };
        self.answer_repair(envelope, Outcome::Died, &death.detail);
        self.changes.outbox.push(self.voice.letter(envelope, &death));
        self.deaths.push((envelope.subject.to_string(), death.clone()));
        let heading = Heading::read(envelope).ok()?;
        let (_, name, key) = envelope.parts()?;
        self.changes.inbox.retain(|row| row.id != heading.id);
        self.changes.inbox.push(InboxRow { id: heading.id, dead_tries: Some(death.tries) });
        if self.choreography.step(name).is_some_and(|step| step.kind == Kind::Undo) {
            self.changes.undos_died.push(DeadUndo { id: heading.id, subject: envelope.subject.to_string() });
        }
        let step = self.choreography.step(name).and_then(|step| step.otherwise.as_ref());
        let effect = self.choreography.effect_step(name).and_then(|effect| effect.otherwise.as_ref());
        let otherwise = step.or(effect)?;
        let opened = otherwise.open(key, death.reason, &death.detail, heading.id, self.voice.now)?;
        Some(Item { does: Does::Otherwise { otherwise }, opened, cause: Cause::of(&heading, Kind::Undo) })
    }
}
