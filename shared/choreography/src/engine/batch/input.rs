//! What a batch processes: everything that has arrived when it begins.

use uuid::Uuid;

use crate::bus::Delivery;
use crate::declare::outgoing::OutgoingMessage;
use crate::engine::execute::{ExecuteError, QueuedCommand};
use crate::engine::outbox_relay::RefusedRow;
use crate::store::EffectRow;
use crate::wire::dead_letter::Death;

/// What a batch processes.
#[derive(Default)]
pub(crate) struct BatchInput {
    pub deliveries: Vec<Delivery>,
    pub commands: Vec<QueuedCommand>,
    pub effects: Vec<TriedEffect>,
    /// Outbox rows that the server refuses for good.
    pub refused: Vec<RefusedRow>,
    /// Whether to look for scheduled messages that are due and waiting messages that have expired.
    pub due: bool,
    /// The message among the deliveries that is not tried any more.
    pub deadly: Option<DeadlyMessage>,
}

/// A message on which processes have crashed too often: it dies untried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeadlyMessage {
    pub id: Uuid,
    pub crashes: u32,
}

/// An effect after a try.
pub(crate) struct TriedEffect {
    /// The effect, with this try counted.
    pub row: EffectRow,
    pub outcome: TryOutcome,
}

/// The outcome of a try.
pub(crate) enum TryOutcome {
    /// It succeeded: the messages that it publishes.
    Done(Vec<OutgoingMessage>),
    /// It was not run, for this reason.
    Obsolete(String),
    /// It failed, and is tried again.
    Failed,
    /// It failed for the last time.
    Died(Death),
}

impl BatchInput {
    pub(crate) fn is_empty(&self) -> bool {
        let has_input = !self.deliveries.is_empty() || !self.commands.is_empty() || !self.effects.is_empty();
        !has_input && self.refused.is_empty() && !self.due
    }

    /// Drops a batch because the service stops while the database fails. Callers get an error; everything else is
    /// processed after the next start.
    pub(crate) fn turn_away(self) {
        for command in self.commands {
            command.reply(Err(ExecuteError::Stopped));
        }
    }
}
