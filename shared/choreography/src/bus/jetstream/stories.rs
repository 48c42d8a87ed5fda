//! The messages of one key, read from the stream without a consumer.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;

use super::JetStreamBus;
use super::direct;
use super::follow;
use super::link::Link;
use crate::bus::BusError;
use crate::bus::ReadFrom;
use crate::bus::Stories;
use crate::wire::envelope::Envelope;
use crate::wire::subject::check_key;

#[async_trait]
impl Stories for JetStreamBus {
    async fn story(&self, key: &str, from: u64, limit: usize) -> Result<Vec<(u64, Envelope)>, BusError> {
        check_key(key)?;
        let subject = format!("*.*.{key}");
        let link = self.link().await?;
        read_story(&link, &subject, from, limit).await
    }

    async fn follow(&self, key: &str) -> Result<BoxStream<'static, Envelope>, BusError> {
        check_key(key)?;
        let link = self.link().await?;
        Ok(follow::follow(link, key.to_owned()).await?.boxed())
    }
}

impl JetStreamBus {
    /// The connection for stories: unlike the others it is shared, so a lost one is replaced.
    async fn link(&self) -> Result<Arc<Link>, BusError> {
        let mut kept = self.stories.lock().await;
        if let Some(link) = kept.as_ref().filter(|link| link.pending.known().is_none()) {
            return Ok(link.clone());
        }
        let link = Link::connect(self.options.clone()).await?;
        *kept = Some(link.clone());
        Ok(link)
    }
}

/// The stream's messages of a subject from a sequence on, at most `limit`.
pub(super) async fn read_story(
    link: &Link,
    subject: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Envelope)>, BusError> {
    let read = direct::read(link, &link.options.stream, subject, ReadFrom::Sequence(from), limit).await?;
    Ok(read.into_iter().map(|stored| (stored.sequence, stored.envelope)).collect())
}
