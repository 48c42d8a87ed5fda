//! Reads single stored messages by STREAM.MSG.GET: as the stream's leader has them, and whatever their headers are.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::{Client, Request, RequestErrorKind, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::protocol::{missing, sequence};
use super::raw_headers::RawHeaders;
use crate::bus::{BusError, ReadFrom, Stored};
use crate::wire::envelope::Envelope;

/// How long the server may take to reply.
pub(super) const REPLY_TIME_MAX: Duration = Duration::from_secs(5);

/// A message of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Position<'a> {
    /// The one at a sequence.
    At(u64),
    /// The first one of a subject from somewhere on.
    First(&'a str, ReadFrom),
    /// The last one of a subject.
    Last(&'a str),
}

impl Position<'_> {
    fn request(self) -> Value {
        match self {
            Self::At(sequence) => json!({ "seq": sequence }),
            Self::First(subject, ReadFrom::Sequence(from)) => json!({ "seq": from.max(1), "next_by_subj": subject }),
            Self::First(subject, ReadFrom::Time(from)) => {
                json!({ "start_time": from.to_string(), "next_by_subj": subject })
            }
            Self::Last(subject) => json!({ "last_by_subj": subject }),
        }
    }
}

#[derive(Deserialize)]
struct Reply {
    message: Option<StoredReply>,
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct ApiError {
    err_code: u64,
    #[serde(default)]
    description: String,
}

/// Headers and payload are in base64, and left out if they are empty.
#[derive(Deserialize)]
struct StoredReply {
    subject: String,
    #[serde(deserialize_with = "sequence")]
    seq: u64,
    time: Timestamp,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
}

/// Returns one message, as the stream's leader has it; none if the stream does not have it.
pub(crate) async fn message(client: &Client, stream: &str, position: Position<'_>) -> Result<Option<Stored>, BusError> {
    let reading = |error: &dyn std::fmt::Display| format!("reading a message of the stream {stream}: {error}");
    let request = Request::new().payload(position.request().to_string().into()).timeout(Some(REPLY_TIME_MAX));
    let reply = match client.send_request(format!("$JS.API.STREAM.MSG.GET.{stream}"), request).await {
        Ok(reply) if reply.status == Some(StatusCode::NO_RESPONDERS) => return Err(missing(stream)),
        Ok(reply) => reply,
        Err(error) if error.kind() == RequestErrorKind::NoResponders => return Err(missing(stream)),
        Err(error) => return Err(BusError::Lost(reading(&error))),
    };
    let reply: Reply = serde_json::from_slice(&reply.payload).map_err(|error| BusError::Refused(reading(&error)))?;
    match (reply.message, reply.error) {
        (Some(message), _) => message.stored().map(Some).map_err(|error| BusError::Refused(reading(&error))),
        (None, Some(error)) if error.err_code == ErrorCode::NO_MESSAGE_FOUND.0 => Ok(None),
        (None, Some(error)) if error.err_code == ErrorCode::STREAM_NOT_FOUND.0 => Err(missing(stream)),
        (None, Some(error)) => Err(BusError::Refused(reading(&error.description))),
        (None, None) => Err(BusError::Refused(reading(&"the reply has no message"))),
    }
}

impl StoredReply {
    fn stored(self) -> Result<Stored, base64::DecodeError> {
        let RawHeaders { headers, problem } = RawHeaders::read(&STANDARD.decode(self.hdrs)?);
        // The client splits the server's lines at any blank of Unicode; what is not UTF-8 has been replaced.
        let is_wrong = |char: char| char.is_whitespace() || char == char::REPLACEMENT_CHARACTER;
        let wrong_subject =
            || self.subject.contains(is_wrong).then(|| "the subject has a blank, or is not UTF-8".to_owned());
        let unreadable = problem.or_else(wrong_subject);
        let payload = STANDARD.decode(self.data)?.into();
        let envelope = Envelope { subject: self.subject.into(), headers, payload };
        Ok(Stored { sequence: self.seq, at: self.time, envelope, unreadable })
    }
}
