//! Stopping a service: its tasks finish what they have begun.

use tokio::sync::watch;

/// Whether a service is stopping, shared by its tasks; a clone is the same signal.
#[derive(Clone, Default)]
pub(crate) struct Stopping {
    begun: watch::Sender<bool>,
}

impl Stopping {
    /// Signals every task to finish.
    pub(crate) fn begin(&self) {
        self.begun.send_replace(true);
    }

    /// Whether the service is stopping.
    pub(crate) fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Waits until the service is stopping.
    pub(crate) async fn begun(&self) {
        let _ = self.begun.subscribe().wait_for(|begun| *begun).await;
    }
}
