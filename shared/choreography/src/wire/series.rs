//! The numbers of messages: each publisher numbers what it publishes 1, 2, 3 … without a gap, apart for each of its
//! outboxes and each kind of message. Subscribers recognize a repeated message by them, and see which ones are missing.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use uuid::Uuid;

use super::dead_letter::{self, SEQUENCE};
use super::envelope::{Envelope, NUMBER, OUTBOX};
use super::headers::Headers;
use super::ids::{derived_id, published_id};
use super::repair::HANDLED_OUTCOME;
use super::subject::{is_publishable, split_token};

/// The kind of dead letters. It is no name of a message.
const DEAD_KIND: &str = "*dead";
/// The kind of the records of repairs. It is no name of a message.
const HANDLED_KIND: &str = "*handled";

/// Returns the kind within which a message is numbered: the message's name, or one kind each for dead letters and for
/// the records of their repairs.
pub(crate) fn kind_of(subject: &str) -> &str {
    let Some((first, rest)) = split_token(subject) else { return subject };
    match first {
        dead_letter::DEAD => DEAD_KIND,
        dead_letter::HANDLED => HANDLED_KIND,
        _ => split_token(rest).map_or(rest, |(name, _)| name),
    }
}

/// Returns the id by which an outgoing message is recognized when a reaction is run again: its `ce-id`. Dead letters and
/// records of repairs have the `ce-id` of the message that died, which may be replayed and die again: their id is derived
/// from it and from the place in the stream at which it was received.
pub(crate) fn outgoing_id(envelope: &Envelope) -> Uuid {
    let id = envelope.header("ce-id").and_then(|id| id.parse().ok()).unwrap_or_default();
    if !dead_letter::is_of_dead_letters(&envelope.subject) {
        return id;
    }
    let part = |name| envelope.header(name).unwrap_or_default();
    derived_id(id, &format!("{}/{}/{}", envelope.subject, part(SEQUENCE), part(HANDLED_OUTCOME)))
}

/// The part of [`published_id`] for what a command has published.
pub(crate) const OF_COMMAND: &str = "command";

/// The part of [`published_id`] for what an effect has published.
pub(crate) const OF_EFFECT: &str = "effect";

/// Up to which place among the messages of one command, or of one effect, a message is recognized as one of them: both
/// publish a few.
pub(crate) const RECOGNIZED_MAX: usize = 64;

/// Whether a command of the message's publisher has published it. Nothing repeats a command, so that its messages are not
/// made again when messages are read again.
pub(crate) fn is_of_command(envelope: &Envelope) -> bool {
    let id = outgoing_id(envelope);
    let cause = envelope.header("ce-causationid").and_then(|cause| cause.parse().ok());
    let Some(((service, name, _), cause)) = envelope.parts().zip(cause) else { return false };
    !dead_letter::is_of_dead_letters(&envelope.subject)
        && (0..RECOGNIZED_MAX).any(|index| published_id(cause, service, OF_COMMAND, name, index) == id)
}

/// The header of a message that is only a placeholder: it says that its number is not missing, and nothing else.
const PLACEHOLDER: &str = "ce-placeholder";

/// The key in the subject of a placeholder: it belongs to no story.
const PLACEHOLDER_KEY: &str = "placeholder";

/// Returns the placeholder of an outgoing message: with its kind, outbox and number, and without everything else.
pub(crate) fn placeholder(envelope: &Envelope) -> Envelope {
    let numbers = [OUTBOX, NUMBER].into_iter().filter_map(|name| Some((name, envelope.header(name)?)));
    let headers: Headers = numbers.chain([(PLACEHOLDER, "true")]).collect();
    let subject = match envelope.parts() {
        Some((publisher, name, _)) if !dead_letter::is_of_dead_letters(&envelope.subject) => {
            format!("{publisher}.{name}.{PLACEHOLDER_KEY}").into()
        }
        Some((first, service, _)) if !is_publishable(&envelope.subject) => {
            format!("{first}.{service}.{PLACEHOLDER_KEY}").into()
        }
        _ => envelope.subject.clone(),
    };
    Envelope { subject, headers, ..Envelope::default() }
}

/// Whether a message is only a placeholder.
pub(crate) fn is_placeholder(envelope: &Envelope) -> bool {
    static NAME: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(PLACEHOLDER));
    envelope.headers.mention(&NAME) && envelope.header(PLACEHOLDER).is_some()
}

/// The highest number that is believed: a database's integers have 63 bits, and no publisher counts so far.
pub(crate) const NUMBER_MAX: u64 = i64::MAX as u64;

/// The outbox and the number of a message, as its headers have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageNumber {
    pub outbox: Uuid,
    pub number: u64,
}

impl MessageNumber {
    /// Returns the number that a message's headers have; none if one of the two is missing or unreadable, or the number
    /// is 0 or above [`NUMBER_MAX`].
    pub(crate) fn of(envelope: &Envelope) -> Option<Self> {
        let [outbox, number] = envelope.headers.get_all([OUTBOX, NUMBER]);
        let outbox = outbox?.parse().ok()?;
        let number = number?.parse().ok().filter(|number| (1..=NUMBER_MAX).contains(number))?;
        Some(Self { outbox, number })
    }

    /// Returns a message with this number in its headers.
    pub(crate) fn put_on(self, envelope: Envelope) -> Envelope {
        let (outbox, number) = (self.outbox.to_string(), self.number.to_string());
        Envelope { headers: envelope.headers.with_sorted([(NUMBER, &number), (OUTBOX, &outbox)]), ..envelope }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dead_letter::TRIES;
    use super::*;

    fn envelope(subject: &str, headers: &[(&str, &str)]) -> Envelope {
        Envelope { subject: subject.into(), headers: headers.iter().copied().collect(), ..Envelope::default() }
    }

    #[test]
    fn a_kind_is_the_messages_name_and_one_each_for_dead_letters_and_records() {
        let subjects = ["order.create-payment.17.a", "dead.payment.create-payment.17", "handled.payment.4", "odd"];
        assert_eq!(subjects.map(kind_of), ["create-payment", "*dead", "*handled", "odd"]);
    }

    #[test]
    fn a_number_is_read_as_it_was_put_on_a_message() {
        let number = MessageNumber { outbox: Uuid::from_u128(7), number: 12 };
        assert_eq!(MessageNumber::of(&number.put_on(envelope("a.b.c", &[("ce-id", "1")]))), Some(number));
        let outbox = (OUTBOX, "00000000-0000-0000-0000-000000000000");
        for headers in [&[][..], &[(OUTBOX, "7")], &[outbox, (NUMBER, "0")], &[outbox, (NUMBER, "9223372036854775808")]]
        {
            assert_eq!(MessageNumber::of(&envelope("a.b.c", headers)), None);
        }
    }

    #[test]
    fn a_message_of_a_command_is_told_from_one_of_a_reaction_by_its_id() {
        let cause = Uuid::from_u128(7);
        let published = |part, index| {
            let id = published_id(cause, "order", part, "ordered", index).to_string();
            envelope("order.ordered.17", &[("ce-id", &id), ("ce-causationid", &cause.to_string())])
        };
        assert!(is_of_command(&published(OF_COMMAND, 0)) && is_of_command(&published(OF_COMMAND, 3)));
        assert!(!is_of_command(&published("on", 0)) && !is_of_command(&envelope("order.ordered.17", &[])));
    }

    #[test]
    fn a_placeholder_has_nothing_but_the_kind_and_the_number() {
        let number = MessageNumber { outbox: Uuid::from_u128(7), number: 12 };
        let message = number.put_on(envelope("order.create-payment.17", &[("ce-id", "1"), ("ce-source", "order")]));
        let placeholder = placeholder(&message);
        assert!(is_placeholder(&placeholder) && !is_placeholder(&message));
        assert_eq!((MessageNumber::of(&placeholder), placeholder.header("ce-id")), (Some(number), None));
        assert_eq!(kind_of(&placeholder.subject), kind_of(&message.subject));
    }

    #[test]
    fn each_death_of_a_message_has_another_id_than_the_message() {
        let id = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
        let text = id.to_string();
        let message = outgoing_id(&envelope("order.create-payment.17", &[("ce-id", &text)]));
        let death = |sequence, tries| {
            let headers = [("ce-id", &*text), (SEQUENCE, sequence), (TRIES, tries)];
            outgoing_id(&envelope("dead.payment.create-payment.17", &headers))
        };
        assert_eq!(message, id);
        assert!(death("8", "1") != message && death("8", "1") != death("9", "1"));
        // The same death, if the message is received again and its effect tried more often.
        assert_eq!(death("8", "1"), death("8", "2"));
    }
}
