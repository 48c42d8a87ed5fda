//! Which versions of this service's messages its subscribers read, by their notes. What one of them can't read yet is
//! held: while an application is updated, publishers may be ahead of their subscribers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bus::{BusError, Connection, ConsumerInfo, Progress};
use crate::engine::sources::Sources;
use crate::wire::envelope::{Envelope, Heading};

/// The name under which those subscribe who receive every message.
const ANY_MESSAGE: &str = "*";

/// The subscribers of this service's messages, and what each reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Readers {
    by_message: BTreeMap<String, Vec<Subscriber>>,
    /// Whether any other service subscribes to something.
    has_others: bool,
}

/// A service that subscribes to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subscriber {
    service: String,
    /// The versions of each message that it reads; none if it has noted nothing, because it has never run. Then it may
    /// be of any release, and gets first versions only.
    versions: Option<Arc<BTreeMap<String, Vec<u32>>>>,
}

impl Subscriber {
    fn reads(&self, message: &str, version: u32) -> bool {
        match &self.versions {
            Some(known) => known.get(message).is_some_and(|versions| versions.contains(&version)),
            None => version == 1,
        }
    }
}

impl Readers {
    /// Requests what the subscribers have noted: once of each service, however many instances it has.
    pub(super) async fn request(connection: &dyn Connection, publisher: &str) -> Result<Self, BusError> {
        let consumers = connection.consumers().await?;
        let mut notes = BTreeMap::new();
        for consumer in consumers.iter().filter(|consumer| consumer.is_subscriber) {
            if !notes.contains_key(consumer.service()) {
                notes.insert(consumer.service(), connection.progress(consumer.service()).await?);
            }
        }
        Ok(Self::of(publisher, &consumers, notes))
    }

    fn of(publisher: &str, consumers: &[ConsumerInfo], notes: BTreeMap<&str, Option<Progress>>) -> Self {
        // A note without versions is of a service that reads nothing, or of a release that did not note them.
        let noted = |note: Option<Progress>| note.map(|note| note.versions).filter(|known| !known.is_empty());
        let versions: BTreeMap<_, _> =
            notes.into_iter().map(|(service, note)| (service, noted(note).map(Arc::new))).collect();
        let (mut readers, mut known) = (Self::default(), BTreeSet::new());
        for consumer in consumers.iter().filter(|consumer| consumer.is_subscriber) {
            let service = consumer.service();
            readers.has_others |= service != publisher;
            for message in Sources::of(&consumer.filters).of_publisher(publisher) {
                if known.insert((service, message.to_owned())) {
                    let versions = versions.get(service).cloned().flatten();
                    let subscriber = Subscriber { service: service.to_owned(), versions };
                    readers.by_message.entry(message.to_owned()).or_default().push(subscriber);
                }
            }
        }
        readers
    }

    /// Whether every subscriber reads a message in this version. A message without any subscriber is held while other
    /// services subscribe to something: its consumer is provisioned later.
    pub(super) fn read(&self, envelope: &Envelope) -> bool {
        let Some((_, message, _)) = envelope.parts() else { return true };
        let Some(version) = Heading::version_of(envelope) else { return true };
        let mut subscribers = self.subscribers(message).peekable();
        match subscribers.peek() {
            Some(_) => subscribers.all(|subscriber| subscriber.reads(message, version)),
            None => !self.has_others,
        }
    }

    /// Returns who can't read a message, and what to do.
    pub(super) fn problem(&self, envelope: &Envelope) -> Option<String> {
        let (_, message, _) = envelope.parts().filter(|_| !self.read(envelope))?;
        let version = Heading::version_of(envelope)?;
        Some(match self.subscribers(message).find(|subscriber| !subscriber.reads(message, version)) {
            Some(Subscriber { service, .. }) => {
                format!("{service} does not read version {version} of {message} yet: it is kept; update {service}")
            }
            None => format!("nobody receives {message}: it is kept; run the provisioning step of its subscriber"),
        })
    }

    fn subscribers(&self, message: &str) -> impl Iterator<Item = &Subscriber> {
        [message, ANY_MESSAGE].into_iter().filter_map(|name| self.by_message.get(name)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::headers::Headers;

    fn consumer(name: &str, filter: &str) -> ConsumerInfo {
        let (consumer, filters) = (name.to_owned(), vec![filter.to_owned()]);
        ConsumerInfo { consumer, is_subscriber: true, filters, delivered: 0, sent: 0, pending: 0, unsuitable: None }
    }

    fn note(versions: &[(&str, &[u32])]) -> Progress {
        let versions = versions.iter().map(|(message, versions)| ((*message).to_owned(), versions.to_vec())).collect();
        Progress { versions, ..Progress::default() }
    }

    fn message(name: &str, version: u32) -> Envelope {
        let headers = Headers::from([("ce-type", format!("shop.{name}.v{version}"))]);
        Envelope { subject: format!("till.{name}.7").into(), headers, payload: "{}".into() }
    }

    #[test]
    fn a_message_is_read_if_every_running_subscriber_knows_its_version() {
        let reads: &[(&str, &[u32])] = &[("book-sale", &[1, 2])];
        for (subscribers, version, is_read) in [
            (vec![], 1, true),
            (vec![("ledger-0", "till.book-sale.*", Some(reads))], 2, true),
            (vec![("ledger-0", "*.book-sale.*", Some(reads))], 2, true),
            (vec![("ledger-0", "till.*.*", Some(reads))], 2, true),
            (vec![("ledger-0", "till.*.*", Some(reads))], 3, false),
            (vec![("ledger-0", "till.book-sale.*", Some(reads))], 3, false),
            (vec![("ledger-0", "till.book-sale.*", None)], 1, true),
            (vec![("ledger-0", "till.book-sale.*", None)], 2, false),
            (vec![("ledger-0", "till.other.*", Some(reads))], 1, false),
            (vec![("till-0", "till.other.*", None)], 1, true),
            (vec![("ledger-0", "till.book-sale.*", Some(&[("other", &[1])]))], 1, false),
        ] {
            let consumers: Vec<_> = subscribers.iter().map(|(name, filter, _)| consumer(name, filter)).collect();
            let services = consumers.iter().map(ConsumerInfo::service);
            let notes = services.zip(subscribers.iter().map(|(_, _, versions)| versions.map(note))).collect();
            let readers = Readers::of("till", &consumers, notes);
            let envelope = message("book-sale", version);
            assert_eq!(readers.read(&envelope), is_read, "{readers:?} {version}");
            assert_eq!(readers.problem(&envelope).is_some(), !is_read);
        }
    }

    #[test]
    fn instances_of_a_service_are_one_subscriber() {
        let consumers = ["ledger-0", "ledger-1"].map(|name| consumer(name, "till.book-sale.*"));
        let readers = Readers::of("till", &consumers, BTreeMap::new());
        assert_eq!(readers.by_message["book-sale"].len(), 1);
    }
}
