//! The crash-loop guard: after a crash, messages are processed one by one. So the message that crashes the process is
//! found, and dies alone.

use std::sync::Arc;

use uuid::Uuid;

use crate::engine::batch::{DeadlyMessage, OneByOne};
use crate::engine::health::HealthReporter;
use crate::engine::run_record::RunRecord;
use crate::settings::BATCH_MAX;
use crate::store::{Store, TrySlot};

/// How many messages are processed one by one after a crash: two batches, of which the first may have been committed.
const GUARDED_MESSAGES: usize = 2 * BATCH_MAX;

/// Processes messages one by one from the position where the last process crashed.
pub(super) struct CrashLoopGuard {
    store: Arc<dyn Store>,
    health: HealthReporter,
    run: RunRecord,
    /// How many messages are still processed one by one; none before this process recorded that it reads.
    remaining: Option<usize>,
    one_by_one: OneByOne,
}

impl CrashLoopGuard {
    pub(super) fn new(store: Arc<dyn Store>, health: HealthReporter, run: RunRecord) -> Self {
        Self { store, health, run, remaining: None, one_by_one: OneByOne::default() }
    }

    /// Whether messages are processed one by one. The first call records that this process reads from here; if the last
    /// process crashed at the same position, the guard is on.
    pub(super) async fn is_on(&mut self) -> bool {
        if self.remaining.is_none() {
            match self.run.begin(&*self.store).await {
                Ok(last) => {
                    self.remaining = Some(if last.died_here { GUARDED_MESSAGES } else { 0 });
                    self.one_by_one.deadly = last.deadly();
                }
                Err(error) => self.health.database(Err(error.to_string())),
            }
        }
        self.remaining.is_some_and(|remaining| remaining > 0)
    }

    /// Begins a batch: whatever it calls must be tried in it.
    pub(super) fn begin_batch(&mut self) {
        self.one_by_one.tried.clear();
    }

    /// Returns what may be called, while messages are processed one by one.
    pub(super) fn one_by_one(&self) -> Option<&OneByOne> {
        self.remaining.filter(|remaining| *remaining > 0).map(|_| &self.one_by_one)
    }

    /// Counts one message that was processed by itself.
    pub(super) async fn count_down(&mut self) {
        self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(1));
        if self.remaining == Some(0) {
            self.one_by_one = OneByOne::default();
            self.record(None).await;
        }
    }

    /// Records in the database that a message is tried. Returns it if it must not be tried any more.
    pub(super) async fn try_message(&mut self, id: Uuid) -> Option<DeadlyMessage> {
        if let Some(crashes) = self.one_by_one.deadly.get(&id) {
            return Some(DeadlyMessage { id, crashes: *crashes });
        }
        self.record(Some(id)).await;
        self.one_by_one.tried.insert(id);
        None
    }

    async fn record(&self, id: Option<Uuid>) {
        if let Err(error) = self.store.try_alone(TrySlot::Message, id).await {
            self.health.database(Err(error.to_string()));
        }
    }
}
