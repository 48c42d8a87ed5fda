//! Executing commands: the requests of callers, and why a command can fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashSet;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::declare::call::{ErasedInput, ErasedReply};
use crate::declare::output::Rejected;
use crate::store::IdempotencyKey;
use crate::wire::subject::InvalidKey;

/// Why a command was not executed. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The command's function rejected it.
    #[error("{0}")]
    Rejected(Rejected),
    /// A row that it needs does not exist, or it would leave the caller no row to get.
    #[error("there is no {table} {key}: check it, or try again in a moment if it was just created")]
    Missing {
        /// The row's table.
        table: String,
        /// The row's key.
        key: String,
    },
    /// A row that it needs is not JSON of its type: an operator must mend it in the database.
    #[error("row {key:?} of {table} is unreadable: {problem}")]
    Unreadable {
        /// The row's table.
        table: String,
        /// The row's key.
        key: String,
        /// The error of reading it.
        problem: String,
    },
    /// Too many commands are waiting already. The same command may succeed a moment later.
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
    /// Its key, or the key of a message that it would publish, can't be part of a subject.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// New stories are refused at the moment: the circuit of a step is open, or the backlog is full.
    #[error("{detail}")]
    Closed {
        /// `circuit-open` or `backlog-full`.
        code: &'static str,
        /// What is in the way, in a sentence.
        detail: String,
        /// After which time the command may be accepted.
        retry_after: Duration,
    },
    /// The service is stopping.
    #[error("the service is stopping: try again in a moment")]
    Stopped,
    /// A bug: the command's function panicked, or a stored reply can't be read.
    #[error("the service failed: {0}")]
    Failed(String),
}

/// The request that a command belongs to.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The caller's `traceparent`, so that the messages belong to its trace.
    pub trace: Option<String>,
    /// The idempotency key under which the reply is kept, if it must be executed only once.
    pub idempotency: Option<Idempotency>,
}

/// What identifies a request that must be executed only once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Its key.
    pub key: IdempotencyKey,
    /// A hash of its body: another body under the same key is [`ExecuteError::KeyReused`].
    pub body_hash: String,
}

/// A command that waits for a batch.
pub(crate) struct QueuedCommand {
    pub message: &'static str,
    pub key: String,
    pub id: Uuid,
    pub trace: String,
    pub input: Box<dyn Fn(jiff::Timestamp) -> ErasedInput + Send + Sync>,
    /// Decodes the row of a stored reply.
    pub decode_reply: fn(&str) -> Result<ErasedReply, serde_json::Error>,
    pub idempotency: Option<Idempotency>,
    /// Why it is refused, unless it has a stored reply under its idempotency key.
    pub refusal: Option<ExecuteError>,
    /// Held until the reply is sent, also when the caller has gone away.
    pub guard: Option<KeyGuard>,
    pub reply: oneshot::Sender<Result<ErasedReply, ExecuteError>>,
}

impl QueuedCommand {
    pub(crate) fn reply(self, reply: Result<ErasedReply, ExecuteError>) {
        // Before the caller can send the request again.
        drop(self.guard);
        // The caller may have gone away; its command is committed all the same.
        let _ = self.reply.send(reply);
    }
}

/// The idempotency keys of the requests that run in this instance.
#[derive(Clone, Default)]
pub(crate) struct KeysInUse(Arc<Mutex<HashSet<IdempotencyKey>>>);

/// Keeps an idempotency key in use while its request runs.
pub(crate) struct KeyGuard {
    keys: KeysInUse,
    key: IdempotencyKey,
}

impl KeysInUse {
    fn keys(&self) -> MutexGuard<'_, HashSet<IdempotencyKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a request.
    ///
    /// # Errors
    /// [`ExecuteError::KeyRunning`] if a request with this key runs already.
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
