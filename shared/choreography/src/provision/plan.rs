//! What has to be on the server, computed from the choreographies of the services.

use super::resources::{ConsumerPlan, StreamPlan, subjects_of};
use super::users::Users;
use crate::declare::choreography::Choreography;
use crate::declare::map::Map;
use crate::wire::dead_letter::{DEAD_LETTERS, EVENTS};

/// How many instances of a service may run if nothing else is set: a leader and a standby.
const SLOTS: u32 = 2;

/// The streams and consumers that have to be on the server, and the services that use them.
///
/// ```no_run
/// # use choreography::Choreography;
/// # async fn create(services: &[Choreography]) -> Result<(), Box<dyn std::error::Error>> {
/// use choreography::provision::{Plan, provision};
///
/// let client = choreography::async_nats::connect("nats://admin:secret@127.0.0.1:4222").await?;
/// for change in provision(&client, &Plan::of(services)).await? {
///     println!("{change}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The names of the services.
    pub services: Vec<String>,
    /// The streams.
    pub streams: Vec<StreamPlan>,
    /// The consumers of the stream `EVENTS`.
    pub consumers: Vec<ConsumerPlan>,
}

impl Plan {
    /// Returns the plan for these services: the streams `EVENTS` and `DEAD_LETTERS` of 4 GiB and 4 million messages
    /// each, the bucket of the services' notes, and two consumers for each service, one for each instance. A consumer
    /// receives exactly the messages that the service has a function for.
    ///
    /// Nothing is started and no effect is called: the means of a choreography's effects do not matter here.
    pub fn of<'a>(services: impl IntoIterator<Item = &'a Choreography>) -> Self {
        let services: Vec<&Choreography> = services.into_iter().collect();
        let map = Map::of(services.iter().copied());
        let names: Vec<String> = services.iter().map(|service| service.service().to_owned()).collect();
        let subjects = names.iter().map(|name| subjects_of(name)).collect();
        let consumers = names.iter().filter_map(|name| consumer(name, &map)).collect();
        let streams = vec![StreamPlan::events(subjects), StreamPlan::dead_letters(), StreamPlan::progress()];
        Self { services: names, streams, consumers }.slots(SLOTS)
    }

    /// Sets how many instances of each service may run, at least 1. Each has a consumer, `<service>-<slot>`. Fewer than
    /// before leave consumers behind on the server, which do no harm.
    #[must_use]
    pub fn slots(mut self, slots: u32) -> Self {
        let first = self.consumers.into_iter().filter(|consumer| consumer.slot == 0);
        let all =
            first.flat_map(|consumer| (0..slots.max(1)).map(move |slot| ConsumerPlan { slot, ..consumer.clone() }));
        self.consumers = all.collect();
        self
    }

    /// Sets how many bytes of events are kept; the oldest leave first.
    #[must_use]
    pub fn events_bytes_max(self, bytes_max: u64) -> Self {
        self.bytes_max(EVENTS, bytes_max)
    }

    /// Sets how many bytes of dead letters are kept; the oldest leave first.
    #[must_use]
    pub fn dead_letters_bytes_max(self, bytes_max: u64) -> Self {
        self.bytes_max(DEAD_LETTERS, bytes_max)
    }

    fn bytes_max(mut self, name: &str, bytes_max: u64) -> Self {
        self.streams.iter_mut().filter(|stream| stream.name == name).for_each(|stream| stream.bytes_max = bytes_max);
        self
    }

    /// Sets how many events are kept; the oldest leave first. The server needs about 300 bytes of memory for each.
    #[must_use]
    pub fn events_max(mut self, messages_max: u64) -> Self {
        let events = self.streams.iter_mut().filter(|stream| stream.name == EVENTS);
        events.for_each(|stream| stream.messages_max = messages_max);
        self
    }

    /// Returns the users of the server's configuration: an administrator, and one for each service.
    pub fn users(&self) -> Users {
        Users::of(&self.services, &self.consumers)
    }
}

/// Returns a service's first consumer. A service that receives nothing has none: without a filter it would receive
/// everything.
fn consumer(service: &str, map: &Map) -> Option<ConsumerPlan> {
    let filter_subjects: Vec<String> = map.received_by(service).iter().map(|subject| format!("{subject}.*")).collect();
    let consumer = ConsumerPlan { service: service.to_owned(), slot: 0, filter_subjects };
    (!consumer.filter_subjects.is_empty()).then_some(consumer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_and_sizes_are_set_for_all() {
        let service = |service: &str| ConsumerPlan { service: service.to_owned(), slot: 0, filter_subjects: vec![] };
        let consumers = ["order", "payment"].map(service).to_vec();
        let streams = vec![StreamPlan::events(vec![]), StreamPlan::dead_letters()];
        let plan = Plan { consumers, streams, ..Plan::default() };
        let plan = plan.slots(3).slots(2).events_bytes_max(7).dead_letters_bytes_max(8);
        let names: Vec<String> = plan.consumers.iter().map(ConsumerPlan::name).collect();
        assert_eq!(names, ["order-0", "order-1", "payment-0", "payment-1"]);
        assert_eq!((plan.streams[0].bytes_max, plan.streams[1].bytes_max), (7, 8));
        assert_eq!(plan.slots(0).consumers.len(), 2);
    }
}
