//! A dead letter and what became of it, and whether it can be seen to.

use std::fmt::{self, Display, Formatter};

use super::dead_letter::DeadLetter;
use crate::wire::repair::RepairOutcome;
use crate::wire::repair::RepairRecord;

/// A dead letter, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The dead letter.
    pub dead_letter: DeadLetter,
    /// Whether it is still to be seen to.
    pub state: EntryState,
    /// What its service answered, the oldest first.
    pub records: Vec<RepairRecord>,
}

/// Whether a dead letter is still to be seen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryState {
    /// It is.
    Open,
    /// There is a later dead letter of the same message at the same service: it died again, or the server was given the
    /// dead letter twice.
    Superseded {
        /// The last one's sequence.
        by: u64,
    },
    /// Its service has seen to it.
    Handled(RepairRecord),
}

/// Why a dead letter is not to be replayed or dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It is only a notice.
    Notice,
    /// No service would know the message.
    Flawed {
        /// Why.
        flaw: String,
        /// Who would have to know it.
        service: String,
    },
    /// A later dead letter is to be replayed instead.
    Superseded {
        /// Its sequence.
        by: u64,
    },
    /// It is handled; asking again does no harm.
    Handled(RepairRecord),
}

impl Entry {
    pub(super) fn new(dead_letter: DeadLetter, latest: u64, records: Vec<RepairRecord>) -> Self {
        let last = |wanted: fn(&RepairRecord) -> bool| records.iter().rfind(|record| wanted(record)).cloned();
        let state = match last(RepairRecord::settles) {
            Some(record) => EntryState::Handled(record),
            None if latest > dead_letter.sequence => EntryState::Superseded { by: latest },
            // Its new dead letter is on the way.
            None => last(|record| record.outcome == RepairOutcome::Died).map_or(EntryState::Open, EntryState::Handled),
        };
        Self { dead_letter, state, records }
    }

    /// Whether it is still to be seen to.
    pub fn is_open(&self) -> bool {
        self.state == EntryState::Open
    }

    /// Why it is not to be replayed or dropped, if there is a reason.
    pub fn obstacle(&self) -> Option<Obstacle> {
        if self.dead_letter.is_notice() {
            return Some(Obstacle::Notice);
        }
        if let Some(flaw) = &self.dead_letter.flaw {
            return Some(Obstacle::Flawed { flaw: flaw.clone(), service: self.dead_letter.service.clone() });
        }
        match &self.state {
            EntryState::Open => None,
            EntryState::Superseded { by } => Some(Obstacle::Superseded { by: *by }),
            EntryState::Handled(record) => Some(Obstacle::Handled(record.clone())),
        }
    }
}

impl Display for Obstacle {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notice => f.write_str(
                "it is only a notice that a message was overdue: the message never died, and is done when its subscriber \
                 is back",
            ),
            Self::Flawed { flaw, service } => {
                write!(f, "it can only be looked at, {service} would not know the message: {flaw}")
            }
            Self::Superseded { by } => {
                write!(f, "dead letter {by} is a later one of the same message: only that one counts")
            }
            Self::Handled(record) => {
                write!(f, "it is handled already ({}: {})", record.what, record.outcome)
            }
        }
    }
}
