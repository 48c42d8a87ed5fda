//! A message on the wire: a subject, CloudEvents 1.0 headers in binary mode, and a payload of plain JSON.
//!
//! A message without these headers is not one of ours: whoever may pull can make the server store a copy of
//! anything under a foreign subject.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::wire::headers::Headers;

/// The largest message that a stream takes, in bytes: 64 KiB of payload and room for the headers.
#[cfg_attr(not(feature = "jetstream"), allow(unreachable_pub, reason = "the plan of streams exports it"))]
pub const MESSAGE_BYTES_MAX: usize = (64 + 8) * 1024;

/// A message as it is published and delivered. A copy costs nothing: it shares all three parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// `<who publishes it>.<what>.<key>`.
    pub subject: Arc<str>,
    /// The headers.
    pub headers: Headers,
    /// The payload.
    pub payload: Bytes,
}

impl Envelope {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The publisher, the name and the key that the subject is made of.
    pub fn parts(&self) -> Option<(&str, &str, &str)> {
        let mut tokens = self.subject.splitn(3, '.');
        Some((tokens.next()?, tokens.next()?, tokens.next().filter(|key| !key.is_empty())?))
    }
}

/// What the headers say about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading<'a> {
    /// `ce-id`: what makes two copies the same message.
    pub id: Uuid,
    /// `ce-source`: who said it.
    pub source: &'a str,
    /// `ce-type`: its name and version, behind the name space of the system.
    pub kind: &'a str,
    /// `ce-time`: when it was said.
    pub time: Timestamp,
    /// `ce-subject`: its key.
    pub subject: &'a str,
    /// `ce-correlationid`: the key of the message that began it all.
    pub correlation: &'a str,
    /// `ce-causationid`: the message that led to it.
    pub causation: &'a str,
    /// `ce-expirytime`: after this it is not worth doing any more.
    pub expiry: Option<Timestamp>,
    /// `traceparent` of W3C Trace Context.
    pub trace: &'a str,
}

/// The names of the headers, in the order in which they are written.
pub(crate) const NAMES: [&str; 11] = [
    "ce-specversion",
    "ce-id",
    "ce-source",
    "ce-type",
    "ce-time",
    "ce-subject",
    "ce-datacontenttype",
    "ce-correlationid",
    "ce-causationid",
    "traceparent",
    "ce-expirytime",
];

/// The payload's media type, the only one that is spoken.
const CONTENT_TYPE: &str = "application/json";

impl<'a> Heading<'a> {
    fn write(&self) -> Headers {
        let (id, time, expiry) = (self.id.to_string(), self.time.to_string(), self.expiry.map(|at| at.to_string()));
        let values = [
            "1.0",
            &id,
            self.source,
            self.kind,
            &time,
            self.subject,
            CONTENT_TYPE,
            self.correlation,
            self.causation,
            self.trace,
        ];
        // The last name is left out where nothing expires.
        NAMES.into_iter().zip(values.into_iter().chain(expiry.as_deref())).collect()
    }

    /// The message of this name, with these headers and its payload.
    pub fn envelope(&self, name: &str, payload: impl Into<Bytes>) -> Envelope {
        let subject = format!("{}.{name}.{}", self.source, self.subject).into();
        Envelope { subject, headers: self.write(), payload: payload.into() }
    }

    /// Reads the headers of a message.
    ///
    /// # Errors
    /// Says which header is missing or unreadable: such a message is not one of ours.
    pub fn read(envelope: &'a Envelope) -> Result<Self, String> {
        let mut found = [None; NAMES.len()];
        for (name, value) in envelope.headers.iter() {
            if let Some(place) = NAMES.iter().position(|known| *known == name) {
                found[place].get_or_insert(value);
            }
        }
        let [version, id, source, kind, time, subject, content, correlation, causation, trace, expiry] = found;
        let missing = |name: &str| format!("header {name} is missing");
        let wrong = |name: &str, value: &str| format!("header {name} is unreadable: {value:?}");
        let needed = |name: &str, value: Option<&'a str>| value.ok_or_else(|| missing(name));
        let moment = |name: &str, value: &str| value.parse().map_err(|_| wrong(name, value));
        for (name, value, wanted) in [("ce-specversion", version, "1.0"), ("ce-datacontenttype", content, CONTENT_TYPE)]
        {
            let value = needed(name, value)?;
            if value != wanted {
                return Err(wrong(name, value));
            }
        }
        let (id, trace) = (needed("ce-id", id)?, needed("traceparent", trace)?);
        Ok(Self {
            id: id.parse().map_err(|_| wrong("ce-id", id))?,
            source: needed("ce-source", source)?,
            kind: needed("ce-type", kind)?,
            time: moment("ce-time", needed("ce-time", time)?)?,
            subject: needed("ce-subject", subject)?,
            correlation: needed("ce-correlationid", correlation)?,
            causation: needed("ce-causationid", causation)?,
            expiry: expiry.map(|expiry| moment("ce-expirytime", expiry)).transpose()?,
            trace: if valid_trace(trace) { trace } else { return Err(wrong("traceparent", trace)) },
        })
    }
}

/// A `traceparent` as it must look: version, trace id, parent id and flags, in lower-case hexadecimal digits.
/// <https://www.w3.org/TR/trace-context/#traceparent-header>
pub fn valid_trace(text: &str) -> bool {
    let hexadecimal = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parts = text.split('-').map(|part| hexadecimal(part).then_some(part.len()));
    parts.eq([2, 32, 16, 2].map(Some))
}

/// The `traceparent` of a message that follows from another one: the same trace, a span named after the new id.
pub(crate) fn child_trace(parent: &str, id: Uuid) -> String {
    let trace = parent.get(3..35).unwrap_or("00000000000000000000000000000001");
    format!("00-{trace}-{:016x}-01", id.as_u64_pair().1)
}

/// The `traceparent` of what begins a trace.
pub(crate) fn root_trace(id: Uuid) -> String {
    format!("00-{:032x}-{:016x}-01", id.as_u128(), id.as_u64_pair().1)
}
