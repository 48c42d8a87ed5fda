//! A connection with a service's password that tries what the service has no permission for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, HeaderMap, Message};
use shop_tests::Shop;
use testkit::until;

const REPLY_WAIT_MAX: Duration = Duration::from_secs(10);

pub struct Intruder {
    pub user: String,
    pub client: Client,
    refusals: Arc<Mutex<Vec<String>>>,
}

impl Intruder {
    pub async fn with_password_of(shop: &Shop, user: &str) -> Self {
        let refusals: Arc<Mutex<Vec<String>>> = Arc::default();
        let incoming = refusals.clone();
        let options = ConnectOptions::new().event_callback(move |event| {
            let incoming = incoming.clone();
            async move { incoming.lock().unwrap().push(event.to_string()) }
        });
        Self { user: user.to_owned(), client: shop.connect(user, options).await, refusals }
    }

    /// Tries to publish under each subject, and waits until the server has refused every one.
    pub async fn is_refused_to_publish(&self, subjects: &[String]) {
        for subject in subjects {
            let reply = self.client.new_inbox();
            self.client.publish_with_reply(subject.clone(), reply, "{}".into()).await.unwrap();
        }
        self.client.flush().await.unwrap();
        self.expect_refusals("publish", subjects).await;
    }

    /// Tries to subscribe to each subject, and waits until the server has refused every one.
    pub async fn is_refused_to_subscribe(&self, subjects: &[String]) {
        let mut held = Vec::new();
        for subject in subjects {
            held.push(self.client.subscribe(subject.clone()).await.unwrap());
        }
        self.client.flush().await.unwrap();
        self.expect_refusals("subscription", subjects).await;
    }

    async fn expect_refusals(&self, what: &str, subjects: &[String]) {
        until(format_args!("{} to be refused", self.user), REPLY_WAIT_MAX, async || {
            let refusals = self.refusals.lock().unwrap().clone();
            let refused = |subject: &&String| {
                let subject = format!("\"{}\"", subject.to_lowercase());
                refusals.iter().map(|text| text.to_lowercase()).any(|text| {
                    text.contains("permissions violation") && text.contains(what) && text.contains(&subject)
                })
            };
            let taken: Vec<&String> = subjects.iter().filter(|subject| !refused(subject)).collect();
            if taken.is_empty() { Ok(()) } else { Err(format!("not refused: {taken:?}; {refusals:?}")) }
        })
        .await;
    }

    /// Sends a request that it has permission for, and returns the reply.
    pub async fn request(&self, subject: String, headers: HeaderMap, payload: &str) -> Message {
        let reply = self.client.request_with_headers(subject.clone(), headers, payload.to_owned().into()).await;
        reply.unwrap_or_else(|error| {
            panic!("{} requests {subject}: {error}; {:?}", self.user, self.refusals.lock().unwrap())
        })
    }
}
