//! The answers of commands, and how they are kept under idempotency keys.

use super::Attempt;
use crate::declare::handler::ErasedReply;
use crate::declare::output::Rejected;
use crate::engine::execute::{ExecuteError, Idempotency, QueuedCommand};
use crate::store::StoredReply;

impl Attempt<'_> {
    pub(super) fn reply(
        &mut self,
        call: usize,
        idempotency: Option<&Idempotency>,
        outcome: Result<(ErasedReply, String), ExecuteError>,
    ) {
        if let Some((idempotency, reply)) = idempotency.zip(storable(&outcome)) {
            let (key, body_hash) = (idempotency.key.clone(), idempotency.body_hash.clone());
            self.changes.replies.push(StoredReply { key, body_hash, reply });
        }
        self.replies.insert(call, outcome.map(|(reply, _)| reply));
    }
}

/// The answer of a command as it is kept under an idempotency key: what a caller could mend by asking differently, and
/// what was done. A fault is not kept, so that it may be tried again.
fn storable(outcome: &Result<(ErasedReply, String), ExecuteError>) -> Option<String> {
    match outcome {
        Ok((_, json)) => Some(format!("{{\"row\":{json}}}")),
        Err(ExecuteError::Rejected(refused)) => Some(serde_json::json!({ "refused": refused }).to_string()),
        Err(ExecuteError::Missing) => Some("{\"missing\":true}".to_owned()),
        Err(_) => None,
    }
}

/// A stored answer, given again.
pub(super) fn decode_reply(call: &QueuedCommand, known: &StoredReply) -> Result<ErasedReply, ExecuteError> {
    #[derive(serde::Deserialize)]
    struct Stored {
        row: Option<serde_json::Value>,
        refused: Option<Rejected>,
    }
    if call.idempotency.as_ref().is_some_and(|idempotency| idempotency.body_hash != known.body_hash) {
        return Err(ExecuteError::KeyReused);
    }
    let unreadable =
        |error: serde_json::Error| ExecuteError::Failed(format!("the stored answer is unreadable: {error}"));
    let stored: Stored = serde_json::from_str(&known.reply).map_err(unreadable)?;
    match stored {
        Stored { row: Some(row), .. } => (call.decode_reply)(&row.to_string()).map_err(unreadable),
        Stored { refused: Some(refused), .. } => Err(ExecuteError::Rejected(refused)),
        Stored { .. } => Err(ExecuteError::Missing),
    }
}
