//! Whether the outbox relay has compared the kept rows with the streams: before that the reader does not read, because a
//! message that the stream has and the database does not know would be made again.

use crate::bus::ServerStart;
use crate::watched::Watched;

/// Under which epoch, and since which start of the server, the outbox is repaired; a clone is the same.
#[derive(Clone, Default)]
pub(crate) struct OutboxRepaired(Watched<Option<(i64, ServerStart)>>);

impl OutboxRepaired {
    /// Records that the outbox is repaired.
    pub(crate) fn set(&self, epoch: i64, server_start: ServerStart) {
        self.0.change(|repaired| *repaired = Some((epoch, server_start)));
    }

    /// Whether the outbox was repaired under an epoch.
    pub(crate) fn is_under(&self, epoch: i64) -> bool {
        self.0.get().is_some_and(|(under, _)| under == epoch)
    }

    /// Waits until the outbox is repaired under an epoch, for a start of the server: the one of the stream of events.
    pub(crate) async fn wait(&self, epoch: i64, server_start: &ServerStart) {
        let is_wanted = |repaired: &Option<(i64, ServerStart)>| {
            repaired.as_ref().is_some_and(|(under, start)| *under == epoch && start == server_start)
        };
        self.0.wait_for(is_wanted).await;
    }
}
