//! The one task of a service that writes: it gathers whatever has arrived and does it in batches.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::bus::Delivery;
use crate::clock::until;
use crate::declare::choreography::Choreography;
use crate::engine::batch::cache::Cache;
use crate::engine::batch::{Attempt, BatchInput, BatchOutcome, FinishedEffect, Session};
use crate::engine::checkpoint::Checkpoint;
use crate::engine::execute::{ExecuteError, QueuedCommand};
use crate::engine::reader::Feed;
use crate::engine::shared::{Leadership, Shared};
use crate::settings::{BATCH_MAX, CONFLICTS_MAX, MAINTENANCE_EVERY, Settings};
use crate::store::{Advance, EffectRow, OutboxRow, Store, StoreError};

/// The longest pause between two tries of a batch that the database did not take.
const PAUSE_MAX: Duration = Duration::from_secs(2);

mod crash_loop_guard;
mod maintenance;

pub(crate) struct Worker {
    pub choreography: Arc<Choreography>,
    pub store: Arc<dyn Store>,
    pub shared: Shared,
    pub settings: Settings,
    pub feed: mpsc::Receiver<Feed>,
    pub commands: mpsc::Receiver<QueuedCommand>,
    pub effects_finished: mpsc::Receiver<(Leadership, FinishedEffect)>,
    pub effects_added: mpsc::Sender<Vec<EffectRow>>,
    pub committed: mpsc::Sender<Vec<OutboxRow>>,
    pub state: State,
}

/// What the worker remembers from batch to batch.
#[derive(Default)]
pub(crate) struct State {
    checkpoint: Option<Checkpoint>,
    cache: Cache,
    /// Delivered, not yet part of a batch.
    deliveries: VecDeque<Delivery>,
    /// When something is to be said, or dies of waiting, next.
    due: Option<Timestamp>,
    /// The message that was tried when the last process died, and how many have died of it.
    suspect: Option<(Uuid, u32)>,
    /// How many messages are still to be done one by one; none before the run has begun.
    one_by_one: Option<usize>,
    /// Since when messages are read without a break: the inbox is not trimmed right after one.
    reading_since: Option<Timestamp>,
}

impl Worker {
    /// Works until the service stops; the callers that wait by then are answered first.
    pub(crate) async fn run(mut self) {
        let mut maintenance = tokio::time::interval(MAINTENANCE_EVERY);
        maintenance.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.look_for_dead_compensations().await;
        while !self.shared.is_stopping() {
            let mut input = BatchInput::default();
            let now = self.settings.clock.now();
            let due = self.state.due.filter(|_| self.state.checkpoint.is_some()).map(|due| until(now, due));
            let ready = !self.state.deliveries.is_empty();
            tokio::select! {
                biased;
                () = self.shared.stopping() => break,
                _ = maintenance.tick() => self.maintenance().await,
                () = std::future::ready(()), if ready => {}
                Some(call) = self.commands.recv() => input.commands.push(call),
                Some(over) = self.effects_finished.recv() => self.take_effect(&mut input, over),
                Some(feed) = self.feed.recv() => self.take(feed),
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => input.due = true,
            }
            self.gather(&mut input);
            if self.is_one_by_one(&input).await {
                self.batch_one_by_one(input).await;
            } else {
                self.batch(input).await;
            }
        }
        self.finish().await;
    }

    /// The last batch: callers only. Then the lease is let go.
    async fn finish(&mut self) {
        self.commands.close();
        let mut input = BatchInput::default();
        while let Ok(call) = self.commands.try_recv() {
            input.commands.push(call);
        }
        self.batch(input).await;
        if let Some(checkpoint) = &self.state.checkpoint
            && let Err(error) = self.store.release(checkpoint.epoch).await
        {
            tracing::warn!(%error, "the lease was not let go: a standby has to wait until it ends");
        }
    }

    /// Takes what else is there, up to a batch of each.
    fn gather(&mut self, input: &mut BatchInput) {
        while input.commands.len() < BATCH_MAX
            && let Ok(call) = self.commands.try_recv()
        {
            input.commands.push(call);
        }
        while input.effects.len() < BATCH_MAX
            && let Ok(over) = self.effects_finished.try_recv()
        {
            self.take_effect(input, over);
        }
        while self.state.deliveries.len() < BATCH_MAX
            && let Ok(feed) = self.feed.try_recv()
        {
            self.take(feed);
        }
        let count = self.state.deliveries.len().min(BATCH_MAX);
        input.deliveries = self.state.deliveries.drain(..count).collect();
        // What is due must not wait until nothing else arrives.
        let now = self.settings.clock.now();
        input.due |= self.state.checkpoint.is_some() && self.state.due.is_some_and(|due| due <= now);
    }

    /// What was run before a break is run again, here or by another instance: only that counts.
    fn take_effect(&self, input: &mut BatchInput, (leadership, over): (Leadership, FinishedEffect)) {
        if leadership.interruptions == self.shared.leadership().interruptions {
            input.effects.push(over);
        }
    }

    fn take(&mut self, feed: Feed) {
        match feed {
            Feed::Begin { epoch, position } => {
                let now = self.settings.clock.now();
                self.state.deliveries.clear();
                self.state.reading_since = Some(now);
                self.state.due = Some(now);
                self.state.checkpoint = Some(Checkpoint::begin(epoch, position, now));
            }
            Feed::Messages { epoch, deliveries } => {
                if self.state.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.epoch == epoch) {
                    self.state.deliveries.extend(deliveries);
                }
            }
            Feed::Alive { epoch, at, passed } => {
                if let Some(checkpoint) = self.state.checkpoint.as_mut().filter(|checkpoint| checkpoint.epoch == epoch)
                {
                    checkpoint.alive = at;
                    checkpoint.passed = passed.unwrap_or(checkpoint.passed);
                }
            }
        }
    }

    /// Does a batch, as often as it takes.
    async fn batch(&mut self, mut input: BatchInput) {
        let now = self.settings.clock.now();
        let (mut conflicts, mut pause) = (0, Duration::from_millis(50));
        while !input.is_empty() {
            match self.attempt(&input, now).await {
                Ok(outcome) => {
                    self.shared.note_database(Ok(()));
                    return self.report(input, outcome).await;
                }
                Err(StoreError::HeadConflict { .. }) => {
                    self.stop_reading();
                    input.deliveries.clear();
                    input.due = false;
                    if !input.effects.is_empty() {
                        input.effects.clear();
                        self.shared.interrupt();
                    }
                }
                Err(StoreError::RowConflict(_)) if conflicts < CONFLICTS_MAX => conflicts += 1,
                Err(error) => {
                    self.shared.note_database(Err(error.to_string()));
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.shared.stopping() => return input.turn_away(),
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    async fn attempt(&mut self, input: &BatchInput, now: Timestamp) -> Result<BatchOutcome, StoreError> {
        let advance = self.state.checkpoint.as_ref().zip(input.deliveries.last()).map(|(checkpoint, last)| Advance {
            epoch: checkpoint.epoch,
            from: checkpoint.position,
            to: last.stream_sequence,
            restart_position: checkpoint.safe,
        });
        let (transaction, leadership) = (self.store.begin().await?, self.shared.leadership().epoch);
        let session = Session::new(transaction, &mut self.state.cache, leadership);
        Attempt::new(&self.choreography, &self.settings, now).run(session, input, advance).await
    }

    /// Tells everybody what came of a batch: callers, the publisher, the effects' queue.
    async fn report(&mut self, input: BatchInput, outcome: BatchOutcome) {
        if let (Some(checkpoint), Some(last)) = (&mut self.state.checkpoint, input.deliveries.last()) {
            checkpoint.position = last.stream_sequence;
        }
        count(self.choreography.service, &outcome);
        if !outcome.outbox.is_empty() {
            // Whoever is behind or idle, the publisher here or the effects below, reads the rows from the database instead.
            let _ = self.committed.try_send(outcome.outbox);
            if !input.commands.is_empty() {
                // What is said has the longer way: it leaves before the callers are answered.
                tokio::task::yield_now().await;
            }
        }
        for (call, reply) in input.commands.into_iter().zip(outcome.replies) {
            call.reply(reply);
        }
        if outcome.compensations_changed {
            self.look_for_dead_compensations().await;
        }
        if !outcome.effects.is_empty() {
            let _ = self.effects_added.try_send(outcome.effects);
        }
        self.state.due = self.state.due.into_iter().chain(outcome.due).min();
        if input.due
            && let Err(error) = self.look_ahead().await
        {
            self.shared.note_database(Err(error.to_string()));
        }
    }

    fn stop_reading(&mut self) {
        self.state.deliveries.clear();
        self.state.reading_since = None;
        if let Some(checkpoint) = self.state.checkpoint.take() {
            self.shared.step_down(checkpoint.epoch);
        }
    }
}

impl BatchInput {
    fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.commands.is_empty() && self.effects.is_empty() && !self.due
    }

    /// The service stops while the database fails: the callers are told; everything else comes again.
    fn turn_away(self) {
        for call in self.commands {
            call.reply(Err(ExecuteError::Stopped));
        }
    }
}

/// Counts what came of a batch, and logs the deaths.
fn count(service: &'static str, outcome: &BatchOutcome) {
    let decided_by = if outcome.from_cache { "memory" } else { "database" };
    metrics::counter!("choreography_batches_total", "service" => service, "decided_by" => decided_by).increment(1);
    metrics::counter!("choreography_received_total", "service" => service).increment(outcome.received as u64);
    metrics::counter!("choreography_ignored_total", "service" => service).increment(outcome.ignored as u64);
    metrics::counter!("choreography_outgoing_total", "service" => service).increment(outcome.outbox.len() as u64);
    for (subject, death) in &outcome.deaths {
        let reason = death.reason.as_str();
        metrics::counter!("choreography_dead_total", "service" => service, "reason" => reason).increment(1);
        tracing::error!(subject, reason, detail = death.detail, "a message died");
    }
}
