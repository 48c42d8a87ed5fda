//! The effects of each message: how many run, how they are tried, and what of them is in memory.

use std::ops::{Index, IndexMut};
use std::time::Duration;

use jiff::Timestamp;

use super::queue::EffectQueue;
use crate::clock::{later, until};
use crate::declare::choreography::Choreography;
use crate::declare::effect::EffectHandler;
use crate::declare::effect_error::EffectError;
use crate::engine::health::HealthReporter;
use crate::settings::{EFFECTS_RUNNING_MAX, Settings};
use crate::store::EffectRow;

/// The effects of one message.
pub(super) struct Kind {
    pub message: &'static str,
    pub queue: EffectQueue,
    pub running: usize,
    running_max: usize,
    within: Duration,
    try_time_max: Duration,
    /// Whether every effect of the database up to the last that was handed over is in memory.
    complete: bool,
    /// Whether loading failed: it is tried again at the next look.
    paused: bool,
    /// The last failure, until a try succeeds.
    pub failure: Option<String>,
    /// What the log calls their failures.
    trouble: String,
}

impl Kind {
    fn of(effect: &EffectHandler, settings: &Settings) -> Self {
        let policy = effect.policy;
        Self {
            message: effect.message,
            queue: EffectQueue::default(),
            running: 0,
            running_max: policy.running_max.unwrap_or(EFFECTS_RUNNING_MAX),
            within: policy.within.unwrap_or(settings.effect_time_max),
            try_time_max: policy.try_time_max.unwrap_or(settings.effect_try_time_max),
            complete: false,
            paused: false,
            failure: None,
            trouble: format!("effects of {}", effect.message),
        }
    }

    /// Whether the database may have more effects, and there is room for them.
    pub(super) fn is_to_load(&self) -> bool {
        !self.complete && !self.paused && self.queue.has_room()
    }

    /// Takes effects that were loaded from the database.
    pub(super) fn loaded(&mut self, rows: Vec<EffectRow>, now: Timestamp) {
        self.complete = rows.len() < self.queue.to_load().1;
        rows.into_iter().for_each(|row| self.queue.add(row, now, false));
    }

    /// Whether loading failed, and is not tried again before the next look.
    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Loads nothing until the next look: the database failed.
    pub(super) fn pause_loading(&mut self) {
        self.paused = true;
    }

    /// Whether fewer run than may.
    fn may_start(&self) -> bool {
        self.running < self.running_max
    }

    /// Removes and returns the next effect that may run now, with its key, and whether to ask first if it is obsolete.
    pub(super) fn start_next(&mut self, now: Timestamp) -> Option<(String, EffectRow, bool)> {
        if !self.may_start() {
            return None;
        }
        let key = self.queue.pop_ready(now)?;
        let (row, direct) = self.queue.begin(&key, now)?;
        self.running += 1;
        Some((key, row, !direct))
    }

    /// Returns how long a try may take. Only the first one may go beyond the effect's time.
    pub(super) fn time_of_try(&self, tries: u32, since_ms: i64, now: Timestamp) -> Duration {
        match tries {
            0 => self.try_time_max,
            _ => self.try_time_max.min(until(now, self.ends_at(since_ms))),
        }
    }

    /// Returns when the time of an effect is over whose first try began at this moment.
    pub(super) fn ends_at(&self, since_ms: i64) -> Timestamp {
        later(Timestamp::from_millisecond(since_ms).unwrap_or(Timestamp::MAX), self.within)
    }

    /// Notes that a try failed: this is logged once, and health shows the last failure.
    pub(super) fn failed(&mut self, error: &EffectError, health: &HealthReporter) {
        let detail = error.to_string();
        let trouble =
            format!("one has failed and is tried again, as others that fail: see that what it calls works; {detail}");
        health.trouble(&self.trouble, Err(&trouble));
        self.failure = Some(detail);
    }

    /// Notes that nothing fails here: a try succeeded, or another instance runs the effects.
    pub(super) fn recovered(&mut self, health: &HealthReporter) {
        self.failure = None;
        health.trouble(&self.trouble, Ok(()));
    }
}

/// The effects of every message.
pub(super) struct Kinds {
    kinds: Vec<Kind>,
    /// The number of the last effect that was handed over.
    seen: i64,
    /// Whose turn it is, so that none waits for another that always has more.
    turn: usize,
}

impl Kinds {
    pub(super) fn of(choreography: &Choreography, settings: &Settings) -> Self {
        Self { kinds: choreography.effects.iter().map(|effect| Kind::of(effect, settings)).collect(), seen: 0, turn: 0 }
    }

    /// Returns one kind, of which nothing is loaded.
    #[cfg(test)]
    pub(super) fn one(message: &'static str, running_max: usize) -> Self {
        let queue = EffectQueue::default();
        let (within, try_time_max) = (Duration::MAX, Duration::MAX);
        let (complete, paused, failure, trouble) = (false, false, None, String::new());
        let kind =
            Kind { message, queue, running: 0, running_max, within, try_time_max, complete, paused, failure, trouble };
        Self { kinds: vec![kind], seen: 0, turn: 0 }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Kind> {
        self.kinds.iter_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter()
    }

    /// Loads from the database again, where another instance may have added effects.
    pub(super) fn look_again(&mut self) {
        for kind in &mut self.kinds {
            (kind.complete, kind.paused) = (false, false);
        }
    }

    /// Takes the effects that a batch has committed. Those for which there is no room, and all if some before them were
    /// not handed over, are loaded from the database later.
    pub(super) fn take(&mut self, rows: Vec<EffectRow>, now: Timestamp) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        if first.number != self.seen + 1 {
            self.kinds.iter_mut().for_each(|kind| kind.complete = false);
        }
        self.seen = last.number;
        for row in rows {
            let message = row.envelope.parts().map_or("", |(_, name, _)| name);
            let Some(kind) = self.kinds.iter_mut().find(|kind| kind.message == message) else { continue };
            kind.complete &= kind.queue.to_load().1 > 0;
            if kind.complete {
                kind.queue.add(row, now, true);
            }
        }
    }

    /// Removes and returns the next effect that may run now, as [`Kind::start_next`], with the index of its kind.
    pub(super) fn start_next(&mut self, now: Timestamp) -> Option<(usize, (String, EffectRow, bool))> {
        let count = self.kinds.len();
        for index in (self.turn..self.turn + count).map(|index| index % count) {
            if let Some(next) = self.kinds[index].start_next(now) {
                self.turn = index + 1;
                return Some((index, next));
            }
        }
        None
    }

    /// Returns when the next effect is tried again, of those that need not wait for the end of another.
    pub(super) fn next_retry(&self) -> Option<Timestamp> {
        self.kinds.iter().filter(|kind| kind.may_start()).filter_map(|kind| kind.queue.next_retry()).min()
    }
}

impl Index<usize> for Kinds {
    type Output = Kind;
    fn index(&self, index: usize) -> &Kind {
        &self.kinds[index]
    }
}
impl IndexMut<usize> for Kinds {
    fn index_mut(&mut self, index: usize) -> &mut Kind {
        &mut self.kinds[index]
    }
}
