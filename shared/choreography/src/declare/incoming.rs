//! Messages as functions receive them, with time and ids, alive or dead.

use std::ops::Deref;

use jiff::Timestamp;
use uuid::Uuid;

use crate::declare::key::Concerns;
use crate::declare::message::Message;
use crate::wire::dead_letter::Reason;
use crate::wire::ids::derived_id;

/// A message together with the time and its id. It derefs to the message.
#[derive(Debug, Clone)]
pub struct Incoming<M> {
    message: M,
    id: Uuid,
    now: Timestamp,
}

impl<M> Incoming<M> {
    /// Returns a message as it is received at a moment. The runtime and tests of reactions call this.
    pub fn new(message: M, id: Uuid, now: Timestamp) -> Self {
        Self { message, id, now }
    }

    /// Returns the time, which is fixed when the message's batch opens.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the message's own id.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Returns a new id. It derives from the message's id and the label: it is the same each time the message is received.
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

/// A message of the type `M` that has died at this service, as a fallback receives it.
///
/// It has a key, which comes from the subject, but no payload: that may have been unreadable.
#[derive(Debug, Clone)]
pub struct Dead<M: Message> {
    key: M::Key,
    reason: Reason,
    detail: String,
    id: Uuid,
    now: Timestamp,
}

impl<M: Message> Dead<M> {
    /// Returns a dead message as a fallback receives it. The runtime and tests of fallbacks call this.
    pub fn new(key: M::Key, reason: Reason, detail: impl Into<String>, id: Uuid, now: Timestamp) -> Self {
        Self { key, reason, detail: detail.into(), id, now }
    }

    /// Returns the key of the message.
    pub fn key(&self) -> &M::Key {
        &self.key
    }

    /// Returns why the message died.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns why the message died, in words: the panic's or the error's text.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the time, which is fixed when the batch opens.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns a new id. It derives from the message's id and the label: it is the same each time the fallback is called.
    pub fn new_id<T: From<Uuid>>(&self, label: &str) -> T {
        derived_id(self.id, label).into()
    }
}

impl<M: Message> Concerns<M::Key> for Dead<M> {
    fn concerns(&self) -> Vec<M::Key> {
        vec![self.key.clone()]
    }
}
