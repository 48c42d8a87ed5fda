//! Which dead letters are meant.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use jiff::Timestamp;

use super::dead_letter::DeadLetter;
use super::stream_reader::StartAt;
use crate::wire::dead_letter;
use crate::wire::repair;
use crate::wire::subject::check_key;

/// One part of a subject: a service, a message's name, or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(String);

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = |_| format!("{text:?} has a dot, a blank or a wildcard, or is empty");
        check_key(text).map(|()| Self(text.to_owned())).map_err(problem)
    }
}

impl Display for Token {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which dead letters are meant: those of which everything holds that is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Their sequences; nothing here means any.
    pub sequences: BTreeSet<u64>,
    /// The service where they died.
    pub service: Option<Token>,
    /// The message's name.
    pub message: Option<Token>,
    /// The message's key.
    pub key: Option<Token>,
    /// What they died of.
    pub reason: Option<String>,
    /// What those that died of the same have in common.
    pub fingerprint: Option<String>,
    /// The server stored them at this moment or later.
    pub since: Option<Timestamp>,
    /// The server stored them at this moment or earlier.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// One dead letter.
    pub fn one(sequence: u64) -> Self {
        Self { sequences: BTreeSet::from([sequence]), ..Self::default() }
    }

    /// The same for dead letters that have the subject of this one; what can't be said in a subject is left open.
    pub(super) fn at(&self, dead_letter: &DeadLetter) -> Self {
        let token = |outgoing: &Option<Token>, token: &str| outgoing.clone().or_else(|| token.parse().ok());
        Self {
            service: token(&self.service, &dead_letter.service),
            message: token(&self.message, &dead_letter.message),
            key: token(&self.key, &dead_letter.key),
            ..self.clone()
        }
    }

    /// What the server can find by itself.
    pub(super) fn subject(&self) -> String {
        let [service, message] = [&self.service, &self.message].map(any);
        dead_letter::filter(service, message, self.key.as_ref().map(|key| key.0.as_str()))
    }

    /// The subject of what became of them.
    pub(super) fn records(&self) -> String {
        repair::records_of(any(&self.service))
    }

    /// Where the first of them can be.
    pub(super) fn place(&self) -> StartAt {
        match (self.sequences.first(), self.since) {
            (Some(sequence), _) => StartAt::Sequence(*sequence),
            (None, Some(since)) => StartAt::Time(since),
            (None, None) => StartAt::Sequence(1),
        }
    }

    pub(super) fn matches(&self, dead_letter: &DeadLetter) -> bool {
        let is = |wanted: &Option<Token>, token: &str| wanted.as_ref().is_none_or(|wanted| wanted.0 == token);
        (self.sequences.is_empty() || self.sequences.contains(&dead_letter.sequence))
            && is(&self.service, &dead_letter.service)
            && is(&self.message, &dead_letter.message)
            && is(&self.key, &dead_letter.key)
            && self.reason.as_ref().is_none_or(|reason| *reason == dead_letter.reason)
            && self.fingerprint.as_ref().is_none_or(|wanted| Some(wanted) == dead_letter.fingerprint.as_ref())
            && self.since.is_none_or(|since| dead_letter.time >= since)
            && self.until.is_none_or(|until| dead_letter.time <= until)
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
    fn the_server_is_asked_for_no_more_than_needed() {
        for (service, message, key, subject) in [
            (None, None, None, "dead.*.*.>"),
            (token("payment"), None, None, "dead.payment.*.>"),
            (None, token("debit"), token("o1"), "dead.*.debit.o1"),
        ] {
            assert_eq!(Filter { service, message, key, ..Filter::default() }.subject(), subject);
        }
    }

    #[test]
    fn a_token_can_not_mean_more_than_itself() {
        for text in ["", "*", ">", "a.b", "a b"] {
            assert!(text.parse::<Token>().is_err(), "{text:?}");
        }
    }
}
