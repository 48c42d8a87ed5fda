//! The messages of a map: who publishes each of them, and how, and who receives it. The picture and the documents are
//! made of these.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Map;
use crate::declare::edge::{Edge, FallbackEdge};
use crate::declare::handler::HandlerKind;
use crate::declare::outgoing::OutgoingType;
use crate::wire::role::Role;

/// A message, with its publishers and subscribers.
#[derive(Debug, Serialize)]
pub(super) struct MapMessage {
    pub role: Role,
    /// By their services' names.
    pub publishers: BTreeMap<&'static str, Publisher>,
    /// By their services' names.
    pub subscribers: BTreeMap<&'static str, Subscriber>,
}

/// How a service publishes a message.
#[derive(Debug, Default, Serialize)]
pub(super) struct Publisher {
    pub versions: BTreeSet<u32>,
    /// Whether some function schedules it.
    pub scheduled: bool,
    pub published_by: BTreeSet<PublishedBy>,
}

/// What of a function publishes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PublishedBy {
    /// Its result, when the rows are kept.
    Function,
    /// Its `Err`, when the rows stay as they were.
    Refusal,
    /// Its fallback, when the message that it receives has died.
    Fallback,
}

/// How a service receives a message.
#[derive(Debug, Default, Serialize)]
pub(super) struct Subscriber {
    pub versions: BTreeSet<u32>,
    /// A reaction, a compensation, an effect, or a reaction and an effect.
    pub received_by: BTreeSet<HandlerKind>,
    /// Whether it does something when the message has died.
    pub has_fallback: bool,
}

impl Map {
    /// Returns the messages between the services, by their names. Commands are none: they come from callers.
    pub(super) fn messages(&self) -> BTreeMap<&'static str, MapMessage> {
        let mut messages = BTreeMap::new();
        for edge in &self.edges {
            for (outgoing, by) in published(edge) {
                let publishers = &mut entry(&mut messages, outgoing.name, outgoing.role).publishers;
                let publisher: &mut Publisher = publishers.entry(edge.service).or_default();
                publisher.versions.insert(outgoing.version);
                publisher.scheduled |= outgoing.scheduled;
                publisher.published_by.insert(by);
            }
            if edge.is_subscriber() {
                let subscribers = &mut entry(&mut messages, edge.receives, edge.role).subscribers;
                let subscriber = subscribers.entry(edge.service).or_default();
                subscriber.versions.extend(&edge.versions);
                subscriber.received_by.insert(edge.kind);
                subscriber.has_fallback |= edge.fallback.iter().any(FallbackEdge::acts);
            }
        }
        messages
    }
}

fn entry<'a>(
    messages: &'a mut BTreeMap<&'static str, MapMessage>,
    name: &'static str,
    role: Role,
) -> &'a mut MapMessage {
    let empty = || MapMessage { role, publishers: BTreeMap::new(), subscribers: BTreeMap::new() };
    messages.entry(name).or_insert_with(empty)
}

/// Returns everything that a function may publish, with what of it does.
fn published(edge: &Edge) -> impl Iterator<Item = (&OutgoingType, PublishedBy)> {
    let fallback = edge.fallback.iter().flat_map(|fallback| &fallback.publishes);
    let published = edge.publishes.iter().map(|outgoing| (outgoing, PublishedBy::Function));
    let refusal = edge.refusal.iter().map(|outgoing| (outgoing, PublishedBy::Refusal));
    published.chain(refusal).chain(fallback.map(|outgoing| (outgoing, PublishedBy::Fallback)))
}
