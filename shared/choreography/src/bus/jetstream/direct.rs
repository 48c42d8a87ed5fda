//! Messages read from a stream without a consumer, as batches that the server sends at once.
//! <https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md>

use async_nats::{Message, StatusCode, Subscriber};
use futures::StreamExt;
use serde_json::{Value, json};

use super::link::{Link, lost};
use super::protocol;
use crate::bus::{BusError, ReadFrom, Stored};

/// Messages that one request may bring.
const REQUEST_MAX: usize = 256;

/// The messages of a stream under a subject from a place on, at most `max`.
pub(super) async fn read(
    link: &Link,
    stream: &str,
    subject: &str,
    mut from: ReadFrom,
    max: usize,
) -> Result<Vec<Stored>, BusError> {
    let mut read = Vec::new();
    while read.len() < max {
        let mut request = json!({ "next_by_subj": subject, "batch": REQUEST_MAX.min(max - read.len()) });
        match from {
            ReadFrom::Sequence(sequence) => request["seq"] = sequence.max(1).into(),
            ReadFrom::Time(moment) => request["start_time"] = moment.to_string().into(),
        }
        let more = batch(link, stream, &request, &mut read).await?;
        match read.last().filter(|_| more) {
            Some(last) => from = ReadFrom::Sequence(last.sequence + 1),
            None => break,
        }
    }
    Ok(read)
}

/// One request's worth of messages; whether there are more.
async fn batch(link: &Link, stream: &str, request: &Value, read: &mut Vec<Stored>) -> Result<bool, BusError> {
    let inbox = link.client.new_inbox();
    let mut replies = link.client.subscribe(inbox.clone()).await.map_err(lost)?;
    let subject = format!("$JS.API.DIRECT.GET.{stream}");
    link.client.publish_with_reply(subject, inbox, request.to_string().into()).await.map_err(lost)?;
    loop {
        let reply_body = reply_body(link, &mut replies).await?;
        match reply_body.status {
            None => read.push(protocol::stored(&reply_body)?),
            Some(StatusCode::NOT_FOUND) => return Ok(false),
            Some(status) if status.as_u16() == 204 => {
                return Ok(protocol::number(&reply_body, "Nats-Num-Pending") > Some(0));
            }
            Some(StatusCode::NO_RESPONDERS) => {
                let why = format!("the stream {stream} does not exist or does not allow direct reading");
                return Err(BusError::Refused(why));
            }
            Some(status) => {
                let why = reply_body.description.unwrap_or_default();
                return Err(BusError::Refused(format!("reading the stream {stream}: {status} {why}")));
            }
        }
    }
}

async fn reply_body(link: &Link, replies: &mut Subscriber) -> Result<Message, BusError> {
    tokio::select! {
        biased;
        reason = link.pending.closed() => Err(reason),
        reply_body = tokio::time::timeout(link.options.ack_timeout, replies.next()) => match reply_body {
            Ok(Some(reply_body)) => Ok(reply_body),
            Ok(None) => Err(BusError::Lost("the client stopped".to_owned())),
            Err(_) => Err(BusError::Lost(format!("no answer within {:?}", link.options.ack_timeout))),
        },
    }
}
