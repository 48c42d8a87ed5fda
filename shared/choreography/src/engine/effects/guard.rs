//! The crash-loop guard of effects: if a process crashes before it has tried every effect that it found, the next one begins
//! them one by one, each known to the database before. So the effect that crashes the process is found, and dies alone.

use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use jiff::Timestamp;
use uuid::Uuid;

use crate::clock::{later, until};
use crate::store::LastRun;

/// How long after one effect the next one is begun although the first still runs. A process that dies later than that is
/// taken to have died of the effect that was begun last: effects that hang must not delay all others.
const NEXT_AFTER: Duration = Duration::from_secs(1);
/// How long effects wait if the process may have crashed on a message: messages are tried first.
const MESSAGES_FIRST: Duration = Duration::from_secs(2);

/// Begins effects one by one while that is needed.
pub(crate) struct EffectGuard {
    /// The numbers of the effects that the process found, as long as no try of them has ended here.
    untried: HashSet<i64>,
    /// Whether effects are begun one by one as long as some are untried.
    one_by_one: bool,
    /// Whether the database knows that all were tried.
    recorded: bool,
    /// When the next one is begun at the latest.
    next_at: Option<Timestamp>,
    /// How many processes have crashed on the effects that are not tried any more.
    deadly: HashMap<Uuid, u32>,
}

impl EffectGuard {
    /// Returns the guard after a run, for the effects that are loaded.
    pub(super) fn after(last: &LastRun, loaded: HashSet<i64>, now: Timestamp) -> Self {
        let one_by_one = last.crashed && !last.effects_tried;
        let next_at = last.died_here.then(|| later(now, MESSAGES_FIRST));
        Self { untried: loaded, one_by_one, recorded: false, next_at, deadly: last.deadly() }
    }

    /// Whether effects are begun one by one.
    pub(super) fn is_on(&self) -> bool {
        self.one_by_one && !self.untried.is_empty()
    }

    /// Returns how long the next effect has to wait; none if it may begin.
    pub(super) fn pause(&self, now: Timestamp) -> Option<Duration> {
        let pause = self.next_at.filter(|_| !self.untried.is_empty()).map(|next_at| until(now, next_at));
        pause.filter(|pause| !pause.is_zero())
    }

    /// Returns how many processes have crashed on an effect that must not be tried any more.
    pub(super) fn crashes(&self, id: Uuid) -> Option<u32> {
        self.deadly.get(&id).copied()
    }

    /// Notes that an effect was begun by itself.
    pub(super) fn began(&mut self, now: Timestamp) {
        self.next_at = Some(later(now, NEXT_AFTER));
    }

    /// Notes that a try of an effect has ended: the next one need not wait.
    pub(super) fn ended(&mut self, number: i64) {
        self.untried.remove(&number);
        self.next_at = None;
    }

    /// Notes that another instance has led: what the effects were tried in is its run.
    pub(super) fn interrupted(&mut self) {
        (self.untried, self.recorded) = (HashSet::new(), true);
    }

    /// Whether all effects have been tried, and the database does not know it yet.
    pub(super) fn is_to_record(&self) -> bool {
        !self.recorded && self.untried.is_empty()
    }

    /// Notes that the database knows that all effects were tried.
    pub(super) fn recorded(&mut self) {
        self.recorded = true;
    }
}
