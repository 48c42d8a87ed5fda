//! One function of a service with its types erased: what the engine needs to call it.

#[cfg(feature = "testing")]
use std::any::TypeId;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::declare::call::{CheckIdempotence, ErasedInput, ReactFunction, Reacted, Want};
use crate::declare::fallback::Fallback;
use crate::declare::guarded::guarded;
use crate::declare::incoming::Incoming;
use crate::declare::message::Message;
use crate::declare::outgoing::OutgoingType;
use crate::declare::payload::PayloadType;
use crate::declare::role::RoleType as _;
use crate::declare::tables::Tables;
use crate::declare::unready::Unready;
#[cfg(feature = "testing")]
use crate::samples::Sample;
use crate::wire::envelope::Heading;
use crate::wire::role::Role;

/// What a function is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandlerKind {
    /// A command handler.
    Command,
    /// A reaction to a step or an event.
    Reaction,
    /// A reaction to a compensation.
    Compensation,
    /// An effect.
    Effect,
    /// A reaction of the service itself to a message that its effect publishes.
    Then,
}

impl HandlerKind {
    pub(crate) fn receives_messages(self) -> bool {
        matches!(self, Self::Reaction | Self::Compensation)
    }
}

/// Reads the payload of a version, with the key of its subject, its id and the time.
pub(crate) type Decode = fn(u32, &[u8], &str, Uuid, Timestamp) -> Result<ErasedInput, String>;

/// A reaction or a command handler.
pub(crate) struct Handler {
    pub kind: HandlerKind,
    pub message: &'static str,
    /// The versions of the message that it takes, this service's own last.
    pub versions: Vec<u32>,
    /// The role of its message.
    pub role: Role,
    /// How the payload of its message looks.
    pub payload: PayloadType,
    pub publishes: Vec<OutgoingType>,
    /// What it publishes by `Err`.
    pub refusal: Vec<OutgoingType>,
    pub tables: Vec<&'static str>,
    /// Whether its message waits until some row exists.
    pub needs_row: bool,
    pub fallback: Option<Fallback>,
    /// How tests draw its message.
    #[cfg(feature = "testing")]
    pub sample: Sample,
    decode: Decode,
    want: Want,
    react: ReactFunction,
}

impl Handler {
    /// Returns a handler that receives `M`. Of its result: what it publishes, and what it publishes by `Err`. Of its rows:
    /// their tables, and whether its message waits for one of them.
    pub(crate) fn new<M: Message>(
        kind: HandlerKind,
        (publishes, refusal): (Vec<OutgoingType>, Vec<OutgoingType>),
        (tables, needs_row): (Vec<&'static str>, bool),
        want: Want,
        react: ReactFunction,
    ) -> Self {
        Self {
            kind,
            message: M::NAME,
            versions: M::versions(),
            role: M::Role::ROLE,
            payload: PayloadType(M::payload_schema),
            publishes,
            refusal,
            tables,
            needs_row,
            fallback: None,
            #[cfg(feature = "testing")]
            sample: sample_of::<M>(),
            decode: decode::<M>,
            want,
            react,
        }
    }

    /// Returns until when its message may be processed: the deadline in the headers of a step. Events and compensations
    /// have none, whatever their headers say.
    pub(crate) fn deadline(&self, heading: &Heading<'_>) -> Option<Timestamp> {
        heading.expiry.filter(|_| self.role == Role::Step)
    }

    /// Returns the tables that it may change, also when its message has died.
    pub(crate) fn all_tables(&self) -> Vec<&'static str> {
        let fallback = self.fallback.iter().flat_map(|fallback| &fallback.tables);
        let tables: BTreeSet<_> = self.tables.iter().chain(fallback).copied().collect();
        tables.into_iter().collect()
    }

    /// Returns the message with this payload of some version.
    ///
    /// # Errors
    /// The version is unknown, the payload is unreadable, or its key is not the subject's.
    pub(crate) fn decode(
        &self,
        version: u32,
        payload: &[u8],
        key: &str,
        id: Uuid,
        now: Timestamp,
    ) -> Result<ErasedInput, String> {
        (self.decode)(version, payload, key, id, now)
    }

    /// Returns the version in which this service publishes the message itself.
    #[cfg(feature = "testing")]
    pub(crate) fn own_version(&self) -> u32 {
        self.versions.last().copied().unwrap_or_default()
    }

    /// Adds the keys of the rows that it needs, and that are not loaded yet, to those to load.
    pub(crate) fn want(&self, input: &ErasedInput, tables: &mut Tables) {
        (self.want)(input, tables);
    }

    /// Calls the function on copies of its rows, and puts them back if they are kept.
    ///
    /// # Errors
    /// A row is missing or not loaded, or what the function returns can't be published. No row has changed then.
    pub(crate) fn react(
        &self,
        input: &ErasedInput,
        tables: &mut Tables,
        check: CheckIdempotence,
    ) -> Result<Reacted, Unready> {
        (self.react)(input, tables, check)
    }
}

/// Reads the payload of a version of `M`.
///
/// # Errors
/// The version is unknown, the payload is unreadable, or its key is not the subject's.
pub(crate) fn decode<M: Message>(
    version: u32,
    payload: &[u8],
    key: &str,
    id: Uuid,
    now: Timestamp,
) -> Result<ErasedInput, String> {
    let read = || M::read(version, payload).map(|message| (message.key().to_string(), message));
    let (own, message) = guarded(read)?.map_err(|error| error.to_string())?;
    if own != key {
        return Err(format!("the payload's key is {own:?}, its subject's {key:?}"));
    }
    Ok(Box::new(Incoming::new(message, id, now)))
}

/// Returns how tests draw a message: one of an earlier version as what it becomes when it is read.
#[cfg(feature = "testing")]
pub(crate) fn sample_of<M: Message>() -> Sample {
    Sample {
        key_type: TypeId::of::<M::Key>(),
        versions: M::versions(),
        draw: |version, drawing| {
            let message = M::read_from(version, drawing).map_err(|error| error.to_string())?;
            serde_json::to_value(&message).map_err(|error| error.to_string())
        },
        key: |payload| guarded(|| Some(M::deserialize(payload).ok()?.key().to_string())).ok()?,
    }
}
