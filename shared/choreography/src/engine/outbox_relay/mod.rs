//! The outbox relay: publishes outgoing messages in the order of their numbers, with a bounded window of unacknowledged
//! ones. Messages that a circuit holds wait in a lane; the others pass them.
//!
//! A connection is used once: after any failure it is dropped, and publishing starts again at the oldest row that is
//! not acknowledged. A row is kept until the server can't lose it any more.

mod held;
mod lanes;
mod numbers;
mod pace;
mod progress;
mod window;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::bus::{Bus, BusError, Connection, Stream};
use crate::clock::until;
use crate::engine::shared::Shared;
use crate::settings::{OUTBOX_LOOKS_EVERY, Settings, WINDOW_MAX};
use crate::store::{OutboxRow, Store};
pub(crate) use held::HeldRows;
use held::message_of;
pub(crate) use pace::Paces;
pub(crate) use progress::RelayProgress;
use window::Window;

/// The pause before a new connection, after one was lost or the server refused a message.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// How long a stopping service waits until its last messages are acknowledged.
const FINISH_MAX: Duration = Duration::from_secs(2);

pub(crate) struct OutboxRelay {
    pub store: Arc<dyn Store>,
    pub bus: Arc<dyn Bus>,
    pub shared: Shared,
    pub settings: Settings,
    /// The rows that batches have committed, without a round trip to the database.
    pub committed: mpsc::Receiver<Vec<OutboxRow>>,
    pub progress: RelayProgress,
    pub held: HeldRows,
    pub paces: Paces,
    /// The names of the messages that have circuits.
    pub circuit_messages: Arc<BTreeSet<&'static str>>,
}

impl OutboxRelay {
    /// Publishes while this instance leads, until the service stops.
    pub(crate) async fn run(mut self) {
        let Shared { leadership, stopping, health, .. } = self.shared.clone();
        loop {
            let term = tokio::select! {
                biased;
                () = stopping.begun() => return,
                term = leadership.leading() => term,
            };
            let ended = tokio::select! {
                biased;
                () = leadership.interrupted(term) => Ok(()),
                ended = self.publish() => ended,
            };
            match ended {
                Ok(()) if stopping.has_begun() => return,
                Ok(()) => {}
                Err(problem) => {
                    health.publishing(Err(problem));
                    tokio::select! {
                        biased;
                        () = stopping.begun() => return,
                        () = tokio::time::sleep(RETRY_PAUSE) => {}
                    }
                }
            }
        }
    }

    /// Publishes on one connection, until it is lost or the service stops.
    async fn publish(&mut self) -> Result<(), String> {
        let connection = self.bus.connect().await.map_err(|error| error.to_string())?;
        let head = self.store.head().await.map_err(|error| error.to_string())?;
        self.progress.connected_to(connection.server_id());
        let connection = connection.as_ref();
        let (circuit_messages, clock) = (self.circuit_messages.clone(), self.settings.clock.clone());
        let snapshot = self.shared.breaker.current();
        let mut window = Window::new(connection, self.progress.next(), snapshot, &circuit_messages, clock);
        let more = self.catch_up(&mut window).await?;
        if window.ready.is_empty() {
            window.next = window.next.max(head.outbox_next);
        }
        self.progress.begin_at(window.next);
        self.shared.outbox.set_acknowledged(self.progress.count());
        self.publish_window(&mut window, more).await
    }

    /// Publishes the rows of a window, and those that are committed or read from the database meanwhile. `more` is
    /// whether the database has rows that are not in the window.
    async fn publish_window(&mut self, window: &mut Window<'_>, mut more: bool) -> Result<(), String> {
        let (connection, stopping) = (window.connection, self.shared.stopping.clone());
        let mut breaker = self.shared.breaker.subscribe();
        window.breaker = breaker.borrow_and_update().clone();
        let mut looks = tokio::time::interval(OUTBOX_LOOKS_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            window.send(&self.progress, &mut self.held, &mut self.paces).await.map_err(|error| error.to_string())?;
            if window.ready.is_empty() && more {
                more = self.catch_up(window).await?;
                continue;
            }
            if let Some((message, from)) = window.lanes.to_refill(&window.breaker) {
                self.refill(window, &message, from).await?;
                continue;
            }
            if window.outstanding.is_empty() {
                self.shared.health.publishing(Ok(()));
            }
            let now = self.settings.clock.now();
            let due = window.lanes.due(&window.breaker).filter(|_| window.outstanding.len() < WINDOW_MAX);
            // In this order nothing is starved: what is rare, then what timers bound, then rows, which batches bound,
            // and last acknowledgements, which may arrive without a pause. Those that arrived before the connection was
            // lost still count.
            tokio::select! {
                biased;
                () = stopping.begun() => return self.finish(window).await,
                _ = breaker.changed() => window.breaker = breaker.borrow_and_update().clone(),
                () = tokio::time::sleep(due.map_or(Duration::ZERO, |due| until(now, due))), if due.is_some() => {}
                _ = looks.tick() => {
                    if window.ready.is_empty() {
                        more = self.catch_up(window).await?;
                    }
                    self.check_alive(connection).await?;
                }
                Some(rows) = self.committed.recv() => window.take(rows),
                acknowledged = window.acknowledged(), if !window.outstanding.is_empty() => {
                    acknowledged.map_err(|error| error.to_string())?;
                    self.note_acknowledged(window);
                    self.shared.outbox.set_acknowledged(self.progress.count());
                    self.shared.health.publishing(Ok(()));
                }
                lost = connection.lost() => return Err(lost),
            }
        }
    }

    /// Reads from the database the rows that no batch of this instance has sent here: those from before a new
    /// connection, and those of other instances. Returns whether there are more.
    async fn catch_up(&mut self, window: &mut Window<'_>) -> Result<bool, String> {
        let rows = self.page(window.next).await?;
        if let Some(first) = rows.first() {
            window.next = first.number;
        }
        let more = rows.len() >= WINDOW_MAX;
        window.take(rows);
        Ok(more)
    }

    /// Reads from the database the rows for which a lane had no room.
    async fn refill(&mut self, window: &mut Window<'_>, message: &str, from: i64) -> Result<(), String> {
        let rows = self.page(from).await?;
        let is_over = rows.len() < WINDOW_MAX || rows.last().is_none_or(|last| last.number + 1 >= window.next);
        let rest_from = rows.last().map(|last| last.number + 1).filter(|_| !is_over);
        // Rows that are not sorted into lanes yet are sorted later.
        let (next, progress) = (window.next, &self.progress);
        let rows = rows.into_iter().filter(|row| row.number < next && !progress.is_acknowledged(row.number));
        let of_lane = rows.filter(|row| message_of(&row.envelope.subject) == Some(message));
        window.lanes.refill(message, of_lane, rest_from);
        Ok(())
    }

    async fn page(&self, from: i64) -> Result<Vec<OutboxRow>, String> {
        let limit = u32::try_from(WINDOW_MAX).unwrap_or(u32::MAX);
        self.store.outbox(from, limit).await.map_err(|error| error.to_string())
    }

    fn note_acknowledged(&mut self, window: &mut Window<'_>) {
        self.progress.note(window.take_acknowledged(), self.settings.clock.now());
        self.held.forget_through(self.progress.next() - 1);
    }

    /// Checks that the server is alive, also while nothing is published. Without this, the rows of an idle service
    /// would be kept, and published again after the server's restart, when their subscribers no longer recognize them.
    async fn check_alive(&mut self, connection: &dyn Connection) -> Result<(), String> {
        let requested_at = self.settings.clock.now();
        if self.progress.must_check(requested_at) {
            connection.stream(Stream::Events).await.map_err(|error| error.to_string())?;
            self.progress.alive_at(requested_at);
            if let Some(number) = self.progress.forgettable(self.settings.durable_after) {
                self.shared.outbox.set_forgettable(number);
            }
        }
        Ok(())
    }

    /// Publishes the last rows before the service stops, if that does not take long; the others are published after the
    /// next start.
    async fn finish(&mut self, window: &mut Window<'_>) -> Result<(), String> {
        let publishing = async {
            while let Some(rows) = self.committed.recv().await {
                window.take(rows);
            }
            window.send(&self.progress, &mut self.held, &mut self.paces).await?;
            while !window.outstanding.is_empty() {
                window.acknowledged().await?;
                self.note_acknowledged(window);
                window.send(&self.progress, &mut self.held, &mut self.paces).await?;
            }
            Ok::<(), BusError>(())
        };
        match tokio::time::timeout(FINISH_MAX, publishing).await {
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}
