//! The worker: the one task of a service that writes. It gathers what has arrived and processes it in batches.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::clock::until;
use crate::declare::choreography::Choreography;
use crate::engine::batch::cache::Cache;
use crate::engine::batch::numbering::Numbering;
use crate::engine::batch::{Attempt, AttemptError, BatchInput, BatchOutcome, Session};
use crate::engine::shared::Shared;
use crate::engine::unreadable_rows::UnreadableRows;
use crate::planted::{PlantedBug, planted};
use crate::settings::{CONFLICTS_MAX, MAINTENANCE_EVERY, Settings};
use crate::store::{EffectRow, OutboxRow, Store, StoreError};
use crate::wire::envelope::Heading;
use crash_loop_guard::CrashLoopGuard;
use hourly::Hourly;
pub(crate) use inputs::Inputs;
use maintenance::Maintenance;
use reading::Reading;

mod crash_loop_guard;
mod hourly;
mod inputs;
mod maintenance;
mod measure;
mod notes;
mod reading;

/// The first pause after the database failed, and the longest one: it is doubled until then.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The channels for what the worker has committed. Both receivers read from the database what they had no room for.
pub(crate) struct Outputs {
    pub outbox: mpsc::Sender<Vec<OutboxRow>>,
    pub effects: mpsc::Sender<Vec<EffectRow>>,
}

pub(crate) struct Worker {
    inputs: Inputs,
    reading: Reading,
    batches: BatchRunner,
    maintenance: Maintenance,
    hourly: Hourly,
    /// Whether maintenance has more rows to delete: it goes on after each batch, so that it keeps up with any rate.
    maintenance_is_behind: bool,
    shared: Shared,
}

/// Runs batches in transactions.
struct BatchRunner {
    choreography: Arc<Choreography>,
    store: Arc<dyn Store>,
    settings: Settings,
    cache: Cache,
    numbering: Numbering,
    guard: CrashLoopGuard,
    outputs: Outputs,
}

impl BatchRunner {
    async fn attempt(
        &mut self,
        batch: &BatchInput,
        reading: &Reading,
        shared: &Shared,
        now: Timestamp,
    ) -> Result<BatchOutcome, StoreError> {
        loop {
            let advance = reading.advance(batch);
            let transaction = self.store.begin().await?;
            let (cache, numbering) = (&mut self.cache, &mut self.numbering);
            // Not the current one: this instance may have led, stood by and led again since the batch was gathered.
            let session = Session::new(transaction, cache, numbering, reading.epoch, &self.outputs.outbox);
            let (received, guard) = (&reading.received, self.guard.one_by_one());
            let (processed, again) = (&shared.processed, reading.again_through());
            let attempt = Attempt::new(&self.choreography, &self.settings, received, processed, guard, again, now);
            match attempt.run(session, batch, advance).await {
                Ok(outcome) => return Ok(outcome),
                Err(AttemptError::Store(error)) => return Err(error),
                Err(AttemptError::Untried(id)) => drop(self.guard.try_message(id).await),
            }
        }
    }
}

impl Worker {
    pub(crate) fn new(
        choreography: Arc<Choreography>,
        store: Arc<dyn Store>,
        shared: Shared,
        settings: Settings,
        inputs: Inputs,
        outputs: Outputs,
    ) -> Self {
        Self {
            inputs,
            reading: Reading::nothing(shared.repaired.clone()),
            hourly: Hourly::default(),
            maintenance: Maintenance {
                choreography: choreography.clone(),
                unreadable_rows: UnreadableRows::default(),
                store: store.clone(),
                shared: shared.clone(),
                settings: settings.clone(),
            },
            batches: BatchRunner {
                numbering: Numbering::begin(settings.clock.clone()),
                guard: CrashLoopGuard::new(store.clone(), shared.health.clone(), shared.run.clone()),
                choreography,
                store,
                settings,
                cache: Cache::default(),
                outputs,
            },
            maintenance_is_behind: false,
            shared,
        }
    }

    /// Works until the service stops; callers that wait by then get their replies first.
    pub(crate) async fn run(mut self) {
        let clock = self.batches.settings.clock.clone();
        let stopping = self.shared.stopping.clone();
        let mut maintenance = tokio::time::interval(MAINTENANCE_EVERY);
        maintenance.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.maintenance.report_dead_compensations().await;
        while !stopping.has_begun() {
            let mut batch = BatchInput::default();
            let due = self.reading.due().map(|due| until(clock.now(), due));
            let goes_on = !self.reading.deliveries.is_empty() || self.maintenance_is_behind;
            // Whichever branch wakes the worker, it then gathers from all channels, so none is starved by those before
            // it.
            tokio::select! {
                biased;
                () = stopping.begun() => break,
                _ = maintenance.tick() => self.maintain().await,
                () = std::future::ready(()), if goes_on => {}
                Some(command) = self.inputs.commands.recv() => batch.commands.push(command),
                Some((term, tried)) = self.inputs.effects.recv() => {
                    batch.take_effect(term, tried, &self.shared.leadership);
                }
                Some(row) = self.inputs.unsendable.recv() => batch.unsendable.push(row),
                Some(feed) = self.inputs.feed.recv() => self.reading.take(feed, clock.now()),
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
            }
            self.inputs.gather(&mut batch, &mut self.reading, &self.shared.leadership, &clock);
            if self.reading.epoch.is_some() && self.batches.guard.is_on().await {
                self.process_first(batch).await;
            } else {
                self.process(batch).await;
            }
            if self.maintenance_is_behind {
                self.maintain().await;
            }
        }
        self.finish().await;
    }

    async fn maintain(&mut self) {
        let maintained = self.maintenance.run(&mut self.reading).await;
        if maintained.is_err() {
            self.step_down();
        }
        if let Some(position) = self.reading.position {
            let lost = self.reading.notes.missing(position, &self.reading.received);
            self.process(BatchInput { lost, ..BatchInput::default() }).await;
            self.maintenance.report_lost(&self.reading.received);
        }
        self.maintenance_is_behind = maintained.unwrap_or(false);
        let (BatchRunner { store, settings, .. }, outbox) = (&self.batches, self.batches.numbering.outbox());
        let done = self.hourly.run(store.as_ref(), settings, outbox, &mut self.reading).await;
        // If another instance leads, the next renewal finds it out.
        if let Err(error @ StoreError::Database { .. }) = done {
            self.shared.health.database(Err(error.to_string()));
        }
    }

    /// Processes the last commands, and what comes of the effects that still run, and releases the lease.
    async fn finish(&mut self) {
        let commands = self.inputs.last_commands();
        self.process(BatchInput { commands, ..BatchInput::default() }).await;
        self.finish_effects().await;
        if let Some(epoch) = self.reading.epoch
            && let Err(error) = self.batches.store.release(epoch).await
        {
            tracing::warn!(%error, "the lease was not released: a standby waits until it ends");
        }
    }

    /// Commits what comes of the effects that run when the service stops, until the effects task has ended. The lease is
    /// renewed meanwhile: another instance would run them, too.
    async fn finish_effects(&mut self) {
        let mut maintenance = tokio::time::interval(MAINTENANCE_EVERY);
        let leadership = self.shared.leadership.clone();
        loop {
            let mut batch = BatchInput::default();
            tokio::select! {
                biased;
                tried = self.inputs.effects.recv() => match tried {
                    Some((term, tried)) => batch.take_effect(term, tried, &leadership),
                    None => return,
                },
                _ = maintenance.tick() => self.maintain().await,
            }
            self.inputs.gather_effects(&mut batch, &leadership);
            self.process(batch).await;
        }
    }

    /// Processes the first message of a batch by itself, and first records which one it is. Everything else is processed
    /// before, so that a crash is not attributed to the wrong message. The other messages wait: what arrives meanwhile, and
    /// the lease, must not.
    async fn process_first(&mut self, mut batch: BatchInput) {
        let mut deliveries = std::mem::take(&mut batch.deliveries).into_iter();
        let first = deliveries.next();
        self.reading.put_back(deliveries);
        self.batches.guard.begin_batch();
        self.process(batch).await;
        let Some(delivery) = first.filter(|_| self.reading.position.is_some()) else { return };
        self.batches.guard.begin_batch();
        let deadly = match Heading::read(&delivery.envelope) {
            Ok(heading) => self.batches.guard.try_message(heading.id).await,
            Err(_) => None,
        };
        self.process(BatchInput { deliveries: vec![delivery], deadly, ..BatchInput::default() }).await;
        self.batches.guard.count_down().await;
    }

    /// Processes a batch; tries again until it is committed, or until the service stops.
    async fn process(&mut self, batch: BatchInput) {
        let now = self.batches.settings.clock.now();
        let mut batches = vec![batch];
        while let Some(batch) = batches.pop() {
            batches.extend(self.process_or_split(batch, now).await);
        }
    }

    /// Processes a batch. If what it writes is refused, or is no JSON, returns its halves, the second one first: so the
    /// message that is to blame is found, and dies alone.
    async fn process_or_split(&mut self, mut batch: BatchInput, now: Timestamp) -> Vec<BatchInput> {
        let (mut conflicts, mut pause) = (0, PAUSE_MIN);
        while !batch.is_empty() {
            match self.batches.attempt(&batch, &self.reading, &self.shared, now).await {
                Ok(outcome) => {
                    self.shared.health.database(Ok(()));
                    self.hand_on(batch, outcome).await;
                    return Vec::new();
                }
                Err(StoreError::HeadConflict { .. }) => self.keep_commands_only(&mut batch),
                Err(StoreError::RowConflict(_)) if conflicts < CONFLICTS_MAX => conflicts += 1,
                Err(error @ (StoreError::Violation { .. } | StoreError::Unwritable { .. }))
                    if !batch.is_fully_blamed() =>
                {
                    if let Some(first) = batch.split() {
                        return vec![batch, first];
                    }
                    batch.blame(error.to_string());
                }
                Err(error @ StoreError::Database { .. }) if batch.has_what_is_found_again() => {
                    self.shared.health.database(Err(error.to_string()));
                    self.keep_commands_only(&mut batch);
                }
                Err(error @ StoreError::PutBack(_)) => {
                    self.shared.stopping.fail(error.to_string());
                    return Vec::new();
                }
                Err(error) => {
                    self.shared.health.database(Err(error.to_string()));
                    tokio::select! {
                        biased;
                        // Callers get an error. Everything else is processed after the next start.
                        () = self.shared.stopping.begun() => return Vec::new(),
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
        Vec::new()
    }

    /// Drops from a batch what only the leader may process: another instance does it.
    fn keep_commands_only(&mut self, batch: &mut BatchInput) {
        self.step_down();
        batch.deliveries.clear();
        batch.unsendable.clear();
        batch.lost.clear();
        (batch.passed, batch.due) = (None, 0);
        if !batch.effects.is_empty() {
            batch.effects.clear();
            self.shared.leadership.interrupt();
        }
    }

    /// Sends on what a batch has committed: to the outbox relay, to callers, and to the effects task.
    async fn hand_on(&mut self, batch: BatchInput, outcome: BatchOutcome) {
        measure::count(self.batches.choreography.service, &outcome, &self.shared.health);
        self.maintenance.take_unreadable(outcome.unreadable_rows);
        self.shared.processed.add(&outcome.processed, self.batches.settings.clock.now());
        self.reading.advanced(&batch, outcome.numbers);
        if !outcome.outbox.is_empty() {
            let _ = self.batches.outputs.outbox.try_send(outcome.outbox);
            if !batch.commands.is_empty() {
                // Let the outbox relay run first: its messages have the longer way than the replies to callers.
                tokio::task::yield_now().await;
            }
        }
        for (command, reply) in batch.commands.into_iter().zip(outcome.replies) {
            command.reply(reply);
        }
        if outcome.compensations_changed {
            self.maintenance.report_dead_compensations().await;
        }
        if !outcome.effects.is_empty() {
            let _ = self.batches.outputs.effects.try_send(outcome.effects);
        }
        self.reading.due = self.reading.due.into_iter().chain(outcome.due).min();
        if batch.due > 0 {
            match self.batches.store.next_due().await {
                // What is put off while messages are read again is looked at again by the next maintenance.
                Ok(due) => self.reading.due = due.filter(|_| self.reading.again_through() == 0),
                Err(error) => self.shared.health.database(Err(error.to_string())),
            }
        }
    }

    fn step_down(&mut self) {
        if planted(PlantedBug::LeadsWithoutLease) {
            return;
        }
        if let Some(epoch) = self.reading.step_down() {
            self.shared.leadership.step_down(epoch);
        }
    }
}
