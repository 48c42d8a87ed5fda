//! Which versions of this service's messages its subscribers read, by their notes. What one of them can't read yet is held: while
//! an application is updated, publishers may be ahead of their subscribers.

use std::collections::BTreeMap;

use crate::bus::{BusError, Connection, ConsumerInfo};
use crate::wire::envelope::{Envelope, Heading};

/// The subscribers of the stream of events, and what each reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Readers {
    publisher: &'static str,
    subscribers: Vec<Subscriber>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Subscriber {
    consumer: ConsumerInfo,
    /// The versions of each message that it reads; none if it has noted nothing, because it has never run. Then it may
    /// be of any release, and gets first versions only.
    versions: Option<BTreeMap<String, Vec<u32>>>,
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
    /// Requests what the subscribers have noted.
    pub(super) async fn request(connection: &dyn Connection, publisher: &'static str) -> Result<Self, BusError> {
        let mut subscribers = Vec::new();
        for consumer in connection.consumers().await?.into_iter().filter(|consumer| consumer.is_subscriber) {
            // A note without versions is of a service that reads nothing, or of a release that did not note them.
            let note = connection.progress(consumer.service()).await?;
            let versions = note.map(|note| note.versions).filter(|versions| !versions.is_empty());
            subscribers.push(Subscriber { consumer, versions });
        }
        Ok(Self { publisher, subscribers })
    }

    /// Whether every subscriber reads a message in this version. A message without any subscriber is held while
    /// other services subscribe to something: its consumer is provisioned later.
    pub(super) fn read(&self, envelope: &Envelope) -> bool {
        self.problem(envelope).is_none()
    }

    /// Returns who can't read a message, and what to do.
    pub(super) fn problem(&self, envelope: &Envelope) -> Option<String> {
        let (_, message, _) = envelope.parts()?;
        let version = Heading::version_of(envelope)?;
        let mut of_message = self.of(message).peekable();
        if of_message.peek().is_none() {
            let others = self.subscribers.iter().any(|other| other.consumer.service() != self.publisher);
            let problem =
                || format!("nobody receives {message}: it is kept; run the provisioning step of its subscriber");
            return others.then(problem);
        }
        let unready = of_message.find(|subscriber| !subscriber.reads(message, version))?;
        let service = unready.consumer.service();
        Some(format!("{service} does not read version {version} of {message} yet: it is kept; update {service}"))
    }

    fn of(&self, message: &str) -> impl Iterator<Item = &Subscriber> {
        self.subscribers.iter().filter(move |subscriber| subscriber.consumer.receives(self.publisher, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::headers::Headers;

    fn subscriber(consumer: &str, filter: &str, versions: Option<&[(&str, &[u32])]>) -> Subscriber {
        let versions = versions.map(|versions| {
            versions.iter().map(|(message, versions)| ((*message).to_owned(), versions.to_vec())).collect()
        });
        let (consumer, filters) = (consumer.to_owned(), vec![filter.to_owned()]);
        let consumer = ConsumerInfo { consumer, is_subscriber: true, filters, delivered: 0, sent: 0, pending: 0 };
        Subscriber { consumer, versions }
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
            (vec![subscriber("ledger-0", "till.book-sale.*", Some(reads))], 2, true),
            (vec![subscriber("ledger-0", "till.book-sale.*", Some(reads))], 3, false),
            (vec![subscriber("ledger-0", "till.book-sale.*", None)], 1, true),
            (vec![subscriber("ledger-0", "till.book-sale.*", None)], 2, false),
            (vec![subscriber("ledger-0", "till.other.*", Some(reads))], 1, false),
            (vec![subscriber("till-0", "till.other.*", None)], 1, true),
            (vec![subscriber("ledger-0", "till.book-sale.*", Some(&[("other", &[1])]))], 1, false),
        ] {
            let readers = Readers { publisher: "till", subscribers };
            let envelope = message("book-sale", version);
            assert_eq!(readers.read(&envelope), is_read, "{readers:?} {version}");
            assert_eq!(readers.problem(&envelope).is_some(), !is_read);
        }
    }
}
