//! The ceiling: how fast messages of the same size, with the same headers, are published and consumed on the same
//! server without any work in between.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_nats::Message;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, stream};
use futures::StreamExt;
use uuid::Uuid;

use super::connect;

/// As many unacknowledged messages as the services of the shop have.
const WINDOW: usize = 1_024;

/// How many of the shop's messages are taken as patterns.
const SAMPLE: u64 = 1_000;

/// Fits into the server's limits beside the streams of the shop, whose sizes are reserved.
const BYTES_MAX: i64 = 1 << 30;

/// How long the consumer waits for a message.
const NO_MESSAGE_MAX: Duration = Duration::from_secs(10);

/// Returns the shop's latest messages.
pub(crate) async fn sample(events: &Stream) -> Result<Vec<Message>> {
    let last = events.get_info().await?.state.last_sequence;
    let config = pull::Config {
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: last.saturating_sub(SAMPLE).max(1) },
        ack_policy: AckPolicy::None,
        ..pull::Config::default()
    };
    let consumer = events.create_consumer(config).await.context("reading the latest messages")?;
    let batch = consumer.fetch().max_messages(usize::try_from(SAMPLE)?).messages().await?;
    let messages: Vec<Message> =
        batch.filter_map(|message| async { message.ok().map(|message| message.message) }).collect().await;
    anyhow::ensure!(!messages.is_empty(), "nothing was published");
    Ok(messages)
}

/// Returns how many messages a second go through a stream with the configuration of EVENTS.
pub(crate) async fn measure(url: String, patterns: Vec<Message>, duration: Duration) -> Result<f64> {
    let (publishing, consuming) = (connect(&url).await?, connect(&url).await?);
    let jetstream = jetstream::new(publishing);
    let events = jetstream.get_stream("EVENTS").await?.cached_info().config.clone();
    let name = "CEILING".to_owned();
    let config = stream::Config { name, subjects: vec!["ceiling.>".into()], max_bytes: BYTES_MAX, ..events };
    jetstream.create_stream(config).await.context("creating a stream for the ceiling")?;
    let stream = jetstream::new(consuming).get_stream("CEILING").await?;
    let config = pull::Config {
        durable_name: Some("ceiling".to_owned()),
        ack_policy: AckPolicy::None,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await?;
    let mut messages = consumer.stream().max_messages_per_batch(WINDOW).messages().await?;

    let begin = Instant::now();
    let publisher = tokio::spawn(publish(jetstream, patterns, duration));
    let mut consumed = 0_u64;
    let mut published = None;
    let mut publisher = Box::pin(publisher);
    while published != Some(consumed) {
        tokio::select! {
            done = &mut publisher, if published.is_none() => published = Some(done??),
            message = tokio::time::timeout(NO_MESSAGE_MAX, messages.next()) => {
                message.context("no message comes any more")?.context("the consumer has ended")??;
                consumed += 1;
            }
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "some millions")]
    Ok(consumed as f64 / begin.elapsed().as_secs_f64())
}

async fn publish(jetstream: jetstream::Context, patterns: Vec<Message>, duration: Duration) -> Result<u64> {
    let kind = |subject: &str| subject.rsplit_once('.').map(|(kind, _)| format!("ceiling.{kind}"));
    let patterns: Vec<_> =
        patterns.into_iter().filter_map(|pattern| Some((kind(&pattern.subject)?, pattern))).collect();
    let (begin, mut window, mut count) = (Instant::now(), VecDeque::with_capacity(WINDOW), 0);
    while begin.elapsed() < duration {
        for (kind, pattern) in &patterns {
            // As in the shop, each message has a subject of its own, which the server keeps track of.
            let subject = format!("{kind}.{}", Uuid::now_v7());
            let headers = pattern.headers.clone().unwrap_or_default();
            window.push_back(jetstream.publish_with_headers(subject, headers, pattern.payload.clone()).await?);
            count += 1;
            if window.len() == WINDOW
                && let Some(oldest) = window.pop_front()
            {
                oldest.await?;
            }
        }
    }
    for acknowledged in window {
        acknowledged.await?;
    }
    Ok(count)
}
