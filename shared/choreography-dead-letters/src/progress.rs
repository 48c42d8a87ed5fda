//! Shows on a terminal how far a command is. If stderr is not a terminal, nothing is shown.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use tokio::time::Instant;

/// Nothing is shown for a command that ends sooner.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// One line on the terminal, which is removed at the end.
pub(crate) struct Progress {
    bar: ProgressBar,
    shown_from: Instant,
    is_shown: bool,
}

impl Progress {
    /// Returns a progress line that is not shown yet.
    pub(crate) fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
            .with_style(ProgressStyle::default_spinner())
            .with_finish(ProgressFinish::AndClear);
        Self { bar, shown_from: Instant::now() + SHOWN_AFTER, is_shown: false }
    }

    /// Updates the line, if it is time to show one.
    pub(crate) fn update(&mut self, message: impl FnOnce() -> String) {
        if Instant::now() < self.shown_from {
            return;
        }
        if !self.is_shown {
            // Draws only on a terminal, and a bounded number of times a second.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.is_shown = true;
        }
        if !self.bar.is_hidden() {
            self.bar.set_message(message());
            self.bar.tick();
        }
    }
}
