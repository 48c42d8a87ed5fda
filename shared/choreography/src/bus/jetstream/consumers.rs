//! The consumers of the stream of events.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::link::Link;
use crate::bus::{BusError, ConsumerInfo};

/// The server's code for a consumer that does not exist.
const CONSUMER_NOT_FOUND: u64 = 10_014;

#[derive(Deserialize)]
struct Listed {
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
}

#[derive(Deserialize)]
struct ConsumerConfig {
    filter_subject: Option<String>,
    #[serde(default)]
    filter_subjects: Vec<String>,
}

#[derive(Deserialize)]
struct Delivered {
    consumer_seq: u64,
    stream_seq: u64,
}

/// Returns all consumers. An empty page is the last one, whatever the total says.
pub(super) async fn consumers(link: &Link) -> Result<Vec<ConsumerInfo>, BusError> {
    let subject = format!("$JS.API.CONSUMER.LIST.{}", link.options.stream);
    let mut consumers = Vec::new();
    loop {
        let request = json!({ "offset": consumers.len() }).to_string().into();
        let listed: Listed = link.request(&subject, request).await.map_err(|refusal| refusal.reason)?;
        let page = listed.consumers.unwrap_or_default();
        let is_last = page.is_empty() || consumers.len() + page.len() >= listed.total;
        consumers.extend(page.into_iter().map(ConsumerInfoReply::consumer_info));
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
        Err(refusal) if refusal.code == CONSUMER_NOT_FOUND => Ok(None),
        Err(refusal) => Err(refusal.reason),
    }
}

impl ConsumerInfoReply {
    fn consumer_info(self) -> ConsumerInfo {
        let one = self.config.filter_subject.filter(|filter| !filter.is_empty());
        let mut filters: Vec<_> = one.into_iter().chain(self.config.filter_subjects).collect();
        if filters.is_empty() {
            filters.push(">".to_owned());
        }
        let Delivered { consumer_seq: sent, stream_seq: delivered } = self.delivered;
        ConsumerInfo { consumer: self.name, filters, delivered, sent, pending: self.num_pending }
    }
}
