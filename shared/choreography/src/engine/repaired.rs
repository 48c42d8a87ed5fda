//! Whether the outbox relay has compared the kept rows with the streams: before that the reader does not read, because a
//! message that the stream has and the database does not know would be made again.

use crate::bus::ServerStart;
use crate::watched::Watched;

/// The last repair of the outbox; a clone is the same.
#[derive(Clone, Default)]
pub(crate) struct OutboxRepaired(Watched<Option<LastRepair>>);

/// A repair that is done.
#[derive(Debug, Clone)]
pub(crate) struct LastRepair {
    pub epoch: i64,
    /// Since which start of the server.
    pub server_start: ServerStart,
    /// The last place in the stream of events that has an adopted row; 0 if there is none.
    pub adopted_through: u64,
}

impl OutboxRepaired {
    /// Records that the outbox is repaired.
    pub(crate) fn set(&self, repair: LastRepair) {
        self.0.change(|repaired| *repaired = Some(repair));
    }

    /// Whether the outbox was repaired under an epoch.
    pub(crate) fn is_under(&self, epoch: i64) -> bool {
        self.adopted_through(epoch).is_some()
    }

    /// Returns the last place in the stream of events that has an adopted row, 0 if there is none; nothing if the outbox
    /// was not repaired under this epoch.
    pub(crate) fn adopted_through(&self, epoch: i64) -> Option<u64> {
        self.0.get().filter(|repair| repair.epoch == epoch).map(|repair| repair.adopted_through)
    }

    /// Waits until the outbox is repaired under an epoch.
    pub(crate) async fn wait_under(&self, epoch: i64) {
        self.0.wait_for(|repaired| repaired.as_ref().is_some_and(|repair| repair.epoch == epoch)).await;
    }

    /// Waits until the outbox is repaired under an epoch, for a start of the server: the one of the stream of events.
    pub(crate) async fn wait(&self, epoch: i64, server_start: &ServerStart) {
        let is_wanted = |repaired: &Option<LastRepair>| {
            repaired.as_ref().is_some_and(|repair| repair.epoch == epoch && repair.server_start == *server_start)
        };
        self.0.wait_for(is_wanted).await;
    }
}
