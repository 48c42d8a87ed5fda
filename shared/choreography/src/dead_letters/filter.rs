//! Which dead letters an operator means.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use jiff::Timestamp;

use super::dead_letter::DeadLetter;
use crate::bus::ReadFrom;
use crate::wire::dead_letter;
use crate::wire::repair;
use crate::wire::subject::{InvalidKey, check_key};

/// One token of a subject: a service, a message's name, or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(String);

impl FromStr for Token {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        check_key(text).map(|()| Self(text.to_owned()))
    }
}

impl Display for Token {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which dead letters are meant: those that satisfy every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Their sequences; an empty set means any.
    pub sequences: BTreeSet<u64>,
    /// The service where they died.
    pub service: Option<Token>,
    /// The message's name.
    pub message: Option<Token>,
    /// The message's key.
    pub key: Option<Token>,
    /// Why they died: a [`Reason`](crate::Reason), [`OVERDUE`](super::OVERDUE) or [`LOST`](super::LOST).
    pub reason: Option<String>,
    /// What dead letters of the same cause have in common.
    pub fingerprint: Option<String>,
    /// The server stored them at this moment or later.
    pub since: Option<Timestamp>,
    /// The server stored them at this moment or earlier.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Returns the filter for one dead letter.
    pub fn one(sequence: u64) -> Self {
        Self { sequences: BTreeSet::from([sequence]), ..Self::default() }
    }

    /// Returns this filter, narrowed to the subject of a dead letter as far as its tokens are valid.
    pub(super) fn narrowed_to(&self, dead_letter: &DeadLetter) -> Self {
        let token = |wanted: &Option<Token>, token: &str| wanted.clone().or_else(|| token.parse().ok());
        Self {
            service: token(&self.service, &dead_letter.service),
            message: token(&self.message, &dead_letter.message),
            key: token(&self.key, &dead_letter.key),
            ..self.clone()
        }
    }

    /// Returns the subject filter that the server applies.
    pub(super) fn subject(&self) -> String {
        let [service, message] = [&self.service, &self.message].map(any);
        dead_letter::filter(service, message, self.key.as_ref().map(|key| key.0.as_str()))
    }

    /// Returns the subject filter of the records about these dead letters.
    pub(super) fn record_subject(&self) -> String {
        repair::records_of(any(&self.service))
    }

    /// Returns where in the stream the first of them can be.
    pub(super) fn start(&self) -> ReadFrom {
        match (self.sequences.first(), self.since) {
            (Some(sequence), _) => ReadFrom::Sequence(*sequence),
            (None, Some(since)) => ReadFrom::Time(since),
            (None, None) => ReadFrom::Sequence(1),
        }
    }

    /// Whether a dead letter satisfies every field.
    pub(super) fn matches(&self, dead_letter: &DeadLetter) -> bool {
        let is = |wanted: &Option<Token>, token: &str| wanted.as_ref().is_none_or(|wanted| wanted.0 == token);
        (self.sequences.is_empty() || self.sequences.contains(&dead_letter.sequence))
            && is(&self.service, &dead_letter.service)
            && is(&self.message, &dead_letter.message)
            && is(&self.key, &dead_letter.key)
            && self.reason.as_ref().is_none_or(|reason| *reason == dead_letter.reason)
            && self.fingerprint.as_ref().is_none_or(|wanted| Some(wanted) == dead_letter.fingerprint.as_ref())
            && self.since.is_none_or(|since| dead_letter.stored_at >= since)
            && self.until.is_none_or(|until| dead_letter.stored_at <= until)
    }
}

fn any(token: &Option<Token>) -> &str {
    token.as_ref().map_or("*", |token| &token.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Option<Token> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn server_filters_by_service_message_and_key() {
        for (service, message, key, subject) in [
            (None, None, None, "dead.*.*.>"),
            (token("payment"), None, None, "dead.payment.*.>"),
            (None, token("debit"), token("o1"), "dead.*.debit.o1"),
        ] {
            assert_eq!(Filter { service, message, key, ..Filter::default() }.subject(), subject);
        }
    }

    #[test]
    fn token_has_no_wildcards_dots_or_blanks() {
        for text in ["", "*", ">", "a.b", "a b"] {
            assert!(text.parse::<Token>().is_err(), "{text:?}");
        }
    }
}
