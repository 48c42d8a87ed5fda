//! One function that a batch calls, with its input.

use jiff::Timestamp;
use uuid::Uuid;

use super::envelopes::Cause;
use super::unrepaired::UnrepairedMessage;
use crate::bus::Delivery;
use crate::declare::call::ErasedInput;
use crate::declare::fallback::Fallback;
use crate::declare::handler::Handler;
use crate::declare::outgoing::OutgoingMessage;
use crate::declare::tables::Tables;
use crate::declare::unless::Unless;
use crate::engine::execute::Idempotency;
use crate::wire::dead_letter::SEQUENCE;
use crate::wire::envelope::{Envelope, Heading};

/// One function that is called.
pub(super) struct WorkItem<'a> {
    pub action: Action<'a>,
    pub input: ErasedInput,
    pub cause: Cause,
}

/// Which function a work item calls, and with what.
pub(super) enum Action<'a> {
    React {
        handler: &'a Handler,
        message: Box<ReceivedMessage>,
    },
    Fallback {
        fallback: &'a Fallback,
        dead: Box<UnrepairedMessage>,
    },
    /// Publishes what an effect returned, in order with the functions of its key.
    PublishEffectResult {
        outgoing: Vec<OutgoingMessage>,
    },
    /// Queues the effect of a message, unless it is not to be run any more.
    QueueEffect {
        unless: &'a Unless,
        message: Box<ReceivedMessage>,
    },
    Execute {
        handler: &'a Handler,
        /// The position of the command in the batch.
        index: usize,
        idempotency: Option<&'a Idempotency>,
    },
}

impl WorkItem<'_> {
    /// Adds the rows that the function needs to those to load.
    pub(super) fn want(&self, tables: &mut Tables) {
        match &self.action {
            Action::React { handler, .. } | Action::Execute { handler, .. } => handler.want(&self.input, tables),
            Action::Fallback { fallback, .. } => fallback.want(&self.input, tables),
            Action::QueueEffect { unless, .. } => unless.want(&self.input, tables),
            Action::PublishEffectResult { .. } => {}
        }
    }
}

/// A received message that its reaction has not processed yet.
pub(super) struct ReceivedMessage {
    pub id: Uuid,
    pub expiry: Option<Timestamp>,
    pub envelope: Envelope,
    /// Its sequence in the stream; none if it comes from the database, where its envelope has the sequence.
    sequence: Option<u64>,
}

impl ReceivedMessage {
    pub(super) fn delivered(delivery: &Delivery, heading: &Heading<'_>) -> Self {
        let (envelope, sequence) = (delivery.envelope.clone(), Some(delivery.stream_sequence));
        Self { id: heading.id, expiry: heading.expiry, envelope, sequence }
    }

    pub(super) fn stored(envelope: &Envelope, heading: &Heading<'_>) -> Self {
        Self { id: heading.id, expiry: heading.expiry, envelope: envelope.clone(), sequence: None }
    }

    /// Whether it was delivered by the stream, and has not waited in the database.
    pub(super) fn is_delivered(&self) -> bool {
        self.sequence.is_some()
    }

    /// Returns its sequence in the stream, 0 if it has none: messages that waited for one row are called in this order.
    pub(super) fn sequence(&self) -> u64 {
        let stored = || self.envelope.header(SEQUENCE)?.parse().ok();
        self.sequence.or_else(stored).unwrap_or(0)
    }

    /// Returns the message as it is kept in the database, with its sequence, in case it dies later.
    pub(super) fn to_store(&self) -> Envelope {
        let Some(sequence) = self.sequence else { return self.envelope.clone() };
        let headers = self.envelope.headers.with(SEQUENCE, sequence.to_string());
        Envelope { headers, ..self.envelope.clone() }
    }
}
