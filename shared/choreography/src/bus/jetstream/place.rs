//! What a service does on a connection.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    deliveries::Pull,
    direct, hearers,
    line::{Line, reply},
    wire,
};
use crate::{
    bus::{Acknowledgement, BusError, Connection, Deliveries, Hearer, ReadFrom, Stored, StreamState},
    envelope::Envelope,
};

/// The stream of dead letters.
const DEAD_LETTERS: &str = "DEAD_LETTERS";
/// What it is read for: the letters, without what became of them.
const DIED: &str = "dead.>";

/// A service's place on the stream.
pub(super) struct Place {
    line: Arc<Line>,
}

impl Place {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self { line }
    }
}

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

#[derive(Deserialize)]
struct Reset {
    reset_seq: u64,
}

/// The state of the stream of events; also the way to know that the server has seen all that was sent before.
pub(super) async fn stream(line: &Line) -> Result<StreamState, BusError> {
    let subject = format!("$JS.API.STREAM.INFO.{}", line.options.stream);
    let info: StreamInfo = line.ask(&subject, Bytes::new()).await.map_err(|refusal| refusal.reason)?;
    Ok(StreamState { created: info.created, first: info.state.first_seq, last: info.state.last_seq, at: info.ts })
}

#[async_trait]
impl Connection for Place {
    fn server_id(&self) -> String {
        self.line.client.server_info().server_id
    }

    async fn lost(&self) -> String {
        self.line.fate.sealed().await.to_string()
    }

    async fn stream(&self) -> Result<StreamState, BusError> {
        stream(&self.line).await
    }

    async fn letters(&self, from: ReadFrom, max: usize) -> Result<Vec<Stored>, BusError> {
        direct::read(&self.line, DEAD_LETTERS, DIED, from, max).await
    }

    async fn hearers(&self) -> Result<Vec<Hearer>, BusError> {
        hearers::hearers(&self.line).await
    }

    async fn first_after(&self, subject: &str, sequence: u64) -> Result<Option<(u64, Timestamp)>, BusError> {
        let from = ReadFrom::Sequence(sequence + 1);
        let first = direct::read(&self.line, &self.line.options.stream, subject, from, 1).await?;
        Ok(first.first().map(|stored| (stored.sequence, stored.at)))
    }

    async fn hearer(&self, consumer: &str) -> Result<Option<Hearer>, BusError> {
        hearers::hearer(&self.line, consumer).await
    }

    async fn reset(&self, consumer: &str, sequence: u64) -> Result<u64, BusError> {
        let subject = format!("$JS.API.CONSUMER.RESET.{}.{consumer}", self.line.options.stream);
        let request = json!({ "seq": sequence }).to_string().into();
        match self.line.ask::<Reset>(&subject, request).await {
            Ok(reset) => Ok(reset.reset_seq),
            Err(refusal) => Err(match refusal.reason {
                // A missing consumer does not answer at all.
                BusError::Lost(reason) if self.line.fate.known().is_none() => {
                    BusError::Refused(format!("reset of consumer {consumer}: {reason}; does it exist?"))
                }
                reason => reason,
            }),
        }
    }

    async fn pull(&self, consumer: &str) -> Result<Box<dyn Deliveries>, BusError> {
        Ok(Box::new(Pull::begin(self.line.clone(), consumer).await?))
    }

    async fn publish(&self, envelope: &Envelope) -> Result<Acknowledgement, BusError> {
        let headers = match wire::written(&envelope.headers) {
            Ok(headers) => headers,
            Err(reason) => return Ok(std::future::ready(Err(BusError::Refused(reason))).boxed()),
        };
        let awaited = self.line.send(&envelope.subject, headers, envelope.payload.clone()).await?;
        Ok(async move { wire::acknowledged(&reply(awaited).await?) }.boxed())
    }
}
