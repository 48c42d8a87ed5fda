//! A message server that stops replying to requests while its connections stay open.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use choreography::Envelope;
use choreography::bus::memory::MemoryBus;
use choreography::bus::{
    Acknowledgement, Bus, BusError, Connection, ConsumerInfo, Deliveries, ReadFrom, Stored, StreamState,
};
use jiff::Timestamp;
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct UnresponsiveBus {
    bus: MemoryBus,
    unresponsive: Arc<watch::Sender<bool>>,
}

struct UnresponsiveConnection {
    connection: Box<dyn Connection>,
    unresponsive: watch::Receiver<bool>,
}

impl UnresponsiveBus {
    pub(crate) fn over(bus: MemoryBus) -> Self {
        Self { bus, unresponsive: Arc::new(watch::Sender::new(false)) }
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
        Ok(Box::new(UnresponsiveConnection { connection, unresponsive: self.unresponsive.subscribe() }))
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
    async fn stream(&self) -> Result<StreamState, BusError> {
        let mut unresponsive = self.unresponsive.clone();
        let healed = tokio::time::timeout(Duration::from_secs(5), unresponsive.wait_for(|unresponsive| !unresponsive))
            .await
            .is_ok();
        match healed {
            true => self.connection.stream().await,
            false => Err(BusError::Lost("no reply".to_owned())),
        }
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
