//! What is said and received: messages, their keys, and what else they concern.
//!
//! One rule holds everywhere: a message has exactly one key, and the messages of one key are received
//! in the order in which their publisher said them.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::ops::Deref;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::wire::dead_letter::Reason;
use crate::wire::ids::derived_id;

/// What identifies a row or the story that a message belongs to: an order's id, a product's code.
///
/// Implemented for every type that has what it takes. Make each key a newtype of its own, so that
/// the compiler tells an order's id from a payment's. A message's key becomes a token of its subject:
/// no dots, wildcards or blanks.
pub trait Key: Clone + Ord + Hash + Debug + Display + FromStr + Send + Sync + 'static {}

impl<K: Clone + Ord + Hash + Debug + Display + FromStr + Send + Sync + 'static> Key for K {}

/// Something that a service says and others receive, or a command that a caller gives.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no message",
    label = "nobody can say or receive this",
    note = "implement `choreography::Message` for it: its name, and its key"
)]
pub trait Message: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Its name, in kebab case and as everybody knows it: `create-payment`.
    const NAME: &'static str;
    /// Raised when the payload changes in a way that yesterday's subscribers would misread.
    const VERSION: u32 = 1;
    /// Whether it undoes what another message did: it is received by `.compensate`, passes every circuit breaker, and may
    /// overtake what it undoes.
    const UNDO: bool = false;
    /// What its key is made of.
    type Key: Key;
    /// The key: the story that it belongs to.
    fn key(&self) -> Self::Key;

    /// Says it at a moment instead of now. Said again for the same key before that, it replaces the first.
    fn at(self, due: Timestamp) -> Scheduled<Self> {
        Scheduled { message: self, due: Due::At(due) }
    }

    /// Says it after a while instead of now.
    fn after(self, delay: std::time::Duration) -> Scheduled<Self> {
        Scheduled { message: self, due: Due::After(delay) }
    }

    /// Takes back what was to be said later under this name and key.
    fn cancel(self) -> Scheduled<Self> {
        Scheduled { message: self, due: Due::Cancelled }
    }
}

/// A message that a caller gives to one service and waits for the answer: the row it changed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no command",
    label = "no caller can give this",
    note = "implement `choreography::Command` for it: it names the row that its caller is answered with"
)]
pub trait Command: Message {
    /// The row that the caller is answered with, as it is after the commit. It must be the first row of the
    /// command's function.
    type Row: crate::Row;
}

/// A message for later, made by [`Message::at`], [`Message::after`] or [`Message::cancel`].
///
/// It is kept in the service's own database, under its name and key.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled<M> {
    pub(crate) message: M,
    pub(crate) due: Due,
}

impl<M> Scheduled<M> {
    /// What will be said.
    pub fn message(&self) -> &M {
        &self.message
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    At(Timestamp),
    After(std::time::Duration),
    Cancelled,
}

/// Which rows of a table, by key, something concerns besides those of its own key.
///
/// Every message concerns its own key. What else it carries is declared beside it:
/// `impl Concerns<Sku> for ReserveStock`. Keys may repeat; order does not matter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which `{K}` it concerns",
    label = "this row's key is `{K}`, which `{Self}` does not carry",
    note = "a message concerns the rows of its own key; declare others beside it: `impl Concerns<{K}> for {Self}`"
)]
pub trait Concerns<K> {
    /// The keys.
    fn concerns(&self) -> Vec<K>;
}

// With the key as a parameter of its own, the compiler speaks of the key that is not concerned.
#[diagnostic::do_not_recommend]
impl<K, M: Message<Key = K>> Concerns<K> for M {
    fn concerns(&self) -> Vec<K> {
        vec![self.key()]
    }
}

/// A message together with the circumstances in which it was received. Derefs to the message.
#[derive(Debug, Clone)]
pub struct Incoming<M> {
    message: M,
    id: Uuid,
    now: Timestamp,
}

impl<M> Incoming<M> {
    /// A message as received under an id at a moment. The runtime makes these; so do tests of reactions.
    pub fn new(message: M, id: Uuid, now: Timestamp) -> Self {
        Self { message, id, now }
    }

    /// The time, fixed when the batch opened that this message is part of.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The message's own id.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// A new id for something that this message brings into being: the same each time the message is received.
    pub fn new_id<T: From<Uuid>>(&self, label: &str) -> T {
        derived_id(self.id, label).into()
    }
}

impl<M> Deref for Incoming<M> {
    type Target = M;
    fn deref(&self) -> &M {
        &self.message
    }
}

/// What the first parameter of a reaction may be: `&M`, or `&Incoming<M>` for one that asks for time or ids.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that can be received",
    label = "the first parameter must be `&M` or `&Heard<M>` with a message `M`",
    note = "implement `choreography::Message` for `{Self}`"
)]
pub trait ReactionInput: 'static {
    /// The message.
    type Message: Message;
    /// This view of what was received.
    fn of(incoming: &Incoming<Self::Message>) -> &Self;
}

impl<M: Message> ReactionInput for M {
    type Message = M;
    fn of(incoming: &Incoming<M>) -> &M {
        incoming
    }
}

impl<M: Message> ReactionInput for Incoming<M> {
    type Message = M;
    fn of(incoming: &Incoming<M>) -> &Incoming<M> {
        incoming
    }
}

/// A message of the kind `M` that has died here, as its `fallback` is told.
///
/// It carries no message: what died may have been unreadable. Its key comes from the subject.
pub struct Dead<M: Message> {
    key: M::Key,
    reason: Reason,
    detail: String,
    id: Uuid,
    now: Timestamp,
}

impl<M: Message> Dead<M> {
    /// A death as told to an `fallback`. The runtime makes these; so do tests.
    pub fn new(key: M::Key, reason: Reason, detail: impl Into<String>, id: Uuid, now: Timestamp) -> Self {
        Self { key, reason, detail: detail.into(), id, now }
    }

    /// The key of the message that died.
    pub fn key(&self) -> &M::Key {
        &self.key
    }

    /// Why it died.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Why it died, in words.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The time, fixed when the batch opened.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A new id, the same each time this death is told.
    pub fn new_id<T: From<Uuid>>(&self, label: &str) -> T {
        derived_id(self.id, label).into()
    }
}

impl<M: Message> Concerns<M::Key> for Dead<M> {
    fn concerns(&self) -> Vec<M::Key> {
        vec![self.key.clone()]
    }
}
