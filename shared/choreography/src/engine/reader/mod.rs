//! The reader: leads if no other instance does, and requests the stream's messages from the service's own position on.
//!
//! The position is kept in the service's database. What must hold: every message arrives once and in order since the
//! consumer's reset, or reading begins anew behind the committed position, after that has been verified.

mod position;
mod session;
mod take_up;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use uuid::Uuid;

use crate::bus::{Bus, BusError, Connection, Delivery, PULLED_BYTES_MAX, Progress, StreamState};
use crate::clock::later;
use crate::engine::received_numbers::ReceivedNumbers;
use crate::engine::shared::Shared;
use crate::engine::sources::Sources;
use crate::settings::{DELIVERED_BYTES_MAX, LEASE, STANDBY_LOOKS_EVERY, Settings};
use crate::store::{Checkpoint, Store, StoreError};
use crate::wire::series::NUMBER_MAX;
pub(crate) use position::place_before;
use session::ReadingSession;

/// The pause before reading starts again, after the server could not be reached or did something unexpected, or the
/// leadership was lost.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// The most bytes that the reader hands over before they are processed: the others are sent ahead by the server.
pub(crate) const READ_BYTES_MAX: usize = DELIVERED_BYTES_MAX - PULLED_BYTES_MAX;

/// Returns the size of messages.
pub(crate) fn bytes_of(deliveries: &[Delivery]) -> usize {
    deliveries.iter().map(|delivery| delivery.envelope.bytes()).sum()
}

/// What the reader sends to the worker.
pub(crate) enum Feed {
    /// This instance leads from now on.
    Lead { epoch: i64 },
    /// Nothing that was delivered is to be processed any more; the worker replies when that is so.
    Stop { stopped: oneshot::Sender<()> },
    /// Reading begins after a position, with the numbers that were received by then.
    Begin { epoch: i64, position: Checkpoint, received: Box<ReceivedNumbers> },
    /// Messages in stream order, with the room that they take until they are processed.
    Messages { epoch: i64, deliveries: Vec<Delivery>, room: OwnedSemaphorePermit },
    /// What a look at the server has shown.
    Looked { epoch: i64, look: Look },
}

/// What a look at the server has shown.
pub(crate) struct Look {
    /// The sequence of the first message that the stream still has.
    pub first: u64,
    /// How many messages it lacks between its first and its last one.
    pub deleted: u64,
    /// A place up to which the stream has nothing for this service that was not delivered, if that is known.
    pub passed: Option<Checkpoint>,
    /// What the publishers note about their numbers.
    pub notes: Vec<PublisherNote>,
}

/// What a publisher notes about its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublisherNote {
    pub publisher: Arc<str>,
    /// The last sequence of the stream when it was written.
    pub up_to: u64,
    /// By outbox and kind, the number up to which the stream has everything, or has lost it for good.
    pub settled: Vec<(Uuid, Arc<str>, u64)>,
}

impl PublisherNote {
    /// Returns a publisher's note, if it was written since the server's last start.
    fn read(publisher: &str, progress: Progress, stream: &StreamState) -> Option<Self> {
        let of_outbox = |(outbox, kinds): (Uuid, BTreeMap<String, u64>)| {
            let believed = kinds.into_iter().filter(|(_, up_to)| *up_to <= NUMBER_MAX);
            believed.map(move |(kind, up_to)| (outbox, kind.into(), up_to))
        };
        let settled = progress.settled.into_iter().flat_map(of_outbox).collect();
        let note = Self { publisher: publisher.into(), up_to: progress.up_to, settled };
        (progress.server_start == stream.server_start).then_some(note)
    }
}

/// Why reading stopped.
enum StopReason {
    /// It begins anew on another connection.
    Anomaly(String),
    /// This instance can't lead as things are.
    Unable(String),
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
    pub service: &'static str,
    /// The names of the messages that the service receives.
    pub receives: Vec<&'static str>,
    pub store: Arc<dyn Store>,
    pub bus: Arc<dyn Bus>,
    pub shared: Shared,
    pub settings: Settings,
    /// The consumer of this instance: `<service>-<instance>`.
    pub consumer: String,
    pub feed: mpsc::Sender<Feed>,
    /// The room for what is delivered and not processed yet, in bytes.
    pub room: Arc<Semaphore>,
    /// The epoch that this instance held last.
    pub held_epoch: Option<i64>,
}

impl Reader {
    /// Reads until the service stops.
    pub(crate) async fn run(mut self) {
        let Shared { stopping, health, leadership, .. } = self.shared.clone();
        while !stopping.has_begun() {
            let stopped = tokio::select! {
                biased;
                () = stopping.begun() => break,
                stopped = self.read() => stopped,
            };
            match stopped {
                Ok(()) => continue,
                // Two whose clocks are far apart don't believe each other's lease: without a pause they would take it from
                // each other all the time.
                Err(StopReason::Ended) => {}
                Err(StopReason::Anomaly(problem)) => health.reading(Err(problem)),
                Err(StopReason::Unable(problem)) => {
                    leadership.set_able(None);
                    health.reading(Err(problem));
                }
            }
            tokio::select! {
                biased;
                () = stopping.begun() => break,
                () = tokio::time::sleep(RETRY_PAUSE) => {}
            }
        }
    }

    /// Connects, leads if no other instance does, and reads until something happens.
    async fn read(&mut self) -> Result<(), StopReason> {
        let connection = self.bus.connect().await?;
        let connection = connection.as_ref();
        let sources = self.sources(connection).await?;
        let leadership = self.shared.leadership.clone();
        let epoch = match leadership.term().epoch {
            Some(epoch) => epoch,
            None => self.claim(connection).await?,
        };
        leadership.set_able(Some(self.settings.clock.now()));
        let session = ReadingSession { reader: self, connection, epoch, sources };
        let ended = tokio::select! {
            biased;
            () = leadership.stepped_down(epoch) => Err(StopReason::Ended),
            ended = session.run() => ended,
        };
        if matches!(ended, Err(StopReason::Ended)) {
            leadership.step_down(epoch);
            tracing::warn!(epoch, "this instance does not lead any more: it stands by until the lease is free");
        }
        ended
    }

    /// Returns what this instance's consumer receives.
    ///
    /// # Errors
    /// [`StopReason::Unable`] if the consumer does not exist or lacks something: an instance that can read leads.
    async fn sources(&self, connection: &dyn Connection) -> Result<Sources, StopReason> {
        if self.receives.is_empty() {
            return Ok(Sources::default());
        }
        let consumer = &self.consumer;
        let Some(info) = connection.consumer_info(consumer).await? else {
            let problem = format!("the consumer {consumer} does not exist: run the provisioning step");
            return Err(StopReason::Unable(problem));
        };
        if let Some(why) = info.unsuitable {
            let problem = format!("the consumer {consumer} {why}: nothing is read; run the provisioning step");
            return Err(StopReason::Unable(problem));
        }
        let sources = Sources::of(&info.filters);
        let lacking: Vec<&str> = self.receives.iter().copied().filter(|name| !sources.have(name)).collect();
        if lacking.is_empty() {
            return Ok(sources);
        }
        let lacking = lacking.join(", ");
        Err(StopReason::Unable(format!(
            "the consumer {consumer} does not receive {lacking}: run the provisioning step"
        )))
    }

    /// Becomes the leader as soon as no other instance holds the lease. Returns the epoch.
    async fn claim(&mut self, connection: &dyn Connection) -> Result<i64, StopReason> {
        loop {
            let now = self.settings.clock.now();
            if let Some(head) = self.store.claim(self.held_epoch, now, later(now, LEASE)).await? {
                self.shared.leadership.set_able(Some(now));
                self.shared.leadership.become_leader(head.epoch);
                self.held_epoch = Some(head.epoch);
                self.hand_over(Feed::Lead { epoch: head.epoch }).await?;
                return Ok(head.epoch);
            }
            self.shared.health.reading(self.shared.halt.reason().map_or(Ok(()), Err));
            self.shared.health.publishing(Ok(()));
            tokio::select! {
                biased;
                lost = connection.lost() => return Err(StopReason::Anomaly(lost)),
                () = tokio::time::sleep(STANDBY_LOOKS_EVERY) => {}
            }
            // A standby that could not read must not take over, and must say so.
            self.sources(connection).await?;
        }
    }

    /// Waits until there is room for messages that were delivered. Messages that are larger than all of it take all of it.
    async fn room_for(&self, deliveries: &[Delivery]) -> Result<OwnedSemaphorePermit, StopReason> {
        let bytes = bytes_of(deliveries).min(READ_BYTES_MAX);
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.room.clone().acquire_many_owned(permits).await.map_err(|_| StopReason::Ended)
    }

    async fn hand_over(&self, feed: Feed) -> Result<(), StopReason> {
        self.feed.send(feed).await.map_err(|_| StopReason::Ended)
    }
}
