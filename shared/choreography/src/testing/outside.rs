//! What a test publishes in a harness in the name of a service.

use std::collections::BTreeMap;

use super::harness::Harness;
use crate::wire::envelope::{Envelope, root_trace};
use crate::wire::series::MessageNumber;
use crate::{Heading, Message};

impl Harness {
    /// Publishes a message as a service that is not part of the application, or as one that is. Returns its sequence in
    /// the stream.
    ///
    /// # Panics
    /// When the server refuses it, as it does while it is down.
    pub fn publish<M: Message>(&self, publisher: &str, message: &M) -> u64 {
        let _entered = self.runtime.enter();
        let clock = &self.settings.clock;
        let (id, now, key) = (clock.new_id(), clock.now(), message.key().to_string());
        let heading = Heading {
            id,
            source: publisher,
            kind: &format!("{}.{}.v{}", self.settings.namespace, M::NAME, M::VERSION),
            time: now,
            subject: &key,
            correlation: &key,
            causation: &id.to_string(),
            expiry: None,
            trace: &root_trace(id),
        };
        let payload = serde_json::to_vec(message).expect("a message can be written as JSON");
        let envelope = self.number(publisher, M::NAME, heading.envelope(M::NAME, payload));
        let published = self.bus.publish(&envelope);
        published.unwrap_or_else(|error| panic!("publishing {} as {publisher}: {error}", M::NAME))
    }

    /// Returns a message of a publisher with the number that it has there.
    fn number(&self, publisher: &str, message: &'static str, envelope: Envelope) -> Envelope {
        let mut outside = self.outside.borrow_mut();
        let begun = || (self.settings.clock.new_id(), BTreeMap::new());
        let (outbox, last) = outside.entry(publisher.to_owned()).or_insert_with(begun);
        let number = last.entry(message).or_insert(0);
        *number += 1;
        MessageNumber { outbox: *outbox, number: *number }.put_on(envelope)
    }
}
