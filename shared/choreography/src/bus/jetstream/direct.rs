//! Messages read from a stream without a consumer, as batches that the server sends at once.
//! <https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md>

use async_nats::{Message, StatusCode, Subscriber};
use futures::StreamExt;
use serde_json::{Value, json};

use super::{
    line::{Line, lost},
    wire,
};
use crate::bus::{BusError, ReadFrom, Stored};

/// Messages that one request may bring.
const REQUEST_MAX: usize = 256;

/// The messages of a stream under a subject from a place on, at most `max`.
pub(super) async fn read(
    line: &Line,
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
        let more = batch(line, stream, &request, &mut read).await?;
        match read.last().filter(|_| more) {
            Some(last) => from = ReadFrom::Sequence(last.sequence + 1),
            None => break,
        }
    }
    Ok(read)
}

/// One request's worth of messages; whether there are more.
async fn batch(line: &Line, stream: &str, request: &Value, read: &mut Vec<Stored>) -> Result<bool, BusError> {
    let inbox = line.client.new_inbox();
    let mut answers = line.client.subscribe(inbox.clone()).await.map_err(lost)?;
    let subject = format!("$JS.API.DIRECT.GET.{stream}");
    line.client.publish_with_reply(subject, inbox, request.to_string().into()).await.map_err(lost)?;
    loop {
        let answer = answer(line, &mut answers).await?;
        match answer.status {
            None => read.push(wire::stored(&answer)?),
            Some(StatusCode::NOT_FOUND) => return Ok(false),
            Some(status) if status.as_u16() == 204 => return Ok(wire::number(&answer, "Nats-Num-Pending") > Some(0)),
            Some(StatusCode::NO_RESPONDERS) => {
                let why = format!("the stream {stream} does not exist or does not allow direct reading");
                return Err(BusError::Refused(why));
            }
            Some(status) => {
                let why = answer.description.unwrap_or_default();
                return Err(BusError::Refused(format!("reading the stream {stream}: {status} {why}")));
            }
        }
    }
}

async fn answer(line: &Line, answers: &mut Subscriber) -> Result<Message, BusError> {
    tokio::select! {
        biased;
        reason = line.fate.sealed() => Err(reason),
        answer = tokio::time::timeout(line.options.ack_timeout, answers.next()) => match answer {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(BusError::Lost("the client stopped".to_owned())),
            Err(_) => Err(BusError::Lost(format!("no answer within {:?}", line.options.ack_timeout))),
        },
    }
}
