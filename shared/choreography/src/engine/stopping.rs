//! Stopping a service: its tasks finish what they have begun. A service also stops when it can't go on.

use crate::watched::Watched;

/// Whether a service is stopping, shared by its tasks; a clone is the same signal.
#[derive(Clone, Default)]
pub(crate) struct Stopping {
    begun: Watched<bool>,
    /// Why the service ended itself, if it did: the first cause.
    failed: Watched<Option<String>>,
}

impl Stopping {
    /// Signals every task to finish.
    pub(crate) fn begin(&self) {
        self.begun.change(|begun| *begun = true);
    }

    /// Ends the service because it can't go on in this process. Does nothing if it is stopping already.
    pub(crate) fn fail(&self, why: String) {
        if self.has_begun() {
            return;
        }
        tracing::error!("the service ends itself: {why}");
        self.failed.change(|failed| _ = failed.get_or_insert(why));
        self.begin();
    }

    /// Whether the service is stopping.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Waits until the service is stopping.
    pub(crate) async fn begun(&self) {
        self.begun.wait_for(|begun| *begun).await;
    }

    /// Waits until the service has ended itself, and returns why.
    pub(crate) async fn failed(&self) -> String {
        self.failed.wait_for(Option::is_some).await;
        self.failed.get().unwrap_or_default()
    }
}
