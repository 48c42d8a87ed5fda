//! One connection to a NATS server that lives once, and what is asked on it.
//!
//! async-nats always reconnects, and then sends what was said later before what was lost with its buffer. Here the
//! second attempt to connect marks the connection as lost and is refused its credentials, which ends the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::{Auth, AuthError, Client, ConnectOptions, Event, HeaderMap, Message, PublishErrorKind, Subject};
use bytes::Bytes;
use futures::StreamExt;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

use super::JetStreamOptions;
use super::pending_replies::{Awaited, PendingReplies, Reply};
use super::protocol;
use crate::bus::BusError;

/// Replies that are handed over under one lock.
const REPLIES_AT_ONCE: usize = 256;

/// How many times within the time-out overdue replies are looked for.
const SWEEPS_PER_TIMEOUT: u32 = 20;

/// A connection that lives once.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) pending: Arc<PendingReplies>,
    pub(super) options: Arc<JetStreamOptions>,
    inbox: String,
    replies: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        // The task holds a handle on the client, which lives as long as there is one.
        self.replies.abort();
        self.pending.close(BusError::Lost("it was dropped".to_owned()));
    }
}

impl Link {
    pub(super) async fn connect(options: Arc<JetStreamOptions>) -> Result<Arc<Self>, BusError> {
        let pending = Arc::new(PendingReplies::new(options.ack_timeout));
        let client = connect_to_any(&options, &pending).await?;
        let inbox = client.new_inbox();
        let subscriber = client.subscribe(format!("{inbox}.*")).await.map_err(lost)?;
        let replies = tokio::spawn(hand_over(subscriber, pending.clone(), inbox.len() + 1));
        Ok(Arc::new(Self { client, pending, options, inbox, replies }))
    }

    /// Publishes and takes a number for the reply.
    pub(super) async fn send(&self, subject: &str, headers: HeaderMap, payload: Bytes) -> Result<Awaited, BusError> {
        let (number, awaited) = self.pending.expect()?;
        let (subject, reply) = (Subject::from(subject), Subject::from(format!("{}.{number}", self.inbox)));
        let sent = self.client.publish_with_reply_and_headers(subject, reply, headers, payload).await;
        if let Err(error) = sent {
            let reason = match error.kind() {
                PublishErrorKind::MaxPayloadExceeded => BusError::TooLarge(error.to_string()),
                PublishErrorKind::InvalidSubject => BusError::Refused(error.to_string()),
                PublishErrorKind::Send => return Err(lost(error)),
            };
            self.pending.reply_body(std::iter::once((number, Err(reason))));
        }
        Ok(awaited)
    }

    /// Asks the JetStream API.
    pub(super) async fn ask<T: DeserializeOwned>(&self, subject: &str, request: Bytes) -> Result<T, Refusal> {
        let awaited = self.send(subject, HeaderMap::new(), request).await?;
        protocol::reply_body(&reply(awaited).await?)
    }
}

/// Why the API did not do it; the code is the server's own, 0 if it gave none.
/// <https://github.com/nats-io/nats-server/blob/main/server/errors.json>
pub(super) struct Refusal {
    pub(super) code: u64,
    pub(super) reason: BusError,
}

impl From<BusError> for Refusal {
    fn from(reason: BusError) -> Self {
        Self { code: 0, reason }
    }
}

/// What was answered.
pub(super) async fn reply(awaited: Awaited) -> Result<Reply, BusError> {
    awaited.await.unwrap_or_else(|_| Err(BusError::Lost("it was dropped".to_owned())))
}

pub(super) fn lost(error: impl std::fmt::Display) -> BusError {
    BusError::Lost(error.to_string())
}

async fn connect_to_any(options: &JetStreamOptions, pending: &Arc<PendingReplies>) -> Result<Client, BusError> {
    let mut failure = BusError::Lost("no address to connect to".to_owned());
    for url in options.url.split(',').filter(|url| !url.is_empty()) {
        match connect_options(options, pending).connect(url).await {
            Ok(client) => return Ok(client),
            Err(error) => failure = BusError::Lost(format!("connecting to {url} as {:?}: {error}", options.user)),
        }
    }
    Err(failure)
}

fn connect_options(options: &JetStreamOptions, pending: &Arc<PendingReplies>) -> ConnectOptions {
    let mut auth = Auth::new();
    if !options.user.is_empty() {
        (auth.username, auth.password) = (Some(options.user.clone()), Some(options.password.clone()));
    }
    // Counted where the attempt begins: events can be dropped when too many of them come, this can't.
    let attempts = Arc::new(AtomicU64::new(0));
    let counted = attempts.clone();
    let (by_attempt, by_event) = (pending.clone(), pending.clone());
    ConnectOptions::with_auth_callback(move |_| {
        let again = attempts.load(Ordering::SeqCst) > 1;
        let auth = auth.clone();
        async move { if again { Err(AuthError::new("a connection lives once: a new one is made")) } else { Ok(auth) } }
    })
    .reconnect_delay_callback(move |_| {
        if counted.fetch_add(1, Ordering::SeqCst) > 0 {
            by_attempt.close(BusError::Lost("the server closed it or can't be reached".to_owned()));
        }
        std::time::Duration::ZERO
    })
    .event_callback(move |event| {
        if let Some(reason) = deadly(&event) {
            by_event.close(reason);
        }
        std::future::ready(())
    })
    .name(&options.service)
    .custom_inbox_prefix(options.inbox_prefix())
    .connection_timeout(options.ack_timeout)
    .ping_interval(options.heartbeat)
    .ignore_discovered_servers()
    // 0 would mean for ever.
    .max_reconnects(1)
}

/// What an event means for the connection. A refused permission kills it: the server does not say which message it
/// means, and waiting would only turn its text into a time-out.
fn deadly(event: &Event) -> Option<BusError> {
    match event {
        Event::ServerError(error) => Some(BusError::Refused(error.to_string())),
        Event::SlowConsumer(_) => Some(BusError::Lost("messages were dropped: they were read too slowly".to_owned())),
        Event::Disconnected => Some(BusError::Lost("the server closed it or can't be reached".to_owned())),
        Event::Closed => Some(BusError::Lost("it was closed".to_owned())),
        _ => None,
    }
}

/// Hands replies to those who wait for them, until the connection is lost.
async fn hand_over(subscriber: async_nats::Subscriber, pending: Arc<PendingReplies>, prefix: usize) {
    let mut sweep = tokio::time::interval(pending.timeout() / SWEEPS_PER_TIMEOUT);
    let mut replies = subscriber.ready_chunks(REPLIES_AT_ONCE);
    loop {
        tokio::select! {
            chunk = replies.next() => match chunk {
                Some(chunk) => pending.reply_body(chunk.into_iter().filter_map(|message| numbered(message, prefix))),
                None => return pending.close(BusError::Lost("the client stopped".to_owned())),
            },
            _ = sweep.tick() => pending.sweep(),
            _ = pending.closed() => return,
        }
    }
}

fn numbered(message: Message, prefix: usize) -> Option<(u64, Result<Reply, BusError>)> {
    let number = message.subject.get(prefix..)?.parse().ok()?;
    Some((number, Ok(Reply { status: message.status, payload: message.payload })))
}
