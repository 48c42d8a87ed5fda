//! The callers that wait for a reply on a connection, and whether the connection is lost.
//!
//! A connection is lost once, for the first reason that is seen; from then on nothing may be sent on it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_nats::StatusCode;
use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::bus::BusError;

/// A reply of the server.
pub(super) struct ServerReply {
    /// The server's status: 503 when nobody serves the subject.
    pub(super) status: Option<StatusCode>,
    /// The payload.
    pub(super) payload: Bytes,
}

/// Where a reply is awaited.
pub(super) type Awaited = oneshot::Receiver<Result<ServerReply, BusError>>;

struct Waiting {
    deadline: Instant,
    sender: oneshot::Sender<Result<ServerReply, BusError>>,
}

/// The callers that wait, numbered in the order of their requests, so that the first one is always the oldest.
#[derive(Default)]
struct Callers {
    first: u64,
    waiting: VecDeque<Option<Waiting>>,
    lost: Option<BusError>,
}

/// The pending replies of one connection.
pub(super) struct PendingReplies {
    callers: Mutex<Callers>,
    lost: watch::Sender<Option<BusError>>,
    timeout: Duration,
}

impl PendingReplies {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { callers: Mutex::default(), lost: watch::Sender::new(None), timeout }
    }

    fn callers(&self) -> MutexGuard<'_, Callers> {
        self.callers.lock().expect("nothing panics while it holds the lock")
    }

    /// Marks the connection as lost. All callers that wait get the reason; only the first reason counts.
    pub(super) fn close(&self, reason: BusError) {
        let mut callers = self.callers();
        if callers.lost.is_some() {
            return;
        }
        callers.lost = Some(reason.clone());
        for waiting in callers.waiting.drain(..).flatten() {
            _ = waiting.sender.send(Err(reason.clone()));
        }
        drop(callers);
        self.lost.send_replace(Some(reason));
    }

    /// Returns why the connection is lost, if it is.
    pub(super) fn lost(&self) -> Option<BusError> {
        self.lost.borrow().clone()
    }

    /// Waits until the connection is lost. Returns why.
    pub(super) async fn closed(&self) -> BusError {
        let mut lost = self.lost.subscribe();
        let reason = lost.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        reason.unwrap_or_else(|| BusError::Lost("it was dropped".to_owned()))
    }

    /// Assigns the number of the next reply. Returns it, and where the reply is awaited.
    ///
    /// # Errors
    /// [`BusError::Lost`] when the connection is lost.
    pub(super) fn expect(&self) -> Result<(u64, Awaited), BusError> {
        let mut callers = self.callers();
        if let Some(BusError::Lost(reason) | BusError::Refused(reason) | BusError::TooLarge(reason)) = &callers.lost {
            return Err(BusError::Lost(reason.clone()));
        }
        let (sender, awaited) = oneshot::channel();
        callers.waiting.push_back(Some(Waiting { deadline: Instant::now() + self.timeout, sender }));
        Ok((callers.first + callers.waiting.len() as u64 - 1, awaited))
    }

    /// Hands replies to the callers that wait for them. A reply that nobody waits for is late, and ignored.
    pub(super) fn deliver(&self, replies: impl Iterator<Item = (u64, Result<ServerReply, BusError>)>) {
        let mut callers = self.callers();
        for (number, reply) in replies {
            if let Some(waiting) = callers.take(number) {
                _ = waiting.sender.send(reply);
            }
        }
    }

    /// Fails the callers whose replies are overdue.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let mut callers = self.callers();
        while callers.waiting.front().and_then(Option::as_ref).is_some_and(|oldest| oldest.deadline <= now) {
            let number = callers.first;
            if let Some(overdue) = callers.take(number) {
                let hint = "a server whose disk was full replies only after a restart";
                _ = overdue.sender.send(Err(BusError::Lost(format!("no reply within {:?} ({hint})", self.timeout))));
            }
        }
    }

    /// Returns how long a reply may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl Callers {
    fn take(&mut self, number: u64) -> Option<Waiting> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let waiting = self.waiting.get_mut(index)?.take();
        while let Some(None) = self.waiting.front() {
            self.waiting.pop_front();
            self.first += 1;
        }
        waiting
    }
}
