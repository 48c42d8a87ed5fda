//! The crash-loop guard: after a crash, messages are processed one by one. So the message that crashes the process is
//! found, and dies alone.

use std::sync::Arc;

use uuid::Uuid;

use crate::engine::batch::DeadlyMessage;
use crate::engine::health::HealthReporter;
use crate::settings::BATCH_MAX;
use crate::store::Store;

/// After how many crashes on a message that was tried by itself the message dies: one crash may be chance.
const CRASHES_MAX: u32 = 2;

/// How many messages are processed one by one after a crash: two batches, of which the first may have been committed.
const GUARDED_MESSAGES: usize = 2 * BATCH_MAX;

/// Processes messages one by one from the position where the last process crashed.
pub(super) struct CrashLoopGuard {
    store: Arc<dyn Store>,
    health: HealthReporter,
    /// How many messages are still processed one by one; none before this process recorded that it reads.
    remaining: Option<usize>,
    /// The message that the last process tried when it crashed, and how many processes crashed on it.
    suspect: Option<(Uuid, u32)>,
}

impl CrashLoopGuard {
    pub(super) fn new(store: Arc<dyn Store>, health: HealthReporter) -> Self {
        Self { store, health, remaining: None, suspect: None }
    }

    /// Whether messages are processed one by one. The first call records that this process reads from here; if the last
    /// process crashed at the same position, the guard is on.
    pub(super) async fn is_on(&mut self) -> bool {
        if self.remaining.is_none() {
            match self.store.begin_run().await {
                Ok(last) => {
                    self.remaining = Some(if last.died_here { GUARDED_MESSAGES } else { 0 });
                    self.suspect = last.suspect;
                }
                Err(error) => self.health.database(Err(error.to_string())),
            }
        }
        self.remaining.is_some_and(|remaining| remaining > 0)
    }

    /// Counts one message that is processed by itself.
    pub(super) fn count_down(&mut self) {
        self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(1));
    }

    /// Records in the database that a message is tried. Returns it if it must not be tried any more.
    ///
    /// The message on which the last process crashed stays recorded until it is tried again: those before it were
    /// processed.
    pub(super) async fn try_message(&mut self, id: Uuid) -> Option<DeadlyMessage> {
        match self.suspect {
            Some((suspect, _)) if suspect != id => None,
            Some((_, crashes)) => {
                self.suspect = None;
                (crashes >= CRASHES_MAX).then_some(DeadlyMessage { id, crashes })
            }
            None => {
                if let Err(error) = self.store.try_message(id).await {
                    self.health.database(Err(error.to_string()));
                }
                None
            }
        }
    }
}
