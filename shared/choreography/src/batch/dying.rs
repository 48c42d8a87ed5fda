//! Deaths: the inbox notes them, the letter keeps the message as it was, and `otherwise` keeps the story whole.

use super::{Attempt, Does, Item};
use crate::envelope::{Envelope, Heading};
use crate::message::Reason;
use crate::saying::{Cause, Death};
use crate::step::Kind;
use crate::store::InboxRow;
use crate::tell::TellError;

impl<'a> Attempt<'a> {
    pub(super) fn too_large(&mut self, item: Item<'_>, detail: String) {
        match item.does {
            Does::Command { call, once, .. } => self.reply(call, once, Err(TellError::TooLarge(detail))),
            Does::React { .. } | Does::Otherwise { .. } => self.fail(item, detail),
        }
    }

    /// A function failed for good.
    pub(super) fn fail(&mut self, item: Item<'_>, detail: String) {
        match item.does {
            Does::React { message, .. } => {
                let (heading, envelope) = *message;
                self.die(&envelope, Some(&heading), Death { reason: Reason::Poison, detail, tries: 1 });
            }
            Does::Otherwise { .. } => {
                tracing::error!(cause = %item.cause.id, detail, "an `otherwise` failed: the story stays as it is");
            }
            Does::Command { call, once, .. } => self.reply(call, once, Err(TellError::Failed(detail))),
        }
    }

    /// A message dies: the inbox notes it, its letter is written, and its step's `otherwise` comes next.
    pub(super) fn die(&mut self, envelope: &Envelope, heading: Option<&Heading>, death: Death) {
        self.changes.outbox.push(self.voice.letter(envelope, &death));
        self.deaths.push((envelope.subject.clone(), death.clone()));
        let (Some(heading), Some((_, name, key))) = (heading, envelope.parts()) else {
            return;
        };
        self.changes.inbox.retain(|row| row.id != heading.id);
        self.changes.inbox.push(InboxRow { id: heading.id, dead_tries: Some(death.tries) });
        let step = self.choreography.step(name).and_then(|step| step.otherwise.as_ref());
        let effect = self.choreography.effect_step(name).and_then(|effect| effect.otherwise.as_ref());
        if let Some(otherwise) = step.or(effect)
            && let Some(opened) = otherwise.open(key, death.reason, &death.detail, heading.id, self.voice.now)
        {
            let cause = Cause::of(heading, Kind::Undo);
            self.queue.push_front(Item { does: Does::Otherwise { otherwise }, opened, cause });
        }
    }
}
