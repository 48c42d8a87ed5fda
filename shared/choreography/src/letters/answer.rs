//! What a service says about a letter that it was asked to see to.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::envelope::Envelope;

/// What became of a letter, as its service recorded it in the commit that did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The service.
    pub service: String,
    /// The letter's sequence.
    pub letter: u64,
    /// The message's id.
    pub id: Option<Uuid>,
    /// What was asked: `replay` or `drop`.
    pub what: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What became of it, in words.
    pub detail: String,
    /// When, by the clock of the service.
    pub time: Option<Timestamp>,
}

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was replayed and changed something, or it was dropped.
    Done,
    /// It was replayed and changed nothing: the story had been put right meanwhile.
    Nothing,
    /// Nothing was done: the service does not hold it for dead any more.
    Refused,
    /// It was replayed and died again: there is a new letter, with one try more.
    Died,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Done, Self::Nothing, Self::Refused, Self::Died];

    /// As it stands in a record's headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Nothing => "nothing",
            Self::Refused => "refused",
            Self::Died => "died",
        }
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no outcome"))
    }
}

impl Answer {
    /// Reads a record; none if it is not one.
    pub(super) fn read(record: &Envelope) -> Option<Self> {
        let mut tokens = record.subject.strip_prefix("handled.")?.split('.');
        Some(Self {
            service: tokens.next()?.to_owned(),
            letter: tokens.next()?.parse().ok()?,
            id: record.header("ce-id").and_then(|id| id.parse().ok()),
            what: record.header("handled-what")?.to_owned(),
            outcome: record.header("handled-outcome")?.parse().ok()?,
            detail: record.header("handled-detail").unwrap_or_default().to_owned(),
            time: record.header("handled-time").and_then(|time| time.parse().ok()),
        })
    }

    /// Whether nothing is left to do about the message.
    pub(super) fn settles(&self) -> bool {
        matches!(self.outcome, Outcome::Done | Outcome::Nothing)
    }
}
