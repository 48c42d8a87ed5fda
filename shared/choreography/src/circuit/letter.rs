//! Dead letters, as far as they count: whatever else died is none of the circuits' business.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::time::Cycle;
use crate::envelope::Envelope;

/// At most so many letters of one cycle are kept, the first ones: enough to tell what kind of trouble it is. More are
/// kept only if it takes more to make a cycle dirty.
pub(crate) const LETTERS_KEPT_MAX: usize = 100;

/// The reasons for which a letter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    Exhausted,
    Expired,
    /// Its hearer is down or slow. One such letter makes its cycle dirty by itself: it speaks for all that is behind.
    Overdue,
}

impl Trouble {
    /// As it stands in a dead letter's headers.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::Overdue => "overdue",
        }
    }
}

/// A dead letter that counts. Letters are ordered as the server stored them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Letter {
    /// When the server stored it.
    pub at: Timestamp,
    /// Its place in the stream of dead letters. With the moment it makes the letter what it is: a stream that was made
    /// anew counts from 1 again.
    pub sequence: u64,
    pub trouble: Trouble,
    /// The name of the message that died.
    pub message: String,
    /// Of an overdue letter: which hearer is how far behind. Nobody asks the others, of which there may be many.
    pub detail: String,
}

impl Letter {
    /// Reads what the stream of dead letters holds. None if it does not count: what was handled, poison (the message is
    /// wrong, not its hearer), and what died because a circuit held it, which would keep that circuit open for ever.
    pub(crate) fn read(stored: &Envelope, at: Timestamp, sequence: u64) -> Option<Self> {
        let mut tokens = stored.subject.splitn(4, '.');
        let (root, _service, message, _key) = (tokens.next()?, tokens.next()?, tokens.next()?, tokens.next()?);
        if root != "dead" || stored.header(HELD_HEADER).is_some() {
            return None;
        }
        let reason = stored.header("dead-reason")?;
        let trouble =
            [Trouble::Exhausted, Trouble::Expired, Trouble::Overdue].into_iter().find(|it| it.as_str() == reason)?;
        let detail =
            stored.header("dead-detail").filter(|_| trouble == Trouble::Overdue).unwrap_or_default().to_owned();
        Some(Self { at, sequence, trouble, message: message.to_owned(), detail })
    }
}

/// The header of a message that was held while its circuit was open.
pub(crate) const HELD_HEADER: &str = "dead-held";

/// What died of one kind in one cycle: the first letters, each once, in the order of the stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Letters(BTreeSet<Letter>);

impl Letters {
    /// Notes one more. The first ones are the same ones in whatever order they come, so nothing else needs to be kept.
    pub(crate) fn note(&mut self, letter: Letter, threshold: usize) {
        self.0.insert(letter);
        if self.0.len() > threshold.max(LETTERS_KEPT_MAX) {
            self.0.pop_last();
        }
    }

    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.0.len()
    }

    /// The letter that made the cycle dirty, if it is.
    pub(crate) fn decisive(&self, threshold: usize) -> Option<&Letter> {
        let mut letters = (1..).zip(&self.0);
        letters.find(|(count, letter)| letter.trouble == Trouble::Overdue || *count >= threshold).map(|(_, it)| it)
    }

    /// Why the cycle is dirty, as of a moment, in words.
    pub(crate) fn why(&self, decisive: &Letter, now: Timestamp) -> String {
        let start = Cycle::of(decisive.at).start().strftime("%H:%M:%SZ");
        if decisive.trouble == Trouble::Overdue {
            return format!("overdue in the cycle from {start}: {}", decisive.detail);
        }
        let mut counts = BTreeMap::<Trouble, usize>::new();
        for letter in self.0.iter().take_while(|letter| letter.at <= now) {
            *counts.entry(letter.trouble).or_default() += 1;
        }
        let count: usize = counts.values().sum();
        let or_more = if count >= LETTERS_KEPT_MAX { " or more" } else { "" };
        let letters = if count == 1 { "letter" } else { "letters" };
        let counts: Vec<String> =
            counts.iter().map(|(trouble, count)| format!("{} ×{count}", trouble.as_str())).collect();
        format!("{count}{or_more} {letters} in the cycle from {start}: {}", counts.join(", "))
    }
}
