//! A connection to the server in memory.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use jiff::Timestamp;
use tokio::sync::watch;

use super::Shared;
use super::pull_subscription::PullSubscription;
use crate::bus::{Acknowledgement, BusError, Connection, ConsumerInfo, Deliveries, ReadFrom, Stored, StreamState};
use crate::wire::envelope::Envelope;

/// How long an answer that does not come is awaited.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The one life of a connection.
#[derive(Clone)]
pub(super) struct Lifetime {
    lost: watch::Receiver<Option<String>>,
}

impl Lifetime {
    pub(super) fn begin(shared: &Shared) -> Result<Self, BusError> {
        let mut world = shared.world();
        match world.down {
            true => Err(BusError::Lost("the server is down".to_owned())),
            false => Ok(Self { lost: world.connection() }),
        }
    }

    /// # Errors
    /// `Lost`, once it is.
    pub(super) fn check(&self) -> Result<(), BusError> {
        self.lost.borrow().clone().map_or(Ok(()), |reason| Err(BusError::Lost(reason)))
    }

    pub(super) async fn end(&self) -> String {
        let mut lost = self.lost.clone();
        let reason = lost.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        reason.unwrap_or_else(|| "the server is gone".to_owned())
    }

    /// Waits for what never comes.
    async fn silence(&self) -> BusError {
        tokio::select! {
            reason = self.end() => BusError::Lost(reason),
            () = tokio::time::sleep(ANSWER_TIMEOUT) => BusError::Lost(format!("no answer within {ANSWER_TIMEOUT:?}")),
        }
    }
}

/// A service's place on the stream.
pub(super) struct MemoryConnection {
    shared: Arc<Shared>,
    life: Lifetime,
    server_id: String,
}

impl MemoryConnection {
    pub(super) fn connect(shared: Arc<Shared>) -> Result<Self, BusError> {
        let life = Lifetime::begin(&shared)?;
        let server_id = shared.world().server_id();
        Ok(Self { shared, life, server_id })
    }
}

#[async_trait]
impl Connection for MemoryConnection {
    fn server_id(&self) -> String {
        self.server_id.clone()
    }

    async fn lost(&self) -> String {
        self.life.end().await
    }

    async fn stream(&self) -> Result<StreamState, BusError> {
        self.life.check()?;
        Ok(self.shared.world().stream())
    }

    async fn dead_letters(&self, from: ReadFrom, max: usize) -> Result<Vec<Stored>, BusError> {
        self.life.check()?;
        Ok(self.shared.world().dead_letters(from, max))
    }

    async fn consumers(&self) -> Result<Vec<ConsumerInfo>, BusError> {
        self.life.check()?;
        Ok(self.shared.world().consumers())
    }

    async fn first_after(&self, subject: &str, sequence: u64) -> Result<Option<(u64, Timestamp)>, BusError> {
        self.life.check()?;
        Ok(self.shared.world().first_after(subject, sequence))
    }

    async fn consumer_info(&self, consumer: &str) -> Result<Option<ConsumerInfo>, BusError> {
        self.life.check()?;
        Ok(self.shared.world().consumer_info(consumer))
    }

    async fn reset(&self, consumer: &str, sequence: u64) -> Result<u64, BusError> {
        self.life.check()?;
        let known = self.shared.change(|world| world.consumers.get_mut(consumer).map(|known| known.reset(sequence)));
        match known {
            Some(()) => Ok(sequence),
            // A missing consumer does not answer at all.
            None => Err(match self.life.silence().await {
                BusError::Lost(reason) if self.life.check().is_ok() => {
                    BusError::Refused(format!("reset of consumer {consumer}: {reason}; does it exist?"))
                }
                lost => lost,
            }),
        }
    }

    async fn pull(&self, consumer: &str) -> Result<Box<dyn Deliveries>, BusError> {
        self.life.check()?;
        Ok(Box::new(PullSubscription::begin(self.shared.clone(), self.life.clone(), consumer)))
    }

    async fn publish(&self, envelope: &Envelope) -> Result<Acknowledgement, BusError> {
        self.life.check()?;
        let (stored, acknowledged) = self.shared.change(|world| {
            let stored = world.store(envelope);
            let dropped = world.dropped_acknowledgements > 0;
            world.dropped_acknowledgements = world.dropped_acknowledgements.saturating_sub(1);
            (stored, !dropped)
        });
        let life = self.life.clone();
        Ok(match acknowledged {
            true => std::future::ready(stored).boxed(),
            false => async move { Err(life.silence().await) }.boxed(),
        })
    }
}
