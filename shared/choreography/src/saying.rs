//! How what a reaction said becomes a message on the wire, and a death a dead letter.

use jiff::Timestamp;
use uuid::Uuid;

use crate::circuit::HELD_HEADER;
use crate::clock::later;
use crate::derive::derived_id;
use crate::envelope::{Envelope, Heading, child_trace};
use crate::headers::Headers;
use crate::message::{Due, Reason};
use crate::settings::Settings;
use crate::step::Kind;
use crate::store::{LaterChange, LaterRow};
use crate::words::Said;

/// What led to something being said.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub id: Uuid,
    pub correlation: String,
    pub trace: String,
    /// When what follows is not worth doing any more; none if that has to be counted from now.
    pub expiry: Option<Timestamp>,
}

impl Cause {
    /// A heard message as a cause: a forward step hands its expiry on, whatever else it is begins a new one.
    pub(crate) fn of(heading: &Heading<'_>, kind: Kind) -> Self {
        Self {
            id: heading.id,
            correlation: heading.correlation.to_owned(),
            trace: heading.trace.to_owned(),
            expiry: heading.expiry.filter(|_| kind == Kind::Forward),
        }
    }
}

/// Puts what one service says into envelopes.
pub(crate) struct Voice<'a> {
    pub service: &'static str,
    pub settings: &'a Settings,
    pub now: Timestamp,
}

/// Something said, in its envelope.
pub(crate) enum Spoken {
    Now(Envelope),
    Later(LaterChange),
}

impl Voice<'_> {
    /// The envelope of the `place`th thing that a function said. Its id follows from its cause and its place, so that a
    /// function called again says the same messages.
    pub(crate) fn speak(&self, said: Said, cause: &Cause, role: &str, place: usize) -> Spoken {
        let id = derived_id(cause.id, &format!("{}/{role}/{}/{place}", self.service, said.name));
        let due = match said.due {
            None => None,
            Some(Due::At(moment)) => Some(moment),
            Some(Due::After(delay)) => Some(later(self.now, delay)),
            Some(Due::Never) => {
                return Spoken::Later(LaterChange::Remove { name: said.name.to_owned(), key: said.key });
            }
        };
        let time = due.unwrap_or(self.now);
        let expiry =
            cause.expiry.filter(|_| due.is_none()).unwrap_or_else(|| later(time, self.settings.message_deadline));
        let heading = Heading {
            id,
            source: self.service,
            kind: &format!("{}.{}.v{}", self.settings.namespace, said.name, said.version),
            time,
            subject: &said.key,
            correlation: &cause.correlation,
            causation: &cause.id.to_string(),
            expiry: Some(expiry),
            trace: &child_trace(&cause.trace, id),
        };
        let envelope = heading.envelope(said.name, said.payload);
        match due {
            None => Spoken::Now(envelope),
            Some(due) => Spoken::Later(LaterChange::Set(LaterRow {
                name: said.name.to_owned(),
                key: said.key,
                due_ms: due.as_millisecond(),
                envelope,
            })),
        }
    }

    /// The dead letter of a message: its payload and headers as they were, and why it died.
    pub(crate) fn letter(&self, message: &Envelope, death: &Death) -> Envelope {
        let (name, key) = message.parts().map_or(("unknown", "unknown"), |(_, name, key)| (name, key));
        let fingerprint = format!("{}/{name}/{}/{}", self.service, death.reason, error_class(&death.detail));
        let own = message.headers.iter().filter(|(name, _)| !name.starts_with("dead-") || KEPT_HEADERS.contains(name));
        let headers: Headers = own.collect();
        let headers = headers
            .with("dead-reason", death.reason.as_str())
            .with("dead-detail", one_line(&death.detail))
            .with("dead-tries", death.tries.to_string())
            .with("dead-fingerprint", fingerprint)
            .with("dead-time", self.now.to_string());
        let subject = format!("dead.{}.{name}.{key}", self.service).into();
        Envelope { subject, headers, payload: message.payload.clone() }
    }
}

/// How a message died.
#[derive(Debug, Clone)]
pub(crate) struct Death {
    pub reason: Reason,
    pub detail: String,
    pub tries: u32,
}

/// The header in which a message that is kept in the database carries its place in the stream.
pub(crate) const SEQUENCE_HEADER: &str = "dead-sequence";

/// What a letter keeps of the headers that other deaths, and their repairs, have left.
const KEPT_HEADERS: [&str; 2] = [SEQUENCE_HEADER, HELD_HEADER];

/// A header's value has no line breaks, and nobody reads more than this.
pub(crate) fn one_line(detail: &str) -> String {
    detail.chars().take(1_000).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// What errors of one kind have in common: their first words, without anything that differs from one to the next.
fn error_class(detail: &str) -> String {
    let letters = detail.chars().map(|letter| if letter.is_alphabetic() { letter.to_ascii_lowercase() } else { ' ' });
    let letters: String = letters.collect();
    letters.split_whitespace().filter(|word| word.len() > 1).take(8).collect::<Vec<_>>().join("-")
}
