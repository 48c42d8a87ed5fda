//! The effects task: runs effects after the commit, at least once.
//!
//! What must hold: of each message and key one effect runs at a time, in order, and the effects of one message never wait
//! for those of another. Each try is a task of its own, so it goes on whatever this task waits for.

mod effect_try;
mod guard;
mod kind;
mod queue;
mod report;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::clock::{later, until};
use crate::declare::choreography::Choreography;
use crate::declare::effect_error::EffectError;
use crate::engine::batch::{TriedEffect, TryOutcome};
use crate::engine::leadership::Term;
use crate::engine::shared::Shared;
use crate::planted::{PlantedBug, planted};
use crate::settings::{EFFECTS_FINISH_MAX, EFFECTS_LOOKS_EVERY, Settings};
use crate::store::{EffectRow, Store, TrySlot};
use crate::wire::dead_letter::{Death, Reason};
use crate::wire::envelope::Heading;
use crate::wire::ids::derived_id;
use effect_try::{EffectTry, Ran};
use guard::EffectGuard;
use kind::{Kind, Kinds};

/// The longest pause between two tries, so that a repaired outside world is noticed soon.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

pub(crate) struct Effects {
    pub choreography: Arc<Choreography>,
    pub store: Arc<dyn Store>,
    pub shared: Shared,
    pub settings: Settings,
    /// The effects that batches have committed, without a round trip to the database.
    pub added: mpsc::Receiver<Vec<EffectRow>>,
    /// Effects after a try, each with the term in which it ran.
    pub tried: mpsc::Sender<(Term, TriedEffect)>,
    /// None before effects were loaded for the first time.
    pub guard: Option<EffectGuard>,
}

/// The tries that run: each returns its kind, its key and its result.
type Tries = JoinSet<(usize, String, Result<Ran, EffectError>)>;

impl Effects {
    /// Runs effects while this instance leads, until the service stops. Then it lets the running ones finish.
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
            let (mut kinds, mut tries) = (Kinds::of(&self.choreography, &self.settings), Tries::new());
            let stops = tokio::select! {
                biased;
                () = stopping.begun() => true,
                () = leadership.interrupted(term) => false,
                never = self.run_term(term, &mut kinds, &mut tries) => match never {},
            };
            if stops {
                return self.finish(term, kinds, tries).await;
            }
            // Ended before they are begun again, here or by another instance.
            tries.shutdown().await;
            self.guard.iter_mut().for_each(EffectGuard::interrupted);
            kinds.iter_mut().for_each(|kind| kind.recovered(&self.shared.health));
            // Those that wait are reported by the instance that leads.
            self.report(&Kinds::of(&self.choreography, &self.settings));
        }
    }

    async fn run_term(&mut self, term: Term, kinds: &mut Kinds, tries: &mut Tries) -> Infallible {
        // Only then the database knows what the stream has of effects that it has queued.
        self.shared.repaired.wait_under(term.epoch.unwrap_or_default()).await;
        let mut looks = tokio::time::interval(EFFECTS_LOOKS_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was handed over until now is in the database: the first tick, at once, loads it.
        while self.added.try_recv().is_ok() {}
        let mut has_looked = false;
        loop {
            self.record_tried().await;
            for kind in kinds.iter_mut().filter(|kind| kind.is_to_load()) {
                self.load(kind).await;
            }
            if std::mem::take(&mut has_looked) {
                // A database that takes long must not be asked again at once: no outcome would be handed over.
                looks.reset();
            }
            self.start(kinds, tries).await;
            let next = next_start(self.guard.as_ref(), kinds, self.settings.clock.now());
            // First what timers bound, then what batches bound. Effects may finish without a pause.
            let tried = tokio::select! {
                biased;
                _ = looks.tick() => {
                    kinds.look_again();
                    self.report(kinds);
                    has_looked = true;
                    None
                }
                () = tokio::time::sleep(next.unwrap_or(BACKOFF_MAX)), if next.is_some() => None,
                Some(rows) = self.added.recv() => {
                    kinds.take(rows, self.settings.clock.now());
                    None
                }
                // With room in the channel first, so that no outcome is lost if this is interrupted here.
                tried = next_tried(&self.tried, tries), if !tries.is_empty() => tried,
            };
            let Some((room, (kind, key, result))) = tried else { continue };
            match self.settle(&mut kinds[kind], &key, result) {
                Some(tried) => {
                    self.guard.iter_mut().for_each(|guard| guard.ended(tried.row.number));
                    room.send((term, tried));
                }
                None => drop(room),
            }
        }
    }

    /// Loads the effects of a kind that follow.
    async fn load(&self, kind: &mut Kind) {
        let (after, room) = kind.queue.to_load();
        match self.store.effects(kind.message, after, u32::try_from(room).unwrap_or(u32::MAX)).await {
            Ok(_) if planted(PlantedBug::QueuedEffectsForgotten) => kind.loaded(Vec::new(), self.settings.clock.now()),
            Ok(rows) => kind.loaded(rows, self.settings.clock.now()),
            Err(error) => {
                self.shared.health.database(Err(error.to_string()));
                kind.pause_loading();
            }
        }
    }

    /// Starts what may run now; one by one if processes crash again and again.
    async fn start(&mut self, kinds: &mut Kinds, tries: &mut Tries) {
        let now = self.settings.clock.now();
        let mut guard = match self.guard.take() {
            Some(guard) => guard,
            None if kinds.iter().any(Kind::is_paused) => return,
            None => match self.shared.run.begin(&*self.store).await {
                Ok(last) => EffectGuard::after(last, kinds.iter().flat_map(|kind| kind.queue.numbers()).collect(), now),
                Err(error) => return self.shared.health.database(Err(error.to_string())),
            },
        };
        while guard.pause(now).is_none()
            && let Some((index, (key, row, asks))) = kinds.start_next(now)
        {
            let crashes = if guard.is_on() { self.try_alone(&mut guard, &row, now).await } else { None };
            let attempt = EffectTry {
                choreography: self.choreography.clone(),
                store: self.store.clone(),
                time_max: kinds[index].time_of_try(row.tries, row.since_ms, now),
                row,
                asks,
                crashes,
                now,
                fault: self.settings.fault.clone(),
            };
            tries.spawn(async move { (index, key, attempt.run().await) });
        }
        self.guard = Some(guard);
    }

    /// Records in the database that an effect is begun by itself. Returns how many processes have crashed on it if it must
    /// not be tried any more.
    async fn try_alone(&self, guard: &mut EffectGuard, row: &EffectRow, now: Timestamp) -> Option<u32> {
        let id = derived_id(Heading::read(&row.envelope).ok()?.id, "effect");
        let crashes = guard.crashes(id);
        if crashes.is_none()
            && let Err(error) = self.store.try_alone(TrySlot::Effect, Some(id)).await
        {
            self.shared.health.database(Err(error.to_string()));
        }
        guard.began(now);
        crashes
    }

    /// Records in the database that every effect that this process found has been tried, when that is so.
    async fn record_tried(&mut self) {
        let Some(guard) = self.guard.as_mut().filter(|guard| guard.is_to_record()) else { return };
        match self.store.effects_tried().await {
            Ok(()) => guard.recorded(),
            Err(error) => self.shared.health.database(Err(error.to_string())),
        }
    }

    /// Handles the result of a try: the effect is finished, is tried again, or dies. Returns what is committed of it.
    fn settle(&self, kind: &mut Kind, key: &str, result: Result<Ran, EffectError>) -> Option<TriedEffect> {
        let now = self.settings.clock.now();
        let tries = kind.queue.first_mut(key).map(|row| {
            row.tries = row.tries.saturating_add(1);
            row.tries
        })?;
        kind.running -= 1;
        let outcome = match result {
            Ok(ran) => {
                kind.recovered(&self.shared.health);
                match ran {
                    Ran::Done(outgoing) => TryOutcome::Done(outgoing),
                    Ran::Obsolete(reason) => TryOutcome::Obsolete(reason),
                }
            }
            Err(error) if error.is_permanent() => {
                TryOutcome::Died(Death { reason: Reason::Poison, detail: error.to_string(), tries })
            }
            Err(error) => {
                kind.failed(&error, &self.shared.health);
                if let Some(due) = self.next_try(kind, key, now) {
                    let row = kind.queue.retry(key, due)?;
                    return Some(TriedEffect { row, outcome: TryOutcome::Failed });
                }
                TryOutcome::Died(Death { reason: Reason::Exhausted, detail: error.to_string(), tries })
            }
        };
        Some(TriedEffect { row: kind.queue.finish(key)?, outcome })
    }

    /// Returns when to try again, none if the effect's time is over by then. The pause doubles, and up to half of it is
    /// added at random.
    fn next_try(&self, kind: &Kind, key: &str, now: Timestamp) -> Option<Timestamp> {
        let row = kind.queue.first(key)?;
        let doublings = row.tries.saturating_sub(1).min(16);
        let pause = self.settings.effect_backoff.saturating_mul(1 << doublings).min(BACKOFF_MAX);
        let due = later(now, pause + pause.mul_f64(self.settings.clock.random_fraction() / 2.0));
        (due < kind.ends_at(row.since_ms)).then_some(due)
    }

    /// Waits for the running tries, at most [`EFFECTS_FINISH_MAX`], and hands over what came of them: what ran is not run
    /// again after the next start.
    async fn finish(self, term: Term, mut kinds: Kinds, mut tries: Tries) {
        let finishing = async {
            while let Some((room, (kind, key, result))) = next_tried(&self.tried, &mut tries).await {
                if let Some(tried) = self.settle(&mut kinds[kind], &key, result) {
                    room.send((term, tried));
                }
            }
        };
        if tokio::time::timeout(EFFECTS_FINISH_MAX, finishing).await.is_err() {
            tracing::warn!(
                running = tries.len(),
                "effects did not finish in time: they are run again after the next start"
            );
        }
        tries.shutdown().await;
    }
}

/// Returns after which pause an effect may start that may not now; none if something else has to happen first: a look at the
/// database, or the end of a try.
fn next_start(guard: Option<&EffectGuard>, kinds: &Kinds, now: Timestamp) -> Option<Duration> {
    guard?.pause(now).or_else(|| kinds.next_retry().map(|due| until(now, due)))
}

/// Waits for the next try to end, and for room to hand it over; none if no try runs, or nobody takes it any more.
async fn next_tried<'a>(
    handed_over: &'a mpsc::Sender<(Term, TriedEffect)>,
    tries: &mut Tries,
) -> Option<(mpsc::Permit<'a, (Term, TriedEffect)>, (usize, String, Result<Ran, EffectError>))> {
    let room = handed_over.reserve().await.ok()?;
    let tried = tries.join_next().await?;
    Some((room, tried.expect("a try catches the panics of its effect, and is not ended while it is waited for")))
}

#[cfg(test)]
mod tests {
    use hashbrown::HashSet;

    use super::*;
    use crate::store::LastRun;
    use crate::wire::envelope::Envelope;

    const RUNNING_MAX: usize = 1;

    fn moment(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    /// Returns one kind of effects, of which one waits for its next try at a moment, and the first of another key runs if
    /// one does.
    fn kinds(running: usize, retry_ms: i64) -> Kinds {
        let mut kinds = Kinds::one("bind", RUNNING_MAX);
        let row = |number, key: &str, due_ms| EffectRow {
            number,
            key: key.to_owned(),
            tries: 1,
            since_ms: 0,
            due_ms,
            envelope: Envelope::default(),
        };
        let rows = [row(1, "running", 0), row(2, "waiting", retry_ms)];
        kinds[0].loaded(rows[1 - running..].to_vec(), moment(0));
        (0..running).for_each(|_| assert!(kinds[0].start_next(moment(0)).is_some()));
        kinds
    }

    #[test]
    fn nothing_is_waited_for_by_the_clock_while_something_else_must_happen_first() {
        let guard = |died_here, loaded: &[i64]| {
            let last = LastRun { died_here, ..LastRun::default() };
            EffectGuard::after(&last, loaded.iter().copied().collect::<HashSet<_>>(), moment(0))
        };
        let (free, waits) = (guard(false, &[]), guard(true, &[2]));
        let pause = |guard, running, now| next_start(guard, &kinds(running, 500), moment(now));
        assert_eq!(pause(Some(&free), 0, 100), Some(Duration::from_millis(400)));
        // As many run as may: the end of one comes first, also when the next try of another is due.
        assert_eq!((pause(Some(&free), 1, 100), pause(Some(&free), 1, 600)), (None, None));
        // Messages are tried first, for two seconds.
        assert_eq!(pause(Some(&waits), 0, 600), Some(Duration::from_millis(1_400)));
        // The database could not be read: the next look comes first.
        assert_eq!(pause(None, 0, 600), None);
    }
}
