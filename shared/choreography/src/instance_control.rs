//! Stops an instance at its calls of the database and of the message server in memory, as a process is stopped or killed.

use std::future::pending;

use crate::watched::Watched;

/// What a test does to one instance. A clone controls the same instance; the default one stops nothing.
#[derive(Clone, Default)]
pub(crate) struct InstanceControl {
    state: Watched<Control>,
}

#[derive(Clone, Copy, Default)]
struct Control {
    is_paused: bool,
    /// How many more times the instance passes before it is killed.
    passes: Option<u64>,
}

impl InstanceControl {
    /// Called by an adapter before each call, and again when the call has taken effect: waits while the instance is
    /// stopped, and for ever from the moment at which it is killed.
    pub(crate) async fn pass(&self) {
        match self.state.get() {
            Control { is_paused: false, passes: None } => return,
            Control { passes: Some(passes), .. } => {
                self.state.change(|control| control.passes = Some(passes.saturating_sub(1)));
                if passes == 0 {
                    return pending().await;
                }
            }
            Control { .. } => {}
        }
        self.state.wait_for(|control| !control.is_paused).await;
    }
}

#[cfg(feature = "testing")]
impl InstanceControl {
    /// Kills the instance when it has passed so many more times.
    pub(crate) fn kill_after(&self, passes: u64) {
        self.state.change(|control| control.passes = Some(passes));
    }

    /// Stops the instance at its next call, or lets it go on.
    pub(crate) fn pause(&self, is_paused: bool) {
        self.state.change(|control| control.is_paused = is_paused);
    }

    /// Waits until the instance is killed.
    pub(crate) async fn killed(&self) {
        self.state.wait_for(|control| control.passes == Some(0)).await;
    }
}
