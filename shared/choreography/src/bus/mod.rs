//! What a service needs of its message stream: the seam behind which JetStream stands, and memory for tests.
//!
//! A [`Connection`] lives once: when it is lost it never comes back by itself, so that what was said on it can't
//! overtake what is said again on the next one.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::wire::envelope::Envelope;
use crate::wire::subject::{InvalidKey, matches};

#[cfg(feature = "jetstream")]
pub mod jetstream;
pub mod memory;

/// Why the stream did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// The connection is gone, or could not be made: make a new one.
    #[error("the connection to the server is lost: {0}")]
    Lost(String),
    /// The server answered and said no.
    #[error("the server refused: {0}")]
    Refused(String),
    /// A message that the stream does not take at all, however often it is tried.
    #[error("message too large: {0}")]
    TooLarge(String),
    /// A key that can't stand in a subject.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
}

/// The state of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// When it was created, as the server says: a stream that was recreated has another one.
    pub created: String,
    /// The sequence of the first message that it still has.
    pub first: u64,
    /// The sequence of the last message; 0 if there never was one.
    pub last: u64,
    /// The server's time when it answered.
    pub at: Timestamp,
}

/// A message as a stream keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// When the server stored it.
    pub at: Timestamp,
    /// The message.
    pub envelope: Envelope,
}

/// Where reading begins, that place included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// At a sequence.
    Sequence(u64),
    /// At a moment of the server's time.
    Time(Timestamp),
}

/// Who receives the stream of events, and how far it was sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerInfo {
    /// The consumer: `<service>-<slot>`.
    pub consumer: String,
    /// The subjects that it is sent.
    pub filters: Vec<String>,
    /// The stream sequence of what it was sent last.
    pub delivered: u64,
    /// How many messages it was sent since its reset.
    pub sent: u64,
    /// How many messages it has not been sent yet.
    pub pending: u64,
}

impl ConsumerInfo {
    /// The service that it reads for, whichever slot it is.
    pub fn service(&self) -> &str {
        self.consumer.rsplit_once('-').map_or(&self.consumer, |(service, _)| service)
    }

    /// Whether it is sent what a service says under a name.
    pub fn receives(&self, publisher: &str, message: &str) -> bool {
        self.filters.iter().any(|filter| matches(filter, &format!("{publisher}.{message}.any")))
    }
}

/// A message as the stream delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its sequence in the stream.
    pub stream_sequence: u64,
    /// Its sequence in what this consumer was sent since its reset: 1, 2, 3 …
    pub consumer_sequence: u64,
    /// How often this consumer was sent it; 1 for the first time.
    pub delivered: u64,
    /// The message.
    pub envelope: Envelope,
}

/// The server of a message stream.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Connects. The connection lives once.
    async fn connect(&self) -> Result<Box<dyn Connection>, BusError>;

    /// Returns what reads stories from this server; none if the service has no right to.
    fn stories(&self) -> Option<Arc<dyn Stories>> {
        None
    }
}

/// What comes back for something published: the acknowledgement, with its sequence in the stream.
pub type Acknowledgement = BoxFuture<'static, Result<u64, BusError>>;

/// One connection to the server, which lives once.
#[async_trait]
pub trait Connection: Send + Sync {
    /// The server's id: new at each of its starts.
    fn server_id(&self) -> String;

    /// Resolves when the connection is lost, with what is known of the cause.
    async fn lost(&self) -> String;

    /// The state of the stream of events.
    async fn stream(&self) -> Result<StreamState, BusError>;

    /// The dead letters from a place on, in their order, at most `max`; what became of them is not among them.
    async fn dead_letters(&self, from: ReadFrom, max: usize) -> Result<Vec<Stored>, BusError>;

    /// Who receives the stream of events.
    async fn consumers(&self) -> Result<Vec<ConsumerInfo>, BusError>;

    /// The first event under a subject after a sequence, and when it was stored.
    async fn first_after(&self, subject: &str, sequence: u64) -> Result<Option<(u64, Timestamp)>, BusError>;

    /// How far a consumer is; none if it does not exist.
    async fn consumer_info(&self, consumer: &str) -> Result<Option<ConsumerInfo>, BusError>;

    /// Sets a consumer to go on at a stream sequence; the sequence that the server says it will go on at.
    async fn reset(&self, consumer: &str, sequence: u64) -> Result<u64, BusError>;

    /// Begins to pull a consumer's messages, under a subject that nobody used before.
    async fn pull(&self, consumer: &str) -> Result<Box<dyn Deliveries>, BusError>;

    /// Publishes, in the order of the calls. The acknowledgement is awaited apart; how many may be outstanding is
    /// the caller's affair.
    ///
    /// # Errors
    /// `Lost` when the connection is gone; what the server has against the message is in the acknowledgement.
    async fn publish(&self, envelope: &Envelope) -> Result<Acknowledgement, BusError>;
}

/// A consumer's messages, as they come.
#[async_trait]
pub trait Deliveries: Send {
    /// What has come, at most `max`; waits for the first.
    ///
    /// # Errors
    /// `Lost` when the connection is gone or the server has been silent for longer than its heartbeat.
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError>;
}

/// The messages of one key, in order: an order's story.
#[async_trait]
pub trait Stories: Send + Sync + 'static {
    /// Its messages from a stream sequence on, at most `limit`, with their sequences.
    async fn story(&self, key: &str, from: u64, limit: usize) -> Result<Vec<(u64, Envelope)>, BusError>;

    /// Its messages as they are said from now on; ends when the connection is lost.
    async fn follow(&self, key: &str) -> Result<futures::stream::BoxStream<'static, Envelope>, BusError>;
}
