//! A message on the wire: a subject, CloudEvents 1.0 headers in binary mode, and a payload of plain JSON.
//!
//! A message without these headers is not one of ours: whoever may pull can make the server store a copy of
//! anything under a foreign subject.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A message as it is published and delivered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// `<who says it>.<what>.<key>`.
    pub subject: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Envelope {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The sayer, the name and the key that the subject is made of.
    pub fn parts(&self) -> Option<(&str, &str, &str)> {
        let mut tokens = self.subject.splitn(3, '.');
        Some((tokens.next()?, tokens.next()?, tokens.next().filter(|key| !key.is_empty())?))
    }
}

/// What the headers say about a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// `ce-id`: what makes two copies the same message.
    pub id: Uuid,
    /// `ce-source`: who said it.
    pub source: String,
    /// `ce-type`: its name and version, behind the name space of the system.
    pub kind: String,
    /// `ce-time`: when it was said.
    pub time: Timestamp,
    /// `ce-subject`: its key.
    pub subject: String,
    /// `ce-correlationid`: the key of the message that began it all.
    pub correlation: String,
    /// `ce-causationid`: the message that led to it.
    pub causation: String,
    /// `ce-expirytime`: after this it is not worth doing any more.
    pub expiry: Option<Timestamp>,
    /// `traceparent` of W3C Trace Context.
    pub trace: String,
}

/// The payload's media type, the only one that is spoken.
const CONTENT_TYPE: &str = "application/json";

impl Heading {
    /// The headers.
    pub fn write(&self) -> Vec<(String, String)> {
        let header = |name: &str, value: String| (name.to_owned(), value);
        let mut headers = vec![
            header("ce-specversion", "1.0".to_owned()),
            header("ce-id", self.id.to_string()),
            header("ce-source", self.source.clone()),
            header("ce-type", self.kind.clone()),
            header("ce-time", self.time.to_string()),
            header("ce-subject", self.subject.clone()),
            header("ce-datacontenttype", CONTENT_TYPE.to_owned()),
            header("ce-correlationid", self.correlation.clone()),
            header("ce-causationid", self.causation.clone()),
            header("traceparent", self.trace.clone()),
        ];
        if let Some(expiry) = self.expiry {
            headers.push(header("ce-expirytime", expiry.to_string()));
        }
        headers
    }

    /// Reads the headers of a message.
    ///
    /// # Errors
    /// Says which header is missing or unreadable: such a message is not one of ours.
    pub fn read(envelope: &Envelope) -> Result<Self, String> {
        let get = |name: &str| envelope.header(name).ok_or_else(|| format!("header {name} is missing"));
        let wrong = |name: &str, value: &str| format!("header {name} is unreadable: {value:?}");
        let timestamp = |name: &str| get(name).and_then(|text| text.parse().map_err(|_| wrong(name, text)));
        for (name, wanted) in [("ce-specversion", "1.0"), ("ce-datacontenttype", CONTENT_TYPE)] {
            if get(name)? != wanted {
                return Err(wrong(name, get(name)?));
            }
        }
        let id = get("ce-id")?;
        Ok(Self {
            id: id.parse().map_err(|_| wrong("ce-id", id))?,
            source: get("ce-source")?.to_owned(),
            kind: get("ce-type")?.to_owned(),
            time: timestamp("ce-time")?,
            subject: get("ce-subject")?.to_owned(),
            correlation: get("ce-correlationid")?.to_owned(),
            causation: get("ce-causationid")?.to_owned(),
            expiry: envelope.header("ce-expirytime").map(|_| timestamp("ce-expirytime")).transpose()?,
            trace: get("traceparent").and_then(|text| valid_trace(text).ok_or_else(|| wrong("traceparent", text)))?,
        })
    }
}

/// A `traceparent` as it must look: version, trace id, parent id and flags, in lower-case hexadecimal digits.
/// <https://www.w3.org/TR/trace-context/#traceparent-header>
pub fn valid_trace(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let hexadecimal = |part: &&str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (lengths == [2, 32, 16, 2] && parts.iter().all(hexadecimal)).then(|| text.to_owned())
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
