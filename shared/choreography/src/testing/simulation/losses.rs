//! What was lost for good in a story.

use std::collections::BTreeSet;

use crate::bus::Stored;
use crate::store::SeriesRange;
use crate::wire::envelope::Envelope;
use crate::wire::series::{MessageNumber, kind_of};

/// What was lost for good in a story, and accepted by the operator.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Losses {
    /// How many messages.
    pub messages: u64,
    /// The keys of the messages, such as orders: of these a check can't expect that their stories have ended. Whatever
    /// else it checks must hold all the same.
    pub keys: BTreeSet<String>,
}

impl Losses {
    /// Adds the keys of those of the removed messages whose numbers are lost.
    pub(super) fn add_keys(&mut self, lost: &[SeriesRange], removed: &[Stored]) {
        let is_lost = |stored: &&Stored| lost.iter().any(|range| has(range, &stored.envelope));
        self.add_keys_of(removed.iter().filter(is_lost).map(|stored| &stored.envelope));
    }

    /// Whether a message belongs to a story of which something was lost: what it waits for may be lost, too.
    pub(super) fn concern(&self, envelope: &Envelope) -> bool {
        envelope.parts().is_some_and(|(_, _, key)| self.keys.contains(key))
    }

    /// Adds the keys of messages.
    pub(super) fn add_keys_of<'a>(&mut self, messages: impl Iterator<Item = &'a Envelope>) {
        self.keys.extend(messages.filter_map(|envelope| Some(envelope.parts()?.2.to_owned())));
    }
}

fn has(SeriesRange { series, range }: &SeriesRange, envelope: &Envelope) -> bool {
    let (Some((publisher, ..)), Some(name)) = (envelope.parts(), MessageNumber::of(envelope)) else { return false };
    (publisher, name.outbox, kind_of(&envelope.subject)) == (&*series.publisher, series.outbox, &*series.kind)
        && (range.first..=range.last).contains(&name.number)
}
