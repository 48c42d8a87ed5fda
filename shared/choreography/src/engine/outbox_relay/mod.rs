//! The outbox relay: publishes outgoing messages in the order of their local numbers, with a bounded window of
//! unacknowledged ones. Messages that a circuit holds wait in a lane; the others pass them.
//!
//! A connection is used once: after any failure it is dropped. Each one begins with a repair, which finds out what the
//! streams have of the rows that the database keeps; exactly the others are published.

mod acknowledged;
mod both_streams;
mod error;
mod fill;
mod gate;
mod held;
mod kept;
mod lanes;
mod look;
mod noted;
mod pace;
mod passed;
mod published;
mod readers;
mod repair;
mod retry;
mod settled;
mod unknown;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::bus::{Bus, Connection};
use crate::clock::until;
use crate::engine::shared::Shared;
use crate::settings::{OUTBOX_LOOKS_EVERY, Settings, WINDOW_MAX};
use crate::store::{OutboxRow, Store};
use error::RelayError;
use gate::Gate;
pub(crate) use held::HeldRows;
use look::Looks;
pub(crate) use pace::Paces;
use published::PublishedRows;
use repair::OutboxRepair;
use retry::RetryPause;
use window::Window;

/// How long a stopping service waits until its last messages are acknowledged.
const FINISH_MAX: Duration = Duration::from_secs(2);

/// A row that can never be sent, and why.
pub(crate) struct UnsendableRow {
    /// Under which it was found: another leader may have set it aside since.
    pub epoch: i64,
    pub row: OutboxRow,
    pub problem: String,
}

pub(crate) struct OutboxRelay {
    pub service: &'static str,
    pub store: Arc<dyn Store>,
    pub bus: Arc<dyn Bus>,
    pub shared: Shared,
    pub settings: Settings,
    /// The rows that batches have committed, without a round trip to the database.
    pub committed: mpsc::Receiver<Vec<OutboxRow>>,
    /// To the worker, which records what became of them.
    pub unsendable: mpsc::Sender<UnsendableRow>,
    pub held: HeldRows,
    pub paces: Paces,
    /// The names of the messages that have circuits.
    pub circuit_messages: Arc<BTreeSet<&'static str>>,
    /// The versions of each message that the service reads.
    pub versions: Arc<BTreeMap<String, Vec<u32>>>,
    /// Whether the service receives any message.
    pub receives: bool,
}

impl OutboxRelay {
    /// Publishes while this instance leads, until the service stops.
    pub(crate) async fn run(mut self) {
        let Shared { leadership, stopping, .. } = self.shared.clone();
        let mut retry = RetryPause::default();
        while !stopping.has_begun() {
            let term = tokio::select! {
                biased;
                () = stopping.begun() => return,
                term = leadership.leading() => term,
            };
            let epoch = term.epoch.unwrap_or_default();
            let ended = tokio::select! {
                biased;
                () = leadership.interrupted(term) => {
                    // What the leader sees of the streams is its affair.
                    self.shared.health.streams(Ok(()));
                    Ok(())
                }
                ended = self.publish(epoch, &mut retry) => ended,
            };
            let Err(error) = ended else { continue };
            let pause = self.report(epoch, error, &mut retry).await;
            tokio::select! {
                biased;
                () = stopping.begun() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Reports why publishing ended. Returns after which pause it begins again.
    async fn report(&self, epoch: i64, error: RelayError, retry: &mut RetryPause) -> Duration {
        let (problem, pause) = match error {
            RelayError::Lost(problem) => (problem, retry.short()),
            RelayError::Refused(problem) => (problem, retry.longer()),
            RelayError::Unsendable { row, problem } => {
                let problem = format!("outbox row {row}: {problem}");
                self.set_aside(epoch, row, &problem).await;
                (problem, retry.longer())
            }
            RelayError::SteppedDown => ("another instance leads".to_owned(), retry.short()),
        };
        self.shared.health.publishing(Err(problem));
        pause
    }

    /// Lets the worker replace a row that can never be sent: it would stop all rows behind it.
    async fn set_aside(&self, epoch: i64, number: i64, problem: &str) {
        match self.store.outbox(number, 1).await {
            Ok(rows) => {
                let row = rows.into_iter().find(|row| row.number == number && !row.placeholder);
                let unsendable = row.map(|row| UnsendableRow { epoch, row, problem: problem.to_owned() });
                // If the worker is busy, the row is found once more.
                unsendable.into_iter().for_each(|unsendable| drop(self.unsendable.try_send(unsendable)));
            }
            Err(error) => tracing::warn!(%error, "an outbox row that can't be sent can't be read: it is tried again"),
        }
    }

    /// Publishes on one connection, until it is lost, the server is started anew, or the service stops.
    async fn publish(&mut self, epoch: i64, retry: &mut RetryPause) -> Result<(), RelayError> {
        let connection = self.bus.connect().await?;
        let connection = connection.as_ref();
        let stopping = self.shared.stopping.clone();
        let (published, mut looks) = tokio::select! {
            biased;
            () = stopping.begun() => return Ok(()),
            repaired = self.repair(epoch, connection) => repaired?,
        };
        self.held.forget_through(published.acknowledged.next() - 1);
        let (circuit_messages, clock) = (self.circuit_messages.clone(), self.settings.clock.clone());
        let gate = Gate::new(self.shared.breaker.current(), looks.readers.clone(), &circuit_messages);
        let mut window = Window::new(connection, published, gate, clock);
        self.note_acknowledged(&window);
        self.publish_window(&mut window, &mut looks, retry).await
    }

    /// Finds out which rows are published, notes it, and lets the reader begin.
    async fn repair<'a>(
        &self,
        epoch: i64,
        connection: &'a dyn Connection,
    ) -> Result<(PublishedRows, Looks<'a>), RelayError> {
        let mut looks = Looks::begin(connection, epoch, self).await?;
        let repair = OutboxRepair {
            store: self.store.as_ref(),
            connection,
            clock: &self.settings.clock,
            epoch,
            service: self.service,
        };
        let mut published = repair.run().await?;
        looks.first(&mut published).await?;
        Ok((published, looks))
    }

    /// Publishes the rows of a window, and those that are committed or read from the database meanwhile.
    async fn publish_window(
        &mut self,
        window: &mut Window<'_>,
        looks: &mut Looks<'_>,
        retry: &mut RetryPause,
    ) -> Result<(), RelayError> {
        let (connection, stopping) = (window.connection, self.shared.stopping.clone());
        let mut breaker = self.shared.breaker.subscribe();
        window.gate.breaker = breaker.borrow_and_update().clone();
        let mut outbox_looks = tokio::time::interval(OUTBOX_LOOKS_EVERY);
        outbox_looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Whether the database has rows that are not in the window.
        let mut more = true;
        loop {
            window.send(&mut self.held, &mut self.paces).await?;
            if window.ready.is_empty() && more {
                more = self.catch_up(looks.epoch, window).await?;
                // A database that takes long must not be asked again at once: nothing else would be done.
                outbox_looks.reset();
                continue;
            }
            if let Some((message, from)) = window.lanes.to_refill(&window.gate) {
                self.refill(window, &message, from).await?;
                continue;
            }
            if window.outstanding.is_empty() {
                self.shared.health.publishing(Ok(()));
            }
            let due = window.lanes.due(&window.gate).filter(|_| window.outstanding.len() < WINDOW_MAX);
            let pause = due.map(|due| until(self.settings.clock.now(), due));
            // In this order nothing is starved: what is rare, then what timers bound, then rows, which batches bound,
            // and last acknowledgements, which may arrive without a pause. Those that arrived before the connection was
            // lost still count.
            tokio::select! {
                biased;
                () = stopping.begun() => return self.finish(window).await,
                _ = breaker.changed() => window.gate.breaker = breaker.borrow_and_update().clone(),
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
                _ = outbox_looks.tick() => more |= window.ready.is_empty(),
                is_due = looks.next() => {
                    if is_due? {
                        looks.start(&mut window.published);
                    } else {
                        window.gate.readers = looks.readers.clone();
                        self.shared.health.subscribers(unread(window));
                    }
                }
                Some(rows) = self.committed.recv() => window.take(rows),
                acknowledged = window.acknowledged(), if !window.outstanding.is_empty() => {
                    acknowledged?;
                    retry.reset();
                    self.note_acknowledged(window);
                    self.shared.health.publishing(Ok(()));
                }
                lost = connection.lost() => return Err(RelayError::Lost(lost)),
            }
        }
    }

    fn note_acknowledged(&mut self, window: &Window<'_>) {
        let acknowledged = &window.published.acknowledged;
        self.held.forget_through(acknowledged.next() - 1);
        self.shared.outbox.set_acknowledged(acknowledged.count());
    }

    /// Publishes the last rows before the service stops, if that does not take long; the others are published after the
    /// next start.
    async fn finish(&mut self, window: &mut Window<'_>) -> Result<(), RelayError> {
        let publishing = async {
            while let Some(rows) = self.committed.recv().await {
                window.take(rows);
            }
            window.send(&mut self.held, &mut self.paces).await?;
            while !window.outstanding.is_empty() {
                window.acknowledged().await?;
                window.send(&mut self.held, &mut self.paces).await?;
            }
            Ok(())
        };
        tokio::time::timeout(FINISH_MAX, publishing).await.unwrap_or(Ok(()))
    }
}

/// Returns which messages are kept because a subscriber can't read them, if there are any.
fn unread(window: &Window<'_>) -> Result<(), String> {
    let unread = window.lanes.unread(&window.gate);
    if unread.is_empty() { Ok(()) } else { Err(unread.join("; ")) }
}
