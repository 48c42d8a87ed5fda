//! The notes of services in the key-value bucket `PROGRESS`: a stream that keeps the last message of each subject.

use async_nats::HeaderMap;

use super::link::{Link, reply};
use super::protocol;
use super::single_message::{Position, message};
use crate::bus::{BusError, PROGRESS, Progress};

/// Returns the name of the bucket's stream.
pub(crate) fn bucket_stream() -> String {
    format!("KV_{PROGRESS}")
}

/// Returns the subject of a service's note; of all notes for `>`.
pub(crate) fn note_subject(service: &str) -> String {
    format!("$KV.{PROGRESS}.{service}")
}

/// Writes a service's note, in place of the one before.
pub(super) async fn note(link: &Link, service: &str, note: &Progress) -> Result<(), BusError> {
    let awaited = link.send(&note_subject(service), HeaderMap::new(), note.to_json().into()).await?;
    protocol::acknowledged_sequence(&reply(awaited).await?).map(drop)
}

/// Returns a service's note; none if there is none, or it is unreadable.
pub(super) async fn read(link: &Link, service: &str) -> Result<Option<Progress>, BusError> {
    let (stream, subject) = (bucket_stream(), note_subject(service));
    let note = link.unless_lost(message(&link.client, &stream, Position::Last(&subject))).await?;
    Ok(note.and_then(|note| Progress::from_json(&note.envelope.payload)))
}
