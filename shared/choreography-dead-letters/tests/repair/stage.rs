//! A server with the two streams, and dead letters written as services write them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_nats::jetstream::{self, Context, message::StreamMessage};
use async_nats::{Client, ConnectOptions, HeaderMap};
use choreography::Clock;
use choreography::provision::{Plan, StreamPlan, provision};
use serde_json::{Value, json};
use testkit::{NatsServer, World, workspace};
use uuid::Uuid;

/// The operator's password; not the default, so that a test notices if it is not read.
pub(crate) const PASSWORD: &str = "letters-admin";

const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The tries of dead messages in the services' inboxes, by service and id.
pub(crate) type Inboxes = Arc<Mutex<HashMap<(String, Uuid), u32>>>;

/// A server of its own for each test.
pub(crate) struct Stage {
    // The process ends with the world.
    _world: World,
    pub(crate) nats: NatsServer,
    pub(crate) admin: Client,
    pub(crate) inboxes: Inboxes,
    pub(crate) clock: Clock,
}

/// How a message dies; most of it has defaults.
pub(crate) struct Death<'a> {
    pub(crate) service: &'static str,
    pub(crate) message: &'static str,
    pub(crate) order: &'a str,
    pub(crate) reason: &'static str,
    pub(crate) class: &'static str,
    /// The outcome when it is replayed; the stand-in reads it from the payload.
    pub(crate) replayed: &'static str,
}

impl Default for Death<'_> {
    fn default() -> Self {
        let (service, message, order) = ("payment", "create-payment", "o1");
        Self { service, message, order, reason: "poison", class: "panicked-the-ink-ran-out", replayed: "done" }
    }
}

impl Death<'_> {
    pub(crate) fn fingerprint(&self) -> String {
        format!("{}/{}/{}/{}", self.service, self.message, self.reason, self.class)
    }
}

/// Returns the headers of a message that services recognize.
fn headers(message: &str, order: &str, id: Uuid) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", &id.to_string()),
        ("ce-source", "inventory"),
        ("ce-type", &format!("shop.{message}.v1")),
        ("ce-time", "2026-11-20T13:16:30Z"),
        ("ce-subject", order),
        ("ce-datacontenttype", "application/json"),
        ("ce-correlationid", order),
        ("ce-causationid", &id.to_string()),
        ("traceparent", &format!("00-{}-{:016x}-01", id.simple(), id.as_u64_pair().1)),
    ] {
        headers.insert(name, value);
    }
    headers
}

impl Stage {
    /// Starts a server with both streams.
    pub(crate) async fn new() -> Self {
        let stage = Self::without_streams().await;
        let subjects = ["order", "inventory", "payment", "notify"].map(|service| format!("{service}.*.*")).into();
        let streams = vec![StreamPlan::events(subjects), StreamPlan::dead_letters()];
        let plan = Plan { streams, ..Plan::default() }.events_bytes_max(BYTES_MAX).dead_letters_bytes_max(BYTES_MAX);
        provision(&stage.admin, &plan).await.unwrap();
        stage
    }

    /// Starts a server without streams.
    pub(crate) async fn without_streams() -> Self {
        let world = World::new("letters").unwrap();
        let nats = NatsServer::start(&world, &passwords()).unwrap();
        let options = ConnectOptions::with_user_and_password("admin".to_owned(), PASSWORD.to_owned());
        let admin = options.connect(nats.url()).await.unwrap();
        Self { _world: world, nats, admin, inboxes: Arc::default(), clock: Clock::system() }
    }

    pub(crate) fn jetstream(&self) -> Context {
        jetstream::new(self.admin.clone())
    }

    /// Publishes a message, and returns its sequence.
    pub(crate) async fn publish(&self, subject: String, headers: HeaderMap, payload: &Value) -> u64 {
        let published = self.jetstream().publish_with_headers(subject, headers, payload.to_string().into()).await;
        published.unwrap().await.unwrap().sequence
    }

    /// Publishes an event of an order, and returns its sequence.
    pub(crate) async fn publish_event(&self, message: &str, order: &str) -> u64 {
        let headers = headers(message, order, self.clock.new_id());
        self.publish(format!("inventory.{message}.{order}"), headers, &json!({})).await
    }

    /// Publishes an event and its dead letter, and returns the sequence of the dead letter.
    pub(crate) async fn die(&self, death: Death<'_>) -> u64 {
        let id = self.clock.new_id();
        let headers = headers(death.message, death.order, id);
        let payload = json!({ "replayed": death.replayed });
        let event =
            self.publish(format!("inventory.{}.{}", death.message, death.order), headers.clone(), &payload).await;
        self.inboxes.lock().unwrap().insert((death.service.to_owned(), id), 1);
        self.publish_dead_letter(&death, headers, event, 1, &payload).await
    }

    /// Publishes a dead letter, and returns its sequence.
    pub(crate) async fn publish_dead_letter(
        &self,
        death: &Death<'_>,
        mut headers: HeaderMap,
        event: u64,
        tries: u32,
        payload: &Value,
    ) -> u64 {
        for (name, value) in [
            ("dead-reason", death.reason),
            ("dead-detail", &death.class.replace('-', " ")),
            ("dead-tries", &tries.to_string()),
            ("dead-sequence", &event.to_string()),
            ("dead-fingerprint", &death.fingerprint()),
            ("dead-time", &self.clock.now().to_string()),
        ] {
            headers.insert(name, value);
        }
        self.publish(format!("dead.{}.{}.{}", death.service, death.message, death.order), headers, payload).await
    }

    /// Publishes a notice that a message is overdue, and returns its sequence.
    pub(crate) async fn notice(&self, message: &str) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert("dead-reason", "overdue");
        headers.insert("dead-detail", "payment-0 is 12 messages behind");
        self.publish(format!("dead.inventory.{message}.overdue"), headers, &json!({})).await
    }

    /// Returns the events that are replays or drops.
    pub(crate) async fn repairs(&self) -> Vec<StreamMessage> {
        let mut events = self.stored("EVENTS").await;
        events.retain(|event| event.headers.get("dead-replay").or(event.headers.get("dead-drop")).is_some());
        events
    }

    /// Returns all messages of a stream.
    pub(crate) async fn stored(&self, stream: &str) -> Vec<StreamMessage> {
        let mut stream = self.jetstream().get_stream(stream).await.unwrap();
        let last = stream.info().await.unwrap().state.last_sequence;
        let mut stored = Vec::new();
        for sequence in 1..=last {
            let mut message = stream.direct_get(sequence).await.unwrap();
            let headers = message.headers.iter();
            // The server's own headers are no part of the message.
            let own = headers.filter(|(name, _)| !name.to_string().starts_with("Nats-"));
            message.headers = own.map(|(name, values)| (name.clone(), values[0].clone())).collect();
            stored.push(message);
        }
        stored
    }
}

/// Returns the passwords that `nats.conf` reads from the environment.
fn passwords() -> Vec<(String, String)> {
    let conf = std::fs::read_to_string(workspace().join("nats.conf")).unwrap();
    let words = conf.split(|character: char| !character.is_ascii_alphanumeric() && !"_$".contains(character));
    let names = words.filter_map(|word| word.strip_prefix('$').filter(|name| name.ends_with("_PASSWORD")));
    names.map(|name| (name.to_owned(), PASSWORD.to_owned())).collect()
}
