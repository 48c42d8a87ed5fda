//! What has to be done now and then: the lease is renewed, what is old is forgotten, what an operator must know is told.

use jiff::Timestamp;

use super::Worker;
use crate::clock::{earlier, later};
use crate::settings::{FORGET_MAX, LEASE};
use crate::store::{Old, StoreError};

/// Undos that died are counted up to here; nobody needs to know more exactly.
const DEAD_UNDOS_COUNTED_MAX: u32 = 1_000;

impl Worker {
    /// Undos that died are reported until they are repaired.
    pub(super) async fn look_for_dead_undos(&self) {
        match self.store.dead_undos(DEAD_UNDOS_COUNTED_MAX).await {
            Ok(undos) => {
                let count = f64::from(u32::try_from(undos.len()).unwrap_or(u32::MAX));
                metrics::gauge!("choreography_dead_undos", "service" => self.choreography.service).set(count);
                self.shared.note_undos(match undos.as_slice() {
                    [] => Ok(()),
                    [first, ..] => Err(format!(
                        "{} died and not been repaired, the first is {}: a story is half undone until then",
                        if undos.len() == 1 { "an undo has".to_owned() } else { format!("{} undos have", undos.len()) },
                        first.subject
                    )),
                });
            }
            Err(error) => self.shared.note_database(Err(error.to_string())),
        }
    }

    pub(super) async fn look_ahead(&mut self) -> Result<(), StoreError> {
        self.state.due = self.store.next_due().await?;
        Ok(())
    }

    /// Renews the lease and forgets what is old. While nothing arrives, this alone shows whether the database works.
    pub(super) async fn chores(&mut self) {
        let counted = self.count_backlog().await;
        match self.renew_and_forget().await.and(counted) {
            Ok(()) => self.shared.note_database(Ok(())),
            Err(StoreError::HeadConflict { .. }) => self.stop_reading(),
            Err(error) => self.shared.note_database(Err(error.to_string())),
        }
    }

    async fn renew_and_forget(&mut self) -> Result<(), StoreError> {
        let now = self.settings.clock.now();
        let Some(reading) = &mut self.state.reading else { return Ok(()) };
        reading.remember(self.settings.safe_after, now, self.state.deliveries.is_empty());
        let (epoch, safe) = (reading.epoch, reading.safe);
        self.store.renew(epoch, later(now, LEASE), safe, self.shared.forgettable()).await?;
        self.look_ahead().await?;
        self.forget(now).await
    }

    /// Counts what is on its way: of what was said, as much as the server has not acknowledged. An instance that stands by
    /// does not know how much that is, and counts what is only kept a while, too.
    async fn count_backlog(&self) -> Result<(), StoreError> {
        let (backlog, head) = (self.store.backlog().await?, self.store.head().await?);
        let open = u64::try_from(head.outbox_next - 1 - self.shared.acknowledged()).unwrap_or_default();
        self.shared.set_backlog(open.min(backlog.outbox) + backlog.waiting);
        Ok(())
    }

    /// Forgets the inbox and the answers; never while messages may come again that were heard long ago.
    async fn forget(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let settled = earlier(now, self.settings.inbox_kept);
        let reading = self.state.reading_since.is_some_and(|since| since < settled);
        if !reading || self.shared.health().reading.is_err() {
            return Ok(());
        }
        let (dead, answers) = (earlier(now, self.settings.dead_kept), earlier(now, self.settings.answers_kept));
        let old = Old { heard: settled, dead, answers };
        self.store.forget(&old, FORGET_MAX).await.map(drop)
    }
}
