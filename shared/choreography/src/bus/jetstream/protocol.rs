//! Conversions between the server's messages and the types of the bus.

use std::str::FromStr;

use async_nats::{HeaderMap, HeaderName, HeaderValue, Message, StatusCode};
use bytes::Bytes;
use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use super::pending_replies::ServerReply;
use crate::bus::{BusError, Delivery, Stored};
use crate::wire::envelope::{Envelope, NAMES};
use crate::wire::headers::Headers;

/// The server's code for a stream that does not exist.
const STREAM_NOT_FOUND: u64 = 10_059;

/// The server's code for a message over the stream's `max_msg_size`.
const MESSAGE_EXCEEDS_MAXIMUM: u64 = 10_054;

/// The prefix of the headers that the server adds.
pub(super) const SERVER_HEADERS: &str = "Nats-";

/// The header that the server adds where it leaves out the payload, because the consumer is set to `headers_only`.
pub(super) const PAYLOAD_LEFT_OUT: &str = "Nats-Msg-Size";

/// The highest sequence that is believed: a database's integers have 63 bits, and no stream counts so far.
const SEQUENCE_MAX: u64 = i64::MAX as u64;

/// Reads a sequence in a reply of the server, for serde's `deserialize_with`.
///
/// # Errors
/// It is none, or above [`SEQUENCE_MAX`].
pub(super) fn sequence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let sequence = u64::deserialize(deserializer)?;
    if sequence <= SEQUENCE_MAX { Ok(sequence) } else { Err(D::Error::custom("a sequence has at most 63 bits")) }
}

/// Reads a sequence in a header or a subject of the server; none if it is none, or above [`SEQUENCE_MAX`].
fn sequence_of(text: &str) -> Option<u64> {
    text.parse().ok().filter(|sequence| *sequence <= SEQUENCE_MAX)
}

#[derive(Deserialize)]
struct ApiErrorBody {
    #[serde(default)]
    code: u64,
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Acknowledged {
    #[serde(default, deserialize_with = "sequence")]
    seq: u64,
    error: Option<ApiErrorBody>,
}

/// Why the JetStream API did not do what was requested; the code is the server's own, 0 if there is none.
pub(super) struct ApiError {
    pub(super) code: u64,
    pub(super) reason: BusError,
}

impl From<BusError> for ApiError {
    fn from(reason: BusError) -> Self {
        Self { code: 0, reason }
    }
}

impl From<ApiErrorBody> for ApiError {
    fn from(error: ApiErrorBody) -> Self {
        let text = format!("{} ({}, {})", error.description, error.code, error.err_code);
        let reason = match error.err_code {
            MESSAGE_EXCEEDS_MAXIMUM => BusError::TooLarge(text),
            STREAM_NOT_FOUND => BusError::Refused(format!("{text}: run the provisioning step")),
            _ => BusError::Refused(text),
        };
        Self { code: error.err_code, reason }
    }
}

/// Returns the sequence in an acknowledgement.
pub(super) fn acknowledged_sequence(reply: &ServerReply) -> Result<u64, BusError> {
    let acknowledged: Acknowledged = parse(reply)?;
    match acknowledged.error {
        Some(error) => Err(ApiError::from(error).reason),
        None if acknowledged.seq == 0 => Err(unreadable(reply, "no sequence")),
        None => Ok(acknowledged.seq),
    }
}

/// Returns the reply of the JetStream API.
pub(super) fn api_reply<T: DeserializeOwned>(reply: &ServerReply) -> Result<T, ApiError> {
    #[derive(Deserialize)]
    struct ErrorOnly {
        error: Option<ApiErrorBody>,
    }
    match parse::<ErrorOnly>(reply)?.error {
        Some(error) => Err(error.into()),
        None => Ok(parse(reply)?),
    }
}

fn parse<T: DeserializeOwned>(reply: &ServerReply) -> Result<T, BusError> {
    match reply.status {
        Some(StatusCode::NO_RESPONDERS) => Err(BusError::Refused(
            "no stream takes this subject, or JetStream is not ready: run the provisioning step".to_owned(),
        )),
        Some(status) if !status.is_success() => Err(unreadable(reply, &format!("status {status}"))),
        _ => serde_json::from_slice(&reply.payload).map_err(|error| unreadable(reply, &error.to_string())),
    }
}

fn unreadable(reply: &ServerReply, why: &str) -> BusError {
    BusError::Refused(format!("unreadable reply, {why}: {:?}", String::from_utf8_lossy(&reply.payload)))
}

/// Returns an envelope's headers for the client.
///
/// # Errors
/// [`BusError::Unsendable`] for a name or a value that NATS cannot carry.
pub(crate) fn header_map(headers: &Headers) -> Result<HeaderMap, BusError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter() {
        let wrong =
            |error: &dyn std::fmt::Display| BusError::Unsendable(format!("header {name:?}: {value:?}: {error}"));
        // The names that every message has need not be checked and copied.
        let key = match NAMES.iter().find(|known| **known == name) {
            Some(known) => HeaderName::from_static(known),
            None if name.is_empty() => return Err(wrong(&"it has no name")),
            None => HeaderName::from_str(name).map_err(|error| wrong(&error))?,
        };
        map.append(key, HeaderValue::from_str(value).map_err(|error| wrong(&error))?);
    }
    Ok(map)
}

/// Returns the envelope as it was published, without the headers that the server added. The client does not keep the
/// order of headers: they are sorted.
pub(crate) fn envelope(subject: &str, headers: Option<&HeaderMap>, payload: &Bytes) -> Envelope {
    let mut read: Vec<(&str, &str)> = headers
        .into_iter()
        .flat_map(HeaderMap::iter)
        .map(|(name, values)| (AsRef::<str>::as_ref(name), values))
        .filter(|(name, _)| !name.starts_with(SERVER_HEADERS))
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value.as_str())))
        .collect();
    read.sort_unstable();
    Envelope { subject: subject.into(), headers: read.into_iter().collect(), payload: payload.clone() }
}

/// Returns a header that the server added, as a number.
pub(crate) fn number(message: &Message, name: &str) -> Option<u64> {
    message.headers.as_ref()?.get(name)?.as_str().parse().ok()
}

/// Returns a stored message that was read by DIRECT.GET. Where a publisher has set headers with the names of the
/// server's, the server's are the last ones.
pub(crate) fn stored(message: &Message) -> Result<Stored, BusError> {
    let last = |name: &'static str| Some(message.headers.as_ref()?.get_last(name)?.as_str());
    let sequence = last("Nats-Sequence").and_then(sequence_of);
    let at = last("Nats-Time-Stamp").and_then(|at| at.parse::<Timestamp>().ok());
    match (sequence, at, last("Nats-Subject")) {
        (Some(sequence), Some(at), Some(subject)) => {
            let envelope = envelope(subject, message.headers.as_ref(), &message.payload);
            Ok(Stored { sequence, at, envelope, unreadable: stored_status(message) })
        }
        _ => Err(BusError::Refused("a stored message has no sequence, time or subject".to_owned())),
    }
}

/// Returns why a stored message is unreadable that has the line of a status, which only the server may send. (Servers
/// since 2.15 take it off when they store a message.)
fn stored_status(message: &Message) -> Option<String> {
    message.status.map(|status| format!("the first line of the headers is not NATS/1.0: it has the status {status}"))
}

/// Whether the server has left out the payload of a message.
pub(super) fn lacks_payload(message: &Message) -> bool {
    message.payload.is_empty()
        && message.headers.as_ref().is_some_and(|headers| headers.get(PAYLOAD_LEFT_OUT).is_some())
}

/// Returns a message of a pull subscription as a delivery; none if its reply subject has no numbers.
pub(super) fn delivery(message: &Message) -> Option<Delivery> {
    let [delivered, stream_sequence, consumer_sequence, stamp] = numbers(message.reply.as_deref()?)?;
    let envelope = envelope(&message.subject, message.headers.as_ref(), &message.payload);
    let stamp_ns = i64::try_from(stamp).ok()?;
    let unreadable = stored_status(message);
    Some(Delivery { stream_sequence, consumer_sequence, delivered, stamp_ns, envelope, unreadable })
}

/// Returns the first four numbers of
/// `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>`. Newer servers may
/// put a domain and an account hash before `<stream>`.
fn numbers(reply: &str) -> Option<[u64; 4]> {
    let tokens: Vec<&str> = reply.strip_prefix("$JS.ACK.")?.split('.').collect();
    let at = match tokens.len() {
        7 => 2,
        9.. => 4,
        _ => return None,
    };
    let number = |index: usize| sequence_of(tokens[at + index]);
    Some([number(0)?, number(1)?, number(2)?, number(3)?])
}

/// Returns the error about a stream that does not exist.
pub(super) fn missing(stream: &str) -> BusError {
    BusError::Refused(format!("the stream {stream} is missing, or JetStream is not ready: provision it"))
}

#[cfg(test)]
mod tests {
    use super::{Acknowledged, numbers};

    #[test]
    fn a_sequence_of_more_than_63_bits_is_unreadable() {
        let read = |seq: u64| serde_json::from_str::<Acknowledged>(&format!("{{\"seq\":{seq}}}"));
        assert!(read(i64::MAX as u64).is_ok_and(|read| read.seq == i64::MAX as u64));
        assert!(read(i64::MAX as u64 + 1).is_err() && read(u64::MAX).is_err());
    }

    #[test]
    fn numbers_are_read_with_and_without_a_domain() {
        assert_eq!(
            numbers("$JS.ACK.EVENTS.payment-0.1.77.5.1700000000000000000.3"),
            Some([1, 77, 5, 1_700_000_000_000_000_000])
        );
        assert_eq!(
            numbers("$JS.ACK.hub.hash.EVENTS.payment-0.2.77.5.1700000000000000000.3.token"),
            Some([2, 77, 5, 1_700_000_000_000_000_000])
        );
        assert_eq!(
            numbers("$JS.ACK.hub.hash.EVENTS.payment-0.2.77.5.1700000000000000000.3"),
            Some([2, 77, 5, 1_700_000_000_000_000_000])
        );
        assert_eq!(numbers("_INBOX_payment.1"), None);
        assert_eq!(numbers("$JS.ACK.EVENTS.payment-0.x.77.5.1.3"), None);
        assert_eq!(numbers("$JS.ACK.EVENTS.payment-0.1.9223372036854775808.5.1.3"), None);
    }
}
