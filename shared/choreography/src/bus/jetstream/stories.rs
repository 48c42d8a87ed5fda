//! The messages of one key, read from the stream without a consumer.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};

use super::{JetStreamBus, direct, follow, line::Line};
use crate::{
    bus::{BusError, ReadFrom, Stories, subject::single_token},
    envelope::Envelope,
};

#[async_trait]
impl Stories for JetStreamBus {
    async fn story(&self, key: &str, from: u64, limit: usize) -> Result<Vec<(u64, Envelope)>, BusError> {
        let subject = format!("*.*.{}", single_token(key)?);
        let line = self.line().await?;
        told(&line, &subject, from, limit).await
    }

    async fn follow(&self, key: &str) -> Result<BoxStream<'static, Envelope>, BusError> {
        let line = self.line().await?;
        Ok(follow::follow(line, single_token(key)?.to_owned()).await?.boxed())
    }
}

impl JetStreamBus {
    /// The connection for stories: unlike the others it is shared, so a lost one is replaced.
    async fn line(&self) -> Result<Arc<Line>, BusError> {
        let mut kept = self.stories.lock().await;
        if let Some(line) = kept.as_ref().filter(|line| line.fate.known().is_none()) {
            return Ok(line.clone());
        }
        let line = Line::connect(self.options.clone()).await?;
        *kept = Some(line.clone());
        Ok(line)
    }
}

/// The stream's messages of a subject from a sequence on, at most `limit`.
pub(super) async fn told(
    line: &Line,
    subject: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Envelope)>, BusError> {
    let read = direct::read(line, &line.options.stream, subject, ReadFrom::Sequence(from), limit).await?;
    Ok(read.into_iter().map(|stored| (stored.sequence, stored.envelope)).collect())
}
