//! What the stream has of a message that is processed again, because the database was put back to an older copy: its dead
//! letter, and what its effect has published.
//!
//! What must hold: what the stream has counts, whatever comes of the message this time. A story that went on from an
//! effect's result is not compensated, and one that was compensated does not go on.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Attempt, TriedEffect};
use crate::declare::outgoing::OutgoingMessage;
use crate::wire::circumstances::Circumstances;
use crate::wire::dead_letter::{DETAIL, Death, REASON, Reason, TRIES, dead_letter};
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::ids::published_id;
use crate::wire::repair::Repair;
use crate::wire::series::{OF_EFFECT, RECOGNIZED_MAX, outgoing_id};

/// The messages of an effect that the stream has, in the order in which the effect returned them, each with its id.
pub(super) type EarlierResults = Vec<(Uuid, OutgoingMessage)>;

impl Attempt<'_> {
    /// Returns the ids of what the stream may have of tried effects.
    pub(super) fn ids_of_outcomes<'b>(&'b self, effects: &'b [TriedEffect]) -> impl Iterator<Item = Uuid> + 'b {
        let envelopes = effects.iter().map(|tried| &tried.row.envelope);
        envelopes.flat_map(|envelope| {
            let results = self.result_ids(envelope).into_iter().map(|(id, _)| id);
            results.chain([self.death_id(envelope)])
        })
    }

    /// Returns the id of the dead letter that a received message has if it dies.
    pub(super) fn death_id(&self, message: &Envelope) -> Uuid {
        let (service, now) = (self.choreography.service, self.envelopes.now);
        let circumstances = Circumstances { role: None, processed: 0, replayed: false };
        let death = Death { reason: Reason::Poison, detail: String::new(), tries: 0 };
        outgoing_id(&dead_letter(service, message, &death, circumstances, now))
    }

    /// Returns how a received message died before, by the dead letter that the stream has.
    pub(super) fn earlier_death(&self, message: &Envelope) -> Option<Death> {
        if self.adopted.is_empty() {
            return None;
        }
        let dead_letter = self.adopted.get(&self.death_id(message))?;
        let tries: u32 = dead_letter.header(TRIES)?.parse().ok()?;
        // Those before a replay are added when it dies again.
        let before = Repair::of(message).and_then(Result::ok).map_or(0, |replay| replay.tries);
        Some(Death {
            reason: Reason::read(dead_letter.header(REASON)?)?,
            detail: dead_letter.header(DETAIL)?.to_owned(),
            tries: tries.saturating_sub(before),
        })
    }

    /// Returns what the effect of a message has published before.
    pub(super) fn earlier_results(&self, message: &Envelope) -> EarlierResults {
        if self.adopted.is_empty() {
            return Vec::new();
        }
        let published = self.result_ids(message).into_iter().filter_map(|(id, name)| {
            let result = self.adopted.get(&id)?;
            let effect = self.choreography.effect_handler(message.parts()?.1)?;
            let role = effect.publishes.iter().find(|outgoing| outgoing.name == name)?.role;
            let (version, (_, _, key)) = (Heading::version_of(result)?, result.parts()?);
            let payload = String::from_utf8(result.payload.to_vec()).ok()?;
            Some((id, OutgoingMessage { name, version, role, key: key.to_owned(), payload, due: None }))
        });
        published.collect()
    }

    /// Returns the messages to publish of those that an effect has returned this time: none if the stream has others, else
    /// all, because it may lack some of them, and those that are scheduled.
    pub(super) fn outgoing_again<'b>(
        &self,
        cause: Uuid,
        outgoing: &'b [OutgoingMessage],
        earlier: &EarlierResults,
    ) -> &'b [OutgoingMessage] {
        let service = self.choreography.service;
        let id =
            |(index, message): (usize, &OutgoingMessage)| published_id(cause, service, OF_EFFECT, message.name, index);
        let ids: BTreeSet<Uuid> = outgoing.iter().enumerate().map(id).collect();
        if earlier.iter().all(|(id, _)| ids.contains(id)) { outgoing } else { &[] }
    }

    /// Returns the ids that the messages of an effect may have, with their names.
    fn result_ids(&self, message: &Envelope) -> Vec<(Uuid, &'static str)> {
        let effect = message.parts().and_then(|(_, name, _)| self.choreography.effect_handler(name));
        let (Some(effect), Ok(heading)) = (effect, Heading::read(message)) else { return Vec::new() };
        let names: BTreeSet<&'static str> = effect.publishes.iter().map(|outgoing| outgoing.name).collect();
        let ids_at = |index| {
            let id = move |name| published_id(heading.id, self.choreography.service, OF_EFFECT, name, index);
            names.iter().map(move |name| (id(name), *name))
        };
        (0..RECOGNIZED_MAX).flat_map(ids_at).collect()
    }
}
