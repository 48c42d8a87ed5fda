//! Who leads: one instance of a service reads and publishes, the others stand by.
//!
//! What must hold: whoever works under an epoch stops as soon as the epoch is lost or interrupted.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::store::{StoreError, put_back_head};
use crate::watched::Watched;

/// How long a leader keeps its lease without a reply of the server: an instance that can reach it takes over.
const UNREACHABLE_MAX: Duration = Duration::from_secs(5);

/// Whether this instance leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Term {
    /// The epoch under which this instance leads; none while it stands by.
    pub epoch: Option<i64>,
    /// How often leading was interrupted. While this number is the same, no other instance has led.
    pub interruptions: u64,
}

/// The leadership of one instance, shared by its tasks; a clone is the same leadership.
#[derive(Clone, Default)]
pub(crate) struct Leadership {
    term: Watched<Term>,
    /// When the server replied last, and this instance had its consumer; none while it lacks one of them.
    able: Watched<Option<Timestamp>>,
    /// The highest epoch that was seen in the database.
    seen: Watched<i64>,
}

impl Leadership {
    /// Returns the current term.
    pub(crate) fn term(&self) -> Term {
        self.term.get()
    }

    /// Begins to lead under an epoch. This instance does not lead under another one.
    pub(crate) fn become_leader(&self, epoch: i64) {
        self.term.change(|term| term.epoch = Some(epoch));
    }

    /// Records that this instance has what a leader needs: the server and its consumer.
    pub(crate) fn set_able(&self, now: Option<Timestamp>) {
        self.able.change(|able| *able = now);
    }

    /// Whether this instance could lead a moment ago. One that can't works on under its epoch, but gives up the lease.
    pub(crate) fn is_able(&self, now: Timestamp) -> bool {
        self.able.get().is_some_and(|able| now <= later(able, UNREACHABLE_MAX))
    }

    /// Records the epoch of the database.
    ///
    /// # Errors
    /// `PutBack` if it is lower than before.
    pub(crate) fn saw(&self, epoch: i64) -> Result<(), StoreError> {
        let seen = self.seen.change(|seen| {
            *seen = epoch.max(*seen);
            *seen
        });
        if epoch < seen { Err(put_back_head(seen, epoch)) } else { Ok(()) }
    }

    /// Stops leading, if this instance leads under this epoch.
    pub(crate) fn step_down(&self, epoch: i64) {
        self.term.change(|term| {
            let lost = term.epoch.take_if(|held| *held == epoch).is_some();
            term.interruptions += u64::from(lost);
        });
    }

    /// Makes every task that works as the leader start again from the database.
    pub(crate) fn interrupt(&self) {
        self.term.change(|term| term.interruptions += 1);
    }

    /// Waits until this instance leads, and returns the term.
    pub(crate) async fn leading(&self) -> Term {
        self.term.wait_for(|term| term.epoch.is_some()).await;
        self.term.get()
    }

    /// Waits until leading was interrupted since a term: this instance has stepped down, or begins anew, even if it leads
    /// again.
    pub(crate) async fn interrupted(&self, since: Term) {
        self.term.wait_for(|term| term.interruptions != since.interruptions).await;
    }

    /// Waits until this instance does not hold the epoch.
    pub(crate) async fn stepped_down(&self, epoch: i64) {
        self.term.wait_for(|term| term.epoch != Some(epoch)).await;
    }
}
