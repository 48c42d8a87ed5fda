//! Failures: the dead letters that count against a circuit.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::cycle::Cycle;
use crate::wire::dead_letter::{self, OVERDUE, Reason};
use crate::wire::envelope::Envelope;

/// How many failures of one cycle are kept, the first ones: enough to see what is wrong. More are kept only if the
/// threshold is higher.
pub(crate) const FAILURES_KEPT_MAX: usize = 100;

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
    /// Which subscriber is how far behind, if it is an overdue notice. Else empty, which saves memory.
    pub detail: String,
}

impl Failure {
    /// Returns the failure in a message of the stream of dead letters; none if it does not count. Not counted are
    /// repairs, poison (the fault is in the message, not in its subscriber), and messages that expired while a circuit
    /// held them, which would keep that circuit open for ever.
    pub(crate) fn read(stored: &Envelope, at: Timestamp, sequence: u64) -> Option<Self> {
        let (_, message, _) = dead_letter::parts(&stored.subject)?;
        if stored.header(dead_letter::HELD).is_some() {
            return None;
        }
        let reason = stored.header(dead_letter::REASON)?;
        let kind = [FailureKind::Exhausted, FailureKind::Expired, FailureKind::Overdue]
            .into_iter()
            .find(|it| it.as_str() == reason)?;
        let detail =
            stored.header(dead_letter::DETAIL).filter(|_| kind == FailureKind::Overdue).unwrap_or_default().to_owned();
        Some(Self { at, sequence, kind, message: message.to_owned(), detail })
    }
}

/// The first failures of one message in one cycle, each once, in the order of the stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Failures(BTreeSet<Failure>);

impl Failures {
    /// Adds a failure. The first ones are the same in every order of arrival, so no others need to be kept.
    pub(crate) fn note(&mut self, failure: Failure, threshold: usize) {
        self.0.insert(failure);
        if self.0.len() > threshold.max(FAILURES_KEPT_MAX) {
            self.0.pop_last();
        }
    }

    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.0.len()
    }

    /// Returns the failure that made the cycle dirty; none if it is clean.
    pub(crate) fn decisive(&self, threshold: usize) -> Option<&Failure> {
        let mut failures = (1..).zip(&self.0);
        failures.find(|(count, failure)| failure.kind == FailureKind::Overdue || *count >= threshold).map(|(_, it)| it)
    }

    /// Returns why the cycle is dirty, as of a moment.
    pub(crate) fn why(&self, decisive: &Failure, now: Timestamp) -> String {
        let start = Cycle::of(decisive.at).start().strftime("%H:%M:%SZ");
        if decisive.kind == FailureKind::Overdue {
            return format!("overdue in the cycle from {start}: {}", decisive.detail);
        }
        let mut counts = BTreeMap::<FailureKind, usize>::new();
        for failure in self.0.iter().take_while(|failure| failure.at <= now) {
            *counts.entry(failure.kind).or_default() += 1;
        }
        let count: usize = counts.values().sum();
        let or_more = if count >= FAILURES_KEPT_MAX { " or more" } else { "" };
        let noun = if count == 1 { "dead letter" } else { "dead letters" };
        let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{} ×{count}", kind.as_str())).collect();
        format!("{count}{or_more} {noun} in the cycle from {start}: {}", counts.join(", "))
    }
}
