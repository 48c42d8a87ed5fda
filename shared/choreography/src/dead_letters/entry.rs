//! A dead letter with its state, and what prevents its repair.

use std::fmt::{self, Display, Formatter};

use super::dead_letter::DeadLetter;
use crate::wire::repair::RepairOutcome;
use crate::wire::repair::RepairRecord;

/// A dead letter with its state and the records of its repairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The dead letter.
    pub dead_letter: DeadLetter,
    /// Whether it still needs a repair.
    pub state: EntryState,
    /// The records that its service published about it, the oldest first.
    pub records: Vec<RepairRecord>,
}

/// Whether a dead letter still needs a repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryState {
    /// It does.
    Open,
    /// There is a later dead letter of the same message at the same service: the message died again, or the dead letter
    /// was published twice.
    Superseded {
        /// The sequence of the last one.
        by: u64,
    },
    /// It was replayed or dropped.
    Handled(RepairRecord),
}

/// Why a dead letter can't be replayed or dropped, or need not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It is a notice that a message is overdue; the message has not died.
    Notice,
    /// It reports that messages are lost, and is the dead letter of none of them.
    Lost {
        /// The service that they were published for.
        service: String,
    },
    /// The service would not recognize the message.
    Flawed {
        /// What is wrong with it.
        flaw: String,
        /// The service where it died.
        service: String,
    },
    /// A later dead letter of the same message has to be repaired instead.
    Superseded {
        /// The sequence of the later one.
        by: u64,
    },
    /// It is handled; another repair does no harm.
    Handled(RepairRecord),
}

impl Entry {
    pub(super) fn new(dead_letter: DeadLetter, latest: u64, records: Vec<RepairRecord>) -> Self {
        let last = |wanted: fn(&RepairRecord) -> bool| records.iter().rfind(|record| wanted(record)).cloned();
        let state = match last(RepairRecord::settles) {
            Some(record) => EntryState::Handled(record),
            None if latest > dead_letter.sequence => EntryState::Superseded { by: latest },
            // It died again, and its new dead letter is not in the stream yet.
            None => last(|record| record.outcome == RepairOutcome::Died).map_or(EntryState::Open, EntryState::Handled),
        };
        Self { dead_letter, state, records }
    }

    /// Whether it still needs a repair.
    pub fn is_open(&self) -> bool {
        self.state == EntryState::Open
    }

    /// Returns why it can't be replayed or dropped, or need not be; none if it can.
    pub fn obstacle(&self) -> Option<Obstacle> {
        if self.dead_letter.is_notice() {
            return Some(Obstacle::Notice);
        }
        if self.dead_letter.is_of_lost_messages() {
            return Some(Obstacle::Lost { service: self.dead_letter.service.clone() });
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
                "it is a notice that a message is overdue: the message has not died, and is processed when its subscriber is \
                 back",
            ),
            Self::Lost { service } => {
                write!(f, "it reports lost messages: `{service} stream` shows them, and `{service} stream --accept-lost` ends the report")
            }
            Self::Flawed { flaw, service } => {
                write!(f, "it can only be looked at, because {service} would not recognize the message: {flaw}")
            }
            Self::Superseded { by } => {
                write!(f, "dead letter {by} is a later one of the same message: repair that one")
            }
            Self::Handled(record) => {
                write!(f, "it is handled already ({}: {})", record.what, record.outcome)
            }
        }
    }
}
