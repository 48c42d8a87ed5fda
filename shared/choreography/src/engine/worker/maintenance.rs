//! Maintenance: once a second the lease is renewed, the backlog counted, and old rows deleted.

use std::sync::Arc;

use super::reading::Reading;
use crate::clock::{earlier, later};
use crate::declare::choreography::Choreography;
use crate::declare::stored_row::UnreadableRow;
use crate::engine::outbox_numbers::OutboxNumbers;
use crate::engine::received_numbers::ReceivedNumbers;
use crate::engine::shared::Shared;
use crate::engine::unreadable_rows::UnreadableRows;
use crate::settings::{FORGET_MAX, LEASE, Settings};
use crate::store::{DeadCompensation, Old, Renewal, Store, StoreError};

/// Up to how many dead compensations are counted: an exact higher number would not help an operator.
const DEAD_COMPENSATIONS_COUNTED_MAX: u32 = 1_000;

/// The periodic work of a service on its database.
pub(super) struct Maintenance {
    pub choreography: Arc<Choreography>,
    pub unreadable_rows: UnreadableRows,
    pub store: Arc<dyn Store>,
    pub shared: Shared,
    pub settings: Settings,
}

impl Maintenance {
    /// Renews the lease and deletes old rows, a bounded number at once. Returns whether there may be more of them. While
    /// nothing arrives, this alone shows whether the database works.
    ///
    /// # Errors
    /// `HeadConflict` if another instance leads.
    pub(super) async fn run(&mut self, reading: &mut Reading) -> Result<bool, StoreError> {
        self.shared.health.look();
        let counted = self.count_backlog().await.and(self.read_unreadable_rows().await);
        match self.renew_and_forget(reading).await.and_then(|more| counted.map(|()| more)) {
            Ok(more) => {
                self.shared.health.database(Ok(()));
                return Ok(more);
            }
            Err(error @ StoreError::HeadConflict { .. }) => return Err(error),
            Err(error @ StoreError::PutBack(_)) => self.shared.stopping.fail(error.to_string()),
            Err(error) => self.shared.health.database(Err(error.to_string())),
        }
        Ok(false)
    }

    /// Reports the compensations that died, and the messages whose fallback failed, until they are repaired.
    pub(super) async fn report_dead_compensations(&self) {
        match self.store.dead_compensations(DEAD_COMPENSATIONS_COUNTED_MAX).await {
            Ok(dead) => {
                let count = f64::from(u32::try_from(dead.len()).unwrap_or(u32::MAX));
                metrics::gauge!("choreography_dead_compensations", "service" => self.choreography.service).set(count);
                self.shared.health.compensations(check_compensations(&dead));
            }
            Err(error) => self.shared.health.database(Err(error.to_string())),
        }
    }

    /// Takes the rows that a batch has found unreadable.
    pub(super) fn take_unreadable(&mut self, rows: Vec<UnreadableRow>) {
        if self.unreadable_rows.add(rows) {
            self.shared.health.rows(self.unreadable_rows.health());
        }
    }

    /// Looks whether unreadable rows are mended.
    async fn read_unreadable_rows(&mut self) -> Result<(), StoreError> {
        self.unreadable_rows.read_again(&self.choreography.tables, self.store.as_ref()).await?;
        self.shared.health.rows(self.unreadable_rows.health());
        Ok(())
    }

    /// Reports the messages that are lost.
    pub(super) fn report_lost(&self, received: &ReceivedNumbers) {
        let lost = received.lost();
        metrics::gauge!("choreography_lost_messages", "service" => self.choreography.service).set(lost as f64);
        self.shared.health.lost(match lost {
            0 => Ok(()),
            lost => Err(format!(
                "{lost} messages for this service are lost, and their publishers keep them no more: see the dead letters \
                 `lost`; `{} stream --accept-lost` ends this report",
                self.choreography.service
            )),
        });
        self.report_lost_commands(received);
    }

    /// Reports what the database has lost by being put back.
    fn report_lost_commands(&self, received: &ReceivedNumbers) {
        let (service, (count, kinds)) = (self.choreography.service, received.lost_commands());
        metrics::gauge!("choreography_lost_command_messages", "service" => service).set(count as f64);
        self.shared.health.commands(match count {
            0 => Ok(()),
            _ => Err(format!(
                "the database was put back to a copy that is older than commands whose messages the stream has: {kinds}. \
                 What these commands changed is lost here, and other services have acted on it: compare with them; \
                 `{service} stream --accept-lost` ends this report"
            )),
        });
    }

    /// Renews the lease while this instance can work, adds the position to the checkpoints, and deletes old rows.
    async fn renew_and_forget(&self, reading: &mut Reading) -> Result<bool, StoreError> {
        let Some(epoch) = reading.epoch else { return Ok(false) };
        let now = self.settings.clock.now();
        let lease_until = if self.shared.leadership.is_able(now) { later(now, LEASE) } else { now };
        // What was known before the outbox is repaired under this epoch may be of a newer database than this one.
        let outbox = Some(&self.shared.outbox).filter(|_| self.shared.repaired.is_under(epoch));
        let forgettable = outbox.map(OutboxNumbers::forgettable).unwrap_or_default();
        let published = outbox.map(OutboxNumbers::acknowledged).filter(|published| *published > 0);
        let position = reading.position.map_or(0, |position| position.sequence);
        let renewal = Renewal {
            at_least: (position, published.unwrap_or(0)),
            published,
            stored_rows: outbox.and_then(OutboxNumbers::take_stored_rows),
            forget: forgettable.rows.clone(),
            forget_max: FORGET_MAX,
            floor: forgettable.floor.filter(|_| forgettable.rows.is_empty()),
            checkpoint: reading.position,
            stream_first: reading.stream_first,
            ..Renewal::of_lease(lease_until)
        };
        let more_rows = self.store.renew(epoch, &renewal).await?;
        if !more_rows {
            self.shared.outbox.deleted(&forgettable);
        }
        reading.due = self.store.next_due().await?;
        let (dead, replies) = (earlier(now, self.settings.dead_kept), earlier(now, self.settings.replies_kept));
        Ok(self.store.forget(&Old { dead, replies }, FORGET_MAX).await? || more_rows)
    }

    /// Counts the backlog: outbox rows that the server has not acknowledged, waiting messages and effects. A standby knows
    /// from the leader which rows are acknowledged. Notes whether the service is halted.
    async fn count_backlog(&self) -> Result<(), StoreError> {
        let limit = u32::try_from(self.settings.backlog_max).unwrap_or(u32::MAX);
        let (queued, head) = (self.store.queued(limit).await?, self.store.head().await?);
        let published = head.outbox_published.max(self.shared.outbox.acknowledged());
        let unpublished = u64::try_from(head.outbox_next - 1 - published).unwrap_or_default();
        self.shared.backlog.set(unpublished + queued);
        self.shared.halt.set(head.halted);
        self.shared.leadership.saw(head.epoch)
    }
}

fn check_compensations(dead: &[DeadCompensation]) -> Result<(), String> {
    let Some(first) = dead.first() else { return Ok(()) };
    let count = match dead.len() {
        1 => "a compensation or a fallback has".to_owned(),
        count => format!("{count} compensations or fallbacks have"),
    };
    Err(format!(
        "{count} failed and not been repaired, the first for {}: until then a story is only partly compensated. Replay or \
         drop its dead letter, which is published again until then",
        first.subject
    ))
}
