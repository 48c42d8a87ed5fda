//! Dead letters on the wire: the streams, the subjects and the headers, and how they are written and read.
//!
//! A dead letter is the message that died, with its payload and headers as they were, under
//! `dead.<service>.<message>.<key>` and with `dead-*` headers about the death. What must hold: each of these names
//! stands here and nowhere else.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use jiff::Timestamp;

use super::envelope::{Envelope, is_numbering};
use super::headers::Headers;

/// The stream of the messages that services publish.
pub const EVENTS: &str = "EVENTS";
/// The stream of dead letters, and of the records of their repairs.
pub const DEAD_LETTERS: &str = "DEAD_LETTERS";
/// The subjects of the stream [`DEAD_LETTERS`].
pub const DEAD_LETTER_SUBJECTS: [&str; 2] = [ALL_DEAD_LETTERS, "handled.>"];
/// The subjects of dead letters alone, without the records.
pub(crate) const ALL_DEAD_LETTERS: &str = "dead.>";

/// The reason, and the key, of a dead letter that is only a notice: a subscriber has not processed a message in time.
pub const OVERDUE: &str = "overdue";

/// The token in a subject for a service, message or key that could not be read.
pub(crate) const UNKNOWN: &str = "unknown";

/// The first token of a dead letter's subject.
pub(super) const DEAD: &str = "dead";
/// The first token of a record's subject.
pub(super) const HANDLED: &str = "handled";

/// What the names of all headers about a death begin with.
pub(crate) const DEATH_HEADERS: &str = "dead-";
/// Why the message died: a [`Reason`], or [`OVERDUE`].
pub(crate) const REASON: &str = "dead-reason";
/// Why it died, as text.
pub(crate) const DETAIL: &str = "dead-detail";
/// How often it had been tried.
pub(crate) const TRIES: &str = "dead-tries";
/// What messages that died of the same cause have in common.
pub(crate) const FINGERPRINT: &str = "dead-fingerprint";
/// When it died, by the clock of its service.
pub(crate) const TIME: &str = "dead-time";
/// The sequence that the message has in the stream [`EVENTS`].
pub(crate) const SEQUENCE: &str = "dead-sequence";
/// Marks a message that an open circuit held back.
pub(crate) const HELD: &str = "dead-held";

/// The headers of earlier deaths and repairs that a new dead letter keeps.
const KEPT_HEADERS: [&str; 2] = [SEQUENCE, HELD];

/// The longest text of a header, in characters.
const DETAIL_CHARS_MAX: usize = 1_000;

/// Why a message died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It expired before it arrived, or while it waited for a row.
    Expired,
    /// It can't be read, the reaction to it panicked, or its effect failed permanently: trying again would not help.
    Poison,
    /// Its effect failed, and so did the last of its tries.
    Exhausted,
}

impl Reason {
    /// Returns the reason as it is written in a dead letter's headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Poison => "poison",
            Self::Exhausted => "exhausted",
        }
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a message died.
#[derive(Debug, Clone)]
pub(crate) struct Death {
    pub reason: Reason,
    pub detail: String,
    pub tries: u32,
}

/// Returns the dead letter of a message that died at a service.
pub(crate) fn dead_letter(service: &str, message: &Envelope, death: &Death, now: Timestamp) -> Envelope {
    let (name, key) = message.parts().map_or((UNKNOWN, UNKNOWN), |(_, name, key)| (name, key));
    let fingerprint = format!("{service}/{name}/{}/{}", death.reason, error_class(&death.detail));
    // The numbers are the message's; the dead letter gets its own.
    let is_kept = |name: &str| match name.starts_with(DEATH_HEADERS) {
        true => KEPT_HEADERS.contains(&name),
        false => !is_numbering(name),
    };
    let kept = message.headers.iter().filter(|(name, _)| is_kept(name));
    let headers = kept
        .collect::<Headers>()
        .with(REASON, death.reason.as_str())
        .with(DETAIL, one_line(&death.detail))
        .with(TRIES, death.tries.to_string())
        .with(FINGERPRINT, fingerprint)
        .with(TIME, now.to_string());
    Envelope { subject: subject(service, name, key), headers, payload: message.payload.clone() }
}

/// Returns the notice of a publisher that a subscriber has not processed a message in time.
pub(crate) fn overdue_notice(
    publisher: &str,
    message: &str,
    subscriber: &str,
    detail: String,
    now: Timestamp,
) -> Envelope {
    let headers = [
        (REASON, OVERDUE.to_owned()),
        (DETAIL, detail),
        (TRIES, "0".to_owned()),
        (FINGERPRINT, format!("{publisher}/{message}/{OVERDUE}/{subscriber}")),
        (TIME, now.to_string()),
    ];
    Envelope { subject: subject(publisher, message, OVERDUE), headers: headers.into(), payload: "{}".into() }
}

fn subject(service: &str, message: &str, key: &str) -> Arc<str> {
    format!("{DEAD}.{service}.{message}.{key}").into()
}

/// Returns the subject filter for dead letters; `*` stands for any service or message, no key for any key.
pub(crate) fn filter(service: &str, message: &str, key: Option<&str>) -> String {
    format!("{DEAD}.{service}.{message}.{}", key.unwrap_or(">"))
}

/// Returns the service, the message's name and the key from a dead letter's subject; none if it is not one.
pub(crate) fn parts(subject: &str) -> Option<(&str, &str, &str)> {
    let mut tokens = subject.splitn(4, '.');
    let (DEAD, service, message, key) = (tokens.next()?, tokens.next()?, tokens.next()?, tokens.next()?) else {
        return None;
    };
    Some((service, message, key))
}

/// Whether a subject belongs to the stream of dead letters: a dead letter's, or a record's.
pub(crate) fn is_of_dead_letters(subject: &str) -> bool {
    matches!(subject.split('.').next(), Some(DEAD | HANDLED))
}

/// Returns a text as one line of at most 1,000 characters, which is what a header can carry.
pub(crate) fn one_line(detail: &str) -> String {
    detail.chars().take(DETAIL_CHARS_MAX).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// Returns what errors of one kind have in common: their first words, without anything that differs between them.
fn error_class(detail: &str) -> String {
    let chars = detail.chars().map(|char| if char.is_alphabetic() { char.to_ascii_lowercase() } else { ' ' });
    let words: String = chars.collect();
    words.split_whitespace().filter(|word| word.len() > 1).take(8).collect::<Vec<_>>().join("-")
}
