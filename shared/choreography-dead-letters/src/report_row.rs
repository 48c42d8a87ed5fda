//! One row of a report: the outcome for one dead letter.

use choreography::dead_letters::{DeadLetter, Obstacle, RepairOutcome, RepairResult};
use serde_json::{Value, json};

/// The outcomes that no service records, as scripts read them.
pub(crate) const PLANNED: &str = "planned";
pub(crate) const PENDING: &str = "pending";
pub(crate) const UNPUBLISHED: &str = "unpublished";
pub(crate) const SKIPPED: &str = "skipped";
pub(crate) const MISSING: &str = "missing";

/// The outcome for one dead letter.
pub(crate) struct ReportRow {
    pub(crate) sequence: u64,
    dead_letter: Option<DeadLetter>,
    pub(crate) outcome: &'static str,
    pub(crate) detail: String,
}

impl ReportRow {
    /// Returns the row of a dead letter that can't be repaired.
    pub(crate) fn skipped(dead_letter: &DeadLetter, obstacle: &Obstacle) -> Self {
        let hint = if matches!(obstacle, Obstacle::Handled(_)) { "; --again requests it all the same" } else { "" };
        Self::new(dead_letter, SKIPPED, format!("{obstacle}{hint}"))
    }

    /// Returns the row of a dead letter that would be repaired without `--dry-run`.
    pub(crate) fn planned(dead_letter: &DeadLetter) -> Self {
        Self::new(dead_letter, PLANNED, String::new())
    }

    /// Returns the row of a dead letter that does not exist.
    pub(crate) fn missing(sequence: u64) -> Self {
        Self { sequence, dead_letter: None, outcome: MISSING, detail: format!("there is no dead letter {sequence}") }
    }

    /// Returns the row of a dead letter with the result of its repair.
    pub(crate) fn of(dead_letter: &DeadLetter, result: RepairResult) -> Self {
        match result {
            RepairResult::Recorded(record) => Self::new(dead_letter, record.outcome.as_str(), record.detail),
            RepairResult::Pending => Self::new(dead_letter, PENDING, String::new()),
            RepairResult::Unpublished(why) => Self::new(dead_letter, UNPUBLISHED, why),
        }
    }

    fn new(dead_letter: &DeadLetter, outcome: &'static str, detail: String) -> Self {
        Self { sequence: dead_letter.sequence, dead_letter: Some(dead_letter.clone()), outcome, detail }
    }

    /// Whether nothing is left to do about it.
    pub(crate) fn is_done(&self) -> bool {
        self.outcome == RepairOutcome::Done.as_str() || self.outcome == PLANNED
    }

    /// Returns the service, the message and the key; empty where there is no dead letter.
    pub(crate) fn cells(&self) -> [&str; 3] {
        let Some(DeadLetter { service, message, key, .. }) = &self.dead_letter else { return [""; 3] };
        [service, message, key]
    }

    /// Returns the row for scripts.
    pub(crate) fn json(&self) -> Value {
        let dead_letter = self.dead_letter.as_ref();
        json!({
            "sequence": self.sequence,
            "service": dead_letter.map(|dead_letter| &dead_letter.service),
            "message": dead_letter.map(|dead_letter| &dead_letter.message),
            "key": dead_letter.map(|dead_letter| &dead_letter.key),
            "id": dead_letter.and_then(|dead_letter| dead_letter.id).map(|id| id.to_string()),
            "outcome": self.outcome,
            "detail": self.detail,
        })
    }
}
