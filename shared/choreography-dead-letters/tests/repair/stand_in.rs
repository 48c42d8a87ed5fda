//! Does a service's part of a repair: reads all events, acts on the repairs for its service while it has the
//! message as dead with the same number of tries, and publishes a record.

use std::sync::{Arc, Mutex};

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::{Context, Message};
use futures::StreamExt;
use serde_json::Value;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::stage::{Inboxes, Stage};

/// A service that runs until it is dropped.
pub(crate) struct StandIn {
    task: JoinHandle<()>,
    /// The dead letters whose repairs it received, in order, with the outcomes.
    diary: Arc<Mutex<Vec<(u64, &'static str)>>>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StandIn {
    /// Returns the dead letters whose repairs it received, in order, with the outcomes.
    pub(crate) fn diary(&self) -> Vec<(u64, &'static str)> {
        self.diary.lock().unwrap().clone()
    }
}

struct Part {
    service: &'static str,
    jetstream: Context,
    inboxes: Inboxes,
    diary: Arc<Mutex<Vec<(u64, &'static str)>>>,
}

impl Stage {
    /// Starts a service, which reads the stream from the beginning.
    pub(crate) async fn service(&self, service: &'static str) -> StandIn {
        let diary = Arc::new(Mutex::new(Vec::new()));
        let part = Part { service, jetstream: self.jetstream(), inboxes: self.inboxes.clone(), diary: diary.clone() };
        let stream = part.jetstream.get_stream("EVENTS").await.unwrap();
        let consumer = stream.create_consumer(OrderedConfig::default()).await.unwrap();
        let mut messages = consumer.messages().await.unwrap();
        let task = tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                part.receive(&message).await;
            }
        });
        StandIn { task, diary }
    }
}

impl Part {
    async fn receive(&self, message: &Message) {
        let headers = message.headers.clone().unwrap_or_default();
        let header = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        let requests = [("replay", header("dead-replay")), ("drop", header("dead-drop"))];
        let Some((what, mark)) = requests.into_iter().find_map(|(what, mark)| Some((what, mark?))) else { return };
        let [service, tries, dead_letter] = mark.split('/').collect::<Vec<_>>().try_into().unwrap();
        if service != self.service {
            return;
        }
        let (tries, dead_letter): (u32, u64) = (tries.parse().unwrap(), dead_letter.parse().unwrap());
        let (id, payload) = (header("ce-id").unwrap(), serde_json::from_slice(&message.payload).unwrap());
        let outcome = self.outcome(id.parse().unwrap(), tries, what, &payload);
        self.diary.lock().unwrap().push((dead_letter, outcome));
        if outcome == "died" {
            self.die_again(message, headers.clone(), tries + 1).await;
        }
        let mut record = HeaderMap::new();
        for (name, value) in [
            ("handled-what", what),
            ("handled-outcome", outcome),
            ("handled-detail", &format!("{what} received")),
            ("ce-id", &id),
            ("handled-time", "2026-11-20T13:30:00Z"),
        ] {
            record.insert(name, value);
        }
        self.publish(format!("handled.{service}.{dead_letter}"), record, Vec::new()).await;
    }

    fn outcome(&self, id: Uuid, tries: u32, what: &str, payload: &Value) -> &'static str {
        let mut inboxes = self.inboxes.lock().unwrap();
        let key = (self.service.to_owned(), id);
        if inboxes.get(&key) != Some(&tries) {
            return "refused";
        }
        if what == "replay" && payload["replayed"] == "died" && tries == 1 {
            inboxes.insert(key, tries + 1);
            return "died";
        }
        inboxes.remove(&key);
        if what == "replay" && payload["replayed"] == "nothing" { "nothing" } else { "done" }
    }

    async fn die_again(&self, message: &Message, mut headers: HeaderMap, tries: u32) {
        headers.insert("dead-reason", "poison");
        headers.insert("dead-detail", "no better");
        headers.insert("dead-tries", tries.to_string());
        headers.insert("dead-fingerprint", "payment/create-payment/poison/no-better");
        let subject = message.subject.split_once('.').map(|(_, rest)| format!("dead.{}.{rest}", self.service));
        self.publish(subject.unwrap(), headers, message.payload.to_vec()).await;
    }

    async fn publish(&self, subject: String, headers: HeaderMap, payload: Vec<u8>) {
        let published = self.jetstream.publish_with_headers(subject, headers, payload.into()).await;
        // The test may be over, and the server gone.
        if let Ok(acknowledgement) = published {
            let _ = acknowledgement.await;
        }
    }
}
