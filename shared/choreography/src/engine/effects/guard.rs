//! The crash-loop guard of effects: after a crash they are begun one by one, each known to the database before. So the
//! effect that crashes the process is found, and dies alone.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::clock::{later, until};
use crate::store::LastRun;

/// How long after one effect the next one is begun although the first still runs. A process that dies later than that is
/// taken to have died of the effect that was begun last: effects that hang must not delay all others.
const NEXT_AFTER: Duration = Duration::from_secs(1);
/// How long effects wait if the process may have crashed on a message: messages are tried first.
const MESSAGES_FIRST: Duration = Duration::from_secs(2);

/// Begins effects one by one.
#[derive(Default)]
pub(crate) struct EffectGuard {
    /// How many effects are still begun one by one.
    remaining: usize,
    /// Whether the database says of an effect that it is tried.
    recorded: bool,
    /// When the next one is begun at the latest.
    next_at: Option<Timestamp>,
    /// How many processes have crashed on the effects that are not tried any more.
    deadly: HashMap<Uuid, u32>,
}

impl EffectGuard {
    /// Returns the guard after a run, for as many effects as are loaded.
    pub(super) fn after(last: &LastRun, loaded: usize, now: Timestamp) -> Self {
        let remaining = if last.crashed { loaded } else { 0 };
        let next_at = last.died_here.then(|| later(now, MESSAGES_FIRST));
        Self { remaining, recorded: false, next_at, deadly: last.deadly() }
    }

    /// Whether effects are begun one by one.
    pub(super) fn is_on(&self) -> bool {
        self.remaining > 0
    }

    /// Returns how long the next effect has to wait; none if it may begin.
    pub(super) fn pause(&self, now: Timestamp) -> Option<Duration> {
        let pause = self.next_at.filter(|_| self.is_on()).map(|next_at| until(now, next_at));
        pause.filter(|pause| !pause.is_zero())
    }

    /// Returns how many processes have crashed on an effect that must not be tried any more.
    pub(super) fn crashes(&self, id: Uuid) -> Option<u32> {
        self.deadly.get(&id).copied()
    }

    /// Notes that an effect was begun.
    pub(super) fn began(&mut self, now: Timestamp) {
        self.remaining = self.remaining.saturating_sub(1);
        self.recorded = true;
        self.next_at = Some(later(now, NEXT_AFTER));
    }

    /// Notes that an effect has ended: the next one need not wait. Returns whether it was the last that was begun by
    /// itself, so that the database is to know that none is any more.
    pub(super) fn ended(&mut self) -> bool {
        let is_last = self.recorded && !self.is_on();
        self.recorded &= !is_last;
        self.next_at = None;
        is_last
    }
}
