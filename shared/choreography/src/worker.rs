//! The one task of a service that writes: it gathers whatever has arrived and does it in batches.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::batch::{Arrived, Attempt, EffectOver, Outcome, Session};
use crate::bus::Delivery;
use crate::cache::Cache;
use crate::choreography::Choreography;
use crate::clock::until;
use crate::reader::Feed;
use crate::reading::Reading;
use crate::settings::{BATCH_MAX, CHORES_EVERY, CONFLICTS_MAX, Settings};
use crate::state::{Charge, Shared};
use crate::store::{Advance, EffectRow, OutboxRow, Store, StoreError};
use crate::tell::{Call, TellError};

/// The longest pause between two tries of a batch that the database did not take.
const PAUSE_MAX: Duration = Duration::from_secs(2);

mod careful;
mod chores;

pub(crate) struct Worker {
    pub choreography: Arc<Choreography>,
    pub store: Arc<dyn Store>,
    pub shared: Shared,
    pub settings: Settings,
    pub feed: mpsc::Receiver<Feed>,
    pub calls: mpsc::Receiver<Call>,
    pub effects_over: mpsc::Receiver<(Charge, EffectOver)>,
    pub effects_added: mpsc::Sender<Vec<EffectRow>>,
    pub committed: mpsc::Sender<Vec<OutboxRow>>,
    pub state: State,
}

/// What the worker remembers from batch to batch.
#[derive(Default)]
pub(crate) struct State {
    reading: Option<Reading>,
    cache: Cache,
    /// Delivered, not yet part of a batch.
    deliveries: VecDeque<Delivery>,
    /// When something is to be said, or dies of waiting, next.
    due: Option<Timestamp>,
    /// The message that was tried when the last process died, and how many have died of it.
    suspect: Option<(Uuid, u32)>,
    /// How many messages are still to be done one by one; none before the run has begun.
    careful: Option<usize>,
    /// Since when messages are read without a break: the inbox is not trimmed right after one.
    reading_since: Option<Timestamp>,
}

impl Worker {
    /// Works until the service stops; the callers that wait by then are answered first.
    pub(crate) async fn run(mut self) {
        let mut chores = tokio::time::interval(CHORES_EVERY);
        chores.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.look_for_dead_undos().await;
        while !self.shared.is_stopping() {
            let mut arrived = Arrived::default();
            let now = self.settings.clock.now();
            let due = self.state.due.filter(|_| self.state.reading.is_some()).map(|due| until(now, due));
            let ready = !self.state.deliveries.is_empty();
            tokio::select! {
                biased;
                () = self.shared.stopping() => break,
                _ = chores.tick() => self.chores().await,
                () = std::future::ready(()), if ready => {}
                Some(call) = self.calls.recv() => arrived.calls.push(call),
                Some(over) = self.effects_over.recv() => self.take_effect(&mut arrived, over),
                Some(feed) = self.feed.recv() => self.take(feed),
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => arrived.due = true,
            }
            self.gather(&mut arrived);
            if self.is_careful(&arrived).await {
                self.batch_carefully(arrived).await;
            } else {
                self.batch(arrived).await;
            }
        }
        self.finish().await;
    }

    /// The last batch: callers only. Then the lease is let go.
    async fn finish(&mut self) {
        self.calls.close();
        let mut arrived = Arrived::default();
        while let Ok(call) = self.calls.try_recv() {
            arrived.calls.push(call);
        }
        self.batch(arrived).await;
        if let Some(reading) = &self.state.reading
            && let Err(error) = self.store.release(reading.epoch).await
        {
            tracing::warn!(%error, "the lease was not let go: a standby has to wait until it ends");
        }
    }

    /// Takes what else is there, up to a batch of each.
    fn gather(&mut self, arrived: &mut Arrived) {
        while arrived.calls.len() < BATCH_MAX
            && let Ok(call) = self.calls.try_recv()
        {
            arrived.calls.push(call);
        }
        while arrived.effects.len() < BATCH_MAX
            && let Ok(over) = self.effects_over.try_recv()
        {
            self.take_effect(arrived, over);
        }
        while self.state.deliveries.len() < BATCH_MAX
            && let Ok(feed) = self.feed.try_recv()
        {
            self.take(feed);
        }
        let count = self.state.deliveries.len().min(BATCH_MAX);
        arrived.deliveries = self.state.deliveries.drain(..count).collect();
        // What is due must not wait until nothing else arrives.
        let now = self.settings.clock.now();
        arrived.due |= self.state.reading.is_some() && self.state.due.is_some_and(|due| due <= now);
    }

    /// What was run before a break is run again, here or by another instance: only that counts.
    fn take_effect(&self, arrived: &mut Arrived, (charge, over): (Charge, EffectOver)) {
        if charge.breaks == self.shared.charge().breaks {
            arrived.effects.push(over);
        }
    }

    fn take(&mut self, feed: Feed) {
        match feed {
            Feed::Begin { epoch, position } => {
                let now = self.settings.clock.now();
                self.state.deliveries.clear();
                self.state.reading_since = Some(now);
                self.state.due = Some(now);
                self.state.reading = Some(Reading::begin(epoch, position, now));
            }
            Feed::Messages { epoch, deliveries } => {
                if self.state.reading.as_ref().is_some_and(|reading| reading.epoch == epoch) {
                    self.state.deliveries.extend(deliveries);
                }
            }
            Feed::Alive { epoch, at, passed } => {
                if let Some(reading) = self.state.reading.as_mut().filter(|reading| reading.epoch == epoch) {
                    reading.alive = at;
                    reading.passed = passed.unwrap_or(reading.passed);
                }
            }
        }
    }

    /// Does a batch, as often as it takes.
    async fn batch(&mut self, mut arrived: Arrived) {
        let now = self.settings.clock.now();
        let (mut conflicts, mut pause) = (0, Duration::from_millis(50));
        while !arrived.is_empty() {
            match self.attempt(&arrived, now).await {
                Ok(outcome) => {
                    self.shared.note_database(Ok(()));
                    return self.tell(arrived, outcome).await;
                }
                Err(StoreError::HeadConflict { .. }) => {
                    self.stop_reading();
                    arrived.deliveries.clear();
                    arrived.due = false;
                    if !arrived.effects.is_empty() {
                        arrived.effects.clear();
                        self.shared.break_charge();
                    }
                }
                Err(StoreError::RowConflict(_)) if conflicts < CONFLICTS_MAX => conflicts += 1,
                Err(error) => {
                    self.shared.note_database(Err(error.to_string()));
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.shared.stopping() => return arrived.turn_away(),
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    async fn attempt(&mut self, arrived: &Arrived, now: Timestamp) -> Result<Outcome, StoreError> {
        let advance = self.state.reading.as_ref().zip(arrived.deliveries.last()).map(|(reading, last)| Advance {
            epoch: reading.epoch,
            from: reading.position,
            to: last.stream_sequence,
            safe: reading.safe,
        });
        let (transaction, charge) = (self.store.begin().await?, self.shared.charge().epoch);
        let session = Session::new(transaction, &mut self.state.cache, charge);
        Attempt::new(&self.choreography, &self.settings, now).run(session, arrived, advance).await
    }

    /// Tells everybody what came of a batch: callers, the publisher, the effects' queue.
    async fn tell(&mut self, arrived: Arrived, outcome: Outcome) {
        if let (Some(reading), Some(last)) = (&mut self.state.reading, arrived.deliveries.last()) {
            reading.position = last.stream_sequence;
        }
        count(self.choreography.service, &outcome);
        if !outcome.outbox.is_empty() {
            // Whoever is behind or idle, the publisher here or the effects below, reads the rows from the database instead.
            let _ = self.committed.try_send(outcome.outbox);
            if !arrived.calls.is_empty() {
                // What is said has the longer way: it leaves before the callers are answered.
                tokio::task::yield_now().await;
            }
        }
        for (call, reply) in arrived.calls.into_iter().zip(outcome.replies) {
            call.answer(reply);
        }
        if outcome.undos_changed {
            self.look_for_dead_undos().await;
        }
        if !outcome.effects.is_empty() {
            let _ = self.effects_added.try_send(outcome.effects);
        }
        self.state.due = self.state.due.into_iter().chain(outcome.due).min();
        if arrived.due
            && let Err(error) = self.look_ahead().await
        {
            self.shared.note_database(Err(error.to_string()));
        }
    }

    fn stop_reading(&mut self) {
        self.state.deliveries.clear();
        self.state.reading_since = None;
        if let Some(reading) = self.state.reading.take() {
            self.shared.lose_charge(reading.epoch);
        }
    }
}

impl Arrived {
    fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.calls.is_empty() && self.effects.is_empty() && !self.due
    }

    /// The service stops while the database fails: the callers are told; everything else comes again.
    fn turn_away(self) {
        for call in self.calls {
            call.answer(Err(TellError::Stopped));
        }
    }
}

/// Counts what came of a batch, and logs the deaths.
fn count(service: &'static str, outcome: &Outcome) {
    let decided_by = if outcome.by_memory { "memory" } else { "database" };
    metrics::counter!("choreography_batches_total", "service" => service, "decided_by" => decided_by).increment(1);
    metrics::counter!("choreography_heard_total", "service" => service).increment(outcome.heard as u64);
    metrics::counter!("choreography_ignored_total", "service" => service).increment(outcome.ignored as u64);
    metrics::counter!("choreography_said_total", "service" => service).increment(outcome.outbox.len() as u64);
    for (subject, death) in &outcome.deaths {
        let reason = death.reason.as_str();
        metrics::counter!("choreography_dead_total", "service" => service, "reason" => reason).increment(1);
        tracing::error!(subject, reason, detail = death.detail, "a message died");
    }
}
