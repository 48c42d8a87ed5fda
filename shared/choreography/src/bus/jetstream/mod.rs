//! The seam on NATS JetStream.
//!
//! Every connection lives once: nothing is written on it after the first sign that it is lost, because what a
//! library buffers while it reconnects arrives behind what was said later.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::{Bus, BusError, Connection, Stories};
use crate::wire::dead_letter::EVENTS;
use link::Link;

mod connection;
mod consumers;
mod direct;
mod follow;
mod link;
mod pending_replies;
pub(crate) mod protocol;
mod pull_subscription;
mod stories;

/// How a service reaches its stream.
#[derive(Debug, Clone)]
pub struct JetStreamOptions {
    /// `nats://host:port`; several, separated by commas, are tried one after the other.
    pub url: String,
    /// The user; empty for a server without users. Replies come to `_INBOX_<user>.>`, the only subjects that it
    /// may need to subscribe to.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// The service's name, which the server shows beside the connection.
    pub service: String,
    /// The stream of events.
    pub stream: String,
    /// Who says messages: whose subjects a story is followed on. Only for [`Stories`](super::Stories).
    pub publishers: Vec<String>,
    /// How long the server may take to answer or to acknowledge, and to let us connect.
    pub ack_timeout: Duration,
    /// How often the server says on an idle pull that it is alive; after two of them without a word it is lost.
    pub heartbeat: Duration,
}

impl JetStreamOptions {
    /// The stream `EVENTS` without a user, five seconds for an answer and between heartbeats.
    pub fn new(url: impl Into<String>, service: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            user: String::new(),
            password: String::new(),
            service: service.into(),
            stream: EVENTS.to_owned(),
            publishers: Vec::new(),
            ack_timeout: Duration::from_secs(5),
            heartbeat: Duration::from_secs(5),
        }
    }

    /// The prefix of the subjects that replies come to.
    fn inbox_prefix(&self) -> String {
        inbox_prefix(if self.user.is_empty() { &self.service } else { &self.user })
    }
}

/// Returns the prefix of the subjects that a user's replies come to.
pub(crate) fn inbox_prefix(user: &str) -> String {
    format!("_INBOX_{user}")
}

/// The defaults for a server at this URL; a service gives its name when it starts.
impl From<&str> for JetStreamOptions {
    fn from(url: &str) -> Self {
        Self::new(url, "")
    }
}

/// The defaults for a server at this URL; a service gives its name when it starts.
impl From<String> for JetStreamOptions {
    fn from(url: String) -> Self {
        Self::new(url, "")
    }
}

/// The server of a JetStream stream.
#[derive(Clone)]
pub struct JetStreamBus {
    options: Arc<JetStreamOptions>,
    /// The connection that stories are read on: made when first needed and again once it is lost.
    stories: Arc<Mutex<Option<Arc<Link>>>>,
}

impl JetStreamBus {
    /// Connects to nothing yet.
    pub fn new(options: JetStreamOptions) -> Self {
        Self { options: Arc::new(options), stories: Arc::default() }
    }
}

#[async_trait]
impl Bus for JetStreamBus {
    async fn connect(&self) -> Result<Box<dyn Connection>, BusError> {
        let link = Link::connect(self.options.clone()).await?;
        Ok(Box::new(connection::JetStreamConnection::new(link)))
    }

    /// Stories are followed on the subjects of `publishers`: without publishers there are none.
    fn stories(&self) -> Option<Arc<dyn Stories>> {
        (!self.options.publishers.is_empty()).then(|| Arc::new(self.clone()) as _)
    }
}
