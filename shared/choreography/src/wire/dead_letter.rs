//! Dead letters on the wire: the streams, the subjects and the headers, and how they are written and read.
//!
//! A dead letter is the message that died, with its payload and headers as they were, under
//! `dead.<service>.<message>.<key>` and with `dead-*` headers about the death. What must hold: each of these names
//! stands here and nowhere else, and the server takes every dead letter, whatever died and of whatever it died.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use jiff::Timestamp;

use super::circumstances::{Circumstances, ROLE};
use super::envelope::{Envelope, is_numbering};
use super::fingerprint::fingerprint;
use super::headers::{Headers, is_header_name};
use super::role::Role;
use super::subject::{check_key, split_token};

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
/// The reason, and the key, of a dead letter that is only a notice: messages never came, and will not come.
pub const LOST: &str = "lost";

/// The token in a subject for a service, message or key that could not be read.
pub(crate) const UNKNOWN: &str = "unknown";

/// The first token of a dead letter's subject.
pub(super) const DEAD: &str = "dead";
/// The first token of a record's subject.
pub(super) const HANDLED: &str = "handled";

/// What the names of all headers about a death begin with.
pub(crate) const DEATH_HEADERS: &str = "dead-";
/// Why the message died: a [`Reason`], [`OVERDUE`] or [`LOST`].
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
/// The subject under which the message was published.
pub(crate) const SUBJECT: &str = "dead-subject";
/// What of the message a dead letter lacks, because the server does not take so much.
pub(crate) const CUT: &str = "dead-cut";
/// Why the fallback of the message failed, if it did.
pub(crate) const FALLBACK: &str = "dead-fallback";
/// Why its service can't recognize the message, also if it came again; such a message has no record there.
pub(crate) const UNREADABLE: &str = "dead-unreadable";
/// Marks a message that an open circuit held back.
pub(crate) const HELD: &str = "dead-held";

/// The headers about the message's death, an earlier one too, that a new dead letter keeps.
const KEPT_HEADERS: [&str; 3] = [SEQUENCE, UNREADABLE, HELD];

/// The longest text of a header, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;
/// The largest size of the message's own headers in a dead letter, in bytes: those of a choreography's messages have at
/// most 3 KiB, and together with the headers about the death they must fit into the 8 KiB that a message has for them.
const KEPT_BYTES_MAX: usize = 4 * 1_024;
/// What separates a header's name and value, and the header from the next one, on the wire.
const HEADER_SEPARATORS_BYTES: usize = ": \r\n".len();
/// The largest payload of a dead letter, in bytes: no message of a choreography has more.
const PAYLOAD_BYTES_MAX: usize = 64 * 1_024;

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
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Poison => "poison",
            Self::Exhausted => "exhausted",
        }
    }

    /// Returns the reason that a dead letter's headers have; none if it is only a notice.
    pub(crate) fn read(text: &str) -> Option<Self> {
        [Self::Expired, Self::Poison, Self::Exhausted].into_iter().find(|reason| reason.as_str() == text)
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

/// Returns the dead letter of a message that died at a service. The server takes it: its subject, each header and the
/// headers together are bounded, and it lacks what is larger than a message may be.
pub(crate) fn dead_letter(
    service: &str,
    message: &Envelope,
    death: &Death,
    circumstances: Circumstances,
    now: Timestamp,
) -> Envelope {
    let known = |token| if check_key(token).is_ok() { token } else { UNKNOWN };
    let (name, key) = message.parts().map_or((UNKNOWN, UNKNOWN), |(_, name, key)| (known(name), known(key)));
    let (kept, left_out) = kept_headers(message);
    let payload = message.payload.slice(..message.payload.len().min(PAYLOAD_BYTES_MAX));
    let headers = circumstances
        .add_to(kept)
        .with(REASON, death.reason.as_str())
        .with(DETAIL, one_line(&death.detail))
        .with(TRIES, death.tries.to_string())
        .with(FINGERPRINT, fingerprint(service, name, death.reason.as_str(), &death.detail))
        .with(SUBJECT, one_line(&message.subject))
        .with(TIME, now.to_string());
    let cut = message.payload.len() - payload.len();
    let headers = match (left_out, cut) {
        (0, 0) => headers,
        _ => headers.with(CUT, format!("{left_out} headers, and {cut} bytes of the payload")),
    };
    Envelope { subject: subject(service, name, key), headers, payload }
}

/// Returns a dead letter without its payload, which the server does not take, and without the numbers of its row.
pub(crate) fn without_payload(dead_letter: Envelope) -> Envelope {
    let cut = format!("all {} bytes of the payload", dead_letter.payload.len());
    let cut = dead_letter.header(CUT).map_or(cut.clone(), |before| format!("{before}; then {cut}"));
    let kept = dead_letter.headers.iter().filter(|(name, _)| *name != CUT && !is_numbering(name));
    let headers = kept.collect::<Headers>().with(CUT, cut);
    Envelope { headers, payload: Default::default(), ..dead_letter }
}

/// Returns the headers of a message that its dead letter keeps, and how many others have no room, or a name that can't
/// be sent.
fn kept_headers(message: &Envelope) -> (Headers, usize) {
    let (mut bytes, mut left_out) = (0, 0);
    // The numbers are the message's; the dead letter gets its own.
    let is_kept = |name: &str| match name.starts_with(DEATH_HEADERS) {
        true => KEPT_HEADERS.contains(&name),
        false => !is_numbering(name),
    };
    let kept = message.headers.iter().filter(|(name, _)| is_kept(name)).filter(|(name, value)| {
        let size = name.len() + value.len() + HEADER_SEPARATORS_BYTES;
        let has_room = bytes + size <= KEPT_BYTES_MAX && is_header_name(name);
        if has_room {
            bytes += size
        } else {
            left_out += 1
        }
        has_room
    });
    let kept = kept.collect();
    (kept, left_out)
}

/// Returns the notice of a publisher that a subscriber has not processed a step in time.
pub(crate) fn overdue_notice(
    publisher: &str,
    message: &str,
    subscriber: &str,
    detail: String,
    now: Timestamp,
) -> Envelope {
    let headers = [
        (REASON, OVERDUE.to_owned()),
        (ROLE, Role::Step.as_str().to_owned()),
        (DETAIL, detail),
        (TRIES, "0".to_owned()),
        (FINGERPRINT, format!("{publisher}/{message}/{OVERDUE}/{subscriber}")),
        (TIME, now.to_string()),
    ];
    Envelope { subject: subject(publisher, message, OVERDUE), headers: headers.into(), payload: "{}".into() }
}

/// Returns the notice of a subscriber that messages of a kind are lost: their publisher has published them, and the
/// stream does not have them.
pub(crate) fn lost_notice(
    subscriber: &str,
    message: &str,
    publisher: &str,
    detail: String,
    now: Timestamp,
) -> Envelope {
    let headers = [
        (REASON, LOST.to_owned()),
        (DETAIL, detail),
        (TRIES, "0".to_owned()),
        (FINGERPRINT, format!("{subscriber}/{message}/{LOST}/{publisher}")),
        (TIME, now.to_string()),
    ];
    Envelope { subject: subject(subscriber, message, LOST), headers: headers.into(), payload: "{}".into() }
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
    matches!(split_token(subject), Some((DEAD | HANDLED, _)))
}

/// Returns a text as one line of at most 1,000 bytes, which is what a header carries.
pub(crate) fn one_line(text: &str) -> String {
    let start = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    start.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::envelope::MESSAGE_BYTES_MAX;
    use super::*;

    #[test]
    fn server_takes_the_dead_letter_of_any_message_that_it_stored() {
        let long = "Zoë 7 ".repeat(10_000);
        let name = "n".repeat(300);
        for (subject, header, payload) in [
            ("order.debit.o1", "", "{}".to_owned()),
            ("order.debit.o1", &long[..49_000], "{}".to_owned()),
            ("order.debit.o1", &long[..3_990], "x".repeat(69_000)),
            ("order", "", "x".repeat(73_000)),
            (&format!("{name}.{name}.{name}.{name}"), "", String::new()),
            (&format!("order.debit.{}", name.repeat(10)), &long[..294], String::new()),
        ] {
            let headers = (0..10).map(|number| (format!("h{number}"), if number == 3 { header } else { "small" }));
            let message = Envelope { subject: subject.into(), headers: headers.collect(), payload: payload.into() };
            let death = Death { reason: Reason::Exhausted, detail: long.clone(), tries: u32::MAX };
            let (role, processed) = (Some(Role::Compensation), u64::MAX);
            let circumstances = Circumstances { role, processed, replayed: true };
            let dead_letter = dead_letter("payment", &message, &death, circumstances, Timestamp::MAX);
            let bytes = dead_letter.sent_bytes();
            assert!(bytes < MESSAGE_BYTES_MAX - 200, "{subject}: {bytes}");
            assert!(dead_letter.subject.len() < 1_000 && parts(&dead_letter.subject).is_some());
            assert_eq!(dead_letter.header("h9"), Some("small"));
            let is_cut = header.len() > 3_000 || message.payload.len() > PAYLOAD_BYTES_MAX;
            assert_eq!(dead_letter.header(CUT).is_some(), is_cut, "{:?}", dead_letter.header(CUT));
        }
    }

    #[test]
    fn one_line_is_cut_between_characters() {
        assert_eq!(one_line("a\nb\tc"), "a b c");
        let cut = one_line(&"ë".repeat(1_000));
        assert!(cut.len() <= TEXT_BYTES_MAX && cut.chars().all(|char| char == 'ë'));
    }
}
