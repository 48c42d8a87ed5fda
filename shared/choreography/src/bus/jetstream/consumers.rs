//! The consumers of the stream of events.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::link::Link;
use super::planned::can_not_read;
use super::protocol::sequence;
use crate::bus::{BusError, ConsumerInfo};
use crate::wire::subject::SUBSCRIBER;

/// How many consumers are listed at most: each instance of a service has one.
const CONSUMERS_MAX: usize = 10_000;

/// The server's code for a consumer that does not exist.
const CONSUMER_NOT_FOUND: u64 = 10_014;

#[derive(Deserialize)]
struct ConsumerPage {
    total: usize,
    /// Null when there are none.
    consumers: Option<Vec<ConsumerInfoReply>>,
}

#[derive(Deserialize)]
struct ConsumerInfoReply {
    name: String,
    config: ConsumerConfig,
    delivered: Delivered,
    num_pending: u64,
    /// Whether it is paused: `pause_until` may be over.
    #[serde(default)]
    paused: bool,
}

/// What a service looks at of a consumer's settings.
#[derive(Deserialize)]
struct ConsumerConfig {
    filter_subject: Option<String>,
    #[serde(default)]
    filter_subjects: Vec<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    pause_until: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
struct Delivered {
    #[serde(deserialize_with = "sequence")]
    consumer_seq: u64,
    #[serde(deserialize_with = "sequence")]
    stream_seq: u64,
}

/// Returns all consumers, some [`CONSUMERS_MAX`] at most. An empty page is the last one, whatever the total is.
pub(super) async fn consumers(link: &Link) -> Result<Vec<ConsumerInfo>, BusError> {
    let subject = format!("$JS.API.CONSUMER.LIST.{}", link.options.stream);
    let mut consumers = Vec::new();
    loop {
        let request = json!({ "offset": consumers.len() }).to_string().into();
        let page: ConsumerPage = link.request(&subject, request).await.map_err(|error| error.reason)?;
        let listed = page.consumers.unwrap_or_default();
        let count = consumers.len() + listed.len();
        let is_last = listed.is_empty() || count >= page.total.min(CONSUMERS_MAX);
        consumers.extend(listed.into_iter().map(ConsumerInfoReply::consumer_info));
        if is_last {
            return Ok(consumers);
        }
    }
}

/// Returns one consumer; none if it does not exist.
pub(super) async fn consumer_info(link: &Link, consumer: &str) -> Result<Option<ConsumerInfo>, BusError> {
    let subject = format!("$JS.API.CONSUMER.INFO.{}.{consumer}", link.options.stream);
    match link.request::<ConsumerInfoReply>(&subject, Bytes::new()).await {
        Ok(info) => Ok(Some(info.consumer_info())),
        Err(error) if error.code == CONSUMER_NOT_FOUND => Ok(None),
        Err(error) => Err(error.reason),
    }
}

impl ConsumerInfoReply {
    fn consumer_info(self) -> ConsumerInfo {
        let one = self.config.filter_subject.filter(|filter| !filter.is_empty());
        let mut filters: Vec<_> = one.into_iter().chain(self.config.filter_subjects).collect();
        if filters.is_empty() {
            filters.push(">".to_owned());
        }
        let (name, mark) = SUBSCRIBER;
        let is_subscriber = self.config.metadata.get(name).is_some_and(|value| value == mark);
        let Delivered { consumer_seq: sent, stream_seq: delivered } = self.delivered;
        let until = self.config.pause_until.filter(|_| self.paused);
        let paused = until.map(|until| format!("is paused until {until}"));
        let differs = || can_not_read(&self.config.others).map(|settings| format!("has other settings: {settings}"));
        let (pending, unsuitable) = (self.num_pending, paused.or_else(differs));
        ConsumerInfo { consumer: self.name, is_subscriber, filters, delivered, sent, pending, unsuitable }
    }
}
