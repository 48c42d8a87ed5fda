//! What has to be done now and then: the lease is renewed, what is old is forgotten, what an operator must know is told.

use jiff::Timestamp;

use super::Worker;
use crate::clock::{earlier, later};
use crate::settings::{FORGET_MAX, LEASE};
use crate::store::{Old, StoreError};

/// Compensations that died are counted up to here; nobody needs to know more exactly.
const DEAD_COMPENSATIONS_COUNTED_MAX: u32 = 1_000;

impl Worker {
    /// Compensations that died are reported until they are repaired.
    pub(super) async fn look_for_dead_compensations(&self) {
        match self.store.dead_compensations(DEAD_COMPENSATIONS_COUNTED_MAX).await {
            Ok(compensations) => {
                let count = f64::from(u32::try_from(compensations.len()).unwrap_or(u32::MAX));
                metrics::gauge!("choreography_dead_compensations", "service" => self.choreography.service).set(count);
                self.shared.note_compensations(match compensations.as_slice() {
                    [] => Ok(()),
                    [first, ..] => Err(format!(
                        "{} died and not been repaired, the first is {}: a story is half undone until then",
                        if compensations.len() == 1 {
                            "a compensation has".to_owned()
                        } else {
                            format!("{} compensations have", compensations.len())
                        },
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
    pub(super) async fn maintenance(&mut self) {
        let counted = self.count_backlog().await;
        match self.renew_and_forget().await.and(counted) {
            Ok(()) => self.shared.note_database(Ok(())),
            Err(StoreError::HeadConflict { .. }) => self.stop_reading(),
            Err(error) => self.shared.note_database(Err(error.to_string())),
        }
    }

    async fn renew_and_forget(&mut self) -> Result<(), StoreError> {
        let now = self.settings.clock.now();
        let Some(checkpoint) = &mut self.state.checkpoint else { return Ok(()) };
        checkpoint.remember(self.settings.safe_after, now, self.state.deliveries.is_empty());
        let (epoch, safe) = (checkpoint.epoch, checkpoint.safe);
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

    /// Forgets the inbox and the answers; never while messages may come again that were received long ago.
    async fn forget(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let settled = earlier(now, self.settings.inbox_kept);
        let checkpoint = self.state.reading_since.is_some_and(|since| since < settled);
        if !checkpoint || self.shared.health().reading.is_err() {
            return Ok(());
        }
        let (dead, replies) = (earlier(now, self.settings.dead_kept), earlier(now, self.settings.replies_kept));
        let old = Old { received: settled, dead, replies };
        self.store.forget(&old, FORGET_MAX).await.map(drop)
    }
}
