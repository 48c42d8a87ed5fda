//! What a test publishes in a harness in the name of a service.

use super::harness::Harness;
use super::outside_outbox::OutsideOutbox;
use crate::wire::envelope::root_trace;
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
        let mut outside = self.outside.borrow_mut();
        let outbox = outside.entry(publisher.to_owned()).or_insert_with(|| OutsideOutbox::new(clock.new_id()));
        let envelope = outbox.number(M::NAME, heading.envelope(M::NAME, payload));
        let published = self.bus.publish(&envelope);
        published.unwrap_or_else(|error| panic!("publishing {} as {publisher}: {error}", M::NAME))
    }
}
