//! The message server as a NATS JetStream server.
//!
//! A connection never reconnects: nothing is sent on it after the first sign that it is lost, because what a client
//! library buffers while it reconnects would arrive behind messages that were published later.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::{Bus, BusError, Connection, Stories};
use link::Link;
use suspects::Suspects;

mod connection;
mod consumers;
mod follow;
mod link;
mod options;
mod pending_replies;
pub(crate) mod planned;
pub(crate) mod progress;
pub(crate) mod protocol;
mod pull_subscription;
mod raw_headers;
pub(crate) mod single_message;
pub(crate) mod stored_messages;
mod stories;
mod stream;
mod suspects;

pub(crate) use options::inbox_prefix;
pub use options::{JetStreamOptions, without_login};

/// A NATS JetStream server. Clones share the connection for stories.
#[derive(Clone)]
pub struct JetStreamBus {
    options: Arc<JetStreamOptions>,
    /// The connection for stories: made when it is first needed, and again once it is lost.
    stories: Arc<Mutex<Option<Arc<Link>>>>,
    suspects: Arc<Suspects>,
}

impl JetStreamBus {
    /// Returns the server without connecting to it.
    pub fn new(options: JetStreamOptions) -> Self {
        Self { options: Arc::new(options), stories: Arc::default(), suspects: Arc::default() }
    }
}

#[async_trait]
impl Bus for JetStreamBus {
    fn check(&self) -> Result<(), BusError> {
        self.options.check()
    }

    async fn connect(&self) -> Result<Box<dyn Connection>, BusError> {
        let link = Link::connect(self.options.clone(), self.suspects.clone()).await?;
        Ok(Box::new(connection::JetStreamConnection::new(link)))
    }

    /// Stories are followed on the subjects of `publishers`: without publishers there are no stories.
    fn stories(&self) -> Option<Arc<dyn Stories>> {
        (!self.options.publishers.is_empty()).then(|| Arc::new(self.clone()) as _)
    }
}
