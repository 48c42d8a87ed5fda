//! Repairs: an operator has a dead message replayed or dropped.
//!
//! The message is published again under its own id, with a header that names one of its deaths. Only the service where
//! it died processes it, and only while its database records that death with the same number of tries: so no repair is
//! done twice. Its outcome is committed together with its changes, as a record in the stream of dead letters.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::Timestamp;
use memchr::memmem::Finder;
use uuid::Uuid;

use super::dead_letter::{DEATH_HEADERS, HANDLED, one_line};
use super::envelope::Envelope;

/// The header of a replay: `<service>/<tries>/<sequence of the dead letter>`.
pub(crate) const REPLAY: &str = "dead-replay";
/// The header of a drop, with the same value.
pub(crate) const DROP: &str = "dead-drop";
/// The header with the reason of a drop.
pub(crate) const DROP_REASON: &str = "dead-drop-reason";

/// The header of a record with the kind of the repair: `replay` or `drop`.
const WHAT: &str = "handled-what";
/// The header of a record with its [`RepairOutcome`].
pub(super) const HANDLED_OUTCOME: &str = "handled-outcome";
/// The header of a record with the detail of its outcome.
const DETAIL: &str = "handled-detail";
/// The header of a record with the time of the service's clock.
const TIME: &str = "handled-time";

/// The largest size of the headers that a repair adds to the message's own, in bytes.
pub(crate) const REPAIR_BYTES_MAX: usize = 1_024;

/// A repair that was requested for one death of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repair {
    /// Whether the message is replayed; if not, it is dropped.
    pub replay: bool,
    /// The service where it died.
    pub service: String,
    /// How often it had been tried when it died.
    pub tries: u32,
    /// The sequence of its dead letter.
    pub dead_letter: u64,
}

impl Repair {
    /// Returns the repair that a message's headers request; none if they request none, and an error if it is
    /// unreadable.
    pub(crate) fn of(envelope: &Envelope) -> Option<Result<Self, String>> {
        static NAMES: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(DEATH_HEADERS));
        if !envelope.headers.mention(&NAMES) {
            return None;
        }
        let (name, death) = envelope.headers.iter().find(|(name, _)| [REPLAY, DROP].contains(name))?;
        let read = || {
            let mut parts = death.split('/');
            let service = parts.next()?.to_owned();
            let (tries, dead_letter) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            parts.next().is_none().then_some(Self { replay: name == REPLAY, service, tries, dead_letter })
        };
        Some(read().ok_or_else(|| format!("{death:?} names no death: it is <service>/<tries>/<dead letter>")))
    }
}

/// Returns the record of a repair's outcome.
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
    let headers = [("ce-id", id), (WHAT, what), (HANDLED_OUTCOME, outcome.as_str()), (DETAIL, &detail), (TIME, &time)];
    Envelope { subject, headers: headers.into(), payload: Default::default() }
}

/// The outcome of a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepairOutcome {
    /// The message was replayed and changed something, or it was dropped.
    Done,
    /// The message was replayed and changed nothing: nothing was left to do.
    Nothing,
    /// Nothing was done: the service does not record this death any more.
    Refused,
    /// The message was replayed and died again: there is a new dead letter, with one try more.
    Died,
}

impl RepairOutcome {
    /// All outcomes.
    pub const ALL: [Self; 4] = [Self::Done, Self::Nothing, Self::Refused, Self::Died];

    /// Returns the outcome as it is written in a record's headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Nothing => "nothing",
            Self::Refused => "refused",
            Self::Died => "died",
        }
    }
}

/// A text that is not the outcome of a repair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an outcome: done, nothing, refused or died")]
pub struct UnknownOutcome(String);

impl Display for RepairOutcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RepairOutcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, UnknownOutcome> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        found.ok_or_else(|| UnknownOutcome(text.to_owned()))
    }
}

/// Returns the subject filter for a service's records; `*` stands for any service.
pub(crate) fn records_of(service: &str) -> String {
    format!("{HANDLED}.{service}.*")
}

/// The record of a repair, which the service commits together with its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairRecord {
    /// The service.
    pub service: String,
    /// The sequence of the dead letter.
    pub dead_letter: u64,
    /// The message's id.
    pub id: Option<Uuid>,
    /// The kind of the repair: `replay` or `drop`.
    pub what: String,
    /// The outcome.
    pub outcome: RepairOutcome,
    /// The detail of the outcome.
    pub detail: String,
    /// The time, by the clock of the service.
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
            outcome: record.header(HANDLED_OUTCOME)?.parse().ok()?,
            detail: record.header(DETAIL).unwrap_or_default().to_owned(),
            time: record.header(TIME).and_then(|time| time.parse().ok()),
        })
    }

    /// Whether nothing is left to do for the message.
    pub(crate) fn settles(&self) -> bool {
        matches!(self.outcome, RepairOutcome::Done | RepairOutcome::Nothing)
    }
}
