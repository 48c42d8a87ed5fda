//! The messages of one key, read from the stream without a consumer.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;

use super::JetStreamBus;
use super::follow::follow;
use super::link::Link;
use super::stream;
use crate::bus::{BusError, ReadFrom, Stories};
use crate::wire::envelope::Envelope;
use crate::wire::subject::check_key;

#[async_trait]
impl Stories for JetStreamBus {
    async fn story(&self, key: &str, from: u64, limit: usize) -> Result<Vec<(u64, Envelope)>, BusError> {
        check_key(key)?;
        let (subject, from) = (format!("*.*.{key}"), ReadFrom::Sequence(from));
        let link = self.link().await?;
        let read = match stream::read(&link, &link.options.stream, &subject, from, limit).await {
            // The connection may have broken at a message of the story, which is read singly on the next one.
            Err(BusError::Lost(_)) => {
                stream::read(&*self.link().await?, &link.options.stream, &subject, from, limit).await?
            }
            read => read?,
        };
        Ok(read.into_iter().map(|stored| (stored.sequence, stored.envelope)).collect())
    }

    async fn follow(&self, key: &str) -> Result<BoxStream<'static, Envelope>, BusError> {
        check_key(key)?;
        Ok(follow(self.link().await?, key).await?.boxed())
    }
}

impl JetStreamBus {
    /// Returns the connection for stories. All stories share it, and it is replaced once it is lost.
    async fn link(&self) -> Result<Arc<Link>, BusError> {
        let mut kept = self.stories.lock().await;
        if let Some(link) = kept.as_ref().filter(|link| link.pending.lost().is_none()) {
            return Ok(link.clone());
        }
        let link = Link::connect(self.options.clone(), self.suspects.clone()).await?;
        *kept = Some(link.clone());
        Ok(link)
    }
}
