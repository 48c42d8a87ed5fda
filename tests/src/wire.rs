//! Messages on the server: reading those about an order, and publishing some by hand with the headers of a service.

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use futures::StreamExt;
use serde_json::{Value, json};
use testkit::until;
use uuid::Uuid;

use crate::orders::Request;
use crate::shop::{PATIENCE, Shop};

/// A message in the stream.
#[derive(Debug, Clone)]
pub struct StoredMessage {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// The service that published it.
    pub publisher: String,
    /// The name of the message.
    pub name: String,
    /// The id of the order.
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

/// Returns the headers of a message about an order, as a service publishes it.
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
        // The first and only message of an outbox of its own.
        ("ce-outbox", Uuid::now_v7().to_string()),
        ("ce-number", "1".to_owned()),
    ] {
        headers.insert(header, value);
    }
    headers
}

impl Shop {
    /// Publishes a message by hand, as a service would have published it.
    pub async fn publish_as(&self, publisher: &str, name: &str, key: &str, payload: &Value) {
        let headers = headers(publisher, name, key);
        let id = headers.get("ce-id").map(|id| id.as_str().to_owned());
        self.published_by_hand.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(id);
        self.publish(format!("{publisher}.{name}.{key}"), headers, payload.to_string()).await;
    }

    /// Publishes a message again, with the same headers.
    pub async fn publish_again(&self, message: &StoredMessage) {
        let subject = format!("{}.{}.{}", message.publisher, message.name, message.key);
        self.publish(subject, message.headers.clone(), message.payload.to_string()).await;
    }

    /// Publishes anything as the admin user, and waits for the acknowledgement of the stream.
    ///
    /// # Panics
    /// When the stream refuses it.
    pub async fn publish(&self, subject: String, headers: HeaderMap, payload: impl Into<String>) {
        let jetstream = self.jetstream().await;
        let acknowledged = jetstream.publish_with_headers(subject, headers, payload.into().into()).await;
        acknowledged.expect("the server is there").await.expect("the stream accepts it");
    }

    /// Returns all messages about an order, in order.
    ///
    /// # Panics
    /// When the stream cannot be read.
    pub async fn story(&self, key: &str) -> Vec<StoredMessage> {
        self.published(&format!("*.*.{key}")).await
    }

    /// Returns all messages under a subject, in order.
    ///
    /// # Panics
    /// When the stream cannot be read.
    pub async fn published(&self, filter: &str) -> Vec<StoredMessage> {
        let stream = self.jetstream().await.get_stream("EVENTS").await.expect("the stream is there");
        let config =
            pull::Config { filter_subject: filter.to_owned(), ack_policy: AckPolicy::None, ..pull::Config::default() };
        let mut consumer = stream.create_consumer(config).await.expect("the admin may create a consumer");
        let mut left = consumer.info().await.expect("the consumer is there").num_pending;
        let mut messages = Vec::new();
        while left > 0 {
            let mut batch = consumer.fetch().max_messages(500).messages().await.expect("the messages arrive");
            while let Some(message) = batch.next().await {
                let message = message.expect("a message arrives");
                left = message.info().expect("a JetStream message has its position").pending;
                messages.push(StoredMessage::read(&message));
            }
        }
        let _ = stream.delete_consumer(&consumer.cached_info().name).await;
        messages
    }

    /// Waits until a message about an order is published, and returns it.
    ///
    /// # Panics
    /// When it is not published.
    pub async fn expect_published(&self, publisher: &str, name: &str, key: &str) -> StoredMessage {
        until(format_args!("{publisher}.{name}.{key} to be published"), PATIENCE, async || {
            let story = self.story(key).await;
            let found = story.iter().find(|message| message.publisher == publisher && message.name == name).cloned();
            found.ok_or_else(|| format!("{:?}", names(&story)))
        })
        .await
    }

    /// Returns the publishers and names of the messages about an order, in order.
    pub async fn story_names(&self, key: &str) -> Vec<String> {
        names(&self.story(key).await)
    }

    /// Returns how many different messages of a name were published about an order: one that was published twice counts
    /// once.
    pub async fn count_published(&self, publisher: &str, name: &str, key: &str) -> usize {
        let story = self.published(&format!("{publisher}.{name}.{key}")).await;
        story.iter().map(|message| &message.id).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Waits until every service has received all messages published until now: it has, when it has received one that
    /// was published after them.
    ///
    /// # Panics
    /// When one of them does not.
    pub async fn expect_all_received(&self) {
        let id = Uuid::now_v7().to_string();
        let compensation = json!({"order_id": id, "reason": "failed"});
        self.publish_as("order", "cancel-delivery", &id, &compensation).await;
        let reply = self.post("order", "/orders", &Request::new("unicorn", 1, "north").body).await;
        let order = reply.body["id"].as_str().unwrap_or_else(|| panic!("no order: {reply:?}"));
        // The first goes through delivery and payment; the second through inventory, order, payment and notify.
        self.expect_published("payment", "cancel-order", &id).await;
        self.expect_published("notify", "customer-notified", order).await;
    }
}

fn names(story: &[StoredMessage]) -> Vec<String> {
    story.iter().map(|message| format!("{}.{}", message.publisher, message.name)).collect()
}

impl StoredMessage {
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
