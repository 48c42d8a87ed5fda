//! Commands in a batch: the stored reply of a repeated request, the call, and the reply.

use super::envelopes::Cause;
use super::{Action, Attempt, WorkItem};
use crate::declare::call::ErasedReply;
use crate::declare::guarded::guarded;
use crate::declare::output::Rejected;
use crate::engine::execute::{ExecuteError, Idempotency, QueuedCommand};
use crate::planted::{PlantedBug, planted};
use crate::store::StoredReply;

/// The outcome of a command: its row, also as JSON, or why nothing was changed.
pub(super) type CommandOutcome = Result<(ErasedReply, String), ExecuteError>;

impl<'a> Attempt<'a> {
    /// Returns the call of a command. If this service has no such command, returns none and replies with an error.
    pub(super) fn call_of(&mut self, index: usize, command: &'a QueuedCommand) -> Option<WorkItem<'a>> {
        let Some(handler) = self.choreography.command_handler(command.message) else {
            let detail = format!("{} has no command {}", self.choreography.service, command.message);
            self.replies[index] = Some(Err(ExecuteError::Failed(detail)));
            return None;
        };
        let (correlation, trace) = (command.key.clone(), command.trace.clone());
        let cause = Cause { id: command.id, correlation, trace, expiry: None };
        let action = Action::Execute { handler, index, idempotency: command.idempotency.as_ref() };
        Some(WorkItem { action, input: (command.input)(self.envelopes.now), cause })
    }

    /// Queues the calls of commands. A repeated request gets its stored reply instead; a refused intake without a
    /// stored reply gets the error with which it is refused.
    pub(super) fn queue_commands(
        &mut self,
        calls: Vec<WorkItem<'a>>,
        commands: &[QueuedCommand],
        stored: &[StoredReply],
    ) {
        for call in calls {
            let Action::Execute { index, idempotency: Some(idempotency), .. } = call.action else {
                self.queue.push_back(call);
                continue;
            };
            let command = &commands[index];
            let reply = match stored.iter().find(|reply| reply.key == idempotency.key) {
                Some(stored) => Some(decode_reply(command, stored)),
                None => command.refusal.clone().map(Err),
            };
            match reply {
                Some(reply) => self.replies[index] = Some(reply),
                None => self.queue.push_back(call),
            }
        }
    }

    /// Replies to a command, and stores the reply if the request has an idempotency key.
    pub(super) fn reply(&mut self, index: usize, idempotency: Option<&Idempotency>, outcome: CommandOutcome) {
        if let Some((idempotency, reply)) = idempotency.zip(to_store(&outcome))
            && !planted(PlantedBug::ReplyNotStored)
        {
            let (key, body_hash) = (idempotency.key.clone(), idempotency.body_hash.clone());
            self.changes.replies.push(StoredReply { key, body_hash, reply });
        }
        self.replies[index] = Some(outcome.map(|(reply, _)| reply));
    }
}

/// Returns a reply as it is stored, if it is: a success or a rejection. A fault is not stored, nor that a row is missing,
/// so that the same request can be tried again: a moment later the row may be there.
fn to_store(outcome: &CommandOutcome) -> Option<String> {
    match outcome {
        Ok((_, json)) => Some(format!("{{\"row\":{json}}}")),
        Err(ExecuteError::Rejected(rejected)) => Some(serde_json::json!({ "rejected": rejected }).to_string()),
        Err(_) => None,
    }
}

/// Decodes a stored reply.
fn decode_reply(command: &QueuedCommand, stored: &StoredReply) -> Result<ErasedReply, ExecuteError> {
    #[derive(serde::Deserialize)]
    struct StoredContent {
        row: Option<serde_json::Value>,
        #[serde(alias = "refused")] // as earlier versions wrote it
        rejected: Option<Rejected>,
    }
    if command.idempotency.as_ref().is_some_and(|idempotency| idempotency.body_hash != stored.body_hash) {
        return Err(ExecuteError::KeyReused);
    }
    let unreadable =
        |error: serde_json::Error| ExecuteError::Failed(format!("the stored reply is unreadable: {error}"));
    match serde_json::from_str(&stored.reply).map_err(unreadable)? {
        StoredContent { row: Some(row), .. } => match guarded(|| (command.decode_reply)(&row.to_string())) {
            Ok(reply) => reply.map_err(unreadable),
            Err(panic) => Err(ExecuteError::Failed(panic)),
        },
        StoredContent { rejected: Some(rejected), .. } => Err(ExecuteError::Rejected(rejected)),
        // Earlier versions also stored that a row was missing, without its table.
        StoredContent { .. } => Err(ExecuteError::Missing { table: "row".to_owned(), key: command.key.clone() }),
    }
}
