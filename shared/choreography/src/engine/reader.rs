//! The reader: requests the stream's messages from the service's own position on.
//!
//! The position is kept in the service's database. On every start, reconnect or anomaly the reader goes back to the
//! checkpoint; the inbox skips what was received. What must hold: every message arrives once and in order since the
//! consumer's reset, or reading starts again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::bus::{Bus, BusError, Connection, Delivery, Stream};
use crate::clock::later;
use crate::engine::shared::Shared;
use crate::settings::{ALIVE_CHECKED_EVERY, BATCH_MAX, LEASE, STANDBY_LOOKS_EVERY, Settings};
use crate::store::{Head, Store, StoreError};

/// The pause before reading starts again, after the server could not be reached or did something unexpected.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How an operator accepts the stream as it is. The outbox and its numbers stay as they are.
const ACCEPT_THE_STREAM: &str =
    "run `update head set stream_created = '', position = 0, restart_position = 0` in the database of this service";

/// What the reader sends to the worker.
pub(crate) enum Feed {
    /// Reading begins after a position.
    Begin { epoch: i64, position: u64 },
    /// Messages in stream order.
    Messages { epoch: i64, deliveries: Vec<Delivery> },
    /// The server was alive at a moment. If `passed` is set, the stream has nothing up to that sequence that was not
    /// delivered.
    Alive { epoch: i64, at: Timestamp, passed: Option<u64> },
}

/// Why reading stopped.
enum StopReason {
    /// It starts again at once, from the checkpoint.
    Anomaly(String),
    /// Nothing can be read until an operator has done something; the reader looks again after a pause.
    Operator(String),
    /// The service stops, or another instance leads.
    Ended,
}

impl From<BusError> for StopReason {
    fn from(error: BusError) -> Self {
        Self::Anomaly(error.to_string())
    }
}

impl From<StoreError> for StopReason {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::HeadConflict { .. } => Self::Ended,
            other => Self::Anomaly(other.to_string()),
        }
    }
}

pub(crate) struct Reader {
    pub store: Arc<dyn Store>,
    pub bus: Arc<dyn Bus>,
    pub shared: Shared,
    pub settings: Settings,
    /// The consumer of this instance: `<service>-<instance>`.
    pub consumer: String,
    pub feed: mpsc::Sender<Feed>,
    /// The epoch that this instance held last.
    pub held_epoch: Option<i64>,
}

impl Reader {
    /// Reads until the service stops.
    pub(crate) async fn run(mut self) {
        let Shared { stopping, health, .. } = self.shared.clone();
        while !stopping.has_begun() {
            let stopped = tokio::select! {
                biased;
                () = stopping.begun() => break,
                stopped = self.read() => stopped,
            };
            match stopped {
                Ok(()) | Err(StopReason::Ended) => {}
                Err(StopReason::Anomaly(problem) | StopReason::Operator(problem)) => {
                    health.reading(Err(problem));
                    tokio::select! {
                        biased;
                        () = stopping.begun() => break,
                        () = tokio::time::sleep(RETRY_PAUSE) => {}
                    }
                }
            }
        }
    }

    /// Connects, becomes the leader, and reads until something happens.
    async fn read(&mut self) -> Result<(), StopReason> {
        let connection = self.bus.connect().await?;
        let head = self.claim(connection.as_ref()).await?;
        let epoch = head.epoch;
        self.held_epoch = Some(epoch);
        let result = self.read_as_leader(epoch, &head, connection.as_ref()).await;
        if matches!(result, Err(StopReason::Ended)) {
            self.shared.leadership.step_down(epoch);
            tracing::warn!(epoch, "another instance leads: this one stands by until the lease is free");
        }
        result
    }

    /// Becomes the leader as soon as no other instance holds the lease. Returns the head from which to read.
    async fn claim(&self, connection: &dyn Connection) -> Result<Head, StopReason> {
        loop {
            let now = self.settings.clock.now();
            if let Some(head) = self.store.claim(self.held_epoch, now, later(now, LEASE)).await? {
                self.shared.leadership.become_leader(head.epoch);
                return Ok(head);
            }
            self.shared.health.reading(Ok(()));
            self.shared.health.publishing(Ok(()));
            tokio::select! {
                biased;
                lost = connection.lost() => return Err(StopReason::Anomaly(lost)),
                () = tokio::time::sleep(STANDBY_LOOKS_EVERY) => {}
            }
        }
    }

    async fn read_as_leader(&self, epoch: i64, head: &Head, connection: &dyn Connection) -> Result<(), StopReason> {
        self.check_stream(epoch, head, connection).await?;
        if connection.consumer_info(&self.consumer).await?.is_none() {
            let consumer = &self.consumer;
            let problem = format!("the consumer {consumer} does not exist: run the provisioning step");
            return Err(StopReason::Operator(problem));
        }
        let from = head.restart_position + 1;
        let reset = connection.reset(&self.consumer, from).await?;
        if reset != from {
            let problem = format!("the consumer was reset to {from}, but the server continues at {reset}");
            return Err(StopReason::Anomaly(problem));
        }
        let mut pull = connection.pull(&self.consumer).await?;
        self.hand_over(Feed::Begin { epoch, position: head.restart_position }).await?;
        self.shared.health.reading(Ok(()));
        let (mut expected, mut seen) = (1, 0);
        let mut looks = tokio::time::interval(ALIVE_CHECKED_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Deliveries may arrive without a pause, so they come after what must not wait. Those that arrived before
            // the connection was lost are still processed.
            let deliveries = tokio::select! {
                biased;
                () = self.shared.leadership.stepped_down(epoch) => return Err(StopReason::Ended),
                _ = looks.tick() => {
                    let is_idle = seen == expected;
                    seen = expected;
                    self.check_alive(epoch, connection, is_idle.then_some(expected - 1)).await?;
                    continue;
                }
                deliveries = pull.next(BATCH_MAX) => deliveries?,
                lost = connection.lost() => return Err(StopReason::Anomaly(lost)),
            };
            expected = check_order(&deliveries, expected).map_err(StopReason::Anomaly)?;
            self.hand_over(Feed::Messages { epoch, deliveries }).await?;
        }
    }

    /// Checks that the server is alive: deliveries don't show it, because they may have been sent long ago.
    ///
    /// While only messages for other services are published, the stream would in time delete everything up to this
    /// service's position. So an idle reader also checks whether the messages that it was sent, `idle_after` in number,
    /// are all there are.
    async fn check_alive(
        &self,
        epoch: i64,
        connection: &dyn Connection,
        idle_after: Option<u64>,
    ) -> Result<(), StopReason> {
        let at = self.settings.clock.now();
        // This request comes first: what is stored between the two requests is pending, or delivered.
        let last = connection.stream(Stream::Events).await?.last;
        let is_all = match idle_after {
            Some(count) => {
                let info = connection.consumer_info(&self.consumer).await?;
                info.is_some_and(|info| (info.sent, info.pending) == (count, 0))
            }
            None => false,
        };
        self.hand_over(Feed::Alive { epoch, at, passed: is_all.then_some(last) }).await
    }

    /// Refuses to read where messages may have been lost: only an operator can decide that this is all right.
    async fn check_stream(&self, epoch: i64, head: &Head, connection: &dyn Connection) -> Result<(), StopReason> {
        let stream = connection.stream(Stream::Events).await?;
        if head.stream_created.is_empty() {
            self.store.remember_stream(epoch, &stream.created).await?;
            return Ok(());
        }
        let problem = if head.stream_created != stream.created {
            format!(
                "the stream was created anew ({}, not {}): its earlier messages are gone; restore the stream from a \
                 backup, or read the new one from its beginning: {ACCEPT_THE_STREAM}",
                stream.created, head.stream_created
            )
        } else if stream.last < head.restart_position {
            format!(
                "the stream ends at {}, but {} was read long ago: the server lost messages; restore its files, or \
                 read the stream from its beginning: {ACCEPT_THE_STREAM}",
                stream.last, head.restart_position
            )
        } else if stream.first > head.restart_position + 1 {
            format!(
                "the stream begins at {}, but only {} was read: messages were deleted unread; restore it from a backup, \
                 or read on from its beginning: {ACCEPT_THE_STREAM}",
                stream.first, head.restart_position
            )
        } else {
            return Ok(());
        };
        Err(StopReason::Operator(problem))
    }

    async fn hand_over(&self, feed: Feed) -> Result<(), StopReason> {
        self.feed.send(feed).await.map_err(|_| StopReason::Ended)
    }
}

/// Checks that messages arrived once and without a gap. Returns the consumer sequence that comes next.
fn check_order(deliveries: &[Delivery], mut expected: u64) -> Result<u64, String> {
    for delivery in deliveries {
        if delivery.consumer_sequence != expected || delivery.delivered != 1 {
            return Err(format!(
                "expected message {expected} since the reset, got {} (delivered {} times)",
                delivery.consumer_sequence, delivery.delivered
            ));
        }
        expected += 1;
    }
    Ok(expected)
}
