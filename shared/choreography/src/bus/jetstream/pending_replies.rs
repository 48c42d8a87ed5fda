//! What becomes of a connection, and of everything that still waits for a reply on it.
//!
//! A connection is lost once, for the first reason that is seen; from then on nothing may be written on it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_nats::StatusCode;
use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::bus::BusError;

/// What came back.
pub(super) struct Reply {
    /// What the server says itself: 503 when nobody serves the subject.
    pub(super) status: Option<StatusCode>,
    /// The answer.
    pub(super) payload: Bytes,
}

/// Where a reply is awaited.
pub(super) type Awaited = oneshot::Receiver<Result<Reply, BusError>>;

struct Waiting {
    deadline: Instant,
    reply_body: oneshot::Sender<Result<Reply, BusError>>,
}

/// Who waits for which reply: numbered in the order of asking, so that the front is always the oldest.
#[derive(Default)]
struct Table {
    first: u64,
    waiting: VecDeque<Option<Waiting>>,
    lost: Option<BusError>,
}

/// The fate of one connection.
pub(super) struct PendingReplies {
    table: Mutex<Table>,
    lost: watch::Sender<Option<BusError>>,
    timeout: Duration,
}

impl PendingReplies {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { table: Mutex::default(), lost: watch::Sender::new(None), timeout }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("nothing panics while it holds the table")
    }

    /// The connection is lost: whoever waits for a reply gets the reason. Only the first reason counts.
    pub(super) fn close(&self, reason: BusError) {
        let mut table = self.table();
        if table.lost.is_some() {
            return;
        }
        table.lost = Some(reason.clone());
        for waiting in table.waiting.drain(..).flatten() {
            _ = waiting.reply_body.send(Err(reason.clone()));
        }
        drop(table);
        self.lost.send_replace(Some(reason));
    }

    /// Why the connection is lost, if it is.
    pub(super) fn known(&self) -> Option<BusError> {
        self.lost.borrow().clone()
    }

    /// Waits until the connection is lost.
    pub(super) async fn closed(&self) -> BusError {
        let mut lost = self.lost.subscribe();
        let reason = lost.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        reason.unwrap_or_else(|| BusError::Lost("it was dropped".to_owned()))
    }

    /// Takes a number for the next reply.
    ///
    /// # Errors
    /// `Lost` when the connection is lost.
    pub(super) fn expect(&self) -> Result<(u64, Awaited), BusError> {
        let mut table = self.table();
        if let Some(BusError::Lost(reason) | BusError::Refused(reason) | BusError::TooLarge(reason)) = &table.lost {
            return Err(BusError::Lost(reason.clone()));
        }
        let (reply_body, awaited) = oneshot::channel();
        table.waiting.push_back(Some(Waiting { deadline: Instant::now() + self.timeout, reply_body }));
        Ok((table.first + table.waiting.len() as u64 - 1, awaited))
    }

    /// Hands the replies to those who wait for them; a number that nobody waits for is late.
    pub(super) fn reply_body(&self, replies: impl Iterator<Item = (u64, Result<Reply, BusError>)>) {
        let mut table = self.table();
        for (number, reply) in replies {
            if let Some(waiting) = table.take(number) {
                _ = waiting.reply_body.send(reply);
            }
        }
    }

    /// Gives up the replies that are overdue.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let mut table = self.table();
        while table.waiting.front().and_then(Option::as_ref).is_some_and(|oldest| oldest.deadline <= now) {
            let number = table.first;
            if let Some(overdue) = table.take(number) {
                _ = overdue.reply_body.send(Err(BusError::Lost(format!("no answer within {:?}", self.timeout))));
            }
        }
    }

    /// How long a reply may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl Table {
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
