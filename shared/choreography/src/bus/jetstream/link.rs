//! One connection to a NATS server that never reconnects, and requests on it.
//!
//! async-nats always reconnects, and then sends later messages although earlier ones were lost with its buffer. Here
//! the second attempt to connect marks the connection as lost and gets no credentials, which ends the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::{Auth, AuthError, Client, ConnectOptions, Event, HeaderMap, Message, PublishErrorKind, Subject};
use bytes::Bytes;
use futures::StreamExt;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

use super::options::{JetStreamOptions, PING_EVERY, without_login};
use super::pending_replies::{Awaited, PendingReplies, ServerReply};
use super::protocol::{self, ApiError};
use super::suspects::Suspects;
use crate::bus::BusError;

/// The most replies that are handed over under one lock.
const REPLIES_AT_ONCE: usize = 256;

/// How often overdue replies are looked for, within the time-out of one.
const SWEEPS_PER_TIMEOUT: u32 = 20;

/// A connection that never reconnects.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) pending: Arc<PendingReplies>,
    pub(super) options: Arc<JetStreamOptions>,
    pub(super) suspects: Arc<Suspects>,
    inbox: String,
    replies: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        // The task holds a handle of the client, which lives as long as any handle.
        self.replies.abort();
        self.pending.close(BusError::Lost("it was dropped".to_owned()));
    }
}

impl Link {
    pub(super) async fn connect(
        options: Arc<JetStreamOptions>,
        suspects: Arc<Suspects>,
    ) -> Result<Arc<Self>, BusError> {
        let pending = Arc::new(PendingReplies::new(options.ack_timeout));
        let client = connect_to_any(&options, &pending).await?;
        let inbox = client.new_inbox();
        let subscriber = client.subscribe(format!("{inbox}.*")).await.map_err(lost)?;
        let replies = tokio::spawn(hand_over(subscriber, pending.clone(), inbox.len() + 1));
        Ok(Arc::new(Self { client, pending, options, suspects, inbox, replies }))
    }

    /// Publishes a message to which the server replies. Returns where the reply is awaited.
    pub(super) async fn send(&self, subject: &str, headers: HeaderMap, payload: Bytes) -> Result<Awaited, BusError> {
        let (number, awaited) = self.pending.expect()?;
        let (subject, reply) = (Subject::from(subject), Subject::from(format!("{}.{number}", self.inbox)));
        let sent = self.client.publish_with_reply_and_headers(subject, reply, headers, payload).await;
        if let Err(error) = sent {
            let reason = match error.kind() {
                PublishErrorKind::MaxPayloadExceeded => BusError::TooLarge(error.to_string()),
                PublishErrorKind::InvalidSubject => BusError::Unsendable(error.to_string()),
                PublishErrorKind::Send => return Err(lost(error)),
            };
            self.pending.deliver(std::iter::once((number, Err(reason))));
        }
        Ok(awaited)
    }

    /// Waits for what the client does, but no longer than the connection lives.
    pub(super) async fn unless_lost<T>(&self, done: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
        tokio::select! {
            biased;
            reason = self.pending.closed() => Err(reason),
            done = done => done,
        }
    }

    /// Sends a request to the JetStream API. Returns its reply.
    pub(super) async fn request<T: DeserializeOwned>(&self, subject: &str, request: Bytes) -> Result<T, ApiError> {
        let awaited = self.send(subject, HeaderMap::new(), request).await?;
        protocol::api_reply(&reply(awaited).await?)
    }
}

/// Waits for a reply.
pub(super) async fn reply(awaited: Awaited) -> Result<ServerReply, BusError> {
    awaited.await.unwrap_or_else(|_| Err(BusError::Lost("it was dropped".to_owned())))
}

/// Returns the error for a connection on which the client failed.
pub(super) fn lost(error: impl std::fmt::Display) -> BusError {
    BusError::Lost(error.to_string())
}

async fn connect_to_any(options: &JetStreamOptions, pending: &Arc<PendingReplies>) -> Result<Client, BusError> {
    let mut failure = BusError::Lost("no address to connect to".to_owned());
    for url in options.urls() {
        match connect_options(options, pending).connect(url).await {
            Ok(client) => return Ok(client),
            Err(error) => {
                // The client's error may quote the address.
                let (shown, error) = (without_login(url), error.to_string().replace(url, &without_login(url)));
                failure = BusError::Lost(format!("connecting to {shown} as {:?}: {error}", options.user));
            }
        }
    }
    Err(failure)
}

fn connect_options(options: &JetStreamOptions, pending: &Arc<PendingReplies>) -> ConnectOptions {
    let mut auth = Auth::new();
    if !options.user.is_empty() {
        (auth.username, auth.password) = (Some(options.user.clone()), Some(options.password.clone()));
    }
    // Attempts are counted where they begin: events are dropped when there are too many of them.
    let attempts = Arc::new(AtomicU64::new(0));
    let counted = attempts.clone();
    let (by_attempt, by_event) = (pending.clone(), pending.clone());
    ConnectOptions::with_auth_callback(move |_| {
        let is_reconnect = attempts.load(Ordering::SeqCst) > 1;
        let auth = auth.clone();
        async move {
            if is_reconnect { Err(AuthError::new("connections do not reconnect: a new one is made")) } else { Ok(auth) }
        }
    })
    .reconnect_delay_callback(move |_| {
        if counted.fetch_add(1, Ordering::SeqCst) > 0 {
            by_attempt.close(BusError::Lost("the server closed it or can't be reached".to_owned()));
        }
        std::time::Duration::ZERO
    })
    .event_callback(move |event| {
        if let Some(reason) = reason_of_loss(&event) {
            by_event.close(reason);
        }
        std::future::ready(())
    })
    .name(&options.service)
    .custom_inbox_prefix(options.inbox_prefix())
    .connection_timeout(options.ack_timeout)
    .ping_interval(PING_EVERY)
    .ignore_discovered_servers()
    // 0 would mean any number.
    .max_reconnects(1)
}

/// Returns why the connection is lost with this event, if it is. A denied permission loses it, too: the server does not
/// name the message, and waiting would only replace its text by a time-out.
fn reason_of_loss(event: &Event) -> Option<BusError> {
    match event {
        Event::ServerError(error) => Some(BusError::Refused(error.to_string())),
        Event::SlowConsumer(_) => {
            Some(BusError::Lost("messages were dropped because they were read too slowly".to_owned()))
        }
        Event::Disconnected => Some(BusError::Lost("the server closed it or can't be reached".to_owned())),
        Event::Closed => Some(BusError::Lost("it was closed".to_owned())),
        _ => None,
    }
}

/// Hands replies to the callers that wait for them, until the connection is lost.
async fn hand_over(subscriber: async_nats::Subscriber, pending: Arc<PendingReplies>, prefix: usize) {
    let mut sweep = tokio::time::interval(pending.timeout() / SWEEPS_PER_TIMEOUT);
    let mut replies = subscriber.ready_chunks(REPLIES_AT_ONCE);
    loop {
        tokio::select! {
            chunk = replies.next() => match chunk {
                Some(chunk) => pending.deliver(chunk.into_iter().filter_map(|message| numbered(message, prefix))),
                None => return pending.close(BusError::Lost("the client stopped".to_owned())),
            },
            _ = sweep.tick() => pending.sweep(),
            _ = pending.closed() => return,
        }
    }
}

fn numbered(message: Message, prefix: usize) -> Option<(u64, Result<ServerReply, BusError>)> {
    let number = message.subject.get(prefix..)?.parse().ok()?;
    Some((number, Ok(ServerReply { status: message.status, payload: message.payload })))
}
