//! Failures: the dead letters that count against a circuit.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::cycle::Cycle;
use crate::wire::circumstances::Circumstances;
use crate::wire::dead_letter::{self, OVERDUE, Reason};
use crate::wire::envelope::Envelope;
use crate::wire::ids::derived_id;
use crate::wire::role::Role;

/// How many failures of one message are kept of a cycle, the first ones, less than a megabyte. So many make the cycle
/// dirty, however much was processed.
pub(crate) const FAILURES_KEPT_MAX: usize = 4_096;
/// One in this many processed messages must have died before a cycle is dirty: fewer are their own fault, or an accident.
const SHARE: u64 = 10;

/// The reasons for which a dead letter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FailureKind {
    Exhausted,
    Expired,
    /// Its subscriber is down or slow. One such dead letter makes its cycle dirty by itself: it counts for every
    /// message that the subscriber has not been sent.
    Overdue,
}

impl FailureKind {
    /// Returns its name in a dead letter's headers.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => Reason::Exhausted.as_str(),
            Self::Expired => Reason::Expired.as_str(),
            Self::Overdue => OVERDUE,
        }
    }
}

/// A dead letter that counts. Failures are ordered as the server stored them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Failure {
    /// When the server stored it.
    pub at: Timestamp,
    /// Its sequence in the stream of dead letters. It identifies the dead letter together with the moment: a recreated
    /// stream counts from 1 again.
    pub sequence: u64,
    pub kind: FailureKind,
    /// The name of the message that died.
    pub message: String,
    /// The role of the message; a step if its dead letter says nothing, as those of earlier versions.
    pub role: Role,
    /// Identifies the death: by the service, the message's id and its tries. None if its headers lack one of them.
    pub death: Option<Uuid>,
    /// How many messages of this name the service had processed in the 5 seconds before.
    pub processed: u64,
    /// Which subscriber is how far behind, if it is an overdue notice. Else empty, which saves memory.
    pub detail: String,
}

impl Failure {
    /// Returns the failure in a message of the stream of dead letters; none if it does not count. Not counted are
    /// repairs and the deaths of replayed messages, poison (the fault is in the message, not in its subscriber),
    /// compensations (they pass every circuit), and messages that expired while a circuit held them, which would keep
    /// that circuit open for ever.
    pub(crate) fn read(stored: &Envelope, at: Timestamp, sequence: u64) -> Option<Self> {
        let (service, message, _) = dead_letter::parts(&stored.subject)?;
        let Circumstances { role, processed, replayed } = Circumstances::read(stored);
        let role = role.unwrap_or(Role::Step);
        if role == Role::Compensation || replayed || stored.header(dead_letter::HELD).is_some() {
            return None;
        }
        let reason = stored.header(dead_letter::REASON)?;
        let kind = [FailureKind::Exhausted, FailureKind::Expired, FailureKind::Overdue]
            .into_iter()
            .find(|it| it.as_str() == reason)?;
        let detail =
            stored.header(dead_letter::DETAIL).filter(|_| kind == FailureKind::Overdue).unwrap_or_default().to_owned();
        let death = (kind != FailureKind::Overdue).then(|| death(service, stored)).flatten();
        Some(Self { at, sequence, kind, message: message.to_owned(), role, death, processed, detail })
    }
}

/// Returns what all copies of a dead letter have in common.
fn death(service: &str, stored: &Envelope) -> Option<Uuid> {
    let (id, tries) = (stored.header("ce-id")?.parse().ok()?, stored.header(dead_letter::TRIES)?);
    Some(derived_id(id, &format!("{service}/{tries}")))
}

/// The first failures of one message in one cycle, each once, in the order of the stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Failures(BTreeSet<Failure>);

impl Failures {
    /// Adds a failure. Returns the one that is not kept for it, if there is one: the first ones are the same in every
    /// order of arrival, so no others are needed.
    pub(crate) fn note(&mut self, failure: Failure) -> Option<Failure> {
        self.0.insert(failure);
        if self.0.len() > FAILURES_KEPT_MAX { self.0.pop_last() } else { None }
    }

    /// Removes the failure of a dead letter.
    pub(crate) fn remove(&mut self, at: Timestamp, sequence: u64) {
        self.0.retain(|failure| (failure.at, failure.sequence) != (at, sequence));
    }

    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.0.len()
    }

    /// Returns the failure that made the cycle dirty, as of a moment; none if it is clean. So many must have died: the
    /// threshold, and a tenth of what was processed, by the largest count of the cycle.
    pub(crate) fn decisive(&self, threshold: usize, now: Timestamp) -> Option<&Failure> {
        let share = usize::try_from(self.processed(now).div_ceil(SHARE)).unwrap_or(usize::MAX);
        let needed = threshold.max(share).min(FAILURES_KEPT_MAX);
        let mut failures = (1..).zip(self.until(now));
        failures.find(|(count, failure)| failure.kind == FailureKind::Overdue || *count >= needed).map(|(_, it)| it)
    }

    fn until(&self, now: Timestamp) -> impl Iterator<Item = &Failure> {
        self.0.iter().take_while(move |failure| failure.at <= now)
    }

    /// Returns how many messages were processed in five seconds, by the largest count.
    fn processed(&self, now: Timestamp) -> u64 {
        self.until(now).map(|failure| failure.processed).max().unwrap_or_default()
    }

    /// Returns why the cycle is dirty, as of a moment.
    pub(crate) fn why(&self, decisive: &Failure, now: Timestamp) -> String {
        let start = Cycle::of(decisive.at).start().strftime("%H:%M:%SZ");
        if decisive.kind == FailureKind::Overdue {
            return format!("overdue in the cycle from {start}: {}", decisive.detail);
        }
        let mut counts = BTreeMap::<FailureKind, usize>::new();
        for failure in self.until(now) {
            *counts.entry(failure.kind).or_default() += 1;
        }
        let count: usize = counts.values().sum();
        let or_more = if count >= FAILURES_KEPT_MAX { " or more" } else { "" };
        let noun = if count == 1 { "dead letter" } else { "dead letters" };
        let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{} ×{count}", kind.as_str())).collect();
        let share = match self.processed(now) {
            0 => String::new(),
            processed => format!(" of {processed} processed"),
        };
        format!("{count}{or_more} {noun}{share} in the cycle from {start}: {}", counts.join(", "))
    }
}
