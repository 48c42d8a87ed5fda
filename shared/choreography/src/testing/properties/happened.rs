//! What happened to a message.

use super::functions::Delivery;
use super::world::Change;
use crate::declare::message::Due;
use crate::declare::outgoing::OutgoingMessage;
use crate::wire::role::Role;

/// What a message led to.
#[derive(Debug, Clone)]
pub(super) struct Happened {
    pub(super) delivery: Delivery,
    /// Whether the message died before it came to its function: its fallback was called instead.
    pub(super) is_death: bool,
    pub(super) outcome: Outcome,
    pub(super) changes: Vec<Change>,
    pub(super) outgoing: Vec<OutgoingMessage>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// The function was called.
    Done,
    /// A row is missing: a message waits for it, a command is refused.
    Missing(&'static str, String),
    /// The command was rejected.
    Rejected(String),
    /// The message died, and its fallback was called, if there is one.
    Died(String),
}

impl Happened {
    /// Whether it changed a row or published something.
    pub(super) fn has_effect(&self) -> bool {
        !self.changes.is_empty() || self.is_published()
    }

    /// Whether something was published or scheduled.
    pub(super) fn is_published(&self) -> bool {
        self.outgoing.iter().any(|message| message.due != Some(Due::Cancelled))
    }

    /// Returns the first message that carries the story forward: a step, or a scheduled message.
    pub(super) fn forward(&self) -> Option<&OutgoingMessage> {
        let mut outgoing = self.outgoing.iter().filter(|message| message.due != Some(Due::Cancelled));
        outgoing.find(|message| message.role == Role::Step || message.due.is_some())
    }
}
