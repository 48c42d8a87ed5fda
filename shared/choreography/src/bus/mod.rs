//! What a service needs of a message server: the contract between the engine and the server, with the adapters for NATS
//! JetStream and for memory.
//!
//! One invariant: a [`Connection`] that is lost never comes back by itself, so that what was published on it cannot
//! overtake what is published again on the next one.
//!
//! **Unstable.** The contract ([`Bus`], [`Connection`], [`Deliveries`], [`Stories`] and the types that they exchange)
//! follows what the engine needs: it may change in any minor version. `JetStreamBus`, its options and
//! [`MemoryBus`](memory::MemoryBus) are as stable as the rest of the crate.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::wire::envelope::Envelope;
use crate::wire::subject::{InvalidKey, is_publishable, matches};

#[cfg(feature = "jetstream")]
pub mod jetstream;
pub mod memory;
mod progress;
mod stream_state;

pub use progress::{PROGRESS, PROGRESS_BYTES_MAX, Progress};
pub use stream_state::{Filled, ServerStart, Stream, StreamState};

/// The most bytes of messages that the server sends ahead of a pull's reader, plus one message: enough for a thousand of
/// 8 KiB.
pub(crate) const PULLED_BYTES_MAX: usize = 8 * 1_024 * 1_024;

/// Why an operation on the message server failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// The connection is lost, or could not be made. The operation may succeed on a new one.
    #[error("the connection to the server is lost: {0}")]
    Lost(String),
    /// The server refused the operation.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The message is larger than the stream or the server takes: another limit would help.
    #[error("message too large: {0}")]
    TooLarge(String),
    /// The message's subject or one of its headers can't be sent: trying again does not help.
    #[error("the message can't be sent: {0}")]
    Unsendable(String),
    /// The key cannot be part of a subject.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
}

/// Checks that a message can be published under a subject: the server may take one that no consumer's filter matches.
fn check_subject(subject: &str) -> Result<(), BusError> {
    is_publishable(subject).then_some(()).ok_or_else(|| BusError::Unsendable(format!("its subject is {subject:?}")))
}

/// Returns the subjects of all messages that a publisher has in a stream.
fn own_subjects(stream: Stream, publisher: &str) -> String {
    match stream {
        Stream::Events => format!("{publisher}.*.*"),
        // Dead letters and the records of their repairs.
        Stream::DeadLetters => format!("*.{publisher}.>"),
    }
}

/// A stored message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// When the server stored it, to the nanosecond: no two messages of a stream have the same.
    pub at: Timestamp,
    /// The message.
    pub envelope: Envelope,
    /// Why its headers could not be read; then `envelope` has those that could be.
    pub unreadable: Option<String>,
}

impl Stored {
    /// Returns its stamp: when the server stored it, in nanoseconds since 1970.
    pub fn stamp_ns(&self) -> i64 {
        stamp_ns(self.at)
    }
}

/// Returns a moment in nanoseconds since 1970: until the year 2262.
fn stamp_ns(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

/// Where reading begins, inclusively.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// At a sequence.
    Sequence(u64),
    /// At a moment of the server's time.
    Time(Timestamp),
}

/// A consumer of the stream of events, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerInfo {
    /// Its name: `<service>-<instance>`.
    pub consumer: String,
    /// Whether it belongs to a service of the choreography: the provisioning step marks those. Any other consumer is
    /// somebody who looks on, and what that one has not read says nothing.
    pub is_subscriber: bool,
    /// The subjects that it receives.
    pub filters: Vec<String>,
    /// The stream sequence of the last message that it was sent.
    pub delivered: u64,
    /// How many messages it was sent since its reset.
    pub sent: u64,
    /// How many messages it has not been sent yet.
    pub pending: u64,
    /// Why a service can't read with it, as "is paused until …"; none if it can.
    pub unsuitable: Option<String>,
}

impl ConsumerInfo {
    /// Returns the service that it belongs to, without the instance.
    pub fn service(&self) -> &str {
        self.consumer.rsplit_once('-').map_or(&self.consumer, |(service, _)| service)
    }

    /// Whether it receives a publisher's messages of this name.
    pub fn receives(&self, publisher: &str, message: &str) -> bool {
        self.filters.iter().any(|filter| matches(filter, &format!("{publisher}.{message}.any")))
    }
}

/// A message as a consumer receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its sequence in the stream.
    pub stream_sequence: u64,
    /// Its sequence among the messages that this consumer was sent since its reset: 1, 2, 3 …
    pub consumer_sequence: u64,
    /// How often this consumer has been sent it; 1 for the first time.
    pub delivered: u64,
    /// Its stamp: when the server stored it, in nanoseconds since 1970. No two messages of a stream have the same.
    pub stamp_ns: i64,
    /// The message.
    pub envelope: Envelope,
    /// Why its headers could not be read; then `envelope` has those that could be.
    pub unreadable: Option<String>,
}

/// A message server.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Checks what can be checked without connecting.
    ///
    /// # Errors
    /// [`BusError::Refused`] for an address that is none: trying to connect would not help.
    fn check(&self) -> Result<(), BusError> {
        Ok(())
    }

    /// Connects to the server.
    ///
    /// # Errors
    /// [`BusError::Lost`] if the server cannot be reached.
    async fn connect(&self) -> Result<Box<dyn Connection>, BusError>;

    /// Returns the access to stories on this server; none if the service has no permission for it.
    fn stories(&self) -> Option<Arc<dyn Stories>> {
        None
    }
}

/// The acknowledgement of a published message: its sequence in the stream.
pub type Acknowledgement = BoxFuture<'static, Result<u64, BusError>>;

/// A connection to the server, which never reconnects.
///
/// Methods fail with [`BusError::Lost`] once it is lost.
#[async_trait]
pub trait Connection: Send + Sync {
    /// Returns the server's id, which is new at each of its starts.
    fn server_id(&self) -> String;

    /// Waits until the connection is lost. Returns the cause, as far as it is known.
    async fn lost(&self) -> String;

    /// Returns the state of a stream.
    async fn stream(&self, stream: Stream) -> Result<StreamState, BusError>;

    /// Returns the sequences that a stream lacks between its first and its last message, in order.
    async fn holes(&self, stream: Stream) -> Result<Vec<u64>, BusError>;

    /// Returns the stamp of the message at a sequence, as the stream's leader has it; none if there is no message.
    async fn stamp_at(&self, stream: Stream, sequence: u64) -> Result<Option<i64>, BusError>;

    /// Returns the sequence of the first message of the stream of events that was stored after a stamp.
    async fn first_stamped_after(&self, stamp_ns: i64) -> Result<Option<u64>, BusError>;

    /// Returns at most `max` messages that a publisher has in a stream behind a sequence, in order. There are no more
    /// when none is returned; then everything has been returned that the stream's leader has.
    async fn own_messages(
        &self,
        stream: Stream,
        publisher: &str,
        after: u64,
        max: usize,
    ) -> Result<Vec<Stored>, BusError>;

    /// Writes a service's note, in place of the one before.
    async fn note_progress(&self, service: &str, progress: &Progress) -> Result<(), BusError>;

    /// Returns a service's note; none if there is none, or it is unreadable.
    async fn progress(&self, service: &str) -> Result<Option<Progress>, BusError>;

    /// Returns at most `max` dead letters, in order, without the records of their repairs. There are no more when none
    /// is returned.
    async fn dead_letters(&self, from: ReadFrom, max: usize) -> Result<Vec<Stored>, BusError>;

    /// Returns the consumers of the stream of events.
    async fn consumers(&self) -> Result<Vec<ConsumerInfo>, BusError>;

    /// Returns the sequence of the first message of a subject behind a sequence, and when it was stored.
    async fn first_after(&self, subject: &str, sequence: u64) -> Result<Option<(u64, Timestamp)>, BusError>;

    /// Returns one consumer; none if it does not exist.
    async fn consumer_info(&self, consumer: &str) -> Result<Option<ConsumerInfo>, BusError>;

    /// Lets a consumer continue at a stream sequence. Returns the sequence at which it will continue, by the server's
    /// reply.
    async fn reset(&self, consumer: &str, sequence: u64) -> Result<u64, BusError>;

    /// Begins to pull a consumer's messages. Messages for an earlier pull of the same consumer never arrive at this
    /// one.
    async fn pull(&self, consumer: &str) -> Result<Box<dyn Deliveries>, BusError>;

    /// Publishes a message, in the order of the calls. The acknowledgement is awaited separately; the caller limits how
    /// many may be outstanding.
    ///
    /// # Errors
    /// [`BusError::Lost`] when the connection is lost; a refusal of the message is in the acknowledgement.
    async fn publish(&self, envelope: &Envelope) -> Result<Acknowledgement, BusError>;
}

/// A pull subscription: a consumer's messages as they arrive.
#[async_trait]
pub trait Deliveries: Send {
    /// Returns the messages that have arrived, at most `max`; waits for the first. Dropping the future loses no
    /// message.
    ///
    /// # Errors
    /// [`BusError::Lost`] when the connection is lost, or the server has missed its heartbeats.
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError>;
}

/// The messages of one key, in order: the story of an order, for example.
#[async_trait]
pub trait Stories: Send + Sync + 'static {
    /// Returns at most `limit` messages of a key from a stream sequence on, with their sequences.
    ///
    /// # Errors
    /// [`BusError::InvalidKey`] for a key that cannot be part of a subject.
    async fn story(&self, key: &str, from: u64, limit: usize) -> Result<Vec<(u64, Envelope)>, BusError>;

    /// Returns the messages of a key as they are published from now on, until the connection is lost.
    ///
    /// # Errors
    /// [`BusError::InvalidKey`] for a key that cannot be part of a subject.
    async fn follow(&self, key: &str) -> Result<futures::stream::BoxStream<'static, Envelope>, BusError>;
}
