//! What a batch processes: everything that has arrived when it begins.

use uuid::Uuid;

use crate::bus::Delivery;
use crate::declare::outgoing::OutgoingMessage;
use crate::engine::execute::{ExecuteError, QueuedCommand};
use crate::engine::outbox_relay::UnsendableRow;
use crate::store::{Checkpoint, EffectRow, SeriesRange};
use crate::wire::dead_letter::Death;

/// What a batch processes.
#[derive(Default)]
pub(crate) struct BatchInput {
    pub deliveries: Vec<Delivery>,
    pub commands: Vec<QueuedCommand>,
    pub effects: Vec<TriedEffect>,
    /// Outbox rows that can never be sent.
    pub unsendable: Vec<UnsendableRow>,
    /// Numbers that are missing and will not come: their messages are lost.
    pub lost: Vec<SeriesRange>,
    /// A place in the stream behind the deliveries, up to which nothing is for this service.
    pub passed: Option<Checkpoint>,
    /// How many of the scheduled messages that are due, and of the waiting messages that have expired, are processed.
    pub due: usize,
    /// The message among the deliveries that is not tried any more.
    pub deadly: Option<DeadlyMessage>,
    /// What the only message or command of the batch writes wrongly.
    pub violation: Option<Violation>,
}

/// What functions write wrongly, against a constraint of the service's own migrations or not as JSON: they fail without
/// being called.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub detail: String,
    pub blamed: Blamed,
}

/// Which functions of a batch are to blame for a violation: more and more, until it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blamed {
    /// That of the message or command itself.
    Own,
    /// Also the reactions to messages that waited, and what follows an effect.
    Reactions,
    /// Also fallbacks.
    All,
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
        let nothing_arrived = self.deliveries.is_empty() && self.commands.is_empty() && self.effects.is_empty();
        nothing_arrived && self.passed.is_none() && self.unsendable.is_empty() && self.lost.is_empty() && self.due == 0
    }

    /// Whether it has something that only the leader processes, and that does not move the position.
    pub(super) fn is_for_leader(&self) -> bool {
        self.due > 0 || !self.effects.is_empty() || !self.unsendable.is_empty() || !self.lost.is_empty()
    }

    /// Whether it has what must not be tried again after a commit whose outcome is not known: the dead letters would be
    /// published twice. If nothing was written, all of it is found again when this instance leads again.
    pub(crate) fn has_what_is_found_again(&self) -> bool {
        !self.unsendable.is_empty() || !self.lost.is_empty()
    }

    /// Removes and returns a part of the batch that comes before the rest; none if it has one message or command only.
    pub(crate) fn split(&mut self) -> Option<Self> {
        let mut first = Self { deadly: self.deadly, ..Self::default() };
        let has_due = self.due > 0;
        let has_others =
            !self.commands.is_empty() || !self.effects.is_empty() || !self.unsendable.is_empty() || has_due;
        if self.deliveries.len() > 1 {
            first.deliveries = self.deliveries.drain(..self.deliveries.len() / 2).collect();
        } else if !self.deliveries.is_empty() && has_others {
            first.deliveries = std::mem::take(&mut self.deliveries);
        } else if has_due && (!self.commands.is_empty() || !self.effects.is_empty()) {
            first.due = std::mem::take(&mut self.due);
        } else if self.effects.len() > 1 || (!self.effects.is_empty() && !self.commands.is_empty()) {
            first.effects = self.effects.drain(..self.effects.len().div_ceil(2)).collect();
        } else if self.commands.len() > 1 {
            first.commands = self.commands.drain(..self.commands.len() / 2).collect();
        } else if self.due > 1 {
            first.due = self.due / 2;
            self.due -= first.due;
        } else {
            return None;
        }
        Some(first)
    }

    /// Lets functions of the only message or command fail: more of them each time.
    pub(crate) fn blame(&mut self, detail: String) {
        let blamed = match self.violation.as_ref().map(|violation| violation.blamed) {
            None if !self.deliveries.is_empty() || !self.commands.is_empty() => Blamed::Own,
            None | Some(Blamed::Own) => Blamed::Reactions,
            Some(Blamed::Reactions | Blamed::All) => Blamed::All,
        };
        self.violation = Some(Violation { detail, blamed });
    }

    /// Whether every function of the batch fails already: nothing is left to blame.
    pub(crate) fn is_fully_blamed(&self) -> bool {
        self.violation.as_ref().is_some_and(|violation| violation.blamed == Blamed::All)
    }

    /// Drops a batch because the service stops while the database fails. Callers get an error; everything else is
    /// processed after the next start.
    pub(crate) fn turn_away(self) {
        for command in self.commands {
            command.reply(Err(ExecuteError::Stopped));
        }
    }
}
