//! The messages of one key, read from the stream without a consumer.

use std::sync::Arc;

use async_nats::{Message, StatusCode, Subscriber};
use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use serde_json::json;

use super::{
    JetStreamBus, follow,
    line::{Line, lost},
    wire,
};
use crate::{
    bus::{BusError, Stories, subject::single_token},
    envelope::Envelope,
};

/// Messages that one request may bring.
const REQUEST_MAX: usize = 256;

#[async_trait]
impl Stories for JetStreamBus {
    async fn story(&self, key: &str, from: u64, limit: usize) -> Result<Vec<(u64, Envelope)>, BusError> {
        let subject = format!("*.*.{}", single_token(key)?);
        let line = self.line().await?;
        told(&line, &subject, from, limit).await
    }

    async fn follow(&self, key: &str) -> Result<BoxStream<'static, Envelope>, BusError> {
        let line = self.line().await?;
        Ok(follow::follow(line, single_token(key)?.to_owned()).await?.boxed())
    }
}

impl JetStreamBus {
    /// The connection for stories: unlike the others it is shared, so a lost one is replaced.
    async fn line(&self) -> Result<Arc<Line>, BusError> {
        let mut kept = self.stories.lock().await;
        if let Some(line) = kept.as_ref().filter(|line| line.fate.known().is_none()) {
            return Ok(line.clone());
        }
        let line = Line::connect(self.options.clone()).await?;
        *kept = Some(line.clone());
        Ok(line)
    }
}

/// The stream's messages of a subject from a sequence on, at most `limit`.
pub(super) async fn told(
    line: &Line,
    subject: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Envelope)>, BusError> {
    let (mut story, mut from) = (Vec::new(), from.max(1));
    while story.len() < limit {
        let batch = REQUEST_MAX.min(limit - story.len());
        let more = part(line, subject, from, batch, &mut story).await?;
        if !more {
            break;
        }
        from = story.last().map_or(from, |(sequence, _)| sequence + 1);
    }
    Ok(story)
}

/// One request's worth of a story; whether there is more.
/// <https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md>
async fn part(
    line: &Line,
    subject: &str,
    from: u64,
    batch: usize,
    story: &mut Vec<(u64, Envelope)>,
) -> Result<bool, BusError> {
    let inbox = line.client.new_inbox();
    let mut answers = line.client.subscribe(inbox.clone()).await.map_err(lost)?;
    let request = json!({ "seq": from, "next_by_subj": subject, "batch": batch }).to_string();
    let stream = format!("$JS.API.DIRECT.GET.{}", line.options.stream);
    line.client.publish_with_reply(stream, inbox, request.into()).await.map_err(lost)?;
    loop {
        let answer = answer(line, &mut answers).await?;
        match answer.status {
            None => story.push(read(&answer)?),
            Some(StatusCode::NOT_FOUND) => return Ok(false),
            Some(status) if status.as_u16() == 204 => return Ok(wire::number(&answer, "Nats-Num-Pending") > Some(0)),
            Some(StatusCode::NO_RESPONDERS) => {
                return Err(BusError::Refused("the stream does not exist or does not allow direct reading".to_owned()));
            }
            Some(status) => {
                let why = answer.description.unwrap_or_default();
                return Err(BusError::Refused(format!("reading a story: {status} {why}")));
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

fn read(answer: &Message) -> Result<(u64, Envelope), BusError> {
    let subject = answer.headers.as_ref().and_then(|headers| headers.get("Nats-Subject"));
    match (wire::number(answer, "Nats-Sequence"), subject) {
        (Some(sequence), Some(subject)) => {
            Ok((sequence, wire::envelope(subject.as_str(), answer.headers.as_ref(), &answer.payload)))
        }
        _ => Err(BusError::Refused("a message of a story came without its sequence".to_owned())),
    }
}
