//! Who hears the stream of events: its consumers, page by page.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::line::Line;
use crate::bus::{BusError, Hearer};

/// The server's code for a consumer that does not exist.
const CONSUMER_NOT_FOUND: u64 = 10_014;

#[derive(Deserialize)]
struct Listed {
    total: usize,
    /// Null when there are none.
    consumers: Option<Vec<ConsumerInfo>>,
}

#[derive(Deserialize)]
struct ConsumerInfo {
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

/// All of them. A page that brings nothing new is the last one, whatever the total says.
pub(super) async fn hearers(line: &Line) -> Result<Vec<Hearer>, BusError> {
    let subject = format!("$JS.API.CONSUMER.LIST.{}", line.options.stream);
    let mut hearers = Vec::new();
    loop {
        let request = json!({ "offset": hearers.len() }).to_string().into();
        let listed: Listed = line.ask(&subject, request).await.map_err(|refusal| refusal.reason)?;
        let page = listed.consumers.unwrap_or_default();
        let is_last = page.is_empty() || hearers.len() + page.len() >= listed.total;
        hearers.extend(page.into_iter().map(ConsumerInfo::hearer));
        if is_last {
            return Ok(hearers);
        }
    }
}

/// One of them.
pub(super) async fn hearer(line: &Line, consumer: &str) -> Result<Option<Hearer>, BusError> {
    let subject = format!("$JS.API.CONSUMER.INFO.{}.{consumer}", line.options.stream);
    match line.ask::<ConsumerInfo>(&subject, Bytes::new()).await {
        Ok(info) => Ok(Some(info.hearer())),
        Err(refusal) if refusal.code == CONSUMER_NOT_FOUND => Ok(None),
        Err(refusal) => Err(refusal.reason),
    }
}

impl ConsumerInfo {
    fn hearer(self) -> Hearer {
        let one = self.config.filter_subject.filter(|filter| !filter.is_empty());
        let mut filters: Vec<_> = one.into_iter().chain(self.config.filter_subjects).collect();
        if filters.is_empty() {
            filters.push(">".to_owned());
        }
        let Delivered { consumer_seq: sent, stream_seq: delivered } = self.delivered;
        Hearer { consumer: self.name, filters, delivered, sent, pending: self.num_pending }
    }
}
