//! A connection to the server in memory.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use jiff::Timestamp;

use super::SharedWorld;
use super::lifetime::Lifetime;
use super::pull_subscription::PullSubscription;
use crate::bus::{
    Acknowledgement, BusError, Connection, ConsumerInfo, Deliveries, Progress, ReadFrom, Stored, Stream, StreamState,
    check_subject, own_subjects,
};
use crate::instance_control::InstanceControl;
use crate::wire::envelope::Envelope;
use crate::wire::headers::is_header_name;
use crate::wire::subject::matches;

/// A service's connection to the server in memory.
pub(super) struct MemoryConnection {
    shared: Arc<SharedWorld>,
    control: InstanceControl,
    life: Lifetime,
    server_id: String,
}

impl MemoryConnection {
    pub(super) async fn connect(shared: Arc<SharedWorld>, control: InstanceControl) -> Result<Self, BusError> {
        control.pass().await;
        shared.travel().await;
        let life = Lifetime::begin(&shared)?;
        let server_id = shared.world().server_id();
        Ok(Self { shared, control, life, server_id })
    }

    /// Waits until a request reaches the server.
    async fn begin(&self) -> Result<(), BusError> {
        self.control.pass().await;
        self.shared.travel().await;
        self.life.check()
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

    async fn stream(&self, stream: Stream) -> Result<StreamState, BusError> {
        self.begin().await?;
        Ok(self.shared.world().state(stream))
    }

    async fn holes(&self, stream: Stream) -> Result<Vec<u64>, BusError> {
        self.begin().await?;
        Ok(self.shared.world().stream(stream).holes())
    }

    async fn stamp_at(&self, stream: Stream, sequence: u64) -> Result<Option<i64>, BusError> {
        self.begin().await?;
        Ok(self.shared.world().stream(stream).at(sequence).map(Stored::stamp_ns))
    }

    async fn first_stamped_after(&self, stamp_ns: i64) -> Result<Option<u64>, BusError> {
        self.begin().await?;
        let world = self.shared.world();
        let messages = &world.events.messages;
        let later = messages.get(messages.partition_point(|stored| stored.stamp_ns() <= stamp_ns));
        Ok(later.map(|stored| stored.sequence))
    }

    async fn own_messages(
        &self,
        stream: Stream,
        publisher: &str,
        after: u64,
        max: usize,
    ) -> Result<Vec<Stored>, BusError> {
        self.begin().await?;
        let subjects = own_subjects(stream, publisher);
        let world = self.shared.world();
        let own = world.stream(stream).after(after).filter(|stored| matches(&subjects, &stored.envelope.subject));
        Ok(own.take(max).cloned().collect())
    }

    async fn note_progress(&self, service: &str, progress: &Progress) -> Result<(), BusError> {
        self.begin().await?;
        self.shared.world().notes.insert(service.to_owned(), progress.clone());
        Ok(())
    }

    async fn progress(&self, service: &str) -> Result<Option<Progress>, BusError> {
        self.begin().await?;
        Ok(self.shared.world().notes.get(service).cloned())
    }

    async fn dead_letters(&self, from: ReadFrom, max: usize) -> Result<Vec<Stored>, BusError> {
        self.begin().await?;
        Ok(self.shared.world().dead_letters(from, max))
    }

    async fn consumers(&self) -> Result<Vec<ConsumerInfo>, BusError> {
        self.begin().await?;
        Ok(self.shared.world().consumers())
    }

    async fn first_after(&self, subject: &str, sequence: u64) -> Result<Option<(u64, Timestamp)>, BusError> {
        self.begin().await?;
        Ok(self.shared.world().first_after(subject, sequence))
    }

    async fn consumer_info(&self, consumer: &str) -> Result<Option<ConsumerInfo>, BusError> {
        self.begin().await?;
        Ok(self.shared.world().consumer_info(consumer))
    }

    async fn reset(&self, consumer: &str, sequence: u64) -> Result<u64, BusError> {
        self.begin().await?;
        let known = self.shared.change(|world| world.consumers.get_mut(consumer).map(|known| known.reset(sequence)));
        match known {
            Some(()) => Ok(sequence),
            // As with the real server, there is no reply at all for a missing consumer.
            None => Err(match self.life.silence().await {
                BusError::Lost(reason) if self.life.check().is_ok() => {
                    BusError::Refused(format!("reset of consumer {consumer}: {reason}; does it exist?"))
                }
                lost => lost,
            }),
        }
    }

    async fn pull(&self, consumer: &str) -> Result<Box<dyn Deliveries>, BusError> {
        self.begin().await?;
        let Self { shared, life, control, .. } = self;
        Ok(Box::new(PullSubscription::begin(shared.clone(), life.clone(), control.clone(), consumer)))
    }

    async fn publish(&self, envelope: &Envelope) -> Result<Acknowledgement, BusError> {
        self.control.pass().await;
        self.life.check()?;
        if let Err(unsendable) = check(envelope) {
            return Ok(std::future::ready(Err(unsendable)).boxed());
        }
        let (stored, acknowledged) = self.shared.change(|world| {
            let stored = world.store(envelope);
            let dropped = world.dropped_acknowledgements > 0;
            world.dropped_acknowledgements = world.dropped_acknowledgements.saturating_sub(1);
            (stored, !dropped)
        });
        self.control.pass().await;
        let (life, shared) = (self.life.clone(), self.shared.clone());
        Ok(match acknowledged {
            true if shared.world().latency.is_zero() => std::future::ready(stored).boxed(),
            true => async move {
                shared.travel().await;
                life.check().and(stored)
            }
            .boxed(),
            false => async move { Err(life.silence().await) }.boxed(),
        })
    }
}

/// Checks what the client of the real server checks. No value has a line break: `Headers` have none.
fn check(envelope: &Envelope) -> Result<(), BusError> {
    check_subject(&envelope.subject)?;
    match envelope.headers.iter().find(|(name, _)| !is_header_name(name)) {
        Some((name, value)) => Err(BusError::Unsendable(format!("header {name:?}: {value:?}"))),
        None => Ok(()),
    }
}
