//! The breaker snapshot as the tasks of a service share it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::breaker::BreakerSnapshot;

/// The last breaker snapshot; a clone is the same.
#[derive(Clone)]
pub(crate) struct SharedSnapshot(watch::Sender<Arc<BreakerSnapshot>>);

impl SharedSnapshot {
    /// Returns the snapshot of a service that has not read any dead letters.
    pub(crate) fn unknown(now: Timestamp) -> Self {
        Self(watch::Sender::new(Arc::new(BreakerSnapshot::unknown(now))))
    }

    pub(crate) fn current(&self) -> Arc<BreakerSnapshot> {
        self.0.borrow().clone()
    }

    /// Returns a receiver that is woken when a circuit changes, not when only the server's time does. The outbox relay alone
    /// waits for that: several tasks would be woken in a random order.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<BreakerSnapshot>> {
        self.0.subscribe()
    }

    pub(crate) fn set(&self, now: BreakerSnapshot) {
        self.0.send_if_modified(|before| {
            let changed = (before.caught_up, &before.circuits) != (now.caught_up, &now.circuits);
            *before = Arc::new(now);
            changed
        });
    }
}
