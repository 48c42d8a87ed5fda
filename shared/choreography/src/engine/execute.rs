//! Commands: how a caller gives one, and what can come back.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::declare::handler::{ErasedInput, ErasedReply};
use crate::declare::output::Rejected;
use crate::store::IdempotencyKey;
use crate::wire::subject::InvalidKey;

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// It can't be done as things stand.
    #[error("{0}")]
    Rejected(Rejected),
    /// The row that it is about does not exist.
    #[error("there is no such thing")]
    Missing,
    /// Too many commands are waiting already: come back later.
    #[error("too many requests are waiting: try again in a moment")]
    Busy,
    /// The idempotency key was used before, with another body.
    #[error("this idempotency key was used before with another request: choose a new key")]
    KeyReused,
    /// The first request with this idempotency key is still running.
    #[error("the first request with this idempotency key is still running: try again in a moment")]
    KeyRunning,
    /// It would publish a message that is larger than a message may be.
    #[error("{0}")]
    TooLarge(String),
    /// Its key, or the key of a message that it would publish, can't stand in a subject.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// Nothing new is begun at the moment: a circuit is open, or too much is on its way already.
    #[error("{detail}")]
    Closed {
        /// Which of the two, for programs, in kebab case.
        code: &'static str,
        /// What is in the way, for people.
        detail: String,
        /// When it is worth asking again.
        retry_after: Duration,
    },
    /// The service is stopping.
    #[error("the service is stopping: try again in a moment")]
    Stopped,
    /// A bug: the command's function panicked. Nothing was changed.
    #[error("the service failed: {0}")]
    Failed(String),
}

/// Who gives a command, and whether it must be done only once.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The caller's `traceparent`, so that the messages belong to its trace.
    pub trace: Option<String>,
    /// The idempotency key under which the answer is kept.
    pub idempotency: Option<Idempotency>,
}

/// A request that must be done only once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Its key.
    pub key: IdempotencyKey,
    /// A hash of its body: another body under the same key is a mistake.
    pub body_hash: String,
}

/// A command on its way to a batch.
pub(crate) struct QueuedCommand {
    pub message: &'static str,
    pub key: String,
    pub id: Uuid,
    pub trace: String,
    pub input: Box<dyn Fn(jiff::Timestamp) -> ErasedInput + Send + Sync>,
    /// Reads a stored answer's row.
    pub decode_reply: fn(&str) -> Result<ErasedReply, serde_json::Error>,
    pub idempotency: Option<Idempotency>,
    /// Why it is not done, unless it was done before under its idempotency key.
    pub closed: Option<ExecuteError>,
    /// Held until it is answered, also when its caller has gone away.
    pub running: Option<KeyGuard>,
    pub reply: oneshot::Sender<Result<ErasedReply, ExecuteError>>,
}

impl QueuedCommand {
    pub(crate) fn reply(self, reply: Result<ErasedReply, ExecuteError>) {
        // Before the caller can ask again.
        drop(self.running);
        // The caller may have gone away; what it asked for is done all the same.
        let _ = self.reply.send(reply);
    }
}

/// The idempotency keys of the requests that are running in this instance.
#[derive(Clone, Default)]
pub(crate) struct KeysInUse(Arc<Mutex<HashSet<IdempotencyKey>>>);

/// A request with an idempotency key, while it runs.
pub(crate) struct KeyGuard {
    keys: KeysInUse,
    key: IdempotencyKey,
}

impl KeysInUse {
    fn keys(&self) -> MutexGuard<'_, HashSet<IdempotencyKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, key: IdempotencyKey) -> Result<KeyGuard, ExecuteError> {
        let first = self.keys().insert(key.clone());
        if first { Ok(KeyGuard { keys: self.clone(), key }) } else { Err(ExecuteError::KeyRunning) }
    }
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        self.keys.keys().remove(&self.key);
    }
}
