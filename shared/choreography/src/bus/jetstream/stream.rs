//! The stream as a connection sees it: its state, and its stored messages.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::link::Link;
use super::planned::may_lose;
use super::protocol::sequence;
use super::stored_messages::StreamReader;
use crate::bus::{BusError, Filled, ReadFrom, ServerStart, Stored, StreamState};

#[derive(Deserialize)]
struct StreamInfo {
    created: String,
    ts: Timestamp,
    config: Map<String, Value>,
    state: StreamInfoState,
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
struct StreamInfoState {
    messages: u64,
    bytes: u64,
    #[serde(deserialize_with = "sequence")]
    first_seq: u64,
    #[serde(deserialize_with = "sequence")]
    last_seq: u64,
    #[serde(default)]
    num_deleted: u64,
    /// Their sequences, if they were asked for.
    #[serde(default)]
    deleted: Vec<u64>,
}

/// Who leads the stream. A server without a cluster has no `leader_since`.
#[derive(Deserialize)]
struct Cluster {
    #[serde(default)]
    leader: String,
    leader_since: Option<String>,
}

/// Returns the state of a stream. When it comes back, the server has also seen all that was sent before on this
/// connection.
pub(super) async fn state(link: &Link, stream: &str) -> Result<StreamState, BusError> {
    let StreamInfo { created, ts: at, config, state, cluster } = info(link, stream, Bytes::new()).await?;
    // In a cluster all see the leader, whichever server they are connected to; a single server has a new id at each
    // start.
    let leader = match cluster {
        Some(Cluster { leader, leader_since: Some(since) }) => format!("{leader} {since}"),
        _ => link.client.server_info().server_id,
    };
    // A limit of -1 is none.
    let limit = |field| config.get(field).and_then(Value::as_u64);
    Ok(StreamState {
        server_start: ServerStart::of([&created, &leader, &state.num_deleted]),
        created,
        first: state.first_seq,
        last: state.last_seq,
        deleted: state.num_deleted,
        messages: Filled { amount: state.messages, limit: limit("max_msgs") },
        bytes: Filled { amount: state.bytes, limit: limit("max_bytes") },
        unsuitable: may_lose(&config),
        at,
    })
}

/// Returns the sequences that a stream lacks between its first and its last message, in order.
pub(super) async fn holes(link: &Link, stream: &str) -> Result<Vec<u64>, BusError> {
    let details = json!({ "deleted_details": true }).to_string();
    let mut holes = info(link, stream, details.into()).await?.state.deleted;
    holes.sort_unstable();
    Ok(holes)
}

async fn info(link: &Link, stream: &str, request: Bytes) -> Result<StreamInfo, BusError> {
    let subject = format!("$JS.API.STREAM.INFO.{stream}");
    link.request(&subject, request).await.map_err(|error| error.reason)
}

/// Returns the messages of a subject in a stream, at most `max`. Ends at once when the connection is lost.
pub(super) async fn read(
    link: &Link,
    stream: &str,
    subject: &str,
    from: ReadFrom,
    max: usize,
) -> Result<Vec<Stored>, BusError> {
    StreamReader::on(link, stream, subject, from).up_to(max).await
}
