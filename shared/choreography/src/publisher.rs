//! Publishing: what is said leaves in the order of its numbers, with a bounded window of unacknowledged messages.
//!
//! The connection lives once: on any trouble it is thrown away, and the cursor goes back to the oldest message that is
//! not acknowledged. What a server has acknowledged is kept until it can't forget it any more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::bus::{Acknowledgement, Bus, BusError, Connection};
use crate::clock::earlier;
use crate::settings::{ALIVE_ASKED_EVERY, OUTBOX_LOOKS_EVERY, Settings, WINDOW_MAX};
use crate::state::Shared;
use crate::store::{OutboxRow, Store};

/// How long to wait before a new connection, after one was lost or the server refused something.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// How long a stopping service waits for what it has said last to be acknowledged.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// Acknowledgements closer together than this are remembered as one.
const REMEMBER_EVERY: Duration = Duration::from_millis(200);

pub(crate) struct Publisher {
    pub store: Arc<dyn Store>,
    pub bus: Arc<dyn Bus>,
    pub shared: Shared,
    pub settings: Settings,
    /// What batches have committed, handed on without a detour through the database.
    pub committed: mpsc::Receiver<Vec<OutboxRow>>,
    pub progress: Progress,
}

/// How far publishing got.
#[derive(Default)]
pub(crate) struct Progress {
    /// The server that acknowledged; each start of a server makes another one of it.
    server_id: String,
    /// Everything up to this number is acknowledged by the current server.
    acknowledged: i64,
    /// When which number was acknowledged by the current server, oldest first.
    acknowledged_at: VecDeque<(Timestamp, i64)>,
    /// When the current server was asked something that it answered: by then it still lived.
    alive: Option<Timestamp>,
}

impl Progress {
    /// A server that was started since may have lost its tail: everything that is kept has to be published again.
    fn meet(&mut self, server_id: String) {
        if self.server_id != server_id {
            *self = Self { server_id, ..Self::default() };
        }
    }

    fn note(&mut self, number: i64, now: Timestamp) {
        self.acknowledged = number;
        match self.acknowledged_at.back_mut() {
            Some((at, last)) if *at > earlier(now, REMEMBER_EVERY) => *last = number,
            _ => self.acknowledged_at.push_back((now, number)),
        }
    }

    /// The number up to which nothing needs to be kept: acknowledged so long before the same server was last seen alive
    /// that it must have written it to disk since.
    fn forgettable(&mut self, safe_after: Duration) -> Option<i64> {
        let safe = earlier(self.alive?, safe_after + REMEMBER_EVERY);
        let mut forgettable = None;
        while let Some((_, number)) = self.acknowledged_at.pop_front_if(|(at, _)| *at <= safe) {
            forgettable = Some(number);
        }
        forgettable
    }

    /// Whether the server has to be asked whether it is still alive.
    fn is_curious(&self, now: Timestamp) -> bool {
        !self.acknowledged_at.is_empty() && self.alive.is_none_or(|alive| alive <= earlier(now, ALIVE_ASKED_EVERY))
    }
}

/// One connection's work.
struct Window<'a> {
    connection: &'a dyn Connection,
    outstanding: VecDeque<(i64, Acknowledgement)>,
    ready: VecDeque<OutboxRow>,
    /// The number that is published next.
    next: i64,
}

impl Publisher {
    /// Publishes, while this instance is in charge, until the service stops.
    pub(crate) async fn run(mut self) {
        loop {
            let charge = tokio::select! {
                charge = self.shared.in_charge() => charge,
                () = self.shared.stopping() => return,
            };
            let shared = self.shared.clone();
            let ended = tokio::select! {
                ended = self.publish() => ended,
                () = shared.left_charge(charge) => Ok(()),
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
        let next = self.progress.acknowledged + 1;
        let connection = connection.as_ref();
        let mut window = Window { connection, outstanding: VecDeque::new(), ready: VecDeque::new(), next };
        self.catch_up(&mut window).await?;
        if window.ready.is_empty() {
            window.next = window.next.max(head.outbox_next);
        }
        let mut looks = tokio::time::interval(OUTBOX_LOOKS_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let stopping = self.shared.clone();
        loop {
            window.send().await.map_err(|error| error.to_string())?;
            if window.outstanding.is_empty() {
                self.shared.note_publishing(Ok(()));
            }
            tokio::select! {
                acknowledged = window.acknowledged(), if !window.outstanding.is_empty() => {
                    let number = acknowledged.map_err(|error| error.to_string())?;
                    self.note(number);
                }
                Some(rows) = self.committed.recv() => window.take(rows),
                _ = looks.tick() => {
                    if window.ready.is_empty() {
                        self.catch_up(&mut window).await?;
                    }
                    self.look_whether_alive(connection).await?;
                }
                lost = connection.lost() => return Err(lost),
                () = stopping.stopping() => return self.finish(&mut window).await,
            }
        }
    }

    /// Reads from the database what nobody handed over: after a new connection, or from another instance.
    async fn catch_up(&mut self, window: &mut Window<'_>) -> Result<(), String> {
        let limit = u32::try_from(WINDOW_MAX).unwrap_or(u32::MAX);
        let rows = self.store.outbox(window.next, limit).await.map_err(|error| error.to_string())?;
        if let Some(first) = rows.first() {
            window.next = first.number;
        }
        window.take(rows);
        Ok(())
    }

    fn note(&mut self, number: i64) {
        self.progress.note(number, self.settings.clock.now());
        self.shared.note_publishing(Ok(()));
    }

    /// Asks the server for a sign of life, also when nothing is said any more: what an idle service kept would be
    /// published again after a restart, when its hearers have forgotten that they heard it.
    async fn look_whether_alive(&mut self, connection: &dyn Connection) -> Result<(), String> {
        let asked = self.settings.clock.now();
        if self.progress.is_curious(asked) {
            connection.stream().await.map_err(|error| error.to_string())?;
            self.progress.alive = Some(asked);
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
            window.send().await?;
            while !window.outstanding.is_empty() {
                window.acknowledged().await?;
                window.send().await?;
            }
            Ok::<(), BusError>(())
        };
        match tokio::time::timeout(STOP_WITHIN, rest).await {
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

impl Window<'_> {
    /// Takes rows that follow on what is known; others are read from the database later.
    fn take(&mut self, rows: Vec<OutboxRow>) {
        let mut expected = self.ready.back().map_or(self.next, |row| row.number + 1);
        for row in rows {
            if row.number == expected {
                expected += 1;
                self.ready.push_back(row);
            }
        }
    }

    async fn send(&mut self) -> Result<(), BusError> {
        while self.outstanding.len() < WINDOW_MAX {
            let Some(row) = self.ready.pop_front() else { break };
            let acknowledgement = self.connection.publish(&row.envelope).await?;
            self.next = row.number + 1;
            self.outstanding.push_back((row.number, acknowledgement));
        }
        Ok(())
    }

    /// The oldest outstanding message, and all after it that are acknowledged already; the last one's number.
    async fn acknowledged(&mut self) -> Result<i64, BusError> {
        let mut last = 0;
        while let Some((number, acknowledgement)) = self.outstanding.front_mut() {
            let number = *number;
            if last == 0 {
                acknowledgement.await?;
            } else {
                match futures::FutureExt::now_or_never(acknowledgement) {
                    Some(acknowledged) => drop(acknowledged?),
                    None => break,
                }
            }
            last = number;
            self.outstanding.pop_front();
        }
        Ok(last)
    }
}
