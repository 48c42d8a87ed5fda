//! The stream as a connection sees it: its state, and its stored messages.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;

use super::link::Link;
use super::stored_messages::StreamReader;
use crate::bus::{BusError, ReadFrom, Stored, StreamState};

#[derive(Deserialize)]
struct StreamInfo {
    created: String,
    ts: Timestamp,
    state: StreamInfoState,
}

#[derive(Deserialize)]
struct StreamInfoState {
    first_seq: u64,
    last_seq: u64,
}

/// Returns the state of the stream of events. When it comes back, the server has also seen all that was sent before on
/// this connection.
pub(super) async fn state(link: &Link) -> Result<StreamState, BusError> {
    let subject = format!("$JS.API.STREAM.INFO.{}", link.options.stream);
    let info: StreamInfo = link.request(&subject, Bytes::new()).await.map_err(|error| error.reason)?;
    Ok(StreamState { created: info.created, first: info.state.first_seq, last: info.state.last_seq, at: info.ts })
}

/// Returns the messages of a subject in a stream, at most `max`. Ends at once when the connection is lost.
pub(super) async fn read(
    link: &Link,
    stream: &str,
    subject: &str,
    from: ReadFrom,
    max: usize,
) -> Result<Vec<Stored>, BusError> {
    let reader = StreamReader::new(&link.client, stream, subject, from).reply_time_max(link.options.ack_timeout);
    tokio::select! {
        biased;
        reason = link.pending.closed() => Err(reason),
        read = reader.up_to(max) => read,
    }
}
