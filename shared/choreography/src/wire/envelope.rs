//! A message on the wire: a subject, CloudEvents 1.0 headers in binary mode, and a payload of plain JSON.
//!
//! A message without these headers is ignored: a client with permission to pull can make the server store a copy of
//! any message under a subject of somebody else.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::wire::headers::Headers;
use crate::wire::subject::{split_last_token, split_token};

/// The largest message that a stream takes, in bytes: 64 KiB of payload and room for the headers.
#[cfg_attr(not(feature = "jetstream"), allow(unreachable_pub, reason = "the plan of streams exports it"))]
pub const MESSAGE_BYTES_MAX: usize = (64 + 8) * 1024;

/// What stands around the headers when they are sent: the line of the protocol, and an empty one.
const FRAME_BYTES: usize = "NATS/1.0\r\n\r\n".len();

/// A message as it is published and delivered. A clone shares all three parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// `<publisher>.<message>.<key>`.
    pub subject: Arc<str>,
    /// The headers, in order.
    pub headers: Headers,
    /// The payload, as JSON.
    pub payload: Bytes,
}

impl Envelope {
    /// Returns the first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Returns its size in bytes: subject, headers and payload.
    pub(crate) fn bytes(&self) -> usize {
        self.subject.len() + self.headers.bytes() + self.payload.len()
    }

    /// Returns the size that a server compares with its limit, in bytes: headers as they are sent, and payload.
    pub(crate) fn sent_bytes(&self) -> usize {
        FRAME_BYTES + self.headers.sent_bytes() + self.payload.len()
    }

    /// Returns the publisher, the message's name and the key from the subject; none if it has fewer than three tokens.
    pub fn parts(&self) -> Option<(&str, &str, &str)> {
        let (publisher, rest) = split_token(&self.subject)?;
        let (name, key) = split_token(rest)?;
        (!key.is_empty()).then_some((publisher, name, key))
    }
}

/// The headers of a message, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading<'a> {
    /// `ce-id`: copies of the same message have the same id.
    pub id: Uuid,
    /// `ce-source`: the publisher.
    pub source: &'a str,
    /// `ce-type`: the name space of the system, the message's name, and its version.
    pub kind: &'a str,
    /// `ce-time`: when it was published.
    pub time: Timestamp,
    /// `ce-subject`: the key.
    pub subject: &'a str,
    /// `ce-correlationid`: the key of the message that the story began with.
    pub correlation: &'a str,
    /// `ce-causationid`: the id of the message that caused it.
    pub causation: &'a str,
    /// `ce-expirytime`: after this it must not be processed any more.
    pub expiry: Option<Timestamp>,
    /// `traceparent` of W3C Trace Context.
    pub trace: &'a str,
}

/// Why the headers of a message could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadingError {
    /// A header is missing.
    #[error("header {0} is missing")]
    Missing(&'static str),
    /// A header has a value that is not allowed.
    #[error("header {name} is unreadable: {value:?}")]
    Unreadable {
        /// The header's name.
        name: &'static str,
        /// The header's value.
        value: String,
    },
}

/// The names of the headers, sorted, as they are written.
pub(crate) const NAMES: [&str; 11] = [
    "ce-causationid",
    "ce-correlationid",
    "ce-datacontenttype",
    "ce-expirytime",
    "ce-id",
    "ce-source",
    "ce-specversion",
    "ce-subject",
    "ce-time",
    "ce-type",
    "traceparent",
];

/// The header with the id of the outbox that numbered the message. A process begins a new outbox when it starts.
pub(crate) const OUTBOX: &str = "ce-outbox";
/// The header with the message's number: 1, 2, 3 … within its outbox and kind.
pub(crate) const NUMBER: &str = "ce-number";

/// Whether a header is one of the two that number a message: a dead letter has its own, a replay has none.
pub(crate) fn is_numbering(header: &str) -> bool {
    header == OUTBOX || header == NUMBER
}

/// The flag of a `traceparent` whose trace is recorded by its caller.
const SAMPLED: u8 = 1;

/// The payload's media type, the only one that is read.
const CONTENT_TYPE: &str = "application/json";

impl<'a> Heading<'a> {
    fn headers(&self) -> Headers {
        let (id, time, expiry) = (self.id.to_string(), self.time.to_string(), self.expiry.map(|at| at.to_string()));
        let values = [
            Some(self.causation),
            Some(self.correlation),
            Some(CONTENT_TYPE),
            expiry.as_deref(),
            Some(&id),
            Some(self.source),
            Some("1.0"),
            Some(self.subject),
            Some(&time),
            Some(self.kind),
            Some(self.trace),
        ];
        NAMES.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Returns the version of a message from its type, without reading the other headers.
    pub(crate) fn version_of(envelope: &Envelope) -> Option<u32> {
        name_and_version(envelope.header("ce-type")?).map(|(_, version)| version)
    }

    /// Returns the message's name and version from its type; none if that is not `<name space>.<message>.v<version>`.
    pub(crate) fn name_and_version(&self) -> Option<(&'a str, u32)> {
        name_and_version(self.kind)
    }

    /// Returns the message's version from its type; 0 if that has none.
    pub(crate) fn version(&self) -> u32 {
        self.name_and_version().map_or(0, |(_, version)| version)
    }

    /// Returns the message of this name, with these headers and its payload.
    pub fn envelope(&self, name: &str, payload: impl Into<Bytes>) -> Envelope {
        let subject = [self.source, ".", name, ".", self.subject].concat().into();
        Envelope { subject, headers: self.headers(), payload: payload.into() }
    }

    /// Reads the headers of a message.
    ///
    /// # Errors
    /// [`HeadingError`] names the header that is missing or unreadable. Such a message does not come from a
    /// choreography.
    pub fn read(envelope: &'a Envelope) -> Result<Self, HeadingError> {
        let (mut found, mut next) = ([None; NAMES.len()], 0);
        for line in envelope.headers.lines() {
            // They are written in this order, so that the next one is mostly at once the right one.
            let value_of = |index: usize| Some((index, line.strip_prefix(NAMES[index])?.strip_prefix(':')?));
            if let Some((index, value)) = (next..NAMES.len()).chain(0..next).find_map(value_of) {
                found[index].get_or_insert(value);
                next = index + 1;
            }
        }
        let [causation, correlation, content, expiry, id, source, version, subject, time, kind, trace] = found;
        let wrong = |name, value: &str| HeadingError::Unreadable { name, value: value.to_owned() };
        let needed = |name, value: Option<&'a str>| value.ok_or(HeadingError::Missing(name));
        let moment = |name, value: &str| value.parse().map_err(|_| wrong(name, value));
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
            trace: if has_trace_shape(trace) { trace } else { return Err(wrong("traceparent", trace)) },
        })
    }
}

fn name_and_version(kind: &str) -> Option<(&str, u32)> {
    let (name, version) = split_last_token(kind)?;
    let name = split_last_token(name).map_or(name, |(_, name)| name);
    Some((name, version.strip_prefix('v')?.parse().ok()?))
}

/// Whether a text is a valid `traceparent` of W3C Trace Context: version, trace id, parent id and flags, in lower-case
/// hexadecimal digits. Version `ff` and ids of zeros are none.
pub fn valid_trace(text: &str) -> bool {
    let zeros = |part: &str| part.bytes().all(|byte| byte == b'0');
    has_trace_shape(text) && !text.starts_with("ff") && !zeros(&text[3..35]) && !zeros(&text[36..52])
}

fn has_trace_shape(text: &str) -> bool {
    // All digits are looked at, whatever the first ones are: that is done for many at once.
    let are_digits = |part: &[u8]| part.iter().fold(true, |all, byte| all & matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let text = text.as_bytes();
    text.len() == 55
        && [text[2], text[35], text[52]] == *b"---"
        && [&text[..2], &text[3..35], &text[36..52], &text[53..]].into_iter().all(are_digits)
}

/// Returns the `traceparent` of a message that another one caused: the same trace, a span id from the new id, and the
/// other one's sampled flag. An invalid one is replaced by a new trace.
pub(crate) fn child_trace(parent: &str, id: Uuid) -> String {
    if !valid_trace(parent) {
        return root_trace(id);
    }
    let is_sampled = u8::from_str_radix(&parent[53..], 16).is_ok_and(|flags| flags & SAMPLED != 0);
    let mut digits = Uuid::encode_buffer();
    let span = &id.simple().encode_lower(&mut digits)[16..];
    ["00-", &parent[3..35], "-", span, if is_sampled { "-01" } else { "-00" }].concat()
}

/// Returns the `traceparent` of a new trace. It is not sampled, as nothing here exports traces.
pub(crate) fn root_trace(id: Uuid) -> String {
    format!("00-{:032x}-{:016x}-00", id.as_u128(), id.as_u64_pair().1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-";

    #[test]
    fn a_trace_of_zeros_or_of_version_ff_is_none() {
        for (trace, valid) in [
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
            ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true),
            ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
            ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
            ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false),
            ("", false),
        ] {
            assert_eq!(valid_trace(trace), valid, "{trace:?}");
        }
    }

    #[test]
    fn the_sampled_flag_of_the_caller_is_handed_on_and_nothing_else_is_sampled() {
        let id = Uuid::from_u128(7 << 64 | 9);
        for (flags, child) in [("00", "00"), ("01", "01"), ("03", "01"), ("fe", "00")] {
            let expected = format!("00-0af7651916cd43dd8448eb211c80319c-0000000000000009-{child}");
            assert_eq!(child_trace(&format!("{PARENT}{flags}"), id), expected);
        }
        assert!(root_trace(id).ends_with("-00") && valid_trace(&root_trace(id)));
        for invalid in ["", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "é".repeat(40).as_str()] {
            assert_eq!(child_trace(invalid, id), root_trace(id));
        }
    }
}
