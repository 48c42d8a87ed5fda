//! What a test can make fail in a database in memory.

use super::MemoryStore;
use crate::store::{Changes, RowChange, StoreError};

/// The switches by which a test makes a database in memory fail.
#[derive(Debug, Clone, Copy)]
pub struct StoreFaults<'a> {
    pub(super) store: &'a MemoryStore,
}

impl StoreFaults<'_> {
    /// Lets the next commits fail as if the disk were full, those of batches and of renewed leases; they write nothing.
    /// Replaces the count of an earlier call.
    pub fn fail_next_commits(self, count: u32) {
        self.store.shared.faults().failing = count;
    }

    /// Lets the next commits fail as if another instance had changed a row meanwhile; they write nothing.
    pub fn conflict_next_commits(self, count: u32) {
        self.store.shared.faults().conflicting = count;
    }

    /// Lets the next commits of batches write everything, and fail all the same: the connection is lost before the answer.
    pub fn leave_next_commits_unanswered(self, count: u32) {
        self.store.shared.faults().unanswered = count;
    }

    /// Sets whether the disk is full: nothing at all can be written.
    pub fn set_full(self, is_full: bool) {
        self.store.shared.faults().is_full = is_full;
    }

    /// Lets each commit fail that writes a row whose state has this text, as if a constraint did not allow it. None ends
    /// that.
    pub fn refuse_rows_with(self, text: Option<&str>) {
        self.store.shared.faults().refused = text.map(str::to_owned);
    }
}

/// What a test lets fail.
#[derive(Debug, Default)]
pub(super) struct Faults {
    failing: u32,
    conflicting: u32,
    unanswered: u32,
    is_full: bool,
    /// Rows are refused whose state has this text.
    refused: Option<String>,
}

impl Faults {
    /// Checks that the next commit may be tried.
    pub(super) fn next_commit(&mut self) -> Result<(), StoreError> {
        self.check_full()?;
        if count_down(&mut self.failing) {
            return Err(StoreError::database("committing", "a test lets this commit fail"));
        }
        Ok(())
    }

    /// Checks that the next batch finds its rows as it has read them.
    pub(super) fn next_batch(&mut self) -> Result<(), StoreError> {
        self.next_commit()?;
        match count_down(&mut self.conflicting) {
            true => Err(StoreError::RowConflict("a test lets this commit conflict".to_owned())),
            false => Ok(()),
        }
    }

    /// Checks that the answer to a commit arrives.
    pub(super) fn next_answer(&mut self) -> Result<(), StoreError> {
        match count_down(&mut self.unanswered) {
            true => Err(StoreError::database("committing", "a test lets this commit be written without an answer")),
            false => Ok(()),
        }
    }

    pub(super) fn check_full(&self) -> Result<(), StoreError> {
        match self.is_full {
            true => Err(StoreError::database("writing", "a test lets the disk be full")),
            false => Ok(()),
        }
    }

    /// Checks that all rows of a batch may be written.
    pub(super) fn check_rows(&self, changes: &Changes) -> Result<(), StoreError> {
        let Some(text) = &self.refused else { return Ok(()) };
        let has_text = |row: &&RowChange| row.state.as_ref().is_some_and(|state| state.contains(text));
        match changes.rows.iter().find(has_text) {
            Some(row) => Err(StoreError::Violation {
                operation: format!("writing rows of {}", row.table),
                detail: format!("a test refuses row {}", row.key),
            }),
            None => Ok(()),
        }
    }
}

fn count_down(count: &mut u32) -> bool {
    let counts = *count > 0;
    *count = count.saturating_sub(1);
    counts
}
