//! Commands: how a caller gives one, and what can come back.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::step::{Answer, Opened};
use crate::store::IdempotencyKey;
use crate::words::Refused;

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TellError {
    /// It can't be done as things stand.
    #[error("{0}")]
    Refused(Refused),
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
    /// What would have to be said can't be: it is larger than a message may be, or its key can't stand in a subject.
    #[error("{0}")]
    TooLarge(String),
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
    pub once: Option<Once>,
}

/// A request that must be done only once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Its key.
    pub key: IdempotencyKey,
    /// A hash of its body: another body under the same key is a mistake.
    pub body_hash: String,
}

/// A command on its way to a batch.
pub(crate) struct Call {
    pub message: &'static str,
    pub key: String,
    pub id: Uuid,
    pub trace: String,
    pub opened: Box<dyn Fn(jiff::Timestamp) -> Opened + Send + Sync>,
    /// Reads a stored answer's row.
    pub recall: fn(&str) -> Result<Answer, serde_json::Error>,
    pub once: Option<Once>,
    /// Why it is not done, unless it was done before under its idempotency key.
    pub closed: Option<TellError>,
    /// Held until it is answered, also when its caller has gone away.
    pub running: Option<Running>,
    pub reply: oneshot::Sender<Result<Answer, TellError>>,
}

impl Call {
    pub(crate) fn answer(self, answer: Result<Answer, TellError>) {
        // Before the caller can ask again.
        drop(self.running);
        // The caller may have gone away; what it asked for is done all the same.
        let _ = self.reply.send(answer);
    }
}

/// The idempotency keys of the requests that are running in this instance.
#[derive(Clone, Default)]
pub(crate) struct RunningKeys(Arc<Mutex<HashSet<IdempotencyKey>>>);

/// A request with an idempotency key, while it runs.
pub(crate) struct Running {
    keys: RunningKeys,
    key: IdempotencyKey,
}

impl RunningKeys {
    fn keys(&self) -> MutexGuard<'_, HashSet<IdempotencyKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, key: IdempotencyKey) -> Result<Running, TellError> {
        let first = self.keys().insert(key.clone());
        if first { Ok(Running { keys: self.clone(), key }) } else { Err(TellError::KeyRunning) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.keys.keys().remove(&self.key);
    }
}
