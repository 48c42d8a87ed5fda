//! The wire: what was said about an order, and saying something by hand, with the headers that make it one of ours.

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use futures::StreamExt;
use serde_json::{Value, json};
use testkit::until;
use uuid::Uuid;

use crate::orders::Request;
use crate::shop::{PATIENCE, Shop};

/// A message as it is in the stream.
#[derive(Debug, Clone)]
pub struct OutgoingMessage {
    /// Its place in the stream.
    pub sequence: u64,
    /// Who said it.
    pub publisher: String,
    /// What.
    pub name: String,
    /// About which order.
    pub key: String,
    /// `ce-id`, if it has one.
    pub id: Option<String>,
    /// `ce-time`, if it has one.
    pub time: Option<String>,
    /// The payload, if it is JSON.
    pub payload: Value,
    /// The headers.
    pub headers: HeaderMap,
}

/// Headers of a message that is one of ours, in the story of an order.
pub fn headers(publisher: &str, name: &str, key: &str) -> HeaderMap {
    let id = Uuid::now_v7();
    let mut headers = HeaderMap::new();
    for (header, value) in [
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", id.to_string()),
        ("ce-source", publisher.to_owned()),
        ("ce-type", format!("shop.{name}.v1")),
        ("ce-time", jiff::Timestamp::now().to_string()),
        ("ce-subject", key.to_owned()),
        ("ce-datacontenttype", "application/json".to_owned()),
        ("ce-correlationid", key.to_owned()),
        ("ce-causationid", id.to_string()),
        ("traceparent", format!("00-{}-{:016x}-01", id.simple(), id.as_u64_pair().1)),
    ] {
        headers.insert(header, value);
    }
    headers
}

impl Shop {
    /// Says something by hand, as a service would have said it.
    pub async fn say(&self, publisher: &str, name: &str, key: &str, payload: &Value) {
        let headers = headers(publisher, name, key);
        let id = headers.get("ce-id").map(|id| id.as_str().to_owned());
        self.said_by_hand.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(id);
        self.publish(format!("{publisher}.{name}.{key}"), headers, payload.to_string()).await;
    }

    /// Says a message again that was said before: the same in every header.
    pub async fn say_again(&self, outgoing: &OutgoingMessage) {
        let subject = format!("{}.{}.{}", outgoing.publisher, outgoing.name, outgoing.key);
        self.publish(subject, outgoing.headers.clone(), outgoing.payload.to_string()).await;
    }

    /// Publishes anything, as the admin user may, and waits for the stream's acknowledgement.
    ///
    /// # Panics
    /// When the stream does not take it.
    pub async fn publish(&self, subject: String, headers: HeaderMap, payload: impl Into<String>) {
        let jetstream = self.jetstream().await;
        let acknowledged = jetstream.publish_with_headers(subject, headers, payload.into().into()).await;
        acknowledged.expect("the server is there").await.expect("the stream takes it");
    }

    /// All that was said about an order, in order.
    ///
    /// # Panics
    /// When the stream can't be read.
    pub async fn story(&self, key: &str) -> Vec<OutgoingMessage> {
        self.outgoing(&format!("*.*.{key}")).await
    }

    /// All that was said under a subject, in order.
    ///
    /// # Panics
    /// When the stream can't be read.
    pub async fn outgoing(&self, filter: &str) -> Vec<OutgoingMessage> {
        let stream = self.jetstream().await.get_stream("EVENTS").await.expect("the stream is there");
        let config =
            pull::Config { filter_subject: filter.to_owned(), ack_policy: AckPolicy::None, ..pull::Config::default() };
        let mut consumer = stream.create_consumer(config).await.expect("an admin may look");
        let mut left = consumer.info().await.expect("the consumer is there").num_pending;
        let mut outgoing = Vec::new();
        while left > 0 {
            let mut batch = consumer.fetch().max_messages(500).messages().await.expect("the messages come");
            while let Some(message) = batch.next().await {
                let message = message.expect("a message comes");
                left = message.info().expect("JetStream says where it is").pending;
                outgoing.push(OutgoingMessage::read(&message));
            }
        }
        let _ = stream.delete_consumer(&consumer.cached_info().name).await;
        outgoing
    }

    /// Waits until a message was said about an order, and gives it.
    ///
    /// # Panics
    /// When it is not said.
    pub async fn expect_said(&self, publisher: &str, name: &str, key: &str) -> OutgoingMessage {
        until(format_args!("{publisher}.{name}.{key} to be said"), PATIENCE, async || {
            let story = self.story(key).await;
            let found = story.iter().find(|outgoing| outgoing.publisher == publisher && outgoing.name == name).cloned();
            found.ok_or_else(|| format!("{:?}", names(&story)))
        })
        .await
    }

    /// An order's story as people tell it: who said what.
    pub async fn story_names(&self, key: &str) -> Vec<String> {
        names(&self.story(key).await)
    }

    /// How many different messages of a name were said about an order: said twice, it is still one.
    pub async fn count_said(&self, publisher: &str, name: &str, key: &str) -> usize {
        let story = self.outgoing(&format!("{publisher}.{name}.{key}")).await;
        story.iter().map(|outgoing| &outgoing.id).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Waits until every service has received all that was said until now: it has, when it has received something that was
    /// said after it.
    ///
    /// # Panics
    /// When one does not receive on.
    pub async fn expect_heard(&self) {
        let id = Uuid::now_v7().to_string();
        let compensation = json!({"order_id": id, "reason": "failed"});
        self.say("order", "cancel-delivery", &id, &compensation).await;
        let reply = self.post("order", "/orders", &Request::new("unicorn", 1, "north").body).await;
        let order = reply.body["id"].as_str().unwrap_or_else(|| panic!("no order: {reply:?}"));
        // Delivery received the one, payment what delivery said; inventory received the other, order what inventory said, …
        self.expect_said("payment", "cancel-order", &id).await;
        self.expect_said("notify", "customer-notified", order).await;
    }
}

fn names(story: &[OutgoingMessage]) -> Vec<String> {
    story.iter().map(|outgoing| format!("{}.{}", outgoing.publisher, outgoing.name)).collect()
}

impl OutgoingMessage {
    fn read(message: &async_nats::jetstream::Message) -> Self {
        let headers = message.headers.clone().unwrap_or_default();
        let header = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        let mut parts = message.subject.splitn(3, '.').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        Self {
            sequence: message.info().map(|info| info.stream_sequence).unwrap_or_default(),
            publisher: part(),
            name: part(),
            key: part(),
            id: header("ce-id"),
            time: header("ce-time"),
            payload: serde_json::from_slice(&message.payload).unwrap_or(Value::Null),
            headers,
        }
    }
}
