//! Reading: the database knows how far it has read, the server is only asked to send from there.
//!
//! On every start, reconnect or anomaly reading goes back to the safe position; the inbox skips what was received. What
//! must hold: every message arrives once and in order since the reset, or reading starts again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::bus::{Bus, BusError, Connection, Delivery};
use crate::clock::later;
use crate::engine::shared::Shared;
use crate::settings::{ALIVE_ASKED_EVERY, BATCH_MAX, LEASE, STANDBY_LOOKS_EVERY, Settings};
use crate::store::{Head, Store, StoreError};

/// How long to wait before the server is asked again, when it could not be reached or did something odd.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// How an operator says that the stream is to be read as it is. The outbox and its numbers stay as they are.
const ACCEPT_THE_STREAM: &str =
    "run `update head set stream_created = '', position = 0, restart_position = 0` in the database of this service";

/// What the reader hands to the batches.
pub(crate) enum Feed {
    /// Reading begins after a position.
    Begin { epoch: i64, position: u64 },
    /// Messages in stream order.
    Messages { epoch: i64, deliveries: Vec<Delivery> },
    /// The server that is read from was still alive at that moment. Whether reading had passed a place by then, because up
    /// to there the stream has nothing that was not sent.
    Alive { epoch: i64, at: Timestamp, passed: Option<u64> },
}

/// Why reading stopped.
enum Stopped {
    /// Start again at once, from the safe position.
    Anomaly(String),
    /// Nothing can be read until an operator has done something; look again after a while.
    Operator(String),
    /// The service stops, or another instance is in charge.
    Over,
}

impl From<BusError> for Stopped {
    fn from(error: BusError) -> Self {
        Self::Anomaly(error.to_string())
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::HeadConflict { .. } => Self::Over,
            other => Self::Anomaly(other.to_string()),
        }
    }
}

pub(crate) struct Reader {
    pub store: Arc<dyn Store>,
    pub bus: Arc<dyn Bus>,
    pub shared: Shared,
    pub settings: Settings,
    pub consumer: String,
    pub feed: mpsc::Sender<Feed>,
    pub mine: Option<i64>,
}

impl Reader {
    /// Reads until the service stops.
    pub(crate) async fn run(mut self) {
        let shared = self.shared.clone();
        while !shared.is_stopping() {
            let stopped = tokio::select! {
                stopped = self.read() => stopped,
                () = shared.stopping() => break,
            };
            match stopped {
                Ok(()) | Err(Stopped::Over) => {}
                Err(Stopped::Anomaly(trouble) | Stopped::Operator(trouble)) => {
                    self.shared.note_reading(Err(trouble));
                    tokio::select! {
                        () = tokio::time::sleep(AGAIN_AFTER) => {}
                        () = self.shared.stopping() => break,
                    }
                }
            }
        }
    }

    /// Connects, takes charge, and reads until something happens.
    async fn read(&mut self) -> Result<(), Stopped> {
        let connection = self.bus.connect().await?;
        let head = self.claim(connection.as_ref()).await?;
        let epoch = head.epoch;
        self.mine = Some(epoch);
        let result = self.read_as(epoch, &head, connection.as_ref()).await;
        if matches!(result, Err(Stopped::Over)) {
            self.shared.step_down(epoch);
            tracing::warn!(epoch, "another instance is in charge: standing by");
        }
        result
    }

    /// Takes charge, as soon as nobody else is.
    async fn claim(&self, connection: &dyn Connection) -> Result<Head, Stopped> {
        loop {
            let now = self.settings.clock.now();
            if let Some(head) = self.store.claim(self.mine, now, later(now, LEASE)).await? {
                self.shared.become_leader(head.epoch);
                return Ok(head);
            }
            self.shared.note_reading(Ok(()));
            self.shared.note_publishing(Ok(()));
            tokio::select! {
                () = tokio::time::sleep(STANDBY_LOOKS_EVERY) => {}
                lost = connection.lost() => return Err(Stopped::Anomaly(lost)),
            }
        }
    }

    async fn read_as(&self, epoch: i64, head: &Head, connection: &dyn Connection) -> Result<(), Stopped> {
        self.check_stream(epoch, head, connection).await?;
        if connection.consumer_info(&self.consumer).await?.is_none() {
            let consumer = &self.consumer;
            let trouble = format!("the consumer {consumer} does not exist: run the provisioning step");
            return Err(Stopped::Operator(trouble));
        }
        let from = head.restart_position + 1;
        let reset = connection.reset(&self.consumer, from).await?;
        if reset != from {
            return Err(Stopped::Anomaly(format!("asked to go on at {from}, the server went to {reset}")));
        }
        let mut deliveries = connection.pull(&self.consumer).await?;
        self.hand(Feed::Begin { epoch, position: head.restart_position }).await?;
        self.shared.note_reading(Ok(()));
        let (mut expected, mut seen) = (1, 0);
        let mut looks = tokio::time::interval(ALIVE_ASKED_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let deliveries = tokio::select! {
                deliveries = deliveries.next(BATCH_MAX) => deliveries?,
                _ = looks.tick() => {
                    let idle = seen == expected;
                    seen = expected;
                    self.look_whether_alive(epoch, connection, idle.then_some(expected - 1)).await?;
                    continue;
                }
                lost = connection.lost() => return Err(Stopped::Anomaly(lost)),
                () = self.shared.stepped_down(epoch) => return Err(Stopped::Over),
            };
            expected = in_order(&deliveries, expected).map_err(Stopped::Anomaly)?;
            self.hand(Feed::Messages { epoch, deliveries }).await?;
        }
    }

    /// Only an answer shows that the server lived when it was asked: deliveries may have been under way for long.
    ///
    /// While nothing comes, but messages for others do, the stream would in time forget up to here: so it is asked whether
    /// what has come, this many messages, is all that there is.
    async fn look_whether_alive(
        &self,
        epoch: i64,
        connection: &dyn Connection,
        idle_after: Option<u64>,
    ) -> Result<(), Stopped> {
        let at = self.settings.clock.now();
        // Asked first: what is stored between the two questions is pending, or sent.
        let last = connection.stream().await?.last;
        let is_all = match idle_after {
            Some(count) => {
                connection.consumer_info(&self.consumer).await?.is_some_and(|it| (it.sent, it.pending) == (count, 0))
            }
            None => false,
        };
        self.hand(Feed::Alive { epoch, at, passed: is_all.then_some(last) }).await
    }

    /// Reading is refused where messages may have been lost: only an operator can say that this is all right.
    async fn check_stream(&self, epoch: i64, head: &Head, connection: &dyn Connection) -> Result<(), Stopped> {
        let stream = connection.stream().await?;
        if head.stream_created.is_empty() {
            self.store.remember_stream(epoch, &stream.created).await?;
            return Ok(());
        }
        let trouble = if head.stream_created != stream.created {
            format!(
                "the stream was created anew ({}, not {}): what was said before is gone; restore the stream from a \
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
                "the stream begins at {}, but only {} was read: messages left it unread; restore it from a backup, \
                 or go on at its beginning: {ACCEPT_THE_STREAM}",
                stream.first, head.restart_position
            )
        } else {
            return Ok(());
        };
        Err(Stopped::Operator(trouble))
    }

    async fn hand(&self, feed: Feed) -> Result<(), Stopped> {
        self.feed.send(feed).await.map_err(|_| Stopped::Over)
    }
}

/// Whether messages came once and without a gap; the consumer sequence that comes next.
fn in_order(deliveries: &[Delivery], mut expected: u64) -> Result<u64, String> {
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
