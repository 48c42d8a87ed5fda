//! Repairs: a dead message that an operator has replayed, or dropped.
//!
//! The message comes again under its own id, with a header that names one death of it. Only the service where it died
//! takes it, and only while its inbox holds it for dead with as many tries: so nothing is done twice. What came of it is
//! said in the commit that does it, as a record among the dead letters.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

use super::dead_letter::{DEATH_HEADERS, HANDLED, one_line};
use super::envelope::Envelope;

/// The header of a replay: `<service>/<tries>/<sequence of the letter>`.
pub(crate) const REPLAY: &str = "dead-replay";
/// The header of a drop: the same.
pub(crate) const DROP: &str = "dead-drop";
/// The header that says why something is dropped.
pub(crate) const DROP_REASON: &str = "dead-drop-reason";

/// What was asked for in a record: `replay` or `drop`.
const WHAT: &str = "handled-what";
/// What came of it: a [`RepairOutcome`].
const OUTCOME: &str = "handled-outcome";
/// What came of it, in words.
const DETAIL: &str = "handled-detail";
/// When, by the clock of the service.
const TIME: &str = "handled-time";

/// What the headers of a repair may need beside the message's own, in bytes.
pub(crate) const REPAIR_BYTES_MAX: usize = 1_024;

/// What is asked about one death of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repair {
    /// Whether it is to be done again; otherwise it is given up.
    pub replay: bool,
    /// Where it died.
    pub service: String,
    /// How often it had been tried by then.
    pub tries: u32,
    /// The sequence of its dead letter.
    pub dead_letter: u64,
}

impl Repair {
    /// What a message asks for, if it asks for a repair at all.
    pub(crate) fn of(envelope: &Envelope) -> Option<Result<Self, String>> {
        if !envelope.headers.mention(DEATH_HEADERS) {
            return None;
        }
        let (asked, mark) = envelope.headers.iter().find(|(name, _)| [REPLAY, DROP].contains(name))?;
        let read = || {
            let mut parts = mark.split('/');
            let service = parts.next()?.to_owned();
            let (tries, dead_letter) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            parts.next().is_none().then_some(Self { replay: asked == REPLAY, service, tries, dead_letter })
        };
        Some(read().ok_or_else(|| format!("{mark:?} names no death: it is <service>/<tries>/<dead letter>")))
    }
}

/// The record of what came of a repair.
pub(crate) fn record(
    envelope: &Envelope,
    repair: &Repair,
    outcome: RepairOutcome,
    detail: &str,
    now: Timestamp,
) -> Envelope {
    let subject = format!("{HANDLED}.{}.{}", repair.service, repair.dead_letter).into();
    let (what, id) = (if repair.replay { "replay" } else { "drop" }, envelope.header("ce-id").unwrap_or_default());
    let (detail, time) = (one_line(detail), now.to_string());
    let headers = [("ce-id", id), (WHAT, what), (OUTCOME, outcome.as_str()), (DETAIL, &detail), (TIME, &time)];
    Envelope { subject, headers: headers.into(), payload: Default::default() }
}

/// What became of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepairOutcome {
    /// It was replayed and changed something, or it was dropped.
    Done,
    /// It was replayed and changed nothing: the story had been put right meanwhile.
    Nothing,
    /// Nothing was done: the service does not hold it for dead any more.
    Refused,
    /// It was replayed and died again: there is a new dead letter, with one try more.
    Died,
}

impl RepairOutcome {
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

impl Display for RepairOutcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RepairOutcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no outcome"))
    }
}

/// Returns the subject filter for a service's records; `*` stands for any service.
pub(crate) fn records_of(service: &str) -> String {
    format!("{HANDLED}.{service}.*")
}

/// What became of a dead letter, as its service recorded it in the commit that did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairRecord {
    /// The service.
    pub service: String,
    /// The dead letter's sequence.
    pub dead_letter: u64,
    /// The message's id.
    pub id: Option<Uuid>,
    /// What was asked: `replay` or `drop`.
    pub what: String,
    /// What became of it.
    pub outcome: RepairOutcome,
    /// What became of it, in words.
    pub detail: String,
    /// When, by the clock of the service.
    pub time: Option<Timestamp>,
}

impl RepairRecord {
    /// Reads a record; none if it is not one.
    pub(crate) fn read(record: &Envelope) -> Option<Self> {
        let mut tokens = record.subject.strip_prefix(HANDLED)?.strip_prefix('.')?.split('.');
        Some(Self {
            service: tokens.next()?.to_owned(),
            dead_letter: tokens.next()?.parse().ok()?,
            id: record.header("ce-id").and_then(|id| id.parse().ok()),
            what: record.header(WHAT)?.to_owned(),
            outcome: record.header(OUTCOME)?.parse().ok()?,
            detail: record.header(DETAIL).unwrap_or_default().to_owned(),
            time: record.header(TIME).and_then(|time| time.parse().ok()),
        })
    }

    /// Whether nothing is left to do about the message.
    pub(crate) fn settles(&self) -> bool {
        matches!(self.outcome, RepairOutcome::Done | RepairOutcome::Nothing)
    }
}
