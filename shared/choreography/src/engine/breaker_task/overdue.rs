//! Overdue messages. A subscriber that is down writes no dead letters, so the publisher looks which subscribers have
//! not been sent what was published long ago.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::BreakerTask;
use crate::breaker::ServerTime;
use crate::bus::{BusError, Connection, ConsumerInfo};
use crate::clock::{earlier, until};
use crate::wire::dead_letter::overdue_notice;
use crate::wire::envelope::Envelope;

impl BreakerTask {
    /// Publishes an overdue notice for each message and subscriber that is behind, once a cycle. Only the leader does.
    pub(super) async fn report_overdue(&self, connection: &dyn Connection, time: ServerTime) -> Result<(), BusError> {
        if self.shared.leadership.term().epoch.is_none() {
            return Ok(());
        }
        let (publisher, now) = (self.choreography.service, time.at(self.settings.clock.now()));
        let overdue = earlier(now, self.settings.overdue_after);
        let messages = self.choreography.circuit_messages();
        for consumer in furthest_instances(connection.consumers().await?).values() {
            if consumer.service() == publisher || consumer.pending == 0 {
                continue;
            }
            for message in messages.iter().filter(|message| consumer.receives(publisher, message)) {
                let first = connection.first_after(&format!("{publisher}.{message}.*"), consumer.delivered).await?;
                if let Some((_, published)) = first.filter(|(_, published)| *published < overdue) {
                    let notice = notice(publisher, message, consumer, published, now);
                    connection.publish(&notice).await?.await?;
                }
            }
        }
        Ok(())
    }
}

/// Returns, for each subscribing service, the instance that was sent most: the others are standbys.
fn furthest_instances(consumers: Vec<ConsumerInfo>) -> BTreeMap<String, ConsumerInfo> {
    let mut furthest = BTreeMap::<String, ConsumerInfo>::new();
    for consumer in consumers {
        match furthest.get(consumer.service()) {
            Some(known) if known.delivered >= consumer.delivered => {}
            _ => drop(furthest.insert(consumer.service().to_owned(), consumer)),
        }
    }
    furthest
}

/// Returns the notice. It is published directly, not through the outbox: it belongs to no story, and the next cycle
/// publishes another one.
fn notice(publisher: &str, message: &str, consumer: &ConsumerInfo, published: Timestamp, now: Timestamp) -> Envelope {
    let (name, count, seconds) = (consumer.service(), consumer.pending, until(published, now).as_secs());
    let messages = if count == 1 { "message" } else { "messages" };
    let detail = format!("{name} has not been sent {count} {messages}, the oldest for {seconds} s");
    overdue_notice(publisher, message, name, detail, now)
}
