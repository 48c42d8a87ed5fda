//! A subscriber that is down writes no dead letters, so the publisher watches: who has not been sent what was said long ago?

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::BreakerTask;
use crate::breaker::ServerTime;
use crate::bus::{BusError, Connection, ConsumerInfo};
use crate::clock::{earlier, until};
use crate::wire::dead_letter::overdue_notice;
use crate::wire::envelope::Envelope;

impl BreakerTask {
    /// Writes a dead letter for each kind and subscriber that is behind. Only the instance in charge does: one dead letter a cycle.
    pub(super) async fn watch(&self, connection: &dyn Connection, time: ServerTime) -> Result<(), BusError> {
        if self.shared.leadership().epoch.is_none() {
            return Ok(());
        }
        let (publisher, now) = (self.choreography.service, time.at(self.settings.clock.now()));
        let overdue = earlier(now, self.settings.overdue_after);
        let messages = self.choreography.circuit_messages();
        for consumer in furthest(connection.consumers().await?).values() {
            if consumer.service() == publisher || consumer.pending == 0 {
                continue;
            }
            for message in messages.iter().filter(|message| consumer.receives(publisher, message)) {
                let first = connection.first_after(&format!("{publisher}.{message}.*"), consumer.delivered).await?;
                if let Some((_, outgoing)) = first.filter(|(_, outgoing)| *outgoing < overdue) {
                    let dead_letter = dead_letter(publisher, message, consumer, outgoing, now);
                    connection.publish(&dead_letter).await?.await?;
                }
            }
        }
        Ok(())
    }
}

/// The subscribers, of each service the instance that was sent most: the others stand by.
fn furthest(consumers: Vec<ConsumerInfo>) -> BTreeMap<String, ConsumerInfo> {
    let mut furthest = BTreeMap::<String, ConsumerInfo>::new();
    for consumer in consumers {
        match furthest.get(consumer.service()) {
            Some(known) if known.delivered >= consumer.delivered => {}
            _ => drop(furthest.insert(consumer.service().to_owned(), consumer)),
        }
    }
    furthest
}

/// It is published as it is, not through the outbox: it is no part of any story, and the next cycle writes another.
fn dead_letter(
    publisher: &str,
    message: &str,
    consumer: &ConsumerInfo,
    outgoing: Timestamp,
    now: Timestamp,
) -> Envelope {
    let (name, count, seconds) = (consumer.service(), consumer.pending, until(outgoing, now).as_secs());
    let messages = if count == 1 { "message" } else { "messages" };
    let detail = format!("{name} has not been sent {count} {messages}, the oldest for {seconds} s");
    overdue_notice(publisher, message, name, detail, now)
}
