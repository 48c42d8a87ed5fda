//! The effects task: runs effects after the commit, at least once; one at a time for each key, different keys in
//! parallel.

mod queue;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::clock::{later, until};
use crate::declare::choreography::Choreography;
use crate::declare::effect_error::EffectError;
use crate::declare::outgoing::OutgoingMessage;
use crate::engine::batch::FinishedEffect;
use crate::engine::leadership::Term;
use crate::engine::panic::panic_text;
use crate::engine::shared::Shared;
use crate::settings::{EFFECTS_LOOKS_EVERY, EFFECTS_RUNNING_MAX, Settings};
use crate::store::{EffectRow, Store};
use crate::wire::dead_letter::{Death, Reason};
use crate::wire::envelope::Heading;
use queue::EffectQueue;

/// The longest pause between two tries, so that a repaired outside world is noticed soon.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// The pause after the database failed to load effects.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

pub(crate) struct Effects {
    pub choreography: Arc<Choreography>,
    pub store: Arc<dyn Store>,
    pub shared: Shared,
    pub settings: Settings,
    /// The effects that batches have committed, without a round trip to the database.
    pub added: mpsc::Receiver<Vec<EffectRow>>,
    /// Finished effects, each with the term in which it ran.
    pub finished: mpsc::Sender<(Term, FinishedEffect)>,
}

type TryOutcome = Result<Vec<OutgoingMessage>, EffectError>;
/// Effects that run concurrently in one task: most of the time they wait for the outside world.
type RunningEffects = FuturesUnordered<BoxFuture<'static, (String, TryOutcome)>>;

impl Effects {
    /// Runs effects while this instance leads, until the service stops.
    pub(crate) async fn run(mut self) {
        let Shared { leadership, stopping, .. } = self.shared.clone();
        if self.choreography.effects.is_empty() {
            return stopping.begun().await;
        }
        loop {
            let term = tokio::select! {
                biased;
                () = stopping.begun() => return,
                term = leadership.leading() => term,
            };
            // Running effects are dropped with their queue, so that none runs beside its next try.
            tokio::select! {
                biased;
                () = stopping.begun() => return,
                () = leadership.interrupted(term) => {}
                () = self.run_queue(term) => {}
            }
        }
    }

    async fn run_queue(&mut self, term: Term) {
        let mut queue = EffectQueue::default();
        let mut running = RunningEffects::new();
        let mut looks = tokio::time::interval(EFFECTS_LOOKS_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was handed over until now is in the database: the first tick, at once, loads it.
        while self.added.try_recv().is_ok() {}
        let mut more = false;
        loop {
            if more && queue.has_room() {
                more = self.load(&mut queue).await;
            }
            let now = self.settings.clock.now();
            while running.len() < EFFECTS_RUNNING_MAX {
                let Some(key) = queue.pop_ready(now) else { break };
                self.start(&queue, key, &mut running);
            }
            let next = queue.next_retry().map(|due| until(now, due));
            // First what timers bound, then what batches bound. Effects may finish without a pause.
            tokio::select! {
                biased;
                _ = looks.tick() => more = true,
                () = tokio::time::sleep(next.unwrap_or(BACKOFF_MAX)), if next.is_some() => {}
                Some(rows) = self.added.recv() => more |= !queue.take(rows, self.settings.clock.now()),
                Some((key, outcome)) = running.next() => self.tried(&mut queue, key, outcome, term).await,
            }
        }
    }

    /// Loads the effects that follow. Returns whether there may be more.
    async fn load(&self, queue: &mut EffectQueue) -> bool {
        let (after, room) = queue.to_load();
        match self.store.effects(after, u32::try_from(room).unwrap_or(u32::MAX)).await {
            Ok(rows) => {
                let is_full = rows.len() >= room;
                rows.into_iter().for_each(|row| queue.add(row, self.settings.clock.now()));
                is_full
            }
            Err(error) => {
                self.shared.health.database(Err(error.to_string()));
                tokio::time::sleep(RETRY_PAUSE).await;
                true
            }
        }
    }

    fn start(&self, queue: &EffectQueue, key: String, running: &mut RunningEffects) {
        let Some(row) = queue.first(&key) else { return };
        let name = row.envelope.parts().map_or("", |(_, name, _)| name);
        let (handler, heading) = (self.choreography.effect_handler(name), Heading::read(&row.envelope));
        let future = match (handler, heading) {
            (Some(handler), Ok(heading)) => {
                let version = heading.name_and_version().map_or(0, |(_, version)| version);
                handler.run(version, row.envelope.payload.clone(), heading.id, self.settings.clock.now())
            }
            (_, heading) => {
                let problem = format!("no effect for {name}, or unreadable headers: {:?}", heading.err());
                Box::pin(async move { Err(EffectError::transient(problem)) })
            }
        };
        running.push(Box::pin(async move {
            let outcome = match AssertUnwindSafe(future).catch_unwind().await {
                Ok(outcome) => outcome,
                Err(panic) => Err(EffectError::transient(panic_text(panic.as_ref()))),
            };
            (key, outcome)
        }));
    }

    /// Handles the outcome of a try: the effect is finished, is tried again, or dies.
    async fn tried(&self, queue: &mut EffectQueue, key: String, outcome: TryOutcome, term: Term) {
        let Some(row) = queue.first_mut(&key) else { return };
        row.tries += 1;
        let (number, tries) = (row.number, row.tries);
        let outcome = match outcome {
            Ok(outgoing) => Ok(outgoing),
            Err(error) if error.is_permanent() => {
                Err(Death { reason: Reason::Poison, detail: error.to_string(), tries })
            }
            Err(error) => {
                let detail = error.to_string();
                if let Some(due) = self.next_try(row) {
                    tracing::warn!(key, tries, detail, "an effect failed and is tried again");
                    queue.retry(key, number, due);
                    if let Err(error) = self.store.effect_failed(number, tries, due).await {
                        self.shared.health.database(Err(error.to_string()));
                    }
                    return;
                }
                Err(Death { reason: Reason::Exhausted, detail, tries })
            }
        };
        if let Some(row) = queue.finish(&key) {
            // The receiver is gone only when the service stops; then the effect runs again after the next start.
            let _ = self.finished.send((term, FinishedEffect { row, outcome })).await;
        }
    }

    /// Returns when to try again, none after the last try. The pause doubles, and up to half of it is added at random.
    fn next_try(&self, row: &EffectRow) -> Option<Timestamp> {
        let now = self.settings.clock.now();
        let since = Timestamp::from_millisecond(row.since_ms).unwrap_or(now);
        if row.tries >= self.settings.effect_tries_max || now > later(since, self.settings.effect_time_max) {
            return None;
        }
        let doublings = row.tries.saturating_sub(1).min(16);
        let pause = self.settings.effect_backoff.saturating_mul(1 << doublings).min(BACKOFF_MAX);
        Some(later(now, pause + pause.mul_f64(self.settings.clock.random_fraction() / 2.0)))
    }
}
