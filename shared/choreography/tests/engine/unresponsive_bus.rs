//! A message server that stops replying to requests while its connections stay open, and that counts what is listed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use choreography::Envelope;
use choreography::bus::memory::MemoryBus;
use choreography::bus::{
    Acknowledgement, Bus, BusError, Connection, ConsumerInfo, Deliveries, Progress, ReadFrom, Stored, Stream,
    StreamState,
};
use jiff::Timestamp;
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct UnresponsiveBus {
    bus: MemoryBus,
    unresponsive: Arc<watch::Sender<bool>>,
    /// How many own messages were listed.
    listed: Arc<AtomicUsize>,
}

struct UnresponsiveConnection {
    connection: Box<dyn Connection>,
    unresponsive: watch::Receiver<bool>,
    listed: Arc<AtomicUsize>,
}

impl UnresponsiveBus {
    pub(crate) fn over(bus: MemoryBus) -> Self {
        Self { bus, unresponsive: Arc::new(watch::Sender::new(false)), listed: Arc::default() }
    }

    /// Returns how many own messages were listed, and counts from 0 again.
    pub(crate) fn take_listed(&self) -> usize {
        self.listed.swap(0, Ordering::Relaxed)
    }

    /// Lets requests for the stream's state time out.
    pub(crate) fn stop_replying(&self) {
        self.unresponsive.send_replace(true);
    }

    pub(crate) fn reply_again(&self) {
        self.unresponsive.send_replace(false);
    }
}

#[async_trait]
impl Bus for UnresponsiveBus {
    async fn connect(&self) -> Result<Box<dyn Connection>, BusError> {
        let connection = self.bus.connect().await?;
        let (unresponsive, listed) = (self.unresponsive.subscribe(), self.listed.clone());
        Ok(Box::new(UnresponsiveConnection { connection, unresponsive, listed }))
    }
}

#[async_trait]
impl Connection for UnresponsiveConnection {
    fn server_id(&self) -> String {
        self.connection.server_id()
    }
    async fn lost(&self) -> String {
        self.connection.lost().await
    }
    async fn stream(&self, stream: Stream) -> Result<StreamState, BusError> {
        let mut unresponsive = self.unresponsive.clone();
        let healed = tokio::time::timeout(Duration::from_secs(5), unresponsive.wait_for(|unresponsive| !unresponsive))
            .await
            .is_ok();
        match healed {
            true => self.connection.stream(stream).await,
            false => Err(BusError::Lost("no reply".to_owned())),
        }
    }
    async fn stamp_at(&self, stream: Stream, sequence: u64) -> Result<Option<i64>, BusError> {
        self.connection.stamp_at(stream, sequence).await
    }
    async fn holes(&self, stream: Stream) -> Result<Vec<u64>, BusError> {
        self.connection.holes(stream).await
    }
    async fn first_stamped_after(&self, stamp_ns: i64) -> Result<Option<u64>, BusError> {
        self.connection.first_stamped_after(stamp_ns).await
    }
    async fn own_messages(&self, from: Stream, of: &str, after: u64, max: usize) -> Result<Vec<Stored>, BusError> {
        let listed = self.connection.own_messages(from, of, after, max).await?;
        self.listed.fetch_add(listed.len(), Ordering::Relaxed);
        Ok(listed)
    }
    async fn note_progress(&self, service: &str, progress: &Progress) -> Result<(), BusError> {
        self.connection.note_progress(service, progress).await
    }
    async fn progress(&self, service: &str) -> Result<Option<Progress>, BusError> {
        self.connection.progress(service).await
    }
    async fn dead_letters(&self, from: ReadFrom, max: usize) -> Result<Vec<Stored>, BusError> {
        self.connection.dead_letters(from, max).await
    }
    async fn consumers(&self) -> Result<Vec<ConsumerInfo>, BusError> {
        self.connection.consumers().await
    }
    async fn first_after(&self, subject: &str, sequence: u64) -> Result<Option<(u64, Timestamp)>, BusError> {
        self.connection.first_after(subject, sequence).await
    }
    async fn consumer_info(&self, consumer: &str) -> Result<Option<ConsumerInfo>, BusError> {
        self.connection.consumer_info(consumer).await
    }
    async fn reset(&self, consumer: &str, sequence: u64) -> Result<u64, BusError> {
        self.connection.reset(consumer, sequence).await
    }
    async fn pull(&self, consumer: &str) -> Result<Box<dyn Deliveries>, BusError> {
        self.connection.pull(consumer).await
    }
    async fn publish(&self, envelope: &Envelope) -> Result<Acknowledgement, BusError> {
        self.connection.publish(envelope).await
    }
}
