//! Whether a command may begin a story now: not while reading is halted, the circuit of a step is open or the backlog is
//! full.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;
use crate::engine::execute::ExecuteError;
use crate::engine::halt::Halt;
use crate::engine::shared_snapshot::SharedSnapshot;

/// The backlog when it was last counted; a clone is the same count.
#[derive(Clone, Default)]
pub(crate) struct BacklogCount(Arc<AtomicU64>);

impl BacklogCount {
    pub(crate) fn set(&self, rows: u64) {
        self.0.store(rows, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Decides whether a command that begins a story is accepted.
pub(crate) struct Intake {
    /// The names of the commands that begin a story.
    pub commands: BTreeSet<&'static str>,
    pub breaker: SharedSnapshot,
    pub backlog: BacklogCount,
    pub backlog_max: u64,
    pub halt: Halt,
    pub clock: Clock,
}

impl Intake {
    /// Returns why a command is refused now; none if it is accepted.
    pub(crate) fn refusal(&self, command: &str) -> Option<ExecuteError> {
        if !self.commands.contains(command) {
            return None;
        }
        let (breaker, backlog) = (self.breaker.current(), self.backlog.get());
        let open: Vec<_> = breaker.open_steps().collect();
        let (code, detail) = if let Some(reason) = self.halt.reason() {
            ("halted", format!("new stories are refused until an operator goes on: {reason}"))
        } else if !open.is_empty() {
            let open = open.join(", ");
            ("circuit-open", format!("new stories are refused while the circuit of {open} is open"))
        } else if backlog >= self.backlog_max {
            (
                "backlog-full",
                format!(
                    "new stories are refused while {backlog} messages and effects are not processed or published yet"
                ),
            )
        } else {
            return None;
        };
        let retry_after = breaker.rest_of_cycle(self.clock.now());
        Some(ExecuteError::Closed { code, detail, retry_after })
    }
}
