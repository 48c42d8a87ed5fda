//! Stopping a service: its tasks finish what they have begun.

use crate::watched::Watched;

/// Whether a service is stopping, shared by its tasks; a clone is the same signal.
#[derive(Clone, Default)]
pub(crate) struct Stopping {
    begun: Watched<bool>,
}

impl Stopping {
    /// Signals every task to finish.
    pub(crate) fn begin(&self) {
        self.begun.change(|begun| *begun = true);
    }

    /// Whether the service is stopping.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Waits until the service is stopping.
    pub(crate) async fn begun(&self) {
        self.begun.wait_for(|begun| *begun).await;
    }
}
