//! The effects' queue: run after the commit, at least once; one at a time for each key, others beside it.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::clock::{later, until};
use crate::declare::choreography::Choreography;
use crate::declare::effect_error::EffectError;
use crate::declare::outgoing::OutgoingMessage;
use crate::engine::batch::FinishedEffect;
use crate::engine::shared::{Leadership, Shared};
use crate::settings::{EFFECTS_LOADED_MAX, EFFECTS_LOOKS_EVERY, EFFECTS_RUNNING_MAX, Settings};
use crate::store::{EffectRow, Store};
use crate::wire::dead_letter::Death;
use crate::wire::dead_letter::Reason;
use crate::wire::envelope::Heading;

/// Backoff grows no further than this, so that a repaired outside world is noticed soon.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long to wait when the database does not give its effects.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

pub(crate) struct Effects {
    pub choreography: Arc<Choreography>,
    pub store: Arc<dyn Store>,
    pub shared: Shared,
    pub settings: Settings,
    /// What batches have committed, handed on without a detour through the database.
    pub added: mpsc::Receiver<Vec<EffectRow>>,
    /// What is over, and under which charge it was run.
    pub over: mpsc::Sender<(Leadership, FinishedEffect)>,
}

/// The effects in memory.
#[derive(Default)]
struct Queue {
    /// Everything up to this number has been loaded.
    loaded: i64,
    /// By key, in order; the first of a key is the one that runs, or waits for its next try.
    chains: HashMap<String, VecDeque<EffectRow>>,
    count: usize,
    ready: VecDeque<String>,
    /// Keys whose first effect is tried again later.
    later: BTreeMap<(Timestamp, i64), String>,
}

type Tried = (String, Result<Vec<OutgoingMessage>, EffectError>);
/// Effects that run beside each other, in one task: they wait for the world outside most of the time.
type RunningEffects = FuturesUnordered<BoxFuture<'static, Tried>>;

impl Effects {
    /// Runs effects, while this instance is in charge, until the service stops.
    pub(crate) async fn run(mut self) {
        if self.choreography.effects.is_empty() {
            return;
        }
        loop {
            let leadership = tokio::select! {
                leadership = self.shared.leading() => leadership,
                () = self.shared.stopping() => return,
            };
            let shared = self.shared.clone();
            // Whatever runs is dropped with its queue, so that it does not run beside its next try.
            tokio::select! {
                () = self.run_queue(leadership) => {}
                () = shared.interrupted(leadership) => {}
                () = shared.stopping() => return,
            }
        }
    }

    async fn run_queue(&mut self, leadership: Leadership) {
        let mut queue = Queue::default();
        let mut running = RunningEffects::new();
        let mut looks = tokio::time::interval(EFFECTS_LOOKS_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // What was handed over until now is in the database, where the first look, at once, finds it.
        while self.added.try_recv().is_ok() {}
        let mut more = false;
        loop {
            if more && queue.count <= EFFECTS_LOADED_MAX / 2 {
                more = self.load(&mut queue).await;
            }
            let now = self.settings.clock.now();
            queue.wake(now);
            while running.len() < EFFECTS_RUNNING_MAX {
                let Some(key) = queue.ready.pop_front() else { break };
                self.start(&queue, key, &mut running);
            }
            let next = queue.later.first_key_value().map(|((due, _), _)| until(now, *due));
            tokio::select! {
                Some((key, outcome)) = running.next() => self.tried(&mut queue, key, outcome, leadership).await,
                Some(rows) = self.added.recv() => more |= !queue.take(rows, self.settings.clock.now()),
                _ = looks.tick() => more = true,
                () = tokio::time::sleep(next.unwrap_or(BACKOFF_MAX)), if next.is_some() => {}
            }
        }
    }

    /// Loads what follows; whether there may be more.
    async fn load(&self, queue: &mut Queue) -> bool {
        let room = EFFECTS_LOADED_MAX - queue.count;
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        match self.store.effects(queue.loaded, room).await {
            Ok(rows) => {
                let full = rows.len() >= room as usize;
                rows.into_iter().for_each(|row| queue.add(row, self.settings.clock.now()));
                full
            }
            Err(error) => {
                self.shared.note_database(Err(error.to_string()));
                tokio::time::sleep(AGAIN_AFTER).await;
                true
            }
        }
    }

    fn start(&self, queue: &Queue, key: String, running: &mut RunningEffects) {
        let Some(row) = queue.chains.get(&key).and_then(VecDeque::front) else { return };
        let name = row.envelope.parts().map_or("", |(_, name, _)| name);
        let (handler, heading) = (self.choreography.effect_handler(name), Heading::read(&row.envelope));
        let future = match (handler, heading) {
            (Some(handler), Ok(heading)) => {
                let id: Uuid = heading.id;
                handler.run(row.envelope.payload.clone(), id, self.settings.clock.now())
            }
            (_, heading) => {
                let problem = format!("no effect for {name}, or unreadable headers: {:?}", heading.err());
                Box::pin(async move { Err(EffectError::transient(problem)) })
            }
        };
        running.push(Box::pin(async move {
            let outcome = match AssertUnwindSafe(future).catch_unwind().await {
                Ok(outcome) => outcome,
                Err(panic) => Err(EffectError::transient(panicked(panic.as_ref()))),
            };
            (key, outcome)
        }));
    }

    /// What comes after a try: the answer, another try later, or death.
    async fn tried(
        &self,
        queue: &mut Queue,
        key: String,
        outcome: Result<Vec<OutgoingMessage>, EffectError>,
        leadership: Leadership,
    ) {
        let Some(row) = queue.chains.get_mut(&key).and_then(VecDeque::front_mut) else { return };
        row.tries += 1;
        let outcome = match outcome {
            Ok(outgoing) => Ok(outgoing),
            Err(error) if error.is_permanent() => {
                Err(Death { reason: Reason::Poison, detail: error.to_string(), tries: row.tries })
            }
            Err(error) => {
                let detail = error.to_string();
                if let Some(due) = self.next_try(row) {
                    tracing::warn!(key, tries = row.tries, detail, "an effect failed and is tried again");
                    queue.later.insert((due, row.number), key);
                    if let Err(error) = self.store.effect_failed(row.number, row.tries, due).await {
                        self.shared.note_database(Err(error.to_string()));
                    }
                    return;
                }
                Err(Death { reason: Reason::Exhausted, detail, tries: row.tries })
            }
        };
        if let Some(row) = queue.finish(&key) {
            // The receiver is gone only when the service stops; the effect is then run again after the next start.
            let _ = self.over.send((leadership, FinishedEffect { row, outcome })).await;
        }
    }

    /// When to try again: the pause doubles, with up to half of it added by chance; none after the last try.
    fn next_try(&self, row: &EffectRow) -> Option<Timestamp> {
        let now = self.settings.clock.now();
        let since = Timestamp::from_millisecond(row.since_ms).unwrap_or(now);
        if row.tries >= self.settings.effect_tries_max || now > later(since, self.settings.effect_time_max) {
            return None;
        }
        let doublings = row.tries.saturating_sub(1).min(16);
        let pause = self.settings.effect_backoff.saturating_mul(1 << doublings).min(BACKOFF_MAX);
        let chance = self.settings.clock.new_id().as_u64_pair().1 % 1_000;
        Some(later(now, pause + pause.mul_f64(chance as f64 / 2_000.0)))
    }
}

fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a word"))
}

impl Queue {
    /// Takes what a batch has committed, if it follows on what was loaded and there is room; otherwise it is left to the
    /// database. Whether it is here now.
    fn take(&mut self, rows: Vec<EffectRow>, now: Timestamp) -> bool {
        let follows = rows.first().is_some_and(|first| first.number == self.loaded + 1);
        if follows && self.count + rows.len() <= EFFECTS_LOADED_MAX {
            rows.into_iter().for_each(|row| self.add(row, now));
            return true;
        }
        rows.last().is_none_or(|last| last.number <= self.loaded)
    }

    fn add(&mut self, row: EffectRow, now: Timestamp) {
        self.loaded = row.number;
        self.count += 1;
        let chain = self.chains.entry(row.key.clone()).or_default();
        if chain.is_empty() {
            let due = Timestamp::from_millisecond(row.due_ms).unwrap_or(now);
            if due <= now {
                self.ready.push_back(row.key.clone());
            } else {
                self.later.insert((due, row.number), row.key.clone());
            }
        }
        chain.push_back(row);
    }

    /// Keys whose next try is due become ready.
    fn wake(&mut self, now: Timestamp) {
        while let Some(entry) = self.later.first_entry() {
            if entry.key().0 > now {
                return;
            }
            self.ready.push_back(entry.remove());
        }
    }

    /// Takes the first of a key's effects away; the next one becomes ready.
    fn finish(&mut self, key: &str) -> Option<EffectRow> {
        let chain = self.chains.get_mut(key)?;
        let row = chain.pop_front()?;
        self.count -= 1;
        if chain.is_empty() {
            self.chains.remove(key);
        } else {
            self.ready.push_back(key.to_owned());
        }
        Some(row)
    }
}
