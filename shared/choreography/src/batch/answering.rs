//! The answers of commands, and how they are kept under idempotency keys.

use super::Attempt;
use crate::step::Answer;
use crate::store::StoredAnswer;
use crate::tell::{Call, Once, TellError};
use crate::words::Refused;

impl Attempt<'_> {
    pub(super) fn reply(&mut self, call: usize, once: Option<&Once>, outcome: Result<(Answer, String), TellError>) {
        if let Some((once, answer)) = once.zip(storable(&outcome)) {
            let (key, body_hash) = (once.key.clone(), once.body_hash.clone());
            self.changes.answers.push(StoredAnswer { key, body_hash, answer });
        }
        self.replies.insert(call, outcome.map(|(answer, _)| answer));
    }
}

/// The answer of a command as it is kept under an idempotency key: what a caller could mend by asking differently, and
/// what was done. A fault is not kept, so that it may be tried again.
fn storable(outcome: &Result<(Answer, String), TellError>) -> Option<String> {
    match outcome {
        Ok((_, json)) => Some(format!("{{\"row\":{json}}}")),
        Err(TellError::Refused(refused)) => Some(serde_json::json!({ "refused": refused }).to_string()),
        Err(TellError::Missing) => Some("{\"missing\":true}".to_owned()),
        Err(_) => None,
    }
}

/// A stored answer, given again.
pub(super) fn recall(call: &Call, known: &StoredAnswer) -> Result<Answer, TellError> {
    #[derive(serde::Deserialize)]
    struct Stored {
        row: Option<serde_json::Value>,
        refused: Option<Refused>,
    }
    if call.once.as_ref().is_some_and(|once| once.body_hash != known.body_hash) {
        return Err(TellError::KeyReused);
    }
    let unreadable = |error: serde_json::Error| TellError::Failed(format!("the stored answer is unreadable: {error}"));
    let stored: Stored = serde_json::from_str(&known.answer).map_err(unreadable)?;
    match stored {
        Stored { row: Some(row), .. } => (call.recall)(&row.to_string()).map_err(unreadable),
        Stored { refused: Some(refused), .. } => Err(TellError::Refused(refused)),
        Stored { .. } => Err(TellError::Missing),
    }
}
