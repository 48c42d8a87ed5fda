//! Overdue steps. A subscriber that is down, or can't commit, writes no dead letters, so the publisher looks which
//! subscribers have not committed what was published long ago.
//!
//! What a subscriber was sent says nothing: it counts what it has noted as committed. Only the consumers that the
//! provisioning step has marked belong to subscribers; somebody who looks at the stream has not to keep up with it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::BreakerTask;
use crate::breaker::ServerTime;
use crate::bus::{BusError, Connection, ConsumerInfo, Stream};
use crate::clock::{earlier, until};
use crate::wire::dead_letter::overdue_notice;
use crate::wire::envelope::Envelope;

/// A step that its subscriber has not committed.
struct OverdueStep<'a> {
    publisher: &'a str,
    step: &'a str,
    subscriber: &'a str,
    /// The subscriber's committed position.
    position: u64,
    sequence: u64,
    published: Timestamp,
}

impl BreakerTask {
    /// Publishes an overdue notice for each step and subscriber that is behind, once a cycle. Only the leader does.
    ///
    /// Each look has a connection of its own: what fails here leaves the reading of dead letters alone, and the next cycle
    /// looks again. A server that was provisioned by an earlier version denies the notes, and closes the connection.
    pub(super) async fn report_overdue(&self, time: ServerTime) {
        let steps = self.choreography.published_steps();
        if self.shared.leadership.term().epoch.is_none() || steps.is_empty() {
            return;
        }
        let mut looked = self.look_for_overdue(&steps, time, true).await;
        if let Err(BusError::Refused(problem)) = &looked {
            let denied = format!("they can't be read in PROGRESS: run the provisioning step; {problem}");
            looked = self.look_for_overdue(&steps, time, false).await;
            // Otherwise it is not the notes that fail.
            if looked.is_ok() {
                self.shared.health.trouble("notes of subscribers", Err(&denied));
            }
        } else if looked.is_ok() {
            self.shared.health.trouble("notes of subscribers", Ok(()));
        }
        if let Err(error) = looked {
            tracing::debug!(%error, "looking for overdue steps failed: the next cycle looks again");
        }
    }

    async fn look_for_overdue(
        &self,
        steps: &BTreeSet<&'static str>,
        time: ServerTime,
        with_notes: bool,
    ) -> Result<(), BusError> {
        let (publisher, connection) = (self.choreography.service, self.bus.connect().await?);
        let connection = connection.as_ref();
        let now = time.at(self.settings.clock.now());
        let overdue = earlier(now, self.settings.overdue_after);
        for (subscriber, consumers) in subscribers(connection.consumers().await?) {
            let receives = |step: &&&str| consumers.iter().any(|consumer| consumer.receives(publisher, step));
            let steps: Vec<_> = steps.iter().filter(receives).collect();
            if subscriber == publisher || steps.is_empty() {
                continue;
            }
            let position = position(connection, &subscriber, &consumers, with_notes).await?;
            for step in steps {
                let first = connection.first_after(&format!("{publisher}.{step}.*"), position).await?;
                if let Some((sequence, published)) = first.filter(|(_, published)| *published < overdue) {
                    let subscriber = &subscriber;
                    let found = OverdueStep { publisher, step, subscriber, position, sequence, published };
                    connection.publish(&found.notice(now)).await?.await?;
                }
            }
        }
        Ok(())
    }
}

/// Returns the consumers of each subscribing service.
fn subscribers(consumers: Vec<ConsumerInfo>) -> BTreeMap<String, Vec<ConsumerInfo>> {
    let mut subscribers = BTreeMap::<String, Vec<ConsumerInfo>>::new();
    for consumer in consumers.into_iter().filter(|consumer| consumer.is_subscriber) {
        subscribers.entry(consumer.service().to_owned()).or_default().push(consumer);
    }
    subscribers
}

/// Returns the position that a subscriber has noted as committed. One without a note is taken by the consumer that was
/// sent most, as is one whose note is of a stream that was longer.
async fn position(
    connection: &dyn Connection,
    subscriber: &str,
    consumers: &[ConsumerInfo],
    with_notes: bool,
) -> Result<u64, BusError> {
    let note = if with_notes { connection.progress(subscriber).await? } else { None };
    let noted = note.map(|note| note.position);
    let last = connection.stream(Stream::Events).await?.last;
    let delivered = || consumers.iter().map(|consumer| consumer.delivered).max().unwrap_or_default();
    Ok(noted.filter(|position| *position <= last).unwrap_or_else(delivered))
}

impl OverdueStep<'_> {
    /// Returns the notice. It is published directly, not through the outbox: it belongs to no story, and the next cycle
    /// publishes another one.
    fn notice(&self, now: Timestamp) -> Envelope {
        let Self { publisher, step, subscriber, position, sequence, published } = self;
        let seconds = until(*published, now).as_secs();
        let detail = format!(
            "{subscriber} has committed up to {position}, and not {step} at {sequence}, published {seconds} s ago"
        );
        overdue_notice(publisher, step, subscriber, detail, now)
    }
}
