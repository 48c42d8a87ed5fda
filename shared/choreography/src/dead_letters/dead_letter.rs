//! A dead letter without its payload, so that many fit into memory.

use jiff::Timestamp;
use uuid::Uuid;

use crate::bus::Stored;
use crate::wire::dead_letter::{self, DEATH_HEADERS, OVERDUE, UNKNOWN};
use crate::wire::envelope::{Envelope, Heading, is_numbering};
use crate::wire::subject::check_key;

/// A dead letter, without its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its sequence in the stream `DEAD_LETTERS`.
    pub sequence: u64,
    /// When the server stored it.
    pub stored_at: Timestamp,
    /// The service where the message died.
    pub service: String,
    /// The message's name.
    pub message: String,
    /// The message's key.
    pub key: String,
    /// The service that published the message.
    pub source: Option<String>,
    /// The message's id.
    pub id: Option<Uuid>,
    /// Why it died: `expired`, `poison`, `exhausted`, or `overdue` for a notice.
    pub reason: String,
    /// Why it died, as text.
    pub detail: String,
    /// How often it had been tried; identifies this death among those of the same message.
    pub tries: Option<u32>,
    /// What dead letters of the same cause have in common.
    pub fingerprint: Option<String>,
    /// When it died, by the clock of the service.
    pub died_at: Option<Timestamp>,
    /// The message's sequence in the stream `EVENTS`.
    pub event_sequence: Option<u64>,
    /// What of the message it lacks, because the server does not take so much.
    pub lacks: Option<String>,
    /// The subject under which the message was published.
    pub published_as: Option<String>,
    /// Why the fallback of the message failed; none if it did not, or the message has none.
    pub fallback_failed: Option<String>,
    /// Why its service would not recognize the message if it were published again; none if it would.
    pub flaw: Option<String>,
}

impl DeadLetter {
    /// Returns the dead letter that is stored. One that lacks headers is a dead letter too: it can still be looked at.
    pub(super) fn read(stored: &Stored) -> Self {
        let Stored { sequence, at, envelope, unreadable } = stored;
        let mut tokens = envelope.subject.splitn(4, '.').skip(1);
        let mut token = || tokens.next().unwrap_or(UNKNOWN).to_owned();
        let (service, message, key) = (token(), token(), token());
        let header = |name: &str| envelope.header(name).map(str::to_owned);
        let number = |name: &str| envelope.header(name)?.parse().ok();
        let dead_letter = Self {
            sequence: *sequence,
            stored_at: *at,
            source: header("ce-source"),
            id: envelope.header("ce-id").and_then(|id| id.parse().ok()),
            reason: header(dead_letter::REASON).unwrap_or_else(|| UNKNOWN.to_owned()),
            detail: header(dead_letter::DETAIL).unwrap_or_default(),
            tries: number(dead_letter::TRIES).and_then(|tries| u32::try_from(tries).ok()),
            fingerprint: header(dead_letter::FINGERPRINT),
            died_at: envelope.header(dead_letter::TIME).and_then(|time| time.parse().ok()),
            event_sequence: number(dead_letter::SEQUENCE),
            lacks: header(dead_letter::CUT),
            published_as: header(dead_letter::SUBJECT),
            fallback_failed: header(dead_letter::FALLBACK),
            flaw: None,
            service,
            message,
            key,
        };
        Self { flaw: unreadable.clone().or_else(|| dead_letter.flaw_of(envelope)), ..dead_letter }
    }

    fn flaw_of(&self, envelope: &Envelope) -> Option<String> {
        if let Some(problem) = envelope.header(dead_letter::UNREADABLE) {
            return Some(problem.to_owned());
        }
        if let Some(cut) = &self.lacks {
            return Some(format!("the dead letter lacks {cut}"));
        }
        let heading = match Heading::read(envelope) {
            Ok(heading) => heading,
            Err(error) => return Some(error.to_string()),
        };
        if check_key(heading.source).is_err() {
            return Some("header ce-source is not the name of a service".to_owned());
        }
        if heading.subject != self.key || check_key(&self.key).is_err() {
            return Some("its key is unknown".to_owned());
        }
        self.tries.is_none().then(|| "header dead-tries is missing or unreadable".to_owned())
    }

    /// Whether it is a notice that a message is overdue; that message has not died.
    pub fn is_notice(&self) -> bool {
        self.reason == OVERDUE || self.key == OVERDUE
    }

    /// Whether it reports that messages are lost; it is the dead letter of none of them.
    pub(super) fn is_of_lost_messages(&self) -> bool {
        self.reason == dead_letter::LOST
    }

    /// Returns the header value that names this death to its service.
    pub(super) fn mark(&self) -> String {
        format!("{}/{}/{}", self.service, self.tries.unwrap_or_default(), self.sequence)
    }

    /// Returns the message as it was published, from the stored dead letter.
    pub(super) fn original(&self, dead_letter: Envelope) -> Envelope {
        let source = self.source.as_deref().unwrap_or(UNKNOWN);
        let subject = format!("{source}.{}.{}", self.message, self.key).into();
        // Neither its death nor its numbers are the message's.
        let is_original = |name: &str| !name.starts_with(DEATH_HEADERS) && !is_numbering(name);
        let headers = dead_letter.headers.iter().filter(|(name, _)| is_original(name)).collect();
        Envelope { subject, headers, payload: dead_letter.payload }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::dead_letters::entry::Entry;

    /// Returns a dead letter as a service writes it, of the message with this id.
    pub(in super::super) fn stored(sequence: u64, id: u128) -> Stored {
        let id = Uuid::from_u128(id);
        let heading = Heading {
            id,
            source: "order",
            kind: "test.debit.v1",
            time: Timestamp::UNIX_EPOCH,
            subject: "o1",
            correlation: "o1",
            causation: &id.to_string(),
            expiry: None,
            trace: &crate::wire::envelope::root_trace(id),
        };
        let outgoing = heading.envelope("debit", "{}");
        let death = [("dead-reason", "poison"), ("dead-detail", "no"), ("dead-tries", "2"), ("dead-sequence", "77")];
        let headers = outgoing.headers.iter().chain(death).collect();
        let envelope = Envelope { subject: "dead.payment.debit.o1".into(), headers, payload: outgoing.payload };
        Stored { sequence, at: Timestamp::UNIX_EPOCH, envelope, unreadable: None }
    }

    #[test]
    fn original_has_the_subject_payload_and_headers_that_were_published() {
        let stored = stored(5, 1);
        let dead_letter = DeadLetter::read(&stored);
        assert_eq!(
            (dead_letter.flaw.as_deref(), dead_letter.event_sequence, dead_letter.mark().as_str()),
            (None, Some(77), "payment/2/5")
        );
        let original = dead_letter.original(stored.envelope);
        assert_eq!((&*original.subject, &original.payload[..]), ("order.debit.o1", b"{}".as_slice()));
        assert!(Heading::read(&original).is_ok());
        assert!(original.headers.iter().all(|(name, _)| !name.starts_with("dead-")), "{original:?}");
    }

    #[test]
    fn dead_letter_of_a_message_that_its_service_has_no_record_of_can_only_be_looked_at() {
        let obstacle = |name, value: &str| {
            let mut stored = stored(5, 1);
            let others = stored.envelope.headers.iter().filter(|(other, _)| *other != name);
            stored.envelope.headers = others.chain([(name, value)]).collect();
            Entry::new(DeadLetter::read(&stored), 5, Vec::new()).obstacle().map(|obstacle| obstacle.to_string())
        };
        assert_eq!(obstacle("ce-time", "1970-01-01T00:00:00Z"), None);
        let unreadable = obstacle("dead-unreadable", "it carries no ce-number").unwrap();
        assert!(
            unreadable.ends_with("payment would not recognize the message: it carries no ce-number"),
            "{unreadable}"
        );
        let lost = obstacle("dead-reason", "lost").unwrap();
        assert!(lost.contains("`payment stream --accept-lost`"), "{lost}");
    }

    #[test]
    fn a_dead_letter_that_lacks_something_can_only_be_looked_at() {
        let mut stored = stored(5, 1);
        stored.envelope = dead_letter::without_payload(stored.envelope);
        let dead_letter = DeadLetter::read(&stored);
        assert_eq!(dead_letter.lacks.as_deref(), Some("all 2 bytes of the payload"));
        assert_eq!(dead_letter.flaw.as_deref(), Some("the dead letter lacks all 2 bytes of the payload"));
    }

    #[test]
    fn dead_letter_that_no_service_would_recognize_has_a_flaw() {
        for (name, value, flaw) in [
            ("ce-id", "", "ce-id"),
            ("ce-source", "order.debit", "ce-source"),
            ("ce-subject", "o2", "key"),
            ("dead-tries", "", "dead-tries"),
        ] {
            let mut stored = stored(5, 1);
            let headers = stored.envelope.headers.iter();
            let headers = headers.map(|(header, old)| (header, if header == name { value } else { old })).collect();
            stored.envelope.headers = headers;
            let found = DeadLetter::read(&stored).flaw.unwrap();
            assert!(found.contains(flaw), "{name}: {found}");
        }
    }
}
