//! How far it is, on stderr: nothing for what is done in a moment, and no more than can be read.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use tokio::time::Instant;

/// Nobody needs to be told before this.
const QUIET: Duration = Duration::from_secs(1);

/// How often the line on a terminal changes.
const TERMINAL_EVERY: Duration = Duration::from_millis(100);

/// How often there is a new line where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(3);

/// Takes the line on a terminal away.
const CLEAR: &str = "\r\x1b[K";

/// What tells how far it is.
pub(crate) struct RepairProgress {
    terminal: bool,
    next: Instant,
    told: bool,
}

impl RepairProgress {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        Self { terminal: stderr().is_terminal(), next: Instant::now() + QUIET, told: false }
    }

    /// Tells it, if it is time to.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + if self.terminal { TERMINAL_EVERY } else { LINE_EVERY };
        self.told = true;
        let line = line();
        let line = if self.terminal { format!("{CLEAR}{line}") } else { format!("{line}\n") };
        // Whoever closed stderr does not want to know.
        let _ = stderr().write_all(line.as_bytes());
    }
}

impl Drop for RepairProgress {
    fn drop(&mut self) {
        if self.terminal && self.told {
            let _ = stderr().write_all(CLEAR.as_bytes());
        }
    }
}
