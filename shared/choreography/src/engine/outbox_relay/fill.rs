//! Fills the window from the database: with rows that were committed elsewhere, or that had no room in memory.

use super::OutboxRelay;
use super::error::RelayError;
use super::held::message_of;
use super::window::Window;
use crate::settings::WINDOW_MAX;
use crate::store::OutboxRow;

impl OutboxRelay {
    /// Reads from the database the rows that no batch of this instance has sent here: those from before a new
    /// connection, and those of other instances. Returns whether there are more.
    pub(super) async fn catch_up(&self, epoch: i64, window: &mut Window<'_>) -> Result<bool, RelayError> {
        let rows = self.page(window.next).await?;
        // If this process stood still for a while, another instance may have published them by now.
        if !rows.is_empty() && self.store.head().await?.epoch != epoch {
            return Err(RelayError::SteppedDown);
        }
        let more = rows.len() >= WINDOW_MAX;
        window.take_page(rows);
        Ok(more)
    }

    /// Reads from the database the rows for which a lane had no room.
    pub(super) async fn refill(&self, window: &mut Window<'_>, message: &str, from: i64) -> Result<(), RelayError> {
        let rows = self.page(from).await?;
        let is_over = rows.len() < WINDOW_MAX || rows.last().is_none_or(|last| last.number + 1 >= window.next);
        let rest_from = rows.last().map(|last| last.number + 1).filter(|_| !is_over);
        // Rows that are not sorted into lanes yet are sorted later.
        let (next, acknowledged) = (window.next, &window.published.acknowledged);
        let rows = rows.into_iter().filter(|row| row.number < next && !acknowledged.contains(row.number));
        let of_lane = rows.filter(|row| message_of(&row.envelope.subject) == Some(message));
        window.lanes.refill(message, of_lane, rest_from);
        Ok(())
    }

    async fn page(&self, from: i64) -> Result<Vec<OutboxRow>, RelayError> {
        let limit = u32::try_from(WINDOW_MAX).unwrap_or(u32::MAX);
        Ok(self.store.outbox(from, limit).await?)
    }
}
