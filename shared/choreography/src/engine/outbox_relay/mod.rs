//! Publishing: what is said leaves in the order of its numbers, with a bounded window of unacknowledged messages. What a
//! circuit holds up waits in a lane, and what else is said goes past it.
//!
//! The connection lives once: on any trouble it is thrown away, and the cursor goes back to the oldest message that is
//! not acknowledged. What a server has acknowledged is kept until it can't forget it any more.

mod lanes;
mod numbers;
mod progress;
mod window;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::bus::{Bus, BusError, Connection};
use crate::clock::until;
use crate::engine::shared::Shared;
use crate::settings::{OUTBOX_LOOKS_EVERY, Settings, WINDOW_MAX};
use crate::store::{OutboxRow, Store};
use lanes::kind;
pub(crate) use progress::RelayProgress;
use window::Window;

/// How long to wait before a new connection, after one was lost or the server refused something.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// How long a stopping service waits for what it has said last to be acknowledged.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// A half-open circuit lets no more pass in a second: what is faster than the timer is no pace.
const PACE_MAX: u32 = 1_000;

pub(crate) struct OutboxRelay {
    pub store: Arc<dyn Store>,
    pub bus: Arc<dyn Bus>,
    pub shared: Shared,
    pub settings: Settings,
    /// What batches have committed, handed on without a detour through the database.
    pub committed: mpsc::Receiver<Vec<OutboxRow>>,
    pub progress: RelayProgress,
    /// The messages that have circuits.
    pub forward: Arc<BTreeSet<&'static str>>,
}

impl OutboxRelay {
    /// Publishes, while this instance is in charge, until the service stops.
    pub(crate) async fn run(mut self) {
        loop {
            let leadership = tokio::select! {
                leadership = self.shared.leading() => leadership,
                () = self.shared.stopping() => return,
            };
            let shared = self.shared.clone();
            let ended = tokio::select! {
                ended = self.publish() => ended,
                () = shared.interrupted(leadership) => Ok(()),
            };
            match ended {
                Ok(()) if self.shared.is_stopping() => return,
                Ok(()) => {}
                Err(trouble) => {
                    self.shared.note_publishing(Err(trouble));
                    tokio::select! {
                        () = tokio::time::sleep(AGAIN_AFTER) => {}
                        () = self.shared.stopping() => return,
                    }
                }
            }
        }
    }

    async fn publish(&mut self) -> Result<(), String> {
        let connection = self.bus.connect().await.map_err(|error| error.to_string())?;
        let head = self.store.head().await.map_err(|error| error.to_string())?;
        self.progress.meet(connection.server_id());
        let connection = connection.as_ref();
        let (forward, clock) = (self.forward.clone(), self.settings.clock.clone());
        let pace = Duration::from_secs(1) / self.settings.circuit_pace.clamp(1, PACE_MAX);
        let mut breaker_snapshot = self.shared.watch_breaker_snapshot();
        let now = breaker_snapshot.borrow_and_update().clone();
        let mut window = Window::new(connection, self.progress.next(), now, &forward, pace, clock);
        let mut more = self.catch_up(&mut window).await?;
        if window.ready.is_empty() {
            window.next = window.next.max(head.outbox_next);
        }
        self.progress.begin_at(window.next);
        self.shared.set_acknowledged(self.progress.count());
        let mut looks = tokio::time::interval(OUTBOX_LOOKS_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let stopping = self.shared.clone();
        loop {
            window.send(&mut self.progress).await.map_err(|error| error.to_string())?;
            if window.ready.is_empty() && more {
                more = self.catch_up(&mut window).await?;
                continue;
            }
            if let Some((kind, from)) = window.lanes.hungry(&window.breaker_snapshot) {
                self.feed(&mut window, &kind, from).await?;
                continue;
            }
            if window.outstanding.is_empty() {
                self.shared.note_publishing(Ok(()));
            }
            let now = self.settings.clock.now();
            let due = window.lanes.due(&window.breaker_snapshot).filter(|_| window.outstanding.len() < WINDOW_MAX);
            tokio::select! {
                acknowledged = window.acknowledged(), if !window.outstanding.is_empty() => {
                    acknowledged.map_err(|error| error.to_string())?;
                    self.note(&mut window);
                }
                _ = breaker_snapshot.changed() => window.breaker_snapshot = breaker_snapshot.borrow_and_update().clone(),
                () = tokio::time::sleep(due.map_or(Duration::ZERO, |due| until(now, due))), if due.is_some() => {}
                Some(rows) = self.committed.recv() => window.take(rows),
                _ = looks.tick() => {
                    if window.ready.is_empty() {
                        more = self.catch_up(&mut window).await?;
                    }
                    self.look_whether_alive(connection).await?;
                }
                lost = connection.lost() => return Err(lost),
                () = stopping.stopping() => return self.finish(&mut window).await,
            }
        }
    }

    /// Reads from the database what nobody handed over: after a new connection, or from another instance. Whether there
    /// is more.
    async fn catch_up(&mut self, window: &mut Window<'_>) -> Result<bool, String> {
        let rows = self.page(window.next).await?;
        if let Some(first) = rows.first() {
            window.next = first.number;
        }
        let more = rows.len() >= WINDOW_MAX;
        window.take(rows);
        Ok(more)
    }

    /// Reads from the database what a lane had no room for.
    async fn feed(&mut self, window: &mut Window<'_>, name: &str, from: i64) -> Result<(), String> {
        let rows = self.page(from).await?;
        let is_over = rows.len() < WINDOW_MAX || rows.last().is_none_or(|last| last.number + 1 >= window.next);
        let rest_from = rows.last().map(|last| last.number + 1).filter(|_| !is_over);
        // What has not been sorted yet comes by itself.
        let (next, progress) = (window.next, &self.progress);
        let rows = rows.into_iter().filter(|row| row.number < next && !progress.is_acknowledged(row.number));
        window.lanes.feed(name, rows.filter(|row| kind(&row.envelope.subject) == Some(name)), rest_from);
        Ok(())
    }

    async fn page(&self, from: i64) -> Result<Vec<OutboxRow>, String> {
        let limit = u32::try_from(WINDOW_MAX).unwrap_or(u32::MAX);
        self.store.outbox(from, limit).await.map_err(|error| error.to_string())
    }

    fn note(&mut self, window: &mut Window<'_>) {
        window.note(&mut self.progress, self.settings.clock.now());
        self.shared.set_acknowledged(self.progress.count());
        self.shared.note_publishing(Ok(()));
    }

    /// Asks the server for a sign of life, also when nothing is said any more: what an idle service kept would be
    /// published again after a restart, when its subscribers have forgotten that they received it.
    async fn look_whether_alive(&mut self, connection: &dyn Connection) -> Result<(), String> {
        let asked = self.settings.clock.now();
        if self.progress.is_curious(asked) {
            connection.stream().await.map_err(|error| error.to_string())?;
            self.progress.is_alive(asked);
            if let Some(number) = self.progress.forgettable(self.settings.safe_after) {
                self.shared.set_forgettable(number);
            }
        }
        Ok(())
    }

    /// What was said last goes out before the service stops, if that does not take long; the rest is kept.
    async fn finish(&mut self, window: &mut Window<'_>) -> Result<(), String> {
        let rest = async {
            while let Some(rows) = self.committed.recv().await {
                window.take(rows);
            }
            window.send(&mut self.progress).await?;
            while !window.outstanding.is_empty() {
                window.acknowledged().await?;
                window.note(&mut self.progress, self.settings.clock.now());
                window.send(&mut self.progress).await?;
            }
            Ok::<(), BusError>(())
        };
        match tokio::time::timeout(STOP_WITHIN, rest).await {
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}
